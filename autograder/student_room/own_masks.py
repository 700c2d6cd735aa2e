"""Dropout of the student's own making, kept from dropping: masks that are drawn, and what is multiplied by them.

Why separate: torch's own dropout is one function (`at_rest`); a mask is drawn, compared, negated, scaled and applied in
steps of their own, and each is followed here by what it is given. What is not followed stays as random as it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

Function = Callable[..., Any]

_DRAWS = {"rand", "rand_like", "uniform"}
_BELOW = {"lt", "le", "less", "less_equal"}
_ABOVE = {"gt", "ge", "greater", "greater_equal"}
_NEGATED = {"invert", "logical_not", "bitwise_not"}
_TIMES, _OVER = {"mul", "rmul", "imul", "multiply"}, {"div", "truediv", "itruediv", "divide", "true_divide"}
_SAME = {
    "float", "double", "half", "bfloat16", "int", "long", "bool", "byte", "to", "type", "type_as", "clone", "detach",
    "contiguous", "cpu", "unsqueeze", "squeeze", "view", "reshape", "expand", "expand_as", "transpose", "permute",
}  # fmt: skip


class OwnMasks:
    """What is known of tensors while one forward runs, by identity."""

    def __init__(self) -> None:
        self._draws: Any = WeakIdKeyDictionary()  # uniform numbers: where their range of length 1 begins
        self._whole_numbers: Any = WeakIdKeyDictionary()  # of these draws, which are none: from where to where
        self._masks: Any = WeakIdKeyDictionary()  # 0 or another number: how often it is that number
        self._kept: Any = WeakIdKeyDictionary()  # a mask was to be applied: how much of it would be left
        self._divided: Any = WeakIdKeyDictionary()  # what it was, and the number that it was divided by

    def call(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What `func` gives, as if none of the masks that it makes or is given dropped anything."""
        name = getattr(func, "__name__", "").strip("_")
        given = (*args, *kwargs.values())
        if name in _DRAWS:
            return self._drawn(func, args, kwargs)
        if name == "randint" and len(low_high := [each for each in args if isinstance(each, int)]) in (1, 2):
            return self._integers(func(*args, **kwargs), *([0, *low_high][-2:]))
        if name == "bernoulli":
            return self._mask(func(*args, **kwargs), _share(given, args))
        known = [each for each in given if isinstance(each, Tensor) and self._knows(each)]
        if not known:
            result = func(*args, **kwargs)
            factor = _factor(name, given)
            if factor and isinstance(given[0], Tensor) and isinstance(result, Tensor) and result is not given[0]:
                self._divided[result] = given[0], factor
            return result
        followed = self._followed(name, func, given)
        return func(*args, **kwargs) if followed is None else followed[0]

    def _knows(self, tensor: Tensor) -> bool:
        return any(tensor in kind for kind in (self._draws, self._masks, self._kept, self._divided))

    def _drawn(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = func(*args, **kwargs)
        usual = not func.__name__.startswith("uniform") or [*args[1:], *kwargs.values()] in ([], [0, 1])
        if usual and isinstance(result, Tensor):
            self._draws[result] = 0.0
        return result

    def _integers(self, result: Any, low: int, high: int) -> Any:
        """Whole numbers from `low` to below `high`, drawn; 0 or 1 are a mask already."""
        if (low, high) == (0, 2):
            return self._mask(result, 0.5)
        if isinstance(result, Tensor):
            self._draws[result] = 0.0
            self._whole_numbers[result] = low, high
        return result

    def _mask(self, result: Any, share: float) -> Any:
        if isinstance(result, Tensor) and 0 < share <= 1:
            self._masks[result] = share
        return result

    def _followed(self, name: str, func: Function, given: tuple[Any, ...]) -> tuple[Any] | None:
        """(what comes of it,), or None where it is no step of a dropout that is known."""
        first = given[0]
        if isinstance(first, Tensor) and first in self._draws:
            return self._compared(name, func, given)
        masks = [each for each in given if isinstance(each, Tensor) and each in self._masks]
        if len(masks) == 1:
            return self._of_mask(name, func, given, masks[0])
        factor = _factor(name, given)
        if factor and len(given) == 2 and isinstance(first, Tensor) and first in self._kept:
            share = self._kept[first]
            result = first * 1 if math.isclose(factor, share, rel_tol=1e-6) else func(*given)
            self._kept[result] = share
            return (result,)
        return None

    def _compared(self, name: str, func: Function, given: tuple[Any, ...]) -> tuple[Any] | None:
        """A draw that becomes a mask: compared with a number, or raised by it and rounded down."""
        begin, number = self._draws[given[0]], given[1] if len(given) == 2 else None
        if name in {"floor", "floor_"}:
            return (self._mask(func(*given), begin),)
        if name in _SAME:
            result = func(*given)
            self._draws[result] = begin
            return (result,)
        if isinstance(number, Tensor) and number.numel() == 1:
            number = float(number)
        if not isinstance(number, (int, float)):
            return None
        if name in {"add", "iadd", "radd"}:
            result = func(*given)
            self._draws[result] = begin + number
            return (result,)
        if given[0] in self._whole_numbers:
            low, high = self._whole_numbers[given[0]]
            first = math.ceil(number) if name in {"lt", "less", "ge", "greater_equal"} else math.floor(number) + 1
            number = (first - low) / (high - low)
        below = min(max(number - begin, 0.0), 1.0)
        if name in _BELOW | _ABOVE:
            return (self._mask(func(*given), below if name in _BELOW else 1 - below),)
        return None

    def _of_mask(self, name: str, func: Function, given: tuple[Any, ...], mask: Tensor) -> tuple[Any] | None:
        share = self._masks[mask]
        others = [each for each in given if each is not mask]
        if name in _NEGATED or (name in {"sub", "rsub"} and others == [1]):
            return (self._mask(func(*given), 1 - share),)
        if name in _SAME or (name in _TIMES | _OVER and isinstance(others[0], (int, float))):
            return (self._mask(func(*given), share),)
        if name in _TIMES and isinstance(others[0], Tensor):
            return (self._whole(others[0], torch.ones_like(mask, dtype=others[0].dtype), share),)
        if name == "masked_fill" and mask is given[1]:
            return (self._whole(given[0], torch.ones_like(mask, dtype=given[0].dtype), 1 - share),)
        if name == "where" and mask is given[0] and len(given) == 3:
            share, left = (share, given[1]) if _is_nothing(given[2]) else (1 - share, given[2])
            if isinstance(left, Tensor) and (_is_nothing(given[1]) or _is_nothing(given[2])):
                return (self._whole(left, torch.ones_like(mask, dtype=left.dtype), share),)
            return (self._mask(func(*given), share),) if {given[1], given[2]} == {0, 1} else None
        if name == "setitem" and mask is given[1]:
            self._kept[given[0]] = 1 - share
            return (None,)
        return None

    def _whole(self, applied: Tensor, ones: Tensor, share: float) -> Tensor:
        """`applied` with nothing dropped, in the shape that it has with the mask; not scaled for this mask either."""
        if applied in self._divided and math.isclose(self._divided[applied][1], share, rel_tol=1e-6):
            applied = self._divided[applied][0]
        result = applied * ones
        self._kept[result] = share
        return result


def _factor(name: str, given: tuple[Any, ...]) -> float:
    """What a tensor is divided by, 0 where it is not: 0.9 for x / 0.9, and for x * (1 / 0.9)."""
    number = given[1] if len(given) == 2 else None
    if not isinstance(number, (int, float)) or not number:
        return 0.0
    return float(number) if name in _OVER else 1 / number if name in _TIMES else 0.0


def _share(given: tuple[Any, ...], args: tuple[Any, ...]) -> float:
    """How often a Bernoulli variable is 1: a number, or a tensor of one number again and again; 0 if it is neither."""
    number = next((each for each in given if isinstance(each, float)), None)
    if number is not None or not args:
        return number or 0.0
    probabilities = args[1] if len(args) > 1 and isinstance(args[1], Tensor) else args[0]
    low, high = probabilities.aminmax() if probabilities.numel() else (probabilities, probabilities)
    return float(low) if low.numel() == 1 and torch.equal(low, high) else 0.0


def _is_nothing(value: Any) -> bool:
    return not value.any() if isinstance(value, Tensor) else value == 0
