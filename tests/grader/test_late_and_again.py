"""Late, again, leaderboard: off as the policy stands; on, nothing is lowered in silence or for what is not known."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.commands import gradescope, verify
from autograder.commands.batch import tables
from autograder.commands.batch.entries import Entry
from autograder.commands.gradescope import again, handed
from autograder.core import lateness, metadata, policy
from autograder.core.metadata import Metadata, parse
from autograder.core.policy import POLICY, Again, BadPolicy, Late, Leaderboard
from autograder.core.records import Report, Status, Submission, TestResult
from autograder.report import html, results, seal
from autograder.report.class_table import ClassRow
from autograder.report.summary import first_to_fix, summarise
from autograder.report.terminal import render

DUE = datetime(2026, 5, 3, 23, 59, tzinfo=timezone(timedelta(hours=-7)))
TOLD, TENTH = Late(True, 10.0, 0.0, 0.0), Late(True, 10.0, 0.1, 0.25)
WORK = (
    TestResult("4a.4", "the formula", Status.PASSED, 4.0, 4.0),
    TestResult("4a.5", "any batch", Status.FAILED, 0.0, 1.0),
)
REPORT = Report(Submission("x", "hw6.ipynb", "0"), WORK)


def about(by: timedelta, **changed: object) -> Metadata:
    found: dict[str, object] = {
        "id": 1,
        "created_at": (DUE + by).isoformat(),
        "users": [{"id": 1}],
        "assignment": {"due_date": DUE.isoformat()},
        **changed,
    }
    return parse(json.dumps(found).encode())


def told(by: timedelta, rules: Late, **changed: object) -> dict[str, Any]:
    return results.to_gradescope(summarise(handed.told(REPORT, about(by, **changed), rules)))


def score(by: timedelta, rules: Late, **changed: object) -> float:
    found: float = told(by, rules, **changed)["score"]
    return found


# --- as it stands: nothing ---------------------------------------------------------------------------------------------


def test_as_the_policy_stands_nothing_is_told_taken_limited_or_listed() -> None:
    assert (POLICY.late.shown, POLICY.late.lost_each_day, POLICY.again.most) == (False, 0.0, 0)
    assert POLICY.leaderboard == Leaderboard(False, False)
    late = about(timedelta(days=9))
    assert handed.told(REPORT, late) == REPORT
    assert again.standing(late) == again.Standing()
    figures = msgspec.structs.replace(WORK[0], figures={"accuracy": 97.0})
    assert "leaderboard" not in results.to_gradescope(summarise(msgspec.structs.replace(REPORT, tests=(figures,))))


# --- late --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (timedelta(days=-3), 4.0),
        (timedelta(0), 4.0),
        (timedelta(minutes=10), 4.0),  # the grace
        (timedelta(minutes=11), 3.6),
        (timedelta(days=1), 3.6),
        (timedelta(days=1, seconds=1), 3.2),
        (timedelta(days=2, seconds=1), 3.0),  # a quarter at most
        (timedelta(days=300), 3.0),
    ],
)
def test_each_day_begun_takes_its_share_of_what_was_earned_up_to_the_most(by: timedelta, expected: float) -> None:
    assert score(by, TENTH) == expected


def test_where_none_are_taken_lateness_is_told_and_costs_nothing() -> None:
    found = told(timedelta(days=1, hours=2), TOLD)
    assert found["score"] == 4.0 and len(found["tests"]) == len(WORK)
    assert found["output"].startswith(
        "Handed in 2026-05-05 01:59 -0700, 1 day 2 hours after the due date, 2026-05-03 23:59 -0700. That takes no"
    )
    assert "Handed in" not in told(timedelta(0), TOLD)["output"]


def test_what_is_taken_is_a_line_with_its_reason_in_every_output() -> None:
    whole = summarise(handed.told(REPORT, about(timedelta(hours=5)), TENTH))
    found = results.to_gradescope(whole)
    [line] = [test for test in found["tests"] if test.get("score", 0) < 0]  # type: ignore[attr-defined]
    assert line["score"] == -0.4 and line["name"] == "Late by 5 hours" and "0.1 for each day begun" in line["output"]
    assert sum(test.get("score", 0.0) for test in found["tests"]) == pytest.approx(found["score"])  # type: ignore[attr-defined]
    text, page = render(whole, colour=False, audience="staff"), html.render(whole)
    for shown in (text, page, str(found["output"])):
        assert "Late by 5 hours" in shown and "3.6" in shown and "after the due date" in shown


def test_what_is_taken_is_seen_no_sooner_than_the_tests_that_it_tells_the_points_of() -> None:
    hidden = msgspec.structs.replace(WORK[0], visibility="after_published")
    report = msgspec.structs.replace(REPORT, tests=(hidden, WORK[1]))
    found = results.to_gradescope(summarise(handed.told(report, about(timedelta(hours=5)), TENTH)))
    shown = [test for test in found["tests"] if test["visibility"] == "visible"]  # type: ignore[attr-defined]
    assert [test["name"] for test in shown] == ["any batch"]
    assert "0.1 of the points" in str(found["output"]) and "0.4" not in str(found["output"])


def test_verifying_sets_apart_what_lateness_took_and_said_and_compares_the_rest() -> None:
    again_ = results.to_gradescope(summarise(REPORT))
    for rules in (TOLD, TENTH):
        late, given = verify.apart(told(timedelta(hours=5), rules))
        assert list(verify.differences(late, again_, whole=not given)) == []
        assert bool(given) == (rules is TENTH)
    late["tests"][1]["score"] = 1.0
    assert list(verify.differences(late, again_, whole=False))


def test_what_lateness_took_is_never_the_thing_to_fix_first() -> None:
    whole = summarise(handed.told(REPORT, about(timedelta(days=9)), Late(True, 0.0, 0.5, 1.0)))
    first = first_to_fix(whole, whole.tests)
    assert first is not None and first.number == "4a.5"
    passed = msgspec.structs.replace(REPORT, tests=WORK[:1])
    whole = summarise(handed.told(passed, about(timedelta(days=9)), Late(True, 0.0, 0.5, 1.0)))
    assert first_to_fix(whole, whole.tests) is None


def test_nobody_can_lose_more_than_was_earned() -> None:
    everything = Late(True, 0.0, 1.0, 1.0)
    assert score(timedelta(days=9), everything) == 0.0
    nothing = msgspec.structs.replace(REPORT, tests=WORK[1:])
    assert handed.told(nothing, about(timedelta(days=9)), everything).tests == WORK[1:]


def test_an_extension_counts_and_of_a_group_the_latest() -> None:
    users = [{"id": 1}, {"id": 2, "assignment": {"due_date": (DUE + timedelta(days=2)).isoformat()}}]
    assert score(timedelta(days=1), TENTH, users=users) == 4.0
    assert score(timedelta(days=3), TENTH, users=users) == 3.6


UNKNOWN: dict[str, dict[str, object]] = {
    "no time": {"created_at": None},
    "no due date": {"assignment": {}},
    "no zone": {"created_at": "2026-05-09T12:00:00"},
    "nonsense": {"created_at": [1], "assignment": "x"},
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_cannot_be_told_takes_nothing_and_staff_are_told(what: str) -> None:
    report = handed.told(REPORT, about(timedelta(days=9), **UNKNOWN[what]), TENTH)
    assert report.tests == WORK and report.notices == ()
    assert any("nothing was taken" in note for note in report.staff_notes)


def test_a_policy_that_takes_points_in_silence_or_more_in_a_day_than_at_most_is_refused(tmp_path: Path) -> None:
    text = policy.FILE.read_text(encoding="utf-8")
    for changes, said in (
        ({"lost_each_day = 0.0": "lost_each_day = 0.1", "most_lost = 0.0": "most_lost = 0.5"}, "must be shown"),
        ({"shown = false": "shown = true", "lost_each_day = 0.0": "lost_each_day = 0.1"}, "a day takes more"),
    ):
        other = text
        for old, new in changes.items():
            assert other.count(old) == 1
            other = other.replace(old, new)
        (tmp_path / "policy.toml").write_text(other, encoding="utf-8")
        with pytest.raises(BadPolicy, match=said):
            policy.load(tmp_path / "policy.toml")


def test_a_class_counts_lateness_the_same_way_and_says_what_would_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry("s1", Path("s1"), (), DUE + timedelta(hours=25))
    pairs = [(entry, ClassRow("s1", {"4a": 10.0}, 10.0))]
    assert tables.grades(pairs, DUE).splitlines()[0].startswith("id,submitted,late,2a")
    monkeypatch.setattr(tables, "POLICY", msgspec.structs.replace(POLICY, late=TENTH))
    monkeypatch.setattr(lateness.taken, "__defaults__", (TENTH,))
    head, row = (line.split(",") for line in tables.grades(pairs, DUE).splitlines())
    cells = dict(zip(head, row))
    assert (cells["late"], cells["taken"], cells["total"]) == ("25:00:00", "2", "10")


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (timedelta(days=2, hours=3, minutes=4), "2 days 3 hours"),
        (timedelta(hours=1, seconds=5), "1 hour 5 seconds"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(microseconds=3), "less than a second"),
    ],
)
def test_lateness_in_words(by: timedelta, words: str) -> None:
    assert lateness.words(by) == words


# --- again -------------------------------------------------------------------------------------------------------------

TWO_A_DAY = Again(2, 24.0)


class Student:
    """Hands in again and again; the platform's part, as its specification has it."""

    def __init__(self) -> None:
        self.previous: list[dict[str, object]] = []

    def hands_in(self, hours: float, rules: Again = TWO_A_DAY, **left: object) -> again.Standing:
        when = (DUE + timedelta(hours=hours)).isoformat()
        latest = [*({**one, "results": None} for one in self.previous[:-1]), *self.previous[-1:]]
        found = again.standing(about(timedelta(hours=hours), previous_submissions=latest), rules)
        made: dict[str, object] = json.loads(again.result(found)) if found.reason else {
            "score": hours, "output": f"result of {hours}", "tests": [],
            "extra_data": {again.GRADED: again.written(found.graded)}, **left,
        }  # fmt: skip
        self.previous.append({"submission_time": when, "score": made.get("score"), "results": made})
        return found

    @property
    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = self.previous[-1]["results"]  # type: ignore[assignment]
        return found


