"""model.safetensors of a submission: its header checked, its bytes taken along, nothing unpickled and nothing made.

    length of the header, uint64 little-endian | header: JSON {name: {dtype, shape, data_offsets}} | the tensors' bytes

Why separate: a checkpoint is the largest thing that is read, and its format is easy to abuse: every count, name, shape
and offset is held against a cap before anything of that size exists. Formats that are pickles are never opened, since
opening one runs what is in it. A mistake here must not touch the code nor the claim.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from autograder.core import policy
from autograder.core.errors import SubmissionError
from autograder.core.records import Weights, WeightSpec
from autograder.core.text import one_line
from autograder.handin.files.members import Member

PICKLED = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle")
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80")  # what torch.save writes: a zip of a pickle, or once a bare one

MAX_HEADER = 1 << 20  # bytes; 212 tensors of the handout's ViT need 20 KB
MAX_TENSORS = 512  # as many as may cross to the student's room; the handout's ViT has about 210
MAX_NAME = 200  # characters; "layers.5.attention.attention_heads.7.to_q.weight" has 48
MAX_DIMENSIONS = 8
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "U8": 1}  # what can be loaded
_OTHER = {"BOOL": 1, "I8": 1, "I16": 2, "U16": 2, "I32": 4, "U32": 4, "U64": 8, "F8_E4M3": 1, "F8_E5M2": 1}

_AGAIN = f"Run {policy.FILES.saving_cell} of the template again; it writes this file."


def read_weights(members: Sequence[Member], near: str) -> tuple[Weights | None, str]:
    """(weights, "") or (None, why not, in one sentence or two); (None, "") when there is no such file."""
    member = _found(members, near)
    if member is None:
        pickles = [m.name for m in members if m.name.lower().endswith(PICKLED)]
        return None, _pickle(pickles[0]) if pickles else ""
    try:
        data = member.read()
    except SubmissionError as error:
        return None, str(error)
    try:
        return _parsed(data), ""
    except _Pickle:
        return None, _pickle(member.name)
    except _Refused as why:
        return None, f"{one_line(member.name, 80)} {why}. {_AGAIN}"


def read_run(data: bytes, most_mb: int) -> tuple[Weights, dict[str, str]]:
    """(tensors, the texts of its header) of what a training run of ours left. Raises SubmissionError."""
    try:
        weights = _parsed(data, most_mb)
    except (_Refused, _Pickle) as why:
        raise SubmissionError(f"it {why}" if str(why) else "it is a pickle") from None
    said = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__", {})
    return weights, {str(key): str(value) for key, value in said.items()} if isinstance(said, dict) else {}


class _Refused(Exception):
    """Why the file is not used: the rest of a sentence that begins with its name."""


class _Pickle(Exception):
    """It is one, under the name of a safetensors file."""


def _found(members: Sequence[Member], near: str) -> Member | None:
    """The file of the right name, beside the work first; else the only one of its kind."""
    kind = [m for m in members if m.name.lower().endswith((".safetensors", ".safetensors.txt"))]
    named = [m for m in kind if PurePosixPath(m.name).name.lower().startswith(policy.FILES.checkpoint.lower())]
    folder = PurePosixPath(near).parent
    beside = [member for member in named if PurePosixPath(member.name).parent == folder]
    ordered = sorted(beside or named, key=lambda member: (member.name.count("/"), len(member.name)))
    return ordered[0] if ordered else kind[0] if len(kind) == 1 else None


def _pickle(name: str) -> str:
    shown = one_line(name, 80)
    stem = PurePosixPath(shown).name.replace("'", "")
    return (
        f"{shown} is a pickle, which can run anything when it is opened, so it was not opened. To convert it:"
        f" import torch; from safetensors.torch import save_file; save_file({{n: w.clone() for n, w in"
        f" torch.load('{stem}', map_location='cpu').items()}}, '{policy.FILES.checkpoint}')"
    )


def _parsed(data: bytes, most: int = policy.CAPS.checkpoint_mb) -> Weights:
    """The tensors that can be loaded, as the header says they lie. Raises _Refused or _Pickle."""
    if len(data) > most * 2**20:
        raise _Refused(
            f"has {len(data) / 2**20:.0f} MB, and at most {most} MB are read; the handout's model has 3.6 MB"
        )
    if len(data) < 8:
        raise _Refused("is empty or cut off")
    size = int.from_bytes(data[:8], "little")
    if size > MAX_HEADER and data.startswith(_PICKLE_STARTS):
        raise _Pickle
    if size > MAX_HEADER or size > len(data) - 8:
        raise _Refused("is cut off or is no safetensors file: its header is longer than it may be")
    specs = _specs(_header(data[8 : 8 + size]))
    body = data[8 + size :]
    _tiled(specs, len(body))
    kept = tuple(spec for spec in specs if spec.dtype in _BYTES)
    if not kept:
        raise _Refused("holds no weights")
    return Weights(kept, body, _digest(kept, body))


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(
            text.decode("utf-8"), object_pairs_hook=_once, parse_int=_short, parse_constant=lambda _: None
        )
    except (ValueError, RecursionError):
        raise _Refused("is damaged: its header is not the JSON of a safetensors file") from None
    if not isinstance(header, dict):
        raise _Refused("is damaged: its header is no table of tensors")
    header.pop("__metadata__", None)
    if len(header) > MAX_TENSORS:
        raise _Refused(f"names {len(header):,} tensors, and at most {MAX_TENSORS} are read")
    return header


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Refused("is damaged: a name stands in its header twice")
    return made


def _short(digits: str) -> int:
    if len(digits) > 15:  # beyond any size here; Python refuses to read very long ones
        raise ValueError("too long")
    return int(digits)


def _specs(header: dict[str, Any]) -> list[WeightSpec]:
    """In the order of their bytes."""
    specs = [_spec(name, about) for name, about in header.items()]
    return sorted(specs, key=lambda spec: (spec.start, spec.end))


def _spec(name: str, about: object) -> WeightSpec:
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise _Refused(f"has a tensor with a name that cannot be one: {one_line(name, 40)!r}")
    entry: dict[str, Any] = about if isinstance(about, dict) else {}
    dtype, shape, offsets = str(entry.get("dtype")), entry.get("shape", ()), entry.get("data_offsets", ())
    width = {**_BYTES, **_OTHER}.get(dtype)
    if width is None or not _sizes(shape) or not _sizes(offsets) or len(offsets) != 2:
        raise _Refused(f"is damaged: what its header says of {one_line(name, 60)} is no tensor")
    count = 1
    for side in shape:
        count *= side  # Python's integers: no overflow, whatever is claimed
    if offsets[1] - offsets[0] != count * width:
        raise _Refused(f"is damaged: the shape of {one_line(name, 60)} is not the size of its bytes")
    return WeightSpec(name, dtype, tuple(shape), offsets[0], offsets[1])


def _sizes(value: object) -> bool:
    most = 3 * policy.CAPS.checkpoint_mb * 2**20  # a run keeps weights and two means of each
    return (
        isinstance(value, list)
        and len(value) <= MAX_DIMENSIONS
        and all(type(part) is int and 0 <= part <= most for part in value)
    )


def _tiled(specs: Sequence[WeightSpec], size: int) -> None:
    """Whether the tensors lie back to back and fill the file, as the format demands."""
    at = 0
    for spec in specs:
        if spec.start != at:
            raise _Refused("is damaged: its tensors overlap, or leave gaps")
        at = spec.end
    if at != size:
        raise _Refused("is cut off or damaged: its tensors are of another length than the file")


def _digest(specs: Sequence[WeightSpec], body: bytes) -> str:
    """Over the values alone: other names, another order or other metadata make no other weights."""
    parts = sorted(hashlib.sha256(body[spec.start : spec.end]).digest() for spec in specs)
    return hashlib.sha256(b"".join(parts)).hexdigest()
