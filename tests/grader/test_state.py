"""A child that holds conversation after conversation tells whether a program left torch or Python otherwise."""

from __future__ import annotations

import builtins
import gc
import math
import sys
import threading
from types import ModuleType, SimpleNamespace

import numpy
import pytest
import torch
from torch import nn

from autograder.student_room import state, versions

HAS_VERSIONS = (3, 10) <= sys.version_info[:2] < (3, 14)
CHANGED = [
    (torch, "allclose"), (torch, "float32"), (torch.Tensor, "add"), (nn.Linear, "forward"), (nn.Module, "__call__"),
    (nn.init, "zeros_"), (math, "sqrt"), (numpy, "sqrt"), (builtins, "sorted"),
]  # fmt: skip


@pytest.fixture(params=["versions", "names"])
def look(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a dictionary's version where this Python has one, and by every name, as where it has none."""
    if request.param == "names":
        monkeypatch.setattr(versions, "version", lambda namespace: None)


@pytest.mark.usefixtures("look")
@pytest.mark.parametrize(("place", "name"), CHANGED)
def test_a_changed_name_is_told_and_one_that_was_put_back_is_not(
    place: ModuleType | type, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = state.remember()
    with monkeypatch.context() as patch:
        patch.setattr(place, name, object())
        told = changed()
    assert told and not changed()


@pytest.mark.usefixtures("look")
def test_what_torch_does_by_itself_and_a_new_name_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = state.remember()
    nn.Linear(3, 4)(torch.ones(2, 3)).sum().backward()
    monkeypatch.setattr(torch, "of_a_student", 1, raising=False)
    assert not changed()


@pytest.mark.usefixtures("look")
def test_settings_and_threads_are_told_and_a_thread_that_only_a_cycle_keeps_is_not() -> None:
    changed = state.remember()
    torch.set_default_dtype(torch.float64)
    try:
        assert changed()
    finally:
        torch.set_default_dtype(torch.float32)
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    assert changed()

    class Stops(SimpleNamespace):
        def __del__(self) -> None:
            stop.set()
            thread.join()

    cycle = Stops()
    cycle.itself = cycle
    gc.collect()
    assert changed()  # it is still held here
    del cycle
    assert not changed()


@pytest.mark.skipif(not HAS_VERSIONS, reason="this Python's dictionaries have no version")
def test_a_version_changes_with_every_change_and_with_nothing_else() -> None:
    module = ModuleType("some")
    some = type("Some", (), {"a": 1})
    for place in (module, some):
        before = versions.version(place)
        assert before is not None and versions.version(place) == before
        place.b = 2  # type: ignore[union-attr]
        after = versions.version(place)
        assert after != before and place.b == 2  # type: ignore[union-attr]
        assert versions.version(place) == after
        del place.b  # type: ignore[union-attr]
        assert versions.version(place) not in (before, after)


def test_where_dictionaries_have_no_version_every_name_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_HAVE_IT", False)
    assert versions.version(math) is None
