"""Reading answers.toml: what is read as meant, what is refused with words, and hostile bytes in bounded time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.core.errors import SubmissionError
from autograder.handin.files.answers import parse_answers
from autograder.handin.files.layout import LAYOUT, remarks_on_administrivia, remarks_on_layout
from autograder.judging.written.judge_moments import judge_formula
from autograder.judging.written.read import is_blank
from reference import written
from tests.grader.pace import LINEAR, TIMES, calls, growth
from tests.grader.written_judges import JUDGES

TEMPLATE = Path(__file__).parents[2] / "student_template" / "answers.toml"

READ = [
    ("", {}),
    ("# only a comment", {}),
    ("[q2a]\nparameters = 12", {"q2a": {"parameters": 12}}),
    ("\ufeff[q2a]\r\nparameters = 12\r\n", {"q2a": {"parameters": 12}}),
    ("[Q2A]\nParameters = 12", {"q2a": {"parameters": 12}}),
    ("[2a]\nOutput-Shape = [5, 7]", {"q2a": {"output_shape": [5, 7]}}),
    ("[q2.a]\noutputShape = '5 x 7'", {"q2a": {"output_shape": "5 x 7"}}),
    ('["Question 2(b)"]\n"output shape" = "5"', {"q2b": {"output_shape": "5"}}),
    ("[[q2a]]\nparameters = 12", {"q2a": {"parameters": 12}}),
    ("q2a.parameters = 12", {"q2a": {"parameters": 12}}),
    ("[q2a]\nparameters = 12\n[Q2A]\nparameters = 13", {"q2a": {"parameters": 12}}),
    ("[q2a]\nparameters = ''\n[Q2A]\nparameters = 13", {"q2a": {"parameters": 13}}),
    ("[q2c]\nmax_pool = {first = [[1]], second = [[2]]}", {"q2c": {"max_pool": [[[1]], [[2]]]}}),
    ("[q2a]\nparameters = 2022-05-03", {"q2a": {"parameters": "2022-05-03"}}),
    ("[q2a]\nparameters = inf", {"q2a": {"parameters": "inf"}}),
    ("[q2a]\nparameters = true", {"q2a": {"parameters": True}}),
    ("[other]\nx = 1", {"other": {"x": 1}}),
    ("x = 1", {"": {"x": 1}}),
    ('[q3c]\nvariance = """\n\\sigma\n"""', {"q3c": {"variance": "\\sigma\n"}}),
    ("[q3c]\nvariance = '''\\sigma'''", {"q3c": {"variance": "\\sigma"}}),
    ('[q3c]\nvariance = "a \\"b\\" \\\\mu \\u03bc" # "\\x"', {"q3c": {"variance": 'a "b" \\mu μ'}}),
]


@pytest.mark.parametrize(("text", "tables"), READ, ids=[text[:30] for text, _ in READ])
def test_what_a_student_would_expect_is_read(text: str, tables: dict[str, dict[str, object]]) -> None:
    assert parse_answers(text.encode()) == tables


@pytest.mark.parametrize(
    "command", ["mu", "sigma", "frac", "times", "text", "top", "beta", "rho", "nu", "right", "bar"]
)
def test_latex_in_double_quotes_stays_latex(command: str) -> None:
    tables = parse_answers(f'[q3c]\nvariance = "d \\{command} x"'.encode())
    assert tables["q3c"]["variance"] == f"d \\{command} x"


def test_latex_in_double_quotes_is_judged_like_in_single_quotes() -> None:
    for quote in "\"'":
        typed = parse_answers(f"[q3c]\nexpectation = {quote}\\frac{{2d}}{{2}}\\mu^2{quote}".encode())
        assert judge_formula(typed["q3c"]["expectation"], written.expectation, (), 1).earned == 1.0


def test_the_template_is_read_whole_and_every_box_of_it_is_blank() -> None:
    tables = parse_answers(TEMPLATE.read_bytes())
    assert {table: tuple(keys) for table, keys in tables.items()} == dict(LAYOUT)
    assert all(is_blank(value) for keys in tables.values() for value in keys.values())
    assert remarks_on_layout(tables) == ()


REFUSED = [
    ("[q2a]\nparameters = “12”", "line 2", "Curly quotes"),
    ("[q3c]\nexpectation = d + mu", "line 2", "Put quotes around"),
    ("[q3c]\nexpectation = σ", "line 2", "Put quotes around"),
    ('[q3c]\nexpectation = "d + mu', "line 2", "quote seems to be missing"),
    ("[q2a]\nparameters =", "line 2", "Nothing stands after"),
    ("[q2a]\nparameters =\n", "line 2", "Nothing stands after"),
    ("[q2c]\nmax_pool = [[5/7, 2/7]]", "line 2", "quotes around a fraction"),
    ("[q2c]\nmax_pool = [[5, 7]", "line 2", "brackets do not match"),
    ("[q2a]\nparameters = 1\nparameters = 2", "line 3", "stands twice"),
    ("[q2a\nparameters = 1", "line 1", "missing quote, comma, bracket"),
    ("[q2a]\nparameters = " + "9" * 9000, "", "number that is too long"),
    ("[q2a]\nparameters = 0x" + "f" * 9000, "", "number that is too long"),
    ("[q2a]\nparameters = " + "[" * 5000 + "]" * 5000, "line 2", "nested more than"),
    ("[q2a]\n" + ".".join("a" * 5000) + " = 1", "line 2", "dots"),
    ("[q2a]\nparameters = [" + "1," * 3000 + "]", "", "more than 2000 values"),
    ("#" * 70_000, "", "KB"),
]


@pytest.mark.parametrize(("text", "where", "says"), REFUSED, ids=[says for _, _, says in REFUSED])
def test_what_cannot_be_read_is_refused_with_the_line_and_a_fix(text: str, where: str, says: str) -> None:
    with pytest.raises(SubmissionError) as caught:
        parse_answers(text.encode())
    assert where in str(caught.value) and says in str(caught.value)


def test_text_that_is_not_utf_8_is_refused_with_its_line() -> None:
    with pytest.raises(SubmissionError, match=r"UTF-8 text .line 3"):
        parse_answers(b"[q3c]\n# x\nvariance = '" + bytes(range(0x80, 0xC0)) + b"'\n")
    assert parse_answers(b"[q3c]\n# x\nvariance = '\xb5'\n")["q3c"]["variance"] == "\xb5"  # an old code page


HOSTILE = [
    b"\x00",
    b"a = " + b"[" * 60_000,
    b"a = " + b"{a=" * 20_000,
    b"a" + b".a" * 30_000 + b" = 1",
    b'"a"' + b'."a"' * 15_000 + b" = 1",
    b"a = " + b"9" * 60_000,
    b"a = 1e" + b"9" * 60_000,
    b'"\\' * 30_000,
    b"'" * 60_001,
    b'"' * 60_001,
    b'= "' * 20_000,
    b'a = """' + b"\\" * 60_001,
    b"[a]\n" * 12_000,
    b"".join(b"[a%d]\n" % n for n in range(7000)),
    b"[q2a]\n" + b"".join(b"a%d=1\n" % n for n in range(7000)),
    b"\n" * 60_000,
    b"[" + b"a" * 60_000 + b"]\nb=1",
]


