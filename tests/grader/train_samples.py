"""Small runs of `train` for the tests: a folder with few digits, and submissions that train or do not."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy

from autograder.core.mnist import NAMES, TRAINING_NAMES
from autograder.judging.training import digits
from tests.grader.training_styles import LAYER, PLAIN

LABELLED, TESTED = 84, 40  # 70 to train on, 14 to validate on: three steps of 32, the last one of 6


def few_digits(folder: Path, labelled: int = LABELLED, tested: int = TESTED) -> Path:
    """MNIST's four files with the first bundled digits in them, in `folder`."""
    folder.mkdir()
    for split, names, count in (("train", TRAINING_NAMES, labelled), ("test", NAMES, tested)):
        images, labels = (part[:count] for part in digits.load(split))
        for name, values in zip(names, (images, labels)):
            header = (0x0800 + values.ndim).to_bytes(4, "big") + b"".join(n.to_bytes(4, "big") for n in values.shape)
            with gzip.open(folder / f"{name}.gz", "wb", compresslevel=1) as file:
                file.write(header + numpy.ascontiguousarray(values).tobytes())
    return folder


def submission(folder: Path, attention: str = PLAIN, layer: str = LAYER) -> Path:
    """A script with these classes."""
    from tests.grader.honest_styles import IMPORTS

    folder.mkdir()
    (folder / "hw6.py").write_text(f"{IMPORTS}\n{attention}\n\n{layer}\n", encoding="utf-8")
    return folder
