"""The images that submitted weights are measured on: MNIST's own test images where they are, else the bundled digits.

Why separate: what a measured accuracy is worth depends on the images, so these say what they are. The bundled digits
are of MNIST's *training* set: a model may have been trained on them, so they can contradict a claim, not raise one.
Nothing here may download anything, and no label leaves the trusted room.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from autograder.core.errors import GraderFault
from autograder.core.mnist import FETCHED, VARIABLE, find
from autograder.judging.training import digits


class Images(msgspec.Struct, frozen=True):
    """uint8 (n, 28, 28) and int64 (n,) in an order drawn from a seed, so that any first part is a fair sample.

    `mnist`: they are MNIST's test set. `problem`, for staff: why it could not be used although it was named.
    """

    images: Tensor
    labels: Tensor
    mnist: bool
    problem: str = ""

    @property
    def name(self) -> str:
        """What the images are, as people read it."""
        return "MNIST's test images" if self.mnist else "bundled digits, which are of MNIST's training set"


def drawn(seed: int) -> Images:
    """MNIST's test set from the folder that the environment names, else from our own, else the bundled digits."""
    named = os.environ.get(VARIABLE)
    folder, problem = Path(named) if named else FETCHED, ""
    if named or folder.is_dir():
        try:
            return _in_order(*digits.load_files(*find(folder), "MNIST's test set"), seed, mnist=True)
        except (GraderFault, LookupError) as error:
            problem = f"MNIST's test images in {folder} cannot be used: {error.args[0]}"
    return _in_order(*digits.load("test"), seed, mnist=False, problem=problem)


def _in_order(images: digits.Bytes, labels: digits.Bytes, seed: int, *, mnist: bool, problem: str = "") -> Images:
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    return Images(torch.from_numpy(images.copy())[order], torch.from_numpy(labels.copy()).long()[order], mnist, problem)
