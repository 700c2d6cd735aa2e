"""What students read when their code raises: programs of ours that run into what people run into, and the words."""

from __future__ import annotations

import builtins
import io
import warnings
from pathlib import Path
from unittest import mock

import msgspec
import pytest
import torch

from autograder.core.records import Exit, ExitKind, Place, Program
from autograder.judging import endings, mends, raised
from autograder.judging.expect import Unmet
from autograder.student_room import crossing, program

IMPORTS = "import math\nimport numpy as np\nimport torch\nfrom torch import nn\n\n"
CLASS = """class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.0):
        super().__init__()
        self.to_q = nn.Linear(input_dim, inner_dim, bias=False)
        self.to_k = nn.Linear(input_dim, inner_dim, bias=False)
        scale = inner_dim**-0.5

    def note(self, x):
        self.seen = x

    def forward(self, x):
        q, k = self.to_q(x), self.to_k(x)
"""
X = torch.arange(110, dtype=torch.float32).reshape(2, 5, 11)


def told(text: str, *, show_text: bool = False) -> Unmet:
    """What is said of a program that fails, as a hidden test says it."""
    exit = Exit(ExitKind.GRADER)
    with warnings.catch_warnings(), mock.patch("sys.stdin", io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            namespace = program.run(text, {})
            crossing.tensor_of(namespace["SingleHeadAttention"](11, 7)(X), 1 << 20)  # type: ignore[operator]
        except crossing.NotATensor as error:
            exit = Exit(ExitKind.RAISED, "returned", str(error))
        except Exception as error:
            exit = msgspec.convert({"kind": "raised", **program.describe(error)}, Exit)
    assert exit.kind is ExitKind.RAISED
    lines = text.splitlines()
    places = tuple(Place("hw6.py", n) for n in range(1, len(lines) + 1))
    return endings.explain(exit, Program("4a", "SingleHeadAttention", text, places, ""), "forward", show_text=show_text)


def in_forward(*lines: str, before: str = "") -> str:
    return IMPORTS + before + CLASS + "".join(f"        {line}\n" for line in lines)


HERE = 18  # the line of the first of them
# what stands in forward, words that must be said, words that must not
FORWARD = {
    "a GPU": ("return q.cuda()", ("has none", "device=x.device"), ("assert",)),
    "a GPU by name": ("m = torch.ones(5, 5, device='cuda:0')", ("asks for a GPU", "x.device"), ()),
    "a Mac's GPU": ("return q.to('mps')", ("asks for a GPU",), ("shape",)),
    "a device that is none": ("return q.to('gpu')", ("asks for a GPU",), ()),
    "a GPU by number": ("return q.to(0)", ("asks for a GPU", "x.device"), ("shape",)),
    "an assert of a GPU": ("assert x.is_cuda", ("an assert of your own", "the grader has no GPU"), ("sizes",)),
    "a raise without a GPU": ("if not torch.cuda.is_available():\n            raise OSError('runtime')", ("a line of your own raises it", "the grader has no GPU"), ("sizes",)),
    "half": ("return nn.Linear(11, 3).half()(x)", ("dtypes differ, not shapes: float (float32) and half (float16)",), ("print x.shape",)),
    "half, without a bias": ("return nn.Linear(11, 3, bias=False).half()(x)", ("float (float32) and half (float16)",), ()),
    "double": ("return q @ k.transpose(1, 2).double()", ("dtypes differ", "double (float64)"), ()),
    "whole numbers": ("return torch.softmax(x.long(), -1)", ("dtypes differ", "long (int64)"), ("template is not filled",)),
    "an array": ("return self.to_q(np.zeros((2, 5, 11)))", ("NumPy array",), ()),
    "an assert": ("assert x.shape[1] == 17, 'tokens'", ("an assert of your own", "assert x.shape[1] == 17", "other sizes"), ("tokens",)),
    "input": ("input('go on?')", ("waits for input()", "nobody types here"), ("go on",)),
    "a file": ("open('weights.bin')", ("FileNotFoundError", "without the files"), ("weights",)),
    "a shape of two": ("b, t = x.shape", ("taken apart", "three parts"), ()),
    "a shape of four": ("b, c, t, d = x.shape", ("taken apart", "three parts"), ()),
    "a fourth axis": ("return q / x.shape[3]", ("IndexError", "x.shape[-1]"), ()),
    "an axis too many": ("return q[:, :, :, 0]", ("IndexError", "three axes"), ()),
    "a key": ("return {17: 1}[x.shape[1]]", ("KeyError", "notebook's own sizes"), ()),
    "dot T": ("return q @ k.T", ("`k.T` turns all axes round", "transpose(-2, -1)", ".mT"), ("4(b)", "dim_head")),
    "dot T, a line before": ("kt = k.T; return q @ kt", ("`k.T` turns all axes round",), ()),
    "a mismatch beside a right .T": ("s = torch.stack([one @ self.to_q.weight.T for one in x]); t = q[0].T; return q + x", ("different shapes",), (".T` turns",)),
    "None beside a function that needs no return": ("self.note(x); y = None; return y + x", ("None stands",), ("has no `return`",)),
    "t()": ("return q @ k.t()", ("`.t()` is for matrices", "transpose(-2, -1)"), ()),
    "two shapes": ("return q + x", ("different shapes", "print the shape of both"), ("4(b)", "dim_head")),
    "np.float": ("return q * np.float(2)", ("`float` is not in numpy", "write float"), ()),
    "a name of torch that is none": ("return torch.softmaxx(q, -1)", ("`softmaxx` is not in torch",), ()),
    "an attribute misspelled": ("return self.to_kk(x)", ("there is no `to_kk`", "is it to_k,"), ()),
    "None": ("q = self.mask(q) if False else None; return q + x", ("None stands",), ()),
    "an import forgotten": ("return F.softmax(q, -1)", ("`F` is not defined", "import torch.nn.functional as F"), ()),
    "self forgotten": ("return to_q(x)", ("`to_q` is not defined", "self.to_q"), ()),
    "a variable without a value": ("if x.dim() > 3: y = q\n        return y", ("`y` has no value",), ()),
    "recursion": ("return self(x)", ("RecursionError", "call self(x)"), ()),
    "a division by zero": ("return q * (1 / (x.shape[1] // 64))", ("ZeroDivisionError", "`//` gives 0"), ()),
    "a condition": ("return q if x > 0 else k", ("whole tensor", "torch.where"), ()),
    "math on a tensor": ("return q / math.sqrt(x)", ("one number", "torch's function"), ()),
    "a size that is not whole": ("return nn.Linear(11, 7 / 7)(x)", ("no whole number", "//"), ()),
    "sizes of the notebook": ("return q.view(32, 17, 64)", ("view or reshape", "x.shape"), ()),
    "nothing returned": ("q @ k.mT", ("`forward` has no `return`", "end the function"), ()),
    "a dict returned": ("return {'out': q}", ("forward returned a dict", "one torch.Tensor"), ()),
    "einsum": ("return torch.einsum('bijk,bkj->bi', q, k)", ("letters of einsum",), ()),
    "a debugger": ("import bdb; raise bdb.BdbQuit", ("BdbQuit", "breakpoint()"), ()),
    "a tuple": ("return self.to_q((x, x))", ("take the one that is meant",), ()),
    "numpy with gradients": ("return x.requires_grad_().numpy()", ("NumPy array",), ()),
    "a return on one way only": ("if x.shape[1] == 17:\n            return q", ("`forward` has a way to its end without a `return`", "every branch"), ()),
    "a raise of one's own": ("if x.shape[1] != 17: raise ValueError('17 tokens')", ("a line of your own raises it: `raise ValueError('17 tokens')`", "other sizes"), ()),
    "a local of __init__": ("return q * scale", ("`scale` is not defined", "self.scale"), ()),
    "a new tensor": ("return torch.sqrt(q.shape[-1])", ("a plain number stands", "math.sqrt"), ()),
    "a function of a newer Python": ("return math.of_tomorrow(q)", ("`of_tomorrow` is not in math of Python", "newer Python"), ()),
    "a division that rounds": ("(q // 2).sum().backward()", ("no gradient passes `//`", "divide with `/`"), ("shape",)),
    "a function without a slope": ("torch.heaviside(q, q).sum().backward()", ("a function is used that no gradient passes",), ("shape",)),
    "batch norm": ("return nn.BatchNorm1d(7)(q)", ("the second axis, the tokens", "layer normalisations"), ()),
    "not filled in": ("raise NotImplementedError", ("not filled in yet",), ()),
}  # fmt: skip


@pytest.mark.parametrize("name", FORWARD)
def test_what_went_wrong_is_told_in_words_of_ours(name: str) -> None:
    line, said, unsaid = FORWARD[name]
    seen = told(in_forward(line)).feedback
    text = f"{seen.found} | {seen.fix}"
    assert not [words for words in said if words not in text], text
    assert not [words for words in unsaid if words in text], text
    wanted = "hw6.py line 16" if "`forward`" in said[0] else f"hw6.py line {HERE}"
    if name not in ("a dict returned", "recursion"):
        assert seen.where.startswith((wanted, "hw6.py line 19")[: 1 + ("\n" in line)]), seen.where


def test_what_breaks_off_says_where() -> None:
    text = in_forward("scores = q @ k.mT")
    made = Program("4a", "SingleHeadAttention", text, PLACES, "", cut=Place("hw6.py", 19))
    seen = endings.explain(Exit(ExitKind.RAISED, "returned", "a NoneType"), made, "forward", show_text=False).feedback
    assert "breaks off before hw6.py line 19" in seen.found and "indent that line" in seen.fix


def test_a_class_without_a_forward_is_named_with_what_it_has_instead() -> None:
    seen = told(in_forward("return q").replace("def forward", "def foward")).feedback
    assert (
        "the class SingleHeadAttention has no forward; it has `foward`" in seen.found and seen.where == "hw6.py line 6"
    )


def test_a_class_under_an_if_that_is_not_met_is_told_as_that() -> None:
    text = IMPORTS + "if False:\n" + "".join(f"    {line}\n" for line in CLASS.splitlines()) + "        return q\n"
    exit = Exit(ExitKind.RAISED, "KeyError", "'SingleHeadAttention'")
    seen = endings.explain(exit, Program("4a", "SingleHeadAttention", text, PLACES, ""), "making", show_text=False)
    assert "there is no class SingleHeadAttention" in seen.feedback.found and "`if`" in seen.feedback.fix
    assert seen.feedback.where == "hw6.py line 7"


def test_a_function_that_forgets_its_return_is_named_where_it_stands() -> None:
    helper = "def mask(scores):\n    scores = scores.tril()\n\n\n"
    seen = told(in_forward("return mask(q) + x", before=helper)).feedback
    assert "`mask` has no `return`" in seen.found and seen.where == "hw6.py line 6"


BASES = {
    "a package that is not here": ("import lightning_of_tomorrow as pl\n", "pl.Module", ("the package lightning_of_tomorrow is not here", "write what you use")),
    "a name of a package": ("from lightning_of_tomorrow.core import Module\n", "Module", ("the package lightning_of_tomorrow is not here",)),
    "a name of a newer Python": ("from functools import of_tomorrow\n", "of_tomorrow()", ("of_tomorrow of functools", f"Python {raised.PYTHON}")),
    "an instance of a package's class": ("from lightning_of_tomorrow import Mode\nisinstance(nn, Mode)\n", "nn.Module", ("the package lightning_of_tomorrow is not here",)),
    "a generic class of a package": ("from lightning_of_tomorrow import Mode\n", "Mode[int]", ("the package lightning_of_tomorrow is not here",)),
    "a relative import": ("from .heads import Head\n", "Head()", ("relative import", "paste")),
}  # fmt: skip


@pytest.mark.parametrize("name", BASES)
def test_what_cannot_be_imported_is_named(name: str) -> None:
    before, base, said = BASES[name]
    text = in_forward("return q", before=before).replace("(nn.Module)", f"({base})")
    seen = told(text).feedback
    assert not [words for words in said if words not in f"{seen.found} | {seen.fix}"], seen


def test_a_name_that_fails_costs_no_other_name_of_its_import() -> None:
    text = "from typing import Optional, override, of_tomorrow\nfrom math import sqrt, of_tomorrow as later\nimport json, of_tomorrow as x\n"
    found = program.run(text + "@override\ndef f(y: Optional[int]) -> int:\n    return sqrt(y)\n", {})
    assert found["sqrt"](4) == 2 and found["f"](9) == 3 and found["json"].dumps(1) == "1"  # type: ignore[operator,attr-defined]
    for name in ("of_tomorrow", "later", "x"):
        with pytest.raises(ImportError, match="of_tomorrow"):
            found[name]()  # type: ignore[operator]


def test_every_kind_of_exception_has_a_line() -> None:
    kinds = [n for n, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)]
    assert len(kinds) > 60 and all(len(mends.by_kind(name)) > 20 for name in kinds)
    for name in kinds:
        seen = endings.explain(Exit(ExitKind.RAISED, name, "?"), PROGRAM, "forward", show_text=False).feedback
        assert f"raised {name}" in seen.found and seen.fix, name
    assert mends.by_kind("SomethingOfTheirOwn") == mends.KINDS["BaseException"]


