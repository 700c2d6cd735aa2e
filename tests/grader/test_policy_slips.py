"""A policy with a slip in it is refused in words that say what to write there: the line, the name, and the right line."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from autograder.core import policy
from autograder.core.policy_kinds import lists, misfits
from autograder.core.policy_line import read
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT
from tests.grader.test_policy import TEXT, changed

KIND = inspect.type_info(policy.Policy)
assert isinstance(KIND, inspect.StructType)
SECOND = '[[questions]]\nnumber = "2b"'
POINTS = 'title = "2D convolution"\npoints = 2'


def line(of: str) -> int:
    return 1 + TEXT[: TEXT.index(of)].count("\n")


# What is spelled in another way, and says the same: none of it is refused.
SAME = {
    "tests below a header of their own": ('tests."4b.1" = 0.5  #', '[questions.tests]\n"4b.1" = 0.5 #'),
    "numbers with a point": ("points = 10\n", "points = 10.0\n"),
    "a list in several lines": ('classes = ["Attention", "ViT"]', 'classes = [\n  "Attention",\n  "ViT",\n]'),
    "a header with room": ("[late]", "  [ late ]  # from May on"),
    "names in quotes": ("shown = false", '"shown" = false'),
}

# (what is replaced, by what, what is said); the line is where the replacement's last line stands, or the third word's
KINDS = {
    "text for a number": (POINTS, POINTS[:-1] + '"2"', "write it without quotes: points = 2"),
    "text with a comma for a number": (POINTS, POINTS[:-1] + '"1,5"', 'the text "1,5" stands where a number must: write it without quotes: points = 1.5'),
    "a word for a number": (POINTS, POINTS[:-1] + '"two"', 'the text "two" stands where a number must'),
    "a switch for a number": (POINTS, POINTS[:-1] + "true", "the word true stands where a number must"),
    "a date for a number": (POINTS, POINTS[:-1] + "2026-05-01", "the date or time 2026-05-01 stands where a number must"),
    "a list for a number": ('tests."4a.1" = 1', 'tests."4a.1" = [1]', 'write it without brackets: tests."4a.1" = 1'),
    "a number for text": ('number = "2b"', "number = 2", 'the number 2 stands where a text must: write it in quotes: number = "2"'),
    "a part of a number for text": ('number = "2b"', "number = 2.1", 'write it in quotes: number = "2.1"'),
    "a list for text": ('class_name = "ViTLayer"', 'class_name = ["ViTLayer"]', 'write it without brackets: class_name = "ViTLayer"'),
    "a table for text": ('class_name = "ViTLayer"', 'class_name = { name = "ViTLayer" }', "a table stands where a text in quotes must"),
    "text for a list": ('given = ["SingleHeadAttention"]', 'given = "SingleHeadAttention"', 'stands where a list must: given = ["SingleHeadAttention"]'),
    "texts in one for a list": ('allowed_nn = ["Module", "Linear", "Softmax", "Dropout"]', 'allowed_nn = "Module, Linear"', 'allowed_nn = ["Module", "Linear"]'),
    "a number in a list of texts": ('evidence = ["notebook", "history"]', "evidence = [1]", 'the number 1 is none of the words "history" and "notebook"'),
    "one class provided": ('classes = ["Attention", "ViT"]', 'classes = ["Attention"]', "2 stand here, in square brackets with commas between them, not 1"),
    "text for a switch": ("shown = false ", 'shown = "false" ', "write false, without quotes: shown = false"),
    "a number for a switch": ("shown = false ", "shown = 1 ", "write true, without quotes: shown = true"),
    "a word for a switch": ("shown = false ", 'shown = "perhaps" ', "write true or false, without quotes"),
    "a switch for a word": ('written = "required"', "written = true", 'the word true is none of the words "optional" and "required"'),
    "part of a count": ("epochs = 10 ", "epochs = 10.0 ", "10 is no whole number: write 10, without a point"),
    "half a count": ("epochs = 10 ", "epochs = 10.5 ", "10.5 is no whole number: take a whole one"),
    "percent for a share": ("one_curve = 0.5", "one_curve = 50", "50 stands here: it must be 1 at most; a share is a part of 1, so 50 % is 0.5"),
    "less than nothing": (POINTS, POINTS[:-1] + "-2", "-2 stands here: it must be 0 or more"),
    "nothing where there must be something": ("zip_ratio = 100", "zip_ratio = 0", "0 stands here: it must be above 0"),
    "one header in double brackets": ("[late]", "[[late]]", "so its header has single brackets: [late]"),
    "a value for a table": ('written = "required"', 'written = "required"\nkept = 0.5', "stands in line", "[kept]"),
    "texts for tables": ("[[by_hand]]", '[by_hand]', "write [[by_hand]], with double brackets"),
    "a list of tests": ('tests."2b.1" = 1 # one of the two things that 2(b) asks for\ntests."2b.2" = 1', "tests = [1, 1]", 'each test has a line of its own, such as tests."2a.1" = 1'),
    "a test's number without quotes": ('tests."4a.1" = 1', "tests.4a.1 = 1", "a test's number stands in quotes: tests.\"4a.1\" = 1"),
    "a longer one": ('tests."3c.b.1" = 6', "tests.3c.b.1 = 6", "a test's number stands in quotes: tests.\"3c.b.1\" = 6"),
    "a test's number that is a number": ('tests."4a.1" = 1', "tests.4.1 = 1", "a test's number stands in quotes: tests.\"4.1\" = 1"),
    "one with a table": ('tests."4a.1" = 1', "tests.4a.1 = { points = 1 }", "a test's number stands in quotes: tests.\"4a.1\" = { … }"),
    "a test without the word": ('tests."4a.1" = 1', '"4a.1" = 1', "a test's number stands in quotes behind tests: tests.\"4a.1\" = 1"),
    "neither word nor quotes": ('tests."4a.1" = 1', "4a.1 = 1", "a test's number stands in quotes behind tests: tests.\"4a.1\" = 1"),
    "a test without points": ('tests."4a.1" = 1', 'tests."4a.1" = { visibility = "hidden" }', "points is missing: write points = 2, with your own value"),
    "a slip in a test": ('tests."4a.1" = 1', 'tests."4a.1" = { point = 1 }', "a test's number stands in quotes"),
    "a visibility in capitals": ('tests."4a.1" = 1', 'tests."4a.1" = { points = 1, visibility = "Hidden" }', 'the text "Hidden" is none of the words'),
    "a slip in a name": ("grace_minutes", "grace_minute", "there is no 'grace_minute' here: did you mean grace_minutes?"),
    "a name in capitals": ("shown = false", "Shown = false", "there is no 'Shown' here: did you mean shown?"),
    "a name with a dash": ('class_name = "ViTLayer"', 'class-name = "ViTLayer"', "there is no 'class-name' here: did you mean class_name?"),
    "a slip in a header": ("[visibility]", "[visiblity]", "there is no 'visiblity' here: did you mean visibility?"),
    "a slip in a header of several": (SECOND, SECOND.replace("questions", "question"), "there is no 'question' here: did you mean [[questions]]?", "[[question]]"),
    "a slip in the model": ("depth = 6 ", "dept = 6 ", "there is no 'dept' here: did you mean depth?"),
    "another language's name": (POINTS, POINTS.replace("points", "puntos"), "there is no 'puntos' here; known are number, title, points"),
    "a name that is there already": (POINTS, POINTS + "\npoint = 2", "there is no 'point' here, and points is there already"),
    "a header that is lost": ("[limits]\n", "\n", "'child_seconds' has another place: is its header, [limits], missing above it?", "child_seconds = "),
    "an inner header that is lost": ("[training.model]\n", "\n", "'depth' has another place: is its header, [training.model], missing above it?", "depth = "),
    "a name in another table": ("most = 0\n", "most = 0\nlost_each_day = 0.1\n", "is its header, [late], missing above it?", "lost_each_day = 0.1"),
    "a line that is lost": (POINTS, POINTS.rpartition("\n")[0], "points is missing: write points = 2, with your own value", SECOND),
    "a number that is lost": (SECOND, SECOND.partition("\n")[0], 'number is missing: write number = "…"', '[[questions]]\ntitle = "2D'),
    "a size that is lost": ("depth = 6 ", "# ", "depth is missing: write depth = 2", "[training.model]"),
}  # fmt: skip

# What keeps the file from being TOML: the same.
SLIPS = {
    "a header in single brackets": (SECOND, SECOND.replace("[[questions]]", "[questions]"), "write [[questions]], with double brackets", "[questions]"),
    "a header with a bracket too few": (SECOND, SECOND.replace("[[questions]]", "[[questions]"), "a header has as many brackets behind it as before it: [questions] or [[questions]]", "[[questions]\n"),
    "a header without brackets": ("[late]", "late", "a header stands in brackets, [late]"),
    "a header twice": ("[again]", "[late]", f"late stands in line {line('[late]')} already: there can be one, so put its lines together"),
    "a header that is lost": (SECOND, 'number = "2b"', "number stands in line 35 already: take one of them out, or is the header [[questions]] missing above it?"),
    "a line twice": (POINTS, POINTS + "\npoints = 2", "points stands in line 44 already: take one of them out"),
    "a test twice": ('tests."2b.2" = 1', 'tests."2b.1" = 1', "tests.2b.1 stands in line 45 already: take one of them out"),
    "a word without quotes": ('written = "required"', "written = required", 'a text stands in quotes, written = "required"'),
    "a number of a question without quotes": ('number = "2b"', "number = 2b", 'a text stands in quotes, number = "2b"'),
    "a unit": ("total_seconds = 540.0", "total_seconds = 9 minutes", "and a number has no letters"),
    "curly quotes": ('"2D convolution"', "“2D convolution”", 'these are no straight quotes: title = "2D convolution"'),
    "quotes that do not close": ('"2D convolution"', '"2D convolution', 'the text is not closed: it needs a " at its end'),
    "quotes of two kinds": ('"2D convolution"', "'2D convolution\"", "the text is not closed: it needs a ' at its end"),
    "more behind a text": ('"2D convolution"', '"2D convolution" (new)', "behind the text there is more, (new): take it out"),
    "a path": ('"2D convolution"', '"2D\\convolution"', "in double quotes a \\ is written twice"),
    "a switch in capitals": ("shown = false ", "shown = False ", "write false in small letters: shown = false"),
    "yes": ("shown = false ", "shown = yes ", "is no TOML: write shown = true"),
    "nothing": (POINTS, POINTS[:-1] + "null", "there is no word for nothing: write a value behind points, or take the line out"),
    "no value": (POINTS, POINTS[:-1], "points has no value: write one behind the =, or take the line out"),
    "a comma": ("values = 1e-4", "values = 0,0001", "numbers have a point, not a comma: values = 0.0001"),
    "a comma for thousands": ("test_images = 10_000", "test_images = 10,000", "a number has no comma: 10000, or 10.000 for a part of one"),
    "per cent": ("one_curve = 0.5", "one_curve = 50%", "a share is a part of 1: one_curve = 0.5"),
    "a fraction": ("one_curve = 0.5", "one_curve = 1/2", "a number is written out: one_curve = 0.5"),
    "no digit before the point": ("one_curve = 0.5", "one_curve = .5", "a digit on both sides of its point, and no 0 before it: one_curve = 0.5"),
    "a 0 before a number": (POINTS, POINTS[:-1] + "02", "no 0 before it: points = 2"),
    "a semicolon": (POINTS, POINTS + ";", "nothing stands behind a value: points = 2"),
    "another language's comment": (POINTS, POINTS + " // half", "nothing stands behind a value: points = 2, and a comment begins with #"),
    "two versions of a merge": (POINTS, f"<<<<<<< HEAD\n{POINTS}\n=======\n{POINTS}\n>>>>>>> other", "two versions of the file were merged", "<<<<<<<"),
    "a blank of a web page's": (POINTS, POINTS.replace("points =", "points\u00a0="), "a blank here is none (U+00A0): type it anew"),
    "a colon": ("epochs = 10 ", "epochs: 10 ", "write a = between name and value: epochs = 10"),
    "a blank": (POINTS, POINTS.replace("points =", "points"), "write a = between name and value: points = 2"),
    "two of them": (POINTS, POINTS.replace("points =", "points =="), "one = stands between name and value: points = 2"),
    "a name of two words": ('class_name = "ViTLayer"', 'class name = "ViTLayer"', 'a name has no space in it: class_name = "ViTLayer"'),
    "a list without a comma": ('classes = ["Attention", "ViT"]', 'classes = ["Attention" "ViT"]', "a comma is missing between the texts of this list"),
    "a list that does not close": ('given = ["SingleHeadAttention"]', 'given = ["SingleHeadAttention"', "this list is not closed"),
    "braces with a colon": ('tests."4a.1" = 1', 'tests."4a.1" = { "points": 1 }', "between braces stand names with =, in one line: { points = 1 }"),
    "braces in two lines": ('tests."4a.1" = 1', 'tests."4a.1" = { points = 1,\n}', "between braces stand names with =, in one line", 'tests."4a.1" = {'),
}  # fmt: skip


@pytest.mark.parametrize("what", SAME)
def test_another_spelling_is_the_same_policy(tmp_path: Path, what: str) -> None:
    assert TEXT.count(SAME[what][0]) >= 1
    tidy = TEXT
    if what.startswith("tests below"):  # the rest of that question's tests come under the header, too
        begin = tidy.index('tests."4b.1"')
        tidy = tidy[:begin] + tidy[begin:].replace('tests."4b.', '"4b.').replace('"4b.1"', 'tests."4b.1"', 1)
    path = tmp_path / "policy.toml"
    path.write_text(tidy.replace(*SAME[what], 1), encoding="utf-8")
    assert policy.load(path) == policy.POLICY


@pytest.mark.parametrize("what", [*KINDS, *(f"no TOML: {what}" for what in SLIPS)])
def test_a_slip_is_told_with_its_line_and_what_to_write(tmp_path: Path, what: str) -> None:
    old, new, says, *at = SLIPS[what[9:]] if what.startswith("no TOML") else KINDS[what]
    path = changed(tmp_path, (old, new))
    if what == "no TOML: braces in two lines" and sys.version_info < (3, 11):
        pytest.skip("tomli reads TOML 1.1, where braces may stand in several lines")
    with pytest.raises(policy.BadPolicy) as refused:
        policy.load(path)
    said = str(refused.value)
    assert says in said and said.startswith(f"{path}, line "), said
    text = path.read_text("utf-8")
    mark = at[0] if at else new.splitlines()[-1]
    begins = [n for n in range(len(text)) if text.startswith(mark, n)]
    lines = {text.count("\n", 0, n) + 1 for n in begins}
    assert lines and int(said.removeprefix(f"{path}, line ").split()[0].strip(",:")) in lines, (lines, said)
    assert "`" not in said and "field" not in said, "a reader's own words"


def test_what_is_missing_as_a_whole_is_told_without_a_line(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    said = {}
    for what, text in {
        "an empty file": "",
        "no table": 'title = "CS"\nwritten = "required"\n',
        "nothing by hand": TEXT.replace("[[by_hand]]", "[[questions]]"),
        "JSON": '{"title": "CS"}',
    }.items():
        path.write_text(text, encoding="utf-8")
        with pytest.raises(policy.BadPolicy) as refused:
            policy.load(path)
        said[what] = str(refused.value).removeprefix(str(path))
    assert said == {
        "an empty file": ': title is missing: write title = "…", with your own value',
        "no table": ": the table [visibility] is missing",
        "nothing by hand": ": there is no [[by_hand]] at all; if that is meant, write by_hand = [] above the first header",
        "JSON": ", line 1, is no TOML: this looks like JSON; a policy is written as the one that comes with the grader is",
    }


def test_what_is_not_recognised_keeps_the_readers_own_words(tmp_path: Path) -> None:
    with pytest.raises(policy.BadPolicy, match=r"is no TOML: .+line 44"):
        policy.load(changed(tmp_path, (POINTS, POINTS[:-1] + "<2>")))
    for value in ("9" * 5000, "[" * 3000 + "]" * 3000):
        with pytest.raises(policy.BadPolicy):
            policy.load(changed(tmp_path, (POINTS, POINTS[:-1] + value)))


def _places(value: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for name, each in inside for place in _places(each, (*at, name)))]


_TABLE: dict[str, Any] = read(policy.FILE, lists(KIND))[1]
_ODD = st.one_of(
    st.sampled_from(["", "2", "hidden", "4a.1", 0, 1, -1, 2.5, 1e300, True, False, [], [[]], {}, {"points": 1}, {"4a": {"1": 2}}]),
    st.lists(st.sampled_from(["x", 1, True, {"number": "9"}]), max_size=3),
)  # fmt: skip


@given(at=st.sampled_from(_places(_TABLE)[1:]), name=st.sampled_from(["", "points", "9a.1", "nope", "tests"]), odd=_ODD)
@settings(max_examples=300, deadline=None)
def test_words_are_found_for_all_that_is_refused_and_for_nothing_else(
    at: tuple[str | int, ...], name: str, odd: object
) -> None:
    table = copy.deepcopy(_TABLE)
    inside: Any = table
    for part in at[:-1]:
        inside = inside[part]
    if name and isinstance(inside[at[-1]], dict):
        inside[at[-1]][name] = odd
    else:
        inside[at[-1]] = odd
    assert isinstance(KIND, inspect.StructType)
    told = [what for _, what in misfits(table, KIND)]
    try:
        msgspec.convert(table, policy.Policy)
    except msgspec.ValidationError:
        assert told and all(told)
    else:
        assert not told


@pytest.mark.slow
def test_the_command_says_it_in_one_sentence_and_grades_nothing(tmp_path: Path) -> None:
    path = changed(tmp_path, (POINTS, POINTS[:-1] + '"2"'))
    command = [sys.executable, "-m", "autograder", "grade", "examples/class/fay_no_scale", "--policy", str(path)]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "out")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patience(60),
        check=False,
    )
    assert done.returncode == 2 and not (tmp_path / "out").exists()
    assert "line 44" in done.stderr and "points = 2" in done.stderr and "Traceback" not in done.stderr
