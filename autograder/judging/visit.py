"""The student's module as hidden and public tests see it: build it, give it weights, send inputs, get tensors.

    with student.visit("4a") as visit:
        built = visit.build(case)
        visit.load(weights.draw(case.seed, built.parameters, biases=False))
        output = visit.forward(case.x()).output

Each visit runs the program anew, in a process of the student's room that saw no other submission. Whatever goes wrong
in there becomes an `Unmet` that says what was being done, how it ended and where; what went wrong on our side becomes a
`GraderFault`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Any

import msgspec
from torch import Tensor

from autograder.core import names, policy
from autograder.core.errors import GraderFault
from autograder.core.records import Exit, ExitKind, Limits, Program, Submission
from autograder.judging import claims
from autograder.judging.code.cases import AttentionCase, LayerCase, ModelCase, normal
from autograder.judging.code.flat import Storage
from autograder.judging.code.gates import opened
from autograder.judging.endings import explain
from autograder.judging.expect import Missing
from autograder.judging.own_text import OwnText
from autograder.sandbox.room import BY_THE_SYSTEM, OUT_OF_MEMORY, PROCESSOR_TIME, Ended
from autograder.sandbox.rooms import Conversations, Rooms
from autograder.sandbox.wire import ParameterSpec, Reply

# The whole model of 4(c) has no program of its own: it is made of the two that were checked, as they are, around our
# copies, and the heads that 4(a)'s program brings stand in the place of the probe heads.
PARTS = {"4c": ("4a", "4b")}

# A visit with less than this would fail honest work: it needs 0.05 s here, and ten times that in a slow container.
# A training needs 0.5 s here.
SHORTEST_SECONDS = 0.5
SHORTEST_TRAINING = 10.0

LOADING = "setting the weights"
# What a student is remembered by: the layer's `open_gates`, and the questions whose dropout is kept `at_rest`.
OPEN, STILL = "open gates", "dropout does not rest"

Case = AttentionCase | LayerCase | ModelCase


class Built(msgspec.Struct, frozen=True):
    """A module of the student's that exists now in the child: its parameters, and how many probe heads it made."""

    parameters: tuple[ParameterSpec, ...]
    made: int


class Forward(msgspec.Struct, frozen=True):
    """What one forward gave. `gradients` by parameter name ("" is the input); a missing name was not reached."""

    output: Tensor
    notes: tuple[str, ...]
    calls: int
    gradients: Mapping[str, Tensor] = {}


class Student:
    """Fixture `student`: opens visits to the submission's programs, up to `until` (time.monotonic).

    `tripped` collects the ready-made attention that ran, by question, beyond this test; a question is in it, maybe
    with nothing, once its forward has answered. `remembered`, too, outlives the test: what experiments showed.
    `own_sizes`: by question, the sizes that its class is made for.
    `printed` collects what each visit printed, capped: for staff alone; `spoiled` what was being done when a visit
    ended badly and the program need not be to blame: somebody else killed its child, or that had held one before.
    """

    def __init__(
        self,
        rooms: Rooms,
        submission: Submission,
        limits: Limits,
        *,
        show_text: bool,
        until: float = math.inf,
        tripped: dict[str, set[str]] | None = None,
        remembered: dict[str, Any] | None = None,
        printed: list[str] | None = None,
        spoiled: list[str] | None = None,
        own_sizes: Mapping[str, Mapping[str, int]] | None = None,
    ) -> None:
        self.submission = submission
        self.own_sizes = own_sizes or {}
        self.remembered = {} if remembered is None else remembered
        self._rooms = rooms
        self._limits = limits
        self._show_text = show_text
        self._until = until
        self._tripped = {} if tripped is None else tripped
        self._printed = [] if printed is None else printed
        self._spoiled = [] if spoiled is None else spoiled

    def apart(self, seconds: float) -> Student:
        """The same student for what only explains: within so many seconds, and nothing of it is noted anywhere."""
        until = min(self._until, time.monotonic() + seconds)
        kept = {key: self.remembered[key] for key in (OPEN, STILL) if key in self.remembered}
        return Student(
            self._rooms, self.submission, self._limits, show_text=False, until=until, remembered=kept,
            own_sizes=self.own_sizes,
        )  # fmt: skip

    def program(self, question: str) -> Program:
        """The program of a question; Missing, with the reason, when the submission has none."""
        try:
            return self.submission.programs[question]
        except KeyError:
            reason = self.submission.unusable.get(question) or self.submission.problem
            raise Missing(reason or f"no code for {question} was found") from None

    def visit(self, question: str, *, probe_seed: int = 0, alone: bool = False, awake: bool = False) -> Visit:
        """A conversation with a process that has run the question's program, in a namespace of its own.

        "4c" is about the whole model: the programs of 4(a) and 4(b) are run. `alone`: the process holds no other
        conversation: what was trained is judged by one that saw none. `awake`: no dropout is kept at rest.
        """
        programs = tuple(self.program(part) for part in PARTS.get(question, (question,)))
        trains = question in PARTS
        left = self._until - time.monotonic()
        longest = self._limits.training_seconds if trains else self._limits.seconds
        if left < (SHORTEST_TRAINING if trains else SHORTEST_SECONDS):
            raise Missing("not run to its end: the time for this submission was used up")
        limits = msgspec.structs.replace(self._limits, seconds=min(left, longest), most_seconds=left)
        gates = self.remembered.get(OPEN, ()) if question == "4b" else ()
        still = not awake and question in self.remembered.get(STILL, ())
        collected = self._tripped, self._printed, self._spoiled, (gates, still)
        how = Conversations(self._rooms, limits, alone)
        return Visit(how, question, programs, probe_seed, self._show_text, *collected, shortened=left < longest)


