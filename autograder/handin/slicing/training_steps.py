"""Mistakes with what takes the steps that reading shows: another model's optimizer, a schedule that runs too fast.

Why separate: which object is meant is told by following assignments in their order, which nothing else of a loop needs.
What is not surely a mistake is not mentioned.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence

from autograder.handin.slicing.training_calls import (
    FUNCTIONS,
    LOOPS,
    OPTIMIZERS,
    Mistake,
    assigned,
    called,
    name_of,
    reached,
    within,
)

# What a schedule is made with when it counts epochs: a run of batches has thousands.
EPOCHS = 100
_COUNTED = {"StepLR": ("step_size", 1), "CosineAnnealingLR": ("T_max", 1), "MultiStepLR": ("milestones", 1)}
_WITHOUT_GRADIENT = frozenset({"no_grad", "inference_mode"})


class Steps:
    """The optimizers and schedules of a notebook, and the models that they are made for."""

    def __init__(self, nodes: Sequence[ast.stmt]) -> None:
        made = [pair for node in nodes for pair in assigned(node)]
        self._schedules = {name_of(target) for target, value in made if _counts_epochs(value)}
        functions = [part for node in nodes for part in within(node) if isinstance(part, FUNCTIONS)]
        named = {function.name: function for function in functions}
        self._others = {
            id(loop): mistake
            for body, known in ((nodes, named), *((function.body, {}) for function in functions))
            for at, loop in enumerate(body)
            if isinstance(loop, LOOPS)
            for mistake in _of_another_model(body[:at], list(reached(loop, known)))
        }

    def of(self, node: ast.AST, inner: Sequence[ast.For | ast.While]) -> Iterator[Mistake]:
        """The mistakes of one statement of the notebook; `inner`: its loops over batches."""
        for loop in inner:
            yield from self._too_fast(loop)
        yield from _without_gradient(node)
        yield from (self._others[id(part)] for part in within(node) if id(part) in self._others)

    def _too_fast(self, loop: ast.For | ast.While) -> Iterator[Mistake]:
        """`scheduler.step()` beside the optimizer's, in a loop over batches."""
        over_batches = isinstance(loop, ast.For) and name_of(getattr(loop.iter, "func", loop)) not in (
            "range",
            "trange",
        )
        bodies = [part.body for part in within(loop) if isinstance(part, (ast.For, ast.If, ast.With))]
        for body in bodies if over_batches else ():
            calls = [part.value for part in body if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call)]
            if not any(name_of(call.func) == "backward" for call in calls):
                continue
            for call in calls:
                of = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr == "step" else call
                if name_of(of) in self._schedules:
                    yield Mistake(
                        "schedule-of-batches",
                        call,
                        f"`{ast.unparse(call)[:40]}` is called after each batch, and the schedule counts epochs: the"
                        " learning rate has run through it before the first epoch ends",
                        "call it once an epoch, after the loop over the batches",
                    )


def _counts_epochs(value: ast.expr) -> bool:
    """Whether it is a schedule whose numbers are of epochs."""
    if not isinstance(value, ast.Call):
        return False
    if name_of(value.func) == "ExponentialLR":
        return True
    name, at = _COUNTED.get(name_of(value.func), ("", 0))
    given = [k.value for k in value.keywords if k.arg == name] or (value.args[at : at + 1] if name else [])
    numbers = given[0].elts if given and isinstance(given[0], (ast.List, ast.Tuple)) else given
    told = [number.value for number in numbers if isinstance(number, ast.Constant)]
    return bool(told) and len(told) == len(numbers) and all(type(n) is int and n <= EPOCHS for n in told)


def _without_gradient(node: ast.AST) -> Iterator[Mistake]:
    """A `backward` where no gradient is kept."""
    for part in within(node):
        heads: list[ast.expr] = []
        if isinstance(part, (ast.With, ast.AsyncWith)):
            heads = [item.context_expr for item in part.items]
        elif isinstance(part, FUNCTIONS):
            heads = part.decorator_list
        off = any(_keeps_none(head) for head in heads)
        if off and ".backward" in called(part) and not called(part) & {".enable_grad", "enable_grad"}:
            yield Mistake(
                "trained-without-gradient",
                part,  # type: ignore[arg-type]  # a With or a function
                "loss.backward() stands where gradients are switched off: nothing is learned, or it raises an error",
                "no_grad belongs around what is validated and tested, not around what trains",
            )


