"""The policy in force: `policy.toml`, read once and checked. What does not fit together is refused with its line.

Why separate: an instructor changes points, visibility, tolerances and limits in that file and nowhere else; everything
that decides asks here. No torch, and no file but that one, is touched.
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import inspect

from autograder.core.policy_fit import contradictions
from autograder.core.policy_kinds import lists, misfits
from autograder.core.policy_line import BadPolicy, located, read
from autograder.core.records import Limits

__all__ = ["BadPolicy", "Policy", "load"]

FILE = Path(__file__).parents[1] / "policy.toml"
# Set by `--policy FILE`; the engine and every process below inherit it.
VARIABLE = "AUTOGRADER_POLICY"

Visibility = Literal["visible", "hidden", "after_due_date", "after_published"]
Points = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(gt=0)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file: every name in it is known, every value of its kind."""


class Test(_Table, frozen=True):
    """What one hidden test is worth, and who sees it ("": as the question says, or all hidden tests)."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    points: float
    visibility: Visibility | Literal[""] = ""


class Question(_Table, frozen=True):
    """One part of the handout. `class_name` is what the student writes for it, if it is code.

    `given` names what its program is given beside the provided classes: 4(a)'s class, for which there is a stand-in.
    `allowed_nn` is what it may use of torch.nn, where nothing is said anything. `may_bring` names provided classes that
    count as the student changed them where ours do not fit. `evidence` names the files that it is judged from where no
    public test can look at it.
    """

    number: str
    title: str
    points: Points
    class_name: str = ""
    given: tuple[str, ...] = ()
    allowed_nn: tuple[str, ...] = ()
    may_bring: tuple[str, ...] = ()
    visibility: Visibility | Literal[""] = ""
    evidence: tuple[Literal["notebook", "history"], ...] = ()
    arguments: tuple[str, ...] = ()  # what its template calls those of __init__, in our order; none: as we do
    tests: dict[str, float | Test] = {}


class Shown(_Table, frozen=True):
    """Gradescope's visibility of tests that say nothing else."""

    hidden: Visibility
    public: Visibility


class Files(_Table, frozen=True):
    """The names of what is handed in."""

    notebook: str
    script: str
    answers: str
    history: str
    checkpoint: str
    saving_cell: str


class Provided(_Table, frozen=True):
    """Classes that the notebook gives: attention of several heads, and the model."""

    classes: tuple[str, str]


class Tolerances(_Table, frozen=True):
    """How far an honest answer may be off; each with its measurement in the file."""

    values: Positive
    measured_gradient: Positive
    dropout: Positive
    zero: Positive
    doubled: Positive
    vector: Positive
    formula: Positive
    exact: Positive
    significant_digits: Count


class Model(_Table, frozen=True):
    """The sizes of the model that is asked for, by the names of the ViT's arguments."""

    depth: Count
    heads: Count
    patch_size: Count
    dim_head: Count
    mlp_dim: Count


class Training(_Table, frozen=True):
    """What the evidence of the student's own run of 4(c) is held against, and the bound of the smoke training."""

    epochs: Count
    batch_size: Count
    test_images: Count
    full_accuracy: Positive
    few_images: Count
    least_images: Count
    summed_scale: Positive
    most_of_ten: Positive
    least_sum: Positive
    smoke_accuracy: Share
    first_images: Count
    measuring_seconds: Positive
    deviations: Positive
    rate: Positive
    dropout: Share
    validation_share: Count
    model: Model

    @property
    def sizes(self) -> dict[str, int]:
        """The model's sizes by name."""
        return msgspec.structs.asdict(self.model)


class Kept(_Table, frozen=True):
    """Fractions of a test's points for work that is partly right."""

    one_digit: Share
    one_matrix_of_two: Share
    exchanged: Share
    unusual_order: Share
    one_curve: Share
    few_epochs: Share
    not_falling: Share
    few_images: Share
    stopped_short: Share
    something: Share
    dropout_ignores_p: Share


