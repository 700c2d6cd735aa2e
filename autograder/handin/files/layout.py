"""The names of answers.toml, as data, and remarks on what does not fit them. Remarks never cost points.

Why separate: the parser, the judges' messages and the public check must agree on the names, and a misspelled name must
be told to the student before it silently counts as a blank. Nothing here knows what an answer is worth.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from autograder.core.policy import FILES
from autograder.core.text import one_line

# The file that students fill in: table -> keys.
LAYOUT: Mapping[str, tuple[str, ...]] = {
    "administrivia": ("survey_code", "signed_by", "collaborators"),
    "q2a": ("parameters", "output_shape"),
    "q2b": ("parameters", "output_shape"),
    "q2c": ("average_pool", "max_pool"),
    "q3a": ("a2",),
    "q3c": ("expectation", "variance"),
}

# Handout 1: "the 10 digit alphanumeric code".
SURVEY_CODE = re.compile(r"[A-Za-z0-9]{10}")
EXAMPLE_CODE = "0a1b2c3d4e"  # the one in the template's comment
EXAMPLE_FIX = "copy yours from the survey's last page"
MAX_REMARKS = 8
# What stands in a box that nobody has filled in yet.
_BLANKS = frozenset({"", "?", "??", "???", "todo", "...", "-", "n/a", "tbd", "fixme", "your answer here"})
MAX_NAME = 80  # a longer name is not a misspelling of ours, and comparing it would cost time


def is_blank(raw: object) -> bool:
    """Whether nothing was answered: a missing key, "", "?", "TODO", an empty list, or a list of such."""
    if isinstance(raw, str):
        return raw.strip().lower().strip("._ ") in _BLANKS or not raw.strip("_ .")
    return raw is None or (isinstance(raw, list) and all(map(is_blank, raw)))


def canonical_table(name: str) -> str:
    """ "2a", "Q2A", "q2.a" and "question 2(a)" are "q2a"; any other name only loses its case and outer spaces."""
    plain = re.sub(r"[^0-9a-z_]", "", name.lower()) if len(name) <= MAX_NAME else name
    short = re.sub(r"^(?:question|problem|part|q)?_*([0-9])_*([a-z])_*$", r"q\1\2", plain)
    return short if short in LAYOUT else name.strip().lower()


def canonical_key(name: str) -> str:
    """ "Output Shape", "output-shape" and "outputShape" are "output_shape"; other names only lose case and spaces."""
    letters = re.sub(r"[^0-9a-z]", "", name.lower()) if len(name) <= MAX_NAME else name
    for key in (key for keys in LAYOUT.values() for key in keys):
        if letters == key.replace("_", ""):
            return key
    return name.strip().lower()


def remarks_on_missing(answers: Mapping[str, Mapping[str, object]], table: str, key: str) -> tuple[str, ...]:
    """Why the box `key` of `table` may be missing: only what stands in its place, never what is wrong elsewhere."""
    if key in answers.get(table, {}):
        return ()
    remarks = [_unknown(table, other) for other in answers.get(table, {}) if _may_be(other, key, LAYOUT[table])]
    if table not in answers:
        remarks += [
            f"{FILES.answers}: there is no table [{table}]; perhaps [{_shown(name)}] is meant to be it."
            for name in answers
            if name and name not in LAYOUT and _closest(name, tuple(LAYOUT)) == table
        ]
    lacking = [name for name, keys in LAYOUT.items() if key in keys and key not in answers.get(name, {})]
    if lacking == [table]:  # where several lack it, a stray one says nothing about where it belongs
        remarks += [
            _unknown(name, key) if name else _outside(key)
            for name in answers
            if key in answers[name] and key not in LAYOUT.get(name, ())
        ]
    return tuple(remarks)


def _may_be(name: str, key: str, keys: tuple[str, ...]) -> bool:
    """Whether a name that the table does not have may be `key`, misspelled."""
    return name not in keys and not any(name in known for known in LAYOUT.values()) and _closest(name, keys) == key


def _closest(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6) if len(name) <= MAX_NAME else []
    return close[0] if close else ""


def remarks_on_layout(answers: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    """What will not be read, with the name that was probably meant. Empty when every name is a known one."""
    remarks: list[str] = []
    for table, entries in answers.items():
        if table == "":
            remarks += [_outside(key) for key in entries]
        elif table not in LAYOUT:
            remarks.append(f"{FILES.answers}: nothing reads the table [{_shown(table)}]{_meant(table, tuple(LAYOUT))}.")
        else:
            remarks += [_unknown(table, key) for key in entries if key not in LAYOUT[table]]
    if len(remarks) > MAX_REMARKS:
        remarks[MAX_REMARKS:] = [f"{FILES.answers}: {len(remarks) - MAX_REMARKS} more names are not read."]
    return tuple(remarks)


def _outside(key: str) -> str:
    return (
        f"{FILES.answers}: {_shown(key)!r} stands before the first table, so it belongs to no question. "
        "Move it below its heading, e.g. [q2a]."
    )


def _unknown(table: str, key: str) -> str:
    homes = [f"[{name}]" for name, keys in LAYOUT.items() if key in keys]
    if homes:
        where = f"belongs to {' or '.join(homes)}, but stands in [{table}]"
        return f"{FILES.answers}: {_shown(key)!r} {where}; it is not read."
    return f"{FILES.answers}: nothing reads {_shown(key)!r} in [{table}]{_meant(key, LAYOUT[table])}."


def _meant(name: str, known: tuple[str, ...]) -> str:
    close = _closest(name, known)
    return f"; perhaps {close!r} is meant" if close else f"; known names are {', '.join(known)}"


def _shown(name: str) -> str:
    return one_line(name, 40)


def has_letters(signed: str) -> bool:
    """Whether a signature has two letters; in Hindi, Thai and others a sign that is none may stand between them."""
    return len(re.findall(r"[^\W\d_]", signed)) > 1


def code_fix(typed: object) -> str:
    """How to mend a survey code of a wrong form: a number may have lost its zero; text was not copied as it stands."""
    if isinstance(typed, str):
        return "copy it again as the survey shows it, without spaces and dashes"
    return 'write it in quotes, e.g. "0123456789", so that no leading zero is lost'


def remarks_on_administrivia(answers: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    """Remarks on the form of the survey code and the signature; whether they are true is for staff to see."""
    table = answers.get("administrivia", {})
    code, signed = (str(table.get(key, "")).strip() for key in ("survey_code", "signed_by"))
    remarks = []
    if not code:
        remarks.append(f"{FILES.answers}: survey_code is blank. The survey shows it when you finish.")
    elif code == EXAMPLE_CODE:
        remarks.append(f"{FILES.answers}: survey_code is still the example of the template: {EXAMPLE_FIX}.")
    elif not SURVEY_CODE.fullmatch(code):
        remarks.append(
            f"{FILES.answers}: survey_code should be 10 letters or digits without spaces, and {_shown(code)!r} is not: "
            f"{code_fix(table['survey_code'])}."
        )
    if not signed:
        remarks.append(f"{FILES.answers}: signed_by is blank. Type your name there to sign the handout's statement.")
    elif not has_letters(signed):
        remarks.append(f"{FILES.answers}: signed_by does not look like a name. Type your full name.")
    return tuple(remarks)
