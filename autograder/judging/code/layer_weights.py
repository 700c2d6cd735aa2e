"""What could play a role in a student's layer: normalisations, linear maps, the projection of the heads; likely first.

Why separate: `layer_roles` tries them; this module only knows how people store such parameters. A normalisation may
have no affine part, or be hand-made from two vectors; a linear map may be hand-made too, stored (in, out), or a
convolution of width 1; the projection may be one map a head, and its heads may stand in another order.
"""

from __future__ import annotations

import msgspec
import torch
from torch import Tensor

from autograder.judging.code.cases import LayerCase
from autograder.judging.code.flat import is_flat, stored_shape
from autograder.judging.code.layer_parts import USUAL_EPS
from autograder.judging.code.readings import members, orders
from autograder.judging.code.weights import Weights, family, scales, wide


class NormSource(msgspec.Struct, frozen=True):
    """Names of a normalisation's two vectors, empty where it has none, and what it adds to the variance.

    The gain is the scale `plus` a number: 1 where it is stored as what it differs from 1.
    """

    scale: str = ""
    shift: str = ""
    eps: float = USUAL_EPS
    plus: float = 0.0


class AffineSource(msgspec.Struct, frozen=True):
    """Names of a linear map's matrix and bias, and how it is stored.

    "outs.#.weight" names one matrix a head, in the order of the numbers in place of #; their biases are added up.
    """

    weight: str = ""
    bias: str = ""
    layout: str = "out-in"


NOTHING = AffineSource()  # the map to zero


# Of the likely ones first. The 40 likeliest pairs of two norms, or of one with itself, which a search looks at, lie in
# these; hundreds of vectors would make tens of thousands.
MAX_NORMS = 42


def norms(dim: int, weights: Weights) -> list[NormSource]:
    """Normalisations: vectors that share a prefix with no matrix, vectors that follow each other, none, other pairs.

    One that scales by 1 and shifts by 0 does the same as none, and is not listed beside it.
    """
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    scale = scales(shapes)
    vectors = [name for name, shape in shapes.items() if wide(shape) == (dim,)]
    groups: dict[str, list[str]] = {}
    for name in weights:
        groups.setdefault(_prefix(name), []).append(name)
    own = [g for g in groups.values() if len(g) <= 2 and set(g) <= set(vectors) and set(g) & scale]
    loose = [name for name in vectors if not any(name in group for group in own)]
    order = {name: i for i, name in enumerate(weights)}
    pairs = [NormSource(a, b) for a in loose for b in (*loose, "") if a in scale and b not in scale]
    # a shift stands after its scale
    follow = [pair for pair in pairs if order.get(pair.shift, -9) == order[pair.scale] + 1]
    found = [*(_norm_of(group, scale) for group in own), *follow, NormSource(), *pairs]
    unique: dict[NormSource, None] = {}
    for norm in found:
        unique[NormSource() if _neutral(norm, weights) else norm] = None
        if len(unique) == MAX_NORMS:
            break
    return list(unique)


def _norm_of(group: list[str], scale: frozenset[str]) -> NormSource:
    gain, *shift = sorted(group, key=lambda name: name not in scale)
    return NormSource(gain, shift[0] if shift else "")


def _neutral(norm: NormSource, weights: Weights) -> bool:
    shifts = norm.shift and bool(weights[norm.shift].any())
    return not (shifts or (norm.scale and bool((weights[norm.scale] != 1).any())))


def plain(weights: Weights, out: int, into: int) -> list[AffineSource]:
    """Linear maps into -> out: each matrix of that size, with the biases that it may have."""
    found = []
    for name, weight in weights.items():
        for layout in _layouts(name, weight, out, into):
            found += [(rank, AffineSource(name, bias, layout)) for rank, bias in enumerate(_biases(name, out, weights))]
    return [source for _, source in sorted(found, key=lambda pair: pair[0])]


def _layouts(name: str, weight: Tensor, out: int, into: int) -> list[str]:
    """How the matrix of a map into -> out may be stored in this parameter."""
    shape = wide(weight.shape)
    if is_flat(name) and weight.numel() == out * into:
        dim = shape[-1]  # rows of dim numbers, or dim rows
        return ["rows", "columns-turned"] * (into == dim) + ["columns", "rows-turned"] * (out == dim)
    if is_flat(name) or shape not in ((out, into), (into, out)):
        return []
    return ["out-in" if shape == (out, into) else "in-out"]


