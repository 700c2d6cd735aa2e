"""Runs the tests that are marked `boxed` in a box, and reports them as if they had run here.

Why separate: a test says with one mark that what it runs may kill, fork or fill; how it is kept in is told here and in
`box`. pytest meets the first marked test of a file: all marked tests of that file are run by one pytest in a box, for
they share what is costly to set up, and each report comes back through a pipe, as it does from a worker of xdist. What
ends this pytest costs the test at work; another one takes the rest. Where no box can be made the tests are skipped,
with the reason. In a box nothing of this happens: the marked tests run as any others.

A worker keeps its box for the next file, for torch is imported in there twice, by the tests and by the fork server: a
process in the box that has it forks a pytest for each file, so files share no state. A box in which anything was left
is not used again.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.grader import box
from tests.grader.pace import patience

MARK = "boxed"
# Far more than any test here takes: what is ended by it is a hang, whatever the machine.
SECONDS_EACH, SECONDS_MORE = 30, 120
DAY = 86_400  # of a box, which lives as long as its worker
# What decides how pytest itself runs is the outer one's; workers above all.
_OUTER = ("PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT")

Reports = dict[str, list[dict[str, Any]]]  # by node id; as pytest makes them serializable
_NO_PLUGINS = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
_KNOWN = pytest.StashKey[Reports]()
_BOX = pytest.StashKey["Box"]()


# --- outside ----------------------------------------------------------------------------------------------------------


def skip_without_a_box(items: list[pytest.Item]) -> None:
    """Skips the marked tests where there can be no box."""
    marked = [item for item in items if item.get_closest_marker(MARK)]
    if not marked or box.inside():
        return
    if reason := box.why_not():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A marked test's reports come from a box; everything else is pytest's own affair."""
    if item.get_closest_marker(MARK) is None or box.inside() or box.why_not():
        return None
    known = item.config.stash.setdefault(_KNOWN, {})
    if item.nodeid not in known:
        here = [one for one in item.session.items if one.path == item.path and one.get_closest_marker(MARK)]
        known.update(_run([one.nodeid for one in here], str(item.path), item.config))
    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for data in known.pop(item.nodeid):
        report = hook.pytest_report_from_serializable(config=item.config, data=data) or _lost(item, data["lost"])
        if isinstance(report.longrepr, list):  # of a skip: (file, line, reason), which JSON has no tuple for
            report.longrepr = tuple(report.longrepr)
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    item.session._setupstate.teardown_exact(nextitem)  # what an unmarked test of this file has set up
    return True


def _lost(item: pytest.Item, why: str) -> pytest.TestReport:
    """The report of a test that had none: its box ended first."""
    return pytest.TestReport(item.nodeid, item.location, dict.fromkeys(item.keywords, 1), "failed", why, "call")


def _run(wanted: Sequence[str], file: str, config: pytest.Config) -> Reports:
    """Runs the tests, by as many pytests as it takes; every one of them has reports afterwards."""
    reports: Reports = {}
    left = list(wanted)
    while left:
        found, at_work, ending = _box_of(config).run(left, file)
        reports |= found
        left = [nodeid for nodeid in left if nodeid not in found]
        broken = [at_work] if at_work in left else [] if found else left  # none started: it will be no better again
        for nodeid in broken:
            reports[nodeid] = [{"lost": f"the box ended before this test did: {ending}"}]
        left = [nodeid for nodeid in left if nodeid not in reports]
    return reports


def _box_of(config: pytest.Config) -> Box:
    """This worker's box, if it may be used again, or else a new one."""
    kept = config.stash.get(_BOX, None)
    if kept is None or not kept.usable:
        kept = config.stash[_BOX] = Box(str(config.rootpath))
        config.add_cleanup(kept.close)
    return kept


