"""Notebooks with Markdown for the tests of grading by hand, harmless and hostile."""

from __future__ import annotations

import json
from pathlib import Path

HOSTILE = [
    "<script>document.title='got';alert('got')</script>",
    "<img src=x onerror=\"alert('got')\"> <svg onload=alert('got')>",
    "<iframe src='javascript:alert(1)'></iframe><object data='http://evil.example/'></object>",
    "[click](javascript:alert('got')) <javascript:alert('got')> [x](data:text/html,<script>alert('got')</script>)",
    "![p](http://evil.example/p.png) ![p](//evil.example/q.png) ![p](file:///etc/passwd)",
    '![p](data:image/svg+xml;base64,PHN2Zz4=) ![p](data:image/png;base64,AAAA"onerror="alert(1))',
    "<link rel=stylesheet href=http://evil.example/a.css><style>@import 'http://evil.example/b.css'</style>",
    "<meta http-equiv=refresh content='0;url=http://evil.example/'><base href=http://evil.example/>",
    "</div></section></main><script>alert('got')</script>",
    "```\"><script>alert('got')</script>\ncode\n```",
    "$</code><script>alert('got')</script>$",
    "[a]: http://evil.example 'title\"><script>alert(1)</script>'\n[a] ![a]",
    "<form action=http://evil.example><button autofocus onfocus=alert('got')>x</button></form>",
    "--><!--<script>alert('got')</script>",
    "# 2(d) <input autofocus onfocus=alert('got')>",
]


def notebook(*cells: str, attachments: object = None) -> str:
    made = [{"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)} for text in cells]
    if attachments is not None:
        made[0]["attachments"] = attachments  # type: ignore[assignment]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made})


def submit(top: Path, name: str, text: str, answers: str = '[q2a]\noutput = "[1, 2]"\n') -> Path:
    folder = top / name
    folder.mkdir(parents=True)
    (folder / "hw6.ipynb").write_text(text)
    (folder / "answers.toml").write_text(answers)
    return folder
