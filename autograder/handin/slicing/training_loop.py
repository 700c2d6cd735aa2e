"""Mistakes of a training loop and of a changed ViT that reading shows: remarks beside a run that learned too little.

Why separate: the notebook's training is never run, so a mistake in it shows in no test, only in a poor accuracy. What
stands here says where to look. Loops are recognised by what they call, in functions of the notebook's own, too; what is
not surely a mistake is not mentioned. Nothing here costs a point.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence

from autograder.core.records import Finding, Severity
from autograder.handin.slicing.remarks import place_of
from autograder.handin.slicing.statements import Chunk
from autograder.handin.slicing.training_calls import (
    FUNCTIONS,
    LOOPS,
    OPTIMIZERS,
    Mistake,
    assigned,
    bound_to,
    called,
    is_softmax,
    name_of,
    outermost,
    softmax_twice,
    within,
)
from autograder.handin.slicing.training_data import Sets
from autograder.handin.slicing.training_model import of_model
from autograder.handin.slicing.training_steps import Steps

RULE = "training-loop"
MOST = 6  # remarks; a notebook has one loop, or two


def read_training(chunks: Sequence[Chunk]) -> tuple[Finding, ...]:
    """A remark for each mistake of a loop that trains, and of the notebook's own ViT."""
    notebook = _Notebook(chunks)
    homes = {id(part): chunk for chunk in chunks for node in chunk.nodes for part in within(node)}
    found = [_finding(homes, mistake) for chunk in chunks for node in chunk.nodes for mistake in notebook.of(node)]
    return tuple(dict.fromkeys(found))[:MOST]  # a function that two loops call is read twice


def _finding(homes: Mapping[int, Chunk], mistake: Mistake) -> Finding:
    place = place_of(homes[id(mistake.node)], mistake.node)
    return Finding(RULE, Severity.REMARK, mistake.found, "4c", mistake.name, place=place, fix=mistake.fix)


