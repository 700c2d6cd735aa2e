"""What an answer takes back: "40, which is wrong, it is 32" says 32, and "d mu (not d)" says nothing of d.

Why separate: such a text holds two results, and which of them is meant is told by a few words between them. It is asked
first, before anything else is read; what remains is read as if it stood alone. Text in, text out, linear in the text.
"""

from __future__ import annotations

import re

from autograder.judging.written.verdict import Unreadable

_WRONG = r"(?:wrong|incorrect|false|mistaken|not\s+(?:right|correct|true)|a\s+mistake)\b"
# "..., which is wrong", "... (wrong)"; and "... is wrong", where no comma says that this is one of several things.
_TAKEN_BACK = re.compile(
    rf"^(?:[^\n]{{1,400}}?[\s,;(]+(?:which|that|this|it)\s+(?:is|was)\s+|[^\n;,()]{{1,400}}?\s+(?:is|was)\s+"
    rf"|[^\n]{{1,400}}?\(\s*){_WRONG}[)\s.,;:]*",
    re.IGNORECASE,
)
_INSTEAD = re.compile(
    r"^(?:(?:so|but|and|actually|rather|sorry|instead|correction|because)\b[\s,:]*)*"
    r"(?:(?:it|the\s+(?:right|correct|real|true)\s+(?:one|answer|value|result))\s+)?"
    r"(?:(?:is|should\s+be|must\s+be|has\s+to\s+be)\b)?[\s:]*",
    re.IGNORECASE,
)
# "40, not 32"; of "is not 40" there is nothing before it.
_DENIED = re.compile(
    r"(?<=[\w)\]}])(?<!\bis)(?<!\bare)(?<!\bwas)(?<!\bdo)(?<!\bdoes)(?<!\bor)(?<!\bbut)(?<!\bif)(?<!\band)[\s,;]+"
    r"(?:and\s+|but\s+)?(?:not(?:\s+just)?|rather\s+than|instead\s+of)\s+(?=\S)[^\n;=]{1,200}$",
    re.IGNORECASE,
)
_SAYS_SOMETHING = re.compile(r"\d|\\?\b(?:mu|sigma|d|v)|[μσ]", re.IGNORECASE)


def standing(text: str) -> str:
    """What `text` still says in the end. Raises Unreadable where it takes back its only result."""
    taken = _TAKEN_BACK.match(text)
    if taken and _SAYS_SOMETHING.search(taken[0]):
        rest = _INSTEAD.sub("", text[taken.end() :], count=1)
        if not _SAYS_SOMETHING.search(rest):
            raise Unreadable("this answer says itself that it is wrong", "write only what you hold to be right")
        return rest
    kept = _DENIED.sub("", text)
    return kept if _SAYS_SOMETHING.search(kept) else text
