"""Experiments on a student's layer: what is asked of it so that each role shows by itself, whatever the others are.

With one token attention weighs it by 1, whatever q and k are, so v and the projection show alone; q and k are what acts
with several tokens only. With one half silent the other shows alone; with normalisations that change nothing and
without biases no vector matters, and then one vector at a time is set. So the roles need a sum of trials, not a
product: a few for the layer, two for a matrix, two for a vector, in whatever order they were made.

Why separate: this module chooses weights and inputs and keeps what came back; `staged` reads roles off it, and
`measuring` works out what a normalisation adds to the variance and what the activation is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from torch import Tensor

from autograder.judging.code import measuring
from autograder.judging.code.activations import Measured
from autograder.judging.code.cases import LayerCase, normal
from autograder.judging.code.compare import close
from autograder.judging.code.halves import matrices, silenced
from autograder.judging.code.layer_parts import USUAL_EPS
from autograder.judging.code.layer_roles import LayerObservation
from autograder.judging.code.layer_weights import AffineSource, plain
from autograder.judging.code.readings import members
from autograder.judging.code.weights import Weights, is_vector

# All sizes differ, and so do their products with 2 and 3, which fused parameters have; dim is the largest, so that what
# the halves add can be led back to what went in.
CASE = LayerCase(seed=0, batch=3, tokens=6, dim=23, heads=4, dim_head=5, mlp_dim=19)
SAMPLES = 24  # of one token each: as many as dim, so that two linear maps that agree on them are one

# A layer of this assignment has 4 to 30 matrices and up to 40 vectors; of more than these the first ones are tried.
MOST_MATRICES, MOST_VECTORS = 48, 48
MOST_PAIRS = 3  # of matrices that may be the two maps of an MLP: two, where both are stored (in, out)

# (weights that differ from what was sent before, x) -> output
Ask = Callable[[Mapping[str, Tensor], Tensor], Tensor]


class VectorTrial(msgspec.Struct, frozen=True):
    """What each half gave with this vector set and all others neutral; and both, where one alone shows nothing."""

    name: str
    attention: LayerObservation
    mlp: LayerObservation
    both: LayerObservation | None = None


class Mlp(msgspec.Struct, frozen=True):
    """Two matrices that may be fc1 and fc2, and if they are: the eps before them, the function between them."""

    first: AffineSource
    second: AffineSource
    epses: tuple[float, ...]
    function: Measured
    name: str  # of the activation that this function is, if it is one with a name
    bend: float  # how far from a straight line it is


class Trials(msgspec.Struct, frozen=True, eq=False):
    """All that was observed; each observation has neutral normalisations and no biases unless it says otherwise.

    One is equal to itself alone, so that what follows from it is worked out once.
    """

    single: LayerObservation  # one token, MLP silent
    attention: LayerObservation  # several tokens, MLP silent
    mlp: LayerObservation  # attention silent
    both_single: LayerObservation  # one token, nothing silent
    both: LayerObservation  # several tokens, nothing silent
    acting: frozenset[str]  # matrices that matter
    acting_alone: frozenset[str]  # those of the attention half that matter with one token
    mute: frozenset[str]  # the halves of which nothing is seen while the other one is silent
    valued: bool  # with one token the attention half gives its value: of degree two in its matrices
    vectors: tuple[VectorTrial, ...]
    eps: float  # of the first normalisation
    mlps: tuple[Mlp, ...]  # with what may be fc1 and fc2

    @property
    def case(self) -> LayerCase:
        """The sizes that the layer was made with: `CASE`, or those that it is made for."""
        return self.both.case

    @property
    def following(self) -> LayerObservation:
        """The MLP half on what the attention half gives, whatever that is."""
        return msgspec.structs.replace(self.both, x=self.attention.output, without="attention")


def run(ask: Ask, neutral: Weights, made: int, probe_seed: int, case: LayerCase = CASE) -> Trials:
    """Asks for everything. `neutral`: all parameters that may be set, gains 1, all other vectors 0, matrices random."""
    bench = _Bench(ask, neutral, made, probe_seed, case)
    lone = normal(case.seed + 1, max(SAMPLES, case.dim + 1), 1, case.dim)
    single, several = (bench.observe(bench.silent["mlp"], x, "mlp") for x in (lone, bench.x))
    mlp = bench.observe(bench.silent["attention"], bench.x, "attention")
    both_single, both = (bench.observe(neutral, x, "") for x in (lone, bench.x))
    heads, hidden = (sorted(matrices(neutral, case, half))[:MOST_MATRICES] for half in ("attention", "mlp"))
    seen = {"attention": bench.acting(heads, several), "mlp": bench.acting(hidden, mlp)}
    mute = frozenset(half for half, found in seen.items() if not found)
    # without a residual connection nothing comes through a silent half: what acts shows while both speak
    acting = (seen["attention"] or bench.acting(heads, both)) | (seen["mlp"] or bench.acting(hidden, both))
    alone = bench.acting(sorted(acting & set(heads)), both_single if "attention" in mute else single)
    return Trials(
        single,
        several,
        mlp,
        both_single,
        both,
        acting,
        alone,
        mute,
        bench.of_degree_two(heads, single),
        tuple(bench.vector(name, mute) for name in loose(neutral)[:MOST_VECTORS]),
        _first_eps(bench),
        tuple(_between(bench, acting)),
    )


def loose(weights: Weights) -> list[str]:
    """The vectors whose role is not told by the matrix, or the normalisation's gain, that they stand beside."""
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    gains = gains_of(weights)
    found = []
    for name in (name for name, shape in shapes.items() if is_vector(shape)):
        beside = [n for n in shapes if n.rpartition(".")[0] == name.rpartition(".")[0] and n != name]
        with_gain = len(beside) == 1 and beside[0] in gains and name not in gains
        with_matrix = len(beside) == 1 and not is_vector(shapes[beside[0]])
        if not with_gain and not (with_matrix and "." in name):
            found.append(name)
    return found