PLACES = tuple(Place("hw6.py", n) for n in range(1, 20))
PROGRAM = Program("4b", "ViTLayer", IMPORTS, (), "")


def test_gradients_that_are_cut_off_are_told_with_the_words_that_do_it() -> None:
    text = CLASS.replace("    def forward", "    @torch.no_grad()\n    def forward")
    exit = Exit(
        ExitKind.RAISED, "RuntimeError", "element 0 of tensors does not require grad and does not have a grad_fn"
    )
    seen = endings.explain(exit, Program("4a", "C", text, PLACES, ""), "forward", show_text=False).feedback
    assert (
        seen.where == "hw6.py line 11" and "`torch.no_grad` cuts it off" in seen.found and "torch.no_grad()" in seen.fix
    )


def test_a_hidden_test_repeats_nothing_of_the_exception() -> None:
    for kind in ("ValueError", "AssertionError", "AttributeError", "NameError", "ImportError", "RuntimeError", "Odd"):
        for words in ("'LEAK'", "module 'torch' has no attribute 'LEAK'", "No module named 'LEAK'", "name 'LEAK' LEAK"):
            exit = Exit(ExitKind.RAISED, kind, words, 2, "LEAK")
            seen = endings.explain(exit, PROGRAM, "forward", show_text=False).feedback
            assert "LEAK" not in str(seen.lines()), seen
            shown = endings.explain(exit, PROGRAM, "forward", show_text=True).feedback
            assert "LEAK" in shown.found