@pytest.mark.parametrize("data", HOSTILE, ids=lambda data: str(data[:12]))
def test_hostile_bytes_are_answered_in_time_that_grows_as_they_do(data: bytes) -> None:
    def read(size: int) -> None:
        try:
            remarks_on_layout(parse_answers(data[:size]))
        except SubmissionError as refused:
            assert len(str(refused)) < 500

    assert growth(read, len(data) // TIMES) < LINEAR


@settings(max_examples=200)
@given(st.binary(max_size=200) | st.text("[]{}=\"'\\.,#\nqa2 19eμ", max_size=200).map(str.encode))
def test_any_bytes_give_json_able_tables_or_a_refusal(data: bytes) -> None:
    try:
        tables = parse_answers(data)
    except SubmissionError:
        return
    assert json.loads(json.dumps(tables, allow_nan=False)) == tables


HOSTILE_TEXTS = [
    "9**9**9**9",
    "10**10**10",
    "9" * 1900,
    "1e99999",
    "(" * 1500,
    "-" * 1500,
    "sqrt " * 350,
    "sum " * 400,
    "2^" * 700 + "2",
    "[" * 700 + "1" + "]" * 700,
    "a " * 30_000,
    "(" * 30_000 + "where" * 6000,
    "x" * 60_000,
    "1+" * 60_000,
    "\ufdfa" * 2000,
    "d" * 1500,
    "\\frac" * 300,
    "|" * 700,
    "‖" * 700,
    "=" * 1900,
    "v1," * 260,
    "softmax(" * 90,
    "exp^" * 300,
    "{" * 799,
    "_" * 799,
    "'" * 799,
    "<" * 1000,
    ",".join("12345" * 99),
    "(1,000" * 200,
    "where " * 300,
    "a " * 900,
    "= x" * 600,
    "((1)(" * 150,
    "mu^T" * 200,
    "1 (" * 300,
    "H = " * 400,
    " " * 1999 + "=",
    "$" * 1999,
    "𝟗" * 700,
    "softmax(1) " * 70 + "softmax(" * 20 + "1" + ")" * 20,
]


# For all judges and three forms of an answer. Counted: 1,030,000 at most, of which the clock says 0.2 s.
MOST_CALLS = 2_500_000


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=lambda text: text[:12])
def test_hostile_answers_are_judged_with_bounded_work_and_never_pass(text: str) -> None:
    def judged() -> None:
        for judge in JUDGES.values():
            for raw in (text, [text, text, text], [[[text]]]):
                assert judge(raw).earned < 1.0

    assert calls(judged) < MOST_CALLS


