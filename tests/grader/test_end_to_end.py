"""The main job as its users run it: the commands, in real processes, on the example class and the template."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.report.results import comparable
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = [pytest.mark.slow, pytest.mark.boxed]
CLASS = ROOT / "examples" / "class"
TEMPLATE = ROOT / "student_template" / "hw6.ipynb"


def autograder(*arguments: object, user: int | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autograder", *map(str, arguments)]
    who = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=patience(300), check=False, **who)  # type: ignore[call-overload,no-any-return]


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example class, graded by the command that `make demo` runs."""
    out = tmp_path_factory.mktemp("class")
    done = autograder("batch", CLASS, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "14 submissions" in done.stdout
    return out


EXPECTED = tomllib.loads((ROOT / "examples" / "expected.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_example_class_gets_what_its_table_says(graded: Path, name: str) -> None:
    results = json.loads((graded / "results" / f"{name}.json").read_text(encoding="utf-8"))
    questions = results["extra_data"]["questions"]
    words = {
        number: "full" if q["earned"] == q["possible"] else "zero" if q["earned"] == 0 else "lost"
        for number, q in questions.items()
    }
    for number, expected in EXPECTED[name].items():
        allowed = {"lost": {"lost", "zero"}}.get(expected, {expected})
        assert words[number] in allowed, (number, questions[number])


def test_every_hand_in_of_the_class_has_a_result_a_report_and_a_row(graded: Path) -> None:
    names = {p.name for p in CLASS.iterdir()}
    assert names == set(EXPECTED)
    assert {p.stem for p in (graded / "results").glob("*.json")} == names
    assert {p.stem for p in (graded / "reports").glob("*.html")} == names
    rows = (graded / "grades.csv").read_text().splitlines()
    assert {row.split(",")[0] for row in rows[1:]} == names


def test_the_reference_style_notebook_gets_39_of_39(graded: Path) -> None:
    results = json.loads((graded / "results" / "ada_complete.json").read_text(encoding="utf-8"))
    assert results["score"] == 39
    assert sum(test.get("max_score", 0) for test in results["tests"]) == 39


def test_the_same_submission_gives_the_same_bytes_times_aside(tmp_path: Path) -> None:
    data = []
    for i in range(2):
        assert autograder("grade", CLASS / "fay_no_scale", "--out", tmp_path / str(i), "--quiet").returncode == 0
        data.append(comparable(json.loads((tmp_path / str(i) / "results.json").read_text(encoding="utf-8"))))
    assert json.dumps(data[0]) == json.dumps(data[1])


def layout(root: Path, submission: Path) -> Path:
    """Gradescope's folders below a temporary root, with a submission in them."""
    shutil.copytree(submission, root / "submission")
    (root / "results").mkdir()
    metadata = {"id": 1, "created_at": "2022-05-03T20:00:00.000000-07:00", "users": [{"name": "A", "email": "a@b.c"}],
                "assignment": {"due_date": "2022-05-03T23:59:00.000000-07:00", "total_points": "39.0"}, "new": []}  # fmt: skip
    (root / "submission_metadata.json").write_text(json.dumps(metadata))
    for path in [root, *root.rglob("*")]:
        os.chmod(path, 0o777 if path.is_dir() else 0o666)
    return root


def reachable_by_others(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in [path, *path.parents])


USERS = [
    pytest.param(None, id="as whoever runs the tests"),
    pytest.param(
        65534,
        id="as an ordinary user",
        marks=pytest.mark.skipif(
            os.getuid() != 0
            or not all(reachable_by_others(Path(p)) for p in (sys.prefix, sys.base_prefix, sys.executable, ROOT)),
            reason="needs root, and a checkout and interpreter that others may read",
        ),
    ),
]
SCORES = {
    "ada_complete": (39, 39),
    "june_unfilled": (0, 0),
    "fay_no_scale": (25, 32),
    "gus_softmax_over_queries": (8, 14),
    "hana_post_norm": (25, 31),
}


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("name", SCORES)
def test_a_gradescope_layout_gets_its_results_json(
    tmp_path_factory: pytest.TempPathFactory, name: str, user: int | None
) -> None:
    base = tmp_path_factory.getbasetemp()
    for folder in (base, *base.parents):  # an ordinary user passes through to a folder of its own
        if folder.name.startswith(("pytest-", "popen-")):
            os.chmod(folder, 0o711)
    top = tmp_path_factory.mktemp("autograder")
    os.chmod(top, 0o755)
    root = layout(top / "root", CLASS / name)
    done = autograder("gradescope", "--root", root, user=user)
    assert done.returncode == 0, done.stderr
    results = json.loads((root / "results" / "results.json").read_text(encoding="utf-8"))
    low, high = SCORES[name]
    assert low <= results["score"] <= high
    assert results["extra_data"]["complete"] and results["stdout_visibility"] == "hidden"
    assert "rlimits" in results["extra_data"]["isolation"]


def test_gradescope_without_a_submission_says_so_and_takes_no_points(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    done = autograder("gradescope", "--root", tmp_path)
    results = json.loads((tmp_path / "results" / "results.json").read_text(encoding="utf-8"))
    assert done.returncode == 3 and "score" not in results
    assert "staff" in results["tests"][0]["output"] + results["output"]


def filled(tmp_path: Path, *, attention: str = "", layer: str = "") -> Path:
    """The template notebook with some blanks filled in, as a student saves it at midnight."""
    notebook = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code" and attention and "class SingleHeadAttention" in text:
            cell["source"] = attention
        if cell["cell_type"] == "code" and layer and "class ViTLayer" in text:
            cell["source"] = layer
    path = tmp_path / "hw6.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def reference(name: str) -> str:
    lines = (ROOT / "reference" / f"{name}.py").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith(("from reference", "Attention = ")))


STAGES = {
    "untouched": ({}, 1, ["still to be written", "4a.p1", "4b.p1"]),
    "only 4(a) done": ({"attention": reference("attention")}, 1, ["4b.p1", "still to be written"]),
    "both done": ({"attention": reference("attention"), "layer": reference("encoder")}, 0, ["nothing to fix"]),
    "a typo": ({"attention": "class SingleHeadAttention(nn.Module)\n    pass"}, 1, ["expected ':'", "cell"]),
    "half of __init__": ({"attention": "class SingleHeadAttention(nn.Module):\n    def __init__(self, input_dim, inner_dim, dropout=0.):\n        self.q = nn.Linear(input_dim, inner_dim)\n"}, 1, ["AttributeError", "super().__init__"]),
}  # fmt: skip


@pytest.mark.parametrize("stage", STAGES)
def test_check_is_useful_at_every_stage_of_the_template(tmp_path: Path, stage: str) -> None:
    blanks, status, words = STAGES[stage]
    done = autograder("check", filled(tmp_path, **blanks))
    assert done.returncode == status, done.stdout + done.stderr
    assert all(word in " ".join(done.stdout.split()) for word in words), done.stdout
    assert "Traceback" not in done.stdout + done.stderr


NEW_TEST = '''
import pytest
from gradescope_utils.autograder_utils.decorators import number, partial_credit, visibility, weight

@number("4a.77")
@weight(2)
@visibility("after_published")
def test_new(student, cases):
    """a test that an instructor added"""
    case = cases.attention(1)[0]
    with student.visit("4a") as visit:
        visit.build(case)
        assert visit.forward(case.x()).output.shape[-1] == case.inner_dim, "the last axis is not inner_dim"

@number("4b.77")
@partial_credit(3)
def test_half(set_score):
    """half of it"""
    set_score(1.5)

@number("2a.77")
@weight(1)
def test_says_why():
    """an assert with a message"""
    assert 1 == 2, "one is not two"

@number("2b.77")
@weight(1)
def test_ours():
    """a mistake of the instructor's"""
    undefined_name

@pytest.mark.requires("2a.77")
@number("2c.77")
@weight(1)
def test_builds_on():
    """builds on another"""

@pytest.mark.requires("2b.77")
@number("3a.77")
@weight(1)
def test_builds_on_ours():
    """builds on the mistake"""
'''


def test_an_instructor_adds_a_hidden_test_like_any_pytest_test(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_mine.py").write_text(NEW_TEST)
    done = autograder(
        "grade", CLASS / "ada_complete", "--out", tmp_path / "out", "--tests", tmp_path / "tests", "--json"
    )
    tests = {t["number"]: t for t in json.loads(done.stdout)["tests"]}
    assert done.returncode == 3, "one test is broken, by the instructor's own mistake"
    assert (tests["4a.77"]["score"], tests["4a.77"]["visibility"]) == (2, "after_published")
    assert tests["4b.77"]["score"] == 1.5
    assert tests["2a.77"]["score"] == 0 and "one is not two" in tests["2a.77"]["output"]
    assert "score" not in tests["2b.77"] and "staff" in tests["2b.77"]["output"]
    assert tests["2c.77"]["score"] == 0 and "2a.77" in tests["2c.77"]["output"]
    assert "score" not in tests["3a.77"], "what builds on a test that we failed to judge is not judged, either"


def test_a_hidden_test_that_cannot_be_collected_makes_the_result_incomplete_and_says_which(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_mine.py").write_text(NEW_TEST)
    (tmp_path / "tests" / "test_broken.py").write_text("import no_such_module\n")
    (tmp_path / "tests" / "test_odd.py").write_text("def test_without_a_number():\n    assert True\n")
    done = autograder(
        "grade", CLASS / "ada_complete", "--out", tmp_path / "out", "--tests", tmp_path / "tests", "--json"
    )
    extra = json.loads(done.stdout)["extra_data"]
    assert done.returncode == 3 and not extra["complete"]
    notes = " ".join(extra["staff_notes"])
    assert "test_broken" in notes and "no_such_module" in notes
    assert "no number on it: test_odd.py::test_without_a_number" in notes.replace("tests/", "")


USAGE = {
    "no such path": (["check", "/nowhere/hw6.ipynb"], "nothing at"),
    "no tests there": (["grade", str(CLASS / "ada_complete"), "--out", "{out}", "--tests", "{out}"], "no tests"),
    "no such folder of tests": (
        ["grade", str(CLASS / "ada_complete"), "--out", "{out}/o", "--tests", "{out}/n"],
        "no folder",
    ),
    "a file instead of tests": (
        ["grade", str(CLASS / "ada_complete"), "--out", "{out}/o", "--tests", __file__],
        "is a file",
    ),
    "an unknown question to check": (["check", str(TEMPLATE), "--question", "9"], "4a, 4b, 4c"),
    "an unknown question to grade": (
        ["grade", str(CLASS / "ada_complete"), "--out", "{out}/o", "--only", "9z"],
        "4a, 4b, 4c",
    ),
    "an unknown question of a class": (["batch", str(CLASS), "--out", "{out}/o", "--only", "4d"], "Did you mean 4a?"),
    "a test that is not there": (["grade", str(CLASS / "ada_complete"), "--out", "{out}/o", "--only", "4a.77"], "4a.7"),
    "a public test that is not there": (["check", str(TEMPLATE), "--question", "4a.7"], "4a.p1"),
    "a file instead of a class": (["batch", str(TEMPLATE), "--out", "{out}"], "not a folder"),
    "an unknown command": (["grad"], "grad"),
}


@pytest.mark.parametrize("what", USAGE)
def test_a_usage_error_is_a_sentence_and_status_2(tmp_path: Path, what: str) -> None:
    arguments, words = USAGE[what]
    done = autograder(*(a.format(out=tmp_path) for a in arguments))
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("*.json")), "nothing was graded"


ONE_TEST = """
from gradescope_utils.autograder_utils.decorators import number, weight

@number("2a.7")
@weight(2)
def test_one():
    "one"
"""


def test_a_question_that_no_test_of_ones_own_has_and_files_without_a_test_are_told(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    command = ["grade", CLASS / "eli_parameter", "--out", tmp_path / "out", "--tests", tests]
    (tests / "test_nothing.py").write_text("x = 1\n")
    empty = autograder(*command)
    assert empty.returncode == 2 and "hold no test" in empty.stderr
    (tests / "test_one.py").write_text(ONE_TEST)
    other = autograder(*command, "--only", "Q4(a)")
    assert other.returncode == 2 and "no test here has the number 4a. The tests are 2a.7." in other.stderr
    assert autograder(*command, "--only", "2(A)").returncode == 0
    for left_out, words in (("2a", "no test is left without 2a"), ("4c.3", "no test here has the number 4c.3")):
        none = autograder(*command, "--without", left_out)
        assert none.returncode == 2 and words in none.stderr


def test_a_question_or_test_is_left_out(tmp_path: Path) -> None:
    command = ["grade", CLASS / "eli_parameter", "--out", tmp_path, "--only", "4", "--without", "Q4(a)"]
    assert autograder(*command).returncode == 0
    names = [test["number"] for test in json.loads((tmp_path / "results.json").read_text())["tests"]]
    assert names and {name[:2] for name in names} == {"4b", "4c"}


@pytest.mark.parametrize("typed", ["4A", "4(a)", "q4a", "Question 4 (a)"])
def test_check_forgives_how_a_question_is_written(typed: str) -> None:
    done = autograder("check", CLASS / "ada_complete", "--question", typed)
    assert done.returncode == 0 and "✓ 4a.p1" in done.stdout and "4b" not in done.stdout, done.stdout + done.stderr


def test_check_says_what_it_does_not_check_and_which_files_that_is_judged_from(tmp_path: Path) -> None:
    one = autograder("check", CLASS / "chen_einsum", "--question", "4c")
    assert one.returncode == 0 and "found: history.json; missing: hw6.ipynb" in one.stdout, one.stdout + one.stderr
    everything = autograder("check", CLASS / "ada_complete").stdout
    assert "Not checked: 4c" in everything and "found: hw6.ipynb, history.json" in everything
    assert "Not checked: 1, 2d, 3b, 3c.c. A person" in everything
    assert "Not checked" not in autograder("check", CLASS / "ada_complete", "--question", "4a").stdout
    (tmp_path / "hw6.py").write_text("x = 1\n")
    (tmp_path / "history.json").write_text("{")
    broken = autograder("check", tmp_path, "--question", "4c")
    assert broken.returncode == 1 and "history.json could not be used" in broken.stdout


def test_selfcheck_grades_a_right_and_a_wrong_solution() -> None:
    done = autograder("selfcheck")
    assert done.returncode == 0 and "full marks" in done.stdout, done.stderr
