"""The heads of the provided `Attention` in one batched call, where that is the same computation.

Why separate: the student's head runs as it stands, once for all heads, over their parameters side by side (`vmap`).
Where it cannot be (heads that differ, buffers, a parameter that two of them share), ValueError says why; whether it
gives the same numbers is tried by `quick`. The student's text is never changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

try:
    from torch._C import _functorch as level
except ImportError:  # no such module in this torch: every product is left to vmap's own rules
    level = None  # type: ignore[assignment]


def stack(model: nn.Module, attention: type[nn.Module]) -> Callable[[], None]:
    """Lets every `attention` of the model call its heads at once; gives the function that takes this back.

    Raises ValueError when there is none, or where the heads are not alike.
    """
    found = [module for module in model.modules() if isinstance(module, attention)]
    if not found:
        raise ValueError("the model has no provided Attention")
    owners = Counter(id(p) for module in model.modules() for p in module.parameters(recurse=False))
    for module in found:
        _alike(list(module.attention_heads), owners)  # type: ignore[arg-type]
    for module in found:
        module.forward = _at_once(list(module.attention_heads))  # type: ignore[arg-type]

    def undo() -> None:
        for module in found:
            del module.forward

    return undo


def _alike(heads: list[nn.Module], owners: Counter[int]) -> None:
    described = [[(name, p.shape, p.dtype, p.requires_grad) for name, p in head.named_parameters()] for head in heads]
    if len(heads) < 2:
        raise ValueError("there is one head")
    if any(type(head) is not type(heads[0]) for head in heads) or any(each != described[0] for each in described):
        raise ValueError("the heads have different parameters")
    if any(True for head in heads for _ in head.buffers()):
        raise ValueError("a head holds buffers")
    if any(owners[id(p)] > 1 for head in heads for p in head.parameters()):
        raise ValueError("heads share a parameter")
    if not described[0]:
        raise ValueError("a head has no parameters")


def _at_once(heads: list[nn.Module]) -> Callable[[Tensor], Tensor]:
    first = heads[0]
    rows: dict[str, list[Tensor]] = {
        name: [head.get_parameter(name) for head in heads] for name, _ in first.named_parameters()
    }

    def forward(x: Tensor) -> Tensor:
        """x: (batch, tokens, dim) -> (batch, tokens, heads * dim_head), as the provided Attention's"""
        beside = {name: torch.stack(row) for name, row in rows.items()}
        with Products():
            every = torch.func.vmap(lambda own: torch.func.functional_call(first, own, (x,)), randomness="different")
            output: Tensor = every(beside)  # (heads, batch, tokens, dim_head)
        return output.movedim(0, -2).flatten(-2)

    return forward


class Products(TorchFunctionMode):
    """A product of one x with the matrices of all heads as one batched product, laid out as the next one needs it.

    vmap's own rule multiplies by all matrices side by side and copies the result into place: the same numbers, slower.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Passes everything on but `F.linear(x, weights)` without a bias."""
        without_bias = func is F.linear and not kwargs and args[2:] in ((), (None,))
        if without_bias and level is not None and _of_heads(*args[:2]):
            x, weight = args[:2]
            every = level.get_unwrapped(weight)  # (heads, out, in)
            flat = x.reshape(-1, x.shape[-1]).expand(len(every), -1, -1)
            output = torch.bmm(flat, every.transpose(1, 2)).view(len(every), *x.shape[:-1], every.shape[1])
            return level._add_batch_dim(output, 0, level.maybe_get_level(weight))
        return func(*args, **(kwargs or {}))


def _of_heads(x: Tensor, weight: Tensor) -> bool:
    plain = not level.is_batchedtensor(x) and level.is_batchedtensor(weight) and level.maybe_get_bdim(weight) == 0
    return plain and weight.dim() == 2 and x.dim() > 1 and not level.is_batchedtensor(level.get_unwrapped(weight))
