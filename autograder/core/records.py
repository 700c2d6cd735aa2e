"""The nouns that the stages hand to one another: frozen, made of tuples, JSON-able (msgspec).

Why separate: every stage imports these and nothing of each other. Nothing here may touch a file, a process or torch.
"""

from __future__ import annotations

from enum import Enum

import msgspec


class Place(msgspec.Struct, frozen=True):
    """Where something stands in what the student handed in. `cell` counts every cell from 1; None in a .py file."""

    file: str
    line: int
    cell: int | None = None

    def __str__(self) -> str:
        return f"{self.file} cell {self.cell} line {self.line}" if self.cell else f"{self.file} line {self.line}"


THIS_HOMEWORK = "this homework's classes"  # no name that a class can have


class Cell(msgspec.Struct, frozen=True):
    """One code cell (or one whole .py file: `number` None): its text after magics were made harmless, line for line.

    `outputs` is the text that the notebook saved under the cell (stream and text/plain only), `images` the number of
    pictures among them. Never HTML, never executed. `model` says what the code of a cell with outputs trains or tests:
    THIS_HOMEWORK, the name of another model, or "" (not to be told); `other_tasks` are words in that code
    which belong to other tasks, such as "vocab". `empty` of the pictures are blank, or axes without a curve; `raised`:
    an exception ended the cell. `notes` is the text of the Markdown cells that follow it.
    """

    number: int | None
    source: str
    outputs: str = ""
    images: int = 0
    model: str = ""
    other_tasks: tuple[str, ...] = ()
    empty: int = 0
    raised: bool = False
    notes: str = ""


class Severity(str, Enum):
    """What a finding costs, by the rules' own reasons."""

    READY_MADE = "ready-made"  # zeroes the question
    DISALLOWED = "disallowed"  # loses the points of the rule's own test
    FLAG = "flag"  # for staff to look at; costs nothing by itself
    REMARK = "remark"  # for the student's information; costs nothing


class Finding(msgspec.Struct, frozen=True):
    """Something that reading (not running) the submission brought up."""

    rule: str  # short stable name, e.g. "allowed-nn", "ready-made", "dynamic", "syntax", "edited-provided"
    severity: Severity
    message: str  # one sentence naming the construct, for the student
    question: str | None = None  # "4a", "4b"; None: about the submission as a whole
    construct: str = ""  # e.g. "torch.nn.functional.softmax"
    place: Place | None = None
    fix: str = ""  # what to use or do instead


class Program(msgspec.Struct, frozen=True):
    """The backward slice of one class: the very text that is checked is the text that is executed.

    `places[i]` is where line i+1 of `text` stands in the submission. `sha256` is the hash of `text` in UTF-8.
    """

    question: str
    class_name: str
    text: str
    places: tuple[Place, ...]
    sha256: str
    brings: tuple[str, ...] = ()  # provided classes that stand in it as the student changed them, in ours' place
    tuple_heads: bool = False  # its probe heads answer (output, weights), as heads of one's own may
    cut: Place | None = None  # a line at the left edge in the middle of the class: it ends there, without the rest
    also: tuple[Place, ...] = ()  # statements in it that may change the class by a way that names do not show

    def place(self, line: int) -> Place | None:
        """Where line `line` (from 1) of the executed text stands in the submission."""
        return self.places[line - 1] if 1 <= line <= len(self.places) else None


class Run(msgspec.Struct, frozen=True):
    """What the notebook's own calls train: arguments of ViT(...), and epochs and batch_size of run_training_loop(...).

    Whole numbers by name, defaults among them; what reading cannot tell is not in it.
    """

    model: dict[str, int] = {}
    loop: dict[str, int] = {}


class Alternative(msgspec.Struct, frozen=True):
    """Another program of a question, tried where the first one loses points; `findings` are the rules' on its text."""

    program: Program
    findings: tuple[Finding, ...] = ()


class WeightSpec(msgspec.Struct, frozen=True):
    """One tensor of a checkpoint: its bytes are `data[start:end]`, little-endian, of safetensors' dtype ("F32")."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class Weights(msgspec.Struct, frozen=True):
    """A checkpoint whose header was checked: shapes, offsets and bytes agree. `digest` is over the values alone."""

    specs: tuple[WeightSpec, ...]
    data: bytes
    digest: str


class Submission(msgspec.Struct, frozen=True):
    """A submission, read but not run. Everything in it is plain data; `problems` says what could not be used, and why.

    `programs` maps a question ("4a") to its program; a missing key has its reason in `unusable[question]`.
    `answers` is the parsed answers.toml by table then key (None: no such file, or unreadable: see `problems`).
    """

    name: str
    file: str
    digest: str  # sha256 over everything that is graded: the seed of every random choice
    cells: tuple[Cell, ...] = ()
    programs: dict[str, Program] = {}
    unusable: dict[str, str] = {}
    alternatives: tuple[Alternative, ...] = ()
    absent: tuple[str, ...] = ()  # questions whose class is not there at all: no code, or still the unfilled template
    findings: tuple[Finding, ...] = ()
    answers: dict[str, dict[str, object]] | None = None
    answers_problem: str = ""
    history: dict[str, object] | None = None
    history_problem: str = ""
    run: Run = Run()
    weights: Weights | None = None
    weights_problem: str = ""
    problem: str = ""  # the whole submission is unusable, and why (SubmissionError's text)


class Limits(msgspec.Struct, frozen=True):
    """What one child of the student's room may use."""

    seconds: float
    memory_mb: int
    output_kb: int = 64
    tensor_mb: int = 64
    scratch_mb: int = 64  # all its files together
    training_seconds: float = 60.0  # a conversation in which a model is trained
    device: str = "cpu"  # "cuda": the GPU's device files are open to it, and its address space has no end
    most_seconds: float = 0.0  # in place of `seconds`, where the machine was busy: what it waited for a core counts not


