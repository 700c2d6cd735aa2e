"""Which parameters of a student's attention project queries, keys and values: found by trying, judged by numbers.

Layouts: separate matrices in any order, fused q/k/v or k/v along either axis, contiguous or interleaved, stored
(out, in) like nn.Linear or (in, out) like a hand-made matrix, or stacked along an axis of their own. Names are hints
for the order of trying.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec
from torch import Tensor

from autograder.judging.code.cases import AttentionCase
from autograder.judging.code.compare import close, distance
from autograder.judging.code.flat import is_flat
from autograder.judging.code.weights import Weights, wide

# A module with six candidate matrices has 120 ordered triples; more than this is no attention that we can read.
MAX_ASSIGNMENTS = 5000
# Formulas worked out in one search, 0.1 ms each: twelve matrices for the reference, six for each wrong version.
MAX_TRIES, FEW_TRIES = 1500, 130


class MatrixSource(msgspec.Struct, frozen=True):
    """One (inner_dim, input_dim) matrix: part `index` of `parts` in parameter `name`, cut by `layout`."""

    name: str
    layout: str
    parts: int
    index: int


class Roles(msgspec.Struct, frozen=True):
    """An assignment of the three roles."""

    q: MatrixSource
    k: MatrixSource
    v: MatrixSource

    @property
    def names(self) -> tuple[str, str, str]:
        """The parameters that hold q, k and v; a fused one stands there more than once."""
        return self.q.name, self.k.name, self.v.name


class Observation(msgspec.Struct, frozen=True):
    """What one case gave: the weights and input that we sent, the output that came back.

    `other`: the output for another input, `again` for this one with another seed.
    """

    case: AttentionCase
    weights: Weights
    x: Tensor
    output: Tensor
    other: Tensor | None = None
    again: Tensor | None = None


# (x, w_q, w_k, w_v) -> output, each w (inner_dim, input_dim): the reference or a misconception
Formula = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def cuts(shape: tuple[int, ...], inner: int, dim: int) -> Iterator[tuple[str, int]]:
    """(layout, parts) under which a parameter of this shape, without its axes of 1, holds `parts` projections."""
    for parts in (1, 2, 3):
        if shape == (parts * inner, dim):
            yield from (("rows", parts), ("rows-interleaved", parts))[: 1 if parts == 1 else 2]
        if shape == (dim, parts * inner):
            yield from (("columns", parts), ("columns-interleaved", parts))[: 1 if parts == 1 else 2]
    for parts in (2, 3):  # matrices (in, out) one below the other, or (out, in) side by side
        if shape == (parts * dim, inner):
            yield from (("below", parts), ("below-interleaved", parts))
        if shape == (inner, parts * dim):
            yield from (("beside", parts), ("beside-interleaved", parts))
    if len(shape) == 3:
        for axis, parts in enumerate(shape):
            rest = shape[:axis] + shape[axis + 1 :]
            # where inner_dim is input_dim, both: which one it is, other sizes tell
            for turned, sizes in (("", (inner, dim)), ("-turned", (dim, inner))):
                if parts in (2, 3) and rest == sizes:
                    yield f"stacked-{axis}{turned}", parts


def part(weight: Tensor, source: MatrixSource, inner: int, dim: int) -> Tensor:
    """The (inner_dim, input_dim) matrix that `source` names, cut out of the parameter's value."""
    weight = weight.squeeze()
    if source.layout == "flat stacked":
        return weight.reshape(source.parts, dim, inner)[source.index].T
    if source.layout.startswith("flat columns"):
        weight = weight.reshape(dim, -1).T
    if source.layout.startswith("stacked"):
        matrix = weight.select(int(source.layout.split("-")[1]), source.index)
        return matrix.T if source.layout.endswith("turned") else matrix
    if source.layout.startswith(("below", "beside")):
        below = weight if source.layout.startswith("below") else weight.T
        if source.layout.endswith("interleaved"):
            return below.reshape(dim, source.parts, inner)[:, source.index].T
        return below[source.index * dim : (source.index + 1) * dim].T
    rows = weight.T if source.layout.startswith("columns") else weight
    if source.layout.endswith("interleaved"):
        return rows.reshape(inner, source.parts, dim)[:, source.index]
    return rows[source.index * inner : (source.index + 1) * inner]


