"""The oracles see what they are for: a success that is said, points that are won, text that students must not read."""

from __future__ import annotations

import pytest

from tests.grader.hostile import kinds, oracles
from tests.grader.hostile.submissions import LEAK, Attack, wrong
from tests.grader.source_tree import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.boxed]

SEEN = {
    "a success that is said beside a pass": Attack("got('the prize')"),
    "points for nothing": Attack(a="zero", b="zero"),
    "points lost for nothing": wrong("", a="full", b="full"),
    "a forbidden thing that nobody was told of": Attack(flag=True),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> oracles.Run:
    return oracles.grade(tmp_path_factory, SEEN, questions=("4a",))


@pytest.mark.parametrize("name", SEEN)
def test_what_an_attack_achieved_is_seen(run: oracles.Run, name: str) -> None:
    with pytest.raises(AssertionError):
        oracles.check(run, SEEN, name)


def test_what_a_child_prints_is_kept_for_staff_and_no_student_reads_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    table = {"a print": Attack("leak('what it was given')", "forward")}
    run = oracles.grade(tmp_path_factory, table, questions=("4a",))
    graded = oracles.check(run, table, "a print")
    assert LEAK in graded.for_staff and LEAK not in graded.for_students
    oracles.harmless(run)


def test_the_table_of_kinds_in_the_document_counts_what_is_tried() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    for name, kind in kinds.KINDS.items():
        assert f"| {name} | {kind.number} | {kind.stopped_by} |" in text