class _Notebook:
    """The functions of the notebook by name, so that what a loop calls can be followed."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        nodes = [node for chunk in chunks for node in chunk.nodes]
        self._sets, self._steps = Sets(nodes), Steps(nodes)
        self._functions = {node.name: node for node in nodes if isinstance(node, FUNCTIONS)}
        self._direct = {name: called(node) for name, node in self._functions.items()}
        self._entropies = {name for node in nodes for name in bound_to(node, "CrossEntropyLoss")}
        self._likelihoods = {"nll_loss", *(name for node in nodes for name in bound_to(node, "NLLLoss"))}
        self._losses = {name for node in nodes for target, value in assigned(node) if (name := _loss(target, value))}
        self._logarithm = any(not _LOGARITHMS.isdisjoint(called(node)) for node in nodes)
        self._entropy = bool(self._entropies) or any(".cross_entropy" in called(node) for node in nodes)

    def calls(self, node: ast.AST, *names: str) -> bool:
        """Whether one of these methods is called in it, or in a function of the notebook that it leads to."""
        found: set[str] = set()
        left = [called(node)]
        while left:
            new = left.pop() - found
            found |= new
            left += [self._direct[name] for name in new if name in self._direct]
        return not found.isdisjoint(f".{name}" for name in names)

    def of(self, node: ast.AST) -> Iterator[Mistake]:
        """The mistakes of one statement of the notebook."""
        loops = [loop for loop in outermost(node) if self._trains(loop)]
        yield from self._of_loops(loops)
        yield from of_model(node, entropy=self._entropy)
        yield from self._steps.of(node, [self._innermost(loop) for loop in loops])
        yield from self._sets.of(node)

    def _trains(self, loop: ast.AST) -> bool:
        return self.calls(loop, "backward") or (self.calls(loop, "step") and self.calls(loop, "zero_grad"))

    def _of_loops(self, loops: Sequence[ast.For | ast.While]) -> Iterator[Mistake]:
        """Mistakes of each innermost loop that trains, and of the outermost around it."""
        for outer in loops:
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
        inside = [part for part in within(loop) if isinstance(part, LOOPS) and part is not loop]
        training = [part for part in inside if self.calls(part, "backward", "step")]
        return self._innermost(training[0]) if training else loop

    def _of_steps(self, loop: ast.For | ast.While) -> Iterator[Mistake]:
        by_hand = any(isinstance(part, ast.Attribute) and part.attr == "grad" for part in within(loop))
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
        for part in within(loop) if ".backward" in called(loop) else ():
            if isinstance(part, ast.Call) and name_of(part.func) in OPTIMIZERS:
                yield Mistake(
                    "optimizer-in-the-loop",
                    part,
                    "a new optimizer is made for each batch, so that it forgets the steps before",
                    "make the optimizer once, before the loops",
                )

    def _of_losses(self, loop: ast.AST) -> Iterator[Mistake]:
        names = sorted(name for name in called(loop) if name in self._functions)
        for scope in (loop, *(self._functions[name] for name in names)):
            soft, hard = _only(is_softmax, scope), _only(_is_argmax, scope) | _chosen(scope)
            for part in within(scope):
                if not isinstance(part, ast.Call) or not part.args:
                    continue
                name, first = name_of(part.func), part.args[0]
                plain = _converted(first)
                held = plain.id if isinstance(plain, ast.Name) else ""
                if name in {"cross_entropy", *self._entropies} and (is_softmax(first) or held in soft):
                    yield softmax_twice(part)
                elif name in {*_LOSSES, *self._losses} and (_is_argmax(first) or held in hard):
                    yield _ARGMAX._replace(node=part)
                elif name in self._likelihoods and not self._logarithm:
                    yield _LIKELIHOOD._replace(node=part)


_LOSSES = frozenset({"cross_entropy", "nll_loss", "mse_loss", "l1_loss"})
_LOGARITHMS = frozenset({
    "log_softmax", ".log_softmax", "LogSoftmax", ".LogSoftmax", "log", ".log", "logsumexp", ".logsumexp",
})  # fmt: skip
_NOWHERE = ast.Constant(None)
_ARGMAX = Mistake(
    "argmax-in-the-loss",
    _NOWHERE,
    "the digit that is chosen (argmax) goes into the loss: a choice has no gradient, so nothing is learned from it",
    "give the loss the model's ten outputs as they are",
)
_LIKELIHOOD = Mistake(
    "nll-of-raw-outputs",
    _NOWHERE,
    "the negative log-likelihood takes logarithms of probabilities, and is given the model's outputs as they are",
    "nn.CrossEntropyLoss takes them as they are; nn.NLLLoss needs log_softmax before it",
)


def _loss(target: ast.expr, value: ast.expr) -> str:
    """The name of a loss that is made: criterion = nn.MSELoss()."""
    loss = isinstance(value, ast.Call) and name_of(value.func).endswith("Loss")
    return name_of(target) if loss else ""


def _is_argmax(node: ast.AST) -> bool:
    """Whether it is a call of argmax, converted to another type perhaps."""
    call = _converted(node)
    return isinstance(call, ast.Call) and name_of(call.func) == "argmax"


def _converted(node: ast.AST) -> ast.AST:
    """`guess` of `guess.float()`."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _TYPES:
        node = node.func.value
    return node


_TYPES = frozenset({"float", "double", "to", "type", "long"})


def _chosen(scope: ast.AST) -> set[str]:
    """`guess` of `_, guess = torch.max(output, 1)`, where it is given nothing else."""
    names = [name_of(part) for target, _ in assigned(scope) for part in within(target)]
    found = {
        name_of(target.elts[1])
        for target, value in assigned(scope)
        if isinstance(target, ast.Tuple) and len(target.elts) == 2
        if isinstance(value, ast.Call) and name_of(value.func) == "max" and (len(value.args) > 1 or value.keywords)
    }
    return {name for name in found if name and names.count(name) == 1}


def _only(kind: Callable[[ast.AST], bool], scope: ast.AST) -> set[str]:
    """Names that are given such values, and no others, in it."""
    given = [(name_of(target), value) for target, value in assigned(scope) if isinstance(target, ast.Name)]
    return {name for name, value in given if kind(value)} - {name for name, value in given if not kind(value)}