class ExitKind(str, Enum):
    """How a conversation with a child ended (after isolate's RE, SG, TO, XX)."""

    RAISED = "raised"  # the student's code raised
    TIMEOUT = "timeout"
    MEMORY = "memory"
    DISK = "disk"
    KILLED = "killed"  # died by a signal
    VANISHED = "vanished"  # exited without a reply, e.g. os._exit
    PROTOCOL = "protocol"  # replied something that is not a reply
    GRADER = "grader"  # ours


class Exit(msgspec.Struct, frozen=True):
    """How it ended, in data. `error` and `detail` are the student's text: sanitise before showing."""

    kind: ExitKind
    error: str = ""  # exception type name
    detail: str = ""  # exception text, signal name, ...
    line: int = 0  # line of the executed text, 0 unknown
    function: str = ""
    part: int = 0  # which of the conversation's programs the line is of
    early: bool = False  # in a step that was sent along with the request, not in what it asks for
    by: str = ""  # who ended the child, where that was not itself: our word, which no text of the child's can be


class Status(str, Enum):
    """The four outcomes, kept apart to the end."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  # a prerequisite is missing; the message says which
    ERROR = "error"  # ours: never a zero for the student


class Feedback(msgspec.Struct, frozen=True):
    """What a person reads about one test. All lines optional, in this order; hedged where we infer."""

    found: str = ""
    expected: str = ""
    where: str = ""
    smallest: str = ""
    fix: str = ""
    again: str = ""

    def lines(self) -> tuple[tuple[str, str], ...]:
        """(label, text) of the lines that have text, in reading order."""
        pairs = [(name, getattr(self, name)) for name in self.__struct_fields__]
        return tuple((label, text) for label, text in pairs if text)


class Line(msgspec.Struct, frozen=True):
    """A named row of finite values, at 1, 2, 3 …"""

    name: str
    values: tuple[float, ...]


class Chart(msgspec.Struct, frozen=True):
    """Curves beside a verdict: people look at them, nothing decides by them. `band`: what right solutions lie in."""

    title: str
    lines: tuple[Line, ...]
    x: str = "epoch"
    y: str = "mean cross-entropy"
    band: str = ""
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


class Grid(msgspec.Struct, frozen=True):
    """A small grey picture: rows of values from 0 (nothing) to 1."""

    name: str
    rows: tuple[tuple[float, ...], ...]


class Panel(msgspec.Struct, frozen=True):
    """Grids side by side, beside a verdict."""

    title: str
    grids: tuple[Grid, ...]


class TestResult(msgspec.Struct, frozen=True):
    """One test's verdict. `max_score` 0: informational."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    number: str  # "4a.4"
    name: str
    status: Status
    score: float
    max_score: float
    visibility: str = "visible"
    feedback: Feedback = Feedback()
    remarks: tuple[str, ...] = ()  # for the student, beside a pass too
    staff: str = ""  # for staff only: never in a student-visible field
    tags: tuple[str, ...] = ()
    seconds: float = 0.0
    charts: tuple[Chart, ...] = ()
    panels: tuple[Panel, ...] = ()
    figures: dict[str, float] = {}  # measured by us, never claimed: "accuracy", "steps_per_second"
    own_sizes: dict[str, int] = {}  # what the class is made for, and other tests of it are run with


class Report(msgspec.Struct, frozen=True):
    """Everything that grading one submission found: what results.json and report.html are written from."""

    submission: Submission
    tests: tuple[TestResult, ...]
    planned: tuple[TestResult, ...] = ()  # those not finished yet (status ERROR, "not run"), so that a cut is visible
    seed: int = 0
    isolation: str = ""
    versions: dict[str, str] = {}
    seconds: float = 0.0
    complete: bool = True
    staff_notes: tuple[str, ...] = ()
    carried: dict[str, list[str]] = {}  # in extra_data, for the student's next submission
    notices: tuple[str, ...] = ()  # for the student, above all else: when it was handed in, how often
