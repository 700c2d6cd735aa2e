"""Entries of a table of settings that nothing in the program reads: CONFIG = {"scale": 0.5, "activation": nn.GELU}.

Why separate: a table that both questions share comes along whole with whichever class reads one entry of it; what the
other question takes from it is no use of this one's. Only a table that is read by plain names is looked into: whoever
goes through its values, or hands it on, may use all of them.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence, Set

_TABLES = ("dict", "SimpleNamespace", "types.SimpleNamespace")


def idle(tree: ast.AST) -> frozenset[int]:
    """The ids of all nodes in entries that are never read, of tables and classes of settings at the top level."""
    tables = [(made, *table) for made in getattr(tree, "body", ()) for table in _tables(made)]
    if not tables:
        return frozenset()
    words, uses, plain = _read(tree)
    instances = [one for statement in getattr(tree, "body", ()) for one in _instances(statement)]
    unread = [
        value
        for made, name, entries in tables
        if _by_name(uses.get(name, ()), plain, made, *(where for where, _, of in instances if of == name))
        and all(_by_name(uses.get(cfg, ()), plain, where) for where, cfg, of in instances if of == name)
        for key, value in entries
        if words[key] == 1  # its own place in the table
    ]
    return frozenset(id(node) for value in unread for node in ast.walk(value))


def _tables(statement: ast.stmt) -> Iterator[tuple[str, list[tuple[str, ast.expr]]]]:
    """The name of a table of settings and its entries, if the statement makes one."""
    if isinstance(statement, ast.ClassDef):
        fields = [part for part in statement.body if isinstance(part, (ast.Assign, ast.AnnAssign))]
        words = [part for part in statement.body if isinstance(part, (ast.Pass, ast.Expr))]
        if len(fields) + len(words) == len(statement.body) and not statement.bases and not statement.keywords:
            yield statement.name, [pair for field in fields for pair in _field(field)]
    elif isinstance(statement, (ast.Assign, ast.AnnAssign)) and (name := _only_name(statement)):
        value = statement.value
        if isinstance(value, ast.Dict):
            pairs = zip(value.keys, value.values)
            yield name, [(str(k.value), v) for k, v in pairs if isinstance(k, ast.Constant)]
        elif isinstance(value, ast.Call) and not value.args and ast.unparse(value.func) in _TABLES:
            yield name, [(word.arg, word.value) for word in value.keywords if word.arg]


def _instances(statement: ast.stmt) -> Iterator[tuple[ast.stmt, str, str]]:
    """`cfg = Config(dim=64)`: the statement, its name, the class's. Settings may be read by an instance."""
    if isinstance(statement, (ast.Assign, ast.AnnAssign)) and (name := _only_name(statement)):
        value = statement.value
        alone = isinstance(value, ast.Call) and not value.args and all(word.arg for word in value.keywords)
        if alone and isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            yield statement, name, value.func.id


def _field(field: ast.Assign | ast.AnnAssign) -> Iterator[tuple[str, ast.expr]]:
    name = _only_name(field)
    if name and field.value is not None:
        yield name, field.value


def _only_name(statement: ast.Assign | ast.AnnAssign) -> str:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else ""


def _by_name(uses: Sequence[ast.Name], plain: Set[int], *made: ast.stmt) -> bool:
    """Whether each use of a table but where it is `made` is CONFIG["a"], CONFIG.a or CONFIG.get("a"); made once."""
    own = {id(node) for statement in made for node in ast.walk(statement)}
    others = [node for node in uses if id(node) not in own]
    return all(id(node) in plain and isinstance(node.ctx, ast.Load) for node in others)


def _gives_all(attribute: str) -> bool:
    """Whether a table's method or attribute of this name reaches entries that are not named there."""
    return attribute in ("values", "items", "get", "pop", "popitem", "setdefault", "update", "copy") or (
        attribute.startswith("__")
    )


def _read(tree: ast.AST) -> tuple[Counter[str], dict[str, list[ast.Name]], frozenset[int]]:
    """How often each word stands in the program as a name, an attribute, a keyword or a text; the nodes of each name;
    and the ids of those of which one entry is read, by a plain word."""
    words: Counter[str] = Counter()
    uses: dict[str, list[ast.Name]] = {}
    plain: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            words[node.id] += 1
            uses.setdefault(node.id, []).append(node)
        elif isinstance(node, ast.Attribute):
            words[node.attr] += 1
            if not _gives_all(node.attr):
                plain.add(id(node.value))
        elif isinstance(node, (ast.keyword, ast.arg)) and node.arg:
            words[node.arg] += 1
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words[node.value] += 1
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            plain.add(id(node.value))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _gets_one(node):
            plain.add(id(node.func.value))
    return words, uses, frozenset(plain)


def _gets_one(call: ast.Call) -> bool:
    named = isinstance(call.func, ast.Attribute) and call.func.attr == "get"
    return named and bool(call.args) and isinstance(call.args[0], ast.Constant)
