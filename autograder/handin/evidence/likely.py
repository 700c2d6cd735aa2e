"""A test accuracy in words that no list knows: a number that can be one, where output or code names the test set.

Why separate: the strict readers know wordings, and people find others. What is printed is the student's own word either
way, so that a plausible number counts and staff look at it; what is said to be of the training or validation set, a
loss, a time or an expectation is none. Nothing here may decide points.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from autograder.core.policy import TRAINING
from autograder.core.records import Cell
from autograder.handin.evidence import given, words
from autograder.handin.evidence.printed_run import MAX_LINE, lines_of
from autograder.handin.evidence.tables import spelled_out

LEAST, MOST_WRONG = 80.0, 20.0  # percent: what a model reaches that was trained at all, and what it may get wrong
# What the handout's model does not reach in ten epochs: where only the code names the test set, it is something else.
MOST_UNSAID = 99.5
_MOST_IN_LINE = 3  # numbers that can be one; more are one for each class
_MOST_BESIDE = 4  # numbers in a line that does not name its set: loss, right, of, accuracy
_SERIES = 4  # lines of one form: epochs, or classes
_LAST_LINES = 20  # of a cell's output: a result comes at its end
_NUMBER = re.compile(r"(?<![\w.+-])\d{1,6}(?:\.\d{1,20})?(?:[eE]-\d{1,2})?(?![\w.]*\w)(?:\s?(?P<percent>%))?")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_ADDRESS = re.compile(r"://|(?:^|\s)[./~]\S*/|\bversion\b", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_PER_SECOND = re.compile(r"\s{0,3}[A-Za-z]{1,12}\s?/\s?(?:s|sec|min|epoch|batch)\b")
_OTHER_RANK = re.compile(r"(?:top|@)[\s_-]?[2-9]\b", re.IGNORECASE)  # right if among the first five
_EVAL = re.compile(r"eval[a-z]{0,10}_?")  # what evaluate(test_set) calls its numbers
_OUT_OF = re.compile(r"\s{0,3}(?:/|of|out of|von|aus|de|sur|from|su|z)\s{0,3}")
_BOUND = re.compile(r"(?:\b(?:over|above|below|under|than)|(?<![=-])[<>≥≤]=?)\s{0,3}$", re.IGNORECASE)
_BEHIND = re.compile(r"^\s{0,3}\([A-Za-z ]{1,20}\)")  # 0.08 (loss), 9741 hits: of the number before
# Testbildern, testsettet, Validierungsbilder: a set with a thing of it in one word, as Germanic languages write it
_COMPOUND = re.compile(r"\b(?:(tes)z?(t)|(valid)|(training)s)[a-z\u00e0-\u024f]{3,40}\b", re.IGNORECASE)
_MARKUP = re.compile(r"[*`_|]{1,3}(?=\W|$)|(?:(?<=\W)|^)[*`_|]{1,3}|<!--.{0,300}?-->")

_WRONG = frozenset("err error errors wrong mistake mistakes misclassified missed misses incorrect failures".split())
_RIGHT = words.ACCURACY | frozenset("right hits hit top score recognised recognized classified richtig acerto".split())
# What a number beside the test set is, too. Words after it are only asked for its unit.
_OTHER = words.EPOCH | frozenset(
    "time sec secs seconds took elapsed eta lr step steps iter iteration batch batches precision recall f confidence"
    " prob probability threshold momentum beta betas dropout decay params parameters gpu cuda mb gb class digit label"
    " std auc temperature size seed".split()
)
_EXPECTED = frozenset(
    "least expected expect expects expecting should target goal required requires needs threshold baseline"
    " chance handout reference hoped hope would must aim aiming published paper literature others human record"
    " mindestens moins menos almeno todo".split()
)
_UNITS = frozenset("s sec secs seconds ms us it min minutes h mb gb kb mib gib epochs epoch expected required".split())


class Likely(NamedTuple):
    """What may be the test accuracy, in percent, over how many images (0: not said), and why staff should look."""

    cell: Cell
    percent: float
    images: int
    why: str


class _Candidate(NamedTuple):
    percent: float
    images: int
    said: bool  # the line or its heading names the test set, not the code alone
    strong: bool  # a percent sign, a count, or a word for what is right


def in_outputs(cells: Sequence[Cell]) -> list[Likely]:
    """The likeliest number below each cell that has one, in notebook order."""
    printing = [cell for cell in cells if cell.outputs]
    code = given.Code(cells if printing else ())
    found = []
    for cell in printing:
        best = _best(_of_outputs(cell, code.order(cell)))
        of_training = best and best.images > TRAINING.test_images and code.looks_only_at(cell, words.TRAIN)
        if best and not of_training:
            why = f"that {best.percent:g} in cell {cell.number} is the test accuracy was told by its place alone"
            found.append(Likely(cell, best.percent, best.images, why))
    return found


def in_notes(cells: Sequence[Cell]) -> list[Likely]:
    """What Markdown below the cells says of the test set, in sentences or tables."""
    found = []
    for cell in (cell for cell in cells if cell.notes):
        texts = [_MARKUP.sub(" ", line) for line in lines_of(cell.notes, bars=False)]
        parts = [part for line in spelled_out(texts) for part in _SENTENCE.split(line)]
        best = _best([one for one in _of_lines(parts, (), exact=False) if one.said])
        if best:
            why = f"{best.percent:g} stands in the text below cell {cell.number}, and no output says it"
            found.append(Likely(cell, best.percent, best.images, why))
    return found


def _best(candidates: Sequence[_Candidate]) -> _Candidate | None:
    """The last of those of which most is said."""
    best = max(((one.said, one.strong) for one in candidates), default=None)
    return next((one for one in reversed(candidates) if (one.said, one.strong) == best), None)


def _of_outputs(cell: Cell, order: Sequence[str]) -> list[_Candidate]:
    lines = spelled_out(lines_of(cell.outputs, bars=True))
    usable = order if not cell.raised else ()
    return list(_of_lines(lines, usable, exact=True))


def _of_lines(lines: Sequence[str], order: Sequence[str], *, exact: bool) -> Iterator[_Candidate]:
    """`order`: the sets that the code hands on; the last is what its last lines are of. `exact`: 94 % is a result."""
    forms = Counter(re.sub(r"\d+", "0", line) for line in lines)
    section = ""
    for number, line in enumerate(lines):
        repeated = forms[re.sub(r"\d+", "0", line)] >= _SERIES
        line = _COMPOUND.sub(_its_set, line[:MAX_LINE])
        line = _EVAL.sub("", line) if set(order) == {words.TEST} else line
        named = words.sets(line)
        if not any(map(str.isdigit, line)):
            section = next(iter(named)) if len(named) == 1 else section
            continue
        if _ADDRESS.search(line):
            continue
        at_end = len(lines) - number <= _LAST_LINES and not repeated
        few = len(_NUMBER.findall(line)) <= _MOST_BESIDE
        by_code = few and bool(order) and order[-1] == words.TEST and at_end and not words.words(line) & words.EPOCH
        found = list(_of_line(line, section, by_code, exact))
        if len(found) <= _MOST_IN_LINE:
            yield from found
        if not exact:
            section = _last_set(line) or section  # what a text was about, its next sentence is about
            continue
        opened = sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))
        section = _last_set(line) or section if opened > 0 else "" if opened < 0 else section


def _of_line(line: str, section: str, by_code: bool, exact: bool) -> Iterator[_Candidate]:
    numbers = list(_NUMBER.finditer(line))
    only, which = words.sets(line), section
    for index, number in enumerate(numbers):
        begin = numbers[index - 1].end() if index else 0
        end = numbers[index + 1].start() if index + 1 < len(numbers) else len(line)
        before, after = _BEHIND.sub(" ", line[begin : number.start()]), line[number.end() : end]
        which = _last_set(before) or which
        of = which if which != section or not only else ""
        of = of or _last_set(after) or (next(iter(only)) if len(only) == 1 else section)
        total = numbers[index + 1] if _OUT_OF.fullmatch(after) and index + 1 < len(numbers) else None
        if _OTHER_RANK.search(before) or _BOUND.search(before) or (index and _OUT_OF.fullmatch(before)):
            continue
        percent = (
            _percent(number, words.words(before), after, exact) if total is None else _share(number, total, before)
        )
        if percent is None or (of and of != words.TEST) or not (of or (by_code and percent[0] < MOST_UNSAID)):
            continue
        counted = percent[1]
        strong = bool(number["percent"] or counted or words.words(before + after) & _RIGHT)
        yield _Candidate(percent[0], counted, bool(of), strong)


def _its_set(compound: re.Match[str]) -> str:
    return f" {''.join(part for part in compound.groups() if part)} "


def _last_set(text: str) -> str:
    named = [words.SETS[word.lower()] for word in _WORD.findall(text) if word.lower() in words.SETS]
    return named[-1] if named else ""


def _percent(number: re.Match[str], said: frozenset[str], after: str, exact: bool) -> tuple[float, int] | None:
    """(percent, of how many images) that the number can mean, with the words before it and what follows."""
    follows = re.findall("[a-z]+", after.lower())[:3]
    right = bool(said & _RIGHT) or bool(set(follows[:1]) & _RIGHT)
    if said & _EXPECTED or said & (_OTHER | words.LOSS) and not right or _unit(after) in _UNITS:
        return None
    if "time" in follows and not right or _PER_SECOND.match(after):
        return None
    text = number[0].rstrip("% \t")
    value, is_decimal = float(text), "." in text or "e" in text.lower()
    if said & _WRONG and not right:
        return _from_wrong(value, bool(number["percent"]), is_decimal)
    if not exact and not is_decimal and value in (93, 94, 95):
        return None  # the handout's own bound
    if LEAST <= value < 100 and (number["percent"] or is_decimal or right):
        return value, 0
    if not number["percent"] and is_decimal and LEAST <= 100 * value < 100:
        return 100 * value, 0
    images = TRAINING.test_images
    if not number["percent"] and not is_decimal and LEAST <= 100 * value / images < 100:
        return 100 * value / images, images
    return None


def _unit(after: str) -> str:
    match = re.match(r"\s{0,3}([a-z]{1,20})", after.lower())
    return match[1] if match else ""


def _share(number: re.Match[str], total: re.Match[str], before: str) -> tuple[float, int] | None:
    """9741 of 10000; a few images are no test."""
    count, images = (float(match[0].rstrip("% \t")) for match in (number, total))
    if not TRAINING.few_images <= images == int(images) or not 0 <= count <= images:
        return None
    percent = 100 * count / images
    percent = 100 - percent if words.words(before) & _WRONG and not words.words(before) & _RIGHT else percent
    return (percent, int(images)) if LEAST <= percent < 100 else None


def _from_wrong(value: float, is_percent: bool, is_decimal: bool) -> tuple[float, int] | None:
    images = TRAINING.test_images
    if is_percent:
        return (100 - value, 0) if value <= MOST_WRONG else None
    if is_decimal:
        return (100 - 100 * value, 0) if 0 < 100 * value <= MOST_WRONG else None
    return (100 - 100 * value / images, images) if 0 < 100 * value / images <= MOST_WRONG else None
