"""The bundled handwritten digits as numpy arrays, read from MNIST's IDX format.

Why separate: training and its tests need real digits without a network and without torchvision. Where the digits come
from, and under which licence, stands beside them in `data/digits/PROVENANCE.md`. Nothing here may download anything.
"""

from __future__ import annotations

import functools
import gzip
import zlib
from pathlib import Path
from typing import Literal

import numpy
from numpy.typing import NDArray

from autograder.core.errors import GraderFault

FOLDER = Path(__file__).parents[2] / "data" / "digits"
IMAGES_MAGIC = 0x00000803  # IDX: unsigned bytes (08) in three dimensions (03)
LABELS_MAGIC = 0x00000801  # IDX: unsigned bytes in one dimension
SIDE = 28  # pixels
CLASSES = 10

Bytes = NDArray[numpy.uint8]


@functools.lru_cache(2)
def load(split: Literal["train", "test"], folder: Path = FOLDER) -> tuple[Bytes, Bytes]:
    """(images (n, 28, 28), labels (n,)), both uint8: 8,000 digits to train on or 2,000 to test on.

    Read once, and read-only. Raises GraderFault when the files are missing or damaged: they are ours.
    """
    stem = {"train": "train", "test": "t10k"}[split]
    return load_files(
        folder / f"{stem}-images-idx3-ubyte.gz", folder / f"{stem}-labels-idx1-ubyte.gz", f"{split} digits"
    )


def load_files(images_file: Path, labels_file: Path, what: str) -> tuple[Bytes, Bytes]:
    """(images (n, 28, 28), labels (n,)), both uint8. Raises GraderFault, in words about `what`."""
    images, labels = read_idx(images_file, IMAGES_MAGIC), read_idx(labels_file, LABELS_MAGIC)
    if images.shape[1:] != (SIDE, SIDE) or len(images) != len(labels) or not len(labels):
        raise GraderFault(f"{what}: images {images.shape} and labels {labels.shape} do not belong together")
    if labels.max() >= CLASSES:
        raise GraderFault(f"{what}: there is a label {labels.max()}, but digits end at 9")
    return images, labels


def read_idx(path: Path, magic: int) -> Bytes:
    """One IDX file, gzipped where its name says so, as an array of the shape that its header states.

    Raises GraderFault when it is damaged.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise GraderFault(f"{path.name} cannot be read: {error}") from error
    dimensions = magic & 0xFF
    start = 4 + 4 * dimensions
    if len(raw) < start or int.from_bytes(raw[:4], "big") != magic:
        raise GraderFault(f"{path.name} is no IDX file of {dimensions}-dimensional bytes")
    shape = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(dimensions)]
    values = numpy.frombuffer(raw, numpy.uint8, offset=start)
    if values.size != int(numpy.prod(shape, dtype=numpy.int64)):
        raise GraderFault(f"{path.name} holds {values.size} values, but its header states the shape {tuple(shape)}")
    return values.reshape(shape)
