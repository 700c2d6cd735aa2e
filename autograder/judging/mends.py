"""What an exception of the student's code means and how to mend it, in words of ours, for each kind there is.

Why separate: `endings` says what we did and how it ended; this is the table of what people run into. Every text is
ours, or cut from the student's own program (`own_text`), so it may be shown where the exception's own text may not.
What the grader's machine lacks (a GPU, a package, a newer Python, files, a keyboard) is told as that.
"""

# ruff: noqa: E501  (lines of a table are left whole)
from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Callable
from typing import NamedTuple

from autograder.core.records import Exit
from autograder.judging.own_text import OwnText, Piece


class Told(NamedTuple):
    """What the exception means, how to mend it, and the line to look at where that is not where it was raised."""

    what: str
    fix: str
    line: int = 0


class Rule(NamedTuple):
    """A kind of message, by words of torch's or Python's own text."""

    words: str
    what: str
    fix: str


Reading = Callable[[Exit, OwnText, str], Told | None]

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_HERE = "only torch, numpy, einops and Python's own modules are there when your classes run"
_DTYPES = {"half": "float16", "float": "float32", "double": "float64", "bfloat16": "bfloat16", "long": "int64", "int": "int32", "bool": "bool", "byte": "uint8"}  # fmt: skip
_CUT_OFF = "nothing that can be trained leads to the output: look for detach(), .data, .item(), torch.no_grad(), or a new tensor made from numbers"
_IMPORTS = {
    "torch": "import torch", "nn": "from torch import nn", "F": "import torch.nn.functional as F", "math": "import math",
    "np": "import numpy as np", "rearrange": "from einops import rearrange", "repeat": "from einops import repeat",
    "einsum": "from torch import einsum", "Tensor": "from torch import Tensor", "copy": "import copy",
}  # fmt: skip

_GPU = Rule(
    r"not compiled with CUDA|NVIDIA driver|No CUDA GPUs|CUDA error|re-initialize CUDA|not linked with support for|device type at start of device string|Invalid device string|torch_xla|with arguments from the '(?:CUDA|MPS|XLA)'",
    "it asks for a GPU, and the grader has none",
    "take out .cuda(), .to(\"cuda\") and device=\"cuda\" or \"mps\": a new tensor belongs where x is, device=x.device; the whole model is moved outside your classes",
)  # fmt: skip

