"""A class on a Dask cluster: real schedulers and workers as processes, the same results, and what happens when some die."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.commands.batch.cluster import packing, places, sides
from autograder.core import isolation
from autograder.core.errors import UsageError
from autograder.report import results, seal
from tests.grader import processes
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

pytestmark = pytest.mark.boxed  # workers and a scheduler are killed, and a port is opened
needs_dask = pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="Dask is not installed")
CLASS = ROOT / "examples" / "class"


# --- a submission as bytes --------------------------------------------------------------------------------------------


def tree(top: Path) -> dict[str, object]:
    """Everything below, as the disk has it."""
    found: dict[str, object] = {}
    for path in sorted(top.rglob("*")):
        kind = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else path.lstat().st_mode
        found[str(path.relative_to(top))] = kind
    return found


def sent(path: Path, to: Path) -> Path:
    data = packing.packed(path)
    assert data is not None
    to.mkdir()
    return packing.unpack(data, to)


def test_a_submission_arrives_as_it_lies_here_links_and_pipes_included(tmp_path: Path) -> None:
    top = tmp_path / "a b ü"
    (top / "work" / "empty").mkdir(parents=True)
    (top / "work" / "hw6.ipynb").write_bytes(bytes(range(256)))
    (top / "answers.toml").symlink_to("/etc/passwd")
    (top / "loop").symlink_to(top)
    os.mkfifo(top / "hw6.py")
    os.mkdir(os.fsencode(top) + b"/\xff")
    arrived = sent(top, tmp_path / "there")
    assert arrived.name == top.name and tree(arrived) == tree(top)
    assert sent(top / "work" / "hw6.ipynb", tmp_path / "file").read_bytes() == bytes(range(256))


def test_what_programs_leave_behind_is_named_and_not_sent(tmp_path: Path) -> None:
    (tmp_path / "ada" / ".git" / "objects").mkdir(parents=True)
    (tmp_path / "ada" / "hw6.py").write_text("x = 1")
    assert set(tree(sent(tmp_path / "ada", tmp_path / "there"))) == {".git", "hw6.py"}


def test_what_is_too_large_or_gone_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hw6.py").write_bytes(b"12345")
    monkeypatch.setattr(packing, "MAX_BYTES", 12)
    assert packing.packed(tmp_path) is not None
    (tmp_path / "more.py").write_bytes(b"12345")
    assert packing.packed(tmp_path) is None and packing.packed(tmp_path / "nobody") is None
    monkeypatch.setattr(packing, "MAX_FILES", 1)
    assert packing.packed(tmp_path) is None


# --- who may grade for whom -------------------------------------------------------------------------------------------

HELD = "+".join(isolation.WORDS)
OURS = {"autograder": "1", "torch": "2.13.0", "hidden tests": "ab", sides.ISOLATION: HELD}
OTHERS = {
    "the same": ({}, ""),
    "another torch": ({"torch": "2.14.1"}, "torch: 2.14.1 there, 2.13.0 here"),
    "other tests": ({"hidden tests": "cd"}, "hidden tests: not the same there"),
    "a version that does not say it": ({"torch": ""}, "torch: none there, 2.13.0 here"),
    "a side that failed": ({sides.PROBLEM: "no tests"}, "no tests"),
    "no wall": ({sides.ISOLATION: "files+network"}, "memory"),
    "sockets open": ({sides.ISOLATION: HELD.replace("+network", "")}, "open a socket"),
    "weak, and allowed": ({sides.ISOLATION: isolation.WEAK + "network"}, ""),
    "weak, allowed, sockets open": ({sides.ISOLATION: isolation.WEAK + "files"}, "open a socket"),
    "more layers than here": ({sides.ISOLATION: HELD + "+more"}, ""),
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_worker_of_another_kind_is_told_in_words(what: str) -> None:
    change, expected = OTHERS[what]
    found = sides.unfit(OURS, OURS | change)
    assert expected in found and bool(found) == bool(expected)


def test_a_side_that_cannot_be_asked_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "does not start" in sides.ask(b"no options", {})[sides.PROBLEM]
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert "/nowhere/python" in sides.ask(b"{}", {})[sides.PROBLEM]


def test_a_result_of_another_machine_gets_the_seal_of_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from autograder.report.summary import summarise

    whole = summarise(results.failure("for a test", seconds=1.5))
    monkeypatch.setenv(seal.VARIABLE, str(tmp_path / "there"))
    bare = results.encode(whole)
    (tmp_path / "there").write_text("a key that lies on the worker")
    foreign = results.encode(whole)
    (tmp_path / "here").write_text("a key that lies on this machine")
    assert seal.anew(bare) == foreign != bare
    monkeypatch.setenv(seal.VARIABLE, str(tmp_path / "here"))
    assert seal.anew(foreign) == results.encode(whole) == seal.anew(bare)
    monkeypatch.setenv(seal.VARIABLE, str(tmp_path / "none"))
    assert seal.anew(foreign) == bare


PLACES = {
    "nothing of Dask's": ((False, "", 2, ""), None),
    "this machine": ((True, "", 2, ""), places.Place("", 2)),
    "a resource": ((True, "tcp://a:1", None, "GPU=2"), places.Place("tcp://a:1", None, {"GPU": 2.0})),
    "one of it": ((True, "slurm", 3, "GPU"), places.Place("slurm", 3, {"GPU": 1.0})),
}


@pytest.mark.parametrize("what", PLACES)
def test_what_is_typed_becomes_a_place(what: str) -> None:
    typed, place = PLACES[what]
    assert places.chosen(*typed) == place


@pytest.mark.parametrize(
    ("typed", "words"), [((False, "slurm", 1, ""), "--engine dask"), ((True, "", 1, "GPU=x"), "GPU=1")]
)
def test_what_makes_no_sense_is_refused(typed: tuple[bool, str, int, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        places.chosen(*typed)


# --- a real cluster ---------------------------------------------------------------------------------------------------


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "autograder", "batch", *map(str, arguments)]


def batch(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=patience(200), check=False
    )


def comparable(out: Path) -> dict[str, dict[str, object]]:
    return {path.name: results.comparable(json.loads(path.read_bytes())) for path in (out / "results").iterdir()}


def points(out: Path) -> list[list[str]]:
    return list(csv.reader((out / "grades.csv").read_text(encoding="utf-8").splitlines()))


class Cluster:
    """A scheduler and workers as `dask` starts them, each a process of this test's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.started: list[subprocess.Popen[bytes]] = []
        place = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                                     "--scheduler-file", str(place))  # fmt: skip
        deadline = time.monotonic() + patience(60)
        while not place.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.address: str = json.loads(place.read_text())["address"]

    def worker(self, *more: str, **environment: str) -> subprocess.Popen[bytes]:
        return self._start("worker", self.address, "--nthreads", "1", "--no-dashboard", *more, **environment)

    def _start(self, what: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        started = subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + what, *arguments], cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.started.append(started)
        return started

    def end(self) -> None:
        for process in reversed(self.started):
            process.terminate()
        for process in self.started:
            try:
                process.wait(patience(2))  # a scheduler whose worker was killed takes its time
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    made.end()


