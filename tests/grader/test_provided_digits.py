"""The bundled digits, and what is said when a file of ours is damaged."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Literal

import numpy
import pytest

from autograder.core.errors import GraderFault
from autograder.judging.training import digits


@pytest.mark.parametrize(("split", "count"), [("train", 8000), ("test", 2000)])
def test_each_split_holds_that_many_digits_of_every_class(split: Literal["train", "test"], count: int) -> None:
    images, labels = digits.load(split)
    assert images.shape == (count, 28, 28) and images.dtype == numpy.uint8
    assert labels.shape == (count,) and set(labels.tolist()) == set(range(10))
    assert 20 < images.mean() < 50  # MNIST's mean is 33 of 255: ink on black, not black on white


def test_no_digit_is_in_both_splits() -> None:
    train, test = ({image.tobytes() for image in digits.load(split)[0]} for split in ("train", "test"))
    assert not train & test


def _write(path: Path, raw: bytes) -> Path:
    path.write_bytes(gzip.compress(raw))
    return path


def test_a_tiny_file_is_read_by_its_header(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.gz", bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
    assert digits.read_idx(path, digits.LABELS_MAGIC).tolist() == [7, 8, 9]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (bytes([0, 0, 8, 3, 0, 0, 0, 3, 7, 8, 9]), "no IDX file of 1-dimensional bytes"),
        (b"", "no IDX file"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 4, 7, 8, 9]), "holds 3 values, but its header states the shape"),
    ],
)
def test_a_damaged_file_is_our_fault(tmp_path: Path, raw: bytes, said: str) -> None:
    with pytest.raises(GraderFault, match=said):
        digits.read_idx(_write(tmp_path / "x.gz", raw), digits.LABELS_MAGIC)


def test_a_missing_or_cut_file_is_our_fault(tmp_path: Path) -> None:
    with pytest.raises(GraderFault, match=r"train-images-idx3-ubyte\.gz cannot be read"):
        digits.load("train", tmp_path)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(bytes(range(256)))[:20])
    with pytest.raises(GraderFault, match=r"cut\.gz cannot be read"):
        digits.read_idx(tmp_path / "cut.gz", digits.LABELS_MAGIC)


def _idx(magic: int, shape: list[int], values: bytes) -> bytes:
    return b"".join(n.to_bytes(4, "big") for n in [magic, *shape]) + values


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        ([1, 28, 28], bytes([1, 2]), "do not belong together"),
        ([1, 14, 56], bytes([1]), "do not belong together"),
        ([1, 28, 28], bytes([11]), "there is a label 11"),
    ],
)
def test_images_and_labels_that_do_not_belong_together_are_our_fault(
    tmp_path: Path, images: list[int], labels: bytes, said: str
) -> None:
    _write(tmp_path / "t10k-images-idx3-ubyte.gz", _idx(digits.IMAGES_MAGIC, images, bytes(784)))
    _write(tmp_path / "t10k-labels-idx1-ubyte.gz", _idx(digits.LABELS_MAGIC, [len(labels)], labels))
    with pytest.raises(GraderFault, match=said):
        digits.load("test", tmp_path)
