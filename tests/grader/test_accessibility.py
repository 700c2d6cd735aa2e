"""Every page that the product writes, before axe-core in a real browser: no violation of level A or AA, however shown."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.report import platform
from autograder.report.preview import preview
from tests.grader import axe
from tests.grader.browser import CHROMIUM, Browser
from tests.grader.pace import patience
from tests.grader.test_cell import cell

# right, wrong, unfilled, unreadable, forbidden
WHO = ("ada_complete", "gus_softmax_over_queries", "june_unfilled", "kai_syntax_error", "milo_ready_made")
ROOT = Path(__file__).resolve().parents[2]

# Around the output of a notebook's cell stands a page that is not ours.
PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>a notebook</title><body><main>{cell}</main>'

# Grey on white, and in the dark on black where there is room; a picture without words.
WRONG = """<!doctype html><html lang="en"><meta charset="utf-8"><title>wrong</title><style>p { color: #aaa }
@media (prefers-color-scheme: dark) and (min-width: 900px) { body { background: black } }</style>
<body><main><h1>Wrong</h1><p>grey</p><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="></main>"""

# Every colour is looked at once in each scheme, and once where there is room and where there is little; what else a page
# may do wrong depends on the room alone.
SHOWN = (("light", 1200, "all"), ("light", 360, "others"), ("dark", 360, "colours"))

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A graded class with everything that is written beside it, and its pages for students."""
    top = tmp_path_factory.mktemp("graded")
    for who in WHO:
        shutil.copytree(ROOT / "examples" / "class" / who, top / "class" / who)
    options = ["--hand-pages", "--similar", "--quiet", "--without", "4c.3"]
    run("batch", top / "class", "--out", top / "out", *options)
    run("feedback", top / "out", "--out", top / "feedback", "--published")
    found = [top / "out" / "index.html", *sorted((top / "out" / "hand").glob("*.html"))[:2]]
    found += [top / folder / f"{who}.html" for folder in ("out/reports", "feedback") for who in WHO]
    for who in WHO[1:]:
        reading = platform.read((top / "out" / "results" / f"{who}.json").read_bytes())
        found.append(top / f"{who}.html")
        found[-1].write_text(preview(reading, [("memory", "0.7 GB")], ["a note"]), encoding="utf-8")
    run("appendix", ROOT / "examples" / "class" / WHO[0], "--out", top / "appendix.html")
    (top / "cell.html").write_text(PAGE.format(cell=cell()), encoding="utf-8")
    found += [top / "appendix.html", top / "cell.html"]
    assert all(page.is_file() for page in found), found
    return found


def run(*command: object) -> None:
    words = [sys.executable, "-m", "autograder", *map(str, command)]
    subprocess.run(words, check=True, cwd=ROOT, capture_output=True, timeout=patience(120))


def test_no_page_has_a_violation_of_level_a_or_aa(pages: list[Path], tmp_path_factory: pytest.TempPathFactory) -> None:
    top = tmp_path_factory.mktemp("axe")
    script, found = axe.source(top), []
    with Browser(top / "profile") as browser:
        for page in pages:
            browser.open(page)
            for scheme, width, which in SHOWN:
                browser.scheme(scheme, width)
                wrong = axe.violations(browser, script, which)
                found += [f"{page.parent.name}/{page.name}, {scheme}, {width}: {one}" for one in wrong]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "scheme, width, which, told",
    [
        ("light", 1200, "all", {"color-contrast", "image-alt"}),
        ("light", 360, "others", {"image-alt"}),
        ("dark", 360, "colours", {"color-contrast"}),
        ("dark", 1200, "colours", set()),
    ],
)
def test_what_is_wrong_with_a_page_is_seen(
    tmp_path_factory: pytest.TempPathFactory, scheme: str, width: int, which: str, told: set[str]
) -> None:
    top = tmp_path_factory.mktemp("wrong")
    script, page = axe.source(top), top / "page.html"
    page.write_text(WRONG, encoding="utf-8")
    with Browser(top / "profile") as browser:
        browser.open(page)
        browser.scheme("dark" if scheme == "light" else "light", 800)  # as it was before
        browser.scheme(scheme, width)
        assert {one.partition(":")[0] for one in axe.violations(browser, script, which)} == told