def _biases(name: str, out: int, weights: Weights) -> list[str]:
    """The one beside it; of several the next one after the matrix first, and then the map may have none too."""
    names = list(weights)
    beside = [n for n in names if _prefix(n) == _prefix(name) and n != name and wide(weights[n].shape) == (out,)]
    if _prefix(name) and len(beside) == 1:
        return beside
    scale = scales({n: tuple(w.shape) for n, w in weights.items()})
    acting = [n for n in beside if n not in scale and bool(weights[n].any())]
    acting.sort(key=lambda n: (names.index(n) < names.index(name), abs(names.index(n) - names.index(name))))
    return [*acting[:2], "", *acting[2:]]


def projections(weights: Weights, case: LayerCase) -> list[AffineSource]:
    """Linear maps of all heads' features to dim: one matrix first, one array of three axes, one matrix a head; then the
    heads in reverse, then their features side by side."""
    inner = case.heads * case.dim_head
    found = plain(weights, case.dim, inner)
    sizes = (case.dim, case.heads, case.dim_head)
    for name, weight in weights.items():
        shape = wide(weight.shape)
        if sorted(shape) == sorted(sizes):
            layout = "array" + "".join(str(shape.index(size)) for size in sizes)
            found += [AffineSource(name, bias, layout) for bias in _biases(name, case.dim, weights)]
        elif is_flat(name) or shape not in ((case.dim, inner), (inner, case.dim)):
            known = _TOLD_BY_MAPS if is_flat(name) else ()
            layouts = [f"memory-{order}" for order in orders(stored_shape(name, weight), case) if order not in known]
            found += [AffineSource(name, bias, each) for each in layouts for bias in _biases(name, case.dim, weights)]
    found += _one_a_head(weights, case)
    return [
        msgspec.structs.replace(source, layout=order + source.layout)
        for order in ("", "reversed ", "mixed ")
        for source in found
        if order != "mixed " or not source.layout.startswith("memory")
    ]


_TOLD_BY_MAPS = ("dhf", "hfd", "dfh", "fhd")  # as rows or columns, and with the features of the heads mixed


def _one_a_head(weights: Weights, case: LayerCase) -> list[AffineSource]:
    size = sorted((case.dim, case.dim_head))
    found = []
    for whole in dict.fromkeys(family(name) for name in weights if sorted(wide(weights[name].shape)) == size):
        names = members(whole, weights)
        if len(names) == case.heads:
            bias = whole.replace("weight", "bias")
            beside = members(bias, weights) if bias != whole else []
            fitting = bool(beside) and all(wide(weights[name].shape) == (case.dim,) for name in beside)
            turned = "each" if wide(weights[names[0]].shape)[0] == case.dim else "each-in-out"
            for layout in ("each-rows", "each-columns") if is_flat(whole) else (turned,):
                found.append(AffineSource(whole, bias if fitting else "", layout))
    return found


def bias_of(source: AffineSource, weights: Weights) -> Tensor | None:
    """The map's bias, (out,), or None."""
    biases = [weights[name].flatten() for name in members(source.bias, weights)]
    return torch.stack(biases).sum(0) if biases else None


def matrix_of(source: AffineSource, weights: Weights, case: LayerCase) -> Tensor:
    """The (out, in) matrix of the map."""
    tensors = [weights[name].squeeze() for name in members(source.weight, weights)]
    order, _, layout = source.layout.rpartition(" ")
    if layout.startswith("each"):
        turned = layout in ("each-in-out", "each-rows")
        wide_ones = [t.reshape(case.dim, -1) for t in tensors] if layout == "each-columns" else tensors
        matrix = torch.cat([t.T if turned else t for t in wide_ones], dim=1)
    elif layout.startswith("array"):
        matrix = tensors[0].permute([int(axis) for axis in layout.removeprefix("array")]).flatten(1)
    elif layout.startswith("memory"):
        lies = layout.removeprefix("memory-")
        counts = {"h": case.heads, "f": case.dim_head, "d": case.dim}
        matrix = tensors[0].reshape([counts[s] for s in lies]).permute([lies.index(s) for s in "dhf"]).flatten(1)
    else:
        stored = tensors[0].reshape(case.dim, -1) if layout.startswith("columns") else tensors[0]
        matrix = stored.T if is_turned(layout) else stored
    if order == "reversed":
        return matrix.reshape(case.dim, case.heads, case.dim_head).flip(1).flatten(1)
    if order == "mixed":
        return matrix.reshape(case.dim, case.dim_head, case.heads).transpose(1, 2).flatten(1)
    return matrix


def is_turned(layout: str) -> bool:
    """Whether a map's matrix is stored (in, out)."""
    return layout in ("in-out", "rows-turned", "columns-turned")


def _prefix(name: str) -> str:
    return name.rpartition(".")[0]
