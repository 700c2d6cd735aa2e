"""Reads an exception of the student's code: what it means here, by its words and by the text that was handed in.

Why separate: `endings` says what we did and how it ended, `mends` holds the tables. What is quoted is cut from the
student's own program (`own_text`); the exception only says which piece, so that nothing it carries is shown.
"""

# ruff: noqa: E501  (lines of a table are left whole)
from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import NamedTuple

from autograder.core.names import ATTENTION, HEAD, WRITTEN, named, names
from autograder.core.records import Exit
from autograder.judging import habits
from autograder.judging.mends import CUT_OFF, HERE, KINDS, RULES, by_kind
from autograder.judging.own_text import OwnText, Piece


class Told(NamedTuple):
    """What the exception means, how to mend it, and the line to look at where that is not where it was raised."""

    what: str
    fix: str
    line: int = 0


# What ends a gradient, most certain first: a new tensor may be made for something else.
_CUTTING = ("no_grad", "inference_mode", "detach", "detach_", "data", "item", "numpy", "from_numpy", "tensor")
Reading = Callable[[Exit, OwnText, str], Told | None]

NOT_HERE = "is not here"
WITHOUT_GPU = "the grader has no GPU: take it out of your classes, which have to work wherever x is"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_DTYPES = {"half": "float16", "float": "float32", "double": "float64", "bfloat16": "bfloat16", "long": "int64", "int": "int32", "bool": "bool", "byte": "uint8"}  # fmt: skip
_IMPORTS = {
    "torch": "import torch", "nn": "from torch import nn", "F": "import torch.nn.functional as F", "math": "import math",
    "np": "import numpy as np", "rearrange": "from einops import rearrange", "repeat": "from einops import repeat",
    "einsum": "from torch import einsum", "Tensor": "from torch import Tensor", "copy": "import copy",
}  # fmt: skip


def told(exit: Exit, own: OwnText, question: str) -> Told:
    """The most telling words for an exception; `question` is whose program it is of."""
    for reading in _READINGS:
        if found := reading(exit, own, question):
            return found
    for rule in RULES:
        if re.search(rule.words, exit.detail):
            return Told(_filled(rule.what, exit, own, question), _filled(rule.fix, exit, own, question))
    return Told("", by_kind(exit.error))


def _filled(text: str, exit: Exit, own: OwnText, question: str) -> str:
    if "{dtypes}" in text:
        words = re.findall(r"\w+", exit.detail.lower().replace("long int", "long"))
        listed = " and ".join(f"{word} ({_DTYPES[word]})" for word in dict.fromkeys(words) if word in _DTYPES)
        return text.replace("{dtypes}", f": {listed}" if listed else "")
    if "{shapes}" in text:
        more = (
            named("; the provided Attention gives heads * dim_head features, and x has dim") if question == "4b" else ""
        )
        return f"print the shape of both at that line; all sizes differ here, so each axis can be told{more}"
    return text


def _waits_for_input(exit: Exit, own: OwnText, question: str) -> Told | None:
    asks = own.calls("input") if exit.error in ("EOFError", "StdinNotImplementedError") else []
    what = "it waits for input(), and nobody types here"
    return Told(what, "take input() out of your classes and of what they use", asks[0].line) if asks else None


def _stops_for_a_debugger(exit: Exit, own: OwnText, question: str) -> Told | None:
    stop = habits.debugger(own, exit.line)
    return Told(f"`{stop.words}` is a debugger's stop", KINDS["BdbQuit"]) if stop else None


def _class_given_away(exit: Exit, own: OwnText, question: str) -> Told | None:
    if exit.error != "TypeError" or not re.search(r"\.forward\(\) (?:got|takes|missing)|not callable", exit.detail):
        return None
    name = names()[WRITTEN.get(question, HEAD)]
    given = habits.given_to_an_object(own, name)
    if given is None:
        return None
    what = f"{name} is no class any more: `{given.words}` gives its name to an object"
    return Told(
        what,
        f"give the object a name of its own, e.g. {'layer' if question == '4b' else 'head'} = {name}(...)",
        given.line,
    )


def _assert_of_their_own(exit: Exit, own: OwnText, question: str) -> Told | None:
    words = own.asserted(exit.line) if exit.error == "AssertionError" else ""
    if not words:
        return None
    fix = (
        "other sizes come here than in the notebook: compare with x.shape and the arguments of __init__, or take it out"
    )
    return Told(f"an assert of your own does not hold here: `{words}`", WITHOUT_GPU if _of_a_gpu(words) else fix)


