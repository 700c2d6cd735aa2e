"""The zygote's own process tree and network: what is seen from inside, who ends with whom, and what a refusal costs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.core.records import Limits
from autograder.sandbox import namespaces, zygote
from autograder.sandbox.room import Room
from tests.grader.pace import patience
from tests.grader.processes import descendants, still_there

ROOT = Path(__file__).resolve().parents[2]
LIMITS = Limits(seconds=patience(5), memory_mb=512)

pytestmark = [
    pytest.mark.boxed,
    pytest.mark.skipif(not namespaces.possible(), reason="namespaces are not given here"),
]

# Goes inside, starts a process that would stay for ever, and tells what can be seen.
PROGRAM = """
import json, os, socket, subprocess, sys
sys.path.insert(0, sys.argv[1])
from autograder.sandbox import namespaces
control, other = socket.socketpair()
if not namespaces.enter(control):
    sys.exit(7)
subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL)
status = open("/proc/self/status").read()
held = [line.split()[1] for line in status.splitlines() if line.startswith(("CapEff", "CapPrm"))]
print(json.dumps({
    "pid": os.getpid(), "uid": os.getuid(), "gid": os.getgid(), "held": held,
    "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
    "networks": [name for _, name in socket.if_nameindex()],
    "objects": open("/proc/sysvipc/shm").read().count("\\n"),
    "told": other.recv(1) == namespaces.INSIDE,
}), flush=True)
import time
time.sleep(600)
"""


def started(user: int) -> subprocess.Popen[str]:
    who = ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups"] if user else []
    return subprocess.Popen(
        [*who, sys.executable, "-I", "-B", "-c", PROGRAM, str(ROOT)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("user", [0, 60_001])
def test_inside_there_is_nobody_else_and_no_network_and_it_ends_with_the_process_outside(user: int) -> None:
    if user and (os.getuid() != 0 or namespaces.closed_to_users()):
        pytest.skip("another user cannot be tried here")
    with started(user) as outside:
        assert outside.stdout is not None
        line = outside.stdout.readline()
        below = descendants(outside.pid)
        outside.kill()
        if user and not line:
            pytest.skip("an ordinary user is given no namespaces, or no /proc of them, where these tests run")
    seen = json.loads(line)
    assert seen["pid"] == 1 and seen["told"] and seen["uid"] == seen["gid"] == (user or os.getuid())
    assert seen["processes"] == [1, 2], "itself and what it started"
    assert seen["networks"] == ["lo"] and seen["objects"] == 1, "a header and no object"
    assert not user or {int(word, 16) for word in seen["held"]} == {0}, "an ordinary user keeps no capability in there"
    assert len(below) == 2 and still_there(below) == [], "the kernel ends all of it"


def test_the_zygote_is_the_first_process_that_its_children_know() -> None:
    handle = zygote.start(LIMITS)
    handle.close()
    assert (parent_of_a_child() == 1) == handle.apart


def test_a_zygote_that_is_refused_them_is_started_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "enter", lambda control: False)
    assert parent_of_a_child() != 1


def test_a_zygote_that_does_not_get_inside_in_time_is_started_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def asleep(control: socket.socket) -> bool:
        signal.pause()
        return True

    monkeypatch.setattr(namespaces, "enter", asleep)
    monkeypatch.setattr(zygote, "START_SECONDS", 0.2)
    assert parent_of_a_child() != 1


def test_a_child_that_may_use_a_gpu_is_in_them_too() -> None:
    assert parent_of_a_child(Limits(seconds=patience(5), memory_mb=512, device="cuda")) == 1


def parent_of_a_child(limits: Limits = LIMITS) -> int:
    """The number that the zygote has for its child, after one conversation that went well."""
    handle = zygote.start(limits)
    try:
        with Room(handle, limits) as room:
            text = "import os; print(os.getppid())"
            room.ask("start", {"text": text, "class_name": "", "given": [], "probe_seed": 0})
            room.hear()
            return int(room.output)
    finally:
        handle.close()
