"""A typed value to the sizes of a tensor, in the order typed.

Why separate: in a shape, x and * separate sizes, as commas and words do; in every other answer they multiply. It knows
no right value and judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from autograder.core.policy import TOLERANCES
from autograder.core.spoken import in_digits
from autograder.core.text import one_line
from autograder.judging.written.chains import LABEL, cut, split_outside, unwrapped, without_reason
from autograder.judging.written.grammar import parse
from autograder.judging.written.nodes import Number, Power
from autograder.judging.written.read import Figure, few, figure, number
from autograder.judging.written.spelling import bounded, plain
from autograder.judging.written.taken_back import standing
from autograder.judging.written.tokens import Token, tokens
from autograder.judging.written.verdict import Unreadable
from autograder.judging.written.words import FILLERS

_NAME = r"(?<![A-Za-z])[A-Za-z][A-Za-z_]*"
_LABELS = re.compile(rf"((?:{_NAME}\s*=\s*){{2,3}})([0-9]+)")
# The space of all tensors of a shape, and numpy's way of asking for one.
_SPACE = re.compile(r"\\(?:mathbb|mathbf|mathcal)\s*\{\s*R\s*\}\s*\^|ℝ\s*\^|\bR\s*\^|∈")
_ANGLES = re.compile(r"[<⟨]([^<>⟨⟩]*)[>⟩]")
_BATCH = re.compile(r"([(\[])\s*(?:\?|\*|-\s*1|:|\.{3}|…|None)\s*,")  # (?, 5, 7), (-1, 5, 7): any number of samples
_ANY_NUMBER = re.compile(r"[?*:]|-1|None|[NnBbmM]|(?:mini)?[ _-]?batch(?:[ _-]?size)?", re.IGNORECASE)
# "13 in both dimensions", "height and width are both 13": a size that is said once and meant twice.
_AXES = (
    r"(?:(?:spatial\s+)?(?:dims?|dimensions?|directions?|axes|axis|sides?)|(?:height|rows)\s+and\s+(?:width|columns))"
)
_BOTH = r"(?:height|rows)\s+and\s+(?:width|columns)"
_TWICE = (
    re.compile(rf"\b(\d{{1,5}})\s+(?:in|along|for|on)\s+(?:both|each)\s+(?:the\s+)?{_AXES}\b", re.IGNORECASE),
    re.compile(
        rf"\b(?:(?:both|each)\s+{_AXES}|{_BOTH})\s*(?:=|:|(?:is|are)\b)?\s*(?:both\s+)?(\d{{1,5}})\b(?!\s*[x×*])\s*;?",
        re.IGNORECASE,
    ),
)
_COUNT = re.compile(r"\b(?:entries|elements|values|numbers|units|outputs|activations|features|total)\b", re.IGNORECASE)
# "5x5 per filter, 7 filters: 5x5x7": what stands last, where it is no shorter than any before.
_LAST = re.compile(r"(?:→|->|:|=>|\bso\b|\bthus\b|\bi\.e\.)\s*([^→:]*)$")
_CHAIN = re.compile(r"\d+(?:\s*[x×*,]\s*\d+)+")
# "where n = (30 - 4)/2 + 1 = 14", "let L = 9": a letter that stands for a size, with what it comes to.
_LETTER = re.compile(
    r"\b(?:where|with|let|for|and)\s+([A-Za-z])\s*=\s*([^,;=\n]{0,60}=\s*)?(\d{1,6})\b(?![x×*/+^])", re.IGNORECASE
)
# "9 x 7, stride 2, so ..." names what was given.
_SETTING = re.compile(
    r",?\s{0,9}\b(?:with\s)?(?:stride|padding|kernel(?:\ssize)?)\s?(?:of\s|=\s?)?\d{1,2}\b", re.IGNORECASE
)
_OR = re.compile(r"[,;]?\s{1,9}or\s{1,9}(?:(?:just|equivalently|also)\s)?", re.IGNORECASE)
_MOST_WAYS = 4
# One way alone to read each bracket: with two, the work doubles with every pair.
_ASIDE = re.compile(
    r"(?<=[\w\])}])(?<!floor)(?<!ceil)\s{0,20}\(((?=[^()]*(?:\([^()]*\)[^()]*)?[A-Za-z=])(?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)"
)


# "9 x 7 (30 - 4)/2 + 1 = 14": sizes, and behind them how one of them was worked out.
_WORKING = re.compile(r"^(\s*\d+(?:\s*[x×*]\s*\d+)+)[\s:,]+((?:floor\s*)?\([^=]{1,80})=\s*(\d{1,6})\s*\.?$")


class Shape(msgspec.Struct, frozen=True):
    """The sizes of a tensor, in the order typed."""

    sizes: tuple[int, ...]


def shape(raw: object) -> Shape:
    """Sizes in the order typed: [5, 7], "5 x 7", "(5, 7)", "H=5, W=6, C=7", "7 channels of 5 x 6"."""
    while isinstance(raw, list) and len(raw) == 1 and isinstance(raw[0], (list, str)):
        raw = raw[0]
    if isinstance(raw, list) and len(raw) > 2 and isinstance(raw[0], str) and _ANY_NUMBER.fullmatch(raw[0].strip()):
        raw = raw[1:]
    if isinstance(raw, list):
        return Shape(tuple(_size(number(entry)) for entry in few(raw)))
    if isinstance(raw, str):
        return Shape(_of_text(raw))
    return Shape((_size(number(raw)),))


def _of_text(raw: str) -> tuple[int, ...]:
    """The sizes in a text; "9 x 7 or 7 x 9" says the same sizes in two orders, of which the first is meant."""
    raw = standing(bounded(raw))
    for twice in _TWICE:
        raw = twice.sub(r" \1 x \1 ", raw)
    ways = _OR.split(raw)
    if 1 < len(ways) <= _MOST_WAYS and all(way.count("(") == way.count(")") for way in ways):
        found = [_of_one(way) for way in ways]
        if len({tuple(sorted(size for size in sizes if size != 1)) for sizes in found}) == 1:
            return found[0]
    return _of_one(raw)


def _of_one(raw: str) -> tuple[int, ...]:
    """Of a chain like "9 x 7 = 63" or "8 + 1 = 9; 9 x 7" the part with the most sizes."""
    raw = _with_letters(
        _SETTING.sub(" ", re.sub(r"^\s*-\s+", "", bounded(raw)))
    )  # a size is never less than nothing: that is a list's dash
    text = _SPACE.sub(" ", unwrapped(without_reason(raw).rstrip(" ,;.(")))
    text = _BATCH.sub(r"\1", plain(_ANGLES.sub(r"(\1)", re.sub("[|@]", ",", text))))
    inside, main = _without_asides(_last(_without_working(text)))
    found: list[tuple[int, ...]] = []
    problem: Unreadable | None = None
    clauses = [LABEL.sub(" ", clause) for clause in split_outside(_repeated_labels(main), ";\n")]
    for part in (part for clause in clauses for part in cut(clause, between=",;")):
        try:
            found.append(_sizes(part))
        except Unreadable as unreadable:
            problem = unreadable
    if not found and problem:
        raise problem
    if len(found) > 1 and all(len(sizes) == 1 for sizes in found) and re.search(r"[;\n]", main):
        return tuple(size for sizes in found for size in sizes)  # one size a line
    sizes = max(reversed(found), key=len)
    more = [size for aside in inside for size in _new_sizes(aside, sizes)]
    return (*sizes, *more)


def _without_working(text: str) -> str:
    """Without an equation behind the sizes that comes to one of them, and holds."""
    match = _WORKING.match(text)
    if not match or match[3] not in re.findall(r"\d+", match[1]):
        return text
    try:
        return match[1] if figure(parse(tokens(match[2]))).value // 1 == int(match[3]) else text
    except Unreadable:
        return text


def _with_letters(text: str) -> str:
    """ "n x n x 8 with n = 14" with 14 in the place of n."""
    for letter, _, size in _LETTER.findall(bounded(text)):
        used = re.compile(rf"(?<![A-Za-z]){letter}(?=\s*[x×*,)\]])|(?<=[x×*,(\[])(\s*){letter}(?![A-Za-z]|\s*=)")
        if used.search(text):
            rest = re.sub(
                rf"\b(?:where|with|let|for|and)\s+{letter}\s*=[^,;.\n]{{0,80}}", " ", text, flags=re.IGNORECASE
            )
            text = used.sub(f" {size} ", rest)
    return text


def _last(text: str) -> str:
    """What follows the last colon or arrow, where that is a chain of sizes no shorter than any before it."""
    found = _LAST.search(text)
    if not found:
        return text
    lengths = [
        [len(re.findall(r"\d+", chain)) for chain in _CHAIN.findall(part)] for part in (text[: found.start()], found[1])
    ]
    return found[1] if lengths[1] and max(lengths[0], default=0) <= max(lengths[1]) else text


def _without_asides(text: str) -> tuple[list[str], str]:
    """The brackets with words in them that follow something, and the text without: "5 x 6 (7 channels)"."""
    asides = [match[1] for match in _ASIDE.finditer(text)]
    return asides, _ASIDE.sub(" ", text)


def _new_sizes(aside: str, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """What "(7 channels)" adds. "(5 rows, 7 channels)" after 5 x 7, and working with an equals sign, add nothing."""
    if re.search("[=→/]", aside) or _COUNT.search(aside):
        return ()
    try:
        found = _sizes(aside)
    except Unreadable:
        return ()
    return () if set(found) & set(sizes) else found


def _repeated_labels(text: str) -> str:
    """ "H = W = 13" says 13 twice."""
    return _LABELS.sub(lambda match: f" {' , '.join([match[2]] * match[1].count('='))}", text)


def _sizes(text: str) -> tuple[int, ...]:
    pieces = _pieces(_unwrapped(tokens(in_digits(text, beside=True), noise=FILLERS)))
    if not pieces:
        raise Unreadable("there is no size in this answer", 'write the sizes, e.g. "5 x 7"')
    return tuple(size for piece in pieces for size in _one_or_two(piece))


def _one_or_two(piece: tuple[Token, ...]) -> tuple[int, ...]:
    """The size that a piece says; 5^2 says it twice, as in 5^2 x 7."""
    match parse(piece):
        case Power(base=base, exponent=Number(text="2")):
            return (_size(figure(base)),) * 2
        case node:
            return (_size(figure(node)),)


def _size(figure: Figure) -> int:
    whole = round(figure.value)
    if abs(figure.value - whole) > TOLERANCES.exact or whole < 0:
        raise Unreadable(f"{one_line(f'{figure.value:g}', 20)} is not a size: sizes are whole numbers", "round down")
    return whole


def _unwrapped(found: tuple[Token, ...]) -> tuple[Token, ...]:
    """Without brackets around the whole, one pair after the other."""
    while found and found[0].kind in ("(", "[", "{") and _closing_of_first(found) == len(found) - 1:
        found = found[1:-1]
    return found


def _closing_of_first(found: Sequence[Token]) -> int:
    depth = 0
    for position, token in enumerate(found):
        depth += (token.kind in ("(", "[", "{")) - (token.kind in (")", "]", "}"))
        if depth == 0:
            return position
    return -1


def _pieces(found: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """Cut outside of brackets at commas, x and between numbers side by side; at * when there is nothing else."""
    depth = 0
    pieces: list[list[Token]] = [[]]
    has_sign = any(token.text in ("x", ",", ";", "&") for token in found)
    for before, token in zip((Token("", ""), *found), found):
        depth += (token.kind in ("(", "[", "{")) - (token.kind in (")", "]", "}"))
        if depth == 0 and (token.text in ("x", ",", ";", "&") or (token.text == "*" and not has_sign)):
            pieces.append([])
            continue
        opened = token.kind in ("(", "[", "{") and before.kind in (")", "]", "}")
        if (depth == 0 and token.kind == "number" and before.kind in ("number", ")")) or (depth == 1 and opened):
            pieces.append([])
        pieces[-1].append(token)
    return [part for piece in pieces if piece for part in _nested_pieces(tuple(piece))]


def _nested_pieces(piece: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """(5 x 6) x 7: a group that holds sizes is cut again."""
    inner = _unwrapped(piece)
    holds_sizes = inner != piece and any(token.text in ("x", ",") for token in inner)
    return _pieces(inner) if holds_sizes else [piece]
