"""The code appendix: all code, each question on pages of its own, nothing of it read as markup; and the write-up joined."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.commands import appendix as command
from autograder.core.code_appendix import Appendix, Block, Section
from autograder.core.errors import UsageError
from autograder.core.records import Line
from autograder.handin import reader
from autograder.handin.appendix import BEFORE, MAX_LINE, read
from autograder.handin.appendix.pages import looked_at
from autograder.handin.appendix.parts import CODING, parted
from autograder.handin.files.notebook import SavedCell
from autograder.report import appendix as pages
from autograder.report.appendix import glyphs
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

CLASS = ROOT / "examples" / "class"
PLOT = (ROOT / "examples" / "plot.png").read_bytes()
HEAD = "class SingleHeadAttention(nn.Module):\n    def forward(self, x):\n        return x"
LAYER = "class ViTLayer(nn.Module):\n    def forward(self, x):\n        return x"


def code(text: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": text, "outputs": list(outputs), "execution_count": None}


def words(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def picture(data: bytes, kind: str = "image/png") -> dict[str, Any]:
    shown = base64.b64encode(data).decode() if kind != "image/svg+xml" else data.decode()
    return {"output_type": "display_data", "metadata": {}, "data": {kind: shown}}


def printed(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def notebook(folder: Path, *cells: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    content = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": list(cells)}
    (folder / "hw6.ipynb").write_text(json.dumps(content), encoding="utf-8")
    return folder


def where(*cells: tuple[str, str]) -> list[str]:
    """The question of each piece of these cells: ("code", text) or ("text", text)."""
    numbered = list(enumerate(cells, 1))
    saved = [SavedCell(number, text, "", 0) for number, (kind, text) in numbered if kind == "code"]
    others = {number: text for number, (kind, text) in numbered if kind == "text"}
    return [piece.number for piece in parted(saved, others, frozenset(), "hw6.py")]


# --- which question --------------------------------------------------------------------------------------------------

PLACES = {
    "by the class alone": ([("code", "import torch"), ("code", HEAD), ("code", LAYER)], ["", "4a", "4b"]),
    "by headings": (
        [("code", "import torch"), ("text", "## 4(a) Attention"), ("code", "def helper(): pass"), ("code", HEAD),
         ("text", "**4b)**"), ("code", LAYER), ("text", "# Question 4c"), ("code", "train()")],
        ["", "4a", "4a", "4b", "4c"],
    ),
    "a class outranks the heading above it": ([("text", "## 4(c)"), ("code", HEAD), ("code", "x = 1")], ["4a", "4a"]),
    "training without a heading": (
        [("code", HEAD), ("code", LAYER), ("code", "show(1)"), ("code", "loss.backward()"), ("code", "plt.show()")],
        ["4a", "4b", "4b", "4c", "4c"],
    ),
    "imports that name much stay in front": ([("code", "from torch.utils.data import DataLoader"), ("code", HEAD)], ["", "4a"]),
    "both classes in one cell": ([("code", f"import torch\n\n{HEAD}\n\n{LAYER}\n")], ["", "4a", "4b"]),
    "a helper between them, of the second": (
        [("code", f"{HEAD}\n\nclass MLP(nn.Module):\n    pass\n\n{LAYER.replace('return x', 'return MLP()(x)')}")],
        ["4a", "4b"],
    ),
    "what builds on the last": ([("code", f"{HEAD}\n{LAYER}\nclass ViT:\n    layer = ViTLayer\n")], ["4a", "4b", "4c"]),
    "what Python cannot read stays whole": ([("code", f"{HEAD}\n{LAYER}\n  oops(")], ["4a"]),
    "blank cells are none": ([("code", " \n"), ("code", HEAD)], ["4a"]),
    "other headings say nothing": ([("text", "## 2(d) Pooling"), ("code", HEAD)], ["4a"]),
}  # fmt: skip


@pytest.mark.parametrize("what", PLACES)
def test_code_stands_at_its_question(what: str) -> None:
    cells, wanted = PLACES[what]
    assert where(*cells) == wanted


def source_lines(path: Path) -> list[str]:
    """Every line of code of a notebook or a script, blank ones aside."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
    return sorted(line.rstrip() for line in text.expandtabs(4).split("\n") if line.strip())


