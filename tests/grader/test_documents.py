"""The documents tell the truth: their commands run, their links lead somewhere, their tables agree with the code."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.main import get_command

from autograder.cli import app
from autograder.core import policy
from autograder.sandbox import quota
from tests.grader.pace import patience
from tests.grader.project_copy import committed, copied
from tests.grader.source_tree import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "examples/*.md", "student_template/*.md", "autograder/data/**/*.md")
    for path in ROOT.glob(pattern)
)
GRADING = (ROOT / "docs" / "grading.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", flags=re.DOTALL | re.MULTILINE)


def blocks(text: str, *languages: str) -> list[str]:
    """The fenced blocks of these languages, without the indentation of the list that they stand in."""
    return [textwrap.dedent(body) for _, language, body in FENCE.findall(text) if language in languages]


def prose(text: str) -> str:
    return FENCE.sub("", text)


def commands(text: str) -> list[list[str]]:
    """The arguments of every command of ours, in fenced blocks and in `code` within the prose."""
    lines = [line for block in blocks(text, "sh", "bash", "") for line in block.splitlines()]
    lines += re.findall(r"`([^`]+)`", prose(text))
    found = [re.match(r"\s*(?:python -m )?autograder (?=[a-z-])(.*)$", line) for line in lines]
    return [shlex.split(match[1], comments=True) for match in found if match]


def table(text: str, *header: str) -> list[list[str]]:
    """The rows of the one table with this header. A bar within a cell is written with a backslash."""
    lines = text.splitlines()
    [start] = [i for i, line in enumerate(lines) if cells(line) == list(header)]
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(cells(line))
    assert rows
    return rows


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


# --- commands and links -----------------------------------------------------------------------------------------------


def test_every_command_of_ours_in_the_documents_is_accepted_by_the_command_line() -> None:
    program = get_command(app)
    found = [(name, line) for name, document in zip(NAMES, DOCUMENTS) for line in commands(document.read_text("utf-8"))]
    assert len(found) > 12
    for name, (command, *arguments) in found:
        assert command in program.commands, f"{name}: autograder {command}"  # type: ignore[attr-defined]
        try:  # parses and checks, and runs nothing
            program.commands[command].make_context(command, list(arguments))  # type: ignore[attr-defined]
        except Exception as error:
            pytest.fail(f"{name}: autograder {command} {' '.join(arguments)}: {error}")


def anchors(markdown: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", prose(markdown), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_relative_link_and_anchor_in_the_documents_leads_somewhere() -> None:
    links = [
        (document, target)
        for document in DOCUMENTS
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(document.read_text("utf-8")))
        if not re.match(r"[a-z]+:", target)
    ]
    assert len(links) > 12
    for document, link in links:
        file, _, anchor = link.partition("#")
        target = document.parent / file if file else document
        assert target.exists(), f"{document.relative_to(ROOT)}: {link}"
        assert not anchor or anchor in anchors(target.read_text("utf-8")), f"{document.relative_to(ROOT)}: {link}"


# What the documents tell a person to write is not there yet.
TO_BE_WRITTEN = {"autograder/handin/rules/sleeping.py", "tests/grader/test_rules_sleeping.py"}


@pytest.mark.parametrize("name", NAMES)
def test_every_file_of_ours_that_a_document_names_is_there(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    ours = r"(?:autograder|reference|tests|docs|examples|scripts|student_template)/[\w/.-]*\.(?:py|md|toml|ipynb)"
    named = set(re.findall(rf"(?<![\w/.-])({ours})\b", text)) - TO_BE_WRITTEN
    named |= {f"tests/grader/{file}" for file in re.findall(r"`(test_\w+\.py)`", text)}
    assert {file for file in named if not (ROOT / file).exists()} == set()


def shell(tmp_path: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Runs a block of a document as a person would, in a folder with the example class and one submission."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    ours = tmp_path if (tmp_path / "autograder").exists() else ROOT
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ours)}
    run = ["bash", "-e", "-c", script]
    return subprocess.run(
        run, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=patience(300), check=False
    )


RUN_FOR_REAL = [
    (name, block)
    for name in ("README.md", "docs/students.md", "docs/gradescope.md")
    for block in blocks((ROOT / name).read_text(encoding="utf-8"), "sh")
    if "python -m autograder" in block
]


@pytest.mark.slow
@pytest.mark.boxed  # the example class has a hostile submission
@pytest.mark.parametrize(("name", "block"), RUN_FOR_REAL, ids=[f"{n} {i}" for i, (n, _) in enumerate(RUN_FOR_REAL)])
def test_a_block_of_commands_does_what_it_says_when_it_is_run(tmp_path: Path, name: str, block: str) -> None:
    if "package gradescope" in block:  # made from what is committed: `shell` runs a copy that lies there
        committed(copied(tmp_path, data=True))
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for file in ("hw6.ipynb", "answers.toml"):
        shutil.copy(ROOT / "examples" / "class" / "ada_complete" / file, tmp_path)
    done = shell(tmp_path, block)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_there_are_blocks_to_run_for_each_kind_of_person() -> None:
    assert {name for name, _ in RUN_FOR_REAL} == {"README.md", "docs/students.md", "docs/gradescope.md"}


# --- tables and numbers -----------------------------------------------------------------------------------------------


class Listed(NamedTuple):
    """What the decorators and the docstring of one test say."""

    number: str
    weight: float
    title: str


def described(folder: str) -> list[Listed]:
    found = [
        _listed(node)
        for file in sorted((ROOT / "tests" / folder).glob("test_*.py"))
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert found
    return sorted(found)


GRADED = "the table of docs/grading.md"


def same(written: Sequence[object], there: Sequence[object], where: str) -> None:
    """Whether both hold the same, and else what is to be written or taken out, and where."""
    missing, left = [one for one in there if one not in written], [one for one in written if one not in there]
    assert not missing, f"to be added to {where}: {missing}" + (f"; to be taken out: {left}" if left else "")
    assert not left, f"to be taken out of {where}: {left}"
    assert len(written) == len(there), f"twice in {where}"


def test_what_a_table_lacks_is_said_in_words() -> None:
    same(["4a.1", "4a.2"], ["4a.2", "4a.1"], "the table")
    for written, words in (
        (["4a.1"], "added to the table: .'4a.2'"),
        (["4a.1", "4a.2", "9"], "taken out of the table"),
    ):
        with pytest.raises(AssertionError, match=words):
            same(written, ["4a.1", "4a.2"], "the table")


def _listed(node: ast.FunctionDef) -> Listed:
    said = {
        call.func.id: ast.literal_eval(call.args[0])
        for call in node.decorator_list
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    }
    listed = policy.POLICY.test(str(said["number"]))
    return Listed(
        said["number"], listed.points if listed else 0.0, (ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
    )


def test_the_table_of_hidden_tests_agrees_with_the_policy_and_gives_a_reason_for_each() -> None:
    rows = table(GRADING, "test", "points", "title", "reason")
    same([Listed(number, float(points), title) for number, points, title, _ in rows], described("hidden"), GRADED)
    assert all(len(reason) > 5 for *_, reason in rows)


def test_the_table_of_public_tests_agrees_with_them_and_none_carries_points() -> None:
    same([Listed(number, 0, title) for number, title in table(GRADING, "test", "title")], described("public"), GRADED)


def test_the_policy_lists_every_hidden_test() -> None:
    listed = [number for question in policy.POLICY.questions for number in question.tests]
    same(listed, [test.number for test in described("hidden")], "policy.toml, below the test's question (0: no points)")


def test_the_table_of_questions_agrees_with_the_assignment() -> None:
    listed = [(row[0].split()[0], float(row[1])) for row in table(GRADING, "question", "points", "judged from")]
    assert listed == [(question.number, question.points) for question in policy.POLICY.questions]
    by_hand = ", ".join(f"{question.number} ({question.points:g})" for question in policy.POLICY.by_hand)
    assert f"By hand, by a reader: {by_hand}." in GRADING


def test_every_test_that_can_keep_a_fraction_is_a_test() -> None:
    listed = {number for row in table(GRADING, "test", "keeps", "for") for number in row[0].split(", ")}
    assert listed <= {test.number for test in described("hidden")}


LIMITS = policy.CHILD_LIMITS
NUMBERS = {
    "docs/grading.md": [f"`values` = {policy.TOLERANCES.values:.4f}"],
    "docs/architecture.md": [f"({policy.CAPS.total_seconds:g} s)"],
    "docs/security.md": [
        f"{LIMITS.seconds:g} s a conversation",
        f"{LIMITS.scratch_mb} MB and {quota.MOST_ENTRIES:,} files",
        f"{LIMITS.memory_mb} MB beyond torch",
    ],
    "docs/students.md": [
        f"{policy.CAPS.file_mb} MB a file",
        f"{policy.CAPS.zip_total_mb} MB and {policy.CAPS.zip_files} files in a zip",
    ],
    "docs/gradescope.md": [f"points {sum(question.points for question in policy.POLICY.questions):g};"],
}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_in_a_document_is_the_number_in_the_code(name: str) -> None:
    text = " ".join((ROOT / name).read_text(encoding="utf-8").split())
    assert [number for number in NUMBERS[name] if number not in text] == []


def test_the_fixtures_that_a_newcomer_is_told_of_are_those_of_the_plugin() -> None:
    plugin = ast.parse((ROOT / "autograder" / "engine" / "fixtures.py").read_text(encoding="utf-8"))
    fixtures = {
        node.name
        for node in plugin.body
        if isinstance(node, ast.FunctionDef) and any("pytest.fixture" in ast.unparse(d) for d in node.decorator_list)
    }
    assert {name for row in table(CONTRIBUTING, "fixture", "is") for name in re.findall(r"\w+", row[0])} == fixtures


def test_students_are_told_to_install_everything_that_the_public_tests_import() -> None:
    told = " ".join(re.findall(r"pip install ([^`\n]+)", (ROOT / "student_template/README.md").read_text("utf-8")))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[^\w-]", requirement)[0] for requirement in project["dependencies"]}
    assert needed - set(told.split()) == set()


# --- the worked examples ----------------------------------------------------------------------------------------------


def python_block(words: str) -> str:
    [block] = [block for block in blocks(CONTRIBUTING, "python") if words in block]
    return block


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A newcomer's copy of the project."""
    for name in ("autograder", "reference", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "examples" / "class" / "chen_einsum", tmp_path / "build" / "wrong")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file.name}"
    file.write_text(text.replace(old, new), encoding="utf-8")


