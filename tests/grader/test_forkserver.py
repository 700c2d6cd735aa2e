"""The fork server: engines from one import of torch, which end as engines of their own do, and nobody else's."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from autograder.core import policy
from autograder.core.events import Fault, Ready
from autograder.grading import Options, forkserver, setup_of, supervisor
from autograder.grading.process import Forked, Process, Started
from autograder.grading.supervisor import ROOT, Engine, shared
from tests.grader.pace import patience
from tests.grader.processes import alive, descendants, end, parent, still_there

pytestmark = [
    pytest.mark.slow,
    pytest.mark.boxed,
    pytest.mark.skipif(not forkserver.possible(), reason="this system has no fork server: engines are started"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The folder of a server of this file's own, which other tests do not end."""
    kept = os.environ.pop(forkserver.VARIABLE, None)
    try:
        with shared(2) as found:
            yield found[forkserver.VARIABLE]
    finally:
        if kept is not None:
            os.environ[forkserver.VARIABLE] = kept


@pytest.fixture(autouse=True)
def at_hand(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(forkserver.VARIABLE, server)


def ready(engine: Engine) -> Ready:
    """What the engine says first, asked for the public tests."""
    engine.send(setup_of(Options(public=True)))
    event = next(engine.events(time.monotonic() + patience(60)))
    assert isinstance(event, Ready), event
    return event


def pid_of(engine: Engine) -> int:
    """The number of an engine that is ready, and that a server forked."""
    assert isinstance(engine._process, Forked) and engine._process.status(wait=False) is None
    return engine._process.pid


@pytest.mark.parametrize("device, kind", [("cpu", Forked), ("cuda", Started)])
def test_one_that_trains_is_forked_too_but_where_a_gpu_must_be_started_after_the_fork(
    device: str, kind: type[Process]
) -> None:
    limits = msgspec.structs.replace(policy.CHILD_LIMITS, device=device)
    with Engine.start(limits) as engine:
        assert isinstance(engine._process, kind)


def test_an_engine_from_the_server_says_what_one_of_its_own_says(monkeypatch: pytest.MonkeyPatch) -> None:
    with Engine.start() as forked:
        assert isinstance(forked._process, Forked)
        told = ready(forked)
    monkeypatch.delenv(forkserver.VARIABLE)
    with Engine.start() as started:
        assert isinstance(started._process, Started)
        assert ready(started) == told


def test_each_engine_has_a_session_a_folder_and_a_zygote_of_its_own() -> None:
    with Engine.start() as one, Engine.start() as other:
        assert ready(one) and ready(other)
        pids = [pid_of(one), pid_of(other)]
        assert [os.getsid(pid) for pid in pids] == pids
        assert parent(pids[0]) == parent(pids[1]) != os.getpid()
        folders = {_variable(pid, "TMPDIR") for pid in pids}
        below = [set(descendants(pid)) for pid in pids]
        assert len(folders) == 1 and below[0] and below[1] and not below[0] & below[1]
        one.kill()
        assert still_there([pids[0], *below[0]]) == []
        assert alive(pids[1]) and all(map(alive, below[1]))


def _variable(pid: int, name: str) -> str:
    """A variable of what a process was started with: for all that were forked from one, that one's."""
    words = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return next((word.partition("=")[2] for word in words if word.startswith(f"{name}=")), "")


def test_a_killed_engine_is_told_with_its_signal_and_the_server_forks_the_next() -> None:
    with Engine.start() as engine:
        ready(engine)
        end(pid_of(engine), below=_server())
        *_, fault = engine.events(time.monotonic() + patience(20))
        assert isinstance(fault, Fault) and "status -9 (SIGKILL)" in fault.text
    with Engine.start() as engine:
        assert isinstance(engine._process, Forked) and ready(engine)


def _server() -> int:
    """The server is the child of ours that listens: the parent of whatever it forks."""
    with Engine.start() as engine:
        ready(engine)
        return parent(pid_of(engine))


def test_an_engine_that_ends_in_order_is_told_as_that() -> None:
    engine = Engine.start()
    ready(engine)
    engine._process.stdin.close()
    assert engine._process.status(wait=True) == 0
    engine.finish()
    engine.kill()


SUPERVISOR = """
import sys, time
from autograder.grading.supervisor import Engine
engine = Engine.start()
print("started", flush=True)
time.sleep(600)
"""


def test_with_its_supervisor_an_engine_ends_too() -> None:
    server = _server()
    before = set(descendants(server))
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR], cwd=ROOT, stdout=subprocess.PIPE)
    assert supervisor.stdout is not None
    try:
        assert supervisor.stdout.readline() == b"started\n"
        deadline = time.monotonic() + patience(20)
        while not (left := set(descendants(server)) - before) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert left
    finally:
        supervisor.kill()
        supervisor.communicate()
    assert still_there(left) == []


