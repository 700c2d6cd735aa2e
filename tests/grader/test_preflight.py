"""What is said to be there, and what not: right submissions first, then everything blank that only looks like work."""

from __future__ import annotations

import base64
import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.commands.preflight import look
from autograder.core.inventory import Inventory, Item, State
from autograder.core.policy import CAPS
from autograder.handin.files.pictures import Look, Picture, looked_at
from autograder.handin.present.written import unwritten
from autograder.report.preflight import render
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

ADA = ROOT / "examples" / "class" / "ada_complete"
PLOT = (ROOT / "examples" / "plot.png").read_bytes()


def copy(tmp_path: Path) -> Path:
    """Ada's folder, to be changed."""
    folder = tmp_path / "ada"
    folder.mkdir()
    for path in ADA.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def found(inventory: Inventory, name: str, part: str = "") -> Item:
    [item] = [item for item in inventory.items if item.name == name and item.part.startswith(part)]
    return item


def in_answers(folder: Path, old: str, new: str) -> None:
    file = folder / "answers.toml"
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def in_cells(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Applies `change` to each cell of the notebook."""
    file = folder / "hw6.ipynb"
    notebook = json.loads(file.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        change(cell)
    file.write_text(json.dumps(notebook), encoding="utf-8")


def png(width: int, height: int, rows: list[bytes], colour: int = 2) -> bytes:
    """A PNG of rows that are filtered already, each with the number of its filter in front."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    packed = zlib.compress(b"".join(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


WHITE = png(40, 30, [b"\0" + b"\xff" * 120] * 30)
FRAMED = png(40, 30, [b"\0" + (b"\0" * 120 if y in (1, 28) else b"\xff" * 120) for y in range(30)])


def pictured(data: bytes) -> Callable[[dict[str, Any]], None]:
    def change(cell: dict[str, Any]) -> None:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                output["data"]["image/png"] = base64.b64encode(data).decode()

    return change


# --- what is there is said to be there ---------------------------------------------------------------------------------


def test_of_a_whole_submission_nothing_is_missing(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    in_answers(folder, "[q2a]", 'collaborators = "Ben and Chen"\n[q2a]')
    whole = look(folder)
    assert not whole.having(State.MISSING) and not whole.having(State.LOOK)
    assert {item.name for item in whole.having(State.ELSEWHERE)} == {
        "write-up", "Why pooling helps", "Masking", "Why to scale by √d", "model.safetensors",
    }  # fmt: skip
    assert whole.files == ("hw6.ipynb", "answers.toml", "history.json")
    assert "Next: hand in hw6.ipynb, answers.toml, history.json" in render(whole, width=100, colour=False)


def test_the_parts_stand_in_the_handouts_order() -> None:
    parts = [item.part for item in look(ADA).items]
    assert parts == sorted(parts, key=lambda part: part if part[0].isdigit() else "")
    assert parts[0] == "Files" and parts[-1] == "4c"


@pytest.mark.parametrize("name", ["ben_fused", "chen_einsum", "dara_einops", "eli_parameter"])
def test_classes_of_every_style_are_there(name: str) -> None:
    inventory = look(ROOT / "examples" / "class" / name)
    assert {found(inventory, one).state for one in ("SingleHeadAttention", "ViTLayer")} == {State.THERE}


def test_without_history_the_saved_outputs_are_enough(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    (folder / "history.json").unlink()
    inventory = look(folder)
    assert not inventory.having(State.MISSING) and found(inventory, "history.json").state is State.ELSEWHERE


WRITTEN = ["12", "x", "nobody", "none", "Xi", "0", 0, 0.5, [1, 2], ["TODO", 3], "answer: 5/7", "Your Majesty", "d"]
UNWRITTEN = [
    "", "  \t", "​", "TODO", "todo: compute", "?", "...", "____", "<your name>", "[Your answer here]", "xxx",
    "Your full name", "name", "enter your name", "type answer here", [], ["", "?"], None, "FIXME", "(name here)",
]  # fmt: skip


@pytest.mark.parametrize("value", WRITTEN, ids=repr)
def test_what_somebody_wrote_is_no_placeholder(value: object) -> None:
    assert not unwritten(value)


@given(st.text(alphabet="abcdμσ²√0123456789+-*/^() ,.", min_size=1).filter(lambda text: any(map(str.isalnum, text))))
def test_no_formula_is_taken_for_a_placeholder(text: str) -> None:
    assert not unwritten(text) or not any(character.isdigit() for character in text)


# --- what is blank is not ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", UNWRITTEN, ids=repr)
def test_a_placeholder_is_nothing_written(value: object) -> None:
    assert unwritten(value)


BLANK_BOXES = {
    "a name of blanks": ('signed_by = "Ada Okafor"', 'signed_by = "   "', "statement"),
    "a placeholder for a name": ('signed_by = "Ada Okafor"', 'signed_by = "<your full name>"', "statement"),
    "dots for a name": ('signed_by = "Ada Okafor"', 'signed_by = ". . ."', "statement"),
    "a survey code that is too short": ('survey_code = "', 'survey_code = "12345"\nx = "', "survey code"),
    "the template's survey code": ('survey_code = "', 'survey_code = "0a1b2c3d4e"\nx = "', "survey code"),
    "a todo": ("[q3a]\na2 = ", "[q3a]\na2 = 'TODO: softmax'\nx = ", "Self-attention by hand"),
    "a list of nothing": ("average_pool = ", 'average_pool = ["", "?"]\nx = ', "Max and average pooling"),
}


@pytest.mark.parametrize("what", BLANK_BOXES)
def test_a_blank_box_is_missing(tmp_path: Path, what: str) -> None:
    old, new, name = BLANK_BOXES[what]
    folder = copy(tmp_path)
    in_answers(folder, old, new)
    assert [item.name for item in look(folder).having(State.MISSING)] == [name]


def test_without_answers_toml_that_is_told_once(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    (folder / "answers.toml").unlink()
    names = [item.name for item in look(folder).having(State.MISSING)]
    assert names == ["answers.toml", "survey code, statement, collaborators"]


def test_the_template_as_it_was_given_has_nothing(tmp_path: Path) -> None:
    for name in ("hw6.ipynb", "answers.toml"):
        (tmp_path / name).write_bytes((ROOT / "student_template" / name).read_bytes())
    states = {item.name: item.state for item in look(tmp_path).items}
    assert {name for name, state in states.items() if state is State.THERE} == {"hw6.ipynb", "answers.toml", "sizes"}
    assert states["SingleHeadAttention"] is states["ViTLayer"] is states["outputs"] is State.MISSING


def test_a_line_of_the_template_that_still_says_todo_is_to_be_looked_at(tmp_path: Path) -> None:
    folder = copy(tmp_path)

    def change(cell: dict[str, Any]) -> None:
        text = "".join(cell["source"])
        cell["source"] = text.replace(
            "super().__init__()\n", "super().__init__()\n        # TODO: make the layers\n", 1
        )

    in_cells(folder, change)
    item = found(look(folder), "SingleHeadAttention")
    assert item.state is State.LOOK and "TODO: make the layers" in item.words and "cell" in item.fix


def test_outputs_that_were_cleared_are_told_and_their_reason_once(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    (folder / "history.json").unlink()
    in_cells(folder, lambda cell: cell.update(outputs=[]) if cell["cell_type"] == "code" else None)
    assert [item.name for item in look(folder).having(State.MISSING)] == ["outputs", "history.json"]


def test_outputs_of_blanks_alone_are_none(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    blank = [{"output_type": "stream", "name": "stdout", "text": "  \n \n"}]
    in_cells(folder, lambda cell: cell.update(outputs=blank) if cell["cell_type"] == "code" else None)
    assert found(look(folder), "outputs").state is State.MISSING


PICTURES = {
    "a plot": (PLOT, State.THERE),
    "white all over": (WHITE, State.MISSING),
    "no picture at all": (b"", State.MISSING),
    "a frame without a curve": (FRAMED, State.LOOK),
    "a kind that is not looked into": (b"\xff\xd8\xff\xe0 a photograph", State.THERE),
}


@pytest.mark.parametrize("what", PICTURES)
def test_a_plot_that_shows_nothing_is_not_there(tmp_path: Path, what: str) -> None:
    data, state = PICTURES[what]
    folder = copy(tmp_path)
    in_cells(folder, pictured(data))
    assert found(look(folder), "loss plot").state is state


HISTORIES = {
    "no JSON": ("{", State.LOOK),
    "an empty object": ("{}", State.LOOK),
    "lists without a number": ('{"train_loss": [], "validation_loss": []}', State.LOOK),
    "the same without outputs": ('{"train_loss": [], "validation_loss": []}', State.MISSING),
}


STEPS = [2.3 * 0.99**step for step in range(1563)]
SOURCES: dict[
    str, tuple[dict[str, object], str, str]
] = {  # changes of history.json, and where the losses and the accuracy are from then
    "nothing": ({}, "from history.json", "from history.json"),
    "no accuracy": ({"test_correct": None}, "from history.json", "from the notebook's saved outputs"),
    "an accuracy in percent": (
        {"test_correct": None, "test_accuracy": 97.6},
        "from history.json",
        "from the notebook's",
    ),
    "text for numbers": ({"train_loss": ["0.4", "0.2"]}, "saved outputs and history.json", "from history.json"),
    "no losses": ({"train_loss": [], "validation_loss": []}, "epochs, from the notebook's", "from history.json"),
    "a loss for each step": ({"train_loss": STEPS}, "10 epochs, from history.json", "from history.json"),
}


@pytest.mark.parametrize("what", SOURCES)
def test_losses_and_accuracy_are_told_with_the_place_that_has_them(tmp_path: Path, what: str) -> None:
    changes, losses, accuracy = SOURCES[what]
    folder = copy(tmp_path)
    file = folder / "history.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    inventory = look(folder)
    assert losses in found(inventory, "losses").words and accuracy in found(inventory, "test accuracy").words
    assert found(inventory, "history.json").state is (State.LOOK if changes else State.THERE)


def test_a_history_of_another_run_than_the_outputs_is_to_be_looked_at(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    file = folder / "history.json"
    old = json.loads(file.read_text())
    first = {key: old[key][:1] for key in ("train_loss", "validation_loss")}
    file.write_text(json.dumps({**old, **first, "epochs": 1, "test_correct": 9100}))
    item = found(look(folder), "history.json")
    assert item.state is State.LOOK and item.words.startswith("1 epoch and the accuracy")
    assert "says 91.00 %" in item.words and "losses of 1 epoch, the notebook's saved outputs of 10" in item.words
    assert "two runs" in item.words and "1 epochs" not in render(look(folder), width=500, colour=False)


@pytest.mark.parametrize("what", HISTORIES)
def test_a_history_that_tells_nothing_is_not_there(tmp_path: Path, what: str) -> None:
    text, state = HISTORIES[what]
    folder = copy(tmp_path)
    (folder / "history.json").write_text(text)
    if "without outputs" in what:
        in_cells(folder, lambda cell: cell.update(outputs=[]) if cell["cell_type"] == "code" else None)
    assert found(look(folder), "history.json").state is state


def checkpoint(values: bytes) -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [len(values) // 4], "data_offsets": [0, len(values)]}}).encode()
    return struct.pack("<Q", len(header)) + header + values


@pytest.mark.parametrize(
    ("data", "state"),
    [
        (checkpoint(struct.pack("<2f", 0.5, 0.0)), State.THERE),
        (checkpoint(bytes(8)), State.LOOK),
        (b"", State.LOOK),
        (b"PK\x03\x04" + bytes(40), State.LOOK),
    ],
)
def test_weights_that_are_none_are_to_be_looked_at(tmp_path: Path, data: bytes, state: State) -> None:
    folder = copy(tmp_path)
    (folder / "model.safetensors").write_bytes(data)
    assert found(look(folder), "model.safetensors").state is state


def test_what_is_too_large_is_told_before_it_is_handed_in(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    with (folder / "other.ipynb").open("wb") as file:
        file.truncate((CAPS.file_mb + 1) << 20)
    for number in range(CAPS.zip_total_mb):
        with (folder / f"{number}.bin").open("wb") as file:
            file.truncate(1 << 20)
    inventory = look(folder)
    assert "21 MB" in found(inventory, "other.ipynb").words
    assert found(inventory, "sizes").state is State.LOOK


@pytest.mark.parametrize("inside, look", [("", Look.BLANK), ("<g/>", Look.BLANK), ("<path d='M0 0'/>", Look.UNSURE)])
def test_a_drawing_without_a_line_is_blank(inside: str, look: Look) -> None:
    assert looked_at(Picture("image/svg+xml", f"<svg>{inside}</svg>".encode())) is look


def test_of_a_zip_that_cannot_be_opened_nothing_more_is_said(tmp_path: Path) -> None:
    (tmp_path / "hw6.zip").write_bytes(b"PK\x03\x04 and no more")
    inventory = look(tmp_path / "hw6.zip")
    assert [item.name for item in inventory.having(State.MISSING)] == ["your work"]


def test_a_broken_notebook_is_one_thing_and_the_rest_is_still_told(tmp_path: Path) -> None:
    folder = copy(tmp_path)
    (folder / "hw6.ipynb").write_bytes((ADA / "hw6.ipynb").read_bytes()[:5000])
    inventory = look(folder)
    assert [item.name for item in inventory.having(State.MISSING)] == ["hw6.ipynb"]
    assert "breaks off" in inventory.having(State.MISSING)[0].words
    assert found(inventory, "statement").state is State.THERE


# --- pictures, by hand -------------------------------------------------------------------------------------------------


def seen(data: bytes) -> Look:
    return looked_at(Picture("image/png", data))


@given(st.integers(0, 4), st.integers(0, 255), st.integers(1, 4))
def test_one_colour_is_blank_however_it_is_stored(kind: int, value: int, channels: int) -> None:
    width, height, colour = 9, 7, {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    row = bytes([value]) * width * channels
    rows = [filtered(kind, row, row if y else bytes(len(row)), channels) for y in range(height)]
    assert seen(png(width, height, rows, colour)) is Look.BLANK


def filtered(kind: int, row: bytes, before: bytes, step: int) -> bytes:
    """A row as a PNG stores it, by the formulas of its specification."""
    out = bytearray([kind])
    for i, value in enumerate(row):
        a, b = (row[i - step] if i >= step else 0), before[i]
        c = before[i - step] if i >= step else 0
        paeth = min((a, b, c), key=lambda one: abs(a + b - c - one))  # of equals the first
        out.append((value - (0, a, b, (a + b) // 2, paeth)[kind]) % 256)
    return bytes(out)


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_no_fault_of_ours(data: bytes) -> None:
    assert seen(b"\x89PNG\r\n\x1a\n" + data) in set(Look)


def test_the_dot_of_a_curve_is_seen() -> None:
    rows = [b"\0" + b"\xff" * 120 for _ in range(30)]
    rows[15] = b"\0" + b"\xff" * 60 + b"\0\0\0" + b"\xff" * 57
    assert seen(png(40, 30, rows)) is Look.DRAWN
    assert seen(PLOT) is Look.DRAWN


# --- as a command ------------------------------------------------------------------------------------------------------


def run(*arguments: object, columns: int = 80) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": str(columns), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "autograder", "preflight", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=patience(60), env=environment)


def test_the_exit_status_tells_whether_something_is_missing(tmp_path: Path) -> None:
    assert run(ADA).returncode == 0
    assert run(ROOT / "examples" / "class" / "june_unfilled").returncode == 1
    assert run(tmp_path / "nowhere").returncode == 2
    whole = run(ROOT / "examples" / "class")
    assert whole.returncode == 2 and "more than one submission" in whole.stderr
    told = json.loads(run(ADA, "--json").stdout)
    assert told["items"][0] == {"part": "Files", "name": "hw6.ipynb", "state": "there", "words": "", "fix": ""}


@pytest.mark.parametrize("columns", [80, 40])
def test_it_fits_the_screen(columns: int) -> None:
    for name in ("ada_complete", "june_unfilled", "lena_truncated", "kai_syntax_error"):
        lines = run(ROOT / "examples" / "class" / name, columns=columns).stdout.splitlines()
        assert len(lines) > 15 and max(map(len, lines)) <= columns


def test_it_runs_nothing_and_needs_no_torch(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from autograder.commands.preflight import look\n"
        "found = look(Path(sys.argv[1])); from autograder.report.preflight import render; render(found, colour=False)\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    (tmp_path / "hw6.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass ViTLayer: pass\n")
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "ran").exists()


def test_what_a_student_named_cannot_write_on_the_screen() -> None:
    evil = "\x1b[2Jhw6[bold]<script>.ipynb"
    text = render(Inventory(evil, (Item("Files", evil, State.LOOK, evil, evil),)), width=80, colour=False)
    assert "\x1b" not in text and "<script>" not in text and "[bold]" in text
