"""The student's room without a wall: hundreds of layers of our own are judged in this process, in seconds.

Why separate: only for programs that the tests wrote themselves. The hidden tests are called as functions, with a
student whose visits talk to `student_room.worker` directly; every message is counted.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import msgspec
import torch
from torch import Tensor

from autograder.core.policy import POLICY
from autograder.grading import HIDDEN
from autograder.judging.code.cases import Cases, normal
from autograder.judging.code.flat import Storage
from autograder.judging.code.gates import opened
from autograder.judging.expect import Unmet
from autograder.judging.visit import OPEN, STILL, Built, Forward
from autograder.sandbox.wire import ParameterSpec
from autograder.student_room.uncompiled import uncompiled
from autograder.student_room.worker import Conversation


class Visit:
    """As `judging.visit.Visit`, without a process."""

    def __init__(self, student: Student, question: str, probe_seed: int, awake: bool) -> None:
        self.still = not awake and question in student.remembered.get(STILL, ())
        self._student, self.notes, self.loaded, self.arguments = student, set[str](), set[str](), ()
        self.tuple_returned = False
        self._conversation = Conversation(1 << 28)
        self._storage = Storage()
        policy = next(q for q in POLICY.questions if q.number == question)
        self._start = {
            "text": student.texts[question],
            "class_name": policy.class_name,
            "given": list(POLICY.given(question)),
            "probe_seed": probe_seed,
        }

    def __enter__(self) -> Visit:
        with mock.patch.object(torch, "compile", uncompiled):  # as the student's room has it: no compiler is needed
            self._ask(lambda: self._conversation.start(**self._start))  # type: ignore[arg-type]
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to end."""

    def build(self, case: Any) -> Built:
        reply, _ = self._ask(lambda: self._conversation.build(case.kwargs, case.seed))
        parameters = msgspec.convert(reply["parameters"], tuple[ParameterSpec, ...])
        return Built(
            opened(self._storage.read(parameters, case), self._student.remembered.get(OPEN, ())),
            int(str(reply["made"])),
        )

    def load(self, weights: Mapping[str, Tensor]) -> None:
        sent = self._storage.sent(weights)
        self.loaded.update(sent)
        self._ask(lambda: self._conversation.load(*sent.values(), names=list(sent)))

    def save(self) -> dict[str, Tensor]:
        reply, tensors = self._ask(self._conversation.save)
        return {name: tensor.clone() for name, tensor in zip(reply["names"], tensors)}

    def forward(self, x: Tensor, *, train: bool = False, seed: int = 0, strided: bool = False) -> Forward:
        return self._forward(x, None, train, seed, strided)

    def backward(self, x: Tensor, shape: tuple[int, ...], *, seed: int = 0) -> tuple[Forward, Tensor]:
        cotangent = normal(seed, *shape)
        return self._forward(x, cotangent, False, seed, False), cotangent

    def _forward(self, x: Tensor, cotangent: Tensor | None, train: bool, seed: int, strided: bool) -> Forward:
        self._student.forwards += 1
        reply, tensors = self._ask(
            lambda: self._conversation.forward(
                x.clone(),
                cotangent,
                train=train,
                grad=cotangent is not None,
                seed=seed,
                strided=strided,
                still=self.still and not train,
            )
        )
        names: Any = reply.get("names", [])
        gradients = self._storage.received(dict(zip(names, tensors[1:])))
        return Forward(tensors[0], tuple(reply["notes"]), 0, gradients)

    def _ask(self, operation: Callable[[], tuple[dict[str, object], list[Tensor]]]) -> Any:
        self._student.messages += 1
        start = time.process_time()
        try:
            return operation()
        except Exception as error:
            raise Unmet(f"{type(error).__name__}: {error}", error=type(error).__name__) from error
        finally:
            self._student.seconds += time.process_time() - start


class Student:
    """As `judging.visit.Student`: `texts` by question; `seconds` of the processor were spent in the student's room."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts
        self.remembered: dict[str, Any] = {}
        self.own_sizes: dict[str, Any] = {}
        self.forwards = self.messages = 0
        self.seconds = 0.0
        self.staff: list[str] = []

    def apart(self, seconds: float) -> Student:
        return self

    def visit(self, question: str, *, probe_seed: int = 0, awake: bool = False) -> Visit:
        return Visit(self, question, probe_seed, awake)

    def program(self, question: str) -> SimpleNamespace:
        return SimpleNamespace(text=self.texts[question])


class Reference:
    """The reference's modules by name."""

    def __getattr__(self, name: str) -> ModuleType:
        return importlib.import_module(f"reference.{name}")


@cache
def hidden(file: str) -> ModuleType:
    """The module of a file of hidden tests."""
    path = Path(HIDDEN) / file
    spec = importlib.util.spec_from_file_location(f"hidden_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FILES = {"4a": "test_4a_attention.py", "4b": "test_4b_layer.py"}


def judged(question: str, text: str, *, seed: int = 1, only: str = "") -> tuple[dict[str, Unmet], Student]:
    """What each of the question's tests that did not pass said, by number, and the student with its counters."""
    student, lost, cases = Student({question: text}), dict[str, Unmet](), Cases(seed)
    for number, test in _tests(FILES[question]):
        if not number.startswith(only):
            continue
        wanted = test.__code__.co_varnames[: test.__code__.co_argcount]
        given: dict[str, Any] = {"student": student, "reference": Reference(), "cases": cases, "findings": (),
                                 "remark": lambda text: None, "for_staff": student.staff.append, "seed": seed,
                                 "smallest": lambda *asked: ""}  # fmt: skip
        try:
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                test(**{name: given[name] for name in wanted})
        except Unmet as unmet:
            lost[number] = unmet
            if unmet.own_sizes:
                cases, student.own_sizes[question] = cases.at(unmet.own_sizes), unmet.own_sizes
    return lost, student


def _tests(file: str) -> Iterator[tuple[str, Callable[..., None]]]:
    for name, test in vars(hidden(file)).items():
        if name.startswith("test_"):
            with contextlib.suppress(AttributeError):
                yield str(test.__number__), test
