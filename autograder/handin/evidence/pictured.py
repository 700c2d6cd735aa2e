"""Which saved pictures are of the losses, and of whose: told by the code that draws them, never by looking.

Why separate: reading text is one question, reading the code of a plot another. A picture counts as one of losses unless
its code says otherwise: every curve of it is an accuracy's, or nothing in it is of a run. Nothing here decides points.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from autograder.core.records import Cell
from autograder.handin.evidence import task, words
from autograder.handin.evidence.printed_run import MAX_TEXT

_THING = re.compile(r"""\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'|[^\W\d]\w{0,60}""")  # a text or a name
_NAME = re.compile(r"""(?<![\w"'])[^\W\d]\w{0,60}(?![\w"'])""")
_DRAWS = re.compile(r"\bplot|\bplt\.|\.plot|\b(?:px|go|sns|alt|hv)\.|\bChart\(|\bfigure\(|\.line\(|\bImage\(|gnuplot")
_CURVE = re.compile(r"(?:\.(?:plot|semilog[xy]|loglog|scatter|step|bar|errorbar|lineplot|line)|\bplot)\(")
_IMAGES = re.compile(r"\.(?:imshow|matshow|pcolor\w*|heatmap|make_grid|spy)\(")  # digits, weights, who attends to whom
_AXIS = re.compile(r"\b(?:set_)?ylabel\(([^()\n]{0,200})")
_SEVERAL = re.compile(
    r"subplots?\(\s?[1-9]|twinx\(|\bax(?:es|s)?\[|\bax(?:is)?2\b|\.figure\([^\n]{0,200}\n[^§]{0,2000}?\.figure\("
)
_LONGEST_CALL = 600
_SAID_ABOUT = re.compile(r"\b(?:set_)?(?:sup)?(?:title|xlabel|ylabel)\([^()\n]{0,200}\)")
# plot(losses), plot(epochs, losses, "o-", label="loss"): one series, by one name
_ONE_NAME = re.compile(
    r"\s{0,9}(?:[\w.()+ ]{1,60},\s{0,9})?[\w.]{1,60}(?:\s{0,9},\s{0,9}(?:\w{1,20}\s?=\s?)?[^,=]{1,60}){0,6}\s{0,9}"
)
# What is drawn beside losses, and words that name no data.
_BESIDE = re.compile(r"\b(?:lr|lrs|rate|grad\w*|norm\w*|time\w*|smooth\w*|ema|average\w*|rolling)\b", re.IGNORECASE)
_NO_DATA = frozenset(
    "range len list np numpy arange linspace array for in label labels color c marker ls lw linewidth alpha epochs"
    " epoch e x xs torch tensor item plt ax axes fig markersize linestyle zip enumerate".split()
)


def of_losses(cell: Cell, cells: Sequence[Cell]) -> bool:
    """Whether the cell has a picture and, with the functions of other cells that it calls, plots losses."""
    if not cell.images:
        return False
    text = drawing(cell, cells)
    sets = words.sets(text)
    named = words.words(text) & words.LOSS or words.TRAIN in sets and len(sets) > 1
    if _IMAGES.search(text) and not _CURVE.search(text):  # imread("loss.png") or a title may still say so
        said = [text[match.end() : match.end() + _LONGEST_CALL].split("\n")[0] for match in _IMAGES.finditer(text)]
        named = words.words(" ".join([*said, *_SAID_ABOUT.findall(text)])) & words.LOSS
    return bool(named) and bool(_DRAWS.search(text)) and not _of_accuracies(text)


def _of_accuracies(text: str) -> bool:
    """Whether each of its curves is called an accuracy; or its one axis is, and nothing of it a loss."""
    curves = [words.words(call) for call in _calls(text)]
    if curves and all(said & words.ACCURACY and not said & words.LOSS for said in curves):
        return True
    axes = [words.words(label) for label in _AXIS.findall(text)]
    alone = axes and all(said & words.ACCURACY for said in axes) and not _SEVERAL.search(text)
    return bool(alone) and not words.words(text) & words.LOSS


def plotted(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The cells with a saved picture of losses that is, as far as can be told, of this homework."""
    return tuple(cell for cell in cells if of_losses(cell, cells) and not task.refusal(cell))


def draws_both(cell: Cell, cells: Sequence[Cell]) -> bool:
    """Whether the code of a picture names the training set and a held-out one, and not for its accuracy alone.

    Beside `val_loss`, a curve that is called `loss` is the training set's.
    """
    text = _of_the_curve(drawing(cell, cells))
    things = [thing for thing in _THING.findall(text) if not words.words(thing) & words.ACCURACY]
    sets = {found for thing in things for found in words.sets(thing)}
    if words.TRAIN in sets and len(sets) > 1:
        return True
    drawn = [thing for call in _calls(text) for thing in _THING.findall(call) if words.words(thing) & words.LOSS]
    named = [words.sets(thing) for thing in drawn]
    return set() in named and any(one - {words.TRAIN} for one in named)


def _of_the_curve(text: str) -> str:
    """Where the code draws one curve, of one name: the code without what titles and axes say, which may promise two."""
    calls = _calls(text)
    return _SAID_ABOUT.sub(" ", text) if len(calls) == 1 and _ONE_NAME.fullmatch(calls[0]) else text


def perhaps_both(cell: Cell, cells: Sequence[Cell]) -> bool:
    """Whether the code draws two curves of different data, called nothing but losses, not both of training."""
    curves = [
        {name.lower() for name in _NAME.findall(call)} - _NO_DATA
        for call in _calls(drawing(cell, cells))
        if not words.words(call) & words.ACCURACY and not _BESIDE.search(call)
    ]
    pairs = ((one, other) for number, one in enumerate(curves) for other in curves[:number])
    return any(one - other and other - one and not (_of_training(one) and _of_training(other)) for one, other in pairs)


def _of_training(names: set[str]) -> bool:
    return words.TRAIN in words.sets(" ".join(names))


@functools.lru_cache(2)
def _defined(cells: tuple[Cell, ...]) -> dict[str, str]:
    """The text of the cell that defines each function: read once, not for every cell anew."""
    return {name: cell.source for cell in cells for name in re.findall(r"^def (\w+)", cell.source, re.MULTILINE)}


def drawing(cell: Cell, cells: Sequence[Cell]) -> str:
    """The code that draws the cell's picture: its own, and that of the functions of other cells that it calls."""
    called = [text for name, text in _defined(tuple(cells)).items() if re.search(rf"\b{name}\(", cell.source)]
    return "\n".join([cell.source, *called])[:MAX_TEXT]


def _calls(text: str) -> list[str]:
    """What stands in the brackets of each call that draws a curve."""
    return [_inside(text[match.end() : match.end() + _LONGEST_CALL]) for match in _CURVE.finditer(text)]


def _inside(text: str) -> str:
    depth = 1
    for at, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if not depth:
            return text[:at]
    return text