def test_with_its_server_an_engine_ends_too_and_the_next_is_started() -> None:
    os.environ.pop(forkserver.VARIABLE)
    with shared(2) as found:
        os.environ.update(found)
        with Engine.start() as engine:
            ready(engine)
            pid, server = pid_of(engine), parent(pid_of(engine))
            end(server, below=server)
            *_, fault = engine.events(time.monotonic() + patience(20))
            assert isinstance(fault, Fault) and "status -9 (SIGKILL)" in fault.text
            assert still_there([pid]) == []
        with Engine.start() as engine:
            assert isinstance(engine._process, Started)
    assert not Path(found[forkserver.VARIABLE]).exists()


@pytest.mark.parametrize("other", ["policy", "locale", "limits", "bytecode", "another start", "nobody serves"])
def test_where_the_server_stands_on_other_ground_an_engine_is_started(
    other: str, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if other == "policy":
        (tmp_path / "policy.toml").write_bytes(policy.FILE.read_bytes() + b"\n# another term\n")
        monkeypatch.setenv(policy.VARIABLE, str(tmp_path / "policy.toml"))
    elif other == "locale":
        monkeypatch.setenv("LC_ALL", "C")
    elif other == "another start":
        monkeypatch.setattr(supervisor, "_START", f"{supervisor._START} # patched")
    elif other == "bytecode":
        monkeypatch.setattr(sys, "dont_write_bytecode", not sys.dont_write_bytecode)
    elif other == "limits":
        resource.setrlimit(resource.RLIMIT_CORE, (0 if soft else min(hard, 1) if hard > 0 else 1 << 20, hard))
    else:
        monkeypatch.setenv(forkserver.VARIABLE, str(tmp_path))
    try:
        with Engine.start() as engine:
            assert isinstance(engine._process, Started)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.mark.parametrize("said", [b"", b"not JSON", b"[]", b"{}", json.dumps({"environment": {}}).encode()])
def test_who_says_nothing_that_the_server_knows_gets_no_engine_and_harms_nobody(said: bytes, server: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as talk:
        talk.connect(os.path.join(server, forkserver.SOCKET))
        talk.settimeout(patience(20))
        with contextlib.suppress(OSError):
            talk.send(said)
        assert talk.recv(100) == b""
    with Engine.start() as engine:
        assert ready(engine)
        above = parent(pid_of(engine))
        assert still_there([pid for pid in descendants(above) if parent(pid) == above and pid != pid_of(engine)]) == []


@pytest.mark.skipif(os.getuid() != 0, reason="an ordinary user can be nobody else")
def test_another_user_gets_no_engine_even_where_the_folder_is_open(server: str) -> None:
    program = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534);"
        " talk = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); talk.connect(sys.argv[1]);"
        ' request = b\'{"environment": {}, "folder": "/", "umask": 0, "limits": ""}\';'
        " socket.send_fds(talk, [request], [0, 1, 2]); talk.settimeout(60); print(talk.recv(100))"
    )
    path = os.path.join(server, forkserver.SOCKET)
    command = [sys.executable, "-c", program, path]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=patience(60), check=False)
    assert "PermissionError" in refused.stderr  # the folder is the user's own
    os.chmod(server, 0o711)
    os.chmod(path, 0o777)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=patience(60), check=False)
    finally:
        os.chmod(server, 0o700)
    assert done.stdout == "b''\n" or "ConnectionResetError" in done.stderr or "BrokenPipeError" in done.stderr, done


def test_who_may_gain_no_privileges_as_a_child_of_the_students_room_gets_no_engine(server: str) -> None:
    program = (
        "import ctypes, socket, sys; ctypes.CDLL(None).prctl(38, 1, 0, 0, 0);"
        " talk = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); talk.connect(sys.argv[1]);"
        ' request = b\'{"environment": {}, "folder": "/", "umask": 0, "limits": ""}\';'
        " socket.send_fds(talk, [request], [0, 1, 2]); talk.settimeout(60); print(talk.recv(100))"
    )
    command = [sys.executable, "-c", program, os.path.join(server, forkserver.SOCKET)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=patience(60), check=False)
    refused = "ConnectionResetError" in done.stderr or "BrokenPipeError" in done.stderr or done.stdout == "b''\n"
    assert refused, done
    with Engine.start() as engine:
        assert ready(engine)


def test_a_single_lane_and_a_class_with_a_server_at_hand_start_none() -> None:
    with shared(1) as found:
        assert found == {}
    with shared(2) as found:
        assert found == {}


def test_where_no_socket_can_be_made_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(forkserver.VARIABLE)
    deep = tmp_path / ("deep" * 30)  # sockets have short paths
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with shared(2) as found:
        assert found == {}
    assert not list(deep.iterdir())


def test_who_hung_up_before_torch_was_there_has_no_engine_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(forkserver.VARIABLE)
    with shared(2) as found:
        monkeypatch.setenv(forkserver.VARIABLE, found[forkserver.VARIABLE])
        engine = Engine.start()  # the server begins to import torch
        engine.kill()
        assert engine._process.status(wait=True) == -signal.SIGKILL
        with Engine.start() as engine:
            ready(engine)
            above = parent(pid_of(engine))
            assert [pid for pid in descendants(above) if parent(pid) == above] == [pid_of(engine)]
