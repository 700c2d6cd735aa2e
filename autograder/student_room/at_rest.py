"""Dropout, torch's own or the student's, kept from dropping: for a module that does not let it rest in eval mode.

Why separate: `worker` answers a forward, this changes what torch does in it. Nothing here knows the student's class.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from autograder.student_room.own_masks import OwnMasks

_DROPOUTS = frozenset({
    functional.dropout, functional.dropout1d, functional.dropout2d, functional.dropout3d, functional.alpha_dropout,
    functional.feature_alpha_dropout, torch.dropout, torch.dropout_, torch.alpha_dropout, torch.feature_dropout,
    torch.feature_alpha_dropout,
})  # fmt: skip


class AtRest(TorchFunctionMode):
    """While it is entered, each of these gives back what it is given, whatever its probability and mode are.

    So does what is multiplied by a mask that is drawn meanwhile, or filled by one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._masks = OwnMasks()

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """What torch calls in the place of each of its functions."""
        if func in _DROPOUTS:
            return args[0] if args else (kwargs or {})["input"]
        return self._masks.call(func, args, kwargs or {})
