"""The sanitiser: what honest text keeps, then what never reaches a reader."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.core.text import MAX_MARKS, clean, counted, one_line, printable, wrapped
from tests.grader.pace import LINEAR, growth

HONEST = [
    "your output equals the reference",
    "QKᵀ/√d, a₂, μ² + σ⁴, 94 % ± 1",
    "naïve café, façade, Žižek, Nguyễn",
    "Nguye\u0302\u0303n with two marks on one letter",
    "שָׁלוֹם and العربية and हिन्दी and 日本語",
    "first line\n\nthird line\n    indented",
    "quotes ' \" ` and & and {braces} and [brackets] and 100%",
]

HOSTILE = [
    ("\x1b[31mred\x1b[0m", "red"),
    ("\x1b[2J\x1b[Hcleared", "cleared"),
    ("\x9b31mred", "red"),
    ("\x1b]0;title\x07after", "after"),
    ("\x1b]8;;http://evil/\x1b\\click\x1b]8;;\x1b\\", "click"),
    ("\x1bPdevice\x1b\\after", "after"),
    ("\x9dtitle\x9cafter", "after"),
    ("\x1b(0lqk", "lqk"),
    ("never \x1b]0;closed", "never ]0;closed"),
    ("a\x00b\x08c\x7fd", "abcd"),
    ("\u202egnp.exe\u202c", "gnp.exe"),
    ("\u2066a\u2069\u200eb\u061cc", "abc"),
    ("pass\u200bed\u200d\u2060\ufeff\u00ad", "passed"),
    ("\U000e0041tag", "tag"),
    ("lone \ud800 surrogate", "lone \ufffd surrogate"),
    ("private \ue000 use", "private \ufffd use"),
    ("<b>bold</b>", "‹b›bold‹/b›"),
    ("<class '__main__.X'>", "‹class '__main__.X'›"),
    ("one\r\ntwo\rthree\u2028four\x85five", "one\ntwo\nthree\nfour\nfive"),
    ("a\tb\u00a0c", "a    b c"),
    ("blank\u3164\u115fletters", "blankletters"),
    ("e" + "\u0301" * 100, "e" + "\u0301" * MAX_MARKS),
    ("many\n\n\n\n\nblank lines", "many\n\nblank lines"),
]


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_is_left_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_what_a_terminal_or_a_page_would_obey_is_gone(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_printable_keeps_angle_brackets_for_source_code() -> None:
    assert printable("if a < b > c:\n\treturn '\x1b[0m'") == "if a < b > c:\n    return ''"


def test_a_long_text_ends_in_an_ellipsis_within_its_limit() -> None:
    assert clean("x" * 501) == "x" * 499 + "…"
    assert clean("x" * 500) == "x" * 500


def test_too_many_lines_end_in_an_ellipsis_on_the_last_one_kept() -> None:
    assert clean("a\nb\nc\nd", lines=3) == "a\nb\nc …"
    assert clean("a\nb\nc", lines=3) == "a\nb\nc"


def test_one_line_is_one_line_with_single_spaces() -> None:
    assert one_line("  a \n b\t\tc\u2029d ") == "a b c d"
    assert one_line("abcdef", 4) == "abc…"


def test_what_was_not_even_read_is_marked_too() -> None:
    assert clean("\x00" * 10_000 + "x") == "…"
    assert one_line("a" + "\u200b" * 10_000) == "a …"


def test_a_limit_below_one_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        clean("x", 0)
    with pytest.raises(ValueError, match="at least 1"):
        clean("x", lines=0)
    with pytest.raises(ValueError, match="at least 1"):
        one_line("x", 0)


# Surrogates and control characters included: what a student's exception can hold.
ANY = st.text(alphabet=st.characters(), max_size=300) | st.text(
    alphabet="\x1b[]P\\;0m\x07\x9b\x9c \n\r<>e\u0301\u200b…"
)


@settings(max_examples=150, deadline=None)
@given(ANY, st.integers(1, 60), st.integers(1, 5))
def test_any_text_comes_out_harmless_short_and_settled(text: str, limit: int, lines: int) -> None:
    shown = clean(text, limit, lines=lines)
    assert len(shown) <= limit
    assert shown.count("\n") < lines
    assert not set(shown) & set("<>\x1b\x00\r\t")
    assert all(c == "\n" or not unicodedata.category(c).startswith("C") for c in shown)
    assert clean(shown, limit, lines=lines) == shown
    assert one_line(one_line(text, limit), limit) == one_line(text, limit)
    shown.encode()


@pytest.mark.parametrize("piece", ["\x1b]", "\x9d", "\x1b[", "\x1b[0;", "\x1b ", "e\u0301", "\r\n", "<"])
def test_a_flood_of_beginnings_is_read_in_linear_time(piece: str) -> None:
    assert growth(lambda size: printable(piece * size), 6_000) < LINEAR


def test_lines_are_broken_between_words_and_commands_and_paths_are_whole() -> None:
    path, command = f"/home/{'a' * 40}/hw6.ipynb", f"  python -m autograder check {'b' * 40}"
    text = f"one two-three four {path} five six\n{command}\n\nend"
    assert wrapped(text, 12) == f"one\ntwo-three\nfour\n{path}\nfive six\n{command}\n\nend"
    assert wrapped(text, 500) == text and wrapped("a b", 0) == "a\nb"


def test_one_of_a_thing_is_no_plural() -> None:
    assert (counted(0, "epoch"), counted(1, "epoch"), counted(10, "epoch")) == ("0 epochs", "1 epoch", "10 epochs")
