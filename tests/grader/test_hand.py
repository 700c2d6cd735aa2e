"""Grading by hand: what is read out of a notebook, the pages, the tables they save, and how points join a class."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path

import pytest

from autograder.commands import batch, verify
from autograder.commands.batch import hand
from autograder.commands.batch.entries import Entry
from autograder.commands.batch.hand_table import QUESTIONS
from autograder.core.errors import UsageError
from autograder.core.policy import POLICY
from autograder.grading import Options
from autograder.handin import prose, reader
from autograder.handin.markup import Pictures, rendered
from tests.grader.source_tree import ROOT
from tests.grader.written_prose import HOSTILE, notebook, submit

pytestmark = pytest.mark.boxed  # hostile notebooks are read
QUICK = Options(only="2a")
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg=="


# --- what stands for which question -----------------------------------------------------------------------------------

LINES = {
    "2(d)": "2d", "**2.d)** because": "2d", "## Question 2d: pooling": "2d", "Q3.c.c": "3c.c", "3(c)(c) why": "3c.c",
    "2d": "2d", "Answer to 3(b):": "3b", "Part 3b - masking": "3b", "Question 1": "1", "# Problem 1:": "1",
    "3. b. Masking helps": "3b", "> 2(D) yes": "2d", "3(c)(b)": "3c.b",
    "1. an item of a list": "", "2 dogs": "", "(d) of what?": "", "3c": "", "2da": "", "I used 2(d) here": "", "": "",
}  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_begins_with_a_number_begins_its_answer(line: str) -> None:
    assert prose.question_begun(line) == LINES[line]


def test_every_word_of_a_student_is_shown_somewhere_and_the_templates_is_not(tmp_path: Path) -> None:
    template = json.loads((ROOT / "student_template" / "hw6.ipynb").read_text())
    given = next("".join(cell["source"]) for cell in template["cells"] if cell["cell_type"] == "markdown")
    text = notebook(
        given, "before all\n\n2(d) robust\n\nto shifts\n\n**3(b)** the future", "no number here", "2(d) again"
    )
    found = prose.read(submit(tmp_path, "ada", text, '[administrivia]\nsigned_by = "Ada <b>"\n'))
    assert "robust" in found.answers["2d"] and "to shifts" in found.answers["2d"] and "again" in found.answers["2d"]
    assert "the future" in found.answers["3b"] and "robust" not in found.answers["3b"]
    assert "before all" in found.rest and "no number here" in found.rest
    assert "signed_by: Ada &lt;b&gt;" in found.answers["1"]
    assert "Vision Transformer" not in str(found)


BROKEN = {
    "no JSON": "{",
    "no cells": '{"cells": 3, "cell_type": 1}',
    "strange cells": '{"cells": [1, null, {"cell_type": "markdown", "source": [1, {}], "attachments": [2]}]}',
    "nested": '{"cells": ' + "[" * 90_000,
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_notebook_leaves_a_place_on_the_page_and_stops_nothing(tmp_path: Path, what: str) -> None:
    top = submit(tmp_path, "ada", BROKEN[what])
    hand.write_pages([Entry("ada", top), Entry("gone", tmp_path / "gone")], tmp_path / "out")
    page = (tmp_path / "out" / "hand" / "2d.html").read_text()
    assert page.count('class="card answer"') == 2


def test_a_reader_that_dies_is_said_in_its_words(tmp_path: Path) -> None:
    found = reader.apart(tmp_path, lambda: os.abort())
    assert isinstance(found, str) and "nested too deeply" in found


# --- markup -----------------------------------------------------------------------------------------------------------


def test_hostile_markdown_becomes_text(tmp_path: Path) -> None:
    for text in HOSTILE:
        made = rendered(text, {}, Pictures())
        tags = {re.split(r"[\s/>]", part)[0] for part in re.findall(r"<(\w[^<]*)", made)}
        assert not tags - {"p", "h4", "code", "pre", "span"}, made
        assert "<img" not in made


def test_formulas_stay_as_typed_and_own_pictures_are_shown(tmp_path: Path) -> None:
    made = rendered("$a_1*b_2*c$ and $$\nx_1 < *y*\n$$ for $5", {}, Pictures())
    assert "$a_1*b_2*c$" in made and "x_1 &lt; *y*" in made and "<em>" not in made
    own = {"a.png": {"image/png": PIXEL}, "b.png": {"text/html": PIXEL}, "c.png": 3}
    made = rendered("![one](attachment:a.png) ![two](attachment:b.png) ![three](attachment:c.png)", own, Pictures())
    assert made.count("<img") == 1 and f"data:image/png;base64,{PIXEL}" in made and made.count("too large") == 2


def test_pictures_and_text_have_an_end() -> None:
    pictures = Pictures()
    pictures.left = len(PIXEL) + 50
    own = {"a.png": {"image/png": PIXEL}}
    assert rendered("![a](attachment:a.png) ![a](attachment:a.png)", own, pictures).count("<img") == 1
    assert "(shortened here)" in rendered("x" * 200_000, {}, pictures)


# --- tables -----------------------------------------------------------------------------------------------------------

ENTRIES = [Entry("ada", Path("ada")), Entry("-ben", Path("ben"))]
HEAD = "id,question,points,comment\n"
REFUSED = {
    "somebody else": (HEAD + "ada,2d,1,\neve,2d,1,\n", "line 3: there is no submission 'eve'"),
    "too many points": (HEAD + "ada,2d,2.5,\n", "line 2: 2.5 points for 2d, which gives 0 to 2"),
    "fewer than none": (HEAD + "ada,2d,-1,\n", "line 2: -1 points"),
    "no number": (HEAD + "ada,2d,full,\n", "line 2: the points 'full' are not a number"),
    "not a number": (HEAD + "ada,2d,nan,\n", "line 2: the points 'nan' are not a number"),
    "infinite": (HEAD + "ada,2d,inf,\n", "are not a number"),
    "twice": (HEAD + "ada,2d,1,\nada,3b,1,\nada,2d,2,\n", "line 4: ada was given points for 2d"),
    "a question of the tests": (HEAD + "ada,4a,1,\n", "line 2: '4a' is not graded by hand"),
    "no column of points": ("id,question,comment\nada,2d,x\n", "line 1: there is no column points"),
    "nothing at all": ("", "line 1: there is no column id"),
    "a line too few cells": (HEAD + "ada\n", "line 2: '' is not graded by hand"),
    "after a comment of several lines": (HEAD + 'ada,2d,1,"a\nb\nc"\nada,3b,9,\n', "line 5: 9 points"),
    "in a row of several lines": (HEAD + 'ada,2d,9,"a\nb\nc"\n', "line 2: 9 points"),
    "a quote that stays open": (
        HEAD + 'ada,2d,1,"open\n-ben,2d,2,\n',
        "line 2: a quote is opened in this row and never",
    ),
    "one that another's quote ends": (HEAD + 'ada,2d,1,"a\n-ben,2d,2,"b"\n', "line 2: a quote of this row is followed"),
    "one that takes in a row": (HEAD + 'ada,2d,1,"a\n\'-ben,2d,2,"\n', "line 2: a quote that is opened in this row"),
    "semicolons after sep=": ("sep=;\nid;question;points\nada;2d;9\n", "line 3: 9 points"),
    "two columns of points": ("id,question,points,Points\nada,2d,2,1\n", "line 1: there are two columns 'points'"),
    "a decimal comma between commas": (HEAD + "ada,2d,1,5,good\n", "line 2: it has 5 cells, and line 1 names 4"),
    "a line far above that is no title": ("\n" * 12 + HEAD, "line 1: there is no column id"),
    "another separator": ("id|question|points\nada|2d|1\n", "line 1: there is no column id, question, points"),
}

TAKEN = {
    "a spreadsheet's semicolons": '\ufeffid;question;points;comment\r\n\'-ben;2d;1,5;"a; b, c"\r\n;;;;\r\n',
    "tabs": "ID\tQuestion\tPoints\tComment\n-ben\t2d\t1.5\ta; b, c\n",
    "a first line for spreadsheets": 'sep=;\r\nid;question;points;comment\r\n-ben;2d;1,5;"a; b, c"\r\n',
    "a first line that says something else": "sep=|\nid|question|points|comment\n-ben|2d|1,5|a; b, c\n",
    "other columns and blank cells at the end": 'Name,Points,id,Name,question,comment\nx,1.5,-ben,y,2d,"a; b, c",,\n',
    "all in quotes": '"id";"question";"points";"comment"\n"-ben";"2d";"1,5";"a; b, c"',
    "semicolons in the names of other columns": 'id,question,points,comment,"a;b;c"\n-ben,2d,1.5,"a; b, c",\n',
    "a title and a blank row above": 'Homework 6,,,\n,,,\nid,question,points,comment\n-ben,2d,1.5,"a; b, c"\n',
}


@pytest.mark.parametrize("what", TAKEN)
def test_a_table_is_read_as_spreadsheets_write_it(tmp_path: Path, what: str) -> None:
    for encoding in ("utf-8", "utf-16"):
        (tmp_path / "h.csv").write_text(
            TAKEN[what].removeprefix("\ufeff" * (encoding == "utf-16")), encoding, newline=""
        )
        assert hand.gather([tmp_path / "h.csv"], ENTRIES, tmp_path)[0] == {"-ben": {"2d": hand.Mark(1.5, "a; b, c")}}


def test_a_comment_of_several_lines_and_with_quotes_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text(HEAD + 'ada,2d,1,"one\nada, 2d, said ""2""\n"\n-ben,2d,2,5" is "long"\n')
    marks, _ = hand.gather([tmp_path / "h.csv"], ENTRIES, tmp_path)
    assert marks["ada"]["2d"].comment.startswith('one\nada, 2d, said "2"')
    assert marks["-ben"]["2d"] == hand.Mark(2.0, '5" is "long"')


@pytest.mark.parametrize("what", REFUSED)
def test_a_wrong_table_is_refused_with_its_line_and_changes_nothing(tmp_path: Path, what: str) -> None:
    text, words = REFUSED[what]
    (tmp_path / "h.csv").write_text(text)
    with pytest.raises(UsageError) as refused:
        hand.gather([tmp_path / "h.csv"], ENTRIES, tmp_path)
    assert words in str(refused.value) and "h.csv" in str(refused.value)
    assert not (tmp_path / hand.KEPT).exists()


# What stands in a table, and whose it is among these: "" where nobody can tell.
NUMBERED = [Entry(identity, Path(identity)) for identity in ("007", "0", "3031234567", "31", "031", "José", "12E3")]
IDS_OF_SPREADSHEETS = {
    "7": "007", "07": "007", "7.0": "007", "0": "0", "00": "0", "3031234567,00": "3031234567", "'007": "007",
    "31": "31", "031": "031", "Jose\u0301": "José", "12E3": "12E3", "0031": "", "": "", "3.03E+09": "", "70": "",
}  # fmt: skip


@pytest.mark.parametrize("typed", IDS_OF_SPREADSHEETS)
def test_an_id_of_which_a_spreadsheet_made_a_number_is_taken_where_it_can_be_one_alone(
    tmp_path: Path, typed: str
) -> None:
    (tmp_path / "h.csv").write_text(f'{HEAD}"{typed}",2d,1,\n', "utf-8")
    try:
        marks, _ = hand.gather([tmp_path / "h.csv"], NUMBERED, tmp_path)
    except UsageError as refused:
        assert IDS_OF_SPREADSHEETS[typed] == "" and "there is no submission" in str(refused)
    else:
        assert list(marks) == [IDS_OF_SPREADSHEETS[typed]]


def test_an_id_that_nobody_has_is_told_with_the_likely_reason(tmp_path: Path) -> None:
    for typed, words in (
        ("3.03E+09", "the format Text"),
        ("3,03e+09", "the format Text"),
        ("jose", "is 'José' meant?"),
    ):
        (tmp_path / "h.csv").write_text(f'{HEAD}"{typed}",2d,1,\n', "utf-8")
        with pytest.raises(UsageError, match=re.escape(words)):
            hand.gather([tmp_path / "h.csv"], NUMBERED, tmp_path)


def test_files_that_are_no_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_bytes(b"id,question,points\n\xff\xfe")
    (tmp_path / "h.xlsx").write_bytes(b"PK\x03\x04\x14\0")
    for path, words in (
        (tmp_path / "h.csv", "not UTF-8"),
        (tmp_path / "none.csv", "cannot be read"),
        (tmp_path / "h.xlsx", "is a spreadsheet's own file: save it as CSV"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(UsageError, match=words):
            hand.gather([path], ENTRIES, tmp_path)


def test_a_question_may_be_spelled_as_people_do_and_is_one_all_the_same(tmp_path: Path) -> None:
    table = tmp_path / "h.csv"
    for spelled, number in (("2(d)", "2d"), ("Q2D", "2d"), ("Question 3.c.c", "3c.c"), ("3(c)(c)", "3c.c")):
        table.write_text(f"{HEAD}ada,{spelled},1,\n", "utf-8")
        assert hand.gather([table], ENTRIES, tmp_path)[0]["ada"] == {number: hand.Mark(1.0)}
        (tmp_path / hand.KEPT).unlink(missing_ok=True)
    table.write_text(f"{HEAD}ada,2(d),1,\nada,2d,2,\n", "utf-8")
    with pytest.raises(UsageError, match="line 3: ada was given points for 2d before"):
        hand.gather([table], ENTRIES, tmp_path)


def test_points_of_who_is_called_otherwise_now_are_kept_and_told(tmp_path: Path) -> None:
    kept = tmp_path / hand.KEPT
    kept.write_text(f"{HEAD}ada,2d,1,\ngone,2d,2,well\nwaits,3b,,no points yet\n", "utf-8")
    marks, notes = hand.gather([], ENTRIES, tmp_path)
    assert [*marks] == ["ada"]
    assert notes == (
        "points in OUT/hand.csv count for nobody, for no submission here has the id (gone): if it is called otherwise "
        "now, change it there",
    )
    assert "gone,2d,2,well" in kept.read_text("utf-8")


def test_what_was_given_is_kept_and_the_next_table_goes_over_it(tmp_path: Path) -> None:
    one, two = tmp_path / "1.csv", tmp_path / "2.csv"
    one.write_text(
        '\ufeffid,question,points,comment\nada,2d,"1,5",a comma for the point\nada,3b,,later\n\'-ben,2d,2,\n', "utf-8"
    )
    two.write_text("Question,ID,Points\n2d,ada,2\n\n")
    first, _ = hand.gather([one], ENTRIES, tmp_path)
    assert first == {"ada": {"2d": hand.Mark(1.5, "a comma for the point")}, "-ben": {"2d": hand.Mark(2.0)}}
    assert hand.gather([], ENTRIES, tmp_path) == (first, ())
    assert hand.gather([two], ENTRIES, tmp_path)[0]["ada"]["2d"] == hand.Mark(2.0)
    with pytest.raises(UsageError, match=r"2\.csv, line 2: ada was given points for 2d before, in .*1\.csv"):
        hand.gather([one, two], ENTRIES, tmp_path)
    assert hand.gather([], ENTRIES[:1], tmp_path)[0].keys() == {"ada"}, "who left the class is left out"
    assert hand.gather([], ENTRIES, tmp_path)[0].keys() == {"ada", "-ben"}, "and not forgotten"


def test_a_line_without_points_takes_none_back_and_is_named(tmp_path: Path) -> None:
    one, two, three = (tmp_path / f"{number}.csv" for number in (1, 2, 3))
    one.write_text(HEAD + "ada,2d,2,old\nada,3b,1,good\n-ben,2d,,see me\n-ben,3b,,\n")
    two.write_text(HEAD + "ada,2d,,withdrawn\nada,3b,,\n")
    three.write_text(HEAD + "-ben,2d,1,\n")
    assert hand.gather([one], ENTRIES, tmp_path)[1] == ()
    marks, [note] = hand.gather([two], ENTRIES, tmp_path)
    assert marks == {"ada": {"2d": hand.Mark(2.0, "withdrawn"), "3b": hand.Mark(1.0, "good")}}
    assert "2.csv, line 2: ada keeps 2 for 2d" in note and "line 3: ada keeps 1 for 3b" in note
    assert "-ben,2d,,see me" in (tmp_path / hand.KEPT).read_text(), "a comment waits for its points"
    assert hand.gather([three], ENTRIES, tmp_path)[0]["-ben"] == {"2d": hand.Mark(1.0, "see me")}


def test_of_two_readers_one_gives_points_and_one_a_comment(tmp_path: Path) -> None:
    one, two, three = (tmp_path / f"{number}.csv" for number in (1, 2, 3))
    one.write_text(HEAD + "ada,2d,,a thought\n")
    two.write_text(HEAD + "ada,2d,2,\nada,3b,1,\nada,3b,,\n")
    three.write_text(HEAD + "ada,2d,,another\n")
    for files in ([one, two], [two, one]):
        (tmp_path / hand.KEPT).unlink(missing_ok=True)
        marks, _ = hand.gather(files, ENTRIES, tmp_path)
        assert marks == {"ada": {"2d": hand.Mark(2.0, "a thought"), "3b": hand.Mark(1.0)}}
    with pytest.raises(UsageError, match=r"3\.csv, line 2: ada was given a comment for 2d before, in .*1\.csv, line 2"):
        hand.gather([one, two, three], ENTRIES, tmp_path)


# --- in the class -----------------------------------------------------------------------------------------------------


def rows(path: Path) -> dict[str, dict[str, str]]:
    return {next(iter(row.values())): row for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())}


def test_points_given_by_hand_reach_every_table_the_results_and_the_page(tmp_path: Path) -> None:
    top, out = tmp_path / "class", tmp_path / "out"
    for name in ("submission_1", "submission_2"):
        submit(top, name, notebook("2(d) it is"))
    roster = (
        "submission_1:\n  :submitters:\n  - :name: Ada\n    :sid: '1'\nsubmission_2:\n  :submitters:\n  - :name: Ben\n"
    )
    (top / "submission_metadata.yml").write_text(roster)
    whole = Options()
    before = batch.run(top, out, whole, jobs=1, hand_pages=True)
    assert before.complete and (out / "hand" / "3c.c.html").is_file()
    without = rows(out / "grades.csv")
    assert "2d" not in without["submission_1"]
    table = tmp_path / "h.csv"
    lines = [f"submission_1,{number},1,good <b>" for number in QUESTIONS]
    table.write_text(HEAD + "\n".join([*lines, "submission_2,2d,2,"]) + "\n")
    after = batch.run(top, out, whole, jobs=1, by_hand=[table])
    assert after.kept == 2 and after.complete and any("points are still missing" in note for note in after.notes)
    grades = rows(out / "grades.csv")
    hands = len(QUESTIONS)
    assert float(grades["submission_1"]["total"]) == float(without["submission_1"]["total"]) + hands
    assert grades["submission_2"]["2d"] == "2" and grades["submission_2"]["3b"] == "" == grades["submission_2"]["total"]
    everything = sum(question.points for question in (*POLICY.questions, *POLICY.by_hand))
    scope = rows(out / "gradescope.csv")
    assert (
        scope["Ada"]["Max Points"] == f"{everything:g}"
        and scope["Ada"]["3b"] == "1"
        and scope["Ben"]["Total Score"] == ""
    )
    assert float(rows(out / "canvas.csv")["Points Possible"][POLICY.title]) == everything
    result = json.loads((out / "results" / "submission_1.json").read_bytes())
    [given] = [test for test in result["tests"] if test.get("number") == "2d"]
    assert (given["score"], given["max_score"]) == (1.0, 2.0) and "good ‹b›" in given["output"]
    assert result["score"] == float(grades["submission_1"]["total"]) and "Graded by hand, not" not in result["output"]
    assert "good ‹b›" in (out / "reports" / "submission_1.html").read_text("utf-8")
    assert "Why pooling helps" in (out / "index.html").read_text("utf-8")
    told = verify.run(out / "results" / "submission_1.json", top / "submission_1", whole)
    assert told.agrees and any("Given by hand" in line and "2d: 1" in line for line in told.lines), told.lines
    forged = json.loads((out / "results" / "submission_1.json").read_bytes())
    forged["score"] += 1
    (tmp_path / "forged.json").write_text(json.dumps(forged))
    assert not verify.run(tmp_path / "forged.json", top / "submission_1", whole).agrees
    again = batch.run(top, out, whole, jobs=1)
    assert again.kept == 2 and rows(out / "grades.csv") == grades, "a later run knows what was given"
