"""What the notebook's own `ViT(...)` and `run_training_loop(...)` calls ask for: read, never run.

Why separate: the handout names sizes and a schedule for 4(c), and a trained model can be rebuilt only when its sizes
are known. Constants are folded as the rules fold them; what cannot be told is left out, and nothing is said about it. A
value that differs is a remark. Nothing here costs a point.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from autograder.core.names import named
from autograder.core.policy import TRAINING
from autograder.core.records import Cell, Finding, Run, Severity
from autograder.handin.rules.resolve import Resolver
from autograder.handin.slicing.statements import Chunk
from autograder.handin.slicing.trained import Search

MODEL, LOOP = named("ViT"), "run_training_loop"
LARGEST = 10**6  # no size of this homework has seven digits
# What the loop's two parameters are called, in the template and in people's own loops.
_LOOP_NAMES = {
    "epochs": ("n_epochs", "epochs", "num_epochs", "n_epoch", "nepochs", "max_epochs"),
    "batch_size": ("batch_size", "batch", "bs", "batchsize"),
}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Arguments = Mapping[str, ast.expr]


class _Call(NamedTuple):
    """A call, and which of the notebook's statements it stands in."""

    at: int
    node: ast.Call


def read_run(cells: Sequence[Cell], chunks: Sequence[Chunk], provided: str) -> tuple[Run, tuple[Finding, ...]]:
    """(the values that could be told, a remark for each call that asks for others than the handout).

    Of several runs it is the last one whose cell has saved outputs, else the last one. `provided` is the source of our
    copies, for the defaults of a ViT that the notebook does not define.
    """
    loops, models = _calls(chunks, LOOP), _calls(chunks, MODEL)
    if not loops and not models:
        return Run(), ()
    shown = {cell.number for cell in cells if cell.outputs or cell.images}
    loop = next((c for c in reversed(loops) if chunks[c.at].places[0].cell in shown), loops[-1] if loops else None)
    try:
        return _read(chunks, loop, models, _definition(provided, MODEL) if provided else None)
    except (RecursionError, MemoryError):  # too tangled to be followed: then nothing is said
        return Run(), ()


def _read(
    chunks: Sequence[Chunk], loop: _Call | None, models: Sequence[_Call], ours: ast.AST | None
) -> tuple[Run, tuple[Finding, ...]]:
    start = loop or models[-1]
    reached, _ = Search(chunks).from_cell(chunks[start.at].places[0].cell)
    kept = sorted(reached | {start.at})
    tree = ast.Module([node for index in kept for node in chunks[index].nodes], [])
    resolver = Resolver(tree)
    made = _made(resolver, loop, [call for call in models if call.at in kept] or models)
    sizes, schedule = Run().model, Run().loop
    found: list[Finding] = []
    if made:
        sizes = _numbers(resolver, _arguments(resolver, made.node, _definition(tree, MODEL) or ours))
        found += _differing(chunks, made, MODEL, sizes, TRAINING.sizes)
    if loop:
        given = _arguments(resolver, loop.node, _definition(tree, LOOP))
        named = {key: given[name] for key, names in _LOOP_NAMES.items() for name in names[::-1] if name in given}
        schedule = _numbers(resolver, named)
        found += _differing(
            chunks, loop, LOOP, schedule, {"epochs": TRAINING.epochs, "batch_size": TRAINING.batch_size}
        )
    return Run(sizes, schedule), tuple(found)


def _calls(chunks: Sequence[Chunk], name: str) -> list[_Call]:
    """Every call by that name, in order; not those in the classes and functions of that name itself."""
    return [
        _Call(index, part)
        for index, chunk in enumerate(chunks)
        if name in chunk.names.flow.reads | chunk.names.later
        for node in chunk.nodes
        if getattr(node, "name", "") != name
        for part in sorted(_called(node, name), key=lambda call: (call.lineno, call.col_offset))
    ]


def _called(node: ast.AST, name: str) -> Iterator[ast.Call]:
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == name:
            yield part


