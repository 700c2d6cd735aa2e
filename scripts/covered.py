#!/usr/bin/env python3
"""Measures which lines and branches of the trusted rooms the tests run, in every process that can be followed.

    python tests/grader/box.py --write build/coverage python scripts/covered.py [PYTEST'S ARGUMENTS]    # make coverage

Why separate: grading forks, ends by os._exit, and starts engines with an empty environment and `-I`, so that
coverage.py alone sees little of it. Here the tests run in an environment that holds the packages of this one and starts
the measurement in each of its interpreters; nothing of the grader knows of it. Followed are the tests' own process,
commands, lanes, readers, engines and graders. Not followed: the zygote and its children, where the student's code runs,
and what is killed before it could write down what it ran.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import signal
import site
import subprocess
import sys
import sysconfig
import time
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OUT = Path(os.environ.get("COVERAGE_OUT", ROOT / "build/coverage"))
GRACE_SECONDS = 2.0  # of a forked process that said all it had to say, to write down what it ran


def main() -> int:
    """Runs pytest with the given arguments, then prints a line for each folder; pytest's exit status."""
    for path in OUT.glob("*"):  # the folder itself may be a mount
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    python = _environment(OUT / "venv")
    words = sys.argv[1:] or ["-m", "not slow"]
    status = subprocess.run(
        [python, "-m", "pytest", "-p", "no:cacheprovider", *words], cwd=ROOT, check=False
    ).returncode
    measured = [sys.executable, "-m", "coverage"]
    os.environ["COVERAGE_FILE"] = str(OUT / "data")
    subprocess.run([*measured, "combine", "--quiet"], cwd=ROOT, check=True)
    subprocess.run([*measured, "json", "--quiet", "-o", str(OUT / "coverage.json")], cwd=ROOT, check=True)
    subprocess.run([*measured, "html", "--quiet", "-d", str(OUT / "html")], cwd=ROOT, check=True)
    print(_table(json.loads((OUT / "coverage.json").read_text(encoding="utf-8"))["files"]))
    print(f"line by line: {OUT / 'html/index.html'}")
    return status


def _environment(folder: Path) -> str:
    """The interpreter of a new environment: this one's packages, and the measurement from its start."""
    venv.create(folder, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    start = f"import importlib.util as u; s = u.spec_from_file_location('covered', {str(Path(__file__).resolve())!r}); "
    start += "m = u.module_from_spec(s); s.loader.exec_module(m); m.start()"
    here = [path for path in site.getsitepackages() if Path(path).is_dir()]
    lines = [f"import site; site.addsitedir({path!r})" for path in here]
    (packages / "measured.pth").write_text("\n".join([*lines, start, ""]), encoding="utf-8")
    return str(folder / "bin/python")


def _table(files: dict[str, Any]) -> str:
    """A line for each folder: how many of its statements and branches were run, of how many."""
    sums: dict[str, list[int]] = {}
    for name, found in files.items():
        path, total = Path(name), found["summary"]
        folder = "/".join(path.parts[: 2 if len(path.parts) > 2 else 1])
        run = (total["covered_lines"], total["num_statements"], total["covered_branches"], total["num_branches"])
        sums[folder] = [one + more for one, more in zip(sums.get(folder, [0, 0, 0, 0]), run)]
    sums["all"] = [sum(column) for column in zip(*sums.values())]
    lines = [f"{'folder':22} {'lines':>16} {'branches':>16}"]
    for folder, (line, of_lines, branch, of_branches) in sorted(
        sums.items(), key=lambda item: (item[0] == "all", item)
    ):
        lines.append(f"{folder:22} {_share(line, of_lines):>16} {_share(branch, of_branches):>16}")
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} {100 * part / whole:5.1f}%" if whole else "-"


# --- in each of the environment's interpreters ------------------------------------------------------------------------


def start() -> None:
    """Begins to measure this process, and whatever it forks down to the zygote's children."""
    import coverage

    out = Path(sys.prefix).parent  # an engine is told nothing
    engine = any("autograder.engine.main" in word for word in sys.orig_argv)
    covered = coverage.Coverage(config_file=str(ROOT / "pyproject.toml"), data_file=str(out / "data"), data_suffix=True)
    covered.set_option("run:patch", ["_exit", "fork"])
    covered._warn_no_data = covered._warn_unimported_source = False
    covered.start()
    atexit.register(_save)
    _leave_the_zygote()
    _wait_before_killing()
    if engine:
        _save_with_each_event()


def _save() -> None:
    """Whatever keeps it from being written, another user's folder for one, is no affair of what is measured."""
    import coverage

    with contextlib.suppress(Exception):
        if running := coverage.Coverage.current():
            running.save()


def _save_with_each_event() -> None:
    """An engine is killed once it has said all, and its grader with it: each writes down first what it ran."""
    sys.path.insert(0, str(ROOT))
    from autograder.core import events

    line = events.line

    def saving(message: Any) -> bytes:
        _save()
        return line(message)

    events.line = saving


def _leave_the_zygote() -> None:
    """It closes all its descriptors and shuts itself in before it works, so it could write nothing down."""

    def forked() -> None:
        import coverage

        frame = sys._getframe()
        while frame.f_back and not frame.f_code.co_filename.endswith("sandbox/zygote.py"):
            frame = frame.f_back
        with contextlib.suppress(AssertionError):  # it had been stopped already
            if frame.f_code.co_filename.endswith("sandbox/zygote.py") and (running := coverage.Coverage.current()):
                running._auto_save = False
                running.stop()

    os.register_at_fork(before=_save, after_in_child=forked)


def _wait_before_killing() -> None:
    """A process that was forked for one answer is killed as soon as it gave it: here it may write down what it ran."""
    kill, fork = os.kill, os.fork
    own: set[int] = set()

    def remembering() -> int:
        pid = fork()
        own.add(pid) if pid else own.clear()
        return pid

    def waiting(pid: int, number: int) -> None:
        end = time.monotonic() + (GRACE_SECONDS if number == signal.SIGKILL and pid in own else 0.0)
        with contextlib.suppress(ChildProcessError):
            while time.monotonic() < end and not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                time.sleep(0.002)
        own.discard(pid)
        kill(pid, number)

    os.fork, os.kill = remembering, waiting


if __name__ == "__main__":
    sys.exit(main())
