"""What a top-level statement reads and binds WHILE IT RUNS, in order: not what its functions read when called.

Why separate: Python looks a name up at one of two times. Base classes, decorators, defaults and class bodies look now;
function bodies look later (`names` asks symtable for those). Here is only the "now" half. Nothing here resolves names.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autograder.handin.slicing import by_text

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Flow:
    """Names read from before, bound on some path, bound on every path, and deleted."""

    reads: frozenset[str] = _NONE
    maybe: frozenset[str] = _NONE
    surely: frozenset[str] = _NONE
    deletes: frozenset[str] = _NONE

    def then(self, after: Flow) -> Flow:
        """This, followed by `after`: what is surely bound here satisfies reads there."""
        return Flow(
            self.reads | (after.reads - self.surely),
            self.maybe | after.maybe,
            self.surely | after.surely,
            self.deletes | after.deletes,
        )

    def perhaps(self) -> Flow:
        """This, if it runs at all."""
        return Flow(self.reads, self.maybe, _NONE, self.deletes)


def flow(statements: Iterable[ast.stmt], *, lazy_annotations: bool) -> Flow:
    """The flow of `statements` run one after another."""
    total = Flow()
    for statement in statements:
        total = total.then(_statement(statement, lazy_annotations))
    return total


def _statement(node: ast.stmt, lazy: bool) -> Flow:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return _function(node, lazy)
    if isinstance(node, ast.ClassDef):
        inside = flow(node.body, lazy_annotations=lazy)
        outside = _all(node.decorator_list + node.bases + [keyword.value for keyword in node.keywords])
        return Flow((outside.reads | inside.reads) - _type_parameters(node)).then(_binds(node.name))
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return _binds(*(alias.asname or alias.name.partition(".")[0] for alias in node.names if alias.name != "*"))
    if isinstance(node, (ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.AsyncWith)):
        return _compound(node, lazy)
    if isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
        return _try(node, lazy)
    if isinstance(node, ast.Match):
        return _match(node, lazy)
    if type(node).__name__ == "TypeAlias":  # 3.12: the value is looked up when first asked for
        return _targets([getattr(node, "name")])  # noqa: B009  (absent before 3.12)
    return _simple(node, lazy)


def _simple(node: ast.stmt, lazy: bool) -> Flow:
    if isinstance(node, ast.Assign):
        return _expression(node.value).then(_targets(node.targets))
    if isinstance(node, ast.AugAssign):
        own = Flow(frozenset({node.target.id})) if isinstance(node.target, ast.Name) else Flow()
        return own.then(_expression(node.value)).then(_targets([node.target]))
    if isinstance(node, ast.AnnAssign):
        annotation = Flow() if lazy else _expression(node.annotation)
        target = _targets([node.target]) if node.value or not isinstance(node.target, ast.Name) else Flow()
        return annotation.then(_expression(node.value)).then(target)
    if isinstance(node, ast.Delete):
        names = frozenset(target.id for target in node.targets if isinstance(target, ast.Name))
        return _targets([t for t in node.targets if not isinstance(t, ast.Name)]).then(Flow(deletes=names))
    return _all(ast.iter_child_nodes(node))


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, lazy: bool) -> Flow:
    arguments = node.args
    now: list[ast.expr | None] = [*node.decorator_list, *arguments.defaults, *arguments.kw_defaults]
    if not lazy:
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        now += [argument.annotation for argument in every if argument] + [node.returns]
    return Flow(_all(now).reads - _type_parameters(node)).then(_binds(node.name))


def _compound(
    node: ast.For | ast.AsyncFor | ast.While | ast.If | ast.With | ast.AsyncWith,
    lazy: bool,
) -> Flow:
    body = flow(node.body, lazy_annotations=lazy)
    if isinstance(node, (ast.With, ast.AsyncWith)):
        head = Flow()
        for item in node.items:
            target = _targets([item.optional_vars]) if item.optional_vars else Flow()
            head = head.then(_expression(item.context_expr)).then(target)
        return head.then(body)
    otherwise = flow(node.orelse, lazy_annotations=lazy)
    if isinstance(node, ast.If):
        return _expression(node.test).then(_branches(node.test, body, otherwise))
    if isinstance(node, ast.While):
        return _expression(node.test).then(body.perhaps()).then(otherwise.perhaps())
    each = _targets([node.target]).then(body).then(_binds(*by_text.computed(node)))
    return _expression(node.iter).then(each.perhaps()).then(otherwise.perhaps())


def _branches(test: ast.expr, body: Flow, otherwise: Flow) -> Flow:
    if isinstance(test, ast.Constant) and test.value:
        return body
    return _either([body, otherwise])


def _either(branches: Sequence[Flow]) -> Flow:
    union = Flow()
    for branch in branches:
        union = Flow(union.reads | branch.reads, union.maybe | branch.maybe, _NONE, union.deletes | branch.deletes)
    surely = frozenset.intersection(*(branch.surely for branch in branches)) if branches else _NONE
    return Flow(union.reads, union.maybe, surely, union.deletes)


def _try(node: ast.stmt, lazy: bool) -> Flow:
    body, orelse, finalbody = (flow(getattr(node, part), lazy_annotations=lazy) for part in _TRY_PARTS)
    whole = body.then(orelse)
    ways = [whole]
    for handler in getattr(node, "handlers"):  # noqa: B009  (Try and TryStar share no type before 3.11)
        caught = _binds(handler.name) if handler.name else Flow()
        way = _expression(handler.type).then(caught).then(flow(handler.body, lazy_annotations=lazy))
        if handler.body and isinstance(handler.body[-1], ast.Raise):  # does not come out here: binds as the body does
            way = Flow(way.reads, way.maybe, whole.surely, way.deletes)
        ways.append(way)
    return _either(ways).then(finalbody)


_TRY_PARTS = ("body", "orelse", "finalbody")


def _match(node: ast.Match, lazy: bool) -> Flow:
    ways = [Flow()]
    for case in node.cases:
        captured = {getattr(part, "name", None) or getattr(part, "rest", None) for part in ast.walk(case.pattern)}
        reads = frozenset().union(*(_expression(part).reads for part in ast.walk(case.pattern) if _is_value(part)))
        head = Flow(reads).then(_binds(*(name for name in captured if name))).then(_expression(case.guard))
        ways.append(head.then(flow(case.body, lazy_annotations=lazy)))
    return _expression(node.subject).then(_either(ways))


def _is_value(part: ast.AST) -> bool:
    return isinstance(part, ast.expr)


def _binds(*names: str) -> Flow:
    bound = frozenset(names)
    return Flow(maybe=bound, surely=bound)


def _targets(targets: Iterable[ast.AST]) -> Flow:
    total = Flow()
    for target in targets:
        stored = (n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        total = total.then(_expression(target)).then(_binds(*stored, *by_text.stored(target)))
    return total


def _all(nodes: Iterable[ast.AST | None]) -> Flow:
    total = Flow()
    for node in nodes:
        total = total.then(_expression(node))
    return total


def _expression(node: ast.AST | None) -> Flow:
    """What evaluating `node` reads, and what walruses in it bind; a lambda's body is for later."""
    if node is None:
        return Flow()
    if isinstance(node, ast.Name):
        return Flow(frozenset({node.id})) if isinstance(node.ctx, ast.Load) else Flow()
    if isinstance(node, ast.Lambda):
        return _all([*node.args.defaults, *node.args.kw_defaults])
    if isinstance(node, ast.Call) and (names := by_text.bound(node)):
        return _all(ast.iter_child_nodes(node)).then(_binds(*names))
    if name := by_text.loaded(node):
        return Flow(frozenset({name}))
    if isinstance(node, ast.NamedExpr):
        return _expression(node.value).then(_binds(node.target.id))
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        inside = _all(ast.iter_child_nodes(node))
        loops = (name for generator in node.generators for name in ast.walk(generator.target))
        own = frozenset(name.id for name in loops if isinstance(name, ast.Name))
        return Flow(_expression(node.generators[0].iter).reads | (inside.reads - own), inside.maybe)
    return _all(ast.iter_child_nodes(node))


def _type_parameters(node: ast.stmt) -> frozenset[str]:
    return frozenset(parameter.name for parameter in getattr(node, "type_params", ()))