def test_a_text_that_is_no_program_has_nothing_to_say() -> None:
    for text in ("def (", "(" * 300, "x = 1\n" * 100_000, "\0"):
        broken = Program("4a", "C", text, (), "")
        for kind in ("AssertionError", "NameError", "ImportError", "RuntimeError"):
            exit = Exit(ExitKind.RAISED, kind, "NoneType 'x'", 1)
            assert endings.explain(exit, broken, "forward", show_text=False).feedback.fix


def test_the_kinds_are_written_down_once() -> None:
    source = Path(mends.__file__).read_text(encoding="utf-8")
    assert [name for name in mends.KINDS if source.count(f'    "{name}": ') != 1] == []


MADE = IMPORTS + CLASS.replace("scale = inner_dim", "self.act = nn.Sequential(nn.GELU)  #")
STATED = {
    "__init__ with one underscore": (IMPORTS + CLASS.replace("__init__(self", "_init_(self"), "has no __init__; it has `_init_`", "two underscores"),
    "forward of three": (IMPORTS + CLASS.replace("forward(self, x)", "forward(self, q, k, v)"), "has the arguments q, k, v, and is called with x alone", "inside"),
    "forward without self": (IMPORTS + CLASS.replace("forward(self, x)", "forward(x)"), "", "methods begin with self"),
    "a class for a layer": (MADE, "it is not made yet", "nn.GELU()"),
    "an ellipsis for a layer": (in_forward("return q").replace("self.to_k = nn.Linear(input_dim, inner_dim, bias=False)", "self.to_k = ..."), "still stands where your code belongs", "in its place"),
    "an empty forward": (IMPORTS + CLASS.split("    def forward")[0] + "    def forward(self, x):\n        pass\n", "still empty", "return that"),
    "a forward of words": (IMPORTS + CLASS.split("    def forward")[0] + "    def forward(self, x):\n        'Says.'\n", "still empty", "return that"),
}  # fmt: skip


