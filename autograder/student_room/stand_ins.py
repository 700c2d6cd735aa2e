"""Stands for packages that check, log or show, and compute nothing: a class that uses one gives the same without it.

Why separate: which packages these are is a list, and what their stand-ins do is little. Checkers of shapes and types
stand here even where they are installed: they read annotations, and what only annotations name is not part of a
program. Everything else is imported as it is.
"""

from __future__ import annotations

import importlib.abc
import os
import sys
import types
from collections.abc import Callable, Iterable
from importlib.machinery import ModuleSpec
from typing import Any

import torch
from torch import nn

QUIET = (
    "beartype", "jaxtyping", "typeguard", "torchtyping", "phantom_tensors", "shapecheck",  # shapes and types
    "loguru", "structlog", "icecream", "tqdm", "rich", "pysnooper", "snoop", "varname",  # what is printed
    "wandb", "mlflow", "comet_ml", "clearml", "neptune", "tensorboardX", "tensorboard", "aim",  # records of experiments
    "torch.utils.tensorboard",
    "torchinfo", "torchsummary", "torchviz", "torchview", "fvcore", "thop",  # tables and pictures of a model
    "line_profiler", "memory_profiler", "codetiming",
    "lightning", "pytorch_lightning",  # around a model: what a class has of them is `LightningModule`, below
)  # fmt: skip


class Quiet:
    """Does nothing in any use. What it is called with comes back: the decorated, the iterated, the printed."""

    def __call__(self, *args: object, **options: object) -> object:
        if not args or isinstance(args[0], type) and issubclass(args[0], BaseException):
            return self  # made with options, or with what to catch: what it is for comes in another call
        if isinstance(args[0], os.PathLike):
            return self  # made for a place to write to
        return Called(args[0]) if type(args[0]) is str else args[0]

    def __getattr__(self, name: str) -> object:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: object) -> object:
        return self

    def __instancecheck__(self, value: object) -> bool:
        return True

    def __enter__(self) -> object:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def __iter__(self) -> object:
        return iter(())

    def __bool__(self) -> bool:
        return False

    def __mro_entries__(self, bases: object) -> tuple[type, ...]:
        return ()


class Called(str):
    """A text that a stand-in was called with: what was said, or the name of something that was made.

    SummaryWriter("runs"), get_logger("hw6"): besides what texts do, it does nothing in any use.
    """

    __enter__, __exit__ = Quiet.__enter__, Quiet.__exit__

    def __getattr__(self, name: str) -> object:
        return getattr(_QUIET, name)


class LightningModule(nn.Module):
    """Lightning's, as far as a class of a model goes: an nn.Module that can also be told to log."""

    def log(self, *args: object, **options: object) -> None:
        """Nothing is logged."""

    log_dict = save_hyperparameters = log


class _Module(types.ModuleType):
    """A module of which every name is the same stand-in."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return LightningModule if name == LightningModule.__name__ else _QUIET

    def __call__(self, *args: object, **options: object) -> object:
        return _QUIET(*args, **options)


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds packages and their parts, before whatever is installed: `stand_in` makes the module for each name."""

    def __init__(self, packages: Iterable[str], stand_in: Callable[[str], types.ModuleType]) -> None:
        self._packages = tuple(packages)
        self._within = tuple(f"{name}." for name in self._packages)
        self._stand_in = stand_in

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Of one of the packages, or None: then the next finder is asked."""
        found = fullname in self._packages or fullname.startswith(self._within)
        return ModuleSpec(fullname, self, is_package=True) if found else None

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        """The stand-in, in the place of a module."""
        return self._stand_in(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing is run."""


_QUIET = Quiet()


def put() -> None:
    """Puts them in the place of the packages, for this process and those that it forks."""
    finder = Finder(QUIET, _Module)
    for name in [name for name in sys.modules if finder.find_spec(name)]:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    torch.cuda.nvtx._nvtx = _QUIET  # type: ignore[assignment,attr-defined]  # marks for a profiler, which a torch for CPUs refuses
    torch.cuda.synchronize = _waited


_synchronize = torch.cuda.synchronize


def _waited(device: Any = None) -> None:
    """What a measurement of time calls before it reads the clock: where no GPU is in use there is none to wait for."""
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        _synchronize(device)
