"""Test accuracies from what a notebook printed, or shows as a cell's value, in the words people use.

Why separate: a curve is many lines that are counted, an accuracy is one number in one of a dozen spellings, and the
words around it tell of which set it is. All of it is a claim by the student's own text; nothing here decides points.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from autograder.core.policy import TRAINING
from autograder.core.records import Cell
from autograder.handin.evidence import words
from autograder.handin.evidence.printed_run import MAX_LINE, lines_of
from autograder.handin.evidence.tables import spelled_out

# Every repetition below has a bound: the text is the student's, and no line of it may keep the grader busy.
_NUMBER = r"[-+]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][-+]?\d{1,3})?"
_ACC = r"(?:acc(?:uracy|uracies)?|correct)"
_PATTERNS = (
    re.compile(rf"\b{_ACC}\b\W{{0,10}}(?P<correct>\d{{1,7}})\s*/\s*(?P<images>\d{{1,7}})\b", re.IGNORECASE),
    re.compile(rf"\b{_ACC}\b[^\d\n]{{0,40}}(?P<correct>\d{{1,7}})\s*/\s*(?P<images>\d{{3,7}})\b", re.IGNORECASE),
    re.compile(rf"\b(?P<correct>\d{{1,7}})\s*/\s*(?P<images>\d{{3,7}})\b[^\d\n]{{0,40}}{_ACC}", re.IGNORECASE),
    re.compile(rf"(?:acc|correct)(?:(?!err)[^\n]){{0,80}}?(?<![\d.])(?P<percent>{_NUMBER})\s*%", re.IGNORECASE),
    re.compile(rf"(?<![\d.])(?P<percent>{_NUMBER})\s*%[^\d\n]{{0,20}}acc", re.IGNORECASE),
    re.compile(rf"acc(?:uracy|uracies)?\b[^\d\n]{{0,40}}?(?P<share>{_NUMBER})", re.IGNORECASE),
    re.compile(r"(?<![\d.])(?P<share>0?\.\d{1,20})[^\d\n]{0,20}acc", re.IGNORECASE),
    re.compile(
        rf"(?:fehler(?:rate|quote)?|taux d.erreur|tasa de error|taxa de erro)\b[^\d\n]{{0,40}}(?P<wrong>{_NUMBER})\s*%",
        re.IGNORECASE,
    ),
    re.compile(rf"(?<![a-z])err(?:or)?(?:[ _]rate)?\b\W{{0,10}}(?P<wrong>{_NUMBER})\s*%", re.IGNORECASE),
    re.compile(r"(?<![a-z])(?:err(?:or)?[ _]rate|err)\b\W{0,10}(?P<wrong_share>0?\.\d{1,20})", re.IGNORECASE),
)
# A cell's own value: a number, or several in brackets, in whatever NumPy and torch put around them.
_VALUE = re.compile(
    rf"[\s(\[]*(?:(?:np\.|numpy\.|torch\.)?(?:float\d*|int\d*|tensor|array)\(|\(|\[)*\s*{_NUMBER}"
    rf"(?:[\s,()\[\]]{{1,8}}(?:(?:np\.)?(?:float|int)\d*\(|tensor\()?\s*{_NUMBER}){{0,3}}"
    r"(?:,\s*device='[a-z:0-9]{1,12}')?[\s)\],]*"
)
_LONGEST_VALUE = 300  # four numbers, each in NumPy's or torch's dress, take 150
_NUMBERS = re.compile(rf"(?<![\w.]){_NUMBER}(?![\w.])")
_OUT_OF = re.compile(
    r"(?<![\d.])(?P<correct>\d{1,7})\s(?:of|out of|von|de|sur|from)\s(?P<images>\d{3,7})(?![\d.])", re.IGNORECASE
)
_WRONG_OF = re.compile(
    r"(?<![\d.])(?P<wrong>\d{1,7})\s(?:test\s)?(?:images?\s|digits?\s|samples?\s)?"
    r"(?:misclassified|wrong|incorrect|mistakes|errors)\s(?:out\s)?of\s(?:the\s)?(?P<images>\d{3,7})(?![\d.])",
    re.IGNORECASE,
)
# Beside the count itself: "test error 0.08, 9716 of 10000" counts what is right.
_WRONGLY = r"(?:falsch|wrong|incorrect|misclassif|mistake|error|fehler|erreur|errore|erros\b|faux|неверн|错|誤)"
_WRONG_BEHIND = re.compile(rf"\W{{0,3}}(?:\w{{1,12}}\s){{0,2}}{_WRONGLY}", re.IGNORECASE)
_WRONG_BEFORE = re.compile(rf"{_WRONGLY}[^\d,;.]{{0,30}}$", re.IGNORECASE)
_COUNTS = re.compile(r"(?<![\d.])(?P<correct>\d{1,7})\s?/\s?(?P<images>\d{3,7})(?![\d.])")
_AND_WRONG = re.compile(
    r"(?<![\d./])(?<!of\s)(?<!von\s)(?P<correct>\d{1,7})\s(?:right|correct|hits|richtig|correctas?|justes?)\b\W{1,5}(?:and\s)?(?P<wrong>\d{1,7})\s"
    r"(?:wrong|incorrect|false|misses|missed|errors?|mistakes|falsch)\b",
    re.IGNORECASE,
)
_BARE_PERCENT = re.compile(rf"(?<![\d.])(?P<percent>{_NUMBER})\s*%")
_RIGHT = re.compile(r"right|correct|hits?\b|acc|richtig|aciertos", re.IGNORECASE)
_TRAINS = re.compile(r"backward|\bstep\(|\bfit\(|train\w*\(", re.IGNORECASE)
_TEXT = re.compile(r"""[rbfu]{0,2}(?:"[^"\n]{0,500}"|'[^'\n]{0,500}')""", re.IGNORECASE)
_CALLED = re.compile(r"\b\w{1,60}\s?\(")
_KEYWORD = re.compile(r"(?<=[(,])\s{0,40}\w{1,60}=(?!=)")  # evaluate(eval_dataset=test_set)
_EPOCHS = re.compile(r"\b\d{1,4}\s?epochs?\b|\bepochs?\W{0,3}\d{1,4}\b", re.IGNORECASE)  # "accuracy after 15 epochs"
_COUNTED = re.compile(
    r"\b\d{1,4}\s(?:random\s)?(?:seeds?|runs?|folds?|trials?|repeats?|repetitions?|models?)\b", re.IGNORECASE
)
# train/val/test accuracy: 99.1 / 97.4 / 97.3
_SIDE_BY_SIDE = re.compile(
    rf"(?<!\w)(?P<names>\w{{2,12}}(?:\s?[/|,]\s?\w{{2,12}}){{1,2}})(?P<of>[^\d\n/|]{{1,30}})"
    rf"(?P<numbers>{_NUMBER}\s?%?(?:\s?[/|,]\s?{_NUMBER}\s?%?){{1,2}})"
)
_ONE_BATCH = re.compile(
    r"^(?!.{0,200}\b(?:mean|avg|average|over)\b).{0,200}\b(?:(?:one|first|last|single)\s(?:test\s)?|test[ _-])batch\b",
    re.IGNORECASE,
)
_DOES = {"eval", "validate", "validating"}  # what is done, and not of which set
_NO_RESULT = re.compile(r"loss|top-?[2-9]|epoch|time|sec|\blr\b|err|wrong|class|image", re.IGNORECASE)
# Before the first number: what is said of it is no result. "Goal reached, test accuracy:" says nothing of the number.
_NOT_OWN = r"(?:expected|required|target|goal|threshold|human|published|sota)"
_EXPECTED = re.compile(
    r"\b(?:should|must|ought to|has to|needs to)\s(?:be|reach|get|exceed|have)\b|\bat least\W{0,3}$|"
    rf"\b{_NOT_OWN}\W{{1,3}}(?:(?:test|set)\W{{1,3}}){{0,2}}acc|acc\w{{0,8}}\W{{1,3}}{_NOT_OWN}\W{{0,3}}$|"
    r"(?<![=>-])(?:>=?|≥)\s?$",
    re.IGNORECASE,
)
_CALLS_IT = re.compile(r"(?:right|hits?|num_?correct|n_?correct|acc\w*|correct\w*|score|top[_-]?[1k])\b", re.IGNORECASE)