def sources(observation: Observation) -> list[MatrixSource]:
    """Every matrix that could play a role in this case."""
    case = observation.case
    return [
        MatrixSource(name, layout, parts, index)
        for name, weight in observation.weights.items()
        for layout, parts in _cuts(name, weight, case)
        for index in range(parts)
    ]


def _cuts(name: str, weight: Tensor, case: AttentionCase) -> list[tuple[str, int]]:
    """As `cuts`; a matrix in one row may as well be stored (in, out), or be a stack of such ones."""
    found = list(cuts(wide(weight.shape), case.inner_dim, case.input_dim))
    if is_flat(name):
        found = [(layout, parts) for layout, parts in found if layout.startswith("rows")]
        found += [(f"flat {layout.replace('rows', 'columns')}", parts) for layout, parts in found]
        found += [("flat stacked", parts) for layout, parts in found if layout == "rows" and parts > 1]
    return found


def assignments(candidates: Sequence[MatrixSource], *, repeats: bool = False) -> Iterator[Roles]:
    """Ordered triples of matrices, likely ones first. One parameter is cut in one way only. Bounded."""
    pick = itertools.product(candidates, repeat=3) if repeats else itertools.permutations(candidates, 3)
    triples = (Roles(*triple) for triple in pick if _one_layout_each(triple))
    ordered = sorted(itertools.islice(triples, MAX_ASSIGNMENTS), key=unlikely)
    yield from ordered


def _one_layout_each(triple: Iterable[MatrixSource]) -> bool:
    layouts: dict[str, str] = {}
    return all(layouts.setdefault(source.name, source.layout) == source.layout for source in triple)


def unlikely(roles: Roles) -> int:
    """How many of the three names speak against their role: "to_k.weight" in the place of the query counts one."""
    wrong = 0
    for letter, source in zip("qkv", (roles.q, roles.k, roles.v)):
        others = set("qkv") - {letter}
        leaf = source.name.lower()
        wrong += any(f"{other}" in leaf.replace("weight", "") for other in others) and letter not in leaf
    return wrong


def matrices(roles: Roles, observation: Observation) -> tuple[Tensor, Tensor, Tensor]:
    """(w_q, w_k, w_v) of this observation, each (inner_dim, input_dim), float64."""
    case, weights = observation.case, observation.weights
    q, k, v = (part(weights[s.name], s, case.inner_dim, case.input_dim).double() for s in (roles.q, roles.k, roles.v))
    return q, k, v


def fits(formula: Formula, roles: Roles, observation: Observation) -> bool:
    """Whether the formula under these roles gives the observed output."""
    return close(observation.output, formula(observation.x.double(), *matrices(roles, observation)))


def nearest(formula: Formula, observations: Sequence[Observation]) -> float:
    """How far the formula is from the outputs under the likely roles that suit it best, at the worst observation."""
    first, *_ = ordered = sorted(observations, key=lambda o: o.output.numel())
    likely = itertools.islice(assignments(sources(first)), FEW_TRIES)
    return min((max(_gap(formula, roles, each) for each in ordered) for roles in likely), default=math.inf)


def _gap(formula: Formula, roles: Roles, observation: Observation) -> float:
    try:
        expected = formula(observation.x.double(), *matrices(roles, observation))
    except (KeyError, IndexError, RuntimeError):  # the module has other parameters in this case than in the first
        return math.inf
    return distance(observation.output, expected) if observation.output.shape == expected.shape else math.inf


def find(
    formula: Formula, observations: Sequence[Observation], *, repeats: bool = False, tries: int = MAX_TRIES
) -> Roles | None:
    """The one assignment under which the formula gives the outputs of ALL observations; None if there is none."""
    first, *others = sorted(observations, key=lambda o: o.output.numel())
    shared = set.intersection(*(set(sources(o)) for o in observations))
    candidates = [s for s in sources(first) if s in shared]
    for roles in itertools.islice(assignments(candidates, repeats=repeats), tries):
        if fits(formula, roles, first) and all(fits(formula, roles, other) for other in others):
            return roles
    return None
