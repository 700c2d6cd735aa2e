"""Which torch is installed, and that a torch that works is never replaced."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from scripts import install_torch
from scripts.install_torch import (
    CPU_INDEX,
    NO_NETWORK,
    PAIR,
    UNREACHED,
    attempts,
    by_uv,
    execute,
    imports,
    index_answers,
    install,
    settings,
)


@pytest.fixture(autouse=True)
def no_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV", raising=False)


class Shell:
    """Answers the commands that `install` runs as a machine would on which `works` can be imported afterwards."""

    def __init__(self, pip_succeeds: Callable[[tuple[str, ...]], bool], works: frozenset[str]) -> None:
        self.pip_succeeds = pip_succeeds
        self.works = works
        self.pip: list[tuple[str, ...]] = []

    def __call__(self, command: Sequence[str]) -> int:
        assert command[0] == sys.executable
        if "pip" not in command:
            return 0 if any(f"import {module}\n" in command[-1] for module in self.works) else 1
        words = tuple(word for word in command[4:] if word not in {"--quiet", "--yes"})
        self.pip.append(words)
        return 0 if words[0] == "uninstall" or self.pip_succeeds(words) else 1


BOTH = frozenset(PAIR)
ONLY_TORCH = frozenset({"torch"})


def test_a_choice_of_ones_own_is_the_only_attempt() -> None:
    assert attempts("torch==2.6.0 torchvision", cpu_index=False) == (("torch==2.6.0", "torchvision"),)


def test_the_cpu_wheels_come_first_where_their_index_answers_and_pip_decides_after_it() -> None:
    first, *_, last = attempts("", cpu_index=True)
    assert first == (*PAIR, "--index-url", CPU_INDEX)
    assert last == ("torch",)


def test_without_the_index_pip_decides() -> None:
    assert attempts("", cpu_index=False) == (PAIR, ("torch",))


def test_one_good_attempt_is_enough() -> None:
    shell = Shell(lambda words: True, BOTH)
    assert not install("", cpu_index=True, run=shell)
    assert shell.pip == [("install", *PAIR, "--index-url", CPU_INDEX)]


def test_a_pair_that_cannot_be_had_is_tried_again_without_torchvision() -> None:
    shell = Shell(lambda words: "torchvision" not in words, ONLY_TORCH)
    assert not install("", cpu_index=False, run=shell)
    assert shell.pip == [("install", *PAIR), ("install", "torch")]


def test_a_torchvision_that_does_not_fit_is_removed_since_importing_it_would_fail_later() -> None:
    shell = Shell(lambda words: True, ONLY_TORCH)
    assert not install("", cpu_index=False, run=shell)
    assert shell.pip[-1] == ("uninstall", "torchvision")


def test_no_torch_at_all_is_a_failure() -> None:
    shell = Shell(lambda words: False, frozenset())
    assert install("", cpu_index=True, run=shell) == install_torch.ANOTHER
    assert len(shell.pip) == 4


def test_where_no_index_answers_nothing_more_is_tried() -> None:
    asked: list[Sequence[str]] = []

    def offline(command: Sequence[str]) -> int:
        asked.append(command)
        return UNREACHED

    assert install("", cpu_index=False, run=offline) == NO_NETWORK
    assert len(asked) == 1
    assert install("", cpu_index=True, run=offline) == NO_NETWORK, "pip's own index may answer where torch's does not"
    assert [("--index-url" in command) for command in asked[1:]] == [True, True, False]


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A uv that writes down what it is asked, in a machine on which pip is configured by one file alone."""
    program = tmp_path / "uv"
    program.write_text(
        f'#!/bin/sh\nfor word; do echo "$word"; done >> {tmp_path}/asked\nexit $(cat {tmp_path}/status)\n'
    )
    program.chmod(0o755)
    (tmp_path / "status").write_text("0")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("UV", str(program))
    return tmp_path


def test_uv_does_what_pip_would_where_it_is_named(uv: Path) -> None:
    shell = Shell(lambda words: False, BOTH)

    def run(command: Sequence[str]) -> int:
        return execute(command) if command[0].endswith("uv") else shell(command)

    assert not install("torch torchvision", cpu_index=False, run=run) and not shell.pip
    asked = (uv / "asked").read_text().split()
    assert asked[:4] == ["pip", "install", "--python", sys.executable] and asked[-2:] == [*PAIR]
    assert "--compile-bytecode" in asked, "else each process that may not write would compile torch"


