"""How faithful the judging of 4(a) and 4(b) is, in numbers: mistakes caught and named, right ones failed, margins.

Why separate: `make fidelity` prints these for hundreds of programs, and a test asserts them for a few. The programs are
the tests' own, so they are judged in this process. Every mistake is made in layers of several styles; right layers are
drawn from independent choices, beside those that were written by hand.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterable, Iterator

import msgspec

from autograder.judging.code import compare, layer_roles, staged, trials
from autograder.judging.code.layer_parts import USUAL_EPS, LayerFormula
from autograder.judging.code.layer_roles import LayerObservation, LayerRoles
from autograder.judging.code.own_attention import Attend
from autograder.judging.expect import Unmet
from reference import encoder, layer_misconceptions, layer_pairs, misconceptions, own_attention_misconceptions
from tests.grader import generated_styles, in_process, wrong_styles
from tests.grader.attention_styles import ATTENTIONS
from tests.grader.encoder_styles import ENCODERS
from tests.grader.generated_styles import Style
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS
from tests.grader.wrong_styles import FIRST, HEAD, SECOND, STRUCTURE, Wrong

# Tests that a mistake may lose beside its own: what a spoilt half shows of gradients and dropout cannot always be told.
BESIDE = frozenset({"4b.5", "4b.6"})


# The one name that says a number: it was measured.
FACTOR = re.compile(r"reference with [^(]* multiplied by -?\d[^(]* \(all")


class Count(msgspec.Struct):
    """So many of so many, and those that were not."""

    what: str
    good: int = 0
    of: int = 0
    others: list[str] = []

    def add(self, good: bool, name: str) -> None:
        """One more."""
        self.good, self.of = self.good + good, self.of + 1
        if not good:
            self.others.append(name)

    @property
    def share(self) -> float:
        """Good ones of all, 0 to 1."""
        return self.good / max(self.of, 1)


class Margin(msgspec.Struct):
    """The largest distance of a right program and the smallest of a wrong one, beside the tolerance between them."""

    tolerance: float
    right: float = 0.0
    wrong: float = float("inf")

    @property
    def times(self) -> float:
        """How many times further the tolerance is than the right ones, or the wrong ones than the tolerance."""
        return min(self.tolerance / max(self.right, 1e-12), self.wrong / self.tolerance)


def judged(question: str, text: str) -> dict[str, Unmet]:
    """What each test that is lost says."""
    return in_process.judged(question, "import copy\n" + IMPORTS + text)[0]


# --- right programs ---------------------------------------------------------------------------------------------------


def right_programs(count: int, seed: int = 1) -> Iterator[tuple[str, str, str]]:
    """(question, name, text): so many drawn from all choices, then those that were written by hand."""
    for style in generated_styles.sampled(count, seed):
        yield "4b", style.title, generated_styles.text(style)
    for question, styles in (("4b", LAYERS | ENCODERS), ("4a", ATTENTION | ATTENTIONS)):
        for name, text in styles.items():
            yield question, name, text


def false_failures(programs: Iterable[tuple[str, str, str]]) -> Count:
    """Right programs that keep every point."""
    found = Count("right programs that keep every point")
    for question, name, text in programs:
        lost = judged(question, text)
        found.add(not lost, f"{question} {name}: {', '.join(f'{n} {u.feedback.found}' for n, u in lost.items())}")
    return found


# --- wrong programs ---------------------------------------------------------------------------------------------------


def wrong_programs(styles: int) -> Iterator[tuple[str, str, str, Wrong]]:
    """(question, name, text, mistake): each mistake in the head, or in layers of so many styles."""
    for name, wrong in HEAD.items():
        yield "4a", name, wrong_styles.head(wrong), wrong
    own = [name for name, choice in generated_styles.ATTENTIONS.items() if "mixed =" not in choice.use]
    turns = itertools.cycle(own)
    tables = (STRUCTURE, wrong_styles.ATTENTION, wrong_styles.SCALED, wrong_styles.STEPS)
    for name, wrong in itertools.chain.from_iterable(kind.items() for kind in tables):
        kinds = [next(turns) for _ in range(styles)]
        for attention in kinds if wrong.own else ["the provided attention", *kinds]:
            yield "4b", f"{name} in {attention}", wrong_styles.spoilt(Style(attention=attention, order=4), wrong), wrong


def mutations(programs: Iterable[tuple[str, str, str, Wrong]]) -> tuple[Count, Count, Count]:
    """Mistakes that lose their own tests and no others; that are called by their names; that get no other's name."""
    counts = Count("mistakes caught and charged where they are"), Count("named"), Count("given no wrong name")
    for question, name, text, wrong in programs:
        lost = judged(question, text)
        said = " ".join(unmet.feedback.found for unmet in lost.values())
        counts[0].add(
            lost.keys() - BESIDE == wrong.lost, f"{question} {name}: {sorted(lost)}, not {sorted(wrong.lost)}"
        )
        names = {each for each, title in _titles(question) if f"reference {title} (" in said}
        names |= {"scaled"} if FACTOR.search(said) else set()
        if wrong.name:
            counts[1].add(wrong.name in names, f"{question} {name}: {said[:120]}")
        counts[2].add(names <= {wrong.name}, f"{question} {name}: {names}")
    return counts


