"""A program under other names and in another order: what a copy looks like that somebody took pains with."""

from __future__ import annotations

import ast
import random
import re


class _Rename(ast.NodeTransformer):
    def __init__(self, own: set[str], draw: random.Random) -> None:
        self._own, self._draw, self._new = own, draw, dict[str, str]()

    def _name(self, name: str) -> str:
        return self._new.setdefault(name, f"other_{self._draw.randrange(10**6)}") if name in self._own else name

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._name(node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        own = isinstance(node.value, ast.Name) and node.value.id == "self"
        value = self.visit(node.value)
        return ast.Attribute(value, self._name(node.attr) if own else node.attr, node.ctx)


def disguised(text: str, seed: int) -> str:
    """The same program: every name of its own is another one, layers are made in another order, comments are gone."""
    draw, tree = random.Random(seed), ast.parse(text)
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    stored |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
    stored -= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    lines, block = list[str](), list[str]()
    for line in [*ast.unparse(_Rename(stored, draw).visit(tree)).splitlines(), ""]:
        if re.match(r"\s+self\.\w+ = nn\.", line):
            block.append(line)
        else:
            draw.shuffle(block)
            lines += [*block, line]
            block = []
    return "\n".join(lines)
