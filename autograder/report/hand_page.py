"""The page of one question that a person grades: everybody's answer one below the other, with points and a comment.

Why separate: its markup stands in the template, its script fills in what this browser has kept and writes the table.
One file, nothing loaded from anywhere; the page's policy lets its own script run and no other, whatever an answer says.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from autograder.core.policy import POLICY, Question
from autograder.report import message
from autograder.report.html import filled

TEMPLATE, SCRIPT, STYLES = "hand.html.j2", "hand.js", ("class.css", "hand.css")
HERE = Path(__file__).parent
STEP = 0.25  # of the field for points; what is typed may be any number


class Written(msgspec.Struct, frozen=True):
    """One submission's part of the page. `answer` and `rest` are markup of `autograder.handin.markup`."""

    id: str
    who: str
    answer: str = ""
    rest: str = ""
    files: tuple[str, ...] = ()
    problem: str = ""


def hand_page(question: Question, written: Sequence[Written], others: Sequence[Question]) -> str:
    """The page as text. `others`: the questions of the other pages, which it leads to."""
    script = (HERE / SCRIPT).read_text(encoding="utf-8")
    ids = "\n".join([POLICY.title, *(one.id for one in written)])
    return filled(
        TEMPLATE,
        {
            "title": POLICY.title,
            "style": "\n".join((HERE / name).read_text(encoding="utf-8") for name in STYLES),
            "script": script,
            "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            "course": hashlib.sha256(ids.encode("utf-8", "replace")).hexdigest()[:16],  # two classes are kept apart
            "question": question,
            "points": message.points(question.points),
            "step": STEP,
            "written": written,
            "others": others,
        },
    )