def _not_importable(exit: Exit, own: OwnText, question: str) -> Told | None:
    if exit.error not in ("ImportError", "ModuleNotFoundError"):
        return None
    if "relative import" in exit.detail:
        fix = "paste what you need into the notebook, in place of the import"
        return Told("a relative import (`from .x import y`) has no package here", fix)
    for each in own.imports():
        if not re.search(rf"^{re.escape(each.bound)} could not|[' ]{re.escape(each.module or '.')}[' .]", exit.detail):
            continue
        package = each.module.partition(".")[0]
        if package in sys.stdlib_module_names | {"torch", "numpy", "einops"}:
            thing = f"{each.name} of {each.module}" if each.name else each.module
            what = f"`{thing}` is not there: the grader runs Python {PYTHON}, and it is probably of another version"
            return Told(
                what, f"do without it; Python {PYTHON} has to do: a decorator or a type can simply go", each.line
            )
        return Told(
            f"the package {package} {NOT_HERE}", f"{HERE}: write what you use of {package} yourself, or do without it"
        )
    return None


def _unknown_name(exit: Exit, own: OwnText, question: str) -> Told | None:
    name = own.named_in(exit.detail, exit.line) if exit.error in ("NameError", "UnboundLocalError") else ""
    if not name or exit.error == "UnboundLocalError":
        return Told(f"`{name}` has no value here yet", KINDS["UnboundLocalError"]) if name else None
    what = f"`{name}` is not defined where your classes run"
    if own.local(name):
        return Told(what, f"is it the {name} of another function? What __init__ computes is kept as self.{name}")
    if own.sets(name):
        return Told(what, f"is it self.{name}, which you set in another method?")
    if name in _IMPORTS:
        return Told(
            what,
            f"put `{_IMPORTS[name]}` at the top of the notebook: it has to stand there, not only in a session of yours",
        )
    return Told(what, KINDS["NameError"])


def _no_such_attribute(exit: Exit, own: OwnText, question: str) -> Told | None:
    if exit.error != "AttributeError" or "'NoneType'" in exit.detail:
        return None
    name = own.named_in(exit.detail, exit.line)
    if not name:
        return None
    if (module := re.search(r"module '(\w+)'", exit.detail)) and module[1] in sys.stdlib_module_names:
        what = f"`{name}` is not in {module[1]} of Python {PYTHON}, which the grader runs"
        return Told(what, f"is it spelled right? If a newer Python has it, do without: Python {PYTHON} has to do")
    if module := re.search(r"module '(numpy|torch[\w.]*|einops)'", exit.detail):
        what = f"`{name}` is not in {module[1]} here"
        plain = name if name in ("float", "int", "bool", "object", "complex", "str") else ""
        fix = f"NumPy took np.{plain} out: write {plain}" if plain and module[1] == "numpy" else (
            "is it spelled right? Another version may have had it; use what torch has of the same meaning")  # fmt: skip
        return Told(what, fix)
    if re.search("'(?:tuple|list)' object", exit.detail):
        return Told(
            f"`.{name}` is asked of a tuple or list, not of a tensor",
            named("take the one that is meant: the provided Attention gives one tensor, no tuple"),
        )
    near = own.nearest(name)
    fix = f"is it {near}, which __init__ sets?" if near else KINDS["AttributeError"]
    return Told(f"there is no `{name}`" if own.sets(name) is False else f"`{name}` is not set when it is used", fix)


def _nothing_given(exit: Exit, own: OwnText, question: str) -> Told | None:
    """None where a tensor is needed: often a function that gives nothing back. An option may be None."""
    return forgotten_return(own, exit.line) if re.search(r"(?<!=)\bNoneType\b|None found", exit.detail) else None


def forgotten_return(own: OwnText, line: int) -> Told:
    """What to say where None came: the function without a `return`, if there is one."""
    fix = "end the function with `return` and what it computed"
    functions = own.without_return()
    named = set(own.names(line)) | {"forward"}
    first = next((each for each in functions if each.words in named), next(iter(functions), None))
    if first is None and (empty := own.empty("forward")):
        return Told(f"`{empty.words}` is still empty", "write what it computes, and return that", empty.line)
    if first is None and (open_ended := own.falls_through("forward")):
        what = f"`{open_ended.words}` has a way to its end without a `return`"
        return Told(what, "let every branch of its `if` return what it computed", open_ended.line)
    if first is None:
        return Told("None stands where a tensor is needed", "is there a way through a function without a `return`?")
    return Told(f"`{first.words}` has no `return`, so that it gives None", fix, first.line)


