"""Mistakes with the three sets of images that reading shows: which one is trained on, validated on, and tested on.

Why separate: they are told by what data are called and made of, wherever that stands; `training_loop` looks at steps.
What is not surely a mistake is not mentioned: names of several kinds, or of none, say nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from autograder.handin.slicing.training_calls import (
    FUNCTIONS,
    KEPT,
    Mistake,
    assigned,
    called,
    name_of,
    outermost,
    reached,
    within,
)

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_KINDS = {
    "test": ("test", "testing"),
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "validate", "dev", "eval", "holdout", "held"),
}
_DATA = ("loader", "set", "data", "dataset", "ds", "dl", "dataloader", "iter", "images", "batches")
_NO_DATA = frozenset({"append", "print", "len", "format", "join", "str", "float", "sum", "range", "plot", "extend"})
_RESULT = re.compile("loss|acc|correct|total|metric|score|hist|curve|err|best|log", re.IGNORECASE)
_LOADERS = frozenset({"DataLoader", "iter", "list", "tqdm"})


class Sets:
    """What a notebook calls its sets of images, and where it uses them."""

    def __init__(self, nodes: Sequence[ast.AST]) -> None:
        self._functions = {node.name: node for node in nodes if isinstance(node, FUNCTIONS)}
        self._made = [pair for node in nodes for pair in _pairs(node)]
        self._trains = any(".backward" in called(node) for node in nodes)
        self._read = {part.id for node in nodes for part in _read(node)}
        self._used = self._used_for_more(nodes) if self._trains else frozenset()
        # neither test data nor what came of them
        self._idle = not any(kind_of(name) == "test" for name in self._used)
        self._validates = any(kind_of(name) == "validation" and not _RESULT.search(name) for name in self._used)

    def of(self, node: ast.AST) -> Iterator[Mistake]:
        """The mistakes of one statement of the notebook."""
        if not self._trains:
            return
        yield from self._of_making(node)
        yield from self._of_validating(node)
        yield from self._of_testing(node)

    def _used_for_more(self, nodes: Sequence[ast.AST]) -> frozenset[str]:
        """Names that are read, and neither called nor read to make other data of the same kind of them alone."""
        known = {id(_source(value)) for target, value in self._made if _same_kind(target, _source(value))}
        known |= {id(part.func) for node in nodes for part in within(node) if isinstance(part, ast.Call)}
        return frozenset(part.id for node in nodes for part in _read(node) if id(part) not in known)

    def _of_making(self, node: ast.AST) -> Iterator[Mistake]:
        for target, value in _pairs(node):
            name, source = name_of(target), _source(value)
            kind, of = kind_of(name), kind_of(name_of(source)) if isinstance(source, ast.Name) else ""
            if kind == "test" and _is_data(name) and (of == "train" or _of_mnist(source) is True):
                yield Mistake(
                    "tested-on-training-data",
                    target,
                    f"`{name}` is made of the images that the model trains on: an accuracy on them is no test accuracy",
                    "the test set is datasets.MNIST(..., train=False)",
                )
            if kind == "validation" and _is_data(name) and of == "test":
                yield _validated_on_test(target, name)
            if kind == "test" and _is_data(name) and of != "train" and name not in self._read and self._idle:
                yield Mistake(
                    "test-set-not-used",
                    target,
                    f"`{name}` is made and nothing is worked out on it: what accuracy there is, is of other images",
                    "handout 4(c) asks for the accuracy on the test set, after the training",
                )

    def _of_validating(self, node: ast.AST) -> Iterator[Mistake]:
        for loop in outermost(node) if not self._validates else ():
            scopes = list(reached(loop, self._functions))
            if not any(".backward" in called(scope) for scope in scopes):
                continue
            for part in (part for scope in scopes for part in _data_in(scope)):
                if kind_of(part.id) == "test" and _is_data(part.id):
                    yield _validated_on_test(loop, part.id)
                    break

    def _of_testing(self, node: ast.AST) -> Iterator[Mistake]:
        """A function that is called a test, given the training set, where no test data are used anywhere."""
        if self._idle:
            for part in within(node):
                if isinstance(part, ast.Call) and kind_of(name_of(part.func)) == "test":
                    given = [name_of(each) for each in (*part.args, *(k.value for k in part.keywords))]
                    train = [name for name in given if kind_of(name) == "train" and _is_data(name)]
                    if train:
                        yield Mistake(
                            "tested-on-training-data",
                            part,
                            f"`{name_of(part.func)}` is given `{train[0]}`: an accuracy on the images that the model"
                            " trains on is no test accuracy",
                            "give it the test set, datasets.MNIST(..., train=False)",
                        )


@lru_cache(KEPT)
def kind_of(name: str) -> str:
    """ "test", "train" or "validation", by the words of a name; "" for none of them, and for several."""
    words = [word.lower() for word in _WORDS.findall(name)]
    found = {kind for kind, begins in _KINDS.items() for word in words if _begins(word, begins)}
    return found.pop() if len(found) == 1 else ""


def _begins(word: str, begins: Sequence[str]) -> bool:
    return any(word == begin or (word.startswith(begin) and word[len(begin) :] in _DATA) for begin in begins)


def _is_data(name: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(name)]
    return any(word.endswith(each) if len(each) > 2 else word == each for word in words for each in _DATA)


def _validated_on_test(node: ast.stmt | ast.expr, name: str) -> Mistake:
    return Mistake(
        "validated-on-test-data",
        node,
        f"what is validated in each epoch is the test set (`{name}`): a model that is chosen by it is no longer tested",
        "keep some images of the training set aside for that: torch.utils.data.random_split",
    )


def _pairs(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(target, value) of each assignment, of tuples one by one."""
    for target, value in assigned(node):
        several = isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List))
        if several and len(target.elts) == len(value.elts):  # type: ignore[attr-defined]
            yield from zip(target.elts, value.elts)  # type: ignore[attr-defined]
        else:
            yield target, value


def _source(value: ast.expr) -> ast.expr:
    """What a loader is made of."""
    while isinstance(value, ast.Call) and name_of(value.func) in _LOADERS:
        named = [keyword.value for keyword in value.keywords if keyword.arg == "dataset"]
        if not (value.args or named):
            break
        value = (*value.args, *named)[0]
    return value


def _of_mnist(value: ast.expr) -> bool | None:
    """Of MNIST: whether it is the part for training; None for what is not surely MNIST as it is."""
    if not (isinstance(value, ast.Call) and "mnist" in name_of(value.func).lower()):
        return None
    given = [keyword.value for keyword in value.keywords if keyword.arg == "train"] or value.args[1:2]
    told = given[0].value if given and isinstance(given[0], ast.Constant) else None
    return told if isinstance(told, bool) else None


def _same_kind(target: ast.expr, source: ast.expr) -> bool:
    kind = kind_of(name_of(target))
    return isinstance(source, ast.Name) and kind != "" and kind == kind_of(source.id)


@lru_cache(KEPT)
def _read(node: ast.AST) -> tuple[ast.Name, ...]:
    return tuple(part for part in within(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load))


def _data_in(node: ast.AST) -> Iterator[ast.Name]:
    """Names that are gone through, or given to something that is worked out."""
    for part in within(node):
        if isinstance(part, (ast.For, ast.comprehension)):
            yield from _read(part.iter)
        elif isinstance(part, ast.Call) and name_of(part.func) not in _NO_DATA:
            yield from (each for each in part.args if isinstance(each, ast.Name))
            yield from (k.value for k in part.keywords if isinstance(k.value, ast.Name))
