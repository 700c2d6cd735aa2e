"""The reader of the source tree sees what it should, and no more."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.grader.source_tree import Module, circle, dangers, imports, module_state, public


def parsed(text: str, path: str = "autograder/example.py") -> Module:
    return Module(path, ".".join(Path(path).with_suffix("").parts), ast.parse(text), text.count("\n"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import os.path", [("os.path", False)]),
        ("from autograder import records", [("autograder.records", False)]),
        ("from .records import Exit", [("autograder.records.Exit", False)]),
        ("from . import text", [("autograder.text", False)]),
        ("def f():\n    import torch", [("torch", True)]),
        ("try:\n    import torch\nexcept ImportError:\n    pass", [("torch", False)]),
        ("if TYPE_CHECKING:\n    import torch", [("torch", True)]),
        (
            "import importlib\nimportlib.import_module('reference.vit')",
            [("importlib", False), ("reference.vit", False)],
        ),
        ("class A:\n    import torch", [("torch", False)]),
        ("'import torch'", []),
    ],
)
def test_an_import_is_read_with_its_target_and_whether_it_waits_for_a_call(
    text: str, expected: list[tuple[str, bool]]
) -> None:
    assert [(found.target, found.lazy) for found in imports(parsed(text))] == expected


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({"a": {"b"}, "b": set()}, []),
        ({"a": {"b", "c"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"a"}, "c": set()}, ["a", "b"]),
    ],
)
def test_a_circle_is_found_and_a_plain_chain_is_not_one(edges: dict[str, set[str]], expected: list[str]) -> None:
    assert circle(edges) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TABLE = {'a': 1}\ndef f():\n    return TABLE['a']", []),
        ("names = []\ndef f():\n    names = []\n    names.append(1)", []),
        ("def f(cache):\n    cache['a'] = 1", []),
        ("cache = {}\ndef f():\n    cache['a'] = 1", ["cache"]),
        ("seen = []\ndef f():\n    seen.append(1)", ["seen"]),
        ("n = 0\ndef f():\n    global n\n    n = 1", ["n"]),
    ],
)
def test_module_level_state_is_what_a_function_changes_and_not_what_it_reads(text: str, expected: list[str]) -> None:
    assert module_state(parsed(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def _f(): ...\nclass _C:\n    def f(self): ...", []),
        ("def f():\n    def inner(): ...", ["f"]),
        ("class C:\n    def __init__(self): ...\n    def _f(self): ...\n    def f(self): ...", ["C", "C.f"]),
        ("class C(Protocol):\n    @property\n    def f(self) -> int: ...", ["C", "C.f"]),
        ("if LINUX:\n    async def f(): ...\nelse:\n    def g(): ...", ["f", "g"]),
    ],
)
def test_public_is_what_others_may_call(text: str, expected: list[str]) -> None:
    assert [name for name, _ in public(parsed(text))] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import re\nre.compile('a')", set()),
        ("model.eval()", set()),
        ("'exec(x)'", set()),
        ("exec(x)", {"exec"}),
        ("from pickle import loads", {"pickle"}),
        ("def f():\n    return torch.load('a')", {"torch.load"}),
    ],
)
def test_a_danger_is_a_call_or_an_import_and_not_a_word(text: str, expected: set[str]) -> None:
    assert dangers(parsed(text)) == expected
