"""A claimed accuracy beside the one that was measured with the submitted weights: which of the two counts, and why.

Why separate: what a measurement is worth is decided here, by pure functions of numbers. A measurement that is better
counts. One that is worse by more than chance explains counts, with the reason. What cannot be measured leaves the claim
as it is, since nobody has to hand in weights; staff are told.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import msgspec

from autograder.core.policy import TRAINING
from autograder.core.records import Cell
from autograder.handin.evidence import Evidence

# Ways to prepare images other than the notebook's: then a low measurement may be ours, and decides nothing.
_OTHER_PREPARATION = re.compile(
    r"\bNormalize\b|\bResize\b|\bRandom[A-Z]\w+|\bPad\b|\bCenterCrop\b|\btransforms\.(?!ToTensor\b|Compose\b)[A-Za-z]\w*|\bv2\."
)


class Measure(msgspec.Struct, frozen=True):
    """What the weights gave on `total` images called `images`, or in `problem` why nothing was measured.

    `whole_mnist`: they were MNIST's test set, all of it; `mnist`: of it. `prepared`: how the images were prepared, when
    not as in the notebook. `constant`: one answer for every image.
    """

    correct: int = 0
    total: int = 0
    images: str = ""
    mnist: bool = False
    whole_mnist: bool = False
    prepared: str = ""
    constant: bool = False
    problem: str = ""

    @property
    def percent(self) -> float:
        """The measured accuracy."""
        return 100 * self.correct / self.total if self.total else 0.0


def interval(correct: int, total: float, deviations: float = TRAINING.deviations) -> tuple[float, float]:
    """Wilson's confidence interval of a share, in percent: it stays within 0 and 100 and is never empty."""
    share, z2 = correct / total, deviations**2
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = deviations / (1 + z2 / total) * (share * (1 - share) / total + z2 / (4 * total**2)) ** 0.5
    return 100 * max(0.0, centre - half), 100 * min(1.0, centre + half)


def contradicts(measure: Measure, claim: float, claimed_on: int) -> bool:
    """Whether the claim, in percent, is better than chance could make of what was measured.

    A claim on other images than these has a chance of its own: then it is the test of two shares, pooled.
    """
    if measure.total == 0 or claim <= measure.percent:
        return False
    if measure.whole_mnist and claimed_on in (0, measure.total):
        return claim > interval(measure.correct, measure.total)[1]
    count = claimed_on or TRAINING.test_images
    pooled = (measure.correct + claim / 100 * count) / (measure.total + count)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / measure.total + 1 / count))
    return claim - measure.percent > 100 * TRAINING.deviations * spread


def settle(evidence: Evidence, measure: Measure, cells: Sequence[Cell]) -> Evidence:
    """The evidence with the accuracy that counts, what the student hears of it, and what staff should look at."""
    if measure.problem:
        words = f"The accuracy counts as claimed, since your weights could not be measured: {measure.problem}."
        return _saying(evidence, words, staff=f"the weights could not be measured: {measure.problem}")
    said = _words(evidence, measure)
    if evidence.accuracy is None:
        return _counting(evidence, measure, said) if measure.mnist else _saying(evidence, said)
    if contradicts(measure, evidence.accuracy, evidence.images):
        if _OTHER_PREPARATION.search("\n".join(cell.source for cell in cells)):
            words = f"{said} The notebook prepares its images in a way of its own, so the accuracy counts as claimed."
            return _saying(evidence, words, staff=f"{said} The notebook prepares its images in a way of its own.")
        return _saying(_counting(evidence, measure, said), "", staff=f"the weights do not reach the claim. {said}")
    if measure.mnist and measure.percent > evidence.accuracy:
        return _counting(evidence, measure, said)
    return _saying(evidence, said)


def _counting(evidence: Evidence, measure: Measure, said: str) -> Evidence:
    counted = msgspec.structs.replace(
        evidence, accuracy=measure.percent, images=measure.total, measured=True, accuracy_doubts=()
    )
    return _saying(counted, f"{said} The measured accuracy counts.")


def _saying(evidence: Evidence, words: str, staff: str = "") -> Evidence:
    return msgspec.structs.replace(
        evidence,
        problems=evidence.problems + ((words,) if words else ()),
        accuracy_doubts=evidence.accuracy_doubts + ((staff,) if staff else ()),
    )


def _words(evidence: Evidence, measure: Measure) -> str:
    """ "You claimed 97.98 %, measured 97.95 % with your weights on all 10,000 of MNIST's test images (…)." """
    low, high = interval(measure.correct, measure.total)
    claimed = "You claimed none" if evidence.accuracy is None else f"You claimed {evidence.accuracy:.2f} %"
    text = (
        f"{claimed}, measured {measure.percent:.2f} % with your weights on {measure.total:,} {measure.images}"
        f" (chance alone: {low:.2f} to {high:.2f} %{_prepared(measure)})."
    )
    if measure.constant:
        text += " The model gives the same answer for every image: were the weights saved after training?"
    if not measure.mnist:
        text += " Your model may have been trained on these, so they can contradict a claim, and not raise one."
    return text


def _prepared(measure: Measure) -> str:
    return f"; images {measure.prepared}" if measure.prepared else ""
