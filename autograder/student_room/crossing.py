"""Tensors as they cross the wall: what came in a frame, what goes into one, and what cannot.

Why separate: `worker` answers, this converts. Nothing here knows the student's class.
"""

from __future__ import annotations

import math

import numpy
import torch
from torch import Tensor

from autograder.student_room import described, frames

_KINDS = {name: numpy.dtype(name).newbyteorder("<") for name in frames.ITEM_SIZE}


class NotATensor(Exception):
    """forward gave something that cannot cross the wall as it is."""


def tensor_of(value: object, max_body: int) -> tuple[Tensor, list[str]]:
    """The tensor that forward returned, or NotATensor. A tuple's first tensor is taken, with a note."""
    notes = []
    if type(value) in (tuple, list) and len(value) and type(value[0]) is Tensor:  # type: ignore[arg-type,index]
        notes.append("tuple")
        value = value[0]  # type: ignore[index]
    if type(value) is not Tensor:
        raise NotATensor(f"a {type(value).__name__}"[:100])
    if value.layout != torch.strided or described.dtype(value) not in frames.ITEM_SIZE:
        raise NotATensor(f"a tensor of layout {value.layout} and dtype {value.dtype}")
    if value.numel() * value.element_size() > max_body:  # before anything copies it: a stride-0 view costs nothing yet
        raise NotATensor(f"a tensor of shape {tuple(value.shape)}, which is too large"[:200])
    return value, notes


def received(specs: object, body: bytes, start: int = 0) -> tuple[list[Tensor], int]:
    """The tensors of a step (`specs`: dtype, shape of each) in `body` from `start`; and where the next one's begin."""
    tensors = []
    for spec in specs:  # type: ignore[attr-defined]
        shape = spec["shape"]
        flat = numpy.frombuffer(body, _KINDS[spec["dtype"]], math.prod(shape), start)
        tensors.append(torch.from_numpy(flat.reshape(shape).copy()))
        start += flat.nbytes
    return tensors, start


def raw(tensor: Tensor) -> bytes:
    """The values alone, in the order of their indices."""
    return tensor.detach().cpu().contiguous().numpy().tobytes()