def gains_of(neutral: Weights) -> frozenset[str]:
    """The vectors that multiply: the neutral ones that are not 0."""
    return frozenset(name for name, w in neutral.items() if is_vector(w.shape) and bool(w.any()))


class _Bench:
    """The layer, its neutral weights, and what was sent last, so that each trial sends only what differs."""

    def __init__(self, ask: Ask, neutral: Weights, made: int, probe_seed: int, case: LayerCase) -> None:
        self.ask = ask
        self.case = case
        self.neutral = neutral
        self.silent = {half: silenced(neutral, case, half) for half in ("attention", "mlp")}
        self.x = case.x()
        self._made, self._probe_seed = made, probe_seed
        self._there: dict[str, Tensor] = {}

    def output(self, weights: Weights, x: Tensor) -> Tensor:
        changed = {name: w for name, w in weights.items() if self._there.get(name) is not w}
        self._there.update(changed)
        return self.ask(changed, x)

    def observe(self, weights: Weights, x: Tensor, without: str) -> LayerObservation:
        output = self.output(weights, x)
        case = msgspec.structs.replace(self.case, batch=x.shape[0], tokens=x.shape[1])
        return LayerObservation(case, weights, x, output, self._made, self._probe_seed, without)

    def acting(self, names: Sequence[str], seen: LayerObservation) -> frozenset[str]:
        return frozenset(name for name in names if self._matters(name, seen))

    def _matters(self, name: str, seen: LayerObservation) -> bool:
        other = normal(self.case.seed + 2, *seen.weights[name].shape)
        return not close(self.output({**seen.weights, name: other}, seen.x), seen.output)

    def of_degree_two(self, names: Sequence[str], seen: LayerObservation) -> bool:
        doubled = {name: w * 2 if name in names else w for name, w in seen.weights.items()}
        return close(self.output(doubled, seen.x) - seen.x, 4 * (seen.output - seen.x))

    def vector(self, name: str, mute: frozenset[str]) -> VectorTrial:
        noise = normal(self.case.seed + 3, *self.neutral[name].shape)
        value = 1 + noise * 0.3 if bool(self.neutral[name].any()) else noise * 0.5
        attention, mlp = (
            self.observe({**self.silent[silent], name: value}, self.x, silent) for silent in ("mlp", "attention")
        )
        both = self.observe({**self.neutral, name: value}, self.x, "") if mute else None
        return VectorTrial(name, attention, mlp, both)


def _first_eps(bench: _Bench) -> float:
    x = measuring.spreads(bench.case.dim)
    return measuring.eps(bench.output(bench.silent["mlp"], x) - x)[0]


def _between(bench: _Bench, acting: frozenset[str]) -> list[Mlp]:
    """What is between the maps of the MLP and before them, for each pair of matrices that may be these maps."""
    silent, found = bench.silent["attention"], []
    for first, second in mlp_maps(silent, acting, bench.case)[:MOST_PAIRS]:
        x = measuring.spreads(bench.case.dim)
        factors = {first.weight: measuring.LITTLE, second.weight: measuring.MUCH}
        little = {name: w * factors[name] if name in factors else w for name, w in silent.items()}
        epses = tuple(dict.fromkeys((USUAL_EPS, *measuring.eps(bench.output(little, x) - x))))
        function = measuring.activation(bench.output, silent, first, second, bench.case)
        found.append(Mlp(first, second, epses, function, function.name, function.bend))
    return found


def mlp_maps(weights: Weights, acting: frozenset[str], case: LayerCase) -> list[tuple[AffineSource, AffineSource]]:
    """Pairs of different matrices that act and may be fc1 and fc2, by their sizes alone."""
    firsts, seconds = plain(weights, case.mlp_dim, case.dim), plain(weights, case.dim, case.mlp_dim)
    pairs = itertools.product(*(bare(sources, acting, weights) for sources in (firsts, seconds)))
    return [(first, second) for first, second in pairs if first.weight != second.weight]


def bare(sources: Iterable[AffineSource], acting: frozenset[str], weights: Weights) -> list[AffineSource]:
    """Each map that acts once, without a bias."""
    used = (s for s in sources if acting & set(members(s.weight, weights)))
    return list(dict.fromkeys(msgspec.structs.replace(source, bias="") for source in used))
