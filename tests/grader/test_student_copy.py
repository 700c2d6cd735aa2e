"""The students' copy: only what their zip will hold, run as they run it, in a process and a folder of its own."""

from __future__ import annotations

import ast
import compileall
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reference import written
from tests.grader.pace import patience
from tests.grader.served import served
from tests.grader.source_tree import ROOT

pytestmark = pytest.mark.slow

# What students get: the engine, the public tests, the template. No reference, no hidden test, no test of the grader.
PARTS = ("autograder", "tests/public", "student_template", "pyproject.toml")
WRITTEN = """
[administrivia]
survey_code = "0a1b2c3d4e"
signed_by = "Ada Lovelace"
[q2a]
parameters = 12
output_shape = "5 x 7"
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The copy, with the template's files at its top as in the zip; its commands take their engines from one server."""
    top = tmp_path_factory.mktemp("students")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, top / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, top / part)
    compileall.compile_dir(top / "autograder", quiet=2)
    with pytest.MonkeyPatch.context() as patch, served(top) as environment:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield top


def run(copy: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """`python -m autograder ...` in the copy, with nothing of this checkout on the path."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "AUTOGRADER_SECRET")}
    environment["COLUMNS"] = "100"
    command = [sys.executable, "-m", "autograder", *map(str, arguments)]
    return subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=patience(120), check=False
    )


def words(text: str) -> str:
    return " ".join(text.split())


def filled(copy: Path, folder: str, *, answers: str = WRITTEN) -> Path:
    """A submission below the copy: the template's notebook with both classes written, as the reference writes them."""
    target = copy / folder
    target.mkdir()
    notebook = json.loads((copy / "student_template" / "hw6.ipynb").read_text(encoding="utf-8"))
    solutions = {"SingleHeadAttention": "attention", "ViTLayer": "encoder"}
    for cell in notebook["cells"]:
        name = next((name for name in solutions if f"class {name}" in "".join(cell["source"])), "")
        if cell["cell_type"] == "code" and name:
            lines = (ROOT / "reference" / f"{solutions[name]}.py").read_text(encoding="utf-8").splitlines()
            cell["source"] = "\n".join(
                line for line in lines if not line.startswith(("from reference", "Attention = "))
            )
    (target / "hw6.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    if answers:
        (target / "answers.toml").write_text(answers, encoding="utf-8")
    return Path(folder)


def test_the_copy_is_what_is_run_and_holds_no_reference(copy: Path) -> None:
    code = "import autograder; print(autograder.__file__)"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", code], cwd=copy, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == [str(copy / "autograder" / "__init__.py")], done.stderr
    assert not [path for path in copy.rglob("*") if path.name in ("reference", "hidden")]


def test_check_of_the_untouched_template_says_what_is_still_to_be_written_and_exits_with_1(copy: Path) -> None:
    done = run(copy, "check", "student_template")
    assert done.returncode == 1, done.stdout + done.stderr
    text = words(done.stdout)
    assert "4a.p1" in text and "4b.p1" in text and "not filled in yet" in text
    assert text.count("nothing is filled in yet in answers.toml") == 1, "one reason is told once"
    assert "Next: 4a.p1" in text
    assert "not graded" not in text and "Traceback" not in done.stdout + done.stderr
    assert len(done.stdout.splitlines()) < 50, "short enough to read at midnight"


def test_check_of_the_folder_that_holds_everything_finds_the_notebook_in_it(copy: Path, tmp_path: Path) -> None:
    top = tmp_path / "as_unpacked"
    shutil.copytree(copy, top, ignore=shutil.ignore_patterns("right", "code_only", "box_*", "any_*", "remarks"))
    for name in ("hw6.ipynb", "answers.toml", "README.md"):
        shutil.move(top / "student_template" / name, top / name)
    shutil.rmtree(top / "student_template")
    done = run(top, "check")
    assert done.returncode == 1 and "could not be used" not in done.stdout, done.stdout + done.stderr
    assert "CS189 Homework 6   hw6.ipynb" in done.stdout
    assert "Again: python -m autograder check . --question 4a" in done.stdout
    assert "nothing is filled in yet in answers.toml" in words(done.stdout)


def test_check_of_a_right_notebook_exits_with_0_and_says_what_is_left(copy: Path) -> None:
    done = run(copy, "check", filled(copy, "right"))
    assert done.returncode == 0, done.stdout + done.stderr
    text = words(done.stdout)
    assert "failed" not in text and "not graded" not in text
    assert "nothing to fix in what is there" in text
    assert "not answered yet" in text, "most boxes are blank, and it says so"


def test_check_without_answers_toml_says_so_once_and_takes_it_for_no_mistake(copy: Path) -> None:
    done = run(copy, "check", filled(copy, "code_only", answers=""))
    assert done.returncode == 0, done.stdout + done.stderr
    above, _, below = words(done.stdout).partition("tests pass")
    missing = "there is no answers.toml beside your work yet"
    assert above.count(missing) == 1 and "Still to do: 1.p1" in below


UNREADABLE = {
    "a shape of words": ('[q2a]\noutput_shape = "large"\n', "2a.p2"),
    "a count that is none": ('[q2b]\nparameters = "12.5"\n', "2b.p1"),
    "one matrix for two": ("[q2c]\naverage_pool = [[1, 2], [3, 4]]\n", "2c.p1"),
    "a vector of two": ("[q3a]\na2 = [1, 2]\n", "3a.p1"),
    "a formula in other letters": ("[q3c]\nvariance = 'x + 1'\n", "3c.b.p1"),
    "a formula that breaks off": ("[q3c]\nexpectation = 'd * (mu'\n", "3c.a.p1"),
    "a misspelled name": ("[q3c]\nvarianz = 'd'\n", "3c.b.p1"),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_check_fails_a_box_that_cannot_be_read_as_what_it_asks_for(copy: Path, what: str) -> None:
    answers, number = UNREADABLE[what]
    folder = copy / ("box_" + re.sub(r"\W", "_", what))
    folder.mkdir()
    shutil.copy(copy / "student_template" / "hw6.ipynb", folder)
    (folder / "answers.toml").write_text(answers, encoding="utf-8")
    done = run(copy, "check", folder.name, "--question", number)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"✗ {number}" in done.stdout and f"Next: {number}" in done.stdout


READABLE = {
    "wrong values": ("[q2a]\nparameters = 1\noutput_shape = [1, 1]\n[q2b]\nparameters = 2\noutput_shape = '3'\n", 4),
    "matrices": ("[q2c]\naverage_pool = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]\nmax_pool = '[[1]], [[2]]'\n", 2),
    "vectors": ("[q3a]\na2 = '0.2 v1 + 0.3 v2 + 0.5 v3'\n", 1),
    "formulas": ("[q3c]\nexpectation = 'sigma*d^3 + 5/mu'\nvariance = '\\frac{\\mu^\\top \\mu}{d}'\n", 2),
}


@pytest.mark.parametrize("what", READABLE)
def test_check_judges_no_value_of_a_written_answer(copy: Path, what: str) -> None:
    answers, count = READABLE[what]
    done = run(copy, "check", filled(copy, "any_" + re.sub(r"\W", "_", what), answers=answers))
    assert done.returncode == 0, done.stdout + done.stderr
    written_tests = re.findall(r"✓ [23]\w?[\w.]*\.p\d", done.stdout)
    assert len(written_tests) == count, done.stdout


def test_check_shows_remarks_on_the_administrivia_and_costs_nothing_for_them(copy: Path) -> None:
    answers = '[administrivia]\nsurvey_code = "short"\n[q2a]\nparameters = 3\n'
    done = run(copy, "check", filled(copy, "remarks", answers=answers))
    assert done.returncode == 0
    assert "survey_code should be 10 letters or digits" in words(done.stdout)
    assert "signed_by is blank" in words(done.stdout)


@pytest.mark.parametrize("command", ["grade", "batch"])
def test_grading_with_the_students_copy_is_refused_in_one_sentence(copy: Path, tmp_path: Path, command: str) -> None:
    done = run(copy, command, "student_template" if command == "grade" else ".", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "students' copy" in done.stderr and "check" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and not done.stdout.strip()


# --- nothing of the solution is in it ---------------------------------------------------------------------------------


def texts(copy: Path) -> dict[str, str]:
    suffixes = {".py", ".ipynb", ".toml", ".md", ".j2", ".txt", ".json"}
    # submissions that other tests put here are no part of the copy
    found = [p for part in PARTS for p in ([copy / part] if (copy / part).is_file() else (copy / part).rglob("*"))]
    return {str(p.relative_to(copy)): p.read_text(encoding="utf-8") for p in found if p.suffix in suffixes}


SAYS_NOTHING = ("import ", "from ", "def ")  # everybody imports, and signatures are the handout's


def passages(text: str) -> set[str]:
    """Every two lines that follow each other, without their indentation; too short ones say nothing."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    pairs = {f"{one}\n{two}" for one, two in itertools.pairwise(lines) if not one.startswith(SAYS_NOTHING)}
    return {pair for pair in pairs if len(pair) > 60}


def test_no_passage_of_the_reference_is_in_the_copy(copy: Path) -> None:
    reference = {pair for path in (ROOT / "reference").glob("*.py") for pair in passages(path.read_text("utf-8"))}
    assert len(reference) > 300, "a search for nothing finds nothing"
    # What students are given anyway: the provided classes, and the template's first lines of each class.
    given = passages((ROOT / "autograder" / "student_room" / "provided_classes.py").read_text("utf-8"))
    given |= passages((ROOT / "student_template" / "source" / "hw6.py").read_text("utf-8"))
    assert {
        (name, pair) for name, text in texts(copy).items() for pair in passages(text) & (reference - given)
    } == set()


def expected_values() -> dict[str, str]:
    """The right written answers, as patterns that a file would hold them in."""
    pool = ["".join(f"{x:g}" for row in matrix for x in row) for matrix in written.max_pool()]
    shape = r"\s*[x×,]\s*"
    return {
        "shape 2a": rf"\b{shape.join(map(str, written.conv1d().output_shape))}\b",
        "shape 2b": rf"\b{shape.join(map(str, written.conv2d().output_shape))}\b",
        "count 2b": rf"\b{written.conv2d().parameters}\b",
        "a2": r"[,\s]+".join(re.escape(f"{x:.2f}") + r"\d*" for x in written.a2()),
        "variance": r"2\s*\*?\s*d\s*\*?\s*(?:mu|μ|\\mu)\s*\^?\s*[2²]\s*\*?\s*(?:sigma|σ|\\sigma)",
        "pooled": rf"\b{pool[0]}{pool[1]}\b" if len(set(pool[0] + pool[1])) > 1 else r"(?!)",
    }


@pytest.mark.parametrize("what", sorted(expected_values()))
def test_no_expected_written_value_is_in_the_copy(copy: Path, what: str) -> None:
    pattern = re.compile(expected_values()[what])
    assert [name for name, text in texts(copy).items() if pattern.search(text)] == []


def bodies(text: str) -> set[str]:
    """What each function of a file does, whatever it is called: its statements without the docstring."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            found.add("\n".join(map(ast.unparse, body)))
    return {body for body in found if len(body) > 30}


def test_no_function_of_the_reference_and_no_hidden_test_is_in_the_copy_under_any_name(copy: Path) -> None:
    files = [path for folder in ("reference", "tests/hidden") for path in (ROOT / folder).glob("*.py")]
    secret = {body for path in files for body in bodies(path.read_text(encoding="utf-8"))}
    assert len(secret) > 50
    kept = {
        (name, body) for name, text in texts(copy).items() if name.endswith(".py") for body in bodies(text) & secret
    }
    assert kept == set()
