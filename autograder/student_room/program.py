"""Runs the text of a student's program and says where it went wrong.

The text is run statement by statement, so that an import which fails binds a stand-in and costs nothing unless the
class really uses it. Line numbers are those of the text, which is the very text that was checked.
"""

from __future__ import annotations
import __future__

import ast
import functools
import linecache
import sys
import types

# By part: a conversation runs one program, and one about the whole model two, the heads' before the layer's.
FILENAMES = ("<hw6>", "<hw6, layer>")
MODULES = ("hw6", "hw6_layer")
FILE = "/submission/hw6.py"  # what a script finds as its own place: nothing lies there
MAX_TEXT = 2000


class Absent:
    """Stands for a name whose import failed; using it raises that import's error."""

    def __init__(self, name: str, error: BaseException) -> None:
        self.__dict__["_why"] = f"{name} could not be imported here: {type(error).__name__}: {error}"

    def __getattr__(self, name: str) -> object:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        raise ImportError(self.__dict__["_why"])

    def __call__(self, *args: object, **kwargs: object) -> object:
        raise ImportError(self.__dict__["_why"])

    # As the base of a class, with square brackets, in a loop or a `with`, and in isinstance: Python asks the type.
    __mro_entries__ = __getitem__ = __iter__ = __enter__ = __exit__ = __instancecheck__ = __call__


def run(text: str, given: dict[str, object], part: int = 0) -> dict[str, object]:
    """Executes the program in a fresh module that already holds the given names; returns its namespace."""
    filename = FILENAMES[part]
    module = types.ModuleType(MODULES[part])
    sys.modules[MODULES[part]] = sys.modules["__main__"] = module  # as in a notebook: `import __main__` is the program
    namespace = module.__dict__
    # A script has a file, and every notebook has display; a definition of the program's own comes later.
    namespace.update(__file__=FILE, display=_display)
    namespace.update(given)
    # inspect.getsource and torch.jit.script look here for the source
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    for statement, code in _compiled(text, filename):
        try:
            exec(code, namespace)
        except Exception as error:
            if not isinstance(statement, (ast.Import, ast.ImportFrom)):
                raise
            for alias in statement.names:
                _import_alone(statement, alias, namespace, error)
    return namespace


@functools.lru_cache(4)  # most conversations of a process run the program of the one before
def _compiled(text: str, filename: str) -> list[tuple[ast.stmt, types.CodeType]]:
    """Every statement with its code. Raises what Python raises of a text that it cannot read."""
    tree = ast.parse(text, filename)
    # Annotations are not evaluated: they may name what is not installed here, and nothing of a class depends on them.
    flags = _future_flags(tree) | __future__.annotations.compiler_flag
    return [
        (statement, compile(ast.Module([statement], []), filename, "exec", flags=flags, dont_inherit=True))
        for statement in tree.body
    ]


def _import_alone(
    statement: ast.Import | ast.ImportFrom, alias: ast.alias, namespace: dict[str, object], error: Exception
) -> None:
    """One name of an import that failed, by itself: another name of the same line may be the one that is not there."""
    name = (alias.asname or alias.name).split(".")[0]
    module = statement.module if isinstance(statement, ast.ImportFrom) and not statement.level else None
    if module == "typing":  # what a newer Python has there, torch brings along for older ones
        newer = getattr(sys.modules.get("typing_extensions"), alias.name, None)
        if newer is not None:
            namespace[name] = newer
            return
    fields = {"names": [alias]} if isinstance(statement, ast.Import) else {
        "module": statement.module, "names": [alias], "level": statement.level}  # fmt: skip
    alone = ast.copy_location(type(statement)(**fields), statement)
    try:
        exec(compile(ast.Module([alone], []), "<import>", "exec", dont_inherit=True), namespace)
    except Exception as own:
        namespace[name] = Absent(name, own if len(statement.names) > 1 else error)


def prepare() -> None:
    """A script that looks for its arguments finds none: what is there is the grader's own."""
    sys.argv = [FILE]


def forget() -> None:
    """Lets go of the modules of all programs, and so of what they hold."""
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.modules["__main__"] = types.ModuleType("__main__")


def _display(*things: object, **options: object) -> None:
    """Stands for the notebook's display: shows each thing on a line of its own."""
    for thing in things:
        print(repr(thing))


def _future_flags(tree: ast.Module) -> int:
    flags = 0
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            for alias in statement.names:
                flags |= getattr(__future__, alias.name).compiler_flag
    return flags


def describe(error: BaseException) -> dict[str, object]:
    """The error as plain data: type name, text, and the last line of the program that was on the stack.

    The text is the student's own (an exception may have any name and `__str__`): the trusted room sanitises it.
    """
    line, function, part = 0, "", 0
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if code.co_filename in FILENAMES:
            line, function, part = step.tb_lineno, code.co_name, FILENAMES.index(code.co_filename)
        step = step.tb_next
    if isinstance(error, SyntaxError) and error.filename in FILENAMES:
        line, part = error.lineno or 0, FILENAMES.index(error.filename)
    try:
        text = str(error).encode("utf-8", "replace").decode()
    except Exception:
        text = "(its text cannot be shown)"
    told = {"error": type(error).__name__[:100], "detail": text[:MAX_TEXT]}
    return {**told, "line": line, "function": function[:100], "part": part}
