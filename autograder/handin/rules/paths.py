"""Dotted names made canonical, and sorted into namespaces, permitted things, and ready-made attention.

Why separate: torch is reachable under many names (`torch.nn.modules.linear.Linear`, `torch.functional.F.gelu`), and the
rules must speak of one. Pure functions of text: nothing here may look at a syntax tree, or import what it names.
"""

from __future__ import annotations

import re

from autograder.handin.rules import torch_names

FUNCTIONAL = ("torch", "nn", "functional")

# Words that only attention and whole encoders carry in their names. Nothing else in torch has them in its name.
_READY_WORDS = re.compile(r"attention|transformer|fused_sdp|multi_?head|self_?attn", re.IGNORECASE)
# In packages of models, further words for the same things.
_MODEL_WORDS = re.compile(
    r"attention|transformer|multi_?head|attn|encoder|^vit|swin|bert|^gpt|automodel|pipeline",
    re.IGNORECASE,
)


def canonical(path: str) -> str:
    """One spelling for one thing: "torch.nn.modules.linear.Linear" gives "torch.nn.Linear"; other paths stay."""
    parts = path.split(".")
    if parts[0] not in torch_names.TORCH_FAMILY:
        return path
    parts = _within_torch(parts)
    if parts[:2] == ["torch", "nn"]:
        parts = _within_nn(parts)
    return ".".join(parts)


def _within_torch(parts: list[str]) -> list[str]:
    """Follow the names under which torch's own modules import torch, nn, functional and the standard library."""
    for index in range(len(parts) - 1, 0, -1):
        word = parts[index]
        if word == "torch":
            return parts[index:]
        if word == "nn" and parts[:index] != ["torch"]:
            return ["torch", *parts[index:]]
        if word == "F":
            return [*FUNCTIONAL, *parts[index + 1 :]]
        if word in torch_names.STANDARD_INSIDE_TORCH and parts[index - 1] != "_C":
            return parts[index:]
    return parts


def _within_nn(parts: list[str]) -> list[str]:
    """Drop the file a class of nn is written in; leave torch where functional only borrows a name."""
    rest = parts[2:]
    if rest[:1] == ["modules"]:
        rest = rest[1:]
    if rest and rest[0] in torch_names.NN_FILES and rest[0] not in torch_names.NN_NAMES:
        rest = rest[1:]
    if rest[:1] == ["parameter"]:
        rest = rest[1:]
    if rest[:1] == ["functional"] and len(rest) > 1 and rest[1] in torch_names.BORROWED_NAMES:
        return ["torch", "Tensor", *rest[2:]] if rest[1] == "Tensor" else rest[1:]
    return ["torch", "nn", *rest]


def nn_member(path: str) -> str | None:
    """The thing of nn that a canonical path reaches, e.g. "torch.nn.Linear" for "torch.nn.Linear.forward".

    None when the path is outside nn, or stops at a module that only groups names.
    """
    parts = path.split(".")
    if parts[:2] != ["torch", "nn"]:
        return None
    end = 2
    while end < len(parts) and parts[end] in torch_names.NN_GROUPS:
        end += 1
    return ".".join(parts[: end + 1]) if end < len(parts) and not parts[end].startswith("__") else None


def is_namespace(path: str) -> bool:
    """Whether the canonical path is torch itself or a module of torch.nn: something to reach other things through."""
    parts = path.split(".")
    groups = all(part in torch_names.NN_GROUPS for part in parts[2:])
    return parts == ["torch"] or (parts[:2] == ["torch", "nn"] and groups)


def ready_made(path: str) -> bool:
    """Whether the canonical path is attention, or an encoder holding it, that somebody else wrote."""
    root, _, rest = path.partition(".")
    if root == "torch":
        return any(_READY_WORDS.search(part) for part in rest.split("."))
    if root in torch_names.ATTENTION_PACKAGES:
        return True
    return root in torch_names.MODEL_PACKAGES and any(_MODEL_WORDS.search(part) for part in rest.split("."))


def foreign_model(path: str) -> bool:
    """Whether the canonical path comes from a package of models without its name saying that it is attention."""
    if path.startswith(torch_names.DATA_MODULES):
        return False
    return path.partition(".")[0] in torch_names.MODEL_PACKAGES and not ready_made(path)
