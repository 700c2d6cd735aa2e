"""Tripwires: notice ready-made attention when it runs, however its name was hidden from the rules on the text.

The dispatcher's own entries for attention are replaced, once, in the zygote: every way to them (torch.ops, torch._C,
another thread, a scripted function) ends there. The modules that bring attention along are noticed when they are made
and when they run. What is replaced answers as before; only a note is made.

Advisory: this runs beside the student's code, which could undo it or cry wolf. It can cost its own author what the
rules on the text would have cost, and nothing else. The engine never arms it: the reference runs on torch as it is.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import types
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

MADE = (
    "MultiheadAttention", "Transformer", "TransformerEncoder", "TransformerEncoderLayer", "TransformerDecoder",
    "TransformerDecoderLayer",
)  # fmt: skip

PARTS = ("_sa_block", "_mha_block", "_ff_block")
# Entries of the dispatcher that consist of other entries, and what answers in their place: torch's own body is lost
# when such an entry is replaced.
COMPOSED = {
    "scaled_dot_product_attention": "torch.nn.functional.scaled_dot_product_attention",
    "_scaled_dot_product_attention_math": "torch.ops.aten._scaled_dot_product_attention_math",
}
COMPOSED_KEYS = ("CompositeImplicitAutograd", "FuncTorchVmapMode", "FuncTorchBatched")  # the latter two for vmap
# Entries with kernels of their own for each device. They are noticed on the way to that for the CPU, and it answers.
KERNELS = {
    "_scaled_dot_product_flash_attention_for_cpu": "torch.ops.aten._scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_flash_attention": "torch.ops.aten._scaled_dot_product_flash_attention",  # the CPU's in 2.1
    "_native_multi_head_attention": "torch._native_multi_head_attention",
    "_transformer_encoder_layer_fwd": "torch._transformer_encoder_layer_fwd",
}


class Wires(NamedTuple):
    """What `arm` set up: `watched` are the names that are noticed in this torch, `tripped` gives those that ran."""

    watched: tuple[str, ...]
    tripped: Callable[[], list[str]]


def arm() -> Wires:
    """Replaces what can be replaced in this torch, for this process and those it forks. Call it once.

    What this torch lacks is passed over. The record lives in closures alone: there is no name to find it by.
    """
    seen: set[str] = set()
    library = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    watched = []
    for entry, name in COMPOSED.items():
        answer = _noticed(seen, name, _output if entry == "scaled_dot_product_attention" else _attend)
        replaced = [_replace(library, entry, answer, key) for key in COMPOSED_KEYS]
        if any(replaced):
            watched.append(name)
    for entry, name in KERNELS.items():
        passed = _passed_on(entry)
        if passed is not None and _replace(library, entry, _noticed(seen, name, passed), "BackendSelect"):
            watched.append(name)
    for kind in MADE:
        made, name = getattr(nn, kind), f"torch.nn.{kind}"
        made.__init__ = _noticed(seen, name, made.__init__)
        made.forward = _noticed(seen, name, made.forward)
        for part in PARTS:  # of an heir that has an __init__ and a forward of its own
            if part in vars(made):
                setattr(made, part, _noticed(seen, name, getattr(made, part)))
        watched.append(name)
    name = "torch.nn.functional.multi_head_attention_forward"
    nn.functional.multi_head_attention_forward = _noticed(seen, name, nn.functional.multi_head_attention_forward)
    watched += [name, *_watch_flexible(seen)]

    def tripped() -> list[str]:
        return sorted(seen) if library is not None else []  # torch forgets the entries when their library is collected

    return Wires(tuple(watched), tripped)


def _replace(library: torch.library.Library, entry: str, answer: Callable[..., Any], key: str) -> bool:
    """Whether this torch has the entry and lets it be replaced under that dispatch key."""
    if not hasattr(torch.ops.aten, entry):
        return False
    with contextlib.suppress(RuntimeError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that something is replaced is the purpose
        library.impl(entry, answer, key)  # type: ignore[no-untyped-call]
        return True
    return False


def _noticed(seen: set[str], name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with the same name, signature and answers, which notes `name` when it is called."""

    def noticed(*args: Any, **kwargs: Any) -> Any:
        seen.add(name)
        return function(*args, **kwargs)

    at_home = types.FunctionType(noticed.__code__, function.__globals__, closure=noticed.__closure__)
    functools.update_wrapper(at_home, function)
    with contextlib.suppress(ValueError, TypeError):
        at_home.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    del at_home.__wrapped__  # type: ignore[attr-defined]  # the way round the wire
    return at_home


def _watch_flexible(seen: set[str]) -> list[str]:
    """Notices flex_attention, whose module is loaded when it is first wanted, at the operator that it ends in."""
    name, kind = "torch.nn.attention.flex_attention.flex_attention", getattr(torch._ops, "HigherOrderOperator", None)
    if kind is None:
        return []
    call = kind.__call__

    @functools.wraps(call)
    def noticed(self: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(self, "_name", "") == "flex_attention":
            seen.add(name)
        return call(self, *args, **kwargs)

    kind.__call__ = noticed
    return [name]


def _passed_on(entry: str) -> Callable[..., Any] | None:
    """Calls the entry's own kernel for the CPU; None where this torch has no such entry or cannot be told to.

    `BackendSelect` is the last stop before a kernel: gradients are recorded above it, and inference mode passes it.
    """
    with contextlib.suppress(AttributeError):
        by_key = getattr(torch.ops.aten, entry).default._op_dk  # (dispatch key, *args): since 2.0, and no other way is
        dense, nested = torch._C.DispatchKey.CPU, torch._C.DispatchKey.NestedTensorCPU

        def passed_on(first: Tensor, *args: Any, **kwargs: Any) -> Any:
            return by_key(nested if first.is_nested else dense, first, *args, **kwargs)

        return passed_on
    return None


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    dropout_mask: Tensor | None = None,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> tuple[Tensor, Tensor]:
    """(output, attention) by plain operations, gradients included: (..., tokens, dim), (..., tokens, tokens)."""
    if enable_gqa:
        key, value = (t.repeat_interleave(query.size(-3) // t.size(-3), -3) for t in (key, value))
    scores = query @ key.transpose(-2, -1) * (query.size(-1) ** -0.5 if scale is None else scale)
    if is_causal:
        scores = scores.masked_fill(~torch.ones_like(scores, dtype=torch.bool).tril(), float("-inf"))
    if attn_mask is not None:
        masked = attn_mask.dtype == torch.bool
        scores = scores.masked_fill(~attn_mask, float("-inf")) if masked else scores + attn_mask
    attention = scores.softmax(-1)
    if dropout_mask is not None:
        attention = attention.masked_fill(dropout_mask, 0.0) / (1.0 - dropout_p)
    else:
        attention = torch.dropout(attention, dropout_p, dropout_p > 0)
    return attention @ value, attention


def _output(*args: Any, **kwargs: Any) -> Tensor:
    return _attend(*args, **kwargs)[0]
