"""Why a class that is graded is not there to be run, and where it, or what may be meant, stands instead.

Why separate: the one sentence that a student reads when a whole question cannot be graded. Nothing here decides what
is executed.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Sequence

from autograder.core import policy
from autograder.core.records import Place
from autograder.handin.slicing.asides import Aside
from autograder.handin.slicing.remarks import place_of
from autograder.handin.slicing.statements import Broken, Chunk


def missing(
    chunks: Sequence[Chunk], broken: Sequence[Broken], class_name: str, file: str, aside: Aside | None = None
) -> str:
    """Why there is no program for `class_name`: it stands in unreadable lines, within something else, in a text
    cell (`aside`), has another name, or is not there."""
    for part in broken:
        if class_name in part.names or part.whole_cell:
            if cut := next((b for b in broken if b.cuts and class_name in b.cuts.names), None):
                return (
                    f"Looked for the class {class_name} in {file}: it breaks off at {cut.cuts and cut.cuts.place}, "
                    "where a line stands at the left edge and what follows is indented "
                    f"({cut.message}). Mend that, restart and run all cells, and hand in again."
                )
            return (
                f"Looked for the class {class_name} in {file}, but Python cannot read the lines at {part.place}: "
                f"{part.message}. {_template_hint(part)}Fix that line, restart and run all cells, and hand in again."
            )
    if owner := _nested_in(chunks, class_name):
        return (
            f"Looked for a class {class_name} in {file}: it stands inside {owner}, where nothing else can reach it. "
            "Move it out, to the beginning of the line, and hand in again."
        )
    similar = ", ".join(f"{name} ({place})" for name, place in _similar(chunks, class_name))
    if aside:
        other = f" Or is it one of these: {similar}? Then rename it to {class_name}." if similar else ""
        return (
            f"Looked for a class {class_name} in {file}: it {aside.words}. To mend that, {aside.fix}; then run all "
            f"cells, and hand in again.{other}"
        )
    if similar:
        return (
            f"Looked for a class {class_name} in {file} and found none. "
            f"Is it one of these: {similar}? Then rename it to {class_name}."
        )
    return (
        f"Looked for a class {class_name} in {file} and found none. "
        f"The notebook's template defines it as `class {class_name}(nn.Module)`: was that cell deleted or renamed?"
    )


def _template_hint(part: Broken) -> str:
    empty = "expected an indented block" in part.message
    return "A body of comments alone is empty: is this the template, not filled in yet? " if empty else ""


def _similar(chunks: Sequence[Chunk], class_name: str) -> list[tuple[str, Place]]:
    own = [
        (node.name, place_of(chunk, node))
        for chunk in chunks
        for top in chunk.nodes
        for node in ast.walk(top)
        if isinstance(node, ast.ClassDef)
        and node.name not in policy.POLICY.provided.classes
        and node.name not in {q.class_name for q in policy.POLICY.questions}
    ]
    lower = {name.lower().replace("_", ""): (name, place) for name, place in own}
    wanted = class_name.lower()
    close = difflib.get_close_matches(wanted, lower, n=3, cutoff=0.6)
    parts = ("attention", "head") if "attention" in wanted else ("layer", "encoder", "block")
    close += [key for key in lower if key not in close and any(part in key for part in parts)]
    return [lower[key] for key in close[:3]]


def _nested_in(chunks: Sequence[Chunk], class_name: str) -> str:
    """What the class is defined in, if that is another class or a function: "the class Multi (hw6.py line 3)"."""
    for chunk in chunks:
        stack: list[tuple[ast.AST, str]] = [(node, "") for node in chunk.nodes]
        while stack:
            node, owner = stack.pop()
            if isinstance(node, ast.ClassDef) and node.name == class_name and owner:
                return owner
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                kind = "class" if isinstance(node, ast.ClassDef) else "function"
                owner = f"the {kind} {node.name} ({place_of(chunk, node)})"
            stack += [(child, owner) for child in ast.iter_child_nodes(node)]
    return ""