# An answer is cut at 2,000 characters, so quadratic work (64 times for 8 times the text) is bounded; more is not.
@pytest.mark.parametrize("piece", [" ", "$", "_", "'", "{", "|", "‖", "d", "<", "9", "=", "𝟗", ","])
def test_a_flood_of_one_character_takes_at_most_quadratic_work(piece: str) -> None:
    def judged(size: int) -> None:
        for judge in JUDGES.values():
            judge(piece * size + "=")

    assert growth(judged, 240) < 64 * 2.5


def test_an_endless_list_is_refused_by_every_judge() -> None:
    for judge in JUDGES.values():
        assert judge([1] * 2000).earned == 0.0


def test_known_names_bring_no_remark() -> None:
    assert remarks_on_layout({table: dict.fromkeys(keys, "x") for table, keys in LAYOUT.items()}) == ()


MISNAMED = [
    ({"q2a": {"output_shap": 1}}, "perhaps 'output_shape' is meant"),
    ({"qq2a": {"parameters": 1}}, "perhaps 'q2a' is meant"),
    ({"q2a": {"variance": 1}}, "belongs to [q3c]"),
    ({"": {"parameters": 1}}, "before the first table"),
    ({"zzz": {"parameters": 1}}, "known names are"),
    ({f"name{n}": {"x": 1} for n in range(40)}, "more names"),
]


@pytest.mark.parametrize(("answers", "says"), MISNAMED, ids=[says for _, says in MISNAMED])
def test_an_unknown_name_is_remarked_with_the_one_meant(answers: dict[str, dict[str, object]], says: str) -> None:
    remarks = remarks_on_layout(answers)
    assert says in " ".join(remarks) and len(remarks) < 10


def test_a_code_of_ten_and_a_name_bring_no_remark() -> None:
    for code, name in (("0a1B2c3D4e", "Ada Lovelace"), ("1234567890", "Étienne"), (1234567890, "李明")):
        assert remarks_on_administrivia({"administrivia": {"survey_code": code, "signed_by": name}}) == ()


UNSIGNED = [
    ({}, ("survey_code is blank", "signed_by is blank")),
    ({"survey_code": "12345", "signed_by": "Ada"}, ("10 letters or digits",)),
    ({"survey_code": "１２３４５６７８９０", "signed_by": "Ada"}, ("10 letters or digits",)),
    ({"survey_code": "0123456789", "signed_by": "..."}, ("does not look like a name",)),
]


@pytest.mark.parametrize(("table", "says"), UNSIGNED)
def test_a_missing_code_or_signature_is_remarked(table: dict[str, object], says: tuple[str, ...]) -> None:
    remarks = remarks_on_administrivia({"administrivia": table})
    assert len(remarks) == len(says) and all(text in remark for text, remark in zip(says, remarks))
