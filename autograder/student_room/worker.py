"""The student's room: answers one conversation, with the student's class, and is then killed.

    again   {op}                                               puts all of it away, for another conversation
    start   {op, text, class_name, given, probe_seed, heads, tuple_heads, names}    runs the program, the heads' before
    build   {op, kwargs, seed, of}               -> parameters  makes the module, or the provided `of` around it
    load    {op, names} + tensors                               sets parameters and buffers to what was sent
    save    {op}                                -> names, tensors: parameters and buffers
    train   {op, batch, rate, seed} + images, labels           -> losses: the notebook's loop, one step a batch
    forward {op, train, grad, seed, strided, still} + x [+ cotangent] -> output [+ gradients of x and the parameters]

and for a full run of training, image by image the same model:

    hold    {op, batch, rate, quick, threads, seed, device} + images, labels    -> made: threads; notes: where and how
    steps   {op, seed} + order                   -> losses, hits: a step a batch of the images that `order` names
    logits  {op} + images                        -> logits in eval mode
    pause   {op}                                 -> the optimiser's state: mean, square, steps
    resume  {op} + mean, square, steps                          goes on from that state

A request may bring steps that have no answer of their own, to be done before it:  {…, before: [{op, …}, …]}

This code runs beside the student's and may be changed by it: nothing here decides anything, and nothing here knows
what would be right. It holds no reference, no expected value and no verdict.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import socket
import tempfile
from collections.abc import Callable

import numpy
import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from autograder.student_room import (
    at_rest,
    calling,
    crossing,
    described,
    frames,
    full_run,
    plain_weights,
    probe,
    program,
    provided,
    training,
    uncompiled,
)

# How torch words it, by version: a RuntimeError each time.
OUT_OF_MEMORY = re.compile("not enough memory|allocate memory|out of memory", re.IGNORECASE)

HEAD = "SingleHeadAttention"  # as the provided classes call it

Reply = tuple[dict[str, object], list[Tensor]]


def serve(
    connection: socket.socket,
    max_body: int,
    tripped: Callable[[], list[str]] = list,
    changed: Callable[[], bool] = bool,
) -> None:
    """Answers requests until the other side hangs up.

    `tripped`: what ready-made attention has run, for every reply; `changed`: whether this process is fit for another
    conversation.
    """
    prepare()
    reader = frames.FrameReader(max_body)
    conversation = Conversation(max_body, changed)
    while True:
        frame = reader.next_frame()
        if frame is not None:
            _send(connection, conversation, tripped, *frame)
            continue
        data = connection.recv(1 << 16)
        if not data:
            return
        reader.feed(data)


def prepare() -> None:
    """What every program finds otherwise than torch and Python have it."""
    tempfile.tempdir = None  # forget the engine's folder, which is closed to this process; TMPDIR will name its own
    uncompiled.put()
    program.prepare()


def _send(
    connection: socket.socket, conversation: Conversation, tripped: Callable[[], list[str]], header: bytes, body: bytes
) -> None:
    try:
        reply, tensors = conversation.answer(json.loads(header.decode()), body)
        payload = [crossing.raw(tensor) for tensor in tensors]
        reply["tensors"] = [{"dtype": described.dtype(t), "shape": list(t.shape)} for t in tensors]
    except crossing.NotATensor as error:
        reply, payload = {"status": "returned", "detail": str(error)}, []
    except BaseException as raised:  # SystemExit and KeyboardInterrupt of the student's are data too
        cause = raised.error if isinstance(raised, Early) else raised
        told = {**program.describe(cause), "early": isinstance(raised, Early)}
        kind = "memory" if isinstance(cause, MemoryError) or OUT_OF_MEMORY.search(str(told["detail"])) else "raised"
        reply, payload = {"status": kind, **told}, []
    reply["tripped"] = tripped()
    connection.sendall(frames.pack(json.dumps(reply).encode(), b"".join(payload)))


class Early(Exception):
    """A step that was sent along with a request raised `error`."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class Conversation:
    """What has been built so far. `answer` dispatches one request."""

    def __init__(self, max_body: int, changed: Callable[[], bool] = bool) -> None:
        self.changed = changed
        self.max_body = max_body
        self.namespace: dict[str, object] = {}
        self.class_name = ""
        self.given: list[str] = []
        self.names: dict[str, str] = {}
        self.counter = probe.Counter(0)
        self.module: nn.Module = nn.Identity()
        self.training: training.Training | None = None
        self.run: full_run.FullRun | None = None

    def answer(self, request: dict[str, object], body: bytes) -> Reply:
        """The reply to one request, with its tensors. Raises whatever the student's code raises."""
        operations: dict[str, Callable[..., Reply]] = {
            "start": self.start,
            "again": self.again,
            "build": self.build,
            "load": self.load,
            "save": self.save,
            "train": self.train,
            "forward": self.forward,
            "hold": self.hold,
        }
        before: list[dict[str, object]] = request.pop("before", [])  # type: ignore[assignment]
        start = 0
        for step in before:
            tensors, start = crossing.received(step.pop("tensors"), body, start)
            try:
                operations[str(step.pop("op"))](*tensors, **step)
            except BaseException as error:
                raise Early(error) from None
        name, (tensors, _) = str(request.pop("op")), crossing.received(request.pop("tensors", []), body, start)
        if name not in operations and self.run is not None:
            _seed(int(str(request.get("seed", 0))))
            return {"status": "ok"}, self.run.answer(name, *tensors, **request)
        return operations[name](*tensors, **request)

    def again(self) -> Reply:
        """Puts away what was built and run, for another conversation; the note "changed": this process is not fit."""
        self.namespace, self.module, self.training = {}, nn.Identity(), None
        program.forget()
        return {"status": "ok", "notes": ["changed"] if self.changed() else []}, []

    def start(
        self,
        text: str,
        class_name: str,
        given: list[str],
        probe_seed: int,
        heads: str = "",
        tuple_heads: bool = False,
        names: dict[str, str] | None = None,
    ) -> Reply:
        """Runs the program's text beside the `given` classes of ours; before it `heads`, if any: 4(a)'s program.

        `names`: what these classes and the student's are called there, by what ours call them.
        """
        self.counter = probe.Counter(probe_seed)
        self.class_name, self.given, self.names = class_name, given, names or {}
        called = {theirs: ours for ours, theirs in self.names.items()}
        namespace: dict[str, object] = {}
        if HEAD in [called.get(name, name) for name in given]:
            namespace[HEAD] = probe.probe_class(self.counter, answers_tuple=tuple_heads)
        provided.provide(namespace)
        ours = {name: namespace[called.get(name, name)] for name in given}
        if heads:  # the student's own, made by the program of 4(a), stand where the probe heads do
            theirs = self.names.get(HEAD, HEAD)
            ours[theirs] = namespace[HEAD] = program.run(heads, ours).get(theirs)
        self.namespace = program.run(text, ours, part=1 if heads else 0)
        self.namespace.update(ours)  # whatever the program bound these names to
        namespace[called.get(class_name, class_name)] = self.namespace.get(class_name)  # where ours look it up
        return {"status": "ok"}, []

    def build(self, kwargs: dict[str, object], seed: int, of: str = "") -> Reply:
        """Makes the class, or the provided one that is named in `of`, and describes its parameters."""
        _seed(seed)
        self.counter.made, self.training, self.run = 0, None, None
        self.module, notes = calling.made(self.namespace[self.names.get(of, of) or self.class_name], kwargs)
        attention = self.names.get("Attention", "Attention")
        if of and attention in self.given:
            training.unpack_heads(self.module, self.namespace[attention])  # type: ignore[arg-type]
        if any(isinstance(p, UninitializedParameter) for p in self.module.parameters()):
            # lazy layers take their sizes from the first x they see; features come first in a layer's kwargs
            shape = (1, 1, 28, 28) if of == "ViT" else (1, 2, next(iter(kwargs.values())))
            with torch.no_grad():
                self.module.eval()(torch.zeros(shape))  # type: ignore[arg-type]
        if not of:
            plain_weights.store(self.module)
        parameters = described.parameters(self.module)
        return {"status": "ok", "parameters": parameters, "made": self.counter.made, "notes": notes}, []

    def load(self, *weights: Tensor, names: list[str]) -> Reply:
        """Copies each tensor into the parameter or buffer of its name. Raises KeyError on an unknown one."""
        known = training.state(self.module)
        with torch.no_grad():
            for name, weight in zip(names, weights):
                known[name].copy_(weight)
        return {"status": "ok"}, []

    def save(self) -> Reply:
        """Parameters and buffers of every dtype that may cross the wall."""
        state = training.state(self.module).items()
        sent = {name: value for name, value in state if described.dtype(value) in frames.ITEM_SIZE}
        return {"status": "ok", "names": list(sent)}, list(sent.values())

    def train(self, images: Tensor, labels: Tensor, *, batch: int, rate: float, seed: int) -> Reply:
        """One step a batch of images, uint8 (n, 28, 28), with labels, int64 (n,); the losses, float64 (steps,)."""
        _seed(seed)
        if self.training is None:
            self.training = training.Training(self.module, rate)
        losses = self.training.steps(images, labels, batch)
        return {"status": "ok"}, [torch.tensor(losses, dtype=torch.float64)]

    def hold(
        self,
        images: Tensor,
        labels: Tensor,
        *,
        batch: int,
        rate: float,
        quick: bool,
        threads: int,
        seed: int,
        device: str = "cpu",
    ) -> Reply:
        """Begins a run over these images, uint8 (n, 28, 28), with labels, int64 (n,); `quick` as far as is exact.

        `made` is the number of threads; 0: the device cannot be had, and the note says why.
        """
        _seed(seed)
        try:
            place, words = full_run.device_for(device)
        except RuntimeError as error:  # no fault of these classes: so no exception
            return {"status": "ok", "made": 0, "notes": [str(error)]}, []
        self.run = full_run.FullRun(self.module, images, labels, batch=batch, rate=rate, device=place)
        notes = self.run.quicken(self.namespace.get(self.names.get("Attention", "Attention")), threads) if quick else ()
        return {"status": "ok", "made": self.run.threads, "notes": [note[:300] for note in (words, *notes)]}, []

    def forward(
        self, x: Tensor, cotangent: Tensor | None = None, *, train: bool, grad: bool, seed: int, **how: bool
    ) -> Reply:
        """The output for x, (batch, tokens, features) or images; with `grad`, gradients of sum(output * cotangent).

        `how`: "strided", x lies otherwise in memory; "still", dropout drops nothing.
        """
        _seed(seed)
        if any(part.training is not train for part in self.module.modules()):  # ten times quicker than to tell them
            self.module.train(train)
        self.counter.calls = 0
        if how.get("strided"):  # the same values
            x = x.transpose(0, 1).contiguous().transpose(0, 1)
        given = x.clone()
        x.requires_grad_(grad)
        rest = at_rest.AtRest() if how.get("still") else contextlib.nullcontext()
        with torch.set_grad_enabled(grad), rest:
            # in training no layer meets a leaf: what autograd forbids on a leaf alone must not fail here
            met = x.clone() if grad else x
            output, notes = crossing.tensor_of(self.module(met), self.max_body)
        if not torch.equal(met.detach(), given):
            notes.append("input-modified")
        reply: dict[str, object] = {"status": "ok", "notes": notes, "calls": self.counter.calls}
        if not grad or cotangent is None:
            return reply, [output.detach()]
        return self._backward(x, output, cotangent, reply)

    def _backward(self, x: Tensor, output: Tensor, cotangent: Tensor, reply: dict[str, object]) -> Reply:
        reached = calling.gradients(self.module, x, output, cotangent)
        reply["names"] = list(reached)
        return reply, [output.detach(), *reached.values()]


def _seed(seed: int) -> None:
    torch.default_generator.manual_seed(seed)  # torch.manual_seed also records a stack for CUDA: 2 ms each time
    random.seed(seed)
    numpy.random.seed(seed % 2**32)
