"""What staff should look at, as data: builtins, modules, attributes and methods that no answer to this homework needs.

Why separate: it is policy, and grows. Being listed here costs nobody a point. Nothing here may look at a program.
"""

from __future__ import annotations

# Builtins whose use is flagged wherever the name is taken up.
_BUILTINS = frozenset(
    {"exec", "eval", "compile", "__import__", "globals", "__builtins__", "breakpoint", "open", "input"}
)

# Whole modules: starting processes, talking to the system, walking the interpreter, hiding text.
_MODULES = (
    "os subprocess socket signal threading multiprocessing inspect gc ctypes marshal pickle codecs base64 "
    "binascii zlib importlib builtins pkgutil runpy code atexit mmap fcntl resource shutil shelve dill "
    "cloudpickle joblib concurrent asyncio pydoc unittest doctest timeit cProfile pdb bdb trace linecache copyreg "
    "zipfile yaml jsonpickle faulthandler tracemalloc dis ast opcode symtable _thread urllib requests http cffi "
    "sysconfig zipimport autograder"
).split()

# Parts of modules that are otherwise harmless.
_PATHS = (
    "sys.modules sys._getframe sys._current_frames sys.settrace sys.setprofile sys.meta_path sys.path "
    "sys.path_hooks sys.path_importer_cache sys.exit sys.addaudithook types.FunctionType types.CodeType "
    "types.ModuleType types.MethodType traceback.walk_stack torch.ops torch.overrides "
    "torch.utils._python_dispatch torch.library torch.utils.cpp_extension torch.utils._pytree torch.classes "
    "torch.load torch.save torch.hub torch.package torch.jit.CompilationUnit torch.jit.load torch.jit.frontend "
    "numpy.load pandas.eval logging.config string.Formatter torch.serialization torch.fx torch.multiprocessing "
    "typing.get_type_hints operator.methodcaller"
).split()

# Attributes by which one thing of the interpreter leads to all others, on whatever they are asked for.
ATTRIBUTES = frozenset(
    """
    __subclasses__ __mro__ mro __bases__ __base__ __globals__ __builtins__ __code__ __closure__ __getattribute__
    __annotations__ __loader__ __spec__ __torch_function__ __torch_dispatch__ __reduce__ __reduce_ex__ f_back f_globals
    __wrapped__ _op_dk redispatch
    f_locals f_builtins tb_frame gi_frame cr_frame ag_frame as_subclass _make_subclass _make_wrapper_subclass
    """.split()
)

# Methods that change how the interpreter or torch sees an object.
METHODS = frozenset(
    """
    __torch_function__ __torch_dispatch__ __instancecheck__ __subclasscheck__ __class__ __getattribute__ __reduce__
    __reduce_ex__ __del__ __init_subclass__ __set_name__ __class_getitem__
    """.split()
)

BASES = frozenset({"torch.Tensor", "torch.nn.Parameter", "torch.autograd.Function", "torch.autograd.function.Function"})

# Calls that give the names of a scope as a table.
TABLES = frozenset({"builtins.globals", "builtins.locals", "builtins.vars"})

# Builtins that do much with a plain value: flagged when given to another function.
POWERS = frozenset(f"builtins.{name}" for name in ("getattr", "exec", "eval", "compile", "__import__", "vars"))

# Functions that import by name: harmless with the name spelled out, which is followed.
IMPORTERS = frozenset({"importlib.import_module", "builtins.__import__", "importlib.__import__"})

# Functions that only look at a module, or whose result is followed: giving them one hides nothing.
READERS = frozenset(
    f"builtins.{name}"
    for name in "getattr hasattr setattr delattr vars print repr str type id isinstance issubclass callable".split()
)

# Settings of torch that are meant to be assigned to.
SETTINGS = ("torch.backends.", "numpy.", "matplotlib.", "warnings.")


def flagged_path(path: str) -> str:
    """The construct to flag for a canonical path ("os" things by their full path), or "" when it is harmless."""
    root, _, rest = path.partition(".")
    if root == "builtins":
        name = rest.partition(".")[0]
        return name if name in _BUILTINS else ""
    if root in _MODULES:
        return path if rest else ""  # naming the module is not yet using it
    for known in _PATHS:
        if path == known or path.startswith(known + "."):
            return known
    if root == "torch":
        return _private(rest)
    return ""


def _private(rest: str) -> str:
    """torch's internals: any part of the path with a leading underscore that is no dunder and no in-place method."""
    parts = rest.split(".")
    for index, part in enumerate(parts):
        if part.startswith("_") and not part.startswith("__"):
            return ".".join(["torch", *parts[: index + 1]])
    return ""