READABLE = sorted(
    path
    for path in CLASS.glob("*/hw6.*")
    if path.parent.name not in ("lena_truncated",) and path.suffix in (".py", ".ipynb")
)


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.parent.name)
def test_every_line_of_code_is_there_once(path: Path) -> None:
    found = read(path)
    assert not found.problem
    text = "\n".join(block.text for section in found.sections for block in section.blocks)
    assert sorted(line.rstrip() for line in text.split("\n") if line.strip()) == source_lines(path)


def test_the_numbers_of_lines_are_those_of_the_file() -> None:
    found = read(CLASS / "chen_einsum" / "hw6.py")
    lines = (CLASS / "chen_einsum" / "hw6.py").read_text(encoding="utf-8").split("\n")
    blocks = [block for section in found.sections for block in section.blocks]
    assert len(blocks) == 3
    for block in blocks:
        count = block.text.count("\n") + 1
        assert block.text.split("\n") == [line.rstrip() if i == count - 1 else line
                                          for i, line in enumerate(lines[block.first - 1 : block.first - 1 + count])]  # fmt: skip


def test_modules_of_ones_own_come_along_and_others_do_not(tmp_path: Path) -> None:
    folder = notebook(tmp_path / "own", code("from helpers import f\nimport torch"), code(HEAD))
    (folder / "helpers.py").write_text("def f(): return 189\n")
    (folder / "torch.txt").write_text("secret")
    (folder / "other.py").write_text("def g(): return 0\n")
    before = read(folder).sections[0]
    assert before.title == BEFORE and [block.place for block in before.blocks] == ["helpers.py", "cell 1"]


# --- what is shown with 4(c), and what is cut ------------------------------------------------------------------------

PLOTTING = "plt.plot(losses)\nplt.show()"


def last(folder: Path) -> Section:
    return read(folder).sections[-1]


def test_the_plot_and_what_was_printed_stand_in_their_section(tmp_path: Path) -> None:
    folder = notebook(
        tmp_path / "plot", code(HEAD), code(LAYER), code(PLOTTING, printed("done\n"), picture(PLOT)), code("x = 1")
    )
    section = last(folder)
    assert section.number == "4c" and section.blocks[0].printed == "done"
    assert section.blocks[0].pictures[0].data == PLOT


SHOWN = {
    "a blank picture": (picture(base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg==")), "one colour"),
    "a kind with scripts": (picture(b"<svg onload='x'/>", "image/svg+xml"), "image/svg+xml"),
}  # fmt: skip


@pytest.mark.parametrize("what", SHOWN)
def test_a_picture_that_is_left_out_is_told(tmp_path: Path, what: str) -> None:
    output, word = SHOWN[what]
    folder = notebook(tmp_path / "odd", code(HEAD), code(LAYER), code(PLOTTING, output))
    found = read(folder)
    assert not found.sections[-1].blocks[0].pictures and any(word in note for note in found.notes)


def test_huge_outputs_and_lines_are_cut_with_a_word(tmp_path: Path) -> None:
    text = "".join(f"epoch {number}: loss 0.5\n" for number in range(5000))
    folder = notebook(
        tmp_path / "huge", code(HEAD), code(LAYER), code("loss.backward()\ns = '" + "x" * 9000 + "'", printed(text))
    )
    found = read(folder)
    block = found.sections[-1].blocks[0]
    assert "(here 4940 more lines are left out)" in block.printed and block.printed.count("\n") == 60
    assert max(map(len, block.text.split("\n"))) < MAX_LINE + 40 and "characters more" in block.text
    assert any("longer than" in note for note in found.notes)


def test_a_folder_that_is_read_only_is_no_fault_of_the_grader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)  # root may write everywhere
    with pytest.raises(UsageError, match="another one"):
        command.build(ROOT / "examples/class/ada_complete", tmp_path / "a.html")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="breaks off"):
        command.build(CLASS / "lena_truncated", tmp_path / "out.html")
    assert not (tmp_path / "out.html").exists()


# --- as PDF ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def typst() -> Any:
    pytest.importorskip("pypdf", reason="pip install -e .[pdf]")
    return pytest.importorskip("typst", reason="pip install -e .[pdf]")


def apart(work: Callable[[], bytes]) -> bytes:
    """What typst made, from a process of its own: it keeps threads, and the command forks."""
    done = reader.apart(ROOT, work, patience(60))
    assert isinstance(done, bytes), done
    return msgspec.json.decode(done, type=bytes)


