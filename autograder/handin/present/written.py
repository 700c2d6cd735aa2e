"""Which boxes of answers.toml are filled in, and what of the handout's written parts stands elsewhere.

Why separate: how an answer is read, `check` says, and whether it is right, nobody does before the deadline. Here only
what is blank, a placeholder, words where figures are asked for, or no code of ten characters is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from autograder.core.inventory import Item, State
from autograder.core.policy import FILES, POLICY, Question
from autograder.core.records import Submission
from autograder.core.text import one_line, printable
from autograder.handin.files.layout import (
    EXAMPLE_CODE,
    EXAMPLE_FIX,
    LAYOUT,
    SURVEY_CODE,
    code_fix,
    has_letters,
    is_blank,
    remarks_on_missing,
)
from autograder.handin.present.wordy import ASKED, words_alone

FORMS = "administrivia"
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
    wordy = [key for key in keys if key not in blank and words_alone(key, given[key])]
    if not blank and not wordy:
        return Item(question.number, question.title, State.THERE, "filled in")
    said = [_holds_words(key, given[key]) for key in wordy]
    if not blank:
        fix = "write the result there: nobody reads these boxes in your write-up; `check` shows how they are read"
        return Item(question.number, question.title, State.LOOK, "; ".join(said), fix)
    state = State.MISSING if POLICY.written == "required" else State.ELSEWHERE
    misspelled = [text for key in blank for text in remarks_on_missing(tables, table, key)]
    if misspelled and len(blank) == 1:
        words = f"there is no {blank[0]} below [{table}] in {FILES.answers}"
    else:
        words = f"{' and '.join(blank)} {'is' if len(blank) == 1 else 'are'} blank in {FILES.answers}"
    odd = next((given[key] for key in blank if key in given and not is_blank(given[key])), None)
    words += f" ({one_line(str(odd), 40)!r})" if odd else ""
    return Item(question.number, question.title, state, "; ".join([words, *said]), " ".join(misspelled[:2]))


def _holds_words(key: str, value: object) -> str:
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{key} holds words alone, not {ASKED[key]}: {one_line(shown, 40)!r}"


def _forms(given: Mapping[str, object]) -> Iterator[Item]:
    part = POLICY.by_hand[0].number
    yield _code(part, given.get("survey_code", ""))
    signed = given.get("signed_by", "")
    if unwritten(signed) or not has_letters(str(signed)):
        fix = f"type your full name as signed_by below [{FORMS}]"
        yield Item(part, "statement", State.MISSING, f"{STATEMENT} is not signed in {FILES.answers}", fix)
    elif not _like_a_full_name(str(signed)):
        fix = f"type your full name as signed_by below [{FORMS}], as you would sign"
        yield Item(part, "statement", State.LOOK, f"is {one_line(str(signed), 60)!r} your full name?", fix)
    else:
        yield Item(part, "statement", State.THERE, f"signed by {one_line(str(signed), 60)}")
    others = given.get("collaborators", "")
    if unwritten(others):
        fix = 'state with whom you worked, or "nobody", there and on the first page of your write-up'
        yield Item(part, "collaborators", State.LOOK, f"not stated in {FILES.answers}", fix)
    else:
        yield Item(part, "collaborators", State.THERE, one_line(_listed(others), 120))


def _like_a_full_name(signed: str) -> bool:
    """Whether it has two words that begin as names do; scripts without capital letters put a name into one word."""
    words = re.findall(r"[^\W\d_][^\s]*", signed)
    names = [word for word in words if not word[0].islower()]
    return len(names) > 1 or any(word[0].lower() == word[0].upper() for word in names)


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _code(part: str, typed: object) -> Item:
    code = str(typed).strip()
    if unwritten(code):
        fix = f"copy it from the survey's last page, in quotes, to survey_code below [{FORMS}]"
        return Item(part, "survey code", State.MISSING, f"is blank in {FILES.answers}", fix)
    if code == EXAMPLE_CODE:
        return Item(part, "survey code", State.MISSING, "is still the example of the template", EXAMPLE_FIX)
    if not SURVEY_CODE.fullmatch(code):
        words = f"should be 10 letters or digits without spaces, and {one_line(code, 30)!r} is not"
        return Item(part, "survey code", State.MISSING, words, code_fix(typed))
    return Item(part, "survey code", State.THERE, "10 letters or digits")
