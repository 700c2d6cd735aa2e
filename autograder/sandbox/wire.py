"""What may cross the wall, strictly: requests as plain JSON, replies as a closed record, tensors of agreed dtypes.

Nothing from the student's room is believed before it is decoded here: unknown fields, wrong types, negative or huge
shapes and lengths that do not add up are all protocol errors. A reply that passes is still only a claim about tensors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy
import torch
from torch import Tensor

from autograder.student_room import frames

MAX_TENSORS = 512
MAX_PARAMETERS = 8 * MAX_TENSORS  # more than can be loaded, so that a module with too many is told so in words
Text = Annotated[str, msgspec.Meta(max_length=2000)]
Name = Annotated[str, msgspec.Meta(max_length=300)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31)]
Size = Count
ClaimedSize = Annotated[int, msgspec.Meta(ge=0, le=2**62)]  # of a parameter, which may be on no device
Shape = Annotated[tuple[Size, ...], msgspec.Meta(max_length=8)]
Dtype = Literal["float32", "float64", "float16", "int64", "uint8"]

_KINDS = {name: numpy.dtype(name).newbyteorder("<") for name in frames.ITEM_SIZE}


class ProtocolError(Exception):
    """The reply is none."""


class TensorSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tensor of a frame's body."""

    dtype: Dtype
    shape: Shape


class ParameterSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One parameter as the student's module names it.

    Hints: `owner` is the type name of the layer that holds it, `fill` the number that all entries of a new vector have,
    `rows` that of each row, or column, of a new array of a few, if each has one.
    """

    name: Name
    shape: Annotated[tuple[ClaimedSize, ...], msgspec.Meta(max_length=64)]
    dtype: Name
    owner: Name
    fill: float | None = None
    rows: Annotated[tuple[float, ...], msgspec.Meta(max_length=8)] | None = None


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a child may say."""

    status: Literal["ok", "raised", "memory", "returned"]
    tensors: Annotated[tuple[TensorSpec, ...], msgspec.Meta(max_length=MAX_TENSORS)] = ()
    parameters: Annotated[tuple[ParameterSpec, ...], msgspec.Meta(max_length=MAX_PARAMETERS)] = ()
    names: Annotated[tuple[Name, ...], msgspec.Meta(max_length=MAX_TENSORS)] = ()
    notes: Annotated[tuple[Name, ...], msgspec.Meta(max_length=8)] = ()
    tripped: Annotated[tuple[Name, ...], msgspec.Meta(max_length=16)] = ()  # there are 14 wires
    made: Count = 0
    calls: Count = 0
    error: Text = ""
    detail: Text = ""
    line: int = 0
    function: Name = ""
    part: Annotated[int, msgspec.Meta(ge=0, le=1)] = 0  # which of the conversation's programs the line is of
    early: bool = False  # a step before the one that was asked for ended so


_decoder = msgspec.json.Decoder(Reply)


class Step(NamedTuple):
    """One thing to do, with the values of its tensors as they were when it was made."""

    header: dict[str, object]
    body: bytes


def step(op: str, fields: Mapping[str, object], tensors: Sequence[Tensor] = ()) -> Step:
    """Tensors are sent as they are (CPU, contiguous copies)."""
    specs = [{"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape)} for t in tensors]
    body = b"".join(t.detach().contiguous().numpy().tobytes() for t in tensors)
    return Step({"op": op, **fields, "tensors": specs}, body)


def request(asked: Step, before: Sequence[Step] = ()) -> bytes:
    """A request frame: one answer for all of it, that of `asked`, or of the first step `before` it that fails."""
    header = {**asked.header, "before": [each.header for each in before]} if before else asked.header
    return frames.pack(json.dumps(header).encode(), b"".join(each.body for each in (*before, asked)))


def reply(header: bytes, body: bytes) -> tuple[Reply, list[Tensor]]:
    """The decoded reply and its tensors. Raises ProtocolError."""
    try:
        decoded = _decoder.decode(header)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(str(error)) from None
    # in Python's integers: no overflow, whatever was claimed
    sizes = [frames.ITEM_SIZE[spec.dtype] * math.prod(spec.shape) for spec in decoded.tensors]
    if sum(sizes) != len(body):
        raise ProtocolError("the tensors' sizes do not add up to the bytes that came")
    if len(decoded.names) not in (0, len(decoded.tensors) - 1, len(decoded.tensors)):
        raise ProtocolError("as many names were expected as there are tensors, or tensors after the first")
    tensors, start = [], 0
    for spec, size in zip(decoded.tensors, sizes):
        tensors.append(_tensor(spec, body, start))
        start += size
    return decoded, tensors


def _tensor(spec: TensorSpec, body: bytes, start: int) -> Tensor:
    try:
        flat = numpy.frombuffer(body, _KINDS[spec.dtype], math.prod(spec.shape), start)
        return torch.from_numpy(flat.reshape(spec.shape).copy())
    except (ValueError, OverflowError, RuntimeError) as error:  # no elements at all, and still too large for an array
        raise ProtocolError(f"a tensor of shape {spec.shape} is none: {error}") from None