@pytest.mark.parametrize("case", STATED)
def test_what_is_wrong_with_a_call_is_said_and_not_only_that_it_is(case: str) -> None:
    text, found, fix = STATED[case]
    unmet = told(text)
    assert found in unmet.feedback.found and fix in unmet.feedback.fix, unmet.feedback


def test_a_class_that_is_no_module_is_told_as_that() -> None:
    text = IMPORTS + CLASS.replace("(nn.Module)", "")
    places = tuple(Place("hw6.py", n) for n in range(1, len(text.splitlines()) + 1))
    asked = Exit(ExitKind.RAISED, "AttributeError", "'SingleHeadAttention' object has no attribute 'parameters'")
    unmet = endings.explain(asked, Program("4a", "SingleHeadAttention", text, places, ""), "making", show_text=False)
    assert "the class is no nn.Module" in unmet.feedback.found and "(nn.Module)" in unmet.feedback.fix


STOPS = {  # what stands in forward, and what its debugger raises, as each does where nobody types
    "import pdb; pdb.set_trace()": ("pdb.set_trace()", "BdbQuit"),
    "from pdb import set_trace as st; st()": ("st()", "BdbQuit"),
    "import pudb; pudb.set_trace()": ("pudb.set_trace()", "ModuleNotFoundError"),
    "from ipdb import stop": ("from ipdb import stop", "ModuleNotFoundError"),
    "breakpoint()": ("breakpoint()", "OSError"),
    "import IPython; IPython.embed()": ("IPython.embed()", "PermissionError"),
}