# What Python's and torch's own messages tell, most telling first. `{...}` are filled in by `_filled`.
RULES = (
    _GPU,
    Rule("on the same device", "tensors on different devices meet", "make new tensors where x is: device=x.device"),
    Rule(r"before Module.__init__|no attribute '_(?:modules|parameters|buffers|\w*hooks\w*)'", "", "call super().__init__() first thing in __init__"),
    Rule(r"missing the required .forward. function", "a module is called that has no forward", "is forward misspelled, or indented into another method? An nn.ModuleList is no layer: call its layers one after the other"),
    Rule(r"same dtype|scalar type|mixed dtype|Found dtype|bias type|not implemented for '|infer output dtype|desired output type|floating point and complex dtype", "dtypes differ, not shapes{dtypes}", "x comes as float32, float for short: take out .half(), .double(), .long() and dtype=..., and give new tensors dtype=x.dtype"),
    Rule("must be Tensor, not numpy", "a NumPy array stands where a tensor is needed", "use torch's function of the same name in place of NumPy's"),
    Rule("must be Tensor, not (?:float|int)", "a plain number stands where a tensor is needed", "math.sqrt and ** work on plain numbers, torch's functions on tensors"),
    Rule("must be Tensor, not (?:tuple|list)", "several values in a tuple or list stand where one tensor is needed", "take the one that is meant: the provided Attention and nn.Linear give one tensor each"),
    Rule("must be Tensor, not", "", "a layer is made where it should be used: make it in __init__, call it in forward"),
    Rule("'(?:tuple|list)'", "a tuple or list of tensors is used as if it were one tensor", "take the one that is meant, or stack them with torch.stack or torch.cat"),
    Rule("mat1 and mat2 shapes cannot be multiplied", "", "a linear map meets another number of features than it was made for: compare its first argument with the last axis of what it is given"),
    Rule("normalized_shape|running_mean should contain", "a normalisation is made for another number of features than it is given", "nn.LayerNorm(dim), with dim from __init__, normalises the last axis, the features"),
    Rule("expects a tensor with <= 2 dimensions", "`.t()` is for matrices, and x has three axes", "transpose(-2, -1) exchanges the last two axes and leaves the batch"),
    Rule("must match the size of tensor b|Mismatching argument", "two tensors that are added, multiplied or masked have different shapes", "{shapes}"),
    Rule("Expected size for first two dimensions of batch2", "", "the axes of a batched product do not fit: one factor needs transpose(-2, -1)"),
    Rule("must be a 3D tensor|must be a matrix|must be a 2D tensor", "a product is for another number of axes", "x has three axes, (batch, tokens, features): `@` and torch.matmul work on the last two"),
    Rule("Sizes of tensors must match except|each tensor to be equal size", "tensors that are joined have different shapes", "print the shape of each; torch.cat joins along one axis, and all others have to agree"),
    Rule("is invalid for input of size", "a view or reshape asks for more or fewer entries than there are", "take every size from x.shape and from __init__: no number of the notebook's own model holds here"),
    Rule("view size is not compatible", "", "use reshape where you use view, or call contiguous() after a transpose"),
    Rule("split_sizes to sum", "torch.split is given sizes that do not add up", "take them from inner_dim, or use chunk(3, dim=-1)"),
    Rule(r"einsum\(\)", "the letters of einsum do not fit the tensors", "one letter for each axis: x has three, (batch, tokens, features)"),
    Rule("desired ordering of dimensions|permute", "permute names another number of axes than the tensor has", "name each axis once: x has three; transpose(-2, -1) exchanges two"),
    Rule("Dimension out of range", "", "an axis is named that the tensor does not have: x has (batch, tokens, features)"),
    Rule("too many indices|tuple index out of range", "an axis is asked for that is not there", "x has three axes, (batch, tokens, features), so x.shape[2] or x.shape[-1] is the last"),
    Rule(r"values? to unpack", "something is taken apart into more or fewer names than it has parts", "x.shape has three parts, (batch, tokens, features); the provided Attention and heads give one tensor, no tuple"),
    Rule("Boolean value of Tensor", "`if`, `and`, `or` or `not` is used on a whole tensor", "a condition needs one value: compare shapes, or use torch.where, .any() or .all()"),
    Rule("only one element tensors|cannot be converted to Scalar|only integer tensors of a single element", "a whole tensor is used as one number", "math functions, float() and .item() take one number: use torch's functions, on the tensor"),
    Rule(r"Can't call numpy\(\)|can't convert", "a tensor is turned into a NumPy array, which no gradient passes", "use torch's function of the same name"),
    Rule("unexpected keyword argument", "", "compare the argument names of __init__ and of what you call with the template's"),
    Rule("positional argument|multiple values for argument", "", "compare the arguments of __init__ and forward with the template's; methods begin with self"),
    Rule("object is not subscriptable", "", "square brackets are used on something without parts: is it a call that was meant?"),
    Rule("is not callable", "", "something is called that is no function or layer: is a name used twice?"),
    Rule("does not require grad", "no gradient can reach the weights", _CUT_OFF),
    Rule("modified by an inplace operation|leaf Variable", "", "something that the gradient still needs is changed in place: write x = x + ... instead of x += ..."),
    Rule("backward through the graph a second time", "", "something that forward computed in an earlier call is kept in self and used again: compute it anew each time"),
    Rule("must be tuple of ints|out of bounds|must be int", "a size is no whole number", "sizes are integers: divide them with //"),
    Rule("dropout probability", "nn.Dropout is given something that is no probability", "compare the order of your arguments: dropout comes last, and is between 0 and 1"),
    Rule("embed_dim must be divisible", "", "a module is used that splits the features evenly: heads and dim_head are given, and need not divide dim"),
    Rule("started after|can't start new thread|Resource temporarily", "", "your classes need no process or thread of their own"),
)  # fmt: skip

