"""Sizes that a module may be made for when it answers at no others: the notebook's model's, then what its shapes show.

Why separate: `own_sizes` tries what is listed here, and says what came of it; this reads sizes off a module that may
never have answered. Numbers of the student's own choice stand in its parameters, so nobody has to guess them.
"""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from autograder.judging.code import cases as sizes
from autograder.judging.code.cases import AttentionCase, LayerCase
from autograder.judging.code.weights import Shape, is_vector, wide
from autograder.judging.own_text import OwnText

MOST = 12  # sizes of the program's own that are tried: each costs a forward, and the likely ones come first
# Of an attention of the layer's own, in numbers of features times numbers of features: Q, K, V and the projection.
_MAPS = 4
_OF_MLP = 2

Own = Mapping[str, int]
Case = AttentionCase | LayerCase


class Shown(msgspec.Struct, frozen=True):
    """What a module was built of: the shapes of its parameters, and how many probe heads it made."""

    shapes: tuple[Shape, ...]
    made: int

    @property
    def matrices(self) -> list[Shape]:
        """The shapes of those that are no vectors, without axes of 1."""
        return [wide(shape) for shape in self.shapes if not is_vector(shape) and math.prod(shape) > 1]


def of_the_model(question: str) -> Own:
    """The arguments of a case as 4(c)'s model has them, without the sizes that are those of x alone."""
    case: type[Case] = AttentionCase if question == "4a" else LayerCase
    model: Sequence[int] = (sizes.EVERYDAY_ATTENTION if question == "4a" else sizes.EVERYDAY_LAYER)[-1]
    names = (name for name in case.__struct_fields__ if name not in ("seed", "dropout"))
    return {name: size for name, size in zip(names, model, strict=True) if name not in ("batch", "tokens")}


def with_heads_that_share_dim(own: Own) -> Own:
    """The sizes with heads of dim // heads features, as an attention of the layer's own may make them."""
    return {**own, "dim_head": own["dim"] // own["heads"]}


def heads_share_dim(own: Own) -> bool:
    """Whether these are such sizes."""
    shared = with_heads_that_share_dim(of_the_model("4b"))
    return all(own.get(name) == shared[name] for name in ("dim", "dim_head"))


def has_room(shown: Shown, case: LayerCase, *, no_more: bool = False) -> bool:
    """Whether a layer holds numbers enough for the attention that is asked for, or a projection after probe heads.

    `no_more`: and none beside these and the MLP's, as where each head has the features that it is asked to have.
    """
    inner, sizes = case.heads * case.dim_head * case.dim, [math.prod(shape) for shape in shown.matrices]
    if shown.made:
        return inner in sizes
    held = sum(sizes) - _OF_MLP * case.mlp_dim * case.dim
    return held == _MAPS * inner if no_more else held >= _MAPS * inner


def shown(usual: Case, seen: Shown, text: str) -> Iterator[Own]:
    """Sizes that the parameters show, likely ones first; those that are the case's are left out."""
    found = _of_head(seen) if isinstance(usual, AttentionCase) else _of_layer(seen, text)
    told = ({name: size for name, size in own.items() if size != getattr(usual, name)} for own in found)
    unique = dict.fromkeys(tuple(own.items()) for own in told if own)
    yield from (dict(own) for own in itertools.islice(unique, MOST))


def _of_head(seen: Shown) -> Iterator[dict[str, int]]:
    """The axes of three equal matrices, or of a fused one, whichever of them is `input_dim`."""
    for shape in dict.fromkeys(shape for shape in seen.matrices if len(shape) == 2):
        for out, into in (shape, shape[::-1]):
            for parts in (1, 3, 2):
                if out % parts == 0:
                    yield {"input_dim": into, "inner_dim": out // parts}


def _of_layer(seen: Shown, text: str) -> Iterator[dict[str, int]]:
    pairs = [shape for shape in seen.matrices if len(shape) == 2]
    vectors = [size for shape in seen.shapes if is_vector(shape) for size in wide(shape)[-1:]]
    counts = {dim: sum(dim in shape for shape in pairs) for dim in dict.fromkeys([*vectors, *itertools.chain(*pairs)])}
    for dim in sorted(counts, key=lambda dim: -counts[dim]):
        others = [shape[shape[0] == dim] for shape in pairs if dim in shape]
        for inner, mlp_dim in _of_maps(others, seen.made):
            for heads in [seen.made] if seen.made else _divisors(inner, text):
                if inner % heads == 0:
                    yield {"dim": dim, "heads": heads, "dim_head": inner // heads, "mlp_dim": mlp_dim}


def _of_maps(others: Sequence[int], made: int) -> Iterator[tuple[int, int]]:
    """(heads * dim_head, mlp_dim) by what each matrix has beside dim: two are the MLP's, the others the attention's."""
    for mlp_dim in dict.fromkeys(size for size in others if others.count(size) > 1):
        rest = list(others)
        rest.remove(mlp_dim)
        rest.remove(mlp_dim)
        inner = min(rest, default=0)
        if inner and (len(rest) == 1 if made else sum(rest) == _MAPS * inner):
            yield inner, mlp_dim


def _divisors(inner: int, text: str) -> Iterable[int]:
    """What may be the number of heads: numbers of the program, first those whose other factor stands there, too."""
    numbers = {
        node.value
        for node in ast.walk(OwnText(text).tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, int)
    }
    found = sorted(n for n in numbers if 1 < n < inner and inner % n == 0)
    return sorted(found, key=lambda n: (inner // n not in numbers, n * n > inner, n))