def _titles(question: str) -> list[tuple[str, str]]:
    if question == "4a":
        return [(mistake.name, mistake.title) for mistake in misconceptions.ATTENTION]
    banks = (layer_misconceptions.LAYER, own_attention_misconceptions.OWN, layer_pairs.PAIRS)
    halves = (layer_misconceptions.ATTENTION_HALF, layer_misconceptions.MLP_HALF)
    return [(mistake.name, mistake.title) for bank in (*banks, *halves) for mistake in bank]


# Pairs that the bank has as one mistake.
ONE = {
    ("no-residual-attention", "no-residual-mlp"): "no-residuals",
    ("first-norm-after", "second-norm-after"): "post-norm",
    ("no-first-norm", "no-second-norm"): "no-norms",
    ("first-residual-from-normalised", "norm2-on-the-sum"): "residual-from-normalised",
}


# Pairs that are one function: LN(x + a(x)), then the MLP on it, is what is left when x is normalised once between the two.
SAME = {("first-norm-after", "no-second-norm"): "no-first-norm + norm2-on-the-sum"}


# Of the first half and the second at once: beside another mistake it is two in one half.
ACROSS = frozenset({"input-added-again"})

# What a half alone calls what the whole layer calls the first or the second of something.
IN_A_HALF = {"first-norm-after-block": "norm-after-block", "second-norm-after-block": "norm-after-block"}


def _same_lines(first: Wrong, second: Wrong) -> bool:
    return bool({old for old, _ in first.changes} & {old for old, _ in second.changes})


def pairs(every: int) -> tuple[Count, Count]:
    """Two mistakes, one in each half: whether both are named, and no other. One of `every`."""
    firsts = [(n, w) for n, w in STRUCTURE.items() if w.lost == FIRST and w.name]
    seconds = [(n, w) for n, w in STRUCTURE.items() if w.lost == SECOND and w.name and w.name not in ACROSS]
    named, true = Count("pairs of which both are named"), Count("pairs given no wrong name")
    both_fit = [pair for pair in itertools.product(firsts, seconds) if not _same_lines(pair[0][1], pair[1][1])]
    for (one, first), (other, second) in both_fit[::every]:
        lost = judged("4b", wrong_styles.spoilt(Style(attention="the provided attention"), first, second))
        said = " ".join(unmet.feedback.found for unmet in lost.values())
        names = {name for name, title in _titles("4b") if f"reference {title} (" in said}
        right = {first.name, second.name, f"{first.name} + {second.name}", ONE.get((first.name, second.name), "")}
        right.add(SAME.get((first.name, second.name), ""))
        right |= {IN_A_HALF[name] for name in right & IN_A_HALF.keys()}
        both = {first.name, second.name} <= names or names & (right - {first.name, second.name})
        named.add(bool(both), f"{one} + {other}: {said[:200]}")
        # halves have titles in common, so what is right for one may be another's name in the other
        shared = {name for name, title in _titles("4b") if title in {t for n, t in _titles("4b") if n in right}}
        true.add(names <= right | shared, f"{one} + {other}: {names}")
    return named, true


# --- margins ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def distances(margin: Margin, *, wrong: bool) -> Iterator[None]:
    """Records how far outputs are from the reference's: of right programs those that fit, of wrong ones those that do not.

    Of layers under the usual eps alone, on the tests' own cases: what is tried on the way is no verdict.
    """
    real = layer_roles.fits

    def recording(
        formula: LayerFormula, roles: LayerRoles, observation: LayerObservation, attend: Attend | None = None
    ) -> bool:
        fitting = real(formula, roles, observation, attend)
        usual = roles.norm1.eps == roles.norm2.eps == USUAL_EPS and observation.case.seed != trials.CASE.seed
        if formula is encoder.layer and usual and fitting != wrong:
            with contextlib.suppress(KeyError, IndexError, RuntimeError):
                gap = compare.distance(observation.output, layer_roles.evaluate(formula, roles, observation, attend))
                margin.right = margin.right if wrong else max(margin.right, gap)
                margin.wrong = min(margin.wrong, gap) if wrong else margin.wrong
        return fitting

    for module in (layer_roles, staged):
        module.fits = recording  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module in (layer_roles, staged):
            module.fits = real  # type: ignore[attr-defined]


# Normalisations with the usual eps: another one is taken for it where it makes less of a difference than the tolerance.
USUAL_NORMS = ("LayerNorm", "LayerNorm without a shift", "LayerNorm without weights", "two gains", "no weights")


def usual_programs(count: int, seed: int) -> Iterator[tuple[str, str, str]]:
    """Right programs as `right_programs` draws them, with a normalisation of the usual eps."""
    for style in generated_styles.sampled(count * 3, seed):
        if style.norm in USUAL_NORMS and count:
            count -= 1
            yield "4b", style.title, generated_styles.text(style)
