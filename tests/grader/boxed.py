"""Runs the tests that are marked `boxed` in a box of their own, and reports them as if they had run here.

Why separate: a test says with one mark that what it runs may kill, fork or fill; how it is kept in is told here and in
`box`. pytest meets the first marked test of a file: all marked tests of that file are run by one pytest in one box, for
they share what is costly to set up, and each report comes back through a pipe, as it does from a worker of xdist. What
ends a box costs the test at work; the rest get a new one. Where no box can be made the tests are skipped, with the
reason. In a box nothing of this happens: the marked tests run as any others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.grader import box
from tests.grader.pace import patience

MARK = "boxed"
# Far more than any test here takes: what a box's wall clock ends is a hang, whatever the machine.
SECONDS_EACH, SECONDS_MORE = 30, 120
# What decides how pytest itself runs is the outer one's; workers above all.
_OUTER = ("PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT")

Reports = dict[str, list[dict[str, Any]]]  # by node id; as pytest makes them serializable
_KNOWN = pytest.StashKey[Reports]()


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
        known.update(_run([one.nodeid for one in here], str(item.path), str(item.config.rootpath)))
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


def _run(wanted: Sequence[str], file: str, root: str) -> Reports:
    """Runs the tests in as many boxes as it takes; every one of them has reports afterwards."""
    reports: Reports = {}
    left = list(wanted)
    while left:
        found, at_work, ending = _one_box(left, file, root)
        reports |= found
        left = [nodeid for nodeid in left if nodeid not in found]
        broken = [at_work] if at_work in left else [] if found else left  # none started: it will be no better again
        for nodeid in broken:
            reports[nodeid] = [{"lost": f"the box ended before this test did: {ending}"}]
        left = [nodeid for nodeid in left if nodeid not in reports]
    return reports


def _one_box(wanted: Sequence[str], file: str, root: str) -> tuple[Reports, str, str]:
    """(reports of the finished tests, the one that was at work when the box ended, how it ended)."""
    receive, send = os.pipe()
    seconds = patience(SECONDS_MORE + SECONDS_EACH * len(wanted))
    words = box.command([sys.executable, "-m", "tests.grader.boxed", str(send), file], seconds)
    environment = {name: value for name, value in os.environ.items() if name not in _OUTER}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as order:
        order.write(json.dumps(list(wanted)).encode())
        order.seek(0)
        process = subprocess.Popen(words, cwd=root, env=environment, stdin=order, stdout=output,
                                   stderr=subprocess.STDOUT, pass_fds=[send], start_new_session=True)  # fmt: skip
        os.close(send)
        try:
            with os.fdopen(receive, "rb") as pipe:
                reports, at_work = _heard(pipe)
            status = process.wait()
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        said = output.read()[-4000:].decode(errors="replace")
    return reports, at_work, f"{_ENDINGS.get(status, f'status {status}')}\n{said}"


_ENDINGS = {box.TIME_IS_UP: "its time was up", box.NO_BOX: "it could not be made", 247: "killed, maybe for its memory"}


def _heard(lines: Iterator[bytes]) -> tuple[Reports, str]:
    """The reports of each finished test, and the test that was started and not finished."""
    done: Reports = {}
    at_work = ""
    so_far: list[dict[str, Any]] = []
    for line in lines:
        kind, value = json.loads(line)
        if kind == "start":
            at_work, so_far = value, []
        elif kind == "report":
            so_far.append(value)
        else:
            done[at_work], at_work = so_far, ""
    return done, at_work


# --- in the box -------------------------------------------------------------------------------------------------------


class Teller:
    """Keeps to the wanted tests, and tells of each what pytest says of it."""

    def __init__(self, wanted: Sequence[str], tell: int) -> None:
        self._wanted = frozenset(wanted)
        self._tell = tell

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        self._config = config
        items[:] = [item for item in items if item.nodeid in self._wanted]

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._say("start", nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._say("report", self._config.hook.pytest_report_to_serializable(config=self._config, report=report))

    def pytest_runtest_logfinish(self) -> None:
        self._say("finish", None)

    def _say(self, kind: str, value: object) -> None:
        data = json.dumps([kind, value], default=str).encode() + b"\n"
        while data:
            data = data[os.write(self._tell, data) :]


def main() -> int:
    """What runs in the box: `python -m tests.grader.boxed DESCRIPTOR FILE`, with the wanted tests on standard input."""
    if not box.inside():
        raise SystemExit("this is no box: nothing is run")
    tell = int(sys.argv[1])
    os.set_inheritable(tell, False)
    teller = Teller(json.load(sys.stdin), tell)
    options = ["-o", "addopts=", "--strict-markers", "--strict-config", "-p", "no:cacheprovider", "-q"]
    return int(pytest.main([*options, sys.argv[2]], plugins=[teller]))


if __name__ == "__main__":
    sys.exit(main())