def _keeps_none(head: ast.expr) -> bool:
    call = head.func if isinstance(head, ast.Call) else head
    if name_of(call) == "set_grad_enabled" and isinstance(head, ast.Call):
        return any(isinstance(each, ast.Constant) and each.value is False for each in head.args)
    return name_of(call) in _WITHOUT_GRADIENT


def _of_another_model(before: Sequence[ast.stmt], loop: Sequence[ast.AST]) -> Iterator[Mistake]:
    """Of a loop after these statements, and the functions that it leads to: whose parameters its optimizer has."""
    if not any(".backward" in called(scope) for scope in loop):
        return
    given = [
        (name_of(t), v, at) for at, part in enumerate(before) for t, v in assigned(part) if isinstance(t, ast.Name)
    ]
    made = {name: (value, at) for name, value, at in given}
    models = {name: at for name, (value, at) in made.items() if _is_new(value, made.keys())}
    trained = _named(loop, "train") & models.keys()
    for optimizer in sorted(_named(loop, "step") & made.keys()):
        value, at = made[optimizer]
        model = _model_of(value)
        if model not in models:
            continue
        # what is called may be a loss as well: one of the model's own class is a model
        alike = {name for name in models if _class_of(made[name][0]) == _class_of(made[model][0])}
        of = trained or set().union(*(called(scope) - _own(scope) for scope in loop)) & alike
        if of and model not in of:
            told = f"`{optimizer}` has the parameters of `{model}`, and `{min(of)}` is trained: its weights stay"
            yield Mistake("optimizer-of-another", loop[0], told, f"make the optimizer of {min(of)}.parameters()")  # type: ignore[arg-type]
        elif of and models[model] > at:
            told = f"`{model}` is made anew after `{optimizer}`, which goes on with the parameters of the one before"
            yield Mistake("optimizer-of-another", loop[0], told, "make the optimizer after the model")  # type: ignore[arg-type]


def _named(loop: Sequence[ast.AST], method: str) -> set[str]:
    """What this method is called on, but for what a function calls so that is its own."""
    return {name_of(part.value) for scope in loop for part in _methods(scope, method)} - set().union(*map(_own, loop))


def _own(scope: ast.AST) -> set[str]:
    """Names of a function's own: its arguments, and what it gives a value."""
    if not isinstance(scope, FUNCTIONS):
        return set()
    arguments = scope.args
    every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return {argument.arg for argument in every} | {name_of(target) for target, _ in assigned(scope)}


def _methods(node: ast.AST, name: str) -> Iterator[ast.Attribute]:
    for part in within(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr == name:
            yield part.func


def _model_of(value: ast.expr) -> str:
    """`model` of `Adam(model.parameters(), ...)`, where that is all it is given."""
    if isinstance(value, ast.Call) and name_of(value.func) in OPTIMIZERS and value.args:
        call = value.args[0]
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "parameters":
            return name_of(call.func.value) if isinstance(call.func.value, ast.Name) else ""
    return ""


def _is_new(value: ast.expr, known: Collection[str]) -> bool:
    """Whether it is a call of a class, moved to a device perhaps, of nothing that is known: an object of its own."""
    call = _moved(value)
    if not isinstance(call, ast.Call) or not _class_of(value)[:1].isupper() or _class_of(value) in OPTIMIZERS:
        return False
    given = [part for argument in (*call.args, *call.keywords) for part in within(argument)]
    return not any(isinstance(part, ast.Name) and part.id in known for part in given)


def _class_of(value: ast.expr) -> str:
    """`ViT` of `ViT(...).to(device)`."""
    return name_of(getattr(_moved(value), "func", value))


def _moved(value: ast.expr) -> ast.expr:
    while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in ("to", "cuda"):
        value = value.func.value
    return value