def test_over_the_limit_the_last_graded_result_stands_and_the_sentence_says_until_when() -> None:
    student = Student()
    assert [bool(student.hands_in(hour).reason) for hour in (1, 2, 3, 4)] == [False, False, True, True]
    assert student.result["score"] == 2
    text = student.result["output"]
    assert text.count("was not graded") == 1 and text.endswith("result of 2")
    assert "2026-05-04 01:59 -0700: its score stands" in text
    assert "after 2026-05-05 00:59 -0700 is graded" in text


def test_what_was_not_graded_uses_nothing_up_however_often_it_is_tried() -> None:
    student = Student()
    hours = [1, 2, *range(3, 24), 25.1, 26.1, 27]
    graded = [hour for hour in hours if not student.hands_in(hour).reason]
    assert graded == [1, 2, 25.1, 26.1]


def test_those_that_are_graded_are_told_how_many_are_left() -> None:
    student = Student()
    assert student.hands_in(1).notice == "This is number 1 of 2 submissions that are graded within 24 hours."
    assert "number 2 of 2" in student.hands_in(2).notice


def test_a_submission_that_we_failed_to_grade_does_not_count() -> None:
    earlier = [
        {
            "submission_time": (DUE + timedelta(hours=hour)).isoformat(),
            "autograder_error": hour < 3,
            "results": {"score": hour},
        }
        for hour in (1, 2, 3)
    ]
    assert not again.standing(about(timedelta(hours=4), previous_submissions=earlier), TWO_A_DAY).reason


