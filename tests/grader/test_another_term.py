"""Another term's notebook, with other names of classes and arguments, other points and another file: by policy alone."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.core import policy
from tests.grader.pace import patience
from tests.grader.served import served
from tests.grader.source_tree import modules

ROOT = Path(__file__).resolve().parents[2]
CLASS = ROOT / "examples" / "class"

NAMES = {
    "SingleHeadAttention": "AttentionHead",
    "ViTLayer": "TransformerBlock",
    "Attention": "MultiHeadAttention",
    "ViT": "VisionTransformer",
    "input_dim": "d_model",
    "inner_dim": "d_head",
}
CHANGES = (
    ('title = "CS189 Homework 6"', 'title = "CS182 Homework 3"'),
    ('notebook = "hw6.ipynb"', 'notebook = "hw3.ipynb"'),
    ('class_name = "SingleHeadAttention"', 'class_name = "AttentionHead"\narguments = ["d_model", "d_head", "dropout"]'),
    ('class_name = "ViTLayer"', 'class_name = "TransformerBlock"'),
    ('given = ["SingleHeadAttention"]', 'given = ["AttentionHead"]'),
    ('may_bring = ["Attention"]', 'may_bring = ["MultiHeadAttention"]'),
    ('classes = ["Attention", "ViT"]', 'classes = ["MultiHeadAttention", "VisionTransformer"]'),
    ('tests."4a.4" = 4 ', 'tests."4a.4" = 8 '),
    ('points = 10\n', 'points = 14\n'),
)  # fmt: skip


def renamed(text: str) -> str:
    return re.sub(rf"\b({'|'.join(NAMES)})\b", lambda found: NAMES[found[0]], text)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The policy of that term."""
    text = policy.FILE.read_text(encoding="utf-8")
    for old, new in CHANGES:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = tmp_path_factory.mktemp("policy") / "cs182.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def engines(other: Path) -> Iterator[dict[str, str]]:
    """What commands with that policy find in their environment, to share an import of torch."""
    with served(ROOT, **{policy.VARIABLE: str(other)}) as environment:
        yield environment


