"""Evidence of training judged: history.json, the saved outputs, and what each state of them is worth."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from types import ModuleType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.core.policy import KEPT, POLICY
from autograder.core.records import Cell, Submission
from autograder.handin.evidence import Evidence, from_history, from_outputs, gather
from autograder.judging.expect import Unmet
from autograder.judging.training.judge import ACCURACY_STEPS, judge_claim, judge_curves

TRAIN = [0.41, 0.2, 0.15, 0.12, 0.1, 0.09, 0.08, 0.07, 0.06, 0.05]
VALIDATION = [0.21, 0.14, 0.12, 0.11, 0.1, 0.09, 0.09, 0.08, 0.09, 0.1]
HISTORY: dict[str, object] = {
    "epochs": 10,
    "batch_size": 32,
    "train_loss": TRAIN,
    "validation_loss": VALIDATION,
    "test_correct": 9798,
    "test_total": 10000,
}


def _history(**changes: object) -> Evidence:
    return from_history({**HISTORY, **changes})


def test_a_complete_history_has_no_problems_and_earns_everything() -> None:
    evidence = from_history(HISTORY)
    assert evidence == Evidence("history.json", tuple(TRAIN), tuple(VALIDATION), 97.98, 10000, 10)
    assert judge_curves(evidence).earned == judge_claim(evidence).earned == 1.0
    assert judge_curves(evidence).remarks == ()
    assert judge_claim(evidence).remarks == ("Test accuracy: 97.98 %, as claimed in history.json.",)


# Honest variations that cost nothing.
HARMLESS: dict[str, dict[str, object]] = {
    "more epochs": {"epochs": 11, "train_loss": [*TRAIN, 0.04], "validation_loss": [*VALIDATION, 0.1]},
    "epochs as 10.0": {"epochs": 10.0},
    "no epochs": {"epochs": None},
    "another batch size": {"batch_size": 64},
    "validation rises at the end": {"validation_loss": [*VALIDATION[:-1], 0.3]},
    "whole numbers": {"train_loss": [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]},
    "summed scale": {"train_loss": [x / 32 for x in TRAIN], "validation_loss": [x / 32 for x in VALIDATION]},
    "sums": {"train_loss": [x * 1600 for x in TRAIN]},
    "93 % exactly": {"test_correct": 9300},
    "something else beside": {"note": "trained on a laptop"},
}


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_variations_cost_nothing(name: str) -> None:
    evidence = _history(**HARMLESS[name])
    assert (judge_curves(evidence).earned, judge_claim(evidence).earned) == (1.0, 1.0)


def test_the_summed_scale_is_recognised_in_a_remark() -> None:
    remarks = judge_curves(_history(**HARMLESS["summed scale"])).remarks
    assert "32) times smaller than the mean loss; nothing is lost" in remarks[0]


def test_another_batch_size_is_remarked() -> None:
    assert "batch_size is 64; the handout asks for 32" in judge_curves(_history(batch_size=64)).remarks[0]


def test_an_older_spelling_of_the_keys_is_read() -> None:
    evidence = from_history({"train_losses": TRAIN, "val_losses": VALIDATION, "test_correct": 95, "test_total": 100})
    assert evidence.train_loss == tuple(TRAIN) and evidence.validation_loss == tuple(VALIDATION)


# (changes, fraction, what the `found` line says)
CURVES_WORTH: list[tuple[dict[str, object], float, str]] = [
    ({"validation_loss": []}, 0.5, "only the losses of the training set"),
    ({"train_loss": []}, 0.5, "only the losses of the validation set"),
    ({"train_loss": TRAIN[:3], "validation_loss": VALIDATION[:3]}, 0.5, "3 epochs"),
    ({"train_loss": [2.3] * 10}, 0.5, "does not fall (2.3 at first, 2.3 at last)"),
    ({"train_loss": TRAIN[:3], "validation_loss": None}, 0.25, "only the losses of the training set; 3 epochs"),
    ({"train_loss": [0.4], "validation_loss": [0.2]}, 0.0, "one epoch only"),
    ({"train_loss": None, "validation_loss": None}, 0.0, "no losses"),
]


@pytest.mark.parametrize(("changes", "earned", "found"), CURVES_WORTH)
def test_curves_that_lack_something_earn_their_part_and_say_so(
    changes: dict[str, object], earned: float, found: str
) -> None:
    verdict = judge_curves(_history(**changes))
    assert verdict.earned == earned
    assert found in verdict.feedback.found
    assert verdict.feedback.fix and "both the training and the validation set" in verdict.feedback.expected


CLAIMS_WORTH: list[tuple[dict[str, object], float, str]] = [
    (
        {"test_correct": 9299},
        KEPT.stopped_short,
        "92.99 %, as claimed in history.json (a model that was trained, but stopped",
    ),
    ({"test_correct": 8000}, KEPT.something, "80.00 %"),
    ({"test_correct": 980}, 0.0, "near chance"),
    ({"test_correct": 98, "test_total": 100}, 0.5, "measured on 100 images only"),
    ({"test_correct": None}, 0.0, "no test accuracy"),
]


@pytest.mark.parametrize(("changes", "earned", "found"), CLAIMS_WORTH)
def test_a_claim_that_falls_short_earns_its_part_and_says_so(
    changes: dict[str, object], earned: float, found: str
) -> None:
    verdict = judge_claim(_history(**changes))
    assert verdict.earned == pytest.approx(earned)
    assert found in verdict.feedback.found
    assert verdict.feedback.fix


def test_more_accuracy_never_earns_less() -> None:
    earned = [judge_claim(Evidence("x", accuracy=percent / 10)).earned for percent in range(1001)]
    assert earned == sorted(earned) and earned[0] == 0.0 and earned[-1] == 1.0
    assert [step[0] for step in ACCURACY_STEPS] == sorted((step[0] for step in ACCURACY_STEPS), reverse=True)


def test_a_loss_that_does_not_fit_the_accuracy_is_remarked_but_paid() -> None:
    verdict = judge_claim(_history(validation_loss=[2.3] * 9 + [2.29]))
    assert verdict.earned == 1.0
    assert any("2.29 seldom goes with this accuracy" in remark for remark in verdict.remarks)


def test_another_number_of_test_images_is_remarked() -> None:
    verdict = judge_claim(_history(test_correct=1960, test_total=2000))
    assert verdict.earned == 1.0 and "measured on 2,000 images" in verdict.remarks[1]


# (changes, what the problem says): wrong types and values are words, never a crash.
PROBLEMS: list[tuple[dict[str, object], str]] = [
    ({"train_loss": "0.4, 0.2"}, "train_loss should be a list of numbers"),
    ({"train_loss": [0.4, "0.2"]}, "train_loss should be a list of numbers"),
    ({"train_loss": [True] * 10}, "train_loss should be a list of numbers"),
    ({"train_loss": [10**400] * 10}, "train_loss should be a list of numbers"),
    ({"validation_loss": [0.4, float("nan")]}, "no cross-entropy"),
    ({"validation_loss": [0.4, -1]}, "no cross-entropy"),
    ({"validation_loss": [0.4, float("inf")]}, "should be a list of numbers"),
    ({"validation_loss": VALIDATION[:9]}, "10 training losses but 9 validation losses"),
    ({"epochs": 12}, "epochs is 12, but there are losses of 10"),
    ({"epochs": "ten"}, "epochs should be a whole number"),
    ({"epochs": 10**30}, "epochs should be a whole number"),
    ({"batch_size": True}, "batch_size should be a whole number"),
    ({"test_correct": 10001}, "10001 right of 10000 is no accuracy"),
    ({"test_correct": 0, "test_total": 0}, "0 right of 0 is no accuracy"),
    ({"test_correct": -5}, "test_correct should be a whole number"),
    ({"test_total": 99.5}, "test_total should be a whole number"),
    ({"test_total": None}, "no usable test_total"),
    ({"train_loss": {"0": 1}}, "train_loss should be a list of numbers"),
]


@pytest.mark.parametrize(("changes", "said"), PROBLEMS)
def test_what_cannot_be_used_in_history_is_named(changes: dict[str, object], said: str) -> None:
    evidence = _history(**changes)
    assert any(said in problem for problem in evidence.problems)
    assert all(problem in judge_curves(evidence).remarks for problem in evidence.problems)


def test_a_missing_key_is_named() -> None:
    assert "history.json: train_loss is missing." in from_history({}).problems


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(HISTORY, _json)))
def test_no_history_of_any_shape_makes_the_judges_fail(history: dict[str, object]) -> None:
    evidence = gather(history, "", [])
    assert 0.0 <= judge_curves(evidence).earned <= 1.0
    assert 0.0 <= judge_claim(evidence).earned <= 1.0


@given(st.text(alphabet="Eepoch train val loss accuracy: 0123456789./%[],|\r\n-e", max_size=300))
def test_no_output_of_any_shape_makes_the_judges_fail(text: str) -> None:
    evidence = from_outputs([Cell(1, text, text, 1)])
    assert 0.0 <= judge_curves(evidence).earned <= 1.0
    assert 0.0 <= judge_claim(evidence).earned <= 1.0


PRINTED = Cell(
    12,
    "run_training_loop(model)",
    "\n".join(
        f"Epoch {n}: train loss {a:.4f}, validation loss {b:.4f}" for n, (a, b) in enumerate(zip(TRAIN, VALIDATION), 1)
    ),
)
TESTED = Cell(13, "test_performance(model)", "Test set: Average loss: 0.07, Accuracy: 9702/10000 (97.0200)\n")


def test_a_notebook_without_history_earns_everything_by_its_outputs() -> None:
    for cells in ([PRINTED, TESTED], [TESTED, PRINTED]):
        evidence = gather(None, "", cells)
        assert evidence.train_loss == tuple(TRAIN)
        assert (judge_curves(evidence).earned, judge_claim(evidence).earned) == (1.0, 1.0)
        assert "97.02 %, as claimed in the notebook's saved outputs" in judge_claim(evidence).remarks[0]


def test_what_history_lacks_is_taken_from_the_outputs() -> None:
    evidence = gather({"epochs": 10, "train_loss": TRAIN}, "", [PRINTED, TESTED])
    assert evidence.validation_loss == tuple(VALIDATION)
    assert evidence.accuracy == pytest.approx(97.02) and evidence.images == 10000


def test_history_that_contradicts_the_outputs_is_remarked_and_wins() -> None:
    evidence = gather(HISTORY, "", [TESTED])
    assert evidence.accuracy == 97.98
    assert "history.json says 97.98 %, the notebook's saved output 97.02 %" in evidence.problems[-1]
    assert gather({**HISTORY, "test_correct": 9702}, "", [TESTED]).problems == ()


def test_what_is_taken_from_the_outputs_is_said_to_be_from_there() -> None:
    evidence = gather({**HISTORY, "test_correct": None}, "", [PRINTED, TESTED])
    assert (evidence.source, evidence.claimed_in) == ("history.json", "the notebook's saved outputs")
    assert "97.02 %, as claimed in the notebook's saved outputs" in judge_claim(evidence).remarks[0]
    assert gather({"test_correct": 9702, "test_total": 10000}, "", [PRINTED]).source == "the notebook's saved outputs"


def test_losses_of_each_step_are_no_epochs() -> None:
    steps = [2.3 * 0.99**step for step in range(1563)]
    for epochs in (3, 10):
        evidence = gather(
            {**HISTORY, "train_loss": steps, "validation_loss": VALIDATION[:epochs], "epochs": epochs}, "", []
        )
        assert evidence.epochs == epochs and "1000 or more training losses" in evidence.problems[0]
    assert _history(train_loss=TRAIN * 2).epochs == 20, "twice an epoch: as it was counted ever"


def test_a_history_of_one_epoch_beside_ten_printed_ones_is_told_as_that() -> None:
    short = {**HISTORY, "epochs": 1, "train_loss": TRAIN[:1], "validation_loss": VALIDATION[:1], "test_correct": 9702}
    both = Cell(9, "plt.plot(train_loss)\nplt.plot(val_loss)", "", 1)
    verdict = judge_curves(gather(short, "", [PRINTED, TESTED, both]))
    said = " ".join(verdict.remarks)
    assert "holds losses of 1 epoch, the notebook's saved outputs of 10: perhaps" in said
    assert "no curves of both sets in history.json, but a picture" in said and "picture only" not in said


def test_a_file_that_claims_far_more_than_the_notebook_shows_is_told_to_staff() -> None:
    for shown, told in (("41.0", True), ("96.1", False)):
        evidence = gather(HISTORY, "", [Cell(1, "test(model, test_set)", f"test accuracy {shown} %")])
        assert ("the notebook's own output" in judge_claim(evidence).staff) is told


def test_an_unreadable_history_is_said_and_the_outputs_count() -> None:
    evidence = gather(None, "history.json is not JSON: line 3", [PRINTED, TESTED])
    assert evidence.problems == ("history.json is not JSON: line 3",)
    assert judge_curves(evidence).earned == 1.0
    assert "history.json is not JSON: line 3" in judge_curves(evidence).remarks


def test_a_loss_plot_alone_counts_as_both_curves_and_is_left_to_staff_to_look_at() -> None:
    verdict = judge_curves(from_outputs([Cell(8, "plt.plot(train_loss)", "", 1)]))
    assert verdict.earned == 1.0 and "staff may look" in verdict.remarks[0]


@pytest.fixture(scope="module")
def hidden() -> ModuleType:
    return importlib.import_module("tests.hidden.test_4c_training")


def _run(test: Callable[..., None], submission: Submission) -> list[str]:
    remarks: list[str] = []
    test(submission, remarks.append, remarks.append)
    return remarks


def test_the_hidden_tests_pass_a_full_history_with_its_remarks(hidden: ModuleType) -> None:
    submission = Submission("x", "hw6.ipynb", "0", history=HISTORY)
    assert _run(partial(hidden.test_4c_1_curves, show_chart=print), submission) == []
    assert _run(
        partial(hidden.test_4c_2_accuracy, show_panel=print, measured=print, seed=0, request=None), submission
    ) == ["Test accuracy: 97.98 %, as claimed in history.json."]


def test_the_hidden_tests_keep_a_part_and_every_word_of_the_verdict(hidden: ModuleType) -> None:
    submission = Submission("x", "hw6.ipynb", "0", history={**HISTORY, "test_correct": 9000, "batch_size": 16})
    with pytest.raises(Unmet) as caught:
        hidden.test_4c_2_accuracy(submission, print, print, print, print, 0, None)
    assert caught.value.earned == pytest.approx(KEPT.stopped_short)
    verdict = judge_claim(from_history(submission.history or {}))
    assert caught.value.feedback == verdict.feedback and caught.value.remarks == verdict.remarks


def test_the_hidden_tests_are_worth_the_handouts_five_points(hidden: ModuleType) -> None:
    tests = [hidden.test_4c_1_curves, hidden.test_4c_2_accuracy, hidden.test_4c_3_trains]
    listed = POLICY.question_of("4c").tests
    assert [(test.__number__, listed[test.__number__]) for test in tests] == [("4c.1", 2), ("4c.2", 2), ("4c.3", 1)]


def test_nothing_at_all_says_what_to_run_and_hand_in() -> None:
    for judge in (judge_curves, judge_claim):
        verdict = judge(gather(None, "", []))
        assert verdict.earned == 0.0 and "history.json" in verdict.feedback.fix


def test_the_evidence_crosses_processes_as_json() -> None:
    evidence = from_history(HISTORY)
    assert msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence) == evidence