@pytest.mark.parametrize("line", STOPS)
def test_a_debuggers_stop_is_told_as_that_whatever_it_raises(line: str) -> None:
    words, error = STOPS[line]
    exit = Exit(ExitKind.RAISED, error, "No module named 'pudb'", HERE, "forward")
    made = Program("4a", "SingleHeadAttention", in_forward(line, "return q"), PLACES, "")
    seen = endings.explain(exit, made, "forward", show_text=False).feedback
    assert f"`{words}` is a debugger's stop" in seen.found and "take out breakpoint()" in seen.fix


def test_what_only_stands_near_a_debugger_is_none() -> None:
    exit = Exit(ExitKind.RAISED, "PermissionError", "", HERE + 1, "forward")
    for lines in (("import pdb", "open('/etc/x', 'w')"), ("# set_trace()", "self.seen = open('/etc/x', 'w')")):
        made = Program("4a", "SingleHeadAttention", in_forward(*lines), PLACES, "")
        assert "debugger" not in endings.explain(exit, made, "forward", show_text=False).feedback.found


def test_a_debugger_that_may_not_make_its_files_is_told_as_that() -> None:
    text = in_forward("from IPython.core.debugger import set_trace; set_trace()", "return q")
    room = "/tmp/autograder-gmb4bewv/room-b56m_w5g/.ipython/profile_default/startup/README"
    exit = Exit(ExitKind.RAISED, "PermissionError", f"[Errno 1] Operation not permitted: '{room}'", HERE, "forward")
    made = Program("4a", "SingleHeadAttention", text, PLACES, "")
    for shown in (True, False):
        seen = endings.explain(exit, made, "forward", show_text=shown).feedback
        assert "`set_trace()` is a debugger's stop" in seen.found and "take out breakpoint()" in seen.fix
        assert "/tmp" not in seen.found and ("'./.ipython/profile_default" in seen.found) is shown


GIVEN_AWAY = {  # what stands below the class, and the words that are said of it
    "the object of a first try": ("SingleHeadAttention = SingleHeadAttention(5, 7)", "`SingleHeadAttention = SingleHeadAttention(5, 7)` gives its name"),
    "of two names": ("head = SingleHeadAttention = SingleHeadAttention(5, 7)", "gives its name"),
    "of another class": ("class Head(SingleHeadAttention): pass\nSingleHeadAttention = Head(5, 7)", "`SingleHeadAttention = Head(5, 7)` gives its name"),
}  # fmt: skip


@pytest.mark.parametrize("case", GIVEN_AWAY)
def test_a_class_whose_name_was_given_to_an_object_is_told_with_the_line(case: str) -> None:
    below, said = GIVEN_AWAY[case]
    text = f"{in_forward('return q')}\n{below}\n"
    seen = told(text).feedback
    assert "SingleHeadAttention is no class any more" in seen.found and said in seen.found, seen
    assert "a name of its own" in seen.fix and seen.where == f"hw6.py line {len(text.splitlines())}"


def test_a_class_that_something_else_was_made_of_is_none_that_was_given_away() -> None:
    for below in (
        "SingleHeadAttention = torch.jit.ignore(SingleHeadAttention)",
        "SingleHeadAttention = SingleHeadAttention",
        "head = SingleHeadAttention(11, 7)",
    ):
        text = f"{IMPORTS}{CLASS.replace('forward(self, x)', 'forward(self, x, y)')}        return q\n{below}\n"
        assert "no class any more" not in told(text).feedback.found
