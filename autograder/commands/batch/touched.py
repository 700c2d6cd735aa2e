"""What a change can touch: a result stands for as long as nothing that decides about it is another than it was.

What decides is told in parts: about every question (this grader, the reference, the options, what tests share), and
about one each (its table in the policy, its tests' own text, and the same of the questions that they require). So after
one test was mended, the questions beside it are not graded again.

Why separate: it reads the project and runs none of it; `record` keeps what it says of each submission.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from autograder import __version__
from autograder.core import policy
from autograder.grading import Options, setup_of
from autograder.grading.supervisor import ROOT

# What of the project decides about a result, beside the tests and the policy.
DECIDES = ("autograder", "reference")
_SUFFIXES = {".py", ".toml", ".j2", ".json", ".gz"}

REST = ""  # the part about every question

# What of a question's table in the policy is about that question alone; what its program is, decides on others', too.
OWN = ("title", "points", "tests", "visibility")


class Decides(msgspec.Struct, frozen=True):
    """Hashes: `rest` of what decides about every question, `questions` of what decides about that one.

    `chosen`: which tests are run, which decides about none of them.
    """

    rest: str
    questions: dict[str, str]
    chosen: str = ""

    @property
    def all(self) -> str:
        """The hash of everything but the submission that decides about a result."""
        return hashed(
            [self.chosen.encode(), self.rest.encode(), *(value.encode() for _, value in sorted(self.questions.items()))]
        )

    def parts(self, content: str) -> dict[str, str]:
        """The parts for a submission of this content; none where its content is not known."""
        return {REST: hashed([self.rest.encode(), content.encode()]), **self.questions} if content else {}


class _Tests(msgspec.Struct):
    """What the test files hold: texts by question, the questions that they require, and what all of them share."""

    own: dict[str, list[bytes]] = {}
    requires: dict[str, set[str]] = {}
    shared: list[bytes] = []


def decides(options: Options) -> Decides:
    """What decides with these options, which are `checked`."""
    whole, found = msgspec.structs.replace(options, only="", without=""), _Tests()
    setup = setup_of(whole)
    said = policy.load(Path(os.environ.get(policy.VARIABLE) or policy.FILE))
    for path in [path for name in setup.tests for path in sources(Path(name))]:
        _read(path, said, found)
    table = msgspec.to_builtins(said)
    for question in table["questions"]:
        own = {name: question.pop(name) for name in OWN if name in question}
        found.own.setdefault(question["number"], []).append(_encoded(own))
    rest = [
        __version__.encode(),
        importlib.metadata.version("torch").encode(),
        _encoded(whole) + _encoded(setup),
        os.environ.get("AUTOGRADER_MNIST", "").encode(),
        _encoded(table),
        *(path.read_bytes() for name in DECIDES for path in sources(ROOT / name) if path != policy.FILE),
        *found.shared,
    ]
    each = {question: hashed(texts) for question, texts in found.own.items()}
    questions = {question: hashed(_below(question, each, found.requires)) for question in each}
    return Decides(hashed(rest), questions, f"{options.only} {options.without}")


def sources(top: Path) -> list[Path]:
    """The files in a folder of the project that decide about a result."""
    return sorted(path for path in top.rglob("*") if path.suffix in _SUFFIXES and path.is_file())


def _read(path: Path, said: policy.Policy, found: _Tests) -> None:
    """Adds a test file: its numbered functions to their questions, the rest to all that it has tests of.

    Where it does not say in so many words which questions it is about, all of it is about every one.
    """
    text = path.read_bytes()
    numbered: list[tuple[ast.FunctionDef, str, set[str]]] = []
    try:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and _calls(node, "number"):
                [question] = _marked(node, "number", said)
                numbered.append((node, question, set(_marked(node, "requires", said))))
    except (SyntaxError, ValueError, RecursionError, KeyError):  # an unknown number: staff are told so by the run
        numbered = []
    if not numbered:
        found.shared.append(text)
        return
    lines = text.splitlines(keepends=True)
    for node, question, needs in numbered:
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1
        found.own.setdefault(question, []).append(b"".join(lines[first : node.end_lineno]))
        lines[first : node.end_lineno] = [b""] * ((node.end_lineno or first) - first)
        found.requires.setdefault(question, set()).update(needs)
    for _, question, _ in numbered:
        found.own[question].append(b"".join(lines))


def _calls(node: ast.FunctionDef, mark: str) -> list[ast.Call]:
    """The decorators of this name."""
    calls = [each for each in node.decorator_list if isinstance(each, ast.Call)]
    return [call for call in calls if mark in (getattr(call.func, "id", ""), getattr(call.func, "attr", ""))]


def _marked(node: ast.FunctionDef, mark: str, said: policy.Policy) -> list[str]:
    """The questions of the numbers in decorators of this name.

    Raises ValueError where one is no plain text, and KeyError where the policy has no such question.
    """
    numbers = [str(ast.literal_eval(arg)) for call in _calls(node, mark) for arg in call.args]
    return [said.question_of(number).number for number in numbers]


def _below(question: str, own: Mapping[str, str], requires: Mapping[str, set[str]]) -> Iterator[bytes]:
    """The hashes of a question and of all that it builds on."""
    seen, todo = {question}, [question]
    while todo:
        new = requires.get(todo.pop(), set()) - seen
        seen |= new
        todo += new
    for each in sorted(seen):
        yield f"{each} {own.get(each, '')}".encode()


def _encoded(value: object) -> bytes:
    return msgspec.json.encode(value, enc_hook=str, order="deterministic")


def hashed(parts: Iterable[bytes]) -> str:
    """sha256 over the parts, each with its length, so that no two lists of parts are one text."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "little"))
        total.update(part)
    return total.hexdigest()
