#!/usr/bin/env python3
"""Writes docs/commands.md: every command with its arguments and options, from the code that reads them.

python scripts/commands.py            # says whether the document is what the code has now; exit status 1 when not
python scripts/commands.py --write    # writes it
"""

# ruff: noqa: E501  (rows of a table are left whole)
from __future__ import annotations

import argparse
import html
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import typer.main  # noqa: E402

from autograder.cli import app  # noqa: E402

DOCUMENT = ROOT / "docs" / "commands.md"

HEAD = """# Commands

Made from the code by `python scripts/commands.py --write`; each command's `--help` prints the same.
Where the package is installed, `autograder` is short for `python -m autograder`, and its `--install-completion` lets
the shell complete commands and options. Colours are for terminals alone, and not where `NO_COLOR` is set or `TERM` is `dumb`.

## Exit statuses

| status | means | of |
|---|---|---|
| 0 | done: graded, whatever the score; nothing to fix; nothing is missing; it agrees | all |
| 1 | something to fix (`check`), something is missing (`preflight`), it does not agree (`verify`), the classes cannot be trained (`train`), hidden tests may not be run on this machine (`doctor`) | those named |
| 2 | the command was not understood, or cannot be carried out as it stands: a sentence says what to do | all |
| 3 | the grader itself failed, or not everything was graded (`batch` after Ctrl-C, too): staff are told, no student loses a point | all |
| 128 + n | ended by signal n, such as 130 by Ctrl-C, 143 by SIGTERM and 141 where nobody reads on (`\\| head`): what was begun was put away | all |
"""


def document() -> str:
    """The whole document."""
    top: Any = typer.main.get_command(app)
    return "\n".join([HEAD, *(part for name, command in top.commands.items() for part in described(name, command))])


def described(name: str, command: Any) -> Iterator[str]:
    """A command's chapter, and those of the commands below it."""
    if below := getattr(command, "commands", None):
        for inner, each in below.items():
            yield from described(f"{name} {inner}", each)
        return
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and one.name != "help"]
    words = " ".join(shown(one) for one in arguments)
    must = " ".join(f"{one.opts[0]} …" for one in options if one.required)
    usage = " ".join(filter(None, ["autograder", name, words, must, "[options]" if options else ""]))
    yield f"## {name}\n\n{said(command.help)}\n\n<pre>{html.escape(usage)}</pre>\n"
    rows = [(shown(one), one) for one in arguments] + [(" ".join(one.opts), one) for one in options]
    if rows:
        yield (
            "| | |\n|---|---|\n"
            + "\n".join(f"| `{what}` | {said(one.help)}{default(one)} |" for what, one in rows)
            + "\n"
        )


def shown(argument: Any) -> str:
    """An argument as it stands in a usage line."""
    name = (argument.metavar or argument.name).strip("[]{}").upper()
    return name if argument.required else f"[{name}]"


def said(text: str | None) -> str:
    """A help text on one line."""
    return " ".join(inspect.cleandoc(text or "").split()).replace("|", r"\|")


def default(parameter: Any) -> str:
    """What holds where the parameter is not given, in words; empty where that is nothing or goes without saying."""
    if isinstance(parameter.show_default, str):
        value = parameter.show_default
    elif parameter.default in (None, False, "", ()) or parameter.required or callable(parameter.default):
        return ""
    else:
        value = str(getattr(parameter.default, "value", parameter.default))
    return f" (default: {value})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help="write the document")
    new = document()
    if parser.parse_args().write:
        DOCUMENT.write_text(new, encoding="utf-8")
    elif not DOCUMENT.exists() or DOCUMENT.read_text(encoding="utf-8") != new:
        sys.exit(f"{DOCUMENT} is not what the code has: python scripts/commands.py --write")


if __name__ == "__main__":
    main()
