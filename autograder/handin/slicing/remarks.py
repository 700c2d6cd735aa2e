"""What reading alone tells the student about their classes: left unfilled, defined twice, edited, imported, misnamed.

Why separate: none of it changes what is executed, but that the template's stubs below the student's own are put aside.
Nothing here costs a point.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from autograder.core import policy
from autograder.core.records import Finding, Place, Severity
from autograder.handin.slicing.backward import binders
from autograder.handin.slicing.statements import Broken, Chunk

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SHOWN = 10  # findings about unreadable lines; more would bury the rest


def syntax(broken: Sequence[Broken]) -> tuple[Finding, ...]:
    """One remark for each place that could not be read."""
    shown = [
        Finding(
            rule="syntax",
            severity=Severity.REMARK,
            message=f"Python cannot read these lines, so they were left out: {part.message}",
            place=part.place,
            fix="fix or delete them, then choose Runtime > Restart and run all to see that every cell still runs",
        )
        for part in broken[:_SHOWN]
    ]
    if len(broken) > _SHOWN:
        more = f"Python cannot read {len(broken) - _SHOWN} more places; they were left out as well"
        shown.append(Finding(rule="syntax", severity=Severity.REMARK, message=more, place=broken[_SHOWN].place))
    return tuple(shown)


def cut_off(chunks: Sequence[Chunk], broken: Sequence[Broken], class_name: str) -> Place | None:
    """Where the class that is used ends too early: its next lines stand below a line at the left edge."""
    for index in binders(chunks, class_name)[-1:]:
        cell = [chunk for chunk in chunks if _cell(chunk.places[0]) == _cell(chunks[index].places[0])]
        after = [chunk.places[0].line for chunk in cell if chunk.places[0].line > chunks[index].places[-1].line]
        for part in broken:
            cut, last = part.cuts, chunks[index].places[-1]
            if cut is None or class_name not in cut.names or _cell(cut.place) != _cell(last):
                continue
            if last.line < cut.place.line < min(after, default=math.inf):
                return cut.place
    return None


def _cell(place: Place) -> tuple[str, int | None]:
    return place.file, place.cell


def unfilled(chunks: Sequence[Chunk], question: str, class_name: str) -> Iterator[Finding]:
    """Methods of the wanted class whose body is still the template's."""
    places = binders(chunks, class_name)
    for chunk in [chunks[i] for i in places[-1:]]:
        for node in _classes(chunk.nodes, class_name):
            for where, what in _empty_parts(node):
                yield Finding(
                    rule="unfilled",
                    severity=Severity.REMARK,
                    message=f"{what} seems to be the unfilled template: its body does nothing yet",
                    question=question,
                    construct=what,
                    place=place_of(chunk, where),
                    fix="write your solution there, then run the public tests again",
                )


def _empty_parts(node: ast.ClassDef) -> Iterator[tuple[ast.stmt, str]]:
    if _does_nothing(node.body) and not node.decorator_list:
        yield node, node.name
    for method in node.body:
        if isinstance(method, _FUNCTIONS) and method.name == "forward" and _does_nothing(method.body):
            yield method, f"{node.name}.{method.name}"


def without_late_stubs(
    chunks: Sequence[Chunk], classes: Mapping[str, str]
) -> tuple[tuple[Chunk, ...], tuple[Finding, ...]]:
    """The statements without the template's classes that stand below the student's own: pasted again, or never filled.

    `classes`: the names of the graded ones by question.
    """
    kept, found, filled = [], [], set[str]()
    for chunk in chunks:
        node = chunk.nodes[0]
        if len(chunk.nodes) > 1 or not isinstance(node, ast.ClassDef) or node.name not in classes.values():
            kept.append(chunk)
        elif _is_blank(node) and node.name in filled:
            found.append(_late(chunk, node.name, next(number for number, name in classes.items() if name == node.name)))
        else:
            kept.append(chunk)
            filled |= set() if _is_blank(node) else {node.name}
    return tuple(kept), tuple(found)


def _late(chunk: Chunk, class_name: str, question: str) -> Finding:
    return Finding(
        rule="late-stub",
        severity=Severity.REMARK,
        message=f"the template's unfilled {class_name} stands below yours and would replace it; yours is graded",
        question=question,
        construct=class_name,
        place=chunk.places[0],
        fix="delete the unfilled one: when all cells are run again, it is the one that counts",
    )


def absent(chunks: Sequence[Chunk], broken: Sequence[Broken], class_name: str) -> bool:
    """Whether the class is not there at all, or no more of it than the template has. What cannot be read is there."""
    if any(class_name in part.names or part.whole_cell for part in broken):
        return False
    last = [node for i in binders(chunks, class_name)[-1:] for node in _classes(chunks[i].nodes, class_name)]
    return all(map(_is_blank, last)) if last else not binders(chunks, class_name)


def _is_blank(node: ast.ClassDef) -> bool:
    """The template's class: an empty forward, or none at all on top of nothing but nn.Module."""
    methods = {method.name: method for method in node.body if isinstance(method, _FUNCTIONS)}
    bases = {getattr(base, "attr", getattr(base, "id", "")) for base in node.bases}
    bare = bases <= {"Module"} and not node.decorator_list
    return _does_nothing(methods["forward"].body) if "forward" in methods else bare and _does_nothing(node.body)


def _does_nothing(body: Sequence[ast.stmt]) -> bool:
    return all(_is_filler(statement) for statement in body)


