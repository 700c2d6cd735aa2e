"""Two gradings of a class side by side: who changes, by how much, through which test."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from autograder.commands import batch
from autograder.commands.batch import against
from autograder.core.errors import UsageError
from autograder.grading import Options
from tests.grader.test_batch_again import QUICK, make

Score = float | None


def results(place: Path, scores: Mapping[str, Mapping[str, Score]]) -> Path:
    (place / "results").mkdir(parents=True)
    for identity, tests in scores.items():
        graded = [value for value in tests.values() if value is not None]
        content = {"score": sum(graded), "tests": [{"number": n, "name": n, "score": s} for n, s in tests.items()]}
        (place / "results" / f"{identity}.json").write_text(json.dumps(content))
    return place


Graded = Mapping[str, Mapping[str, Score]]


def compared(tmp_path: Path, old: Graded, new: Graded) -> against.Changes:
    return against.compare(against.read(results(tmp_path / "old", old)), against.read(results(tmp_path / "new", new)))


def test_who_changes_by_how_much_and_through_which_test(tmp_path: Path) -> None:
    old = {"ada": {"4a.1": 1.0, "4a.4": 4.0}, "ben": {"4a.1": 1.0, "4a.4": 0.0}, "gone": {"4a.1": 1.0}}
    new = {"ada": {"4a.1": 1.0, "4a.4": 4.0}, "ben": {"4a.1": 1.0, "4a.4": 4.0}, "new": {"4a.1": 0.0}}
    found = compared(tmp_path, old, new)
    [ben] = found.changed
    assert (ben.id, ben.before, ben.after, ben.by, ben.tests) == ("ben", 1.0, 5.0, 4.0, (("4a.4", 0.0, 4.0),))
    assert (found.same, found.new, found.gone) == (1, ("new",), ("gone",))
    told = "\n".join(against.lines(found))
    assert "1 change, 1 stay" in told and "ben: 1 → 5 (+4)  4a.4 0 → 4" in told and "gone" in told


def test_a_test_more_one_less_and_what_was_not_graded_are_changes_too(tmp_path: Path) -> None:
    old: Graded = {"ada": {"4a.1": 1.0, "old": 0.0}, "ben": {"4a.1": None}, "cat": {"4a.1": 1.00001}}
    new = {"ada": {"4a.1": 1.0, "new": 0.0}, "ben": {"4a.1": 0.0}, "cat": {"4a.1": 1.0}}
    found = compared(tmp_path, old, new)
    assert [(c.id, [name for name, _, _ in c.tests]) for c in found.changed] == [
        ("ada", ["old", "new"]),
        ("ben", ["4a.1"]),
    ]
    rows = list(csv.reader(against.table(found).splitlines()))
    assert rows[0] == ["id", "test", "before", "after", "change"] and ["ben", "4a.1", "", "0", "+0"] in rows


def test_two_points_that_cancel_are_a_change(tmp_path: Path) -> None:
    found = compared(tmp_path, {"ada": {"a": 1.0, "b": 0.0}}, {"ada": {"a": 0.0, "b": 1.0}})
    assert len(found.changed) == 1 and found.changed[0].by == 0


@pytest.mark.parametrize("content", [None, b"", b"[1]", b'{"tests": 3}'])
def test_a_folder_without_results_is_refused(tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "results").mkdir()
    if content is not None:
        (tmp_path / "results" / "ada.json").write_bytes(content)
    with pytest.raises(UsageError, match="no results in it"):
        against.read(tmp_path)


def test_a_damaged_result_is_named_and_nobody_is_taken_for_new(tmp_path: Path) -> None:
    old = results(tmp_path / "old", {"ada": {"4a.1": 1.0}})
    (old / "results" / "ben.json").write_bytes(b"")
    new = results(tmp_path / "new", {"ada": {"4a.1": 1.0}, "ben": {"4a.1": 1.0}, "cat": {"4a.1": 1.0}})
    found = against.compare(against.read(old), against.read(new))
    assert (found.same, found.new, found.gone, found.unread) == (1, ("cat",), (), ("ben",))
    assert "not compared, for a result is damaged: ben" in "\n".join(against.lines(found))


def test_who_left_the_class_is_compared_with_nobody(tmp_path: Path) -> None:
    course, out = make(tmp_path / "class", "ada", "ben", "cat"), tmp_path / "out"
    batch.run(course, out, QUICK, jobs=1)
    (course / "ben").rename(course / "zed")
    (out / "results" / "cat.json").write_bytes(b"")
    (out / "records" / "cat.json").write_bytes(b"garbage")
    done = batch.run(course, out, QUICK, jobs=1, against=out)
    assert done.changes is not None and done.changes.same == 1
    assert (done.changes.new, done.changes.gone, done.changes.unread) == (("zed",), ("ben",), ("cat",))
    assert [note.endswith("records/cat.json") for note in done.notes if "damaged" in note] == [True]


def test_a_class_against_its_own_earlier_results(tmp_path: Path) -> None:
    course, out = make(tmp_path / "class", "ada", "ben"), tmp_path / "out"
    batch.run(course, out, QUICK, jobs=1)
    (course / "ben" / "answers.toml").write_text('[q2a]\nparameters = 3\noutput = "[1, 2]"\n')
    path = out / "results" / "ada.json"
    earlier = json.loads(path.read_text())
    earlier["tests"][0]["score"], earlier["score"] = 0.75, 0.75
    path.write_text(json.dumps(earlier))
    done = batch.run(course, out, QUICK, jobs=1, fresh=True, against=out)
    assert done.changes is not None and [change.id for change in done.changes.changed] == ["ada"]
    assert "ada,total,0.75,0" in (out / "changes.csv").read_text()
    with pytest.raises(UsageError, match="--against"):
        batch.run(course, tmp_path / "new", Options(only="2a"), against=tmp_path / "nowhere")
    assert not (tmp_path / "new" / "results").exists()
