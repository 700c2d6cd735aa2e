"""Words around a number: which say nothing, and which change what it is worth.

Why separate: people write "there are 40 learnable parameters in total" where a number is asked for. No list of such
nouns can be complete, so every word is a filler but those listed here: the words of arithmetic, and those that would
change or take back what stands beside them.
"""

from __future__ import annotations

_ARITHMETIC = "exp sqrt frac sum floor ceil prod norm dot x by times pow power square ones abs softmax"
_CHANGING = """
 or not no than least most under above below over less more fewer between either neither maybe perhaps unless except
 half third quarter twice double triple thrice dozen hundred hundreds thousand thousands million millions k m
 negative mod log ln sin cos tan inf infinity nan true false e import lambda eval
"""
_MEANING = frozenset(f"{_ARITHMETIC} {_CHANGING}".split())


class Fillers:
    """The words that say nothing beside a number, as a container: all but a few."""

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word.lower() not in _MEANING


FILLERS = Fillers()
