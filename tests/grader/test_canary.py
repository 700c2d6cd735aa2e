"""The canary: what it tries is refused in a child, is open without the layers, and harms nothing either way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.core import isolation
from autograder.core.isolation import Isolation, Machine, Trial
from autograder.core.records import Limits
from autograder.sandbox import canary, zygote
from tests.grader.pace import patience

pytestmark = pytest.mark.boxed
LIMITS = Limits(seconds=patience(5), memory_mb=512)
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the layers are Linux's")
EVERYTHING = "uid+rlimits+no-new-privs+files+secrets+namespaces+memory+signals+processes+network+ipc+kernel"


def trials(**open_or_not: bool) -> tuple[Trial, ...]:
    return tuple(Trial(word.replace("_", "-"), "x", refused) for word, refused in open_or_not.items())


# --- words from trials ------------------------------------------------------------------------------------------------


def test_the_line_has_its_words_in_one_order_whatever_was_tried_first() -> None:
    assert isolation.line(Trial(word, "x", True) for word in reversed(isolation.WORDS)) == EVERYTHING


def test_a_word_holds_only_if_all_that_was_tried_under_it_was_refused() -> None:
    assert isolation.line((*trials(files=True, signals=True), Trial("files", "y", False))) == "signals"


def test_what_was_not_tried_does_not_hold() -> None:
    assert isolation.line(trials(uid=True)) == "uid"
    assert isolation.line(()) == "none"


def test_the_same_user_is_said() -> None:
    assert isolation.line(trials(rlimits=True, uid=False)) == "same-uid+rlimits"


@pytest.mark.parametrize(
    "line, count",
    [
        (EVERYTHING, 0),
        ("same-uid+secrets+memory+signals", 0),
        ("uid+secrets+memory", 1),
        ("weak:same-uid+signals", 2),
        ("same-uid+rlimits+files", 3),
        ("none", 1),
    ],
)
def test_secrets_memory_and_signals_are_what_hidden_tests_need(line: str, count: int) -> None:
    assert len(isolation.weaknesses(line)) == count


def test_only_a_result_of_a_weak_machine_carries_a_note() -> None:
    assert isolation.note("same-uid+rlimits") == () == isolation.note("")
    marked = isolation.marked(Isolation("same-uid+memory+signals"))
    assert marked.line == "weak:same-uid+memory+signals"
    [note] = isolation.note(marked.line)
    assert "read the reference" in note and "signal" not in note and "--allow-weak-isolation" in note


HERE = Machine(linux=True, root=True, landlock=7)


@pytest.mark.parametrize(
    "line, machine, advised",
    [
        (EVERYTHING, HERE, []),
        ("none", HERE, ["selfcheck"]),
        ("same-uid+rlimits", Machine(linux=False, root=False, landlock=0), ["grade on Linux"]),
        (EVERYTHING.replace("uid", "same-uid"), HERE, ["CAP_SETUID"]),
        (
            EVERYTHING.replace("uid", "same-uid"),
            Machine(linux=True, root=False, landlock=7),
            ["as root in a container"],
        ),
        (EVERYTHING.replace("+secrets", ""), HERE, ["chmod -R go-rwx"]),
        (EVERYTHING.replace("+files", ""), Machine(linux=True, root=True, landlock=0), ["Linux 5.13"]),
        (EVERYTHING.replace("+files", ""), HERE, ["did not hold"]),
        (EVERYTHING.replace("+signals", ""), Machine(linux=True, root=True, landlock=5), ["Linux 6.12"]),
        (EVERYTHING.replace("+processes", ""), HERE, ["libseccomp2"]),
        (EVERYTHING.replace("+namespaces", ""), HERE, []),
        (
            EVERYTHING.replace("uid", "same-uid").replace("+namespaces", ""),
            Machine(linux=True, root=False, landlock=7),
            ["as root in a container", "user.max_user_namespaces"],
        ),
    ],
)
def test_advice_fits_what_is_missing_and_where_we_are(line: str, machine: Machine, advised: list[str]) -> None:
    given = isolation.remedies(Isolation(line), machine)
    assert len(given) == len(advised) and all(words in advice for words, advice in zip(advised, given))


def test_a_refusal_says_what_is_open_what_to_do_and_how_to_grade_all_the_same() -> None:
    tried = tuple(Trial("secrets", f"read file{i}", False) for i in range(6)) + trials(memory=True, signals=True)
    text = isolation.refusal(Isolation("uid+memory+signals", tried), HERE)
    assert "read file0" in text and "2 more" in text and "file5" not in text
    assert "chmod -R go-rwx" in text and "--allow-weak-isolation" in text and "autograder doctor" in text


def test_a_refusal_because_nothing_could_be_tried_gives_the_reason() -> None:
    assert "it broke" in isolation.refusal(Isolation("none", problem="it broke"), HERE)


# --- in a child -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nursery() -> Iterator[zygote.Zygote]:
    zygote.warm_up()
    handle = zygote.start(LIMITS)
    yield handle
    handle.close()


def left_behind() -> list[str]:
    shared = Path("/dev/shm").glob("canary-*") if Path("/dev/shm").exists() else ()
    return [str(path) for path in shared]


@LINUX
@pytest.mark.slow
def test_a_child_is_refused_what_hidden_tests_need(nursery: zygote.Zygote, tmp_path: Path) -> None:
    (tmp_path / "reference.py").write_text("secret")
    found = canary.examine(nursery, LIMITS, [str(tmp_path), str(tmp_path / "reference.py"), str(tmp_path / "absent")])
    assert isolation.weaknesses(found.line) == (), [trial for trial in found.trials if not trial.refused]
    assert {trial.word for trial in found.trials} == isolation.WORDS.keys()
    assert ("+namespaces" in found.line) == nursery.apart
    tried = " ".join(trial.action for trial in found.trials)
    assert f"read {tmp_path}/ " in tried and f"change {tmp_path}/reference.py" in tried and "absent" not in tried
    assert found.line.startswith("uid+" if os.getuid() == 0 else "same-uid+") and "+rlimits+no-new-privs" in found.line
    assert left_behind() == []


@LINUX
@pytest.mark.slow
def test_a_child_that_cannot_come_to_its_end_proves_nothing(nursery: zygote.Zygote) -> None:
    found = canary.examine(nursery, Limits(seconds=0.0001, memory_mb=512))
    assert found.line == "none" and "timeout" in found.problem


# --- without any layer ------------------------------------------------------------------------------------------------


@LINUX
def test_without_layers_everything_is_open_and_nothing_is_harmed(tmp_path: Path) -> None:
    """The same program in an ordinary process: each of its trials can tell open from closed, and does no harm."""
    secret = tmp_path / "secret"
    secret.write_text("course secret")
    before = secret.stat()
    (tmp_path / "open").mkdir()
    with subprocess.Popen(["sleep", "60"]) as neighbour:
        given = {
            "grader": os.getuid(),
            "pids": {"zygote": neighbour.pid},
            "outside": os.getpid(),
            "readable": str(secret),
            "folder": str(tmp_path / "open"),
            "secret": [f"{tmp_path}/", str(secret)],
            "tcp": 0,
            "path": "",
            "abstract": "",
        }
        text = f"{canary.PROGRAM.read_text()}\nmain(**{given!r})"
        run = subprocess.run(
            [sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=patience(30)
        )
        assert neighbour.poll() is None
        state = Path(f"/proc/{neighbour.pid}/status").read_text()
        neighbour.kill()
    found, finished = isolation.trials_of(run.stdout)
    assert finished, run.stderr
    line = isolation.line(found)
    assert line.removesuffix("+no-new-privs") == "same-uid", [trial for trial in found if trial.refused]
    assert "TracerPid:\t0" in state and "State:\tT" not in state
    assert secret.read_text() == "course secret" and secret.stat().st_mtime_ns == before.st_mtime_ns
    assert sorted(path.name for path in tmp_path.iterdir()) == ["open", "own", "secret"]
    assert list((tmp_path / "open").iterdir()) == [] == left_behind()


def test_the_program_is_sent_as_text_and_imports_the_standard_library_alone() -> None:
    code = "import sys, runpy, json; runpy.run_path(sys.argv[1]); print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-I", "-c", code, canary.PROGRAM], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "autograder"} & set(json.loads(run.stdout))
