"""The zip for students: template, answers, public tests, and the part of the engine that `check` needs.

Why separate: nothing in it may tell a solution. The list below says what goes in; before anything is written, every
text is compared with the reference and the hidden tests, and a few lines in a row that are of both stop it.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from autograder.commands import package
from autograder.core.errors import UsageError
from autograder.core.policy import FILE, FILES, POLICY, VARIABLE

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = "hw6"  # what it unpacks into, and pip takes a zip with one folder for a package

# Of autograder/: what `check` runs, at the command line and in a notebook. The rest grades, and is not for students.
ENGINE = (
    "__init__.py", "__main__.py", "py.typed", "policy.toml", "cli/__init__.py", "cli/options.py", "cli/progress.py",
    "cli/streams.py", "cli/students.py",
    "commands/__init__.py", "commands/notebook", "commands/appendix.py", "commands/preflight.py", "core",
    "engine", "grading", "handin", "judging", "report", "sandbox", "student_room",
)  # fmt: skip
# The pages of a class, and what only they need.
LEFT_OUT = re.compile(r"report/(class|overview|hand|platform|preview|submission\.html|similar)")
SUFFIXES = (".py", ".toml", ".j2", ".typ", ".typed", ".css", ".js")

# So many lines in a row with so many characters, blank lines and imports aside. What is shorter is alike by chance: a
# signature with its names, the call of a fixture. The core of scaled dot-product attention in the reference is longer.
# Public and hidden tests of the same property ask alike, so of hidden tests it takes more.
IN_A_ROW, CHARACTERS = {"reference": 4, "tests/hidden": 7}, 120


def build(out: Path, root: Path = package.ROOT, template: Path | None = None) -> tuple[int, int]:
    """Writes the zip: (files, bytes). `template`: the folder of another term's notebook and answers.

    Raises UsageError when something in it would tell what students must not see, or the notebook is another term's.
    """
    handed = dict(_template(template or root / "student_template"))
    files = {f"{FOLDER}/{name}": data for name, data in [*handed.items(), *_files(root)]}
    leaks = sorted(_leaks(files, _secrets(root)))
    if leaks:
        raise UsageError(f"{out} was not written, for students would see what is secret:\n  " + "\n  ".join(leaks[:10]))
    return len(files), package.write(out, files)


def _template(folder: Path) -> Iterator[tuple[str, bytes]]:
    """What students write into, if it is that of the policy in force: it has the files and classes that this names."""
    how = "give the folder of this term's own: package student --template FOLDER"
    for name in (FILES.notebook, FILES.answers):
        if not (folder / name).is_file():
            raise UsageError(f"there is no {name} in {folder}, and the policy in force asks for it: {how}")
    text = (folder / FILES.notebook).read_text(encoding="utf-8")
    classes = [question.class_name for question in POLICY.questions if question.class_name]
    if missing := [name for name in classes if not re.search(rf"\bclass {name}\b", text)]:
        raise UsageError(
            f"{folder / FILES.notebook} has no class {missing[0]}, which the policy in force asks for: {how}"
        )
    for name in (FILES.notebook, FILES.answers, "README.md"):
        if (folder / name).is_file():
            yield name, (folder / name).read_bytes()


def _files(root: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted((root / "tests" / "public").glob("*.py")):
        yield f"tests/public/{path.name}", path.read_bytes()
    for part in ENGINE:
        start = root / "autograder" / part
        for path in sorted(start.rglob("*")) if start.is_dir() else [start]:
            name = path.relative_to(root / "autograder").as_posix()
            if path.is_file() and path.suffix in SUFFIXES and not LEFT_OUT.match(name):
                own = Path(os.environ.get(VARIABLE) or path) if name == FILE.name else path  # the policy in force
                yield f"autograder/{name}", own.read_bytes()
    yield "LICENSE", (root / "LICENSE").read_bytes()
    yield "pyproject.toml", _project(root).encode()


def _project(root: Path) -> str:
    """What makes the folder a package that pip installs. No torch: whichever is there, Colab's or one's own, stays."""
    from autograder import __version__

    data = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needs = [need for need in data["dependencies"] if not need.startswith("torch")]
    lines = "".join(f"    {_quoted(need)},\n" for need in needs)
    return (
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n\n'
        f'[project]\nname = "{data["name"]}"\nversion = "{__version__}"\n'
        f"description = {json.dumps(f'The public tests of {POLICY.title}, for students', ensure_ascii=False)}\n"
        f'license = "{data["license"]}"\nrequires-python = "{data["requires-python"]}"\n'
        f"dependencies = [\n{lines}]\n\n"
        f"[project.optional-dependencies]\npdf = [{', '.join(map(_quoted, data['optional-dependencies']['pdf']))}]\n\n"
        '[project.scripts]\nautograder = "autograder.__main__:main"\n\n'
        '[tool.hatch.build.targets.wheel]\npackages = ["autograder"]\n\n'
        '[tool.hatch.build.targets.wheel.force-include]\n"tests/public" = "autograder/public_tests"\n'
    )


def _quoted(need: str) -> str:
    return f"'{need}'" if '"' in need else f'"{need}"'


def _secrets(root: Path) -> dict[tuple[str, ...], str]:
    """Every few lines in a row of the reference and the hidden tests, with the file that they are of."""
    found: dict[tuple[str, ...], str] = {}
    for folder, length in IN_A_ROW.items():
        for path in sorted((root / folder).rglob("*.py")):
            for run in _runs(path.read_text(encoding="utf-8"), length):
                found.setdefault(run, path.relative_to(root).as_posix())
    if not found:
        raise UsageError(f"{root} holds no reference and no hidden tests: the zip can only be made where they are")
    return found


def _runs(text: str, length: int) -> Iterator[tuple[str, ...]]:
    lines = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith(("from ", "import "))]
    runs = zip(*(lines[start:] for start in range(length)))
    yield from (run for run in runs if sum(map(len, run)) >= CHARACTERS)


def _leaks(files: dict[str, bytes], secret: dict[tuple[str, ...], str]) -> Iterator[str]:
    for name, data in files.items():
        text = data.decode("utf-8", "replace")
        if name.endswith(".ipynb"):
            text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
        for run in (run for length in IN_A_ROW.values() for run in _runs(text, length)):
            if run in secret:
                yield f"{name} holds lines of {secret[run]}: {run[0][:60]}"
