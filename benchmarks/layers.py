"""Which attack each layer stops: the same attacks, with every layer in force and with one switched off at a time.

    python tests/grader/box.py --write . python benchmarks/layers.py [--cost N]

A submission tries each attack from `SingleHeadAttention.__init__` and prints which succeeded; it is graded by a real
engine that was started with one layer replaced by nothing. The product has no such switch: it is done from outside, in
the line that starts the engine. A layer whose absence changes nothing must say why it is there (docs/security.md).
`--cost N`: instead, the seconds of one honest submission with all layers against none, over N pairs.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from autograder.grading import (  # noqa: E402
    Options,
    grade,
    grade_many,
    supervisor,
)
from tests.grader import box  # noqa: E402

HONEST = ROOT / "examples" / "class" / "ada_complete"

# The names that the engine's modules call each layer by, replaced before it starts.
OFF = {
    "all on": "",
    "ids": "lockdown.student_ids = lambda child: None",
    "rlimits": "lockdown.limit_resources = lambda *a, **k: True",
    "no-new-privs": "lockdown.PR_SET_NO_NEW_PRIVS = 0x7fff",
    "undumpable": "lockdown.PR_SET_DUMPABLE = 0x7fff",
    "Landlock": "lockdown.landlock.restrict = lambda *a, **k: False",
    "seccomp": "lockdown.seccomp.install = lambda *a, **k: False",
    "namespaces": "from autograder.sandbox import namespaces; namespaces.possible = lambda: False",
    "subreaper": "lockdown.PR_SET_CHILD_SUBREAPER = 0x7fff",
}
OFF["ids, Landlock"] = "; ".join([OFF["ids"], OFF["Landlock"]])
OFF["seccomp, Landlock"] = "; ".join([OFF["seccomp"], OFF["Landlock"]])
OFF["all of them"] = "; ".join(patch for name, patch in OFF.items() if patch and "," not in name)

ATTACKS = """
import ctypes, os, socket, sys
import torch
from torch import nn

libc = ctypes.CDLL(None, use_errno=True)
SECRET, REFERENCE, LINGER = {secret!r}, {reference!r}, {linger!r}

def read_secret(): open(SECRET).read()
def read_reference(): open(REFERENCE).read()
def write_outside(): open(SECRET + ".new", "w").close()
def read_parent_memory(): open("/proc/%d/mem" % os.getppid(), "rb").close()
def read_parent_environment(): open("/proc/%d/environ" % os.getppid(), "rb").read()
def have_numbers_for_the_grader(): os.getppid() != 1 or _no()
def signal_parent(): os.kill(os.getppid(), 0)
def become_root(): os.setresuid(0, 0, 0)
def start_a_process():
    pid = os.fork()
    if pid == 0: os._exit(0)
    os.waitpid(pid, 0)
def leave_a_daemon():
    if os.fork() == 0:
        libc.prctl(15, LINGER.encode(), 0, 0, 0)  # PR_SET_NAME
        os.setsid()
        import time
        time.sleep(30)
        os._exit(0)
def run_a_program(): os.spawnv(os.P_WAIT, "/bin/true", ["true"]) == 0 or _no()
def open_a_socket(): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
def send_a_datagram(): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))
def shared_memory():
    if libc.shmget(0x41323302, 4096, 0o1666) < 0: _no()
def anonymous_file(): os.close(os.memfd_create("x"))
def new_namespace():
    if libc.unshare(0x10000000): _no()
def change_mode():
    open("own", "w").close()
    os.chmod("own", 0o4777)
def forget_parent_death():
    if libc.prctl(1, 0, 0, 0, 0): _no()
def take_4_gb(): torch.ones(1 << 30)
def open_1000_files(): [os.close(f) for f in [os.open("/dev/null", 0) for _ in range(1000)]]
def _no(): raise OSError("refused")

ORDER = (read_secret, read_reference, write_outside, read_parent_memory, read_parent_environment, signal_parent,
         have_numbers_for_the_grader,
         become_root, start_a_process, leave_a_daemon, run_a_program, open_a_socket, send_a_datagram, shared_memory,
         anonymous_file, new_namespace, change_mode, forget_parent_death, take_4_gb, open_1000_files)