def pdf(appendix: Appendix) -> bytes:
    return apart(lambda: pages.pdf(appendix))


def texts(data: bytes) -> list[str]:
    from pypdf import PdfReader

    return [page.extract_text() for page in PdfReader(BytesIO(data)).pages]


TITLES = {"": BEFORE, "4a": "4(a) Scaled", "4b": "4(b) Transformer", "4c": "4(c) Vision"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ada_complete", "chen_einsum", "dara_einops", "june_unfilled"])
def test_no_page_has_two_questions_and_each_begins_one(typst: Any, name: str) -> None:
    of_pages = [
        [number for number, title in TITLES.items() if title in text] for text in texts(pdf(read(CLASS / name)))
    ]
    assert all(len(found) == 1 for found in of_pages), of_pages
    order = [found[0] for found in of_pages]
    assert order == sorted(order) and set(CODING) <= set(order)


def test_the_file_needs_nothing_from_elsewhere(typst: Any) -> None:
    from pypdf import PdfReader

    found = PdfReader(BytesIO(pdf(read(CLASS / "ada_complete"))))
    fonts = {
        str(font): font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        for page in found.pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    }
    assert fonts and all({"/FontFile2", "/FontFile3"} & set(descriptor) for descriptor in fonts.values())
    assert sum(len(page.images) for page in found.pages) == 1, "the plot of 4(c)"
    assert not any("/URI" in str(page.get("/Annots", "")) for page in found.pages)


HOSTILE = [
    '#panic("x")', '#read("/etc/passwd")', "]#text(red)[pwned][", "```", "$ x^2 $", "= Heading", "<label> @nowhere",
    "*bold* _it_ // comment /* c */", '\\u{41} "quoted" \\', "#image(\"/etc/hostname\")", "<script>alert(1)</script>",
]  # fmt: skip


def of_text(text: str, printed: str = "") -> Appendix:
    return Appendix("hw6.ipynb", (Section("4a", "Attention", (Block(text[:40], text, 1, printed),)),), (), text, text)


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_student_is_drawn_and_not_read(typst: Any, text: str) -> None:
    [drawn] = texts(pdf(of_text(text, text)))
    flat = re.sub(r"\s", "", drawn)
    plain = re.sub(r"\s", "", text)
    assert flat.count(plain) >= 2, drawn


def test_hostile_names_on_the_cover_are_drawn_too(typst: Any) -> None:
    evil = "[*]#panic()$"
    first, second = texts(apart(lambda: pages.cover_pages(of_text(evil), ("collaborators", "statement"))))
    assert evil in first and evil in second and pages.STATEMENT[:40] in second


@pytest.mark.slow
def test_any_text_can_be_drawn(typst: Any) -> None:
    def all_of_them() -> bytes:
        @settings(max_examples=60, database=None, deadline=None)
        @given(st.text(max_size=60))
        def drawn(text: str) -> None:
            assert pages.pdf(of_text(text, text)).startswith(b"%PDF-")

        drawn()
        return b"done"

    assert apart(all_of_them) == b"done"


def test_a_line_without_a_blank_stays_on_the_page(typst: Any) -> None:
    block = Block("cell 1", "x = '" + "y" * 900 + "'")
    [drawn] = texts(pdf(Appendix("h", (Section("4a", "A", (block,)),))))
    assert drawn.count("y") == 900, drawn
    assert max(map(len, drawn.split("\n"))) <= 110


# --- letters without a font --------------------------------------------------------------------------------------------

KNOWN = "é α → √ × σ ² ½ “quoted” — … א ع ☺ \u0301"  # typst brings fonts for all of them
STRANGE = {"注意力": "fonts-noto-cjk", "カナ": "fonts-noto-cjk", "한국어": "fonts-noto-cjk", "🙂": "fonts-noto-color-emoji",
           "✅": "fonts-noto-color-emoji", "ไทย": "fonts-noto-core"}  # fmt: skip


def only_what_typst_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "SYSTEM_FONTS", False)


