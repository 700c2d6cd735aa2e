"""What supervisor and engine say to each other, one JSON line each: orders go in, events come out.

Why separate: both processes import this and nothing of each other. It carries verdicts, so it never crosses the wall.
"""

from __future__ import annotations

import msgspec

from autograder.core.isolation import Isolation
from autograder.core.records import Feedback, Finding, Limits, Submission, TestResult, Weights
from autograder.core.tensor_file import Stored


class Setup(msgspec.Struct, frozen=True, tag="setup"):
    """The first order of an engine: which tests it is to collect, once, and how it grades with them."""

    tests: tuple[str, ...]  # files or folders of pytest tests
    secret: str  # course secret: seeds derive from it and from the submission
    limits: Limits
    public: bool  # as a student at their own desk: everything may be shown, no reference is needed
    only: str = ""  # run the tests that `numbering.selects` finds with it
    without: str = ""  # and of these not what it finds with this
    guarded: tuple[str, ...] = ()  # files and folders that the canary tries to read: none must open
    listed: bool = False  # these are the project's own tests, and the policy lists every one with points
    allow_weak: bool = False  # grade with hidden tests although a child could reach what it must not
    rehearsal: Submission | None = None  # our own, graded before any other, and nothing is told of it


class Grade(msgspec.Struct, frozen=True, tag="grade"):
    """One submission to grade. `deadline` is time.monotonic(), which is one clock for all processes of a machine.

    `kept`: results of whole questions, whose tests are not run again.
    """

    submission: Submission
    deadline: float
    seed: int | None = None
    kept: tuple[TestResult, ...] = ()


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Collected. `planned` is every test in its order, not run yet; `isolation` what a first child found closed."""

    planned: tuple[TestResult, ...]
    isolation: Isolation
    versions: dict[str, str]
    problems: tuple[str, ...] = ()  # what could not be collected, and why: every result then is incomplete
    numbers: tuple[str, ...] = ()  # of all tests that were collected, whether they were chosen or not
    left_out: tuple[str, ...] = ()  # a note on tests of questions that the policy does not have; nothing is amiss


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """This machine is too weak for hidden tests: nothing was run, and the engine ends."""

    isolation: Isolation


class Tested(msgspec.Struct, frozen=True, tag="tested"):
    """One test is finished. A later one of the same number replaces it."""

    name: str  # of the submission
    result: TestResult


class Graded(msgspec.Struct, frozen=True, tag="graded"):
    """All tests of a submission are finished."""

    name: str
    seed: int
    findings: tuple[Finding, ...] = ()  # what running brought up that reading had not


class Fault(msgspec.Struct, frozen=True, tag="fault"):
    """Something of ours broke, in words for staff. `name` is empty when it concerns the engine as a whole."""

    text: str
    name: str = ""


class Train(msgspec.Struct, frozen=True, tag="train"):
    """An engine's only order when it is to train: the full run of 4(c) with the submission's classes.

    `saved`: weights and optimiser of a run that stopped after `done` epochs. `guarded`, `public`, `allow_weak` as in
    `Setup`.
    """

    submission: Submission
    limits: Limits
    epochs: int
    batch_size: int
    seed: int
    data: str = ""  # a folder with MNIST's files; empty: the environment's, else the bundled digits
    plain: bool = False  # by the notebook's own loop, whatever would be quicker
    threads: int = 0  # 0: as many as take least time
    device: str = "cpu"  # "cuda"; "auto": a GPU where the child can use one
    done: int = 0
    saved: Weights | None = None
    public: bool = False
    guarded: tuple[str, ...] = ()
    allow_weak: bool = False


class Began(msgspec.Struct, frozen=True, tag="began"):
    """The model is built, and the digits are there. `notes` are for the person who waits."""

    device: str  # in words
    data: str
    images: int  # of one epoch
    digest: str  # of the digits and what was drawn from them
    threads: int
    notes: tuple[str, ...] = ()


class Stepped(msgspec.Struct, frozen=True, tag="stepped"):
    """Some steps of an epoch: images so far, and over them the mean loss and the share that was right, as claimed."""

    epoch: int
    images: int
    loss: float
    accuracy: float


class Kept(msgspec.Struct, frozen=True, tag="kept"):
    """One tensor of the state after an epoch; `Epoch` follows when all are there."""

    tensor: Stored


class Epoch(msgspec.Struct, frozen=True, tag="epoch"):
    """An epoch is finished, and its state was sent. Losses are means over images; percent right of the held-out."""

    number: int
    train_loss: float
    validation_loss: float
    accuracy: float


class Measured(msgspec.Struct, frozen=True, tag="measured"):
    """What a fresh process with the saved weights says of the test images. `low`, `high`: percent, by chance alone."""

    correct: int
    total: int
    low: float
    high: float
    images: str
    notes: tuple[str, ...] = ()


class Unable(msgspec.Struct, frozen=True, tag="unable"):
    """The run cannot go on, by what was handed in or asked for: in words for the person who asked."""

    feedback: Feedback
    staff: str = ""
    usage: bool = False  # it is what was asked for, and no fault of the classes'


Order = Setup | Grade | Train
Event = (
    Ready | Refused | Tested | Graded | Fault | Began | Stepped | Kept | Epoch | Measured | Unable
)  # fmt: skip

_encoder = msgspec.json.Encoder()
order_decoder = msgspec.json.Decoder(Order)
event_decoder = msgspec.json.Decoder(Event)


def line(message: Order | Event) -> bytes:
    """One message as one line."""
    return _encoder.encode(message) + b"\n"