def _made(resolver: Resolver, loop: _Call | None, models: Sequence[_Call]) -> _Call | None:
    """The call that makes the trained model: what the loop's argument stands for, else the last one before the loop."""
    given = [*loop.node.args, *(k.value for k in loop.node.keywords if k.arg == "model")] if loop else []
    for expression in given[:1]:
        bound = resolver.candidates(expression) or [] if isinstance(expression, ast.Name) else []
        values = [binding.value for binding in bound if binding.value is not None] or [expression]
        within = {id(call) for value in values for call in _called(value, MODEL)}
        if meant := [call for call in models if id(call.node) in within]:
            return meant[-1]
    before = [call for call in models if loop is None or call.at <= loop.at]
    return next(reversed(before or models), None)


def _definition(source: ast.AST | str, name: str) -> ast.AST | None:
    """The last class or function of that name at the top."""
    body = getattr(ast.parse(source) if isinstance(source, str) else source, "body", [])
    return next((node for node in reversed(body) if getattr(node, "name", "") == name), None)


def _arguments(resolver: Resolver, call: ast.Call, definition: ast.AST | None) -> Arguments:
    """What the call gives by parameter name, and the defaults of what it leaves out. What is unclear is not in it."""
    names, defaults = _signature(definition)
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return {}
    given = dict(zip(names, call.args))
    unclear = False
    for keyword in call.keywords:
        if keyword.arg:
            given[keyword.arg] = keyword.value
        else:
            entries = _entries(resolver, keyword.value)
            given |= entries or {}
            unclear = unclear or entries is None
    return given if unclear else {**defaults, **given}


def _signature(definition: ast.AST | None) -> tuple[list[str], dict[str, ast.expr]]:
    """(names of the positional parameters, defaults by name) of a function, or of a class's __init__ without self."""
    if isinstance(definition, ast.ClassDef):
        inits = [n for n in definition.body if isinstance(n, _FUNCTIONS) and n.name == "__init__"]
        names, defaults = _signature(inits[-1]) if inits else ([], {})
        return names[1:], defaults
    if not isinstance(definition, _FUNCTIONS):
        return [], {}
    own = definition.args
    names = [argument.arg for argument in (*own.posonlyargs, *own.args)]
    late = zip(names[len(names) - len(own.defaults) :], own.defaults)
    keyed = ((a.arg, value) for a, value in zip(own.kwonlyargs, own.kw_defaults) if value is not None)
    return names, {**dict(late), **dict(keyed)}


def _entries(resolver: Resolver, node: ast.expr) -> dict[str, ast.expr] | None:
    """The entries of the one dict literal that `node` stands for; None when it cannot be told."""
    own = [each.node for each in resolver.meaning(node).own]
    if len(own) != 1 or not isinstance(own[0], ast.Dict) or resolver.links.items.get(id(own[0])):
        return None
    keys = [resolver.folder.texts(key) if key is not None else () for key in own[0].keys]
    return {key[0]: value for key, value in zip(keys, own[0].values) if len(key) == 1}


def _numbers(resolver: Resolver, arguments: Arguments) -> dict[str, int]:
    found = {name: _value(resolver, value) for name, value in arguments.items()}
    return {name: number for name, number in found.items() if number is not None}


def _value(resolver: Resolver, node: ast.expr) -> int | None:
    """The one whole number that the expression surely is."""
    if isinstance(node, ast.Subscript):
        entries, keys = _entries(resolver, node.value) or {}, resolver.folder.texts(node.slice)
        if len(keys) != 1 or keys[0] not in entries:
            return None
        node = entries[keys[0]]
    values = set(resolver.folder.values(node)) if not isinstance(node, (ast.List, ast.Tuple)) else set()
    number = values.pop() if len(values) == 1 else None
    return number if type(number) is int and 0 < number < LARGEST else None


def _differing(
    chunks: Sequence[Chunk], call: _Call, name: str, found: Mapping[str, int], asked: Mapping[str, int]
) -> Iterator[Finding]:
    others = [
        f"{key} {found[key]} (asked for: {value})" for key, value in asked.items() if found.get(key, value) != value
    ]
    if not others:
        return
    chunk = chunks[call.at]
    place = chunk.places[min(max(call.node.lineno - chunk.first, 0), len(chunk.places) - 1)]
    yield Finding(
        rule="hyper-parameters",
        severity=Severity.REMARK,
        message=f"the training seems to be of other values than handout 4(c) asks for: {name} with {', '.join(others)}",
        question="4c",
        construct=name,
        place=place,
        fix="nothing is lost by this remark; if it was not on purpose, train once more with the handout's values",
    )