def test_what_typsts_own_fonts_have_is_drawn_and_nothing_is_said(typst: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    only_what_typst_brings(monkeypatch)
    code_only = of_text(KNOWN)
    [drawn] = texts(pdf(code_only))
    assert "α → √ × σ ² ½" in drawn and "\\u" not in drawn
    assert apart(lambda: repr(pages.unwritten(code_only)).encode()) == b"()"


@pytest.mark.parametrize("text", STRANGE)
def test_a_letter_without_a_font_is_drawn_as_its_escape_and_its_author_is_told_what_helps(
    typst: Any, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    only_what_typst_brings(monkeypatch)
    strange = of_text(f"x = 1  # {text} α", text)
    [drawn] = texts(pdf(strange))
    escape = text.encode("unicode_escape").decode()
    assert f"x = 1  # {escape} α" in drawn and drawn.count(escape) >= 2 and "\0" not in drawn
    said = apart(lambda: repr(pages.unwritten(strange)).encode()).decode()
    assert text[0] in said and f"apt install {STRANGE[text]} " in said and "appendix.html" in said
    first, *_ = texts(apart(lambda: pages.cover_pages(strange, ("collaborators",))))
    assert escape in first


def test_the_command_says_which_fonts_are_missing(typst: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    only_what_typst_brings(monkeypatch)
    folder = notebook(tmp_path / "work", code(HEAD + "  # 注意力"), code(LAYER))
    notes = command.build(folder, tmp_path / "out.pdf")
    assert any("fonts-noto-cjk" in note for note in notes), notes
    assert not any("fonts" in note for note in command.build(folder, tmp_path / "out.html"))


def test_a_damaged_picture_is_a_word_and_stops_nothing(typst: Any, tmp_path: Path) -> None:
    folder = notebook(tmp_path / "cut", code(HEAD), code(LAYER), code(PLOTTING, picture(PLOT[: len(PLOT) // 2])))
    assert "is damaged, and left out" in texts(pdf(read(folder)))[-1]


def test_without_a_plot_the_curves_are_drawn_from_the_numbers(typst: Any) -> None:
    code_only = read(CLASS / "chen_einsum")
    assert code_only.losses, "it hands in history.json"
    assert "drawn from the numbers" in texts(pdf(code_only))[-1]
    none = Appendix(code_only.file, code_only.sections)
    assert "drawn from the numbers" not in texts(pdf(none))[-1]


# --- as HTML -----------------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_breaks_before_each_question_and_loads_nothing() -> None:
    page = pages.html(read(CLASS / "ada_complete"))
    read_page = Tags(page)
    assert sum(tag == "section" for tag, _ in read_page.tags) == 4
    assert "section { break-before: page;" in page
    sources = [attributes["src"] or "" for tag, attributes in read_page.tags if tag == "img"]
    assert len(sources) == 1 and sources[0].startswith("data:image/png;base64,")
    assert not {"script", "link", "iframe"} & {tag for tag, _ in read_page.tags}
    starts = [attributes["start"] for tag, attributes in read_page.tags if tag == "ol"]
    assert starts and set(starts) == {"1"}


@pytest.mark.parametrize("text", HOSTILE)
def test_on_the_page_it_is_text_too(text: str) -> None:
    page = Tags(pages.html(of_text(text, text)))
    assert page.text.count(text) >= 2 and "script" not in {tag for tag, _ in page.tags}


def test_the_curves_are_drawn_there_too() -> None:
    line = Line("training set", (0.5, 0.2, 0.1))
    page = Tags(pages.html(Appendix("hw6.py", (Section("4c", "Vision", ()),), (line,))))
    [source] = [attributes["src"] or "" for tag, attributes in page.tags if tag == "img"]
    assert source.startswith("data:image/svg+xml;base64,")


# --- joined with the written part ------------------------------------------------------------------------------------

OWN = "I worked with Ben.", f"I certify that all solutions are entirely in my own words. {pages.STATEMENT}"
WRITTEN = {
    "each on its own page": (
        ["1 Administrivia\nabc", "Question 2\n(a)", "more of it", "3(a)", "4 Vision Transformer"],
        0,
    ),
    "a name above it": (["Ada\nHomework 6\nQuestion 1", "Ada\nQuestion 2", "Ada\n3a", "Ada\nProblem 4: ViT"], 0),
    "two on one page": (["Question 1\nabc\nQuestion 2", "Question 3", "Question 4"], 1),
    "in the middle of a page": (["Question 1", "Question 2", "a\nb\nc\nd\nQuestion 3\n", "Question 4"], 1),
    "parts of one question together": (
        ["Question 1", "2(a) none\n2(b) ten\n2c both", "3a\n3b", "Question 4\n4(a)\n4(b)"],
        0,
    ),
    "a list is no question": (["Question 1", "2(a)\n1. First we add.\n3. Then we take the mean.", "3a", "4a"], 0),
    "one is not there": (["Question 1", "Question 2", "Question 4"], 1),
    "a scan": (["", "  \n"], 1),
    "a scan in part": (["Question 1", ""], 1),
    "no headings at all": (["some text"], 0),
}


@pytest.mark.parametrize("what", WRITTEN)
def test_where_questions_begin_is_looked_at(what: str) -> None:
    found, count = WRITTEN[what]
    assert len(looked_at(found).notes) == count, looked_at(found).notes


def pdf_of(typst: Any, *sheets: str) -> bytes:
    """A written part with these texts on its pages."""
    body = "#pagebreak()\n".join(f"#text({json.dumps(sheet)})\n" for sheet in sheets)
    return apart(lambda: typst.compile(body.encode()))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sheets", "wanted"),
    [
        (("Question 1", "Question 2"), ["I worked on this", "I certify", "Question 1", "Question 2", BEFORE]),
        ((OWN[0], "Question 1"), [OWN[0], "I certify", "Question 1", BEFORE]),
        ((OWN[1], "Question 1"), ["I worked on this", OWN[1][:20], "Question 1", BEFORE]),
        ((OWN[0], OWN[1], "Question 1"), [OWN[0], OWN[1][:20], "Question 1", BEFORE]),
    ],
)
def test_all_is_one_file_in_the_handouts_order(
    typst: Any, tmp_path: Path, sheets: tuple[str, ...], wanted: list[str]
) -> None:
    written = tmp_path / "written.pdf"
    written.write_bytes(pdf_of(typst, *sheets))
    notes = command.build(CLASS / "ada_complete", tmp_path / "all.pdf", written, collaborators="Ben and Chen")
    found = texts((tmp_path / "all.pdf").read_bytes())
    assert [word in " ".join(found[place].split()) for place, word in enumerate(wanted)] == [True] * len(wanted), found
    assert ("Ben and Chen" in found[0]) == (OWN[0] not in sheets)
    assert any("sign it" in note for note in notes) == (OWN[1] not in sheets)


PAGELESS = (
    b"%PDF-1.7\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj 2 0 obj <</Type/Pages/Kids[]/Count 0>> endobj\n"
    b"trailer <</Root 1 0 R/Size 3>>\n%%EOF"
)
UNUSABLE = {
    "no PDF": b"hello",
    "cut off": b"%PDF-1.7\n1 0 obj\n<<",
    "nothing": b"",
    "a photograph": b"\xff\xd8\xff",
    "without a page": PAGELESS,
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_written_part_that_is_none_is_one_sentence(
    typst: Any, tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "w.pdf").write_bytes(UNUSABLE[what])
    with pytest.raises(UsageError, match=r"written part cannot be used.*save"):
        command.build(CLASS / "ada_complete", tmp_path / "out.pdf", tmp_path / "w.pdf")
    assert not (tmp_path / "out.pdf").exists() and not caplog.records, "what the library warns of is no second sentence"


# --- as a command ------------------------------------------------------------------------------------------------------


def test_without_typst_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pages, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install typst pypdf  or give --out appendix\.html"):
        command.build(CLASS / "ada_complete", tmp_path / "out.pdf")
    command.build(CLASS / "ada_complete", tmp_path / "out.html")
    assert "SingleHeadAttention" in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_it_is_a_command_that_runs_nothing_and_needs_no_torch(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "hw6.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n{HEAD}\n")
    program = (
        "import sys; from pathlib import Path; from autograder.commands.appendix import build\n"
        "build(Path(sys.argv[1]), Path(sys.argv[2])); assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    out = tmp_path / "a.html"
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder), str(out)], cwd=ROOT, capture_output=True, text=True,
        timeout=patience(60),
    )  # fmt: skip
    assert done.returncode == 0 and out.exists() and not (tmp_path / "ran").exists(), done.stderr
    for arguments in ((CLASS, "--out", out), (folder, "--out", tmp_path / "a.docx"), (tmp_path / "nowhere",)):
        wrong = subprocess.run(
            [sys.executable, "-m", "autograder", "appendix", *map(str, arguments)], cwd=ROOT, capture_output=True,
            text=True, timeout=patience(60),
        )  # fmt: skip
        assert wrong.returncode == 2 and wrong.stderr.startswith("autograder: "), wrong.stderr