NOT_THERE: dict[str, object] = {
    "no result": None,
    "an empty one": {},
    "one without tests and score": {"output": "x"},
    "one that is no object": ["x"],
}


@pytest.mark.parametrize("what", NOT_THERE)
def test_without_a_result_that_can_stand_it_is_graded_and_staff_are_told(what: str) -> None:
    earlier = [
        {"submission_time": (DUE + timedelta(hours=hour)).isoformat(), "results": NOT_THERE[what]} for hour in (1, 2, 3)
    ]
    found = again.standing(about(timedelta(hours=4), previous_submissions=earlier), TWO_A_DAY)
    assert not found.reason and "graded all the same" in found.note


def test_without_a_time_of_its_own_it_is_graded_and_staff_are_told() -> None:
    found = again.standing(about(timedelta(0), created_at="soon"), TWO_A_DAY)
    assert not found.reason and "was not applied" in found.note


def test_a_rerun_of_an_older_submission_counts_what_was_before_it() -> None:
    student = Student()
    for hour in (1, 2, 3):
        student.hands_in(hour)
    found = again.standing(about(timedelta(hours=1), previous_submissions=student.previous), TWO_A_DAY)
    assert not found.reason and len(found.graded) == 1


def test_the_result_that_stands_is_sealed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key.txt").write_text("k" * 32)
    monkeypatch.setenv(seal.VARIABLE, str(tmp_path / "key.txt"))
    student = Student()
    for hour in (1, 2, 3):
        student.hands_in(hour)
    assert "not graded" in student.result["output"]
    assert seal.state(student.result, seal.key()) == seal.VALID