class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        for attack in ORDER:
            try:
                attack()
            except BaseException:
                continue
            print("GOT", attack.__name__, flush=True)
        raise ValueError("tried")
    def forward(self, x):
        return x
"""
LISTED = re.search(r"ORDER = \((.*?)\)", ATTACKS, re.S)
assert LISTED is not None
ORDER = LISTED.group(1).replace("\n", " ").replace(" ", "").split(",")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cost", type=int, metavar="N", help="pairs of honest gradings, all layers against none")
    given = parser.parse_args()
    if not box.inside():
        parser.error("run it in the box: python tests/grader/box.py --write . python benchmarks/layers.py")
    original = supervisor._START
    if given.cost:
        return cost(given.cost, original)
    before: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        for name, patch in OFF.items():
            got, isolation = attempt(Path(folder), start_line(original, patch))
            if name == "all on":
                before = got
                print(f"{len(ORDER)} attacks: {', '.join(ORDER)}\n")
            new = ", ".join(sorted(got - before)) or "nothing more"
            print(f"{name:20} {new if name != 'all on' else ', '.join(sorted(got)) or 'none succeeds'}")
            print(f"{'':20}   [{isolation}]")


def start_line(original: str, patch: str) -> str:
    """The engine's start line with a layer replaced; the thread counts are set first, as the engine does."""
    early = "import os; os.environ.update(OMP_NUM_THREADS='1', OPENBLAS_NUM_THREADS='1', MKL_NUM_THREADS='1')"
    engine = "from autograder.engine.main"
    path, rest = original.split(f"; {engine}", 1)
    return f"{path}; {early}; from autograder.sandbox import lockdown; {patch or 'pass'}; {engine}{rest}"


def attempt(folder: Path, line: str) -> tuple[set[str], str]:
    """(attacks that succeeded, the isolation line) for one engine."""
    secret = folder / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    secret.chmod(0o644)
    submission = folder / "submission"
    submission.mkdir(exist_ok=True)
    text = ATTACKS.format(secret=str(secret), reference=str(ROOT / "reference" / "attention.py"), linger="hw6linger")
    (submission / "hw6.py").write_text(text, encoding="utf-8")
    supervisor._START = line
    report = grade(submission, Options(only="4a.1", allow_weak_isolation=True))
    said = "\n".join(test.staff for test in report.tests)
    got = {name for name in re.findall(r"GOT (\w+)", said) if name in ORDER} - {"leave_a_daemon"}
    if lingering("hw6linger"):
        got.add("leave_a_daemon")
    return got, report.isolation


def lingering(name: str) -> bool:
    """Whether a process of that name is alive."""
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() == name:
                return True
        except OSError:
            continue
    return False


def cost(pairs: int, original: str) -> None:
    """Prints the ratio of an honest submission's seconds, all layers on against all off, engines side by side."""
    off = start_line(original, OFF["all of them"])
    ratios, seconds = [], []
    for _ in range(pairs):
        on_seconds, off_seconds = further(start_line(original, "")), further(off)
        ratios.append(on_seconds / off_seconds)
        seconds.append((on_seconds, off_seconds))
    on, without = (statistics.median(column) for column in zip(*seconds))
    print(f"one more submission: {on:.3f} s with all layers, {without:.3f} s with none")
    print(f"ratio {statistics.median(ratios):.3f} (median of {pairs} pairs; {min(ratios):.3f} to {max(ratios):.3f})")


def further(line: str, count: int = 8) -> float:
    """Median seconds of the second and later submissions of one engine."""
    supervisor._START = line
    times, last = [], time.perf_counter()
    for _ in grade_many([HONEST] * (count + 1), Options(allow_weak_isolation=True)):
        now = time.perf_counter()
        times.append(now - last)
        last = now
    return statistics.median(times[1:])


if __name__ == "__main__":
    main()
