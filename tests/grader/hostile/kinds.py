#!/usr/bin/env python3
"""The kinds of attack that are tried, and what became of each: the table in docs/security.md.

    python tests/grader/box.py --write . python -m tests.grader.hostile.kinds [WORD]    # WORD: only kinds named so

Why separate: the tests assert that nothing succeeds on the machine they run on; this counts, as each kind of user that
the machine has, and prints the table as the document has it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.grader import box
from tests.grader.hostile import (
    oracles,
    test_escapes,
    test_exhaustion,
    test_forged_replies,
    test_packing,
    test_ready_made,
    test_scores,
)
from tests.grader.hostile.submissions import Attack


class Kind(NamedTuple):
    """A table of attacks; `tried` counts what one submission tries, where it is more than one thing."""

    attacks: Mapping[str, Attack]
    stopped_by: str
    tried: int = 0
    seconds: float = oracles.SECONDS

    @property
    def number(self) -> int:
        return self.tried or len(self.attacks)


KINDS = {
    "points without a solution: forged verdicts, tensors that lie, stolen values": Kind(
        test_scores.ATTACKS, "verdicts are made in the trusted room, from what crossed a strict wire"
    ),
    "ready-made attention whose name the text hides": Kind(
        test_ready_made.ATTACKS | test_ready_made.LAYERS, "rules on the text; tripwires in the child"
    ),
    "hangs, crashes, bombs": Kind(
        test_exhaustion.ATTACKS, "a clock outside; resource limits; the quota; seccomp", seconds=test_exhaustion.SECONDS
    ),
    "ways out of the room: files, users, processes, neighbours, sockets, the kernel": Kind(
        test_escapes.ATTACKS, "another user; Landlock; seccomp; no new privileges", len(test_escapes.ESCAPES)
    ),
    "replies that the child forges": Kind(test_forged_replies.ATTACKS, "the strict wire; bounds on what is claimed"),
    "zips, notebooks, answers, programs that break readers": Kind(
        test_packing.ATTACKS, "a reading process with caps; one text is read and run"
    ),
}
HEAD = ("kind", "tried", "stopped by", "root", "root in a container", "ordinary user")

# What Docker leaves to root.
CAPABILITIES = (
    "chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod audit_write "
    "setfcap"
)
USERS: dict[str, tuple[int | None, tuple[str, ...]]] = {
    "root": (None, ()),
    "root in a container": (
        None, ("setpriv", "--inh-caps", "-all", "--bounding-set", ",".join(["-all", *(f"+{c}" for c in CAPABILITIES.split())]))
    ),
    "ordinary user": (oracles.ORDINARY, ()),
}  # fmt: skip


class _Factory:
    """Makes folders as pytest's factory does, where other users may pass."""

    def __init__(self, top: Path) -> None:
        self._top = top

    def mktemp(self, name: str) -> Path:
        folder = Path(tempfile.mkdtemp(dir=self._top)) / name
        folder.mkdir()
        return folder


def succeeded(kind: Kind, user: int | None, prefix: tuple[str, ...]) -> list[str]:
    """The names of the attacks after which something did not hold, and why; all of them when the run as a whole failed."""
    with tempfile.TemporaryDirectory() as folder:
        run = oracles.grade(_Factory(Path(folder)), kind.attacks, user, kind.seconds, prefix=prefix)
        found = [f"{name}: {why}" for name in kind.attacks if (why := _said(oracles.check, run, kind.attacks, name))]
        whole = _said(oracles.harmless, run)
        return [*found, whole] if whole else found


def _said(oracle: Callable[..., object], *arguments: object) -> str:
    try:
        oracle(*arguments)
    except AssertionError as error:
        return str(error)[:300] or "it did not hold"
    return ""


def main() -> int:
    """Prints the table; exit status 1 when anything succeeded."""
    if not box.inside():
        raise SystemExit("run it in the box: python tests/grader/box.py --write . python -m tests.grader.hostile.kinds")
    users = {name: how for name, how in USERS.items() if os.getuid() == 0 and (not how[1] or shutil.which(how[1][0]))}
    bad = 0
    print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
    for name, kind in KINDS.items():
        if not all(word in name for word in sys.argv[1:]):
            continue
        cells = []
        for user in HEAD[3:]:
            if user not in users:
                cells.append("not tried")
                continue
            found = succeeded(kind, *users[user])
            bad += len(found)
            cells.append(f"{len(found)} succeed")
            print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
        print(f"| {name} | {kind.number} | {kind.stopped_by} | {' | '.join(cells)} |", flush=True)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
