"""The names of answers.toml, as data, and remarks on what does not fit them. Remarks never cost points.

Why separate: the parser, the judges' messages and the public check must agree on the names, and a misspelled name must
be told to the student before it silently counts as a blank. Nothing here knows what an answer is worth.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from autograder.core.text import one_line

# The file that students fill in: table -> keys.
LAYOUT: Mapping[str, tuple[str, ...]] = {
    "administrivia": ("survey_code", "signed_by"),
    "q2a": ("parameters", "output_shape"),
    "q2b": ("parameters", "output_shape"),
    "q2c": ("average_pool", "max_pool"),
    "q3a": ("a2",),
    "q3c": ("expectation", "variance"),
}

# Handout 1: "the 10 digit alphanumeric code".
_SURVEY_CODE = re.compile(r"[A-Za-z0-9]{10}")
MAX_REMARKS = 8
MAX_NAME = 80  # a longer name is not a misspelling of ours, and comparing it would cost time


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


def remarks_on_layout(answers: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    """What will not be read, with the name that was probably meant. Empty when every name is a known one."""
    remarks: list[str] = []
    for table, entries in answers.items():
        if table == "":
            remarks += [_outside(key) for key in entries]
        elif table not in LAYOUT:
            remarks.append(f"answers.toml: nothing reads the table [{_shown(table)}]{_meant(table, tuple(LAYOUT))}.")
        else:
            remarks += [_unknown(table, key) for key in entries if key not in LAYOUT[table]]
    if len(remarks) > MAX_REMARKS:
        remarks[MAX_REMARKS:] = [f"answers.toml: {len(remarks) - MAX_REMARKS} more names are not read."]
    return tuple(remarks)


def _outside(key: str) -> str:
    return (
        f"answers.toml: {_shown(key)!r} stands before the first table, so it belongs to no question. "
        "Move it below its heading, e.g. [q2a]."
    )


def _unknown(table: str, key: str) -> str:
    homes = [f"[{name}]" for name, keys in LAYOUT.items() if key in keys]
    if homes:
        return (
            f"answers.toml: {_shown(key)!r} belongs to {' or '.join(homes)}, but stands in [{table}]; it is not read."
        )
    return f"answers.toml: nothing reads {_shown(key)!r} in [{table}]{_meant(key, LAYOUT[table])}."


def _meant(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6) if len(name) <= MAX_NAME else []
    return f"; perhaps {close[0]!r} is meant" if close else f"; known names are {', '.join(known)}"


def _shown(name: str) -> str:
    return one_line(name, 40)


def remarks_on_administrivia(answers: Mapping[str, Mapping[str, object]]) -> tuple[str, ...]:
    """Remarks on the form of the survey code and the signature; whether they are true is for staff to see."""
    table = answers.get("administrivia", {})
    code, signed = (str(table.get(key, "")).strip() for key in LAYOUT["administrivia"])
    remarks = []
    if not code:
        remarks.append("answers.toml: survey_code is blank. The survey shows it when you finish.")
    elif not _SURVEY_CODE.fullmatch(code):
        remarks.append(
            f"answers.toml: survey_code should be 10 letters or digits without spaces; {_shown(code)!r} is not. "
            'Write it in quotes, e.g. "0123456789", so that no leading zero is lost.'
        )
    if not signed:
        remarks.append("answers.toml: signed_by is blank. Type your name there to sign the handout's statement.")
    elif not re.search(r"[^\W\d_]{2}", signed):
        remarks.append("answers.toml: signed_by does not look like a name. Type your full name.")
    return tuple(remarks)
