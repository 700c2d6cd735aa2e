"""What a cell trains or tests: the classes of this homework, another model, or nothing that reading can tell.

Why separate: saved losses and accuracies are evidence of this homework's training only when they are of its model; a
notebook may hold other courses' runs, too. It is decided here, while reading, since whoever grades must not parse what
a student wrote. Names are followed as they are looked up when the cell runs. Nothing here knows what anything is worth.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from autograder.core.names import named
from autograder.core.policy import POLICY
from autograder.core.records import THIS_HOMEWORK, Cell
from autograder.handin.slicing.statements import Chunk

# The provided `Attention` is not among them: other courses' models have a class of that name, too.
OURS = frozenset({question.class_name for question in POLICY.questions if question.class_name} | {named("ViT")})
MAX_TRACED = 300  # cells with outputs that are looked at; a notebook has some tens

# Parts of names that belong to other tasks than telling ten digits apart, and to nothing in the handout.
_OTHER_TASKS = frozenset(
    "bleu rouge perplexity ppl vocab vocabulary translation translate translator tokenizer tokenize detokenize "
    "sentence sentences corpus tgt trg stoi itos shakespeare multi30k caption captions sentiment imdb spam titanic "
    "cifar fashion svhn imagenet binary bce xor parity".split()
)
_WORD = re.compile(r"multi30k|[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_READY_MODELS = frozenset({"Sequential", "LSTM", "GRU", "RNN", "Transformer", "TransformerEncoder"})
_NO_MODEL = re.compile("loss|criterion|smoothing|metric", re.IGNORECASE)


def other_tasks(text: str) -> frozenset[str]:
    """Words of `text` (a line, a name) that belong to other tasks: "Val. PPL" and `tgt_vocab` have some."""
    return frozenset(match[0].lower() for match in _WORD.finditer(text)) & _OTHER_TASKS


def traced(cells: Sequence[Cell], chunks: Sequence[Chunk]) -> tuple[Cell, ...]:
    """The cells, whose statements are `chunks`; those with outputs know their model and words of other tasks."""
    wanted = {cell.number for cell in cells if cell.number and (cell.outputs or cell.images)}
    wanted = set(sorted(wanted)[:MAX_TRACED])
    if not wanted:
        return tuple(cells)
    search = Search(chunks)
    return tuple(_with_model(cell, search) if cell.number in wanted else cell for cell in cells)


def _with_model(cell: Cell, search: Search) -> Cell:
    reached, names = search.from_cell(cell.number)
    chunks = [search.chunks[index] for index in sorted(reached)]
    words = sorted(set().union(*(search.words(index) for index in reached)))
    if names & OURS:
        return msgspec.structs.replace(cell, model=THIS_HOMEWORK, other_tasks=tuple(words))
    models = [name for chunk in chunks for name in _models(chunk)]
    return msgspec.structs.replace(cell, model=models[-1] if models else "", other_tasks=tuple(words))


class Search:
    """Which statements a cell reaches. Lives for one notebook."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self.chunks = chunks
        self._words: dict[int, frozenset[str]] = {}
        self._bound: dict[str, list[int]] = {}
        self._changed: dict[str, list[int]] = {}
        for index, chunk in enumerate(chunks):
            for name in chunk.names.flow.maybe:
                self._bound.setdefault(name, []).append(index)
            for name in chunk.names.assigned_to | chunk.names.methods_on:
                self._changed.setdefault(name, []).append(index)

    def from_cell(self, number: int | None) -> tuple[set[int], set[str]]:
        """(indices of the statements, names) that running the cell reaches, its own among them."""
        todo = [index for index, chunk in enumerate(self.chunks) if chunk.places[0].cell == number]
        end = todo[-1] + 1 if todo else 0
        reached, names = set(todo), set[str]()
        while todo:
            index = todo.pop()
            found = self.chunks[index].names
            names |= found.flow.reads | found.later | found.flow.maybe
            for name, time in [*((n, index) for n in found.flow.reads), *((n, end) for n in found.later)]:
                new = self._definitions(name, time) - reached
                reached |= new
                todo += new
        return reached, names

    def _definitions(self, name: str, time: int) -> set[int]:
        """The last statement before `time` that binds the name, and those that changed it since; else the next one."""
        bound = self._bound.get(name, [])
        at = bisect_left(bound, time)
        if not at:
            return set(bound[:1])
        changed = self._changed.get(name, [])
        return {bound[at - 1], *changed[bisect_left(changed, bound[at - 1]) : bisect_left(changed, time)]}

    def words(self, index: int) -> frozenset[str]:
        """Words of other tasks among the identifiers of one statement."""
        if index not in self._words:
            self._words[index] = other_tasks(" ".join(_identifiers(self.chunks[index].nodes)))
        return self._words[index]


def _identifiers(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Every name in the code: not comments, strings and keys."""
    for node in nodes:
        for part in ast.walk(node):
            for field in ("id", "attr", "name", "arg", "module"):
                value = getattr(part, field, None)
                if isinstance(value, str):
                    yield value


def _models(chunk: Chunk) -> Iterator[str]:
    """Models that the statement defines or makes: a class on top of some Module, or a ready-made one of torch."""
    for node in chunk.nodes:
        if isinstance(node, ast.ClassDef):
            bases = [base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases]
            if any(base.endswith(("Module", "Model")) for base in bases) and not _NO_MODEL.search(node.name):
                yield node.name
        else:
            ready = (chain.rpartition(".") for chain in sorted(chunk.names.chains))
            yield from (f"{left}.{name}" for left, _, name in ready if name in _READY_MODELS)
