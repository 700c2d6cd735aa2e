"""What an expression stands for: canonical dotted paths such as "torch.nn.functional", or things of the student's own.

Why separate: every rule asks this one question. The answer is careful rather than clever: a name counts as torch's only
when its bindings say so, and where another value could stand under the same name the answer is marked as doubtful, so
that a rule can leave the points alone. Nothing here may judge, and nothing may be executed.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator

from autograder.handin.rules import calls, paths, torch_names
from autograder.handin.rules.constants import Folder
from autograder.handin.rules.links import Links, connect
from autograder.handin.rules.meaning import NOTHING, UNKNOWN, Meaning, Own, any_of, exactly
from autograder.handin.rules.scopes import Binding, Scope, Survey, survey

BUILTINS = frozenset(dir(builtins))
_DEPTH = 40  # steps from a name to what it stands for; honest programs need three
_MOST_STEPS = 30_000  # a program of 500 lines needs about 5000; beyond, staff are told that it was too tangled


class Resolver:
    """Answers `meaning(node)` for the expressions of one program; answers are kept, so that each is worked out once."""

    def __init__(self, tree: ast.Module) -> None:
        self.program: Survey = survey(tree)
        self._kept: dict[int, Meaning] = {}
        self._open: set[int] = set()
        self._steps = 0
        self._spent = False
        self._cuts = 0
        self.links = Links()
        self.folder = Folder(self._expressions, self.dotted)
        connect(self, self.program, self.links)

    @property
    def exhausted(self) -> bool:
        """Whether the program is too tangled to be followed to its end: what was not reached stays unknown."""
        return self._spent or self._steps > _MOST_STEPS

    def forget(self) -> None:
        """Drop the answers that were kept: something that they rest on has been added."""
        self._kept.clear()
        self._spent = self.exhausted
        self._steps = 0

    def meaning(self, node: ast.expr) -> Meaning:
        """What the expression stands for."""
        key = id(node)
        if key in self._kept:
            return self._kept[key]
        self._steps += 1
        if key in self._open or len(self._open) > _DEPTH or self._steps > _MOST_STEPS:
            self._cuts += 1
            return UNKNOWN
        cuts = self._cuts
        self._open.add(key)
        try:
            found = self._work_out(node)
        finally:
            self._open.discard(key)
        if not self._open or cuts == self._cuts:  # an answer from inside a circle may be incomplete
            self._kept[key] = found
        return found

    def dotted(self, node: ast.expr) -> str:
        """The one path that the expression surely stands for, or ""."""
        found = self.meaning(node)
        return next(iter(found.paths)) if len(found.things) == 1 and found.paths and not found.doubt else ""

    def texts(self, node: ast.expr) -> tuple[str, ...]:
        """The texts that an expression of constants may have, at most 16; none when that cannot be told."""
        return self.folder.texts(node)

    def returned(self, function: ast.AST) -> Iterable[ast.expr]:
        """What a function of the student's own gives back: the expression of each `return` in it."""
        return self.links.returned.get(id(function), ())

    def candidates(self, node: ast.Name) -> list[Binding] | None:
        """The bindings that a name may have where it stands; None when nothing in the program binds it."""
        seen = self.program.at.get(id(node))
        if seen is None:
            return None
        home = self._home(node.id, seen.scope)
        if home is None:
            return None
        bound = self.links.bindings(home, node.id)
        if home is not seen.scope or seen.in_loop:
            return bound
        before = [binding for binding in bound if binding.order <= seen.order]
        sure = max((i for i, binding in enumerate(before) if binding.sure), default=0)
        late = [binding for binding in bound if binding.order > seen.order and not binding.sure]
        if not before and home.is_class and home.parent is not None:  # `F = F` in a class is the module's F
            outer = self._home(node.id, home.parent)
            return None if outer is None else self.links.bindings(outer, node.id)
        return before[sure:] + late or bound

    def _home(self, name: str, scope: Scope) -> Scope | None:
        home: Scope | None = scope.elsewhere.get(name, scope)
        while home is not None and (name not in home.bindings or (home.is_class and home is not scope)):
            home = home.parent
        return home

    def _name(self, node: ast.Name) -> Meaning:
        bindings = self.candidates(node)
        if bindings is None:
            return self._unbound(node.id)
        meanings = [self._bound(binding) for binding in bindings]
        sure = max((i for i, binding in enumerate(bindings) if binding.sure), default=0)
        first_choice = [m for m, binding in zip(meanings[sure:], bindings[sure:]) if not binding.fallback]
        last = first_choice if any(m.paths for m in first_choice) else meanings[sure:]
        things = frozenset(thing for meaning in meanings for thing in meaning.things)
        rival = any(isinstance(t, Own) for m in last for t in m.things) and any(isinstance(t, str) for t in things)
        return Meaning(things, any(meaning.doubt for meaning in last) or rival or not any(m.things for m in last))

    def _unbound(self, name: str) -> Meaning:
        """A name that nothing binds is a builtin, or came with a star import: the last one that holds it."""
        doubt = False
        for star in reversed(self.program.stars):
            module = paths.canonical(star.module)
            if name in _star_names(module):
                return Meaning(frozenset({paths.canonical(f"{module}.{name}")}), doubt)
            doubt = doubt or name in torch_names.STAR_ELSEWHERE.get(module, frozenset({name}))
        return exactly(f"builtins.{name}") if name in BUILTINS or name == "__builtins__" else UNKNOWN

    def _bound(self, binding: Binding) -> Meaning:
        if binding.path:
            return exactly(paths.canonical(binding.path))
        if binding.definition is not None:
            return exactly(Own(binding.definition))
        if binding.instance_of is not None:
            return exactly(Own(binding.instance_of, instance=True))
        return any_of(self.meaning(each) for each in self._parts(binding))

    def _parts(self, binding: Binding) -> list[ast.expr]:
        """The expressions that the name may stand for, after taking the value apart."""
        current = [] if binding.value is None else [binding.value]
        for step in binding.steps:
            current = [part for each in current for part in self._elements(each, step)]
        return current

    def _elements(self, node: ast.expr, step: int | None) -> list[ast.expr]:
        found: list[ast.expr] = []
        for own in self.meaning(node).own:
            if isinstance(own.node, (ast.Tuple, ast.List, ast.Set)) and not own.instance:
                elements = own.node.elts
                found += elements if step is None else elements[step : step + 1]
            elif isinstance(own.node, ast.Dict) and step is None:
                found += [key for key in own.node.keys if key is not None]
        return found

    def _expressions(self, node: ast.Name) -> list[ast.expr]:
        """For folding: every expression that the name may stand for; none when one of them is unknown."""
        bindings = self.candidates(node) or []
        parts = [self._parts(binding) for binding in bindings]
        return [each for part in parts for each in part] if all(parts) else []

    def _work_out(self, node: ast.expr) -> Meaning:
        if isinstance(node, ast.Name):
            return self._name(node)
        if isinstance(node, ast.Attribute):
            return self.member(node.value, (node.attr,))
        if isinstance(node, ast.Call):
            return calls.called(self, node)
        if isinstance(node, ast.Subscript):
            return self._item(node)
        if isinstance(node, (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Lambda)):
            return exactly(Own(node))
        if isinstance(node, ast.Constant):
            return NOTHING
        if isinstance(node, (ast.NamedExpr, ast.Starred, ast.Await)):
            return self.meaning(node.value)
        # `(nn if x else y).name`: the student wrote both, so neither is a surprise.
        if isinstance(node, (ast.IfExp, ast.BoolOp)):
            parts = [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values
            both = any_of(map(self.meaning, parts))
            return Meaning(both.things, not both.things)
        return UNKNOWN

    def member(self, base: ast.expr, attributes: Iterable[str]) -> Meaning:
        """What `base.attribute` stands for, for any of the attributes (each may be dotted)."""
        owner = self.meaning(base)
        found: list[Meaning] = []
        for attribute in attributes:
            found += [exactly(paths.canonical(f"{path}.{attribute}")) for path in owner.paths]
            found += [self._own_member(own, attribute) for own in owner.own]
        answer = any_of(found)
        return Meaning(answer.things, answer.doubt or owner.doubt)

    def _own_member(self, own: Own, attribute: str) -> Meaning:
        """What an attribute of the student's own class, instance, function or namespace stands for."""
        if attribute == "__class__" and isinstance(own.node, ast.ClassDef):
            return exactly(Own(own.node))
        found: list[Meaning] = []
        for node in self._family(own.node):
            found += [self.meaning(value) for value in self.links.attributes.get((id(node), attribute), ())]
            if isinstance(node, ast.ClassDef):
                body = self.program.bodies[id(node)]
                found += [self._bound(binding) for binding in body.bindings.get(attribute, ())]
            elif isinstance(node, ast.Call):  # types.SimpleNamespace(F=F)
                found += [self.meaning(k.value) for k in node.keywords if k.arg == attribute]
            if found:
                break
        return any_of(found)

    def _family(self, node: ast.AST) -> Iterator[ast.AST]:
        """The thing itself, then the student's own classes that it inherits from, each once."""
        family = [node]
        for each in family:
            yield each
            for base in each.bases if isinstance(each, ast.ClassDef) else ():
                classes = [own.node for own in self.meaning(base).own if isinstance(own.node, ast.ClassDef)]
                family += [known for known in classes if known not in family]

    def _item(self, node: ast.Subscript) -> Meaning:
        owner = self.meaning(node.value)
        keys = self.folder.values(node.slice)
        texts = [key for key in keys if isinstance(key, str)]
        found = [self.entry(path, key) for path in owner.paths for key in texts]
        found += [any_of(map(self.meaning, self._entries(own, keys))) for own in owner.own]
        answer = any_of(found)
        return Meaning(answer.things, answer.doubt or owner.doubt)

    def entry(self, table: str, key: str) -> Meaning:
        """What `table[key]` is, for the tables that hold modules or their names: sys.modules, X.__dict__, globals()."""
        if table == "sys.modules":
            return exactly(paths.canonical(key))
        if table == "globals()":
            home = self.program.module.bindings.get(key)
            return any_of(map(self._bound, home)) if home else self._unbound(key)
        if table.endswith(".__dict__"):
            return exactly(paths.canonical(f"{table.removesuffix('.__dict__')}.{key}"))
        if table == "builtins.__builtins__":
            return exactly(f"builtins.{key}")
        return UNKNOWN

    def _entries(self, own: Own, keys: tuple[object, ...]) -> list[ast.expr]:
        """The elements of a literal under one of the keys; all of them when the keys are unknown."""
        node = own.node
        later = self.links.items.get(id(node), [])
        pairs: list[tuple[ast.expr | None, ast.expr]] = list(later)
        if isinstance(node, ast.Dict):
            pairs += list(zip(node.keys, node.values))
        if isinstance(node, ast.Call):
            pairs += [(ast.Constant(k.arg), k.value) for k in node.keywords if k.arg]
        if isinstance(node, (ast.Tuple, ast.List)) and not own.instance:
            pairs += [(ast.Constant(index), element) for index, element in enumerate(node.elts)]
            pairs += [(ast.Constant(index - len(node.elts)), element) for index, element in enumerate(node.elts)]
        if not keys:
            return [value for _, value in pairs]
        wanted = {key for key in keys if isinstance(key, (str, int))}
        return [
            v for k, v in pairs if k is None or wanted & {x for x in self.folder.values(k) if isinstance(x, (str, int))}
        ]


def _star_names(module: str) -> frozenset[str]:
    """The names that matter among those that `from module import *` brings."""
    if module == "torch":
        return torch_names.TORCH_ALSO
    if module == "torch.nn":
        return torch_names.NN_NAMES
    return torch_names.FUNCTIONAL_NAMES if module == "torch.nn.functional" else frozenset()