def _is_filler(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)  # docstring, or ...
    if isinstance(node, ast.Raise):
        return "NotImplemented" in ast.dump(node)
    if isinstance(node, ast.Return):
        return node.value is None or (isinstance(node.value, ast.Constant) and node.value.value in (None, ...))
    return isinstance(node, ast.Pass)


def defined_twice(chunks: Sequence[Chunk], question: str, class_name: str) -> Iterator[Finding]:
    """Definitions that do not build on one another: the last is graded, as in a notebook that is run from the top."""
    places = binders(chunks, class_name)
    if len(places) < 2 or any(class_name in chunks[i].names.flow.reads for i in places):
        return
    first, last = chunks[places[0]], chunks[places[-1]]
    yield Finding(
        rule="defined-twice",
        severity=Severity.REMARK,
        message=f"{class_name} is defined {len(places)} times, first at {first.places[0]}; the last one is graded",
        question=question,
        construct=class_name,
        place=last.places[0],
        fix="keep only the definition that you want graded",
    )


def edited_provided(chunks: Sequence[Chunk], provided: str) -> Iterator[Finding]:
    """Provided classes that the student changed. `provided` is the source of our copies ("" when there is none)."""
    ours = {node.name: node for node in ast.parse(provided).body if isinstance(node, ast.ClassDef)}
    for name in policy.POLICY.provided.classes:
        for chunk in [chunks[i] for i in binders(chunks, name)[-1:]]:
            for node in _classes(chunk.nodes, name):
                if name in ours and not _alike(node, ours[name]):
                    yield Finding(
                        rule="edited-provided",
                        severity=Severity.REMARK,
                        message=f"your {name} is written differently from the grader's copy, which is used instead",
                        construct=name,
                        place=place_of(chunk, node),
                        fix="nothing, unless you changed it on purpose: then check your classes with the original",
                    )


def same_interface(chunks: Sequence[Chunk], provided: str, name: str) -> bool:
    """Whether the student's class of a provided name is made as ours is: an edit of it, and not another class.

    Its arguments are ours, some left out, or as many as ours under other names.
    """
    ours = next((a for n in ast.parse(provided).body for a in _made_with(n, name)), [])
    nodes = [node for i in binders(chunks, name)[-1:] for node in _classes(chunks[i].nodes, name)]
    own = next((a for node in nodes for a in _made_with(node, name)), [])
    return len(own) >= len(ours) or own == [argument for argument in ours if argument in own]


def _made_with(node: ast.stmt, name: str) -> Iterator[list[str]]:
    """The positional arguments of the class's __init__, without self."""
    if isinstance(node, ast.ClassDef) and node.name == name:
        for part in node.body:
            if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                yield [argument.arg for argument in (*part.args.posonlyargs, *part.args.args)][1:]


def _alike(one: ast.ClassDef, other: ast.ClassDef) -> bool:
    return ast.dump(one) == ast.dump(other) or _shape(one) == _shape(other)  # most leave it as it was


def _shape(node: ast.ClassDef) -> str:
    """The class without what changes nothing in what it computes: docstrings, annotations, what variables are called,
    and whether an argument is handed over by its name."""
    copy = ast.parse(ast.unparse(node)).body[0]
    for part in ast.walk(copy):
        if isinstance(part, (ast.ClassDef, *_FUNCTIONS)):
            text = [s for s in part.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
            part.body = text or [ast.Pass()]
        if isinstance(part, _FUNCTIONS):
            part.returns = None
            _rename(part)
        if isinstance(part, ast.arg):
            part.annotation = None
        if isinstance(part, ast.Call):
            part.args = [*part.args, *(word.value for word in part.keywords if word.arg)]
            part.keywords = [word for word in part.keywords if not word.arg]
            if isinstance(part.func, ast.Name) and part.func.id == "super":
                part.args = []
    return ast.dump(copy)


def _rename(function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    """Calls the variables of a function by the order in which they appear; what it is called with keeps its names."""
    parts = [part for part in ast.walk(function) if isinstance(part, ast.Name)]
    given = {part.arg for part in ast.walk(function) if isinstance(part, ast.arg)}
    own = {part.id for part in parts if isinstance(part.ctx, ast.Store)} - given
    called: dict[str, str] = {}
    for part in parts:
        if part.id in own:
            part.id = called.setdefault(part.id, f"variable {len(called)}")


def local_imports(chunks: Iterable[Chunk], question: str, beside: frozenset[str]) -> Iterator[Finding]:
    """Kept imports of a .py file that lies beside the submission and is not there when the class is run."""
    for chunk in chunks:
        for node in chunk.nodes:
            for part in ast.walk(node):
                for name in _imported(part):
                    if name in beside:
                        yield Finding(
                            rule="local-import",
                            severity=Severity.REMARK,
                            message=f"this imports your own file {name}.py, which is not there when your class is run",
                            question=question,
                            construct=name,
                            place=place_of(chunk, part) if isinstance(part, ast.stmt) else chunk.places[0],
                            fix=f"paste what you need from {name}.py into the notebook, in place of the import",
                        )


def _imported(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Import):
        return tuple(alias.name.partition(".")[0] for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return (node.module.partition(".")[0],) if node.module else tuple(alias.name for alias in node.names)
    return ()


def _classes(nodes: Iterable[ast.stmt], name: str) -> Iterator[ast.ClassDef]:
    for node in nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.ClassDef) and part.name == name:
                yield part


def place_of(chunk: Chunk, node: ast.stmt | ast.expr) -> Place:
    """Where a statement of the chunk stands in what was handed in."""
    return chunk.places[min(max(node.lineno - chunk.first, 0), len(chunk.places) - 1)]
