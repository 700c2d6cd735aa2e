"""Tensors as bytes, and many of them as one safetensors file: what a training run leaves behind.

    length of the header, uint64 little-endian | header: JSON {name: {dtype, shape, data_offsets}} | the tensors' bytes

Why separate: the supervisor writes checkpoints and has neither torch nor numpy. A file is read by
`autograder.handin.files.checkpoint`, which trusts none of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import msgspec


class Stored(msgspec.Struct, frozen=True):
    """One tensor: safetensors' dtype ("F32"), shape, and its elements in order, little-endian."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: bytes


def encode(tensors: Sequence[Stored], metadata: Mapping[str, str] | None = None) -> bytes:
    """A safetensors file. `metadata` are texts by name, which readers of weights pass over."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    start = 0
    for tensor in tensors:
        end = start + len(tensor.data)
        header[tensor.name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": (start, end)}
        start = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the format asks for tensors that begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + b"".join(tensor.data for tensor in tensors)
