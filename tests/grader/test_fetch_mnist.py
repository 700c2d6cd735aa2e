"""MNIST's test images for the image of a course: right ones are kept, and without a network nothing breaks."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import fetch_mnist
from scripts.fetch_mnist import DIGESTS, fetch, is_right, there

IMAGES, LABELS = DIGESTS


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Files of a few bytes stand for MNIST's, which are too large to come with the tests."""
    import hashlib

    content = {IMAGES: b"images" * 100, LABELS: b"labels"}
    monkeypatch.setattr(fetch_mnist, "DIGESTS", {n: hashlib.sha256(c).hexdigest() for n, c in content.items()})
    return {name: gzip.compress(held) for name, held in content.items()}


def put(folder: Path, files: dict[str, bytes]) -> str:
    folder.mkdir()
    for name, data in files.items():
        (folder / f"{name}.gz").write_bytes(data)
    return str(folder)


def test_the_first_place_that_has_them_is_used(tmp_path: Path, small: dict[str, bytes]) -> None:
    half = put(tmp_path / "half", {IMAGES: small[IMAGES]})
    whole = put(tmp_path / "whole", small)
    target = tmp_path / "data" / "mnist"
    assert fetch((str(tmp_path / "nowhere"), half, whole), target) == ""
    assert there(target) and sorted(path.name for path in target.iterdir()) == [f"{IMAGES}.gz", f"{LABELS}.gz"]


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda packed: packed[:-9],
    "another file": lambda packed: gzip.compress(b"cats"),
    "no gzip": lambda packed: b"<html>not found</html>",
    "empty": lambda packed: b"",
}


@pytest.mark.parametrize("what", DAMAGED)
def test_what_is_not_mnist_is_not_kept(tmp_path: Path, small: dict[str, bytes], what: str) -> None:
    place = put(tmp_path / "place", {**small, LABELS: DAMAGED[what](small[LABELS])})
    assert "is not MNIST's" in fetch((place,), tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_bomb_is_read_to_the_bound_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_mnist, "MOST_BYTES", 1000)
    assert not is_right(IMAGES, gzip.compress(bytes(10**6)))


def test_without_a_network_set_up_goes_on_and_says_what_that_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetch_mnist, "MIRRORS", ("http://127.0.0.1:9/mnist",))
    monkeypatch.setattr(fetch_mnist, "TARGET", tmp_path / "data")
    assert fetch_mnist.main([]) == 1
    assert "measured on the bundled digits" in capsys.readouterr().out


def test_a_second_time_nothing_is_fetched(
    tmp_path: Path, small: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fetch_mnist, "MIRRORS", ())
    monkeypatch.setattr(fetch_mnist, "TARGET", tmp_path / "data")
    assert fetch_mnist.main([put(tmp_path / "place", small)]) == 0
    assert fetch_mnist.main([]) == 0 and "already" in capsys.readouterr().out