class Accuracy(msgspec.Struct, frozen=True):
    """One printed accuracy. `images` 0: not said over how many. `surely_test`: the line or its cell says "test"."""

    percent: float
    images: int
    surely_test: bool


def accuracies(cells: Sequence[Cell]) -> list[Accuracy]:
    """Every accuracy that the cells print and that is not said to be of the training or validation set."""
    return [found for cell in cells if cell.outputs for found in _of_cell(cell)]


def sets_given(cell: Cell) -> frozenset[str]:
    """The sets that the code names among what it hands on: not in texts, and not in the names of what it calls."""
    return words.sets(_KEYWORD.sub(" ", _CALLED.sub("(", _TEXT.sub("''", cell.source[:MAX_LINE]))))


def _of_cell(cell: Cell) -> list[Accuracy]:
    return list(_printed(cell)) or [*_shown(cell), *_labelled(cell)]


def _printed(cell: Cell) -> Iterator[Accuracy]:
    named = words.sets(cell.source)
    of_test = words.TEST in named
    # evaluate(model, train_loader): what is called says nothing of the set
    about = words.sets(_CALLED.sub("(", cell.source[:MAX_LINE]))
    of_training = about == {words.TRAIN} and not _TRAINS.search(cell.source)
    for line in map(_of_test, spelled_out(lines_of(cell.outputs, bars=False))):
        sets = words.sets(line[:MAX_LINE])
        if sets == {words.VALIDATION} and words.words(line) & _DOES and sets_given(cell) == {words.TEST}:
            sets = frozenset()  # "eval_accuracy" is what evaluate(test_set) calls it
        test = re.search(r"test|tst", line, re.IGNORECASE)
        if (sets or of_training) and (words.TEST not in sets or test is None):
            continue
        text = line[test.start() :] if len(sets) > 1 and test else line
        text = _EPOCHS.sub(" ", _COUNTED.sub(" ", text))
        if _EXPECTED.search(re.split(r"\d", text, maxsplit=1)[0]) or _ONE_BATCH.search(text):
            continue
        accuracy = _accuracy(text, words.TEST in sets or of_test) or _bare_percent(text, sets)
        # more images than MNIST tests with are those it trains with
        if accuracy and (accuracy.images <= TRAINING.test_images or accuracy.surely_test):
            yield accuracy


