"""The backward slice: from one class, which statements it needs, and in which order they are run.

Why separate: this is where "last definition wins" is decided, and it is pure: facts in, indices out. Nothing here
reads or edits text.

A need is a name and a time. Names read while statement i runs are needed at time i, from the latest definition before
it; names that a function reads when called are needed at the time of the call, and for the class itself that is END.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field

from autograder.handin.slicing.statements import Chunk, is_future

_LOOPS = (ast.For, ast.AsyncFor, ast.While)
# What a loop that only counts calls, as functions and as methods of lists, dictionaries and texts.
_QUICK = frozenset(
    "range len round int float str bool enumerate zip sorted reversed min max sum abs pow list dict tuple set print"
    " isinstance append extend update add setdefault get items keys values format join split strip lower upper"
    " replace".split()
)
_FEW_PARTS = 80  # nodes of its tree: a loop that fills a table has 30
_BUILTINS = frozenset(dir(builtins))
_RECORDS = sys.stdlib_module_names | {"annotated_types", "attr", "attrs", "omegaconf", "pydantic", "typing_extensions"}
_MODULE_OWN = frozenset({"__name__", "__file__", "__doc__", "__builtins__", "__annotations__", "__class__"})
# Builtin names that a star import of these modules replaces: `from torch import *` brings its own max, sum and abs.
_REPLACED_BY_STAR = frozenset({"abs", "all", "any", "max", "min", "pow", "range", "round", "sum"})
_REPLACING_MODULES = frozenset({"torch", "numpy", "math", "cmath", "operator"})


@dataclass(frozen=True)
class Slice:
    """Indices of the needed statements in the order in which they are run, and the names that nothing binds."""

    order: tuple[int, ...]
    unresolved: frozenset[str]


@dataclass(frozen=True)
class _Index:
    """Where every name is bound, deleted and changed: ascending indices of usable statements."""

    bound: dict[str, list[int]]
    deleted: dict[str, list[int]]
    assigned_to: dict[str, list[int]]
    methods_on: dict[str, list[int]]
    bound_by_call: dict[str, list[int]]
    changed_by_call: dict[str, list[int]]


@dataclass
class _Search:
    """What is known while searching. Lives for one call of `backward_slice`."""

    chunks: Sequence[Chunk]
    given: frozenset[str]
    index: _Index
    usable: tuple[int, ...]
    end: int
    home: int = -1
    kept: set[int] = field(default_factory=set)
    before: dict[int, int] = field(default_factory=dict)  # imports that run earlier than they stand
    unresolved: set[str] = field(default_factory=set)
    builtin: set[str] = field(default_factory=set)
    needs: list[tuple[str, int]] = field(default_factory=list)
    seen: set[tuple[object, int]] = field(default_factory=set)


def backward_slice(
    chunks: Sequence[Chunk], class_name: str, given: frozenset[str], also: Iterable[int] = ()
) -> Slice | None:
    """What `class_name` and the statements `also` need. `given` names come from outside: never followed.

    None: nothing binds the class.
    """
    search = _search(chunks, given)
    home = _binders(search, class_name, search.end)
    if not home:
        return None
    search.home = home[0]
    _follow(search, class_name, search.end)
    for index in also:
        _keep(search, index, search.end)
        search.needs.extend((name, index) for name in chunks[index].names.flow.deletes)
    _run(search)
    _add_dotted_imports(search)
    _add_star_imports(search)
    _add_fields(search)
    _run(search)
    futures = [i for i in search.usable if all(map(is_future, chunks[i].nodes))]
    rest = sorted(search.kept - set(futures), key=lambda i: (search.before.get(i, i), i not in search.before, i))
    return Slice((*futures, *rest), frozenset(search.unresolved))


def binders(chunks: Sequence[Chunk], name: str) -> tuple[int, ...]:
    """Every statement that binds `name`, in order (`if __name__ == "__main__"` aside)."""
    return tuple(_search(chunks, frozenset()).index.bound.get(name, ()))


def _search(chunks: Sequence[Chunk], given: frozenset[str]) -> _Search:
    usable = tuple(i for i, chunk in enumerate(chunks) if not is_main_guard(chunk))
    return _Search(chunks, given, _index(chunks, usable), usable, len(chunks))


def _index(chunks: Sequence[Chunk], usable: Sequence[int]) -> _Index:
    facts = [(i, chunks[i].names) for i in usable]
    functions = [names for i, names in facts if isinstance(chunks[i].nodes[0], (ast.FunctionDef, ast.AsyncFunctionDef))]
    binds = _inverted((n.flow.maybe, n.binds_when_called) for n in functions)
    changes = _inverted((n.flow.maybe, n.changes_when_called) for n in functions)
    return _Index(
        bound=_where((i, n.flow.maybe) for i, n in facts),
        deleted=_where((i, n.flow.deletes) for i, n in facts),
        assigned_to=_where((i, n.assigned_to) for i, n in facts),
        methods_on=_where((i, n.methods_on) for i, n in facts),
        bound_by_call=_where((i, {name for call in n.calls for name in binds.get(call, ())}) for i, n in facts),
        changed_by_call=_where((i, {name for call in n.calls for name in changes.get(call, ())}) for i, n in facts),
    )


def _where(facts: Iterable[tuple[int, Set[str]]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index, names in facts:
        for name in names:
            found.setdefault(name, []).append(index)
    return found


def _inverted(pairs: Iterable[tuple[Set[str], Set[str]]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for functions, names in pairs:
        for function in functions:
            found.setdefault(function, set()).update(names)
    return found


def _run(search: _Search) -> None:
    while search.needs:
        name, time = search.needs.pop()
        if (name, time) not in search.seen and name not in search.given:
            search.seen.add((name, time))
            _follow(search, name, time)


def _follow(search: _Search, name: str, time: int) -> None:
    found = _binders(search, name, time)
    if not found:
        _follow_unbound(search, name, time)
        return
    for index in (*found, *_changers(search, name, found, time)):
        _keep(search, index, time)


def _keep(search: _Search, index: int, time: int) -> None:
    if (index, time) in search.seen:
        return
    search.seen.add((index, time))
    search.kept.add(index)
    names = search.chunks[index].names
    search.needs.extend((name, index) for name in names.flow.reads)
    search.needs.extend((name, time) for name in names.later)


def _binders(search: _Search, name: str, time: int) -> list[int]:
    """The statements that make `name` what it is at `time`, latest first: one that surely binds it ends the search."""
    chunks = search.chunks
    if name in _BUILTINS and search.home >= 0:  # `sum = 0` in a cell after the class is scratch, not a definition
        time = min(time, search.home)
    binding = [i for i in reversed(search.index.bound.get(name, ())) if i < time]
    if name in _BUILTINS:
        deleted = [i for i in search.index.deleted.get(name, ()) if i < time]
        if deleted and (not binding or deleted[-1] > binding[0]):
            return []
    # a loop in a cell after the class is scratch, whatever it binds: `for n in range(9)`
    binding = [i for i in binding if not _is_loop(chunks[i], only_counts=i < search.home)] or binding[:1]
    plain = [i for i in binding if not _only_dotted(chunks[i], name)]
    found: list[int] = []
    for index in plain or binding[:1]:
        found.append(index)
        if name in chunks[index].names.flow.surely:
            break
    return found


def _changers(search: _Search, name: str, found: list[int], time: int) -> Iterator[int]:
    """Statements after the definition that change what the name holds."""
    index = search.index
    changing = {*index.assigned_to.get(name, ()), *index.changed_by_call.get(name, ())}
    imported = any(isinstance(node, (ast.Import, ast.ImportFrom)) for i in found for node in search.chunks[i].nodes)
    if imported:  # settings such as torch.backends.x = y stay; a training loop is not run for the sake of one
        changing = {i for i in changing if not _is_loop(search.chunks[i])}
    else:  # sys.path.append and the like are calls on what is not theirs
        changing.update(index.methods_on.get(name, ()))
    before = {i for i in changing if found[-1] < i < time}
    return iter(sorted(before | set(_changed_later(search, name, found, time))))


def _changed_later(search: _Search, name: str, found: list[int], time: int) -> Iterator[int]:
    """Attributes that a class is given after `time`, and that what is kept so far reads: its heirs have them, too."""
    if not isinstance(search.chunks[found[0]].nodes[0], ast.ClassDef):
        return
    again = min((i for i in search.index.bound.get(name, ()) if i >= time), default=search.end)  # then it is another
    later = [i for i in search.index.assigned_to.get(name, ()) if time <= i < again]
    read = _attributes(search, {*search.kept, *found}, ast.Load) if later else set()
    yield from (i for i in later if _attributes(search, {i}, ast.Store) & read)


def _attributes(search: _Search, chunks: Set[int], context: type[ast.expr_context]) -> set[str]:
    parts = (part for i in chunks for node in search.chunks[i].nodes for part in ast.walk(node))
    return {part.attr for part in parts if isinstance(part, ast.Attribute) and isinstance(part.ctx, context)}


def _follow_unbound(search: _Search, name: str, time: int) -> None:
    chunks = search.chunks
    anywhere = search.index.bound.get(name, ())
    imports = [i for i in anywhere if all(isinstance(n, (ast.Import, ast.ImportFrom)) for n in chunks[i].nodes)]
    callers = [i for i in search.index.bound_by_call.get(name, ()) if i < time]
    if callers:
        _keep(search, callers[-1], time)
    elif name in _BUILTINS:
        search.builtin.add(name)
    elif imports and time < search.end:  # an import in a cell further down: run before what needs it
        search.before[imports[0]] = min(search.before.get(imports[0], time), time)
        _keep(search, imports[0], time)
    elif name not in _MODULE_OWN and not (time < search.end and name in chunks[time].names.flow.maybe):
        search.unresolved.add(name)
        for index in (i for i in search.usable if i < time and chunks[i].names.fills):
            _keep(search, index, time)  # it may be one of the names that are worked out there


def _add_dotted_imports(search: _Search) -> None:
    """`import torch.utils.checkpoint` beside `import torch`: kept when that very module is used."""
    used = {chain for i in search.kept for chain in search.chunks[i].names.chains}
    for index in sorted(set(search.usable) - search.kept):
        for module in search.chunks[index].names.dotted:
            if any(chain == module or chain.startswith(module + ".") for chain in used):
                _keep(search, index, search.end)


def _add_star_imports(search: _Search) -> None:
    for index in sorted(set(search.usable) - search.kept):
        for module in search.chunks[index].names.stars:
            replaces = module.partition(".")[0] in _REPLACING_MODULES and search.builtin & _REPLACED_BY_STAR
            if search.unresolved or replaces:
                _keep(search, index, search.end)


def _add_fields(search: _Search) -> None:
    """What the annotations of a record name (pydantic looks them up): a class or an import that stands above it."""
    for index in sorted(search.kept):
        for name in search.chunks[index].names.fields - search.given:
            for binder in [i for i in search.index.bound.get(name, ()) if i < index][-1:]:
                if all(map(_is_of_records, search.chunks[binder].nodes)):
                    _keep(search, binder, search.end)


def _is_of_records(node: ast.stmt) -> bool:
    """A class, or an import of a small module: of the others, what only an annotation names is not worth its time."""
    if isinstance(node, ast.ImportFrom):
        return not node.level and (node.module or "").partition(".")[0] in _RECORDS
    return (
        isinstance(node, ast.ClassDef) or isinstance(node, ast.Import) and all(a.name in _RECORDS for a in node.names)
    )


def _only_dotted(chunk: Chunk, name: str) -> bool:
    """Whether the chunk binds `name` by nothing but `import name.part`."""
    aliases = [alias for node in chunk.nodes if isinstance(node, ast.Import) for alias in node.names]
    simple = all(isinstance(node, ast.Import) for node in chunk.nodes)
    return simple and all((a.asname or a.name) != name for a in aliases)


def _is_loop(chunk: Chunk, *, only_counts: bool = False) -> bool:
    """A loop, which may be a training. `only_counts`: but for one that counts, or fills a list, as a statement does."""
    return all(isinstance(node, _LOOPS) and not (only_counts and _only_counts(node)) for node in chunk.nodes)


def _only_counts(node: ast.stmt) -> bool:
    """Whether every call in it is a quick one of Python's own; `while` needs a comparison to end by."""
    parts = list(ast.walk(node))
    called = (part.func for part in parts if isinstance(part, ast.Call))
    names = {getattr(function, "attr", getattr(function, "id", "")) for function in called}
    ends = all(isinstance(part.test, ast.Compare) for part in parts if isinstance(part, ast.While))
    return names <= _QUICK and ends and len(parts) <= _FEW_PARTS


def is_main_guard(chunk: Chunk) -> bool:
    """`if __name__ == "__main__":` is for running the file, which nobody does here."""
    node = chunk.nodes[0]
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and any(isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test))
        and any(isinstance(part, ast.Constant) and part.value == "__main__" for part in ast.walk(node.test))
    )