class Late(_Table, frozen=True):
    """What a late submission is told, and what it loses. `share`s are of the points that were earned."""

    shown: bool
    grace_minutes: Annotated[float, msgspec.Meta(ge=0)]
    lost_each_day: Share
    most_lost: Share


class Again(_Table, frozen=True):
    """How many submissions are graded within so many hours; 0: all of them."""

    most: Annotated[int, msgspec.Meta(ge=0)]
    hours: Positive


class Leaderboard(_Table, frozen=True):
    """Which figures stand on Gradescope's leaderboard."""

    accuracy: bool
    steps_per_second: bool


class Caps(_Table, frozen=True):
    """What one grading may use, and the largest things that are read."""

    child_seconds: Positive
    training_seconds: Positive
    request_seconds: Positive
    run_memory_mb: Count
    child_memory_mb: Count
    total_seconds: Positive
    file_mb: Count
    upload_mb: Count
    checkpoint_mb: Count
    zip_files: Count
    zip_total_mb: Count
    zip_ratio: Count
    cells: Count
    cell_kb: Count
    ast_depth: Count
    ast_nodes: Count


class Policy(_Table, frozen=True, dict=True):
    """The whole file."""

    title: str
    written: Literal["required", "optional"]
    visibility: Shown
    files: Files
    provided: Provided
    questions: tuple[Question, ...]
    by_hand: tuple[Question, ...]
    tolerances: Tolerances
    training: Training
    kept: Kept
    limits: Caps
    late: Late = Late(False, 0.0, 0.0, 0.0)
    again: Again = Again(0, 24.0)
    leaderboard: Leaderboard = Leaderboard(False, False)

    def question_of(self, number: str) -> Question:
        """The question that a test number such as "4a.3" or "3c.b.1" belongs to. Raises KeyError when there is none."""
        begins = number
        while begins:
            if found := self._by_number.get(begins):
                return found
            begins = begins.rpartition(".")[0]
        raise KeyError(f"no question for test number {number!r}: it must begin with one of {list(self._by_number)}")

    @functools.cached_property
    def ranks(self) -> dict[str, int]:
        """Where each question stands in the handout's order, which is that of their numbers."""
        return {number: rank for rank, number in enumerate(sorted(self._by_number))}

    @functools.cached_property
    def sha256(self) -> str:
        """The hash of what it says; another comment or another order of its lines is the same policy."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()

    @functools.cached_property
    def _by_number(self) -> dict[str, Question]:
        return {question.number: question for question in self.questions + self.by_hand}

    def test(self, number: str) -> Test | None:
        """What the file says of a hidden test, with its visibility filled in; None when it is not listed."""
        for question in self.questions:
            if (said := question.tests.get(number)) is not None:
                test = said if isinstance(said, Test) else Test(said)
                return Test(test.points, test.visibility or question.visibility or self.visibility.hidden)
        return None

    def given(self, question: str) -> tuple[str, ...]:
        """What the program of a question gets from us instead of the student's own: the provided classes and more."""
        return (*self.question_of(question).given, *self.provided.classes)


def load(path: Path) -> Policy:
    """Reads and checks a policy. Raises BadPolicy."""
    kind = inspect.type_info(Policy)
    assert isinstance(kind, inspect.StructType)
    text, table = read(path, lists(kind))
    try:
        policy = msgspec.convert(table, Policy)
    except msgspec.ValidationError as error:
        where, what = next(misfits(table, kind), ((), str(error)))
        raise BadPolicy(located(path, text, what, where)) from None
    for where, what in contradictions(policy):
        raise BadPolicy(located(path, text, what, where))
    return policy


POLICY = load(Path(os.environ.get(VARIABLE) or FILE))
FILES, CAPS, TOLERANCES, KEPT = POLICY.files, POLICY.limits, POLICY.tolerances, POLICY.kept
TRAINING = POLICY.training
CHILD_LIMITS = Limits(
    seconds=CAPS.child_seconds, memory_mb=CAPS.child_memory_mb, training_seconds=CAPS.training_seconds
)