def _of_test(line: str) -> str:
    """The line with the test set's number alone where several sets and their numbers stand side by side."""
    found = _SIDE_BY_SIDE.search(line[:MAX_LINE])
    named = [words.sets(name) for name in re.split(r"[/|,]", found["names"])] if found else []
    numbers = re.findall(rf"{_NUMBER}\s?%?", found["numbers"]) if found else []
    if not found or len(named) != len(numbers) or {words.TEST} not in named or not all(named):
        return line
    return (
        f"{line[: found.start()]}test{found['of']}{numbers[named.index(frozenset({words.TEST}))]}{line[found.end() :]}"
    )


def _bare_percent(line: str, sets: frozenset[str]) -> Accuracy | None:
    """ "TEST: 97.92 %": the one percentage of a line about the test set alone."""
    found = _BARE_PERCENT.findall(line) if sets == {words.TEST} and not _NO_RESULT.search(line) else []
    percent = float(found[0]) if len(found) == 1 else -1.0
    # 100 % of it is downloaded, or passed
    return Accuracy(percent, 0, True) if 0 <= percent < 100 else None


def _shown(cell: Cell) -> Iterator[Accuracy]:
    """What the last line of a cell gives, which Jupyter shows without a word: of the test set, if its code says so."""
    *_, last = cell.source.strip().splitlines() or [""]
    value = cell.outputs.strip().rpartition("\n")[2].strip("'\"")
    is_percent = value.endswith("%")
    value = value.rstrip("% ")
    of_test = words.TEST in words.sets(cell.source[:MAX_LINE])
    if (
        len(value) > _LONGEST_VALUE
        or not _VALUE.fullmatch(value)
        or not of_test
        or not _CALLS_IT.search(cell.source[:MAX_LINE])
    ):
        return
    if words.sets(last) - {words.TEST} or (words.words(last) & words.LOSS and not _CALLS_IT.search(last)):
        return
    numbers = [float(found[0]) for found in _NUMBERS.finditer(value.partition("device")[0])]
    counts = [number for number in numbers if number > 1 and number == int(number)]
    if len(counts) == 2 and 0 < counts[0] <= counts[1]:
        yield Accuracy(100 * counts[0] / counts[1], int(counts[1]), True)
    elif numbers and 0 <= numbers[-1] <= 1 and not is_percent:
        yield Accuracy(100 * numbers[-1], 0, True)
    elif len(numbers) == 1 and 1 < numbers[0] <= 100:
        yield Accuracy(numbers[0], 0, True)