# By kind, for what no text tells; each name of Python's own is found by its own line or by that of what it is one of.
KINDS = {
    "NotImplementedError": "this part of the template is not filled in yet: replace the raise by your code",
    "UnboundLocalError": "a variable is used on a way through the function on which nothing was assigned to it: is it set in one branch of an `if` only?",
    "NameError": "a name is used that your classes' cells do not define: is its import or definition in the notebook?",
    "AttributeError": "an attribute is used that does not exist: compare the spelling in __init__ and forward",
    "ImportError": _HERE,
    "AssertionError": "an assert of yours, or of what you call, did not hold: take sizes from x.shape and from __init__, since other sizes come here than in the notebook",
    "EOFError": "something waits for input, and nobody types here: take it out",
    "FileNotFoundError": "your classes run alone, without the files of your notebook: nothing in them may open one",
    "FileExistsError": "your classes need no files: take out what writes them",
    "PermissionError": "your classes run where they may make files in the working folder and nothing else: no process, connection or file elsewhere; none is needed",
    "ConnectionError": "there is no network here, and none is needed: take out downloads",
    "TimeoutError": "there is nothing to wait for here, no network and no other process: take it out",
    "OSError": "your classes run alone, without network, files and other processes: take out what needs them",
    "KeyError": "a key is looked up that is not there: is it a table made for the notebook's own sizes, or a misspelled name of a layer in an nn.ModuleDict?",
    "IndexError": "an axis or index is out of range: x has three axes, (batch, tokens, features), and other sizes come here than in the notebook",
    "LookupError": "something is looked up that is not there: other sizes come here than in the notebook",
    "ZeroDivisionError": "something is divided by zero: `//` gives 0 where a size is smaller than its divisor; dim_head and mlp_dim are arguments of their own",
    "OverflowError": "a number is too large: math.exp overflows beyond 700; torch.softmax subtracts the largest score first",
    "ArithmeticError": "a number cannot be computed: print what goes in",
    "UnicodeError": "text is read or written that is no text: your classes need none",
    "ValueError": "a call is given a value that it cannot take: look at each argument of that line, and take sizes from x.shape and from __init__",
    "RecursionError": "something calls itself without an end: does forward call self(x)?",
    "TypeError": "a call has the wrong arguments or a value of the wrong type: compare the signatures with the template's",
    "MemoryError": "look for a tensor that grows with batch x tokens x tokens x features; none is needed",
    "StopIteration": "next() is called on something that is used up: use a for loop",
    "StopAsyncIteration": "your classes need nothing asynchronous: take it out",
    "SyntaxError": "text that is no Python is run by exec, eval or an import: your classes need none of them",
    "SystemExit": "take out exit(), quit() and sys.exit(): they end the grading process too",
    "KeyboardInterrupt": "take out what interrupts the program: your classes need none of it",
    "GeneratorExit": "your classes need no generators: take it out",
    "BufferError": "memory is used by two at once: your classes need no buffers",
    "ReferenceError": "a weak reference is used whose object is gone: keep it in self",
    "SystemError": "Python itself failed at this line: write it in a simpler way, and tell staff",
    "Warning": "a warning is made an error: take out warnings.simplefilter(\"error\") or the like",
    "OutOfMemoryError": "look for a tensor that grows with batch x tokens x tokens x features; none is needed",
    "EinopsError": "the pattern does not fit the tensor: x has three axes, (batch, tokens, features)",
    "BdbQuit": "a debugger waits for commands, and nobody types here: take out breakpoint() and pdb.set_trace()",
    "StdinNotImplementedError": "input() waits, and nobody types here: take it out",
    "URLError": "there is no network here, and none is needed: take out downloads",
    "HTTPError": "there is no network here, and none is needed: take out downloads",
    "gaierror": "there is no network here, and none is needed: take out downloads",
    "LinAlgError": "a matrix has no inverse or decomposition: attention needs none",
    "RuntimeError": "often a shape mismatch: print x.shape in each step, and use sizes that are all different",
    "BaseException": "make the class in a new cell with sizes that are all different, call it on torch.randn(2, 5, 11), and follow it to this line",
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


def by_kind(name: str) -> str:
    """The line for a kind of exception; for one of Python's own, that of the nearest kind which has one."""
    if name in KINDS:
        return KINDS[name]
    kind = getattr(builtins, name, None)
    ancestors = kind.__mro__ if isinstance(kind, type) and issubclass(kind, BaseException) else ()
    return next((KINDS[each.__name__] for each in ancestors if each.__name__ in KINDS), KINDS["BaseException"])


def _filled(text: str, exit: Exit, own: OwnText, question: str) -> str:
    if "{dtypes}" in text:
        words = re.findall(r"\w+", exit.detail.lower().replace("long int", "long"))
        listed = " and ".join(f"{word} ({_DTYPES[word]})" for word in dict.fromkeys(words) if word in _DTYPES)
        return text.replace("{dtypes}", f": {listed}" if listed else "")
    if "{shapes}" in text:
        more = "; the provided Attention gives heads * dim_head features, and x has dim" if question == "4b" else ""
        return f"print the shape of both at that line; all sizes differ here, so each axis can be told{more}"
    return text


def _waits_for_input(exit: Exit, own: OwnText, question: str) -> Told | None:
    asks = own.calls("input") if exit.error in ("EOFError", "StdinNotImplementedError") else []
    what = "it waits for input(), and nobody types here"
    return Told(what, "take input() out of your classes and of what they use", asks[0].line) if asks else None


def _assert_of_their_own(exit: Exit, own: OwnText, question: str) -> Told | None:
    words = own.asserted(exit.line) if exit.error == "AssertionError" else ""
    if not words:
        return None
    what = f"an assert of your own does not hold here: `{words}`"
    fix = (
        "other sizes come here than in the notebook: compare with x.shape and the arguments of __init__, or take it out"
    )
    return Told(what, fix)


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
            f"the package {package} is not here", f"{_HERE}: write what you use of {package} yourself, or do without it"
        )
    return None