def results(submission: Path, out: Path, *options: object, engines: dict[str, str] | None = None) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "autograder",
        "grade",
        submission,
        "--out",
        out,
        "--seed",
        "5",
        "--quiet",
        *options,
    ]
    environment = {name: value for name, value in os.environ.items() if name != policy.VARIABLE}
    done = subprocess.run(
        list(map(str, command)),
        cwd=ROOT,
        env=environment | (engines or {}),
        capture_output=True,
        text=True,
        timeout=patience(60),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((out / "results.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("who", ["ada_complete", "fay_no_scale", "hana_post_norm", "milo_ready_made", "june_unfilled"])
def test_the_same_work_under_other_names_has_the_same_outcome(
    who: str, other: Path, engines: dict[str, str], tmp_path: Path
) -> None:
    ours, theirs = tmp_path / who, tmp_path / "theirs"
    theirs.mkdir()
    for file in (CLASS / who).iterdir():
        code = file.suffix in (".ipynb", ".py")
        text = file.read_text(encoding="utf-8")
        (theirs / file.name.replace("hw6", "hw3")).write_text(renamed(text) if code else text, encoding="utf-8")
    expected = results(CLASS / who, ours)
    found = results(theirs, tmp_path / "out", "--policy", other, engines=engines)
    for one, same in zip(expected["tests"], found["tests"], strict=True):
        worth = 2 if one["number"] == "4a.4" else 1
        assert (same["number"], same["status"]) == (one["number"], one["status"]), same["output"]
        assert same.get("score", 0) == pytest.approx(worth * one.get("score", 0)), same["output"]
        assert not re.search(r"\b(SingleHeadAttention|ViTLayer)\b", same["output"]), same["output"]
    assert sum(test.get("max_score", 0) for test in found["tests"]) == 43


@pytest.mark.slow
def test_a_term_without_a_question_takes_it_out_of_the_policy_and_leaves_the_tests_alone(tmp_path: Path) -> None:
    text = policy.FILE.read_text(encoding="utf-8")
    before, _, dropped = text.partition('[[questions]]\nnumber = "3a"')
    mine = tmp_path / "policy.toml"
    mine.write_text(before + "[[questions]]" + dropped.partition("[[questions]]")[2], encoding="utf-8")
    found = results(CLASS / "ada_complete", tmp_path / "out", "--policy", mine, "--only", "3")
    assert [test["number"] for test in found["tests"]] == ["3c.a.1", "3c.b.1"] and found["extra_data"]["complete"]
    [note] = found["extra_data"]["staff_notes"]
    assert note.endswith("that the policy does not have: 3a")


@pytest.mark.slow
def test_an_image_of_that_term_finds_itself_fit_to_grade(other: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "autograder", "selfcheck"], cwd=ROOT, env=os.environ | {policy.VARIABLE: str(other)},
        capture_output=True, text=True, timeout=patience(120), check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "the reference solution gets full marks" in done.stdout, done.stderr


def packaged(out: Path, *options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autograder", "package", "student", "--out", out, *options]
    return subprocess.run(
        list(map(str, command)), cwd=ROOT, capture_output=True, text=True, timeout=patience(60), check=False
    )


def test_students_get_that_terms_notebook_and_policy(other: Path, tmp_path: Path) -> None:
    ours, theirs = ROOT / "student_template", tmp_path / "template"
    theirs.mkdir()
    (theirs / "hw3.ipynb").write_text(renamed((ours / "hw6.ipynb").read_text(encoding="utf-8")), encoding="utf-8")
    (theirs / "answers.toml").write_bytes((ours / "answers.toml").read_bytes())
    refused = packaged(tmp_path / "a.zip", "--policy", other)
    assert refused.returncode == 2 and "--template" in refused.stderr and not (tmp_path / "a.zip").exists()
    done = packaged(tmp_path / "b.zip", "--policy", other, "--template", theirs)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert {"hw6/hw3.ipynb", "hw6/answers.toml"} < set(
            archive.namelist()
        ) and "hw6/hw6.ipynb" not in archive.namelist()
        assert archive.read("hw6/autograder/policy.toml") == other.read_bytes()
    (theirs / "hw3.ipynb").write_bytes((ours / "hw6.ipynb").read_bytes())
    named = packaged(tmp_path / "c.zip", "--policy", other, "--template", theirs)
    assert named.returncode == 2 and "no class AttentionHead" in named.stderr.replace("\n", " ")


def test_a_class_that_keeps_its_old_name_in_one_place_is_refused_before_anything_is_graded(
    other: Path, tmp_path: Path
) -> None:
    half = tmp_path / "half.toml"
    text = other.read_text(encoding="utf-8").replace('given = ["AttentionHead"]', 'given = ["SingleHeadAttention"]')
    half.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "autograder", "grade", CLASS / "ada_complete", "--out", tmp_path / "out"]
    done = subprocess.run(
        [*map(str, command), "--policy", str(half)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    said = " ".join(done.stderr.split())
    assert done.returncode == 2 and not (tmp_path / "out").exists() and "Traceback" not in said
    assert "no class 'SingleHeadAttention' to name here; there is 'AttentionHead'" in said, said


READ = """
import sys
from pathlib import Path
from autograder.handin import folders
from autograder.handin.load import load

found = load(Path(sys.argv[1]))
print(found.file, sorted(found.programs), found.answers, found.history, [f.message for f in found.findings])
print(folders.own_files(Path(sys.argv[1])))
"""


def test_files_may_have_capitals(tmp_path: Path) -> None:
    text = policy.FILE.read_text(encoding="utf-8")
    names = {"hw6.ipynb": "HW3.ipynb", "answers.toml": "Answers.toml", "history.json": "History.json"}
    for old, new in names.items():
        text = text.replace(f'= "{old}"', f'= "{new}"')
    mine, work = tmp_path / "mine.toml", tmp_path / "work"
    mine.write_text(text, encoding="utf-8")
    work.mkdir()
    for old, new in names.items():
        (work / new).write_bytes((CLASS / "ada_complete" / old).read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", READ, str(work)], cwd=ROOT, env=os.environ | {policy.VARIABLE: str(mine)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("HW3.ipynb ['4a', '4b'] {"), done.stdout + done.stderr
    assert "None" not in done.stdout and "HW3.ipynb'" in done.stdout.splitlines()[1] and "called" not in done.stdout


# Where a file's name stands in the code all the same, and the text is none that is told of a submission.
ITS_OWN = {
    "autograder/commands/package/student.py": "what lies in our template's folder",
    "autograder/commands/package/gradescope.py": "what lies in our template's folder",
    "autograder/commands/template.py": "the notebook that is built from our sources",
    "autograder/handin/prose.py": "the same notebook, for what in it is the template's",
    "autograder/cli": "--help, which is the same for every policy; docs/commands.md quotes it",
    "autograder/engine": "the engine's own words",
}


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, text) of every text but docstrings."""
    notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in notes:
            yield node.lineno, node.value


def test_no_message_has_a_files_name_that_another_term_calls_otherwise() -> None:
    files = policy.FILES
    known = re.compile("|".join(map(re.escape, (files.notebook, files.answers, files.history, files.checkpoint))))
    found = [
        f"{module.path}:{line} {text}"
        for module in modules("autograder")
        for line, text in texts(module.tree)
        if known.search(text) and not any(module.path.startswith(path) for path in ITS_OWN)
    ]
    assert not found, f"write the policy's name of the file: {found}"


TOLD = """
from autograder.core.records import Submission
from autograder.handin.evidence import gather
from autograder.handin.files import answers, layout
from autograder.judging.training.judge import judge_claim, judge_curves
from autograder.judging.written.verdict import blank
from autograder.report import summary

for data in (b"x", b"x = [[", b"%PDF-", b"\\\\xff\\\\xfe\\\\xff", b"[" * 90, b"a" * 99999, b"<<<<<<< mine"):
    try:
        answers.parse_answers(data)
    except answers.SubmissionError as error:
        print(error)
print(*layout.remarks_on_administrivia({}), *layout.remarks_on_layout({"": {"x": 1}, "q9": {}, "q2a": {"a2": 1}}))
evidence = gather({"train_loss": [2, 1], "epochs": 7, "test_correct": 9, "test_total": 1, "batch_size": 1}, "", [])
for one in (evidence, gather(None, "", [])):
    print(evidence.source, *one.problems, *map(str, (judge_curves(one), judge_claim(one), blank("4"))))
work = Submission(name="", file="hw3.py", digest="", answers_problem="no", history_problem="no")
print(summary._unusable(work, ()))
"""


def test_students_are_told_of_the_files_of_their_course(other: Path, tmp_path: Path) -> None:
    text = other.read_text(encoding="utf-8").replace('"answers.toml"', '"written.toml"')
    mine = tmp_path / "mine.toml"
    mine.write_text(text.replace('"history.json"', '"losses.json"'), encoding="utf-8")
    environment = os.environ | {policy.VARIABLE: str(mine)}
    done = subprocess.run(
        [sys.executable, "-c", TOLD], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("written.toml") > 12 and done.stdout.count("losses.json") > 8, done.stdout
    assert not re.search(r"answers\.toml|history\.json", done.stdout), done.stdout