@pytest.fixture
def long_class(tmp_path: Path) -> Path:
    for number in range(16):
        shutil.copytree(CLASS / "hana_post_norm", tmp_path / "class" / f"submission_{number:02d}")
    return tmp_path / "class"


def wait_for_results(out: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + patience(90)
    while len(list(out.glob("records/*.json"))) < count and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)


@needs_dask
@pytest.mark.slow
def test_a_cluster_of_this_machine_gives_the_results_of_its_lanes(tmp_path: Path) -> None:
    top = tmp_path / "class"
    for name in ("ada_complete", "fay_no_scale", "kai_syntax_error", "lena_truncated", "nico_hostile"):
        shutil.copytree(CLASS / name, top / name)
    done = batch(top, "--out", tmp_path / "dask", "--engine", "dask", "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert "its dashboard is http://" in done.stderr and "Traceback" not in done.stderr
    assert batch(top, "--out", tmp_path / "lanes", "--quiet").returncode == 0
    assert comparable(tmp_path / "dask") == comparable(tmp_path / "lanes")
    assert points(tmp_path / "dask") == points(tmp_path / "lanes")
    again = batch(top, "--out", tmp_path / "dask", "--quiet")
    assert again.returncode == 0, "and a run with lanes goes on where one with Dask was"
    assert set(tree(tmp_path / "dask")) == set(tree(tmp_path / "lanes"))


@needs_dask
@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nothing_and_leaves_nothing(
    cluster: Cluster, long_class: Path, tmp_path: Path
) -> None:
    victim, _ = cluster.worker("--no-nanny"), cluster.worker("--no-nanny")
    out = tmp_path / "out"
    arguments = (long_class, "--out", out, "--engine", "dask", "--scheduler", cluster.address, "--only", "4a")
    running = subprocess.Popen(command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for_results(out, 3, running)
    below = processes.descendants(victim.pid)
    victim.kill()
    victim.wait()
    _, errors = running.communicate(timeout=patience(200))
    assert running.returncode == 0, errors
    rows = points(out)[1:]
    assert len(rows) == 16 and len({row[-1] for row in rows}) == 1
    assert below and not processes.still_there(below, patience(30)), "its lane ends with it"


@needs_dask
@pytest.mark.slow
def test_a_scheduler_that_is_killed_loses_nothing_and_the_same_command_goes_on(
    cluster: Cluster, long_class: Path, tmp_path: Path
) -> None:
    cluster.worker("--no-nanny")
    out = tmp_path / "out"
    arguments = (long_class, "--out", out, "--only", "4a")
    running = subprocess.Popen(
        command(*arguments, "--engine", "dask", "--scheduler", cluster.address),
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for_results(out, 3, running)
    cluster.scheduler.send_signal(signal.SIGKILL)
    _, errors = running.communicate(timeout=patience(120))
    assert running.returncode == 3 and "the scheduler is lost" in errors and "Traceback" not in errors, errors
    done = len(points(out)) - 1
    assert 3 <= done < 16 and f"stopped after {done} of 16" in errors
    again = batch(*arguments)
    assert again.returncode == 0 and f"({done} of them were there already" in again.stdout, again.stderr
    assert len(points(out)) == 17


@needs_dask
@pytest.mark.slow
def test_workers_that_would_grade_otherwise_are_refused_before_anything_is_graded(
    cluster: Cluster, long_class: Path, tmp_path: Path
) -> None:
    cluster.worker("--no-nanny", AUTOGRADER_SECRET="another")
    out = tmp_path / "out"
    done = batch(long_class, "--out", out, "--engine", "dask", "--scheduler", cluster.address, "--only", "2a")
    assert done.returncode == 2 and "1 of 1 workers" in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert "course secret: not the same there" in done.stderr and cluster.address[:14] in done.stderr
    assert not list((out / "results").iterdir())


@needs_dask
@pytest.mark.slow
def test_only_workers_that_have_what_is_needed_are_given_anything(
    cluster: Cluster, long_class: Path, tmp_path: Path
) -> None:
    cluster.worker("--no-nanny", AUTOGRADER_SECRET="another")  # would be refused
    cluster.worker("--no-nanny", "--resources", "GPU=1")
    out = tmp_path / "out"
    arguments = (long_class, "--out", out, "--engine", "dask", "--scheduler", cluster.address, "--only", "2a")
    done = batch(*arguments, "--needs", "GPU=1")
    assert done.returncode == 0, done.stderr
    assert len(points(out)) == 17


@needs_dask
def test_a_scheduler_that_does_not_answer_is_said_in_a_sentence(tmp_path: Path) -> None:
    for address, words in (("tcp://127.0.0.1:1", "does not answer"), ("nonsense", "is no address")):
        done = batch(CLASS, "--out", tmp_path / "out", "--engine", "dask", "--scheduler", address, "--quiet")
        assert done.returncode == 2 and words in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr


@needs_dask
def test_a_queue_that_is_not_here_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("dask_jobqueue") is None:
        pytest.skip("dask-jobqueue is not installed")
    monkeypatch.setenv("PATH", str(tmp_path))
    done = batch(CLASS, "--out", tmp_path / "out", "--engine", "dask", "--scheduler", "slurm", "--quiet")
    assert done.returncode == 2 and "there is no sbatch on this machine" in done.stderr, done.stderr
