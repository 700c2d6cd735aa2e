"""Mistakes of a training loop and of a changed ViT that reading shows: remarks beside a run that learned too little.

Why separate: the notebook's training is never run, so a mistake in it shows in no test, only in a poor accuracy. What
stands here says where to look. Loops are recognised by what they call, in functions of the notebook's own, too; what is
not surely a mistake is not mentioned. Nothing here costs a point.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from autograder.core.names import named
from autograder.core.records import Finding, Severity
from autograder.handin.slicing.remarks import place_of
from autograder.handin.slicing.statements import Chunk

RULE = "training-loop"
MOST = 6  # remarks; a notebook has one loop, or two
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LOOPS = (ast.For, ast.While)
_OPTIMIZERS = frozenset({"Adam", "AdamW", "SGD", "RMSprop", "Adagrad", "NAdam", "RAdam"})


class Mistake(NamedTuple):
    """What is wrong, at which node, and what mends it."""

    name: str
    node: ast.stmt | ast.expr
    found: str
    fix: str


def read_training(chunks: Sequence[Chunk]) -> tuple[Finding, ...]:
    """A remark for each mistake of a loop that trains, and of the notebook's own ViT."""
    notebook = _Notebook(chunks)
    found: list[Finding] = []
    for chunk in chunks:
        for node in chunk.nodes:
            for mistake in (*notebook.of_loops(node), *notebook.of_model(node)):
                place = place_of(chunk, mistake.node)
                found.append(
                    Finding(RULE, Severity.REMARK, mistake.found, "4c", mistake.name, place=place, fix=mistake.fix)
                )
    return tuple(found[:MOST])


class _Notebook:
    """The functions of the notebook by name, so that what a loop calls can be followed."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        nodes = [node for chunk in chunks for node in chunk.nodes]
        self._functions = {node.name: node for node in nodes if isinstance(node, _FUNCTIONS)}
        self._direct = {name: _called(node) for name, node in self._functions.items()}
        self._entropies = {name for node in nodes for name in _bound_to(node, "CrossEntropyLoss")}
        self._entropy = bool(self._entropies) or any(".cross_entropy" in _called(node) for node in nodes)

    def calls(self, node: ast.AST, *names: str) -> bool:
        """Whether one of these methods is called in it, or in a function of the notebook that it leads to."""
        found: set[str] = set()
        left = [_called(node)]
        while left:
            new = left.pop() - found
            found |= new
            left += [self._direct[name] for name in new if name in self._direct]
        return not found.isdisjoint(f".{name}" for name in names)

    def of_loops(self, node: ast.AST) -> Iterator[Mistake]:
        """Mistakes of each innermost loop that trains, and of the outermost around it."""
        for outer in _outermost(node):
            steps = self.calls(outer, "step") and self.calls(outer, "zero_grad")
            if not self.calls(outer, "backward") and not steps:
                continue
            inner = self._innermost(outer)
            yield from self._of_steps(inner)
            if self.calls(outer, "eval") and not self.calls(outer, "train"):
                yield Mistake(
                    "eval-mode",
                    outer,
                    "the model is set to eval mode in this loop and never back to train mode: from then on it trains"
                    " without dropout",
                    "call model.train() at the beginning of each epoch",
                )
            yield from self._of_losses(outer)

    def _innermost(self, loop: ast.For | ast.While) -> ast.For | ast.While:
        within = [part for part in ast.walk(loop) if isinstance(part, _LOOPS) and part is not loop]
        training = [part for part in within if self.calls(part, "backward", "step")]
        return self._innermost(training[0]) if training else loop

    def _of_steps(self, loop: ast.For | ast.While) -> Iterator[Mistake]:
        by_hand = any(isinstance(part, ast.Attribute) and part.attr == "grad" for part in ast.walk(loop))
        if not self.calls(loop, "zero_grad") and not by_hand:
            yield Mistake(
                "no-zero-grad",
                loop,
                "nothing sets the gradients back in this loop: each step adds its gradient to all those before",
                "call optimizer.zero_grad() before loss.backward()",
            )
        if not self.calls(loop, "step") and not by_hand:
            yield Mistake(
                "no-step",
                loop,
                "this loop works gradients out and takes no step: the weights stay as they are",
                "call optimizer.step() after loss.backward()",
            )
        if not self.calls(loop, "backward"):
            yield Mistake(
                "no-backward",
                loop,
                "this loop takes steps and works no gradient out: the weights stay as they are",
                "call loss.backward() before optimizer.step()",
            )
        for part in ast.walk(loop) if ".backward" in _called(loop) else ():
            if isinstance(part, ast.Call) and _name_of(part.func) in _OPTIMIZERS:
                yield Mistake(
                    "optimizer-in-the-loop",
                    part,
                    "a new optimizer is made for each batch, so that it forgets the steps before",
                    "make the optimizer once, before the loops",
                )

    def _of_losses(self, loop: ast.AST) -> Iterator[Mistake]:
        called = sorted(name for name in _called(loop) if name in self._functions)
        for scope in (loop, *(self._functions[name] for name in called)):
            given = list(_assigned(scope))
            soft = {_name_of(target) for target, value in given if isinstance(target, ast.Name) and _is_softmax(value)}
            soft -= {_name_of(target) for target, value in given if not _is_softmax(value)}
            for part in ast.walk(scope):
                if not isinstance(part, ast.Call) or not part.args:
                    continue
                entropy = _name_of(part.func) in {"cross_entropy", *self._entropies}
                first = part.args[0]
                if entropy and (_is_softmax(first) or (isinstance(first, ast.Name) and first.id in soft)):
                    yield _softmax_twice(part)

    def of_model(self, node: ast.AST) -> Iterator[Mistake]:
        """What the notebook's own ViT makes and does not use, and which token it reads."""
        if not isinstance(node, ast.ClassDef) or node.name != named("ViT"):
            return
        methods = {part.name: part for part in node.body if isinstance(part, _FUNCTIONS)}
        forward, made = methods.get("forward"), methods.get("__init__")
        if forward is None or made is None:
            return
        yield from _unused(made, [part for name, part in methods.items() if name != "__init__"])
        yield from _other_token(forward)
        returned = [part.value for part in ast.walk(forward) if isinstance(part, ast.Return) and part.value]
        if any(map(_is_softmax, returned)) and self._entropy:
            yield _softmax_twice(returned[-1])