class Visit:
    """One conversation. Use it as a context manager."""

    def __init__(
        self,
        how: Conversations,
        question: str,
        programs: tuple[Program, ...],
        probe_seed: int,
        show_text: bool,
        tripped: dict[str, set[str]],
        printed: list[str],
        spoiled: list[str],
        kept: tuple[Collection[str], bool],
        *,
        shortened: bool,
    ) -> None:
        self._how = how
        self._tripped, self._printed, self._spoiled = tripped, printed, spoiled
        self._shortened, (self._gates, self.still) = shortened, kept
        self._storage = Storage()
        self._question = question
        self._programs = programs
        self._program = programs[-1]
        self._subject = names.named("ViT") if question in PARTS else self._program.class_name
        self._probe_seed = probe_seed
        self._show_text = show_text
        self._doing = ""
        self.notes, self.loaded = set[str](), set[str]()  # `loaded`: the student's names of what was ever set
        self.arguments: tuple[str, ...] = ()

    def __enter__(self) -> Visit:
        program = self._program
        needing = " and ".join(p.class_name for p in self._programs)
        self._doing = f"running the definitions that {needing} need{'' if len(self._programs) > 1 else 's'}"
        self._room, self._used = self._how.open()
        given = [name for name in policy.POLICY.given(self._question) if name not in program.brings]
        fields = {"text": program.text, "class_name": program.class_name, "given": given,
                  "probe_seed": self._probe_seed, "heads": "".join(p.text for p in self._programs[:-1]),
                  "tuple_heads": program.tuple_heads, "names": dict(names.names())}  # fmt: skip
        try:
            self._ask("start", fields)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._how.close(self._room)
        finally:
            self._printed.append(self._room.output)

    def build(self, case: Case) -> Built:
        """Makes the module for this case's sizes, with the student's own initial weights."""
        of = "ViT" if self._question in PARTS else ""
        kwargs = case.kwargs if of else names.arguments(self._question, case.kwargs)
        self._doing = f"making {self._subject}({', '.join(f'{name}={value}' for name, value in kwargs.items())})"
        reply, _ = self._ask("build", {"kwargs": kwargs, "seed": case.seed, "of": of})
        claims.check(reply.parameters, self._subject, self._room.limits.tensor_mb << 20)
        self.notes.update(reply.notes)
        self.arguments = tuple(kwargs)
        return Built(opened(self._storage.read(reply.parameters, case), self._gates), reply.made)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Overwrites the named parameters, before whatever is asked next."""
        sent = self._storage.sent(weights)
        self.loaded.update(sent)
        self._room.later("load", {"names": list(sent)}, list(sent.values()))

    def save(self) -> dict[str, Tensor]:
        """Parameters and buffers as they are now, by name."""
        self._doing = "reading the weights"
        reply, tensors = self._ask("save", {})
        return dict(zip(reply.names, tensors))

    def train(self, images: Tensor, labels: Tensor, *, batch: int, rate: float, seed: int) -> tuple[float, ...]:
        """The notebook's loop over these batches, with dropout; the losses that the child says it had: advisory.

        images: uint8 (n, 28, 28); labels: int64 (n,). A further call goes on with the same optimiser.
        """
        self._doing = f"training a small {self._subject} around your layers"
        fields = {"batch": batch, "rate": rate, "seed": seed}
        _, tensors = self._ask("train", fields, [images, labels])
        if len(tensors) != 1 or tensors[0].dim() != 1 or len(tensors[0]) > len(images):
            raise self._unmet(Exit(ExitKind.PROTOCOL, detail="no losses came back"))
        return tuple(float(loss) for loss in tensors[0])

    def forward(self, x: Tensor, *, train: bool = False, seed: int = 0, strided: bool = False) -> Forward:
        """One forward of x (batch, tokens, features), in eval mode unless `train`."""
        return self._forward(x, [], train, seed, strided)

    def backward(self, x: Tensor, shape: tuple[int, ...], *, seed: int = 0) -> tuple[Forward, Tensor]:
        """Forward in eval mode and gradients of sum(output * cotangent); returns also the cotangent we chose."""
        cotangent = normal(seed, *shape)
        return self._forward(x, [cotangent], False, seed, False), cotangent

    def ask(
        self, op: str, fields: Mapping[str, object], tensors: Sequence[Tensor] = (), *, doing: str, seconds: float
    ) -> tuple[Reply, list[Tensor]]:
        """One request of a full training run, which has `seconds` of its own. Raises Unmet like the others."""
        self._doing = doing
        self._room.allow(seconds)
        return self._ask(op, fields, tensors)

    def _forward(self, x: Tensor, cotangent: list[Tensor], train: bool, seed: int, strided: bool) -> Forward:
        mode = "train" if train else "eval"
        self._doing = f"{self._subject}.forward in {mode} mode on x of shape {tuple(x.shape)}"
        still = self.still and not train
        fields = {"train": train, "grad": bool(cotangent), "seed": seed, "strided": strided, "still": still}
        reply, tensors = self._ask("forward", fields, [x, *cotangent])
        if not tensors:
            raise self._unmet(Exit(ExitKind.PROTOCOL, detail="no tensor came back"))
        self.notes.update(reply.notes)
        if self._question not in PARTS:
            self._tripped.setdefault(self._question, set())  # it ran, whatever it used
        return Forward(
            tensors[0], reply.notes, reply.calls, self._storage.received(dict(zip(reply.names, tensors[1:])))
        )

    def _ask(self, op: str, fields: Mapping[str, object], tensors: Sequence[Tensor] = ()) -> tuple[Reply, list[Tensor]]:
        along = self._room.waiting + sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        try:
            if along > self._room.limits.tensor_mb << 19:  # half of what a frame may carry
                self._room.ask("load", {"names": []})
            return self._room.ask(op, fields, tensors)
        except Ended as ended:
            raise self._unmet(ended.exit) from None
        finally:
            if self._room.tripped and self._question not in PARTS:  # each part was watched in a visit of its own
                self._tripped.setdefault(self._question, set()).update(self._room.tripped)

    def _unmet(self, exit: Exit) -> Exception:
        if exit.kind is ExitKind.GRADER:
            return GraderFault(exit.detail)
        # one that hangs does so in a fresh child, too: the time of the tests after it is not spent on finding out
        hangs = exit.kind is ExitKind.TIMEOUT and exit.detail != PROCESSOR_TIME
        taken = exit.by in (BY_THE_SYSTEM, OUT_OF_MEMORY)
        if (self._used and not hangs) or taken:
            self._spoiled.append(self._doing)
        if exit.by == OUT_OF_MEMORY:
            return GraderFault(f"{self._doing}: {OUT_OF_MEMORY}, and the kernel took the student's process")
        if exit.kind is ExitKind.TIMEOUT and self._shortened:
            exit = msgspec.structs.replace(exit, detail=f"{exit.detail}, all that was left for this test")
        program = self._programs[min(exit.part, len(self._programs) - 1)]  # the number is the child's word
        doing = LOADING if exit.early else self._doing  # loading is all that is ever sent along
        return explain(exit, program, doing, show_text=self._show_text)

    @property
    def own_arguments(self) -> list[str]:
        """What the student calls the arguments of __init__, by their text: the first eight."""
        return OwnText(self._program.text).made_with(self._program.class_name)[:8]

    @property
    def tuple_returned(self) -> bool:
        """Whether a forward of this visit returned a tuple, of which the first part was taken."""
        return "tuple" in self.notes
