"""The submitted weights as tensors: of which sizes their model is, and whether they are weights of it at all.

Why separate: pure functions of a checkpoint whose header was checked while it was read. No process, no points.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from autograder.core.policy import TRAINING
from autograder.core.records import Run, Weights, WeightSpec
from autograder.core.text import one_line
from autograder.judging.code.cases import ModelCase

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "U8": torch.uint8,
}
_LAYER = re.compile(r"layers\.(\d{1,3})\.")
_HEAD = re.compile(r"layers\.0\..*attention_heads\.(\d{1,3})\.")
_FIRST = "patch_embedding.weight"  # of the provided ViT, (dim, patch_size²): every checkpoint of one has it
LISTED = 3  # names that a message lists


def tensors(weights: Weights) -> dict[str, Tensor]:
    """By name, without what a wrapper (DataParallel, torch.compile) put in front of all names; float32 for bfloat16."""
    front = _front([spec.name for spec in weights.specs])
    return {spec.name.removeprefix(front): _tensor(spec, weights.data) for spec in weights.specs}


def _front(names: Sequence[str]) -> str:
    """ "module." of "module.cls_token": what stands before the provided ViT's own names, when it is before all."""
    front = next((name.removesuffix(_FIRST) for name in names if name.endswith(_FIRST)), "")
    return front if all(name.startswith(front) for name in names) else ""


def _tensor(spec: WeightSpec, data: bytes) -> Tensor:
    if spec.start == spec.end:
        return torch.zeros(spec.shape, dtype=_DTYPES[spec.dtype])
    flat = torch.frombuffer(bytearray(data[spec.start : spec.end]), dtype=_DTYPES[spec.dtype])
    return (flat.float() if spec.dtype == "BF16" else flat).reshape(spec.shape)


def unusable(values: Mapping[str, Tensor]) -> str:
    """Why nothing can be measured with these numbers; "" when it can."""
    broken = [name for name, value in values.items() if not bool(torch.isfinite(value).all())]
    return f"they hold nan or inf ({_listed(broken)})" if broken else ""


def case(run: Run, values: Mapping[str, Tensor], seed: int) -> ModelCase:
    """The sizes of the model: what the shapes show, else what the notebook's own call says, else the handout's."""
    asked = {"dim": 64, **TRAINING.sizes, **run.model}
    shown = {**asked, **_shown(values)}
    sizes = {name: shown[name] for name in ("patch_size", "dim", "depth", "heads", "dim_head", "mlp_dim")}
    return ModelCase(seed, **sizes)


def _shown(values: Mapping[str, Tensor]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    first = values.get(_FIRST)
    if first is not None and first.dim() == 2:
        side = round(first.shape[1] ** 0.5)
        sizes["dim"] = first.shape[0]
        if 0 < side <= 28 and side * side == first.shape[1] and 28 % side == 0:
            sizes["patch_size"] = side
    for key, pattern in (("depth", _LAYER), ("heads", _HEAD)):
        found = [int(match[1]) for match in map(pattern.match, values) if match]
        if found:
            sizes[key] = max(found) + 1
    return sizes


def misfit(values: Mapping[str, Tensor], parameters: Mapping[str, tuple[int, ...]]) -> str:
    """Why the weights are not those of a model with these parameters, in words; "" when they are."""
    missing = [name for name in parameters if name not in values]
    if missing:
        more = [name for name in values if name not in parameters]
        return f"they have no {_listed(missing)}" + (f", but {_listed(more)}" if more else "")
    other = [name for name, shape in parameters.items() if tuple(values[name].shape) != tuple(shape)]
    if other:
        name = other[0]
        return (
            f"{_listed([name])} has the shape {tuple(values[name].shape)}, and {tuple(parameters[name])} in your code"
        )
    return ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(one_line(name, 60) for name in names[:LISTED]) + more