def _softmax_twice(node: ast.expr) -> Mistake:
    return Mistake(
        "softmax-twice",
        node,
        "a softmax goes into the cross-entropy, which takes the softmax itself: with both, learning is slow",
        "give the loss the model's output as it is",
    )


def _unused(made: ast.AST, methods: Sequence[ast.AST]) -> Iterator[Mistake]:
    used = {part.attr for method in methods for part in ast.walk(method) if isinstance(part, ast.Attribute)}
    for target, value in _assigned(made):
        if isinstance(target, ast.Attribute) and _name_of(getattr(value, "func", value)) == "Parameter":
            kind = "position" if "pos" in target.attr else "class token" if _says_class(target.attr) else ""
            if kind and target.attr not in used:
                what = f"the {kind}{' of a token' if kind == 'position' else ''} (self.{target.attr})"
                yield Mistake(
                    f"no-{kind.replace(' ', '-')}",
                    target,
                    f"{what} is made in ViT.__init__ and not used in forward",
                    "the provided ViT puts the class token in front and adds a position to every token",
                )


def _says_class(name: str) -> bool:
    return "cls" in name or "class_tok" in name


def _other_token(forward: ast.AST) -> Iterator[Mistake]:
    """x[:, k] for another k than 0, where the class token is put in front; for one from the front, where it is last."""
    ends = list(_ends(forward))
    first = any(_says_class(ast.unparse(front)) for front, _ in ends)
    last = not first and any(_says_class(ast.unparse(back)) for _, back in ends)
    for part, number in _tokens_read(forward) if first or last else ():
        if number != 0 if first else number >= 0:
            yield Mistake(
                "another-token",
                part,
                f"`{ast.unparse(part)[:40]}` reads another token than the class token, which stands"
                f" {'in front' if first else 'at the end'}",
                "read the first token, x[:, 0]"
                if first
                else "put the class token in front, or read the last, x[:, -1]",
            )


def _ends(forward: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The first and the last of what is joined."""
    for part in ast.walk(forward):
        if isinstance(part, ast.Call) and part.args and _name_of(part.func) in ("cat", "concat"):
            parts = part.args[0]
            if isinstance(parts, (ast.List, ast.Tuple)) and parts.elts:
                yield parts.elts[0], parts.elts[-1]


def _tokens_read(forward: ast.AST) -> Iterator[tuple[ast.Subscript, int]]:
    """Each x[:, k] and its k, -1 for any that is counted from the end."""
    for part in ast.walk(forward):
        if not isinstance(part, ast.Subscript) or not isinstance(part.ctx, ast.Load):
            continue
        index = part.slice
        if isinstance(index, ast.Tuple) and len(index.elts) == 2 and isinstance(index.elts[0], ast.Slice):
            number = index.elts[1]
            if isinstance(number, ast.UnaryOp) and isinstance(number.operand, ast.Constant):
                yield part, -1
            elif isinstance(number, ast.Constant) and type(number.value) is int:
                yield part, number.value


# --- what calls say ---------------------------------------------------------------------------------------------------


def _outermost(node: ast.AST) -> Iterator[ast.For | ast.While]:
    if isinstance(node, _LOOPS):
        yield node
        return
    for part in ast.iter_child_nodes(node):
        yield from _outermost(part)


def _name_of(node: ast.AST) -> str:
    """The last name of a called thing: `step` of `optimizer.step`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _called(node: ast.AST) -> set[str]:
    """The names of the functions that are called in it, and methods with a point in front, but for a scheduler's."""
    found = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            found.add(part.func.id)
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            scheduler = "sched" in _name_of(part.func.value).lower()
            found.add("" if scheduler else f".{part.func.attr}")
    return found


def _is_softmax(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and (
        _name_of(node.func) == "softmax" or (isinstance(node.func, ast.Call) and _name_of(node.func.func) == "Softmax")
    )


def _bound_to(node: ast.AST, called: str) -> Iterator[str]:
    """The names that are given what a call of that name returns."""
    for target, value in _assigned(node):
        if (
            isinstance(target, (ast.Name, ast.Attribute))
            and isinstance(value, ast.Call)
            and _name_of(value.func) == called
        ):
            yield _name_of(target)


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    for part in ast.walk(node):
        if isinstance(part, ast.Assign):
            for target in part.targets:
                yield target, part.value