def _unknown_name(exit: Exit, own: OwnText, question: str) -> Told | None:
    name = own.named_in(exit.detail, exit.line) if exit.error in ("NameError", "UnboundLocalError") else ""
    if not name or exit.error == "UnboundLocalError":
        return Told(f"`{name}` has no value here yet", KINDS["UnboundLocalError"]) if name else None
    what = f"`{name}` is not defined where your classes run"
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
    if module := re.search(r"module '(numpy|torch[\w.]*|math|einops)'", exit.detail):
        what = f"`{name}` is not in {module[1]} here"
        plain = name if name in ("float", "int", "bool", "object", "complex", "str") else ""
        fix = f"NumPy took np.{plain} out: write {plain}" if plain and module[1] == "numpy" else (
            "is it spelled right? Another version may have had it; use what torch has of the same meaning")  # fmt: skip
        return Told(what, fix)
    if re.search("'(?:tuple|list)' object", exit.detail):
        return Told(
            f"`.{name}` is asked of a tuple or list, not of a tensor",
            "take the one that is meant: the provided Attention gives one tensor, no tuple",
        )
    near = own.nearest(name)
    fix = f"is it {near}, which __init__ sets?" if near else KINDS["AttributeError"]
    return Told(f"there is no `{name}`" if own.sets(name) is False else f"`{name}` is not set when it is used", fix)


def _nothing_given(exit: Exit, own: OwnText, question: str) -> Told | None:
    """None where a tensor is needed: often a function that gives nothing back."""
    return forgotten_return(own, exit.line) if re.search(r"\bNoneType\b|None found", exit.detail) else None


def forgotten_return(own: OwnText, line: int) -> Told:
    """What to say where None came: the function without a `return`, if there is one."""
    fix = "end the function with `return` and what it computed"
    functions = own.without_return()
    named = set(own.names(line)) | {"forward"}
    first = next((each for each in functions if each.words in named), next(iter(functions), None))
    if first is None:
        return Told("None stands where a tensor is needed", "is there a way through a function without a `return`?")
    return Told(f"`{first.words}` has no `return`, so that it gives None", fix, first.line)


def _turned_round(exit: Exit, own: OwnText, question: str) -> Told | None:
    wrong_shapes = "must match the size of|cannot be multiplied|Expected size for first two|must be a (?:3D|matrix|2D)|1D tensors expected|inconsistent tensor size"
    turned: Piece | None = (
        own.turned() if exit.error == "RuntimeError" and re.search(wrong_shapes, exit.detail) else None
    )
    if turned is None:
        return None
    what = f"`{turned.words}` turns all axes round, the batch too"
    return Told(what, "x has three axes: transpose(-2, -1), or .mT, exchanges the last two alone", turned.line)


def _cut_off(exit: Exit, own: OwnText, question: str) -> Told | None:
    cut = own.calls("no_grad", "inference_mode", "detach", "detach_", "data", "item", "numpy")
    if "does not require grad" not in exit.detail or not cut:
        return None
    return Told(f"no gradient can reach the weights: `{cut[0].words}` cuts it off", _CUT_OFF, cut[0].line)


_READINGS: tuple[Reading, ...] = (
    _waits_for_input,
    _assert_of_their_own,
    _not_importable,
    _unknown_name,
    _no_such_attribute,
    _nothing_given,
    _turned_round,
    _cut_off,
)
