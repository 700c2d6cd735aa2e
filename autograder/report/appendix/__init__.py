"""The code appendix as PDF, by typst, and as HTML: each question on pages of its own, coloured, with line numbers.

Why separate: typst is imported in this folder alone, and only for a PDF. The student's text reaches it as JSON and is
drawn as it is: nothing in it is ever read as markup, whichever of the two is made.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from autograder.core.code_appendix import Appendix, Block, Section, Shown
from autograder.core.errors import UsageError
from autograder.core.policy import POLICY
from autograder.core.text import one_line, printable
from autograder.report import curves
from autograder.report.appendix import glyphs

TEMPLATE = Path(__file__).with_name("appendix.typ")
STATEMENT = (
    "I certify that all solutions are entirely in my own words and that I have not looked at another student's "
    "solutions. I have given credit to all external sources I consulted."
)  # the handout's, for the write-up
PACKAGES = "typst pypdf"
# A run of signs without a blank is broken after so many: a page has 88 columns of code beside the line numbers.
UNBROKEN = 80
_LONG = re.compile(rf"(\S{{{UNBROKEN}}})(?=\S)")
_BREAK = "\u200b"


def needs_typst() -> None:
    """Raises UsageError, with the line that helps, where a PDF cannot be made."""
    absent = [name for name in PACKAGES.split() if find_spec(name) is None]
    if absent:
        raise UsageError(
            f"a PDF needs {' and '.join(absent)}, which {'is' if len(absent) == 1 else 'are'} not here. Run:  "
            f"pip install {' '.join(absent)}  or give --out appendix.html, which a browser prints to a PDF"
        )


def pdf(appendix: Appendix, cover: tuple[str, ...] = ()) -> bytes:
    """The pages as a PDF. `cover`: of "collaborators" and "statement", the pages that stand in front by themselves.

    typst keeps threads, so that a process that called this must not be forked.
    """
    with tempfile.TemporaryDirectory(prefix="appendix-") as folder:
        root = Path(folder)
        (root / "main.typ").write_bytes(TEMPLATE.read_bytes())
        shown = list(_usable(appendix, root))
        content = {**_content(appendix, _undrawn(appendix)), "cover": list(cover), "pictures": shown}
        (root / "data.json").write_text(json.dumps(content), encoding="utf-8")
        return glyphs.compiled(root / "main.typ")


def unwritten(appendix: Appendix) -> tuple[str, ...]:
    """What its author should know of letters that the PDF has no font for, and what helps."""
    return tuple(filter(None, [glyphs.hint(_undrawn(appendix))]))


def _undrawn(appendix: Appendix) -> frozenset[str]:
    return glyphs.missing(_texts(_content(appendix)))


def _texts(value: object) -> Iterator[str]:
    """Every text in it, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def cover_pages(appendix: Appendix, pages: tuple[str, ...]) -> bytes:
    """Only the pages of `cover`."""
    return pdf(Appendix(signed_by=appendix.signed_by, collaborators=appendix.collaborators), pages)


def html(appendix: Appendix) -> str:
    """The same as a page whose print puts each question on a fresh sheet."""
    from autograder.report.html import filled

    sections = [
        (_title(section), [(block, _coloured(block), _inline(block.pictures)) for block in section.blocks])
        for section in _with_curves(appendix)
    ]
    return filled("appendix.html.j2", {"title": _head(appendix), "sections": sections, "file": one_line(appendix.file)})


def _usable(appendix: Appendix, root: Path) -> Iterator[list[list[str]]]:
    """By section, by block: names of the picture files that typst can draw; a damaged one is "" in its place."""
    count = 0
    for section in _with_curves(appendix):
        names: list[list[str]] = []
        for block in section.blocks:
            names.append([])
            for picture in block.pictures:
                count += 1
                name = f"picture-{count}.{picture.ending}"
                (root / name).write_bytes(picture.data)
                names[-1].append(name if _draws(name, root) else "")
        yield names


def _draws(name: str, root: Path) -> bool:
    (root / "one.typ").write_text(f'#image("{name}")', encoding="utf-8")
    try:
        glyphs.compiled(root / "one.typ")
    except RuntimeError:
        return False
    return True


def _content(appendix: Appendix, lacking: frozenset[str] = frozenset()) -> dict[str, object]:
    """What the template draws. `lacking`: letters without a font, which stand as escapes."""

    def line(text: str, most: int) -> str:
        return glyphs.escaped(one_line(text, most), lacking)

    def block(found: Block) -> dict[str, object]:
        return {
            "place": line(found.place, 80),
            "first": found.first,
            "text": _breakable(glyphs.escaped(printable(found.text), lacking)),
            "printed": _breakable(glyphs.escaped(printable(found.printed), lacking)),
            "words": [line(picture.words, 200) for picture in found.pictures],
        }

    return {
        "title": line(_head(appendix), 120),
        "name": line(appendix.signed_by, 80),
        "collaborators": line(appendix.collaborators, 1000),
        "statement": STATEMENT,
        "sections": [
            {"title": line(_title(section), 200), "blocks": [block(one) for one in section.blocks]}
            for section in _with_curves(appendix)
        ],
    }


def _breakable(text: str) -> str:
    return _LONG.sub(rf"\1{_BREAK}", text)


def _head(appendix: Appendix) -> str:
    return one_line(f"{POLICY.title}: code of {appendix.file}" if appendix.file else POLICY.title, 120)


def _title(section: Section) -> str:
    """ "4(a) Scaled dot-product attention", as the handout numbers it."""
    number = re.sub(r"^(\d+)([a-z])", r"\1(\2)", section.number)
    return f"{number} {section.title}".strip()


def _with_curves(appendix: Appendix) -> tuple[Section, ...]:
    """The sections; where no plot was saved and losses are known, they are drawn, for the handout wants them there."""
    if not appendix.losses or any(block.pictures for section in appendix.sections for block in section.blocks):
        return appendix.sections
    lines = [curves.Curve(line.name, line.values) for line in appendix.losses]
    drawn = curves.svg(lines, title="Loss on the training and the validation set", x="epoch", y="mean cross-entropy")
    picture = Shown("svg", drawn.encode(), "the losses of your run, drawn from the numbers that you hand in")
    *others, last = appendix.sections
    return (*others, Section(last.number, last.title, (*last.blocks, Block("losses", "", pictures=(picture,)))))


def _coloured(block: Block) -> list[str]:
    """The lines of the block as markup of Pygments, which escapes what is no markup of its own."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    text = printable(block.text)
    lines = str(highlight(text, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True, noclasses=True))).split("\n")
    return lines[: text.count("\n") + 1] if text else []


def _inline(pictures: tuple[Shown, ...]) -> list[tuple[str, str]]:
    """(address, words): the picture itself as a data URL."""
    import base64

    kinds = {"png": "image/png", "jpg": "image/jpeg", "svg": "image/svg+xml"}
    return [
        (f"data:{kinds[one.ending]};base64,{base64.b64encode(one.data).decode()}", one_line(one.words, 200))
        for one in pictures
    ]
