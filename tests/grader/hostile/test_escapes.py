"""Ways out of the student's room: files, processes, sockets, other users, the grader, the neighbour. None is open.

The body is right, so what is denied costs nothing: each of these is graded as usual, and says nothing.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import pytest

from autograder.sandbox import landlock, seccomp
from tests.grader.hostile import oracles
from tests.grader.hostile.submissions import Attack
from tests.grader.source_tree import ROOT

LIBC = "import ctypes, errno\nlibc = ctypes.CDLL(None, use_errno=True)\n"
FOLDERS = [str(ROOT), str(ROOT / "reference"), str(ROOT / "tests" / "hidden"), str(ROOT.parent)]

ESCAPES = {
    # files
    "read the reference": f"""
        for folder in {FOLDERS!r}:
            if quietly(lambda: os.listdir(folder)): got("listed " + folder)
        for name in ("reference/attention.py", "tests/hidden/test_4a_attention.py", "course_secret.txt", "autograder/policy.toml"):
            if quietly(lambda: open(os.path.join({str(ROOT)!r}, name)).read()): got("read " + name)
        """,
    "read what others left": """
        for folder in ("/", "/tmp", "/etc", "/home", "/root", "/proc", "/var/tmp", ".."):
            if quietly(lambda: os.listdir(folder)): got("listed " + folder)
        for path in ("/etc/passwd", "/etc/shadow", "/proc/1/cmdline", "/proc/self/maps"):
            if quietly(lambda: open(path).read()): got("read " + path)
        """,
    "write where others read": f"""
        for folder in ["/tmp", "/var/tmp", "/dev/shm", "/run/lock", os.path.dirname(os.getcwd())] + {FOLDERS!r}:
            path = os.path.join(folder, "planted")
            if quietly(lambda: open(path, "w")): got("wrote " + path)
        """,
    "links named like the grader's files": """
        for name in ("results.json", "report.html", "stdout", "conftest.py"):
            for make in (os.symlink, os.link):
                def plant():
                    make("/etc/hostname", name)
                    got("a link " + name)
                quietly(plant)
        """,
    "modules planted where they are imported from": """
        import site
        for folder in [p for p in sys.path if p] + quietly(site.getsitepackages) + [quietly(site.getusersitepackages) or "."]:
            for name in ("json.py", "sitecustomize.py", "conftest.py", "x.pth"):
                path = os.path.join(folder, name)
                if os.path.abspath(folder) != os.getcwd() and quietly(lambda: open(path, "x")):
                    got("planted " + path)
        """,
    "modes taken away": f"""
        for path in {FOLDERS!r} + [".", os.path.expanduser("~"), sys.executable]:
            for mode in (0, 0o4777):
                def change():
                    os.chmod(path, mode)
                    got("mode of " + path)
                quietly(change)
        """,
    "a checkpoint that runs code": """
        class Payload:
            def __reduce__(self): return (os.mkdir, ("/tmp/planted",))
        import pickle
        with open("model.safetensors", "wb") as file: pickle.dump({"weights": Payload()}, file)
        """,
    # identity
    "root again": """
        for name, arguments in (("setuid", (0,)), ("seteuid", (0,)), ("setresuid", (-1, 0, -1)), ("setgid", (0,)), ("setgroups", ([0],))):
            def climb():
                getattr(os, name)(*arguments)
                got(name)
            if os.getuid() != 0: quietly(climb)
        if os.getuid() == 0 or os.geteuid() == 0: got("it is root")
        """,
    "a namespace of its own": LIBC + "\nfor flag in (0x10000000, 0x20000, 0x20000000, 0x40000000):\n    if libc.unshare(flag) == 0: got(hex(flag))",
    "capabilities and mounts": LIBC + """
for name, arguments in (("mount", (b"none", b"/tmp", b"tmpfs", 0, None)), ("chroot", (b".",)), ("umount2", (b"/tmp", 2)), ("sethostname", (b"x", 1))):
    if getattr(libc, name)(*arguments) == 0: got(name)
""",
    # processes
    "a daemon": """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0: time.sleep(60)
            os._exit(0)
        got("a daemon")
        """,
    "comets": """
        for _ in range(12):
            if os.fork() == 0:
                end = time.time() + 5
                while time.time() < end:
                    if os.fork(): os._exit(0)
                os._exit(0)
        got("comets")
        """,
    "another program": "os.posix_spawn('/bin/sh', ['sh', '-c', 'true'], {}); got('a program')",
    "a process by clone": LIBC + "\nif libc.syscall(ctypes.c_long(56), 17, None, None, None, None) >= 0: got('clone')",
    "a process by clone3": LIBC + """
block = (ctypes.c_uint64 * 8)(0, 0, 0, 0, 17, 0, 0, 0)
done = libc.syscall(ctypes.c_long(435), ctypes.byref(block), ctypes.c_size_t(64))
if done == 0: os._exit(0)
if done > 0: got("clone3")
""",
    # reaching others
    "signals to the grader": """
        import signal
        for pid in (os.getppid(), 1):
            for number in (0, signal.SIGSTOP, signal.SIGTERM):
                def send():
                    os.kill(pid, number)
                    got("signal %d" % number)
                quietly(send)
        """,
    "a debugger on the grader": LIBC + "\nif libc.ptrace(ctypes.c_long(0x4206), ctypes.c_long(os.getppid()), None, None) == 0: got('traced')",
    "the grader's memory": """
        for path in ("mem", "maps", "environ", "fd", "root", "cwd"):
            place = "/proc/%d/%s" % (os.getppid(), path)
            if quietly(lambda: open(place, "rb").read(1)) or quietly(lambda: os.listdir(place)): got(place)
        """,
    "memory read across processes": LIBC + """
