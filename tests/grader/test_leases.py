"""Uids of children are nobody else's on the machine for as long as they live."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from autograder.core.records import Limits
from autograder.sandbox import leases, lockdown, zygote
from tests.grader.pace import patience
from tests.grader.processes import named

ROOT = pytest.mark.skipif(os.getuid() != 0, reason="an ordinary user's children are that user")


def numbered(child: int) -> tuple[int, int]:
    return lockdown.FIRST_UID + child % lockdown.UIDS, lockdown.FIRST_UID


@ROOT
def test_no_two_hold_one_uid_and_it_is_free_again_when_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "PLACES", (str(tmp_path),))
    taken = [leases.take(numbered, 7) for _ in range(5)]
    assert len({ids for ids, _ in taken}) == 5
    os.close(taken[0][1])
    assert leases.take(numbered, 7)[0] == taken[0][0]
    monkeypatch.setattr(leases, "UIDS", 5)
    with pytest.raises(OSError, match="in use"):
        leases.take(numbered, 7)


@ROOT
def test_a_folder_that_another_could_change_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "PLACES", (str(tmp_path / "one"), str(tmp_path / "two")))
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
    (tmp_path / "one" / leases.NAME).mkdir()
    os.chown(tmp_path / "one" / leases.NAME, lockdown.FIRST_UID, -1)
    _, lock = leases.take(numbered, 0)
    assert os.readlink(f"/proc/self/fd/{lock}").startswith(str(tmp_path / "two"))
    os.chmod(tmp_path / "two" / leases.NAME, 0o777)
    assert leases.take(numbered, 0) == (numbered(0), -1)


def test_where_nobody_can_change_who_they_are_nothing_is_taken() -> None:
    assert leases.take(lambda child: None, 3) == (None, -1)


@ROOT
@pytest.mark.slow
@pytest.mark.boxed
def test_two_gradings_at_once_have_children_of_different_uids() -> None:
    zygote.warm_up()
    both = [zygote.start(Limits(seconds=patience(2), memory_mb=512)) for _ in range(2)]
    try:
        children = [own.fork() for own in both for _ in range(3)]
        owners = [own for own in both for _ in range(3)]
        uids = [_uid(named(pid, below=own.pid)) for own, (pid, _, _) in zip(owners, children)]
        assert len(set(uids)) == len(uids) and 0 not in uids
        for _, connection, output in children:
            connection.close()
            os.close(output)
    finally:
        for own in both:
            own.close()


def _uid(pid: int) -> int:
    """The uid of a child, once it has given up ours."""
    deadline = time.monotonic() + patience(2)
    while time.monotonic() < deadline:
        [line] = [one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("Uid:")]
        if uid := int(line.split()[1]):
            return uid
        time.sleep(0.01)
    return 0
