"""The project's frame holds together: make targets, version, dependencies, scripts. For documents: test_documents."""

from __future__ import annotations

import ast
import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import autograder
from tests.grader.source_tree import ROOT, imports, modules, top

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "examples/*.md", "student_template/*.md", "autograder/data/**/*.md")
    for path in ROOT.glob(pattern)
)
SCRIPTS = ("setup.sh", "run_autograder", ".ci/run", "scripts/find_python", "scripts/pythons")
# Folders that hold other people's code, or nothing of ours.
NOT_OURS = ("examples/class/", "build/", "tests/grader/submissions/")
# The name that a distribution is imported by, where it is not its own.
IMPORTED_AS = {"ipython": "IPython", "markdown-it-py": "markdown_it", "pyyaml": "yaml"}


def shell_lines(text: str) -> list[str]:
    blocks = re.findall(r"```(?:sh|bash)\n(.*?)```", text, flags=re.DOTALL)
    return [line.split("#")[0].strip() for block in blocks for line in block.splitlines() if line.split("#")[0].strip()]


def make_targets(text: str) -> set[str]:
    return set(re.findall(r"^([a-z]+):", text, flags=re.MULTILINE))


def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    names = listing.stdout.splitlines() if listing.returncode == 0 else []
    found = [ROOT / name for name in names] or [path for path in ROOT.rglob("*") if ".venv" not in path.parts]
    return [path for path in found if path.is_file() and not path.relative_to(ROOT).as_posix().startswith(NOT_OURS)]


# --- README, Makefile, CI ---------------------------------------------------------------------------------------------


def test_the_readme_prints_the_two_commands_and_every_make_command_in_the_documents_exists() -> None:
    assert {"make demo", "make test"} <= set(shell_lines(README))
    used = {
        match
        for document in DOCUMENTS
        for line in shell_lines(document.read_text(encoding="utf-8"))
        for match in re.findall(r"^make ([a-z]+)", line)
    }
    assert used
    assert used <= make_targets(MAKEFILE)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_alone_lists_every_target_that_a_person_would_type() -> None:
    # run by `make test`, this make is a nested one, and would say which folder it enters
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--no-print-directory"]
    listing = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    phony = set(re.findall(r"^\.PHONY: (.+)$", MAKEFILE, flags=re.MULTILINE)[0].split())
    assert {line.split()[1] for line in listing.splitlines()} == phony


def test_continuous_integration_ends_with_the_readmes_own_test_command() -> None:
    text = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert text.rstrip().splitlines()[-1] == "make test"


# --- version, dependencies, entry points ------------------------------------------------------------------------------


def test_the_version_is_written_in_one_place_and_the_changelog_knows_it() -> None:
    assert PROJECT["dynamic"] == ["version"]
    versions = re.findall(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert versions[0] == autograder.__version__


def requirement_names(requirements: list[str]) -> set[str]:
    names = {re.split(r"[^\w.-]", requirement)[0].lower() for requirement in requirements}
    return {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}


def test_every_foreign_package_that_we_import_is_declared() -> None:
    extras = [requirement for extra in PROJECT["optional-dependencies"].values() for requirement in extra]
    declared = requirement_names([*PROJECT["dependencies"], *extras])
    ours = {"autograder", "reference", "tests", "scripts", "__future__", "tomllib"} | sys.stdlib_module_names
    ours |= {path.stem for path in (ROOT / "tests/grader").glob("*.py")}  # pytest puts a test's folder on the path
    used = {
        top(found.target)
        for folder in ("autograder", "reference", "tests", "scripts")
        for module in modules(folder)
        for found in imports(module)
    }
    assert used - ours <= declared


def test_every_declared_dependency_is_used() -> None:
    used = {top(found.target) for folder in ("autograder", "tests") for m in modules(folder) for found in imports(m)}
    assert requirement_names(PROJECT["dependencies"]) - used == set()


def test_the_console_script_leads_to_a_function() -> None:
    module, function = PROJECT["scripts"]["autograder"].split(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_the_python_that_is_promised_is_the_python_that_the_linter_is_told() -> None:
    assert PROJECT["requires-python"] == ">=3.10"
    assert 'target-version = "py310"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for module in modules("autograder") + modules("reference"):
        ast.parse((ROOT / module.path).read_text(encoding="utf-8"), feature_version=(3, 10))


# --- files ------------------------------------------------------------------------------------------------------------


def test_no_file_of_ours_names_a_folder_of_the_machine_it_was_written_on() -> None:
    private = re.compile(rb"(?<![\w./$}-])/(?:root|work|home)/\w")
    files = tracked()
    assert len(files) > 20
    assert [str(path.relative_to(ROOT)) for path in files if private.search(path.read_bytes())] == []


# --- shell scripts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_may_be_executed_and_is_whole(name: str) -> None:
    script = ROOT / name
    assert script.stat().st_mode & 0o111 == 0o111  # what others may write follows the umask of whoever cloned
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_a_script_has_nothing_that_shellcheck_would_change(name: str) -> None:
    run = subprocess.run(["shellcheck", str(ROOT / name)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
