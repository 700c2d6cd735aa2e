"""answers.toml that is no TOML: YAML, JSON, headings in any dress, a viewer's line numbers, one line, fences, a greeting."""

from __future__ import annotations

import pytest

from autograder.handin.files.broken_answers import salvaged
from tests.grader.pace import LINEAR, growth

TOML = """[q2a]  # 1D
parameters = 12
output_shape = "5 x 7"

[q3c]
variance = 'd + \\mu'
"""
WANTED = {"q2a": {"parameters": 12, "output_shape": "5 x 7"}, "q3c": {"variance": r"d + \mu"}}


def dressed(heading: str) -> str:
    return TOML.replace("[q2a]  # 1D", heading.format("q2a")).replace("[q3c]", heading.format("q3c"))


FILES = {
    "YAML": "q2a:\n  parameters: 12\n  output_shape: 5 x 7\nq3c:\n  variance: 'd + \\mu'\n",
    "YAML with dashes": "q2a:\n  - parameters: 12\n  - output_shape: 5 x 7\nq3c:\n  - variance: d + \\mu\n",
    "JSON": '{"q2a": {"parameters": 12, "output_shape": "5 x 7", "more": null}, "q3c": {"variance": "d + \\\\mu"}}',
    "JSON with pictures in it": '{"q2a": {"parameters": 12, "output_shape": "5 x 7"}, "q3c": {"variance": "d + \\\\mu"}, "note": {"by": "\\ud83d\\ude00"}}',
    "JSON on lines": '{\n  "Q2A": {\n    "parameters": 12,\n    "output shape": "5 x 7"\n  },\n  "q3c": {"variance": "d + \\\\mu"}\n}\n',
    "JSON that breaks off": '{\n  "q2a": {\n    "parameters": 12,\n    "output_shape": "5 x 7"\n  },\n  "q3c": {\n    "variance": \'d + \\mu\'',
    "line numbers": "".join(f" {n:2d} | {line}\n" for n, line in enumerate(TOML.splitlines(), 1)),
    "line numbers and arrows": "".join(f"{n}→{line}\n" for n, line in enumerate(TOML.splitlines(), 1)),
    "one line": " ".join(TOML.replace("  # 1D", "").split("\n")),
    "fences and a greeting": f"Here you are:\n```toml\n{TOML}```\n\nLet me know if you need more!\n",
    "a name first": f"Maria Lopez, SID 12345\n\n{TOML}",
    "no brackets": dressed("{}"),
    "Markdown": dressed("## {}"),
    "rulers": dressed("===== [{}] ====="),
    "bold": dressed("**[{}]**"),
    "a colon": dressed("{}:"),
    "Question": TOML.replace("[q2a]", "Question 2(a):").replace("[q3c]", "[Question 3 (c)]"),
    "another language": TOML.replace("[q2a]", "--- [domanda 2a] ---").replace("[q3c]", "Frage 3c"),
    "no equals sign": TOML.replace(" = ", " "),
    "colons for equals signs": TOML.replace(" =", ":"),
    "a merge": TOML.replace("parameters", "<<<<<<< HEAD\nparameters"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_the_answers_are_read_whatever_they_are_dressed_in(name: str) -> None:
    found = salvaged(FILES[name].encode())
    assert {table: found.get(table) for table in WANTED} == WANTED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"a": 1}',
        '{"q2a": 3}',
        "q2a",
        "parameters = 3",
        "1 | 2 | 3\n" * 9,
        "# 2a is done\nso is 3c",
        "12: 30",
    ],
)
def test_what_holds_no_answers_gives_none(text: str) -> None:
    assert not any(salvaged(text.encode()).values())


def test_an_answer_that_names_another_question_stays_an_answer() -> None:
    found = salvaged(b"[q2a\nparameters = 12\n[q2b]\nparameters = 13 # as in 2a\noutput_shape = '2a x 3c'\n")
    assert found["q2b"] == {"parameters": 13, "output_shape": "2a x 3c"}


@pytest.mark.parametrize("piece", ["q2a ", "[q2a]", "1 | ", "parameters = ", "{", "a: ", "## ", "\n\n", '"'])
def test_the_work_grows_no_faster_than_the_file(piece: str) -> None:
    assert growth(lambda size: salvaged((piece * size + "\n" + piece * size).encode()), 300) < LINEAR