def _turned_round(exit: Exit, own: OwnText, question: str) -> Told | None:
    wrong_shapes = "must match the size of|cannot be multiplied|Expected size for first two|must be a (?:3D|matrix|2D)|1D tensors expected|inconsistent tensor size"
    turned: Piece | None = (
        own.turned(exit.line) if exit.error == "RuntimeError" and re.search(wrong_shapes, exit.detail) else None
    )
    if turned is None:
        return None
    what = f"`{turned.words}` turns all axes round, the batch too"
    return Told(what, "x has three axes: transpose(-2, -1), or .mT, exchanges the last two alone", turned.line)


def _raised_by_hand(exit: Exit, own: OwnText, question: str) -> Told | None:
    words = own.raised(exit.line) if exit.error not in ("NotImplementedError", "BdbQuit") else ""
    fix = "other sizes come here than in the notebook: compare its condition with x.shape, or take it out"
    if words and _of_a_gpu(own.condition(exit.line)):
        fix = WITHOUT_GPU
    return Told(f"a line of your own raises it: `{words}`", fix) if words else None


def _of_a_gpu(words: str) -> bool:
    return re.search(r"cuda|\bmps\b|gpu", words, re.IGNORECASE) is not None


def _never_defined(exit: Exit, own: OwnText, question: str) -> Told | None:
    found = own.class_named(exit.detail.strip("'")) if exit.error == "KeyError" and not exit.line else None
    if found is None:
        return None
    what = f"after your cells ran there is no class {found.words}"
    return Told(what, "does it stand under an `if` that is not met, or is its name deleted later?", found.line)


def _no_forward(exit: Exit, own: OwnText, question: str) -> Told | None:
    match = re.search(r"Module \[(\w+)\] is missing the required", exit.detail)
    found = own.class_named(match[1]) if match else None
    if found is None:
        return None
    near = own.method_like(found.words, "forward")
    inside = re.search(r"\bdef forward\b", own.text) and "; does one stand inside another method?"
    said = f"; it has `{near}`" if near else inside or ""
    return Told(
        f"the class {found.words} has no forward{said}",
        "is it misspelled, or indented into another method?",
        found.line,
    )


def _no_init(exit: Exit, own: OwnText, question: str) -> Told | None:
    match = re.search(r"^(\w+)\.__init__\(\) (?:got an unexpected keyword|takes 1 positional)", exit.detail)
    found = own.class_named(match[1]) if match else None
    if found is None or own.arguments(found.words, "__init__") is not None:
        return None
    near = own.method_like(found.words, "__init__")
    said = f"the class {found.words} has no __init__" + (f"; it has `{near}`" if near else "")
    return Told(said, "two underscores on each side, and the arguments of the template", found.line)


def _other_arguments(exit: Exit, own: OwnText, question: str) -> Told | None:
    """A forward that is called with fewer or more arguments than it has; the numbers are worked out from the text."""
    match = re.search(r"^(\w+)\.forward\(\) (?:missing \d|takes (?:from )?[2-9])", exit.detail)
    if match is None:
        return None
    name = match[1]
    if (wanted := own.arguments(name, "forward")) and len(wanted) > 1 and "missing" in exit.detail:
        listed = ", ".join(wanted)
        return Told(
            f"forward of {name} has the arguments {listed}, and is called with x alone",
            "x is all that it gets: make the others of it inside",
        )
    if name in (names()[ATTENTION], names()[HEAD]):
        what = f"forward of {name} is called with more than x"
        return Told(what, f"{name} takes x alone, and makes queries, keys and values of it itself")
    return None


def _cut_off(exit: Exit, own: OwnText, question: str) -> Told | None:
    if "does not require grad" not in exit.detail:
        return None
    cut = [piece for name in _CUTTING for piece in own.calls(name)]
    if not cut:
        return None
    return Told(f"no gradient can reach the weights: `{cut[0].words}` cuts it off", CUT_OFF, cut[0].line)


_READINGS: tuple[Reading, ...] = (
    _class_given_away,
    _stops_for_a_debugger,
    _waits_for_input,
    _assert_of_their_own,
    _not_importable,
    _unknown_name,
    _no_such_attribute,
    _nothing_given,
    _turned_round,
    _cut_off,
    _raised_by_hand,
    _no_forward,
    _no_init,
    _other_arguments,
    _never_defined,
)
