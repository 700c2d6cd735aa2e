"""Letters that no font here has: which they are, how they are drawn all the same, and what would help.

Why separate: typst takes whatever installed font has a letter, and where none has it draws an empty box without a word.
A box tells nobody what stood there, so such a letter is drawn as the escape that Python writes for it, and its author
is told which fonts are missing. Which letters have a font is asked of typst itself: a page with one letter each, drawn
with the template's fonts.
"""

from __future__ import annotations

import functools
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

# False: as if nothing were installed, with the fonts alone that typst brings.
SYSTEM_FONTS = True
MAX_LETTERS = 5000  # asked about at once; Chinese prose of a book has fewer
_ASKED = """#set text(font: "Libertinus Serif")
#show raw: set text(font: "DejaVu Sans Mono")
#for letter in json("letters.json") { page(width: 3cm, height: 3cm, margin: 5mm, raw(letter)) }
"""

# What a letter's name in Unicode begins with, what people call it, and Debian's package of fonts for it.
_CJK = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH", "HALFWIDTH", "KANGXI")
_KINDS = ((_CJK, "fonts-noto-cjk"), (("",), "fonts-noto-core"))
_EMOJI = "fonts-noto-color-emoji"


def compiled(main: Path) -> bytes:
    """A typst file of that folder as PDF, with the fonts that are to be used."""
    import typst

    made = typst.compile(str(main), root=str(main.parent), ignore_system_fonts=not SYSTEM_FONTS)
    assert isinstance(made, bytes)
    return made


def missing(texts: Iterable[str]) -> frozenset[str]:
    """The letters of these texts that no font has. ASCII is not asked about: typst's own fonts have it."""
    letters = sorted({letter for text in texts for letter in text if not letter.isascii() and letter.isprintable()})
    return _missing("".join(letters[:MAX_LETTERS]), SYSTEM_FONTS) if letters else frozenset()


@functools.lru_cache(maxsize=4)
def _missing(letters: str, system: bool) -> frozenset[str]:
    import json

    from pypdf import PdfReader

    with tempfile.TemporaryDirectory(prefix="appendix-") as folder:
        main = Path(folder) / "main.typ"
        main.write_text(_ASKED, encoding="utf-8")
        (main.parent / "letters.json").write_text(json.dumps(list(letters)), encoding="utf-8")
        pages = PdfReader(BytesIO(compiled(main))).pages
        assert len(pages) == len(letters)
        return frozenset(letter for letter, page in zip(letters, pages) if _is_a_box(page))


def _is_a_box(page: Any) -> bool:
    """Whether something of the page is drawn with a font's first glyph, which by definition is the missing one.

    Fonts of pictures (Type3), such as colour emoji, are numbered from 0 on and have no missing one.
    """
    from pypdf.generic import ContentStream

    plain = False
    for operands, operator in ContentStream(page.get_contents(), page.pdf).operations:
        if operator == b"Tf":
            plain = page["/Resources"]["/Font"][operands[0]]["/Subtype"] != "/Type3"
        elif operator in (b"Tj", b"TJ") and plain and any(not any(code) for code in _codes(operands[0])):
            return True
    return False


def _codes(operand: Any) -> Iterator[bytes]:
    """What is shown, as the bytes of the file."""
    for piece in operand if isinstance(operand, list) else [operand]:
        if isinstance(piece, bytes):
            yield piece
        elif hasattr(piece, "original_bytes"):
            yield piece.original_bytes


def escaped(text: str, lacking: frozenset[str]) -> str:
    """The text with an escape in the place of each of these letters: \\u6ce8."""
    if not lacking:
        return text
    return text.translate({ord(letter): letter.encode("unicode_escape").decode() for letter in lacking})


def hint(lacking: frozenset[str]) -> str:
    """What the author should know and can do; empty where every letter has a font."""
    if not lacking:
        return ""
    shown = " ".join(sorted(lacking)[:8]) + (" …" if len(lacking) > 8 else "")
    packages = " ".join(sorted(set(map(_package, lacking))))
    return (
        f"no font that is installed here has these letters of your text: {shown} The PDF has escapes in their place, "
        f"e.g. {escaped(min(lacking), lacking)}. Install fonts for them and run this again (Debian, Ubuntu, Colab:  "
        f"apt install {packages} ), or give --out appendix.html, which a browser prints with fonts of its own"
    )


def _package(letter: str) -> str:
    name = unicodedata.name(letter, "")
    if unicodedata.category(letter) == "So" and (0x2600 <= ord(letter) < 0x2C00 or ord(letter) >= 0x1F000):
        return _EMOJI
    return next(package for starts, package in _KINDS if name.startswith(starts))
