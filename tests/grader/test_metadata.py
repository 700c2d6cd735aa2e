"""submission_metadata.json: the documented file, then what a changed platform may send instead."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.core.metadata import MAX_BYTES, Metadata, lateness, parse, read

PACIFIC = timezone(timedelta(hours=-7))
DOCUMENTED: dict[str, object] = {
    "id": 123456,
    "created_at": "2022-05-03T23:58:32.365935-07:00",
    "assignment": {
        "due_date": "2022-05-03T23:59:00.000000-07:00",
        "group_size": 4,
        "group_submission": True,
        "id": 25828,
        "course_id": 1234,
        "late_due_date": None,
        "release_date": "2022-04-20T00:00:00.000000-07:00",
        "title": "HW6 Code",
        "total_points": "47.0",
    },
    "submission_method": "upload",
    "users": [
        {"email": "ada@example.com", "id": 1234, "name": "Ada Lovelace"},
        {"email": "emmy@example.com", "id": 1235, "name": "Emmy Noether"},
    ],
    "previous_submissions": [
        {"submission_time": "2022-05-01T14:24:48.087023-07:00", "score": 12.5, "autograder_error": False, "results": {}}
    ],
}


def changed(**fields: object) -> Metadata:
    return parse(json.dumps({**DOCUMENTED, **fields}).encode())


def test_the_documented_file_is_read_whole() -> None:
    found = changed()
    assert found.problems == ()
    assert (found.id, found.method, found.group) == ("123456", "upload", True)
    assert found.created_at == datetime(2022, 5, 3, 23, 58, 32, 365935, PACIFIC)
    assert [(user.name, user.email) for user in found.users] == [
        ("Ada Lovelace", "ada@example.com"),
        ("Emmy Noether", "emmy@example.com"),
    ]
    assert found.assignment.total_points == 47.0
    assert (found.assignment.title, found.assignment.group_size) == ("HW6 Code", 4)
    assert found.assignment.late_due_date is None
    assert found.previous[0].score == 12.5


@pytest.mark.parametrize(("value", "points"), [("20.0", 20.0), (20, 20.0), (20.5, 20.5)])
def test_total_points_may_be_text_or_a_number(value: object, points: float) -> None:
    assert changed(assignment={"total_points": value}).assignment.total_points == points


@pytest.mark.parametrize("value", ["many", None, True, [], {}, "nan", "inf", 10**400])
def test_total_points_that_are_no_number_are_unknown(value: object) -> None:
    assert changed(assignment={"total_points": value}).assignment.total_points is None


@pytest.mark.parametrize(
    "text",
    [
        "2022-05-03T23:58:32.365935-07:00",
        "2022-05-04T06:58:32.365935Z",
        "2022-05-04t06:58:32.365935123z",
        "2022-05-03 23:58:32.365935 -0700",
    ],
)
def test_a_time_is_read_in_every_usual_spelling(text: str) -> None:
    assert changed(created_at=text).created_at == datetime(2022, 5, 3, 23, 58, 32, 365935, PACIFIC)


@pytest.mark.parametrize("field", sorted(DOCUMENTED))
@pytest.mark.parametrize("value", [None, 17, "text", [], {}, [None, 3, []], {"due_date": 5, "title": []}, True, 1e300])
def test_a_field_of_another_type_spoils_no_other_field(field: str, value: object) -> None:
    found, whole = changed(**{field: value}), changed()
    kept = {"id": "id", "created_at": "created_at", "assignment": "assignment", "users": "users"}
    for name, attribute in kept.items():
        if name != field:
            assert getattr(found, attribute) == getattr(whole, attribute)


def test_a_missing_field_is_named_and_an_unknown_one_is_ignored() -> None:
    assert changed(id=None, new_field={"x": 1}).problems == ("submission_metadata.json: id is missing or unreadable",)


def test_a_name_cannot_carry_control_characters_or_markup() -> None:
    found = changed(users=[{"name": "\u001b[31mEve\u202e <script>", "id": 1, "email": "e@x"}])
    assert found.users[0].name == "Eve ‹script›"


@pytest.mark.parametrize(
    "data", [b"", b"null", b"[1]", b"{", b"\xff\xfe\x00", b"[" * 100_000, b'{"id": ' + b"9" * 5000 + b"}", b"\x00"]
)
def test_a_file_that_is_no_metadata_is_an_empty_record_with_its_reason(data: bytes) -> None:
    found = parse(data)
    assert found == Metadata(problems=found.problems)
    assert found.problems


def test_no_file_is_no_failure(tmp_path: Path) -> None:
    assert "could not be read" in read(tmp_path / "submission_metadata.json").problems[0]
    assert "could not be read" in read(tmp_path).problems[0]


def test_a_file_is_read_with_and_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "submission_metadata.json"
    path.write_text(json.dumps(DOCUMENTED), encoding="utf-8-sig")
    assert read(path) == changed()


def test_a_file_too_large_to_be_one_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "submission_metadata.json"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert "larger than 16 MB" in read(path).problems[0]


def test_lateness_is_zero_in_time_and_the_difference_after() -> None:
    assert lateness(changed()) == timedelta(0)
    assert lateness(changed(created_at="2022-05-04T01:59:00-07:00")) == timedelta(hours=2)
    assert lateness(changed(created_at="2022-05-04T08:59:00Z")) == timedelta(hours=2)


def test_an_extension_of_one_group_member_counts_for_the_group() -> None:
    users = [{"id": 1, "assignment": {"due_date": "2022-05-05T23:59:00-07:00"}}, {"id": 2}]
    assert lateness(changed(users=users, created_at="2022-05-05T12:00:00-07:00")) == timedelta(0)


def test_lateness_is_unknown_rather_than_guessed() -> None:
    assert lateness(changed(created_at=None)) is None
    assert lateness(changed(assignment={})) is None
    assert lateness(changed(created_at="2022-05-04T01:59:00")) is None  # which zone?
    assert lateness(changed(created_at="0001-01-01T00:00:00+14:00")) == timedelta(0)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*DOCUMENTED, "name"]), inner),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_no_json_at_all_makes_it_fail(found: object) -> None:
    lateness(parse(json.dumps(found).encode()))
