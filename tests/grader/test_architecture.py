"""The walls and the directions of the tree, checked on the text of the imports.

The tables at the top are the specification; a new module is placed in `LAYERS` first, then written.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.grader.pace import patience
from tests.grader.source_tree import (
    ROOT,
    circle,
    dangers,
    edges,
    imports,
    is_within,
    module_state,
    modules,
    public,
    top,
)

# A folder is a process, or what several of them share. A unit (a folder, or a module directly under autograder/) imports
# only units of the layers above its own in this table, so there are no cycles, and a stage can be read alone.
LAYERS: tuple[tuple[str, frozenset[str]], ...] = (
    ("the student's room, which knows nothing of us", frozenset({"student_room"})),
    ("words that every room shares", frozenset({"core"})),
    ("the wall, the reading process, what people read", frozenset({"sandbox", "handin", "report"})),
    ("what a test author uses", frozenset({"judging"})),
    ("the trusted process with torch", frozenset({"engine"})),
    ("the supervisor", frozenset({"grading"})),
    ("what people ask for", frozenset({"commands"})),
    ("the command line, which joins them", frozenset({"cli"})),
    ("python -m autograder", frozenset({"__main__"})),
)

# The student's room runs beside foreign code and is read most suspiciously.
STUDENT_ROOM_MAY_IMPORT = frozenset({"numpy", "torch", "einops"}) | sys.stdlib_module_names
# The reference is algebra: it knows how a thing is computed, and not how it is asked for, judged or shown.
REFERENCE_MAY_IMPORT = frozenset({"numpy", "torch", "msgspec", "reference"}) | sys.stdlib_module_names
REFERENCE_MAY_IMPORT_OF_OURS = {
    "autograder.student_room.provided": "the provided classes, which are no secret",
    "autograder.judging.written.verdict": "the record that names a slip",
    "autograder.judging.code.layer_parts": "the record of a layer's parts, which its formulas are given",
}

# Who may name the reference or the tests: only inside a function, so after the zygote was forked.
MAY_REACH_SECRETS = {
    "autograder/engine/fixtures.py": "they hand the reference to hidden tests",
}

# The supervisor reads, watches and writes; with torch it would not fit beside the engine in 0.75 GB.
WITHOUT_TORCH = ("core", "handin", "grading", "report", "commands", "cli")
# The folders whose processes never hold a reference: only the engine does.
WITHOUT_REFERENCE = ("student_room", "sandbox", *WITHOUT_TORCH, "judging")

# What can turn data into running code, with the only places where it may stand.
MAY_USE: dict[tuple[str, str], str] = {
    ("autograder/student_room/program.py", "exec"): "runs the student's program: the room's purpose",
    ("autograder/student_room/program.py", "compile"): "gives the program's lines a name that messages can map back",
    ("autograder/handin/slicing/write.py", "compile"): "asks Python whether the text is a program; nothing is run",
    ("autograder/student_room/provided.py", "exec"): "installs our own copies of the provided classes",
    ("autograder/student_room/provided.py", "compile"): "compiles that text once for all programs",
}

# Whose public names need no docstring: no code of ours calls them.
WITHOUT_DOCSTRINGS = {
    "autograder/student_room/provided_classes.py": "the notebook's text, as students have it: shapes stand at its classes",
}

LINES = 300
LONGER: dict[str, str] = {}  # path -> why this file is better in one piece


def unit(name: str) -> str:
    """The unit of autograder that a dotted name belongs to; empty for the package itself and for foreign names."""
    parts = name.split(".")
    return parts[1] if parts[0] == "autograder" and len(parts) > 1 else ""


def rank(of: str) -> int:
    for number, (_, units) in enumerate(LAYERS):
        if of in units:
            return number
    raise AssertionError(
        f"autograder.{of} stands in no layer: place it in LAYERS in {Path(__file__).name}, as low as it goes"
    )


# --- walls ------------------------------------------------------------------------------------------------------------


def test_the_students_room_imports_only_the_standard_library_numpy_torch_einops_and_itself() -> None:
    strangers = [
        f"{module.path}:{found.line} {found.target}"
        for module in modules("autograder/student_room")
        for found in imports(module)
        if top(found.target) not in STUDENT_ROOM_MAY_IMPORT and not is_within(found.target, "autograder.student_room")
    ]
    assert not strangers


def test_the_package_itself_imports_nothing_so_that_its_student_room_brings_nothing_along() -> None:
    [package] = [module for module in modules("autograder") if module.name == "autograder"]
    assert [found.target for found in imports(package) if not found.lazy and top(found.target) != "typing"] == []


def test_nothing_of_ours_reaches_the_reference_or_the_tests_but_the_plugin_and_it_only_when_called() -> None:
    reaching = [
        f"{module.path}:{found.line} {found.target}"
        for module in modules("autograder")
        for found in imports(module)
        if top(found.target) in {"reference", "tests"} and not (found.lazy and module.path in MAY_REACH_SECRETS)
    ]
    assert not reaching


def test_the_reference_imports_algebra_and_the_provided_classes_only() -> None:
    strangers = [
        f"{module.path}:{found.line} {found.target}"
        for module in modules("reference")
        for found in imports(module)
        if top(found.target) not in REFERENCE_MAY_IMPORT
        and not any(is_within(found.target, of_ours) for of_ours in REFERENCE_MAY_IMPORT_OF_OURS)
    ]
    assert not strangers


def test_public_tests_which_students_get_import_neither_reference_nor_hidden_tests() -> None:
    reaching = [
        f"{module.path}:{found.line} {found.target}"
        for module in modules("tests/public")
        for found in imports(module)
        if top(found.target) == "reference" or is_within(found.target, "tests.hidden")
    ]
    assert not reaching


def test_a_test_author_needs_one_door() -> None:
    doors = {
        found.target.rpartition(".")[0]
        for folder in ("tests/hidden", "tests/public")
        for module in modules(folder)
        for found in imports(module)
        if top(found.target) == "autograder"
    }
    assert doors == {"autograder.judging"}


# --- directions -------------------------------------------------------------------------------------------------------


def test_no_unit_stands_in_two_layers() -> None:
    names = [name for _, units in LAYERS for name in units]
    assert len(names) == len(set(names))


def test_every_unit_imports_only_units_of_lower_layers() -> None:
    upward = []
    for module in modules("autograder"):
        here = unit(module.name)
        for found in imports(module):
            there = unit(found.target)
            if not here or not there or there in {here, "__version__"}:
                continue
            if rank(there) >= rank(here):
                upward.append(f"{module.path}:{found.line} {here} ({LAYERS[rank(here)][0]}) imports {there}")
    assert not upward


def test_every_unit_is_placed_in_a_layer() -> None:
    for module in modules("autograder"):
        if unit(module.name):
            rank(unit(module.name))


def test_modules_of_one_folder_do_not_import_each_other_in_a_circle() -> None:
    ours = {module.name: module for module in modules("autograder") + modules("reference")}
    assert circle(edges(ours)) == []


def test_the_document_of_the_architecture_says_what_each_folder_imports_and_whether_it_has_torch() -> None:
    arrows: dict[str, set[str]] = {}
    for module in modules("autograder"):
        here = unit(module.name)
        if (ROOT / "autograder" / here).is_dir():
            arrows.setdefault(here, set()).update(unit(found.target) for found in imports(module))
    real = {here: (there - {here, "", "__version__"}, here not in WITHOUT_TORCH) for here, there in arrows.items()}
    rows = re.findall(
        r"^\| `(\w+)/` \| [^|]+ \| (yes|no) \| ([\w, –]+) \|$", (ROOT / "docs/architecture.md").read_text("utf-8"), re.M
    )
    written = {name: (set(re.findall(r"\w+", imported)), torch == "yes") for name, torch, imported in rows}
    assert written == {name: value for name, value in real.items() if name}


# --- weight -----------------------------------------------------------------------------------------------------------


def test_torchvision_is_imported_by_no_module_as_such() -> None:
    early = [
        f"{module.path}:{found.line}"
        for folder in ("autograder", "reference")
        for module in modules(folder)
        for found in imports(module)
        if top(found.target) == "torchvision" and not found.lazy
    ]
    assert not early


def test_the_folders_without_torch_do_not_bring_it_in_when_their_modules_are_really_imported() -> None:
    names = [module.name for module in modules("autograder") if unit(module.name) in WITHOUT_TORCH]
    assert {unit(name) for name in names} == set(WITHOUT_TORCH)
    code = "import importlib, sys\n" + "".join(
        f"importlib.import_module({name!r})\n"
        f"assert not {{'torch', 'numpy'}} & set(sys.modules), 'importing {name} imports torch or numpy'\n"
        for name in names
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=patience(120), check=False
    )
    assert run.returncode == 0, run.stderr


def test_no_folder_but_the_engine_names_the_reference() -> None:
    naming = [
        module.path
        for module in modules("autograder")
        for found in imports(module)
        if unit(module.name) in WITHOUT_REFERENCE and top(found.target) == "reference"
    ]
    assert not naming


# --- state, size, words, danger ---------------------------------------------------------------------------------------


def test_no_module_keeps_state_between_two_submissions() -> None:
    kept = {m.path: module_state(m) for folder in ("autograder", "reference") for m in modules(folder)}
    assert {path: names for path, names in kept.items() if names} == {}


def test_no_file_is_longer_than_a_reader_wants_without_a_listed_reason() -> None:
    long = [
        f"{module.path}: {module.lines} lines"
        for folder in ("autograder", "reference", "tests/hidden", "tests/public", "scripts")
        for module in modules(folder)
        if module.lines > LINES and module.path not in LONGER
    ]
    assert not long


def test_every_module_says_what_it_is_for() -> None:
    mute = [
        module.path
        for folder in ("autograder", "reference", "tests", "scripts")
        for module in modules(folder)
        if len(ast.get_docstring(module.tree) or "") < 20
    ]
    assert not mute


def test_everything_public_says_what_it_does() -> None:
    found = [
        (f"{module.path}:{node.lineno} {name}", ast.get_docstring(node) or "")
        for folder in ("autograder", "reference")
        for module in modules(folder)
        if module.path not in WITHOUT_DOCSTRINGS
        for name, node in public(module)
    ]
    assert len(found) > 500, "fewer public names than there were: is the tree still read?"
    assert [name for name, text in found if not text] == []


def test_nothing_turns_data_into_running_code_but_where_the_reason_is_listed() -> None:
    used = {
        (m.path, danger) for folder in ("autograder", "reference") for m in modules(folder) for danger in dangers(m)
    }
    assert used - MAY_USE.keys() == set()
    assert MAY_USE.keys() - used == set(), "these exceptions are no longer needed: take them out of MAY_USE"


def test_the_exceptions_each_give_a_reason() -> None:
    reasons = [
        *MAY_USE.values(),
        *LONGER.values(),
        *MAY_REACH_SECRETS.values(),
        *REFERENCE_MAY_IMPORT_OF_OURS.values(),
        *WITHOUT_DOCSTRINGS.values(),
    ]
    assert all(re.search(r"\w+ \w+", reason) for reason in reasons)
    assert all((ROOT / path).exists() for path in (*LONGER, *WITHOUT_DOCSTRINGS))
