"""axe-core, the accessibility checker: fetched once for all tests by npm, and run in a page that a browser shows.

Why separate: it is no part of the product and no Python package; a machine without npm or a network skips what needs it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.grader.browser import Browser
from tests.grader.pace import patience

VERSION = "4.11.0"
SHA512 = "8a561a9c453cbf1c417b1a4977c716338125490ab841cb422ca8a1d1349f8c87c24137b21ffeb356b98825f2cfaca4ca2516e21be71f9d96d02230252661758d"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

COLOURS = "color-contrast"  # one rule, and nine tenths of the time that all of them take

_RUN = """
axe.run(document, {resultTypes: ["violations"], runOnly: %s, rules: %s}).then(found => found.violations.map(
    one => one.id + ": " + one.help + " | " + one.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(" | ")))
"""


def source(folder: Path) -> str:
    """The script's text, from `folder` or else by npm. Skips the test where it cannot be had."""
    packed = folder / f"axe-core-{VERSION}.tgz"
    if not packed.exists():
        npm = shutil.which("npm") or pytest.skip("axe-core comes with npm, which is not here")
        command = [
            npm,
            "pack",
            f"axe-core@{VERSION}",
            "--silent",
            "--fetch-retries=0",
            "--cache",
            str(folder / "cache"),
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=patience(20), cwd=folder)
        except (subprocess.SubprocessError, OSError) as error:
            pytest.skip(f"axe-core cannot be fetched here: {error}")
    assert hashlib.sha512(packed.read_bytes()).hexdigest() == SHA512, "this is another axe-core than the one expected"
    with tarfile.open(packed) as archive:
        member = archive.extractfile("package/axe.min.js")
        assert member is not None
        return member.read().decode()


def violations(browser: Browser, script: str, which: str = "all") -> list[str]:
    """What the page that is shown does against WCAG 2.2 of levels A and AA.

    `which`: "all" rules, the one about its "colours", or the "others".
    """
    browser.value("if (!window.axe) {" + script + "}; true")
    tags, rule = {"type": "tag", "values": LEVELS}, {"type": "rule", "values": [COLOURS]}
    switched = {COLOURS: {"enabled": False}} if which == "others" else {}
    found: list[str] = browser.value(_RUN % (json.dumps(rule if which == "colours" else tags), json.dumps(switched)))
    return found
