"""The code appendix as PDF, by typst, and as HTML: each question on pages of its own, coloured, with line numbers.

Why separate: typst is imported here alone, and only for a PDF. The student's text reaches it as JSON and is drawn as it
is: nothing in it is ever read as markup, whichever of the two is made.
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
    import typst

    with tempfile.TemporaryDirectory(prefix="appendix-") as folder:
        root = Path(folder)
        (root / "main.typ").write_bytes(TEMPLATE.read_bytes())
        shown = list(_usable(appendix, root))
        content = {**_content(appendix), "cover": list(cover), "pictures": shown}
        (root / "data.json").write_text(json.dumps(content), encoding="utf-8")
        made = typst.compile(str(root / "main.typ"), root=str(root))
    assert isinstance(made, bytes)
    return made


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
    import typst

    (root / "one.typ").write_text(f'#image("{name}")', encoding="utf-8")
    try:
        typst.compile(str(root / "one.typ"), root=str(root))
    except RuntimeError:
        return False
    return True


def _content(appendix: Appendix) -> dict[str, object]:
    return {
        "title": _head(appendix),
        "name": one_line(appendix.signed_by, 80),
        "collaborators": one_line(appendix.collaborators, 1000),
        "statement": STATEMENT,
        "sections": [
            {"title": _title(section), "blocks": [_block(block) for block in section.blocks]}
            for section in _with_curves(appendix)
        ],
    }


def _block(block: Block) -> dict[str, object]:
    return {
        "place": one_line(block.place, 80),
        "first": block.first,
        "text": _breakable(block.text),
        "printed": _breakable(block.printed),
        "words": [one_line(picture.words, 200) for picture in block.pictures],
    }


def _breakable(text: str) -> str:
    return _LONG.sub(rf"\1{_BREAK}", printable(text))


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
