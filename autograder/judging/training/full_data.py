"""The digits of a full training run: which to train on, to validate on, and to test on, and what they are.

    a folder with MNIST's training and test images     those, one in six held out for validation, as in the template
    one with the test images alone                     all 10,000 bundled digits, MNIST's test images
    no folder                                          the 8,000 bundled training digits, the 2,000 bundled test digits

Why separate: `images` chooses what submitted weights are measured on; here nothing that is tested on may be trained on.
The bundled digits are of MNIST's training set, so MNIST's test images are none of them. Nothing here may download.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from autograder.core.errors import GraderFault, UsageError
from autograder.core.mnist import FETCHED, TRAINING_NAMES, VARIABLE, find
from autograder.core.policy import TRAINING
from autograder.judging.training import digits

Pair = tuple[Tensor, Tensor]


class Digits(msgspec.Struct, frozen=True):
    """Images, uint8 (n, 28, 28), with labels, int64 (n,), of three sets that share no image; and what they are."""

    training: Pair
    validation: Pair
    test: Pair
    name: str
    mnist: bool  # the test images are MNIST's own


def gather(folder: str, seed: int) -> Digits:
    """The digits of `folder`, else of the environment's, else the bundled ones. `seed` draws what is held out.

    Raises UsageError when the folder that was named has no images that can be used.
    """
    named = folder or os.environ.get(VARIABLE, "")
    place = Path(named) if named else FETCHED
    if not named and not place.is_dir():
        return _divided(_bundled("train"), _bundled("test"), seed, mnist=False)
    test = _of(place, "test")
    try:
        labelled = _of(place, "train", TRAINING_NAMES)
    except LookupError:
        both = [torch.cat(parts) for parts in zip(_bundled("train"), _bundled("test"))]
        return _divided((both[0], both[1]), test, seed, mnist=True)
    return _divided(labelled, test, seed, mnist=True, name="MNIST")


def _of(place: Path, what: str, names: tuple[str, str] | None = None) -> Pair:
    try:
        found = find(place, names) if names else find(place)
    except LookupError as error:
        if names:
            raise
        raise UsageError(f"{place}: {error}") from None
    try:
        return _tensors(*digits.load_files(*found, f"the {what} images"))
    except GraderFault as error:  # theirs, not ours: they named the folder
        raise UsageError(f"{place}: {error}") from None


def _bundled(split: str) -> Pair:
    return _tensors(*digits.load(split))


def _tensors(images: digits.Bytes, labels: digits.Bytes) -> Pair:
    return torch.from_numpy(images.copy()), torch.from_numpy(labels.copy()).long()


def _divided(labelled: Pair, test: Pair, seed: int, *, mnist: bool, name: str = "bundled digits") -> Digits:
    images, labels = labelled
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    held, kept = order[: len(labels) // TRAINING.validation_share], order[len(labels) // TRAINING.validation_share :]
    tested = "MNIST's test images" if mnist else "bundled test digits, which are of MNIST's training set"
    said = f"{len(kept):,} {name} to train on, {len(held):,} to validate on, {len(test[1]):,} {tested}"
    return Digits((images[kept], labels[kept]), (images[held], labels[held]), test, said, mnist)