buffer = ctypes.create_string_buffer(8)
piece = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
if libc.process_vm_readv(os.getppid(), piece, ctypes.c_ulong(1), piece, ctypes.c_ulong(1), ctypes.c_ulong(0)) > 0: got("read")
""",
    "limits of every process": """
        import resource
        for pid in range(2, 400):
            if pid != os.getpid() and quietly(lambda: resource.prlimit(pid, resource.RLIMIT_CORE)): got("limits of %d" % pid)
        """,
    "the grader's processor and priority": """
        for pid in (os.getppid(), 1):
            if quietly(lambda: os.sched_setaffinity(pid, {0}) or True): got("affinity")
            if quietly(lambda: os.setpriority(os.PRIO_PROCESS, pid, 19) or True): got("priority")
        """,
    "death not with the grader": LIBC + "\nif libc.prctl(1, 0, 0, 0, 0) == 0: got('no parent-death signal')",
    "a file's signals to the grader": "import fcntl; fcntl.fcntl(1, fcntl.F_SETOWN, os.getppid()); got('F_SETOWN')",
    # networks and shared memory
    "TCP": "import socket; s = socket.socket(); got('a socket')",
    "UDP": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9)); got('UDP')",
    "UNIX sockets": """
        import socket
        for address in ("\\0hidden", "own.socket"):
            def listen():
                s = socket.socket(socket.AF_UNIX)
                s.bind(address)
                got("a UNIX socket")
            quietly(listen)
        """,
    "sockets of rare families": "import socket\nfor family in range(1, 46):\n    if quietly(lambda: socket.socket(family, socket.SOCK_DGRAM)): got('family %d' % family)",
    "System V memory": LIBC + "\nfor name in ('shmget', 'semget', 'msgget'):\n    if getattr(libc, name)(0x51525301, 4096, 0o1666) >= 0: got(name)",
    "message queues": LIBC + "\nif hasattr(libc, 'mq_open') and libc.mq_open(b'/q', 0o102, 0o600, None) >= 0: got('a queue')",
    "anonymous memory files": "os.memfd_create('x'); got('memfd')",
    "POSIX shared memory": "from multiprocessing import shared_memory; shared_memory.SharedMemory('kept', True, 4096); got('shm_open')",
    # the kernel
    "io_uring, BPF, perf, keys": LIBC + """
for number in (425, 321, 298, 250, 323, 248):
    if libc.syscall(ctypes.c_long(number), 1, 0, 0, 0, 0) >= 0: got("system call %d" % number)
""",
    "watching files": LIBC + "\nif libc.inotify_init() >= 0: got('inotify')",
    "times of files": f"for path in {FOLDERS!r} + ['.']:\n    if quietly(lambda: os.utime(path, (1, 1)) or True): got('times of ' + path)",
    "words for staff that are none": """
        print("\\x1b[2J\\x1b]0;title\\x07\\u202etxt.exe\\u2066<script>alert(1)</script>")
        leak("seen")
        """,
}  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.boxed,
    pytest.mark.skipif(not (landlock.abi() and seccomp.prepared()), reason="Landlock or libseccomp is not here"),
]


TRIED = "tried-it"
TOGETHER = 8  # attacks in one submission: what it says of each must fit into what is kept for staff


def submission(names: Sequence[str]) -> Attack:
    """Tries some of them, one after the other, while the class is made. What is refused must not end it."""
    parts: list[str] = []
    for name in names:
        text = textwrap.indent(textwrap.dedent(ESCAPES[name]), "    ")
        parts.append(f"def attempt_{len(parts)}():\n{text}\n")
    calls = "".join(f"    quietly(attempt_{i}); print('{TRIED}', {i}, flush=True)\n" for i in range(len(parts)))
    return Attack("".join(parts) + "def attack():\n" + calls)


NAMES = list(ESCAPES)
GROUPS = {f"group {i}": NAMES[i : i + TOGETHER] for i in range(0, len(NAMES), TOGETHER)}
ATTACKS = {group: submission(names) for group, names in GROUPS.items()}


@pytest.fixture(scope="module", params=oracles.USERS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> oracles.Run:
    return oracles.grade(tmp_path_factory, ATTACKS, request.param)


@pytest.mark.parametrize("group", GROUPS)
def test_the_ways_out_are_closed_and_cost_nothing(run: oracles.Run, group: str) -> None:
    graded = oracles.check(run, ATTACKS, group)
    for index in range(len(GROUPS[group])):  # it came to its end: nothing was left untried
        assert f"{TRIED} {index}" in graded.for_staff, GROUPS[group][index]


def test_nothing_is_left_and_honest_work_is_unharmed(run: oracles.Run) -> None:
    oracles.harmless(run)
