"""Program text inside a program: what a constant given to exec, eval or compile says, and what a pickle names.

Why separate: such text runs, so it is read by the same rules as the rest. It is only parsed, by us, never executed and
never unpickled: `pickletools` lists a pickle's instructions without carrying them out.
"""

from __future__ import annotations

import ast
import pickletools
import textwrap
import warnings
from collections.abc import Iterator

from autograder.core.errors import UNPARSABLE
from autograder.handin.rules import paths
from autograder.handin.rules.resolve import Resolver
from autograder.handin.rules.uses import Use, spelled

_RUNNERS = frozenset({"builtins.exec", "builtins.eval", "builtins.compile"})
_UNPICKLERS = frozenset({"pickle.loads", "_pickle.loads", "dill.loads", "cloudpickle.loads", "joblib.loads"})


def programs(resolver: Resolver) -> Iterator[tuple[int, ast.Module, tuple[Use, ...]]]:
    """(line, tree, what it imports) of every constant text that the program runs.

    The imports of the program itself stand before the text. Its own imports are uses: what it binds leaves by a table.
    """
    imports = list(_imports(resolver))
    for seen in resolver.program.seen:
        node = seen.node
        if not isinstance(node, ast.Call) or not node.args or resolver.dotted(node.func) not in _RUNNERS:
            continue
        for value in resolver.folder.values(node.args[0]):
            tree = _parsed(value)
            if tree is not None:
                yield node.lineno, ast.Module([*imports, *tree.body], []), tuple(_imported(tree, node))


def parsed(text: str) -> ast.Module:
    """The syntax tree of `text`, as `ast.parse` gives or refuses it, without its remarks on style ("\\d")."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _imports(resolver: Resolver) -> Iterator[ast.stmt]:
    for seen in resolver.program.seen:
        if isinstance(seen.node, (ast.Import, ast.ImportFrom)):
            yield seen.node


def _imported(tree: ast.Module, call: ast.Call) -> Iterator[Use]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                path = paths.canonical(f"{node.module}.{alias.name}")
                yield Use(frozenset({path}), False, call.lineno, spelled(call), False, call)


def _parsed(value: object) -> ast.Module | None:
    try:
        text = value.decode("utf-8") if isinstance(value, bytes) else value
        return parsed(textwrap.dedent(text).strip()) if isinstance(text, str) else None
    except UNPARSABLE:
        return None


def pickled(resolver: Resolver) -> Iterator[Use]:
    """A use for every global that a constant pickle names."""
    for seen in resolver.program.seen:
        node = seen.node
        if not isinstance(node, ast.Call) or not node.args or resolver.dotted(node.func) not in _UNPICKLERS:
            continue
        for value in resolver.folder.values(node.args[0]):
            for path in _globals_of(value if isinstance(value, bytes) else b""):
                yield Use(frozenset({paths.canonical(path)}), False, node.lineno, spelled(node), False, node)


def _globals_of(data: bytes) -> Iterator[str]:
    texts: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name in ("GLOBAL", "INST"):
                yield str(argument).replace(" ", ".")
            elif opcode.name == "STACK_GLOBAL" and len(texts) >= 2:
                yield ".".join(texts[-2:])
            elif isinstance(argument, str):
                texts.append(argument)
    except (ValueError, UnicodeDecodeError, IndexError, EOFError, AttributeError):
        return
