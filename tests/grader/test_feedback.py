"""docs/feedback.md is what is printed: a few of its sections are made again, the rest has to be there."""

from __future__ import annotations

import pytest

from scripts import feedback
from tests.grader import in_process

WRITTEN = feedback.DOCUMENT.read_text(encoding="utf-8")
WHAT_TO_DO = "docs/feedback.md is not what is printed now: run `python scripts/feedback.py --write`, and read it"


def test_the_work_without_a_mistake_keeps_every_point() -> None:
    assert not in_process.judged("4a", feedback.IMPORTS + feedback.HEAD)[0]
    assert not in_process.judged("4b", feedback.IMPORTS + feedback.LAYER)[0]


def test_every_mistake_has_its_section_in_order() -> None:
    headings = [line for line in WRITTEN.splitlines() if line.startswith("## ")]
    assert headings == [f"## {i}. {mistake.title}" for i, mistake in enumerate(feedback.MISTAKES, start=1)]
    assert len(headings) >= 12 and WRITTEN.startswith(feedback.INTRODUCTION)


@pytest.mark.slow
def test_some_sections_made_again_are_those_of_the_document() -> None:
    made = list(feedback.sections(feedback.SHORT))
    assert len(made) == len(feedback.SHORT)
    for section in made:
        assert section in WRITTEN, f"{WHAT_TO_DO}\n{section}"