TIMES: st.SearchStrategy[object] = st.sampled_from(
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:59",
        DUE.isoformat(),
        "soon",
        3,
        None,
        [],
    ]
)


@settings(max_examples=300, deadline=None)
@given(TIMES, TIMES, st.lists(TIMES, max_size=4), st.integers(1, 3), st.sampled_from([0.1, 24.0, 87_000_000.0]))
def test_no_time_at_all_makes_it_fail(
    created: object, due: object, earlier: list[object], most: int, hours: float
) -> None:
    previous = [
        {"submission_time": time, "results": {"score": 1, "extra_data": {again.GRADED: earlier}}} for time in earlier
    ]
    found = {"created_at": created, "assignment": {"due_date": due}, "previous_submissions": previous}
    parsed = parse(json.dumps(found).encode())
    standing = again.standing(parsed, Again(most, hours))
    if standing.reason:
        assert json.loads(again.result(standing))["score"] == 1
    lost = results.to_gradescope(summarise(handed.told(REPORT, parsed, TENTH)))["score"]
    assert 3.0 <= lost <= 4.0  # type: ignore[operator]


def test_no_metadata_at_all_makes_it_fail() -> None:
    wrong: tuple[object, ...] = (None, 1, "x", [None, 1, {}], [{"submission_time": 5, "results": {"extra_data": []}}])
    for earlier in wrong:
        again.standing(about(timedelta(0), previous_submissions=earlier), TWO_A_DAY)


def test_run_autograders_command_lets_the_earlier_result_stand_and_grades_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again.standing, "__defaults__", (Again(1, 24.0),))
    monkeypatch.setattr(gradescope, "grade", lambda *_: pytest.fail("it was graded"))
    earlier = [{"submission_time": (DUE - timedelta(hours=1)).isoformat(), "results": {"score": 7, "tests": []}}]
    found = {"created_at": DUE.isoformat(), "previous_submissions": earlier}
    (tmp_path / "submission_metadata.json").write_text(json.dumps(found))
    assert gradescope.run(tmp_path).complete
    left = json.loads((tmp_path / "results/results.json").read_text())
    assert left["score"] == 7 and "was not graded" in left["output"]


def test_a_result_that_we_did_not_finish_uses_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again.standing, "__defaults__", (Again(1, 24.0),))
    (tmp_path / "submission_metadata.json").write_text(json.dumps({"created_at": DUE.isoformat()}))
    for complete, expected in ((True, [DUE.isoformat()]), (False, [])):
        report = msgspec.structs.replace(REPORT, complete=complete)
        monkeypatch.setattr(gradescope, "grade", lambda *_, report=report: report)
        gradescope.run(tmp_path)
        left = json.loads((tmp_path / "results/results.json").read_text())
        assert left["extra_data"][again.GRADED] == expected


# --- leaderboard -------------------------------------------------------------------------------------------------------


def test_the_leaderboard_lists_what_was_measured_and_what_the_policy_lets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tests = (
        msgspec.structs.replace(WORK[0], figures={"accuracy": 97.654, "other": 1.0}),
        msgspec.structs.replace(WORK[1], figures={"steps_per_second": 123.45}),
    )
    whole = summarise(msgspec.structs.replace(REPORT, tests=tests))
    for wanted, expected in (
        (Leaderboard(True, False), [("Test accuracy, measured (%)", 97.65)]),
        (
            Leaderboard(True, True),
            [("Test accuracy, measured (%)", 97.65), ("Training steps per second", round(123.45, 1))],
        ),
    ):
        monkeypatch.setattr(results, "POLICY", msgspec.structs.replace(POLICY, leaderboard=wanted))
        found: Any = results.to_gradescope(whole)["leaderboard"]
        assert [(rank["name"], rank["value"]) for rank in found] == expected


def test_an_accuracy_that_was_only_claimed_is_on_no_leaderboard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "POLICY", msgspec.structs.replace(POLICY, leaderboard=Leaderboard(True, True)))
    assert "leaderboard" not in results.to_gradescope(summarise(REPORT))


def test_the_latest_previous_result_is_kept_as_it_is_and_nothing_else_of_that_field() -> None:
    found = parse(json.dumps({"previous_submissions": [{"results": {"a": 1}}, {"results": 3}, {}]}).encode())
    assert [one.results for one in found.previous] == [{"a": 1}, None, None]
    assert metadata.due_date(found) is None
