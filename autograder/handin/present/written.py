"""Which boxes of answers.toml are filled in, and what of the handout's written parts stands elsewhere.

Why separate: whether an answer can be read, `check` says, and whether it is right, nobody does before the deadline.
Here only what is blank, a placeholder or no code of ten characters is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from autograder.core.inventory import Item, State
from autograder.core.policy import FILES, POLICY, Question
from autograder.core.records import Submission
from autograder.core.text import one_line, printable
from autograder.handin.files.layout import LAYOUT, SURVEY_CODE, is_blank

FORMS = "administrivia"
EXAMPLE_CODE = "0a1b2c3d4e"  # the one in the template's comment
STATEMENT = "the statement of question 1"
# What stands where somebody has not written yet: "TODO: explain", "<your name>", "Your full name here", "xxxx".
_PLACEHOLDER = re.compile(
    r"\W*(?:(?:todo|fixme|tbd)\b.*|x{3,}|lorem ipsum.*"
    r"|(?:enter|insert|type|put|write|fill)\s(?:in\s)?(?:your\b.*|\w+\shere)"
    r"|your\s(?:answer|full\sname|first\sname|name|code|survey|partner).*|(?:full\s)?name|firstname\slastname"
    r"|(?:answer|code|name|signature)\s(?:here|goes\shere))\W*",
    re.IGNORECASE | re.DOTALL,
)


def unwritten(value: object) -> bool:
    """Whether a box holds nothing of the student's: blank, invisible, or a placeholder; in a list, all of it."""
    if isinstance(value, list):
        return all(map(unwritten, value))
    text = " ".join(printable(value).split()) if isinstance(value, str) else value
    return is_blank(text) or (isinstance(text, str) and len(text) < 200 and bool(_PLACEHOLDER.fullmatch(text)))


def items(submission: Submission) -> Iterator[Item]:
    """Question 1, then each written question in the handout's order."""
    tables, there = submission.answers or {}, submission.answers is not None
    if there:
        yield from _forms(tables.get(FORMS, {}))
    else:
        words = f"are signed and stated in {FILES.answers}, which is not there"
        yield Item(POLICY.by_hand[0].number, "survey code, statement, collaborators", State.MISSING, words)
    for question in sorted((*POLICY.questions, *POLICY.by_hand), key=lambda one: one.number):
        if question in POLICY.by_hand[1:]:
            yield Item(question.number, question.title, State.ELSEWHERE, "a person reads it in your write-up")
        elif there and (boxes := _boxes(question)):
            yield _answered(question, boxes, tables)


def _boxes(question: Question) -> tuple[str, tuple[str, ...]] | None:
    """(table, keys) of a question; the parts of a table stand in its order: 3c.b is the second box of [q3c]."""
    number, _, part = question.number.partition(".")
    keys = LAYOUT.get(f"q{number}", ())
    chosen = keys[ord(part) - ord("a") :][:1] if part else keys
    return (f"q{number}", chosen) if chosen else None


def _answered(
    question: Question, boxes: tuple[str, tuple[str, ...]], tables: Mapping[str, Mapping[str, object]]
) -> Item:
    table, keys = boxes
    given = tables.get(table, {})
    blank = [key for key in keys if unwritten(given.get(key))]
    if not blank:
        return Item(question.number, question.title, State.THERE, "filled in")
    state = State.MISSING if POLICY.written == "required" else State.ELSEWHERE
    words = f"{' and '.join(blank)} {'is' if len(blank) == 1 else 'are'} blank in {FILES.answers}"
    odd = next((given[key] for key in blank if key in given and not is_blank(given[key])), None)
    return Item(question.number, question.title, state, words + (f" ({one_line(str(odd), 40)!r})" if odd else ""))


def _forms(given: Mapping[str, object]) -> Iterator[Item]:
    part = POLICY.by_hand[0].number
    yield _code(part, str(given.get("survey_code", "")).strip())
    signed = given.get("signed_by", "")
    if unwritten(signed) or not re.search(r"[^\W\d_]{2}", str(signed)):
        fix = f"type your full name as signed_by below [{FORMS}]"
        yield Item(part, "statement", State.MISSING, f"{STATEMENT} is not signed in {FILES.answers}", fix)
    else:
        yield Item(part, "statement", State.THERE, f"signed by {one_line(str(signed), 60)}")
    others = given.get("collaborators", "")
    if unwritten(others):
        fix = 'state with whom you worked, or "nobody", there and on the first page of your write-up'
        yield Item(part, "collaborators", State.LOOK, f"not stated in {FILES.answers}", fix)
    else:
        yield Item(part, "collaborators", State.THERE, one_line(_listed(others), 120))


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _code(part: str, code: str) -> Item:
    if unwritten(code):
        fix = f"copy it from the survey's last page, in quotes, to survey_code below [{FORMS}]"
        return Item(part, "survey code", State.MISSING, f"is blank in {FILES.answers}", fix)
    if code == EXAMPLE_CODE:
        return Item(part, "survey code", State.MISSING, "is still the example of the template")
    if not SURVEY_CODE.fullmatch(code):
        words = f"should be 10 letters or digits without spaces, and {one_line(code, 30)!r} is not"
        fix = "write it in quotes, so that no leading zero is lost"
        return Item(part, "survey code", State.MISSING, words, fix)
    return Item(part, "survey code", State.THERE, "10 letters or digits")
