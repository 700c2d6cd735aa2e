"""What an exception of the student's code means and how to mend it, in words of ours, for each kind there is.

Why separate: `raised` reads an exception, by the student's own text where that tells more; this is the table of what
people run into. Every text is ours, so it may be shown where the exception's own text may not.
What the grader's machine lacks (a GPU, a package, a newer Python, files, a keyboard) is told as that.
"""

# ruff: noqa: E501  (lines of a table are left whole)
from __future__ import annotations

import builtins
from typing import NamedTuple


class Rule(NamedTuple):
    """A kind of message, by words of torch's or Python's own text."""

    words: str
    what: str
    fix: str


HERE = "besides torch, numpy, einops and Python's own modules, few packages are there when your classes run"
CUT_OFF = "nothing that can be trained leads to the output: look for detach(), .data, .item(), torch.no_grad(), or a new tensor made from numbers"

_GPU = Rule(
    r"not compiled with CUDA|NVIDIA driver|No CUDA GPUs|CUDA error|cudaGetDeviceCount|re-initialize CUDA|not linked with support for|device type at start of device string|Invalid device string|torch_xla|accelerator device when none|Cannot (?:initialize|get) CUDA|requires CUDA support|dummy base class|_cuda_\w+|with arguments from the '(?:CUDA|MPS|XLA)'",
    "it asks for a GPU, and the grader has none",
    "take out .cuda(), .to(\"cuda\") and device=\"cuda\" or \"mps\": a new tensor belongs where x is, device=x.device; the whole model is moved outside your classes",
)  # fmt: skip

# What Python's and torch's own messages tell, most telling first. `{...}` are filled in by `raised`.
RULES = (
    Rule("CUDA out of memory", "the GPU's memory is full", "nvidia-smi tells who uses it; a smaller --batch-size needs less of it"),
    Rule("CUDA error: device-side assert", "an index is out of range on the GPU, which tells no more", "--device cpu says where"),
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
    Rule("running_mean should contain", "a BatchNorm takes the second axis, the tokens, for features", "Figure 1 has layer normalisations: nn.LayerNorm(dim) normalises the last axis"),
    Rule("normalized_shape", "a normalisation is made for another number of features than it is given", "nn.LayerNorm(dim), with dim from __init__, normalises the last axis, the features"),
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
    Rule("is not a Module subclass", "a class stands where a layer belongs: it is not made yet", "put parentheses after its name: nn.GELU(), not nn.GELU"),
    Rule("unexpected keyword argument", "", "compare the argument names of __init__ and of what you call with the template's"),
    Rule("positional argument|multiple values for argument", "", "compare the arguments of __init__ and forward with the template's; methods begin with self"),
    Rule("'ellipsis' object", "`...` still stands where your code belongs", "put what belongs there in its place"),
    Rule(r"object has no attribute '(?:named_)?(?:parameters|modules)'|object has no attribute '(?:eval|train|state_dict)'", "the class is no nn.Module", "write (nn.Module) behind the name of the class, and call super().__init__() first thing in __init__"),
    Rule("object is not subscriptable", "", "square brackets are used on something without parts: is it a call that was meant?"),
    Rule("is not callable", "", "something is called that is no function or layer: is a name used twice?"),
    Rule(r"derivative for aten::floor_divide", "no gradient passes `//`, which rounds down", "divide with `/`: what is rounded has no slope, and what stands before it is never trained"),
    Rule(r"derivative for", "a function is used that no gradient passes", "work out the same with functions that have a slope everywhere: rounding, sorting and counting have none"),
    Rule("does not require grad", "no gradient can reach the weights", CUT_OFF),
    Rule("modified by an inplace operation|leaf Variable", "", "something that the gradient still needs is changed in place: write x = x + ... instead of x += ..."),
    Rule("backward through the graph a second time", "", "something that forward computed in an earlier call is kept in self and used again: compute it anew each time"),
    Rule(r"must be tuple of ints|out of bounds|must be int|empty\(\) received an invalid combination of arguments - got \(tuple, dtype", "a size is no whole number", "sizes are integers: divide them with //"),
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
    "ImportError": HERE,
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
    "BdbQuit": "a debugger waits for commands, and nobody types here: take out breakpoint() and set_trace()",
    "StdinNotImplementedError": "input() waits, and nobody types here: take it out",
    "URLError": "there is no network here, and none is needed: take out downloads",
    "HTTPError": "there is no network here, and none is needed: take out downloads",
    "gaierror": "there is no network here, and none is needed: take out downloads",
    "LinAlgError": "a matrix has no inverse or decomposition: attention needs none",
    "RuntimeError": "often a shape mismatch: print x.shape in each step, and use sizes that are all different",
    "BaseException": "make the class in a new cell with sizes that are all different, call it on torch.randn(2, 5, 11), and follow it to this line",
}  # fmt: skip


def by_kind(name: str) -> str:
    """The line for a kind of exception; for one of Python's own, that of the nearest kind which has one."""
    if name in KINDS:
        return KINDS[name]
    kind = getattr(builtins, name, None)
    ancestors = kind.__mro__ if isinstance(kind, type) and issubclass(kind, BaseException) else ()
    return next((KINDS[each.__name__] for each in ancestors if each.__name__ in KINDS), KINDS["BaseException"])
