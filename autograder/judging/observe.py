"""Observations for the tests: one visit, several cases, weights of ours, and what came out.

Why separate: hidden and public tests, and an instructor's own, start from these; they read like the assignment.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec
from torch import Tensor

from autograder.judging.code import gates, halves, weights
from autograder.judging.code.attention_roles import Observation
from autograder.judging.code.cases import AttentionCase, LayerCase
from autograder.judging.code.compare import close, shape_text
from autograder.judging.code.layer_roles import LayerObservation
from autograder.judging.expect import Unmet
from autograder.judging.remarks import remarks_on
from autograder.judging.visit import Built, Case, Student, Visit

Remark = Callable[[str], None]
ATTENTION, LAYER = "4a", "4b"
NOT_AT_REST = "in eval mode the output depends on the dropout probability"
AT_REST = "nn.Dropout enlarges what is left while training, so that nothing is to be scaled in eval mode"
SAME_EACH_TIME = "in train mode two calls give the same output, which is not that of eval mode: nothing in it is random"
NEW_EACH_TIME = (
    "dropout drops other values in each call, and nn.Dropout sees to that: is a seed set in forward, or a mask kept?"
)


def attention(
    student: Student,
    cases: Sequence[AttentionCase],
    remark: Remark | None = None,
    *,
    stretch: float = 1.0,
    used: bool = False,
    other: bool = False,
) -> list[Observation]:
    """Each case with random weights, biases zero, in eval mode. Raises Unmet on a wrong shape.

    `used`: in the last one the module has been called before, with another x: it has to keep nothing of that. `other`:
    in the last one another x follows, and x with another seed.
    """
    with student.visit(ATTENTION) as visit:
        seen = [_attend(visit, case, stretch, used and case is cases[-1]) for case in cases]
        if other:
            seen[-1] = msgspec.structs.replace(seen[-1], **_further(visit, seen[-1].x))
    _say(visit, remark)
    return seen


def _attend(visit: Visit, case: AttentionCase, stretch: float, used: bool) -> Observation:
    built = visit.build(case)
    drawn = weights.draw(case.seed, built.parameters, biases=False)
    visit.load(drawn)
    x = case.x(stretch=stretch)
    if used:
        visit.forward(another(x))
    output = visit.forward(x).output
    right_shape(output.shape, case.output_shape, "(batch, tokens, inner_dim)", of_tuple=visit.tuple_returned)
    return Observation(case, drawn, x, output)


def layer(
    student: Student,
    cases: Sequence[LayerCase],
    remark: Remark | None = None,
    *,
    without: str = "",
    biases: bool = True,
    gains: bool | None = None,
    noisy: Collection[str] = (),
    used: bool = False,
    other: bool = False,
    alone: bool = False,
) -> list[LayerObservation]:
    """Each case with random weights in eval mode; `without` silences the "mlp" or the "attention" half.

    Without `biases` all are 0 and all gains 1, or random with `gains`; those that are named in `noisy` are random too.
    `used`, `other`: as in `attention`; `alone`: there the first sample follows by itself.
    """
    probe = cases[0].seed
    with student.visit(LAYER, probe_seed=probe) as visit:
        seen = [
            _layer(visit, case, probe, without, biases, gains, noisy, used=used and case is cases[-1]) for case in cases
        ]
        if other:
            seen[-1] = msgspec.structs.replace(seen[-1], **_further(visit, seen[-1].x))
        if alone:
            seen[-1] = msgspec.structs.replace(seen[-1], alone=visit.forward(seen[-1].x[:1]).output)
    _say(visit, remark)
    return seen


def _layer(
    visit: Visit,
    case: LayerCase,
    probe_seed: int,
    without: str,
    biases: bool,
    gains: bool | None = None,
    noisy: Collection[str] = (),
    *,
    used: bool = False,
) -> LayerObservation:
    built = visit.build(case)
    drawn = weights.draw(case.seed, built.parameters, biases=biases, gains=gains)
    random = weights.draw(case.seed, built.parameters, biases=True) if noisy else drawn
    drawn = silence({name: random[name] if name in noisy else w for name, w in drawn.items()}, case, without)
    visit.load(drawn)
    x = case.x()
    if used:
        visit.forward(another(x))
    output = visit.forward(x).output
    right_shape(output.shape, case.output_shape, "(batch, tokens, dim)", of_tuple=visit.tuple_returned)
    begun_at_0 = tuple(gates.likely(built.parameters))
    return LayerObservation(case, drawn, x, output, built.made, probe_seed, without, begun_at_0=begun_at_0)


def second_half(student: Student, cases: Sequence[LayerCase]) -> list[LayerObservation]:
    """The MLP half of each case as it works on what the student's own attention half gives.

    x is the output with the MLP silenced, the output is that of the whole layer: a mistake in the first half does not
    show here.
    """
    with student.visit(LAYER, probe_seed=cases[0].seed) as visit:
        return [_second(visit, case, cases[0].seed) for case in cases]


def _second(visit: Visit, case: LayerCase, probe_seed: int) -> LayerObservation:
    first = _layer(visit, case, probe_seed, "mlp", False)
    whole = _layer(visit, case, probe_seed, "", False)
    return msgspec.structs.replace(whole, x=first.output, without="attention")


def composed(
    student: Student, cases: Sequence[LayerCase], firsts: Callable[[LayerObservation], Iterable[Tensor]]
) -> bool:
    """Whether the whole layer is its own second half after a first half that is right, whatever the second one is.

    `firsts` gives the outputs that a right first half may have. For layers whose MLP cannot be silenced.
    """
    with student.visit(LAYER, probe_seed=cases[0].seed) as visit:
        return all(_composed(visit, case, cases[0].seed, firsts) for case in cases)


def _composed(
    visit: Visit, case: LayerCase, probe_seed: int, firsts: Callable[[LayerObservation], Iterable[Tensor]]
) -> bool:
    whole = _layer(visit, case, probe_seed, "", False)
    visit.load(silence(whole.weights, case, "attention"))
    return any(close(visit.forward(first.float()).output, whole.output) for first in firsts(whole))


def silence(drawn: weights.Weights, case: LayerCase, without: str) -> dict[str, Tensor]:
    """The weights with one half of the layer silenced: "mlp", "attention", or nothing for ""."""
    return halves.silenced(drawn, case, without) if without else dict(drawn)


def acts(visit: Visit, drawn: weights.Weights, name: str, x: Tensor, output: Tensor) -> bool:
    """Whether another value of this parameter gives another output: only such a parameter can have a gradient."""
    visit.load({name: drawn[name] * 1.5 + 0.1})
    changed = not close(visit.forward(x).output, output)
    visit.load({name: drawn[name]})
    return changed


def depends_on_x(seen: Observation | LayerObservation) -> None:
    """Raises Unmet when two samples, or inputs, gave one output; whatever is random in forward had the same seed."""
    samples = seen.output.flatten(1)
    alike = close(samples[:1].expand_as(samples), samples) or not samples.any()
    if alike or (seen.other is not None and close(seen.output, seen.other)):
        raise Unmet(
            "the output is the same whatever the input is",
            fix="does forward use x, and return what was computed from it?",
        )


def _further(visit: Visit, x: Tensor) -> dict[str, Tensor]:
    """What an observation keeps of another x, and of this one with another seed."""
    return {"other": visit.forward(another(x)).output, "again": visit.forward(x, seed=1).output}


def same_alone(seen: LayerObservation) -> None:
    """Raises Unmet where the first sample by itself comes out otherwise than within its batch."""
    if seen.alone is not None:
        right_shape(seen.alone.shape, (1, *seen.output.shape[1:]), "one sample")
        if not close(seen.alone, seen.output[:1]):
            raise Unmet(
                f"a sample comes out differently alone than within its batch of {seen.case.batch}",
                fix="no sample may look at another: check the axes of your sums, and what is kept of a call before",
            )


def another(x: Tensor) -> Tensor:
    """Another input of the same shape."""
    return x.flip(-1).contiguous()


def right_shape(actual: Sequence[int], expected: Sequence[int], axes: str, *, of_tuple: bool = False) -> None:
    """Raises Unmet unless the shapes are equal, saying what each axis should have been.

    `of_tuple`: forward returned a tuple, and this is its first part.
    """
    if tuple(actual) != tuple(expected):
        part = "forward returns a tuple, and its first part" if of_tuple else "the output"
        look = "print the shape after each step of forward; all sizes of this case differ, so each axis can be told"
        if len(actual) < len(expected) and 1 in expected:
            look = "squeeze() drops every axis of size 1: leave all axes as they are"
        raise Unmet(
            f"{part} has shape {shape_text(tuple(actual))}",
            expected=f"{shape_text(tuple(expected))}, that is {axes}",
            fix="return the output alone, or as the first part" if of_tuple else look,
        )


def right_dtype(x: Tensor, output: Tensor) -> None:
    """Raises Unmet unless the output has the dtype of x: what follows in the ViT has weights of that one."""
    if output.dtype != x.dtype:
        given, made = (str(each.dtype).removeprefix("torch.") for each in (x, output))
        raise Unmet(
            f"for x of {given} the output is {made}",
            expected="the dtype of x: the layers after yours have weights of that one, and fail on another",
            fix="look for .double(), dtype=torch.float64, or a NumPy array; `.to(x.dtype)` on what you return mends it",
        )


def trained(visit: Visit, x: Tensor, calm: Tensor, *, seed: int) -> Tensor:
    """The output in train mode. Raises Unmet unless it has the shape of `calm`, the output in eval mode."""
    output = visit.forward(x, train=True, seed=seed).output
    if output.shape != calm.shape:
        raise Unmet(
            f"in train mode the output has shape {shape_text(tuple(output.shape))}",
            expected=f"{shape_text(tuple(calm.shape))}, as in eval mode",
            fix="self.training, and dropout, may change values only",
        )
    return output


def _say(visit: Visit, remark: Remark | None) -> None:
    if remark:
        for text in remarks_on(visit):
            remark(text)


# --- dropout in 4(b) --------------------------------------------------------------------------------------------------


def in_both_modes(
    visit: Visit, case: LayerCase, drawn: weights.Weights, built: Built, without: str
) -> tuple[Tensor, LayerObservation]:
    """(output in train mode, observation in eval mode) with one half silenced, or none."""
    silent = silence(drawn, case, without)
    visit.load(silent)
    x = case.x()
    calm = visit.forward(x).output
    given = trained(visit, x, calm, seed=case.seed)
    return given, LayerObservation(case, silent, x, calm, built.made, case.seed, without)


def adds_nothing_when_silent(visit: Visit, case: LayerCase, drawn: weights.Weights) -> bool:
    """Whether the output is x while all matrices are zero: then what a half gives is x and what it adds."""
    visit.load(silence(silence(drawn, case, "mlp"), case, "attention"))
    output = visit.forward(case.x()).output
    visit.load(drawn)
    return close(output, case.x())


def dry(visit: Visit, case: Case, drawn: weights.Weights, x: Tensor, *, train: bool = False) -> Tensor:
    """The output of a module that is made anew with dropout=0, so that no earlier forward has left anything in it."""
    visit.build(msgspec.structs.replace(case, dropout=0.0))
    visit.load(drawn)
    return visit.forward(x, train=train, seed=1).output
