"""Tests for the tests of the box: each ends in another way. No file of its name is collected by itself."""

import os
import signal
import sys

import pytest

pytestmark = pytest.mark.boxed


def test_passes() -> None:
    sys.modules["of_the_other_file"] = sys
    print("said in the box, here", os.readlink("/proc/self/ns/pid"))


def test_fails() -> None:
    assert len("a") == 2, "one is not two"


@pytest.mark.parametrize("what", ["a/b::c[d]", "with a space", "ü"])
def test_names(what: str) -> None:
    assert what


def test_skips() -> None:
    pytest.skip("for a reason")


def test_ends_everything() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def broken() -> None:
    raise RuntimeError("no such thing")


def test_errs(broken: None) -> None:
    pass


def test_comes_last() -> None:
    pass
