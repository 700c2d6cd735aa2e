"""The Dockerfile as far as it can be checked without an engine: what it copies is there and is what grades."""

from __future__ import annotations

import re

import pytest

from autograder.commands.package import gradescope
from tests.grader.source_tree import ROOT


def instructions() -> list[tuple[str, str]]:
    """(instruction, its words) of the Dockerfile, comments left out, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split()[0], line.partition(" ")[2]) for line in lines if line.strip()]


def let_through() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "**", "first everything is left out"
    return [line[1:] for line in lines if line.startswith("!")]


def test_it_builds_on_gradescopes_own_image_of_the_documented_system() -> None:
    (first, base), (second, source) = instructions()[:2]
    assert (first, base) == ("ARG", "BASE=gradescope/autograder-base:ubuntu-22.04")
    assert (second, source) == ("FROM", "${BASE}")


def test_only_what_the_zip_holds_reaches_the_image() -> None:
    assert let_through() == [*gradescope.PARTS, *gradescope.SECRETS]


@pytest.mark.parametrize("name", gradescope.PARTS)
def test_what_is_copied_is_there(name: str) -> None:
    assert (ROOT / name).exists()


def test_all_of_it_is_copied_to_where_gradescope_unpacks_the_zip_and_setup_runs_there() -> None:
    said = dict(instructions())
    assert said["COPY"] == ". /autograder/source/"
    assert "bash /autograder/source/setup.sh" in said["RUN"]
    order = [name for name, _ in instructions()]
    assert order.index("COPY") < order.index("RUN")


def test_the_entry_of_gradescopes_harness_is_left_alone() -> None:
    assert not {"ENTRYPOINT", "CMD", "USER", "WORKDIR"} & {name for name, _ in instructions()}


def test_no_secret_is_put_into_the_images_environment() -> None:
    assert [name for name, _ in instructions()].count("ENV") == 0