def test_what_uv_cannot_do_is_left_to_pip(uv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (uv / "status").write_text("2")
    shell = Shell(lambda words: True, BOTH)

    def run(command: Sequence[str]) -> int:
        return execute(command) if command[0].endswith("uv") else shell(command)

    assert not install("torch", cpu_index=False, run=run)
    assert shell.pip == [("install", "torch")] and "uv could not: pip install torch" in capsys.readouterr().out


def test_uv_is_told_how_pip_is_configured(uv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://one/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "http://two/simple http://three/simple")
    monkeypatch.setenv("PIP_TIMEOUT", "9")
    told = settings()
    assert told is not None
    pairs = list(zip(told[::2], told[1::2]))
    assert pairs.index(("--index", "http://two/simple")) + 1 == pairs.index(("--index", "http://three/simple"))
    assert ("--default-index", "http://one/simple") in pairs


def test_a_setting_that_uv_cannot_be_told_leaves_it_all_to_pip(uv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_REQUIRE_HASHES", "1")
    assert settings() is None and by_uv(["torch"]) == 1 and not (uv / "asked").exists()


@pytest.mark.parametrize("where", ["", "/nowhere/uv"])
def test_without_a_uv_there_is_none(uv: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setenv("UV", where)
    assert by_uv(["torch"]) == 1 and not (uv / "asked").exists()


# What pip writes when it cannot connect: a line for each try, then that there is no such package.
OFFLINE = """import sys
for total in (4, 3, 2, 1, 0):
    print(f"WARNING: Retrying (Retry(total={total}, connect=None)) after connection broken", file=sys.stderr)
print("ERROR: Could not find a version that satisfies the requirement torch (from versions: none)", file=sys.stderr)
sys.exit(1)
"""
FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"


def test_of_pips_tries_to_connect_one_is_mentioned(capfd: pytest.CaptureFixture[str]) -> None:
    assert execute((sys.executable, "-c", OFFLINE)) == UNREACHED
    assert capfd.readouterr().err == "pip: no answer yet, trying again\n"
    assert execute((sys.executable, "-c", OFFLINE.replace("sys.exit(1)", ""))) == 0, "the last try was answered"
    assert capfd.readouterr().err.count("\n") == 2


def test_what_fails_after_a_try_that_was_answered_in_the_end_is_not_put_down_to_the_network(
    capfd: pytest.CaptureFixture[str],
) -> None:
    lines = OFFLINE.splitlines(keepends=True)
    assert execute((sys.executable, "-c", "".join([*lines[:3], f"sys.exit({FULL!r})"]))) == 1
    assert FULL in capfd.readouterr().err


def test_what_else_pip_complains_of_is_shown_in_full(capfd: pytest.CaptureFixture[str]) -> None:
    assert execute((sys.executable, "-c", "import sys\nprint('here')\nsys.exit('ERROR: no space left')")) == 1
    assert capfd.readouterr() == ("here\n", "ERROR: no space left\n")


def test_a_machine_without_a_network_is_told_so_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The real pip, which asks an index that refuses every connection."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/simple"
        for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PIP_INDEX_URL", address)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_RETRIES", "1")
        assert install_torch.main(["no-such-package-of-ours"]) == 1
    said = capfd.readouterr()
    assert said.out == "" and said.err.splitlines() == [
        "pip: no answer yet, trying again",
        f"no-such-package-of-ours could not be installed: {NO_NETWORK}",
    ]


def test_a_torch_that_works_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install_torch, "imports", lambda module: module == "torch")
    monkeypatch.setattr(install_torch, "install", lambda *arguments: pytest.fail("installed over a torch that works"))
    assert install_torch.main() == 0
    assert "left as it is" in capsys.readouterr().out


def test_importing_is_tried_for_real() -> None:
    assert imports("json")
    assert not imports("no_such_module_anywhere")


def test_an_index_that_refuses_counts_as_silent_and_does_not_stall() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        assert not index_answers(f"http://127.0.0.1:{taken.getsockname()[1]}", 1.0)
    assert not index_answers("http://[not an address", 1.0)