def _labelled(cell: Cell) -> Iterator[Accuracy]:
    """ "Final: 97.1" or "Top-1: 97.35" under a cell whose code counts what is right in the test set: its one number."""
    source = cell.source[:MAX_LINE]
    if words.TEST not in words.sets(source) or not _CALLS_IT.search(source):
        return
    for line in lines_of(cell.outputs, bars=False):
        numbers = [
            float(found[0]) for found in _NUMBERS.finditer(re.sub(r"(?:top-?|@)1\b", "", line, flags=re.IGNORECASE))
        ]
        if (
            len(numbers) != 1
            or words.sets(line) - {words.TEST}
            or _NO_RESULT.search(line)
            or not re.search(r"[A-Za-z]", line)
        ):
            continue
        if 10 <= numbers[0] <= 100 or ("." in line and 0.1 <= numbers[0] <= 1):
            yield Accuracy(numbers[0] * (100 if numbers[0] <= 1 else 1), 0, True)


def _accuracy(line: str, surely_test: bool) -> Accuracy | None:
    if counted := _AND_WRONG.search(line):
        correct, images = int(counted["correct"]), int(counted["correct"]) + int(counted["wrong"])
        return Accuracy(100 * correct / images, images, surely_test) if images else None
    if wrong_of := _WRONG_OF.search(line):
        wrong, images = int(wrong_of["wrong"]), int(wrong_of["images"])
        return Accuracy(100 - 100 * wrong / images, images, surely_test) if wrong <= images else None
    if (out_of := _OUT_OF.search(line)) and (_RIGHT.search(line) or surely_test):
        correct, images = int(out_of["correct"]), int(out_of["images"])
        before = _WRONG_BEFORE.search(line[: out_of.start()])
        if _WRONG_BEHIND.match(line, out_of.end()) or (before and not _RIGHT.search(before[0])):
            correct = images - correct
        if 0 < images >= correct >= 0:
            return Accuracy(100 * correct / images, images, surely_test)
    for pattern in _PATTERNS:
        match = pattern.search(line)
        if not match:
            continue
        groups = match.groupdict()
        if "correct" in groups:
            correct, images = int(groups["correct"]), int(groups["images"])
            return Accuracy(100 * correct / images, images, surely_test) if 0 < images >= correct else None
        if share := groups.get("wrong_share"):
            return Accuracy(100 - 100 * float(share), 0, surely_test)
        number = float(groups.get("percent") or groups.get("share") or groups["wrong"])
        # "accuracy 0.9798" is a share, "accuracy 97.98" a percentage
        percent = number * 100 if "share" in groups and number <= 1 else number
        percent = 100 - number if "wrong" in groups else percent
        return Accuracy(percent, _images(line, percent), surely_test) if 0 <= percent <= 100 else None
    return None


def _images(line: str, percent: float) -> int:
    """Over how many images, where a count of the line is that percentage: "98.71 % (49356/50000)"; else 0."""
    counts = ((int(found["correct"]), int(found["images"])) for found in _COUNTS.finditer(line))
    return next((images for correct, images in counts if images and abs(100 * correct / images - percent) < 0.06), 0)
