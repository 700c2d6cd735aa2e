"""Question 4(c) judged from the evidence of the student's own training run: the curves and the claimed accuracy.

Why separate: points and their reasons stand here and nowhere in `evidence`, which only says what there is. The accuracy
is judged as claimed, or as measured with the submitted weights, and every message says which. Nothing here may look at
anything but the evidence.
"""

from __future__ import annotations

from autograder.core.policy import FILES, KEPT, TRAINING
from autograder.core.records import Feedback
from autograder.core.text import counted
from autograder.handin.evidence import Evidence
from autograder.judging.expect import Verdict

# (at least this many percent, fraction of the points, why)
ACCURACY_STEPS: tuple[tuple[float, float, str], ...] = (
    (TRAINING.full_accuracy, 1.0, "within the handout's 94 % ± 1 %"),
    (88.0, KEPT.stopped_short, "a model that was trained, but stopped short: one to two epochs give 88 to 93 %"),
    (50.0, KEPT.something, "a model that learned something, but with a mistake or after a fraction of an epoch"),
    (0.0, 0.0, "near chance: nothing was learned"),
)


_HOW = (
    f"Run the training cell, then {FILES.saving_cell} of the template, which writes {FILES.history}; save the"
    " notebook with its outputs, and hand in both files."
)


def judge_curves(evidence: Evidence) -> Verdict:
    """Handout 4(c): the loss trajectories of the training set and of the validation set, over ten epochs."""
    expected = f"loss curves of both the training and the validation set, over {TRAINING.epochs} epochs (handout 4(c))"
    earned, found, fix = _curves_worth(evidence)
    remarks = evidence.problems + _scale_remark(evidence)
    staff = _for_staff(evidence.curve_doubts)
    if earned == 1.0:
        return Verdict(1.0, remarks=remarks + _picture_remark(evidence), staff=staff)
    return Verdict(earned, Feedback(found=found, expected=expected, where=evidence.source, fix=fix), remarks, staff)


def _for_staff(doubts: tuple[str, ...], how: str = "counted as claimed") -> str:
    return f"{how}, but please look: {'; '.join(doubts)}" if doubts else ""


def _none_found(what: str, refused: tuple[str, ...]) -> str:
    """That there is nothing that counts; what there is, if it was refused, is said with the reason."""
    if refused:
        return f"no {what} of this homework's model: {'; '.join(refused[:3])}"
    return f"no {what}, neither in {FILES.history} nor in the notebook's saved outputs"


def _curves_worth(evidence: Evidence) -> tuple[float, str, str]:
    """(earned, found, fix)"""
    train, validation = evidence.train_loss, evidence.validation_loss
    if _in_picture(evidence):
        return 1.0, "", ""
    if not train and not validation:
        return 0.0, _none_found("losses", evidence.refused_curves), _HOW
    if max(len(train), len(validation)) < 2:
        return 0.0, "losses of one epoch only, which makes no curve", f"Train for {TRAINING.epochs} epochs. {_HOW}"
    train, validation = (curve if len(curve) > 1 else () for curve in (train, validation))  # one value is no curve
    earned, found, fix = 1.0, [], []
    if len(train) > 2 and train == validation:
        found.append("validation losses that are the training losses, number for number")
        validation = ()
    if not train or not validation:
        earned *= KEPT.one_curve
        found.append(f"only the losses of the {'training' if train else 'validation'} set")
        fix.append("The provided loop prints and returns the losses of both sets.")
    if evidence.epochs < TRAINING.epochs:
        earned *= KEPT.few_epochs
        found.append(counted(evidence.epochs, "epoch"))
        fix.append(
            f"Train for {TRAINING.epochs} epochs; if the session ends too soon, a GPU runtime is some ten times faster."
        )
    if train and train[-1] >= train[0]:
        earned *= KEPT.not_falling
        found.append(f"a training loss that does not fall ({train[0]:.4g} at first, {train[-1]:.4g} at last)")
        fix.append("Check 4(a) and 4(b) with the public tests before you train again.")
    return earned, "; ".join(found), " ".join(fix)