SOFTMAX = "weights = torch.softmax(scores, dim=-1)"


@pytest.mark.slow
def test_the_worked_example_of_a_test_passes_right_work_and_finds_the_mistake(checkout: Path) -> None:
    hidden = checkout / "tests" / "hidden" / "test_4a_attention.py"
    hidden.write_text(hidden.read_text("utf-8") + "\n\n" + python_block('@number("4a.9")'), encoding="utf-8")
    [mistake] = re.findall(r"`(self\.kept = .*?)`", CONTRIBUTING)
    change(checkout / "build" / "wrong" / "hw6.py", SOFTMAX, mistake)
    right, wrong = (shell(checkout, block) for block in blocks(CONTRIBUTING, "sh") if "python -m autograder" in block)
    assert right.returncode == 0 and "✓ 4a.9" in right.stdout, right.stdout + right.stderr
    assert "✗ 4a.9" in wrong.stdout and "gives another output" in wrong.stdout, wrong.stdout + wrong.stderr


@pytest.mark.slow
def test_the_worked_example_of_a_rule_passes_its_own_tests(checkout: Path) -> None:
    (checkout / "autograder/handin/rules/sleeping.py").write_text(python_block('Rule "sleeping"'), encoding="utf-8")
    (checkout / "tests/grader/test_rules_sleeping.py").write_text(python_block('The rule "sleeping"'), encoding="utf-8")
    rules = checkout / "autograder/handin/rules/__init__.py"
    change(rules, "dynamic.find)", "dynamic.find, sleeping.find)")
    change(rules, "embedded, ready_made\n", "embedded, ready_made, sleeping\n")
    done = shell(checkout, "python -m pytest -q -p no:cacheprovider tests/grader/test_rules_sleeping.py")
    assert done.returncode == 0 and "5 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
def test_the_worked_example_of_a_misconception_is_named_in_the_feedback(checkout: Path) -> None:
    bank = checkout / "reference" / "misconceptions.py"
    formula, entry = python_block("def sigmoid_for_softmax"), python_block('Misconception("sigmoid"')
    change(bank, "ATTENTION = (\n", f"{formula}\n\nATTENTION = (\n    {entry}")
    change(checkout / "build" / "wrong" / "hw6.py", SOFTMAX, "weights = torch.sigmoid(scores)")
    done = shell(checkout, "python -m autograder grade build/wrong --out build/one --only 4a.4")
    assert "with a sigmoid in the place of the softmax" in " ".join(done.stdout.split()), done.stdout + done.stderr