class Box:
    """A box with a process that has pytests run files, one after another."""

    def __init__(self, root: str) -> None:
        receive, send = os.pipe()
        words = box.command([sys.executable, "-m", "tests.grader.boxed", str(send)], DAY)
        environment = {name: value for name, value in os.environ.items() if name not in _OUTER}
        self._output = tempfile.TemporaryFile()
        self._process = subprocess.Popen(words, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=self._output,
                                         stderr=subprocess.STDOUT, pass_fds=[send], start_new_session=True)  # fmt: skip
        os.close(send)
        self._heard = os.fdopen(receive, "rb")
        self.usable = True

    def run(self, wanted: Sequence[str], file: str) -> tuple[Reports, str, str]:
        """(reports of the finished tests, the one that was at work when their pytest ended, how it ended)."""
        done: Reports = {}
        at_work, status = "", box.NO_BOX
        so_far: list[dict[str, Any]] = []
        said_before = os.fstat(self._output.fileno()).st_size
        with self._deadline(patience(SECONDS_MORE + SECONDS_EACH * len(wanted))), contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps([file, list(wanted)]).encode() + b"\n")
            self._process.stdin.flush()
            for line in self._heard:
                kind, value = json.loads(line)
                if kind == "start":
                    at_work, so_far = value, []
                elif kind == "report":
                    so_far.append(value)
                elif kind == "finish":
                    done[at_work], at_work = so_far, ""
                else:
                    status, self.usable = value
                    break
            else:
                self.usable, status = False, self._process.wait()
        ending = _ENDINGS.get(status, f"status {status}")
        return done, at_work, f"{ending}\n{self._said(said_before)}"

    def close(self) -> None:
        """Ends it, and all that is in it."""
        with self._heard, self._output, self._deadline(patience(10)), contextlib.suppress(BrokenPipeError):
            self._process.communicate()

    @contextlib.contextmanager
    def _deadline(self, seconds: int) -> Iterator[None]:
        """Ends it when the time is up."""
        late = threading.Timer(seconds, self._process.kill)
        late.start()
        try:
            yield
        finally:
            late.cancel()

    def _said(self, since: int) -> str:
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), 4000, max(since, size - 4000)).decode(errors="replace")


_ENDINGS = {
    -signal.SIGKILL: "killed, maybe as its time was up",
    box.NO_BOX: "it could not be made",
    247: "killed, maybe for its memory",
}


# --- in the box -------------------------------------------------------------------------------------------------------


class Teller:
    """Keeps to the wanted tests, and tells of each what pytest says of it."""

    def __init__(self, wanted: Sequence[str], tell: int) -> None:
        self._wanted = frozenset(wanted)
        self._tell = tell

    def pytest_configure(self) -> None:
        os.environ.pop(_NO_PLUGINS, None)  # it is not meant for the pytests that the tests start

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        self._config = config
        items[:] = [item for item in items if item.nodeid in self._wanted]

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        _write(self._tell, "start", nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        _write(
            self._tell, "report", self._config.hook.pytest_report_to_serializable(config=self._config, report=report)
        )

    def pytest_runtest_logfinish(self) -> None:
        _write(self._tell, "finish", None)


def _write(tell: int, kind: str, value: object) -> None:
    data = json.dumps([kind, value], default=str).encode() + b"\n"
    while data:
        data = data[os.write(tell, data) :]


def main() -> int:
    """What runs in the box: `python -m tests.grader.boxed DESCRIPTOR`, with orders, a line each, on standard input.

    An order: [file, wanted node ids]. What is told: what Teller says, and at the end ["end", [status, usable]].
    """
    if not box.inside():
        raise SystemExit("this is no box: nothing is run")
    tell = int(sys.argv[1])
    os.set_inheritable(tell, False)
    _import_what_files_share()

    from autograder.grading.supervisor import shared

    with shared(2) as environment:
        os.environ.update(environment)
        ours = _processes()
        for line in sys.stdin:
            file, wanted = json.loads(line)
            child = os.fork()
            if child == 0:
                _one_file(file, wanted, tell)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            usable = _nothing_is_left(ours)
            _write(tell, "end", [status % 256, usable])
            if not usable:
                break
    return 0


def _import_what_files_share() -> None:
    """What most files import, but for the tests' own modules: pytest imports these itself, with asserts that explain."""
    for name in ("torch", "hypothesis", "autograder.judging", "autograder.cli", "autograder.grading"):
        importlib.import_module(name)
    gc.freeze()  # a collection in a fork must not touch, and so copy, all of it


def _one_file(file: str, wanted: Sequence[str], tell: int) -> NoReturn:
    """All that a forked process does."""
    status = 1
    try:
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)
        os.environ[_NO_PLUGINS] = "1"  # finding those of all packages takes longer than a file's imports
        options = ["-o", "addopts=", "--strict-markers", "--strict-config", "-q", file]
        options += ["-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin"]
        status = int(pytest.main(options, plugins=[Teller(wanted, tell)]))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _nothing_is_left(ours: frozenset[int]) -> bool:
    """Whether the next file finds the box as the last one did: nobody who works on, and room on its disks."""
    deadline = time.monotonic() + patience(1)  # what was killed is buried in a moment
    while not _processes() <= ours:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return all(disk.free > disk.total // 2 for disk in map(shutil.disk_usage, ("/tmp", "/dev/shm")))


def _processes() -> frozenset[int]:
    return frozenset(int(path.name) for path in Path("/proc").glob("[0-9]*"))


if __name__ == "__main__":
    sys.exit(main())
