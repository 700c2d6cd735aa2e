"""What work in a notebook leaves behind in a program: a debugger's stop, a class's name that was given to an object.

Why separate: `own_text` answers what stands at a line, these two what was meant by it. Nothing here runs anything.
"""

from __future__ import annotations

import ast

from autograder.judging.own_text import OwnText, Piece

# Modules whose functions wait for somebody to type; of IPython, a class of this homework needs nothing else either.
DEBUGGERS = frozenset({"pdb", "ipdb", "bdb", "pudb", "IPython", "debugpy", "wdb", "rpdb", "pdbpp", "web_pdb", "code"})
_STOPS = frozenset({"breakpoint", "set_trace", "post_mortem"})


def debugger(own: OwnText, line: int) -> Piece | None:
    """The statement at the line, if a debugger is called or imported there."""
    node = own.statement(line)
    if not isinstance(node, (ast.Expr, ast.Assign, ast.Import, ast.ImportFrom)):
        return None
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        found = any(each.module.partition(".")[0] in DEBUGGERS for each in own.imports() if each.line == node.lineno)
    else:
        bound = {each.bound for each in own.imports() if each.module.partition(".")[0] in DEBUGGERS}
        called = {_first(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
        found = bool((bound & called) or _STOPS & set(own.names(line)))
    return Piece(own.quoted(node), node.lineno) if found else None


def _first(node: ast.expr) -> str:
    """The name with which `pdb.set_trace` begins."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def given_to_an_object(own: OwnText, class_name: str) -> Piece | None:
    """The last statement that gives the class's name to something made by a class of the program: Head = Head(5, 7)."""
    classes = {node.name for node in own.tree.body if isinstance(node, ast.ClassDef)}
    last: ast.stmt | None = None
    for node in own.tree.body:
        if isinstance(node, ast.Assign) and class_name in {t.id for t in node.targets if isinstance(t, ast.Name)}:
            last = node
        elif isinstance(node, ast.ClassDef) and node.name == class_name:
            last = None
    made = last.value if isinstance(last, ast.Assign) else None
    if isinstance(made, ast.Call) and isinstance(made.func, ast.Name) and made.func.id in classes and last:
        return Piece(own.quoted(last), last.lineno)
    return None