def _in_picture(evidence: Evidence) -> bool:
    """Whether a picture has to tell what the text does not: no losses, or one set's, or no more than a last value."""
    curves = evidence.train_loss, evidence.validation_loss
    if not any(curves):
        return evidence.plots > 0
    return evidence.plots_both and min(map(len, curves)) < 2


def _picture_remark(evidence: Evidence) -> tuple[str, ...]:
    if not _in_picture(evidence):
        return ()
    if any((evidence.train_loss, evidence.validation_loss)):
        words = f"There are no curves of both sets in {evidence.source}, but a picture of them"
    else:
        words = "The loss curves were found as a picture only"
    return (f"{words}: it was counted, and staff may look at what it shows.",)


def _scale_remark(evidence: Evidence) -> tuple[str, ...]:
    first = evidence.train_loss[0] if evidence.train_loss else None
    if first is None or not 0 < first < TRAINING.summed_scale:
        return ()
    return (
        f"Your losses begin at {first:.3g}. That looks like a sum of batch means divided by the number of images, which"
        " is about the batch size (32) times smaller than the mean loss; nothing is lost by it.",
    )


def judge_claim(evidence: Evidence) -> Verdict:
    """Handout 4(c): the test accuracy, at least 94 % ± 1 %, as the evidence has it."""
    expected = (
        f"a test accuracy of at least 94 % (±1 %, so {TRAINING.full_accuracy:.0f} % counts in full; handout 4(c))"
    )
    if evidence.accuracy is None:
        found = _none_found("test accuracy", evidence.refused_accuracy)
        staff = _for_staff(evidence.accuracy_doubts, "there is no claim")
        return Verdict(0.0, Feedback(found=found, expected=expected, fix=_HOW), evidence.problems, staff)
    earned, why = next((share, why) for least, share, why in ACCURACY_STEPS if evidence.accuracy >= least)
    how = "as measured with the submitted weights" if evidence.measured else f"as claimed in {evidence.claimed_in}"
    found, fix = f"{evidence.accuracy:.2f} %, {how}", ""
    if earned < 1.0:
        found += f" ({why})"
        fix = (
            f"Train for {TRAINING.epochs} epochs with the handout's sizes; a failing test of 4(a) or 4(b) comes first."
        )
    if 0 < evidence.images < TRAINING.few_images:
        earned = 0.0 if evidence.images < TRAINING.least_images else earned * KEPT.few_images
        found += f", measured on {evidence.images} images only"
        fix = f"Measure on the whole test set of {TRAINING.test_images:,} images. {fix}".strip()
    remarks = evidence.problems + _claim_remarks(evidence)
    staff = _for_staff(evidence.accuracy_doubts, "counted as measured" if evidence.measured else "counted as claimed")
    if earned == 1.0:
        return Verdict(1.0, remarks=(f"Test accuracy: {found}.", *remarks), staff=staff)
    return Verdict(earned, Feedback(found=found, expected=expected, where=evidence.claimed_in, fix=fix), remarks, staff)


def _claim_remarks(evidence: Evidence) -> tuple[str, ...]:
    remarks = []
    if evidence.images and evidence.images != TRAINING.test_images and not evidence.measured:
        remarks.append(f"It was measured on {evidence.images:,} images; MNIST's test set has {TRAINING.test_images:,}.")
    last = evidence.validation_loss[-1] if evidence.validation_loss else 0.0
    # at 93 % right even a confident classifier's mean loss is below 1; sums over batches are above 20
    if (evidence.accuracy or 0) >= TRAINING.full_accuracy and 1.0 < last < 3.0:
        remarks.append(f"A last validation loss of {last:.2f} seldom goes with this accuracy: staff may ask about it.")
    return tuple(remarks)
