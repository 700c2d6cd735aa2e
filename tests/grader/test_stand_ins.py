"""Packages that check, log or show are stood in for: whatever is done with one, the class is as it is without."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module as load
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.utils.data

from autograder.student_room import stand_ins


@pytest.fixture
def quiet() -> Iterator[Any]:
    """loguru as the student's room has it; this process is put back afterwards."""
    modules, finders = dict(sys.modules), list(sys.meta_path)
    marks, waits = torch.cuda.nvtx._nvtx, torch.cuda.synchronize  # type: ignore[attr-defined]
    stand_ins.put()
    try:
        yield load("loguru")
    finally:
        torch.cuda.nvtx._nvtx, torch.cuda.synchronize = marks, waits  # type: ignore[attr-defined]
        sys.meta_path[:] = finders
        for name in [name for name in sys.modules if name.partition(".")[0] in stand_ins.QUIET]:
            del sys.modules[name]
        sys.modules.update(modules)


def function(x: int) -> int:
    return x + 1


def test_a_decorator_gives_what_it_is_put_on(quiet: Any) -> None:
    assert quiet.logger(function) is function
    assert quiet.logger.catch(reraise=True)(function) is function
    assert quiet.logger.catch(ValueError)(function) is function
    assert quiet.logger.anything(int) is int


def test_what_is_called_with_a_thing_gives_it_back(quiet: Any) -> None:
    assert list(quiet.bar(range(3), desc="x")) == [0, 1, 2]
    assert quiet.logger.info("said {}", 3) == "said {}"
    assert quiet(range(3)) == range(3)


def test_it_stands_wherever_a_name_can_stand(quiet: Any) -> None:
    thing = quiet.Float[int, "batch tokens"]
    assert isinstance(3, thing) and not thing and list(thing) == []
    with quiet.logger.contextualize(task=1) as inside:
        assert inside is not None

    class Own(thing):  # type: ignore[misc, valid-type]
        pass

    assert Own.__mro__ == (Own, object)


def test_parts_of_a_package_are_there_and_other_packages_are_what_they_were(quiet: Any) -> None:
    assert load("tqdm.auto").tqdm("abc") == "abc"
    assert load("json").dumps([1]) == "[1]"
    with pytest.raises(ModuleNotFoundError):
        load("package_of_tomorrow")


def test_what_is_made_with_a_name_or_a_place_is_no_text_alone(quiet: Any) -> None:
    for place in ("runs/hw6", Path("runs")):
        with load("tensorboardX").SummaryWriter(place) as writer:
            writer.add_scalar("loss", 1.0, 3)
    assert load("structlog").get_logger("hw6").bind(step=1).info("said") == "said"
    said = load("icecream").ic("abc")
    assert said.upper() == "ABC" and list(said) == ["a", "b", "c"] and not said.nothing
    assert not hasattr(said, "__nothing__")


def test_torchs_own_records_marks_and_waits_do_nothing_either(quiet: Any) -> None:
    with load("torch.utils.tensorboard").SummaryWriter("runs") as writer:
        writer.add_scalar("loss", 1.0, 3)
    torch.cuda.nvtx.range_push("attention")  # type: ignore[no-untyped-call]
    torch.cuda.nvtx.range_pop()  # type: ignore[no-untyped-call]
    with torch.cuda.nvtx.range("attention"):
        torch.cuda.synchronize()
    assert load("torch.utils.data").Dataset is torch.utils.data.Dataset


def test_none_of_them_computes_what_a_class_gives() -> None:
    assert not {"torch", "numpy", "einops", "pydantic", "omegaconf", "attr", "opt_einsum", "fancy_einsum"} & set(
        stand_ins.QUIET
    )
