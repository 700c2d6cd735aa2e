"""`check()` in a real kernel: the classes as they stand there, fixed and broken again, without a saved notebook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.commands import notebook
from autograder.commands.notebook import held, serving
from autograder.commands.notebook.own_files import own_files
from autograder.core.errors import GraderFault, SubmissionError
from autograder.core.records import Report, Submission
from tests.grader.honest_styles import IMPORTS
from tests.grader.pace import patience

ROOT = Path(__file__).resolve().parents[2]
RIGHT = """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.q = nn.Linear(input_dim, inner_dim, bias=False)
        self.k = nn.Linear(input_dim, inner_dim, bias=False)
        self.v = nn.Linear(input_dim, inner_dim, bias=False)
        self.drop = nn.Dropout(dropout)
    def forward(self, x):
        scores = self.q(x) @ self.k(x).transpose(-1, -2) / self.q.out_features ** 0.5
        return self.drop(torch.softmax(scores, dim=-1)) @ self.v(x)
"""


def shell(cells: list[str], **names: object) -> Any:
    """What of IPython's shell is looked at: the texts of the cells that were run, and the names that they left."""
    history = SimpleNamespace(input_hist_raw=["", *cells], input_hist_parsed=["", *cells])
    return SimpleNamespace(history_manager=history, user_ns=names)


def texts(folder: Path) -> list[str]:
    return [cell["source"] for cell in json.loads((folder / "hw6.ipynb").read_text())["cells"]]


class SingleHeadAttention:
    def forward(self) -> None: ...


def test_what_the_kernel_does_not_hold_is_left_out(tmp_path: Path) -> None:
    cells = ["class ViTLayer: pass", "x = 1"]
    held.collect(shell(cells, SingleHeadAttention=SingleHeadAttention), tmp_path, tmp_path / "nowhere", {})
    assert texts(tmp_path) == ["", "x = 1"], "the class was deleted, or its cell failed before it was made"


def test_a_class_whose_name_an_object_of_it_has_is_left_in(tmp_path: Path) -> None:
    cells = ["class SingleHeadAttention: pass", "SingleHeadAttention = SingleHeadAttention()"]
    held.collect(shell(cells, SingleHeadAttention=SingleHeadAttention()), tmp_path, tmp_path / "nowhere", {})
    assert texts(tmp_path) == cells


def test_a_class_whose_cell_cannot_be_told_leaves_every_cell_in(tmp_path: Path) -> None:
    cells = ["class SingleHeadAttention: a = 1", "class SingleHeadAttention: a = 2"]
    held.collect(shell(cells, SingleHeadAttention=SingleHeadAttention), tmp_path, tmp_path / "nowhere", {})
    assert texts(tmp_path) == cells


def test_answers_and_own_modules_come_along_and_nothing_else(tmp_path: Path) -> None:
    working, folder = tmp_path / "working", tmp_path / "folder"
    working.mkdir()
    folder.mkdir()
    for name in ("answers.toml", "mine.py", "other.py", "secret.txt", "hw6.ipynb"):
        (working / name).write_text(name)
    held.collect(shell(["from mine import x\nimport os"]), folder, working, {})
    assert sorted(path.name for path in folder.iterdir()) == ["answers.toml", "hw6.ipynb", "mine.py"]
    assert texts(folder) == ["from mine import x\nimport os"]


OWN_FILES = {
    "a module of a folder that sys.path leads to": (
        "from attn import A",
        {"src/attn.py"},
        {"attn": "src/attn.py"},
        {"attn.py"},
    ),
    "a package, of which a part is imported": (
        "import parts.attn",
        {"parts/__init__.py", "parts/attn.py"},
        {"parts": "parts/__init__.py", "parts.attn": "parts/attn.py"},
        {"parts/__init__.py", "parts/attn.py"},
    ),
    "what a module imports in its turn": ("import a", {"a.py", "b.py"}, {"a": "a.py", "b": "b.py"}, {"a.py", "b.py"}),
    "a package whose import failed": ("from parts import attn", {"parts/attn.py"}, {}, {"parts/attn.py"}),
    "a module that lies elsewhere than one of its name": (
        "import a",
        {"a.py", "src/a.py"},
        {"a": "src/a.py"},
        {"a.py"},
    ),
    "a script that is run": ("%run heads.py", {"heads.py"}, {}, {"heads.py"}),
    "one without its ending": ("  %run -i -n ./heads", {"heads.py"}, {}, {"heads.py"}),
    "one with a space, in a folder": (
        "%run 'my part/heads 1.py' --x",
        {"my part/heads 1.py"},
        {},
        {"my part/heads 1.py"},
    ),
    "one with a space behind a backslash": ("%run heads\\ 1.py", {"heads 1.py"}, {}, {"heads 1.py"}),
    "a notebook of the name that the kernel's cells get": ("%run hw6.ipynb", {"hw6.ipynb"}, {}, {"run/hw6.ipynb"}),
    "a script that is not there": ("%run gone.py", set(), {}, set()),
    "an installed module": ("import x", {"lib/site-packages/x.py"}, {"x": "lib/site-packages/x.py"}, set()),
    "a script of a user whom nobody knows": ("%run ~nobody-has-this-name/heads.py", set(), {}, set()),
    "a script whose name no file can have": (f"%run {'x' * 300}.py", set(), {}, set()),
    "a script that is only spoken of": ("# %run heads.py", {"heads.py"}, {}, set()),
}


@pytest.mark.parametrize("what", OWN_FILES)
def test_what_the_kernels_code_comes_from_is_where_the_notebook_looks_for_it(what: str, tmp_path: Path) -> None:
    cell, files, modules, copied = OWN_FILES[what]
    working, folder = tmp_path / "working", tmp_path / "folder"
    folder.mkdir()
    for name in files:
        (working / name).parent.mkdir(parents=True, exist_ok=True)
        (working / name).write_text(f"# {name}")
    imported = {name: SimpleNamespace(__file__=str(working / file), __name__=name) for name, file in modules.items()}
    held.collect(shell([cell], ViTLayer=SingleHeadAttention), folder, working, imported)  # type: ignore[arg-type]
    there = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert set(there) - {"hw6.ipynb"} == copied
    for name, file in modules.items():
        place = name.replace(".", "/") + ("/__init__" if file.endswith("__init__.py") else "") + ".py"
        assert place not in copied or there[place] == f"# {file}"


def test_a_library_on_the_path_crowds_out_no_module_of_the_students(tmp_path: Path) -> None:
    names = [*(f"library.part{number}" for number in range(1000)), "heads", "mine.layers"]
    imported = {name: SimpleNamespace(__file__=f"/elsewhere/{name}.py", __name__=name) for name in names}
    found = [place for _, place in own_files([], imported, tmp_path, tmp_path / "ours")]  # type: ignore[arg-type]
    assert found[:2] == ["heads.py", "mine/layers.py"] and len(found) == 200


def test_the_notebook_itself_and_odd_modules_are_no_files_of_the_kernel(tmp_path: Path) -> None:
    class Odd:
        def __getattr__(self, name: str) -> str:
            raise RuntimeError(name)

    (tmp_path / "launcher.py").touch()
    main = SimpleNamespace(__file__=str(tmp_path / "launcher.py"), __name__="__main__")
    found = own_files([], {"__main__": main, "odd": Odd(), "none": None}, tmp_path, tmp_path / "ours")  # type: ignore[dict-item]
    assert list(found) == []


def test_a_kernel_without_a_class_is_told_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match="Run the cell with your class first"):
        held.collect(shell(["x = 1"]), tmp_path, tmp_path, {})


def test_a_class_that_has_to_be_run_again_is_not_said_to_be_missing_in_the_notebook(tmp_path: Path) -> None:
    (tmp_path / "answers.toml").touch()
    folder = tmp_path / "folder"
    folder.mkdir()
    absent = held.collect(shell(["x = 1"], SingleHeadAttention=SingleHeadAttention), folder, tmp_path, {})
    assert {name: held for name, (held, _) in absent.items()} == {"SingleHeadAttention": True, "ViTLayer": False}
    reasons = {"4a": "found none", "4b": "it breaks off"}
    report = Report(Submission("s", "hw6.ipynb", "0" * 64, unusable=reasons), ())
    told = serving._of_the_kernel(report, absent).submission.unusable
    assert told["4a"].startswith("This kernel holds SingleHeadAttention, but its code stands in no cell")
    assert "found none" not in told["4a"], "what the reader of the cells misses is not what is wrong"
    assert told["4b"].startswith("This kernel holds no class ViTLayer. Run the cell") and told["4b"].endswith(
        "it breaks off"
    )
    assert serving._of_the_kernel(report, {}) == report, "a saved notebook is asked for"


BROKEN = {
    "a file that may not be read": (
        "shutil.copyfile",
        PermissionError(13, "Permission denied", "answers.toml"),
        "answers.toml",
    ),
    "no room for what is asked": ("tempfile.mkdtemp", OSError(28, "No space left on device"), "No space left"),
    "a Python that was moved away": ("subprocess.Popen", FileNotFoundError(2, "No such file", "/gone/python"), "/gone"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_this_computer_refuses_is_one_sentence_in_the_cell(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where, error, told = BROKEN[what]

    def refuses(*given: object, **named: object) -> None:
        raise error

    (tmp_path / "answers.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(notebook, "_shell", lambda: shell(["x = 1"]))
    monkeypatch.setattr(notebook, "_Cell", notebook._Plain)
    monkeypatch.setattr(where, refuses)
    notebook.check("2a")
    said = " ".join(capsys.readouterr().out.split())
    assert told in said and "says nothing about your work" in said


def test_complaints_of_any_length_do_not_stop_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    babbling = 'import json, sys; sys.stderr.write("x" * 300_000); print(json.dumps({"text": "done"}))'
    monkeypatch.setattr(notebook, "_START", babbling)
    assert [told["text"] for told in notebook._asked(tmp_path, "4a", True, {})] == ["done"]
    monkeypatch.setattr(notebook, "_START", 'import sys; sys.stderr.write("x" * 300_000 + "why")')
    with pytest.raises(GraderFault, match="why"):
        list(notebook._asked(tmp_path, "4a", True, {}))


@pytest.mark.parametrize(("asked", "text"), [("4a", "4a"), (4, "4"), (4.0, "4"), ("", ""), (None, ""), (2.5, "2.5")])
def test_a_number_is_as_good_as_its_text(asked: Any, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def asks(path: Path, question: str, typed: bool, absent: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
        sent.append(question)
        return ()

    monkeypatch.setattr(notebook, "_asked", asks)
    notebook.check(asked, path="hw6.ipynb")
    assert sent == [text]


@pytest.mark.parametrize(
    "asked", [True, ["4a"], ("4a", "4b"), {"4a"}, SingleHeadAttention, SingleHeadAttention(), b"4a"]
)
def test_what_is_no_number_is_told_in_one_sentence(asked: Any, capsys: pytest.CaptureFixture[str]) -> None:
    notebook.check(asked)
    said = " ".join(capsys.readouterr().out.split())
    assert 'in quotes, e.g. check("4a")' in said and type(asked).__name__ in said.replace("class", "type")


def test_a_path_that_is_none_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    notebook.check("4a", path=3)  # type: ignore[arg-type]
    assert "path is a file or folder in quotes" in " ".join(capsys.readouterr().out.split())


@pytest.mark.slow
def test_a_wrong_class_is_told_mended_and_judged_as_the_kernel_holds_it(tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient and ipykernel run the kernel: pip install -e .[dev]")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    wrong = RIGHT.replace(" / self.q.out_features ** 0.5", "")
    cells = [
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{IMPORTS}",
        wrong,
        'from autograder import check\ncheck("4a")',
        RIGHT,
        'check("4a")',
        "class SingleHeadAttention(nn.Module):\n    never = 1 / 0",  # raises: the kernel still holds the right one
        'check("4a")',
        'check("9z")',
        "check(SingleHeadAttention)",
        "del SingleHeadAttention",
        'check("4a")',
        "import os, tempfile; gone = tempfile.mkdtemp(); os.chdir(gone); os.rmdir(gone)\ncheck('4a')",
    ]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(
        made, timeout=patience(120), allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}
    )
    # the kernel of this very interpreter, whatever kernels are registered on the machine
    client.km = _manager()
    client.execute()
    said = [cell["outputs"][-1].get("data", {}) for cell in made["cells"] if cell["outputs"]]
    lines = [line for one in said for line in one.get("text/plain", "").splitlines()]
    assert not [line for line in lines if len(line) > 80 and " " in line], "a path alone may be longer"
    first, second, _, third, *refused = said
    unknown, no_text, gone, nowhere = (" ".join(one["text/plain"].split()) for one in refused)
    assert "✗ 4a.p3" in first["text/plain"] and "✗" in first["text/html"] and "smallest" in first["text/html"]
    assert "√d_k" in first["text/plain"] and first["text/plain"].rstrip().splitlines()[-1] == 'Again: check("4a")'
    for well in (second, third):
        assert "5 of 5 tests pass" in well["text/plain"] and "✗" not in well["text/plain"], well["text/plain"]
    assert "4b" not in second["text/plain"], "only 4a was asked for"
    assert "holds none of the classes" in gone
    assert "is not there any more" in nowhere and "%cd ~" in nowhere
    assert "≠ 0.982" in first["text/html"] and "<caption>expected</caption>" in first["text/html"]
    assert "the class SingleHeadAttention is none" in no_text
    assert 'no question "9z"' in unknown
    assert "<script" not in first["text/html"] and max(map(len, first["text/plain"].splitlines())) <= 80


def _manager() -> Any:
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    manager = AsyncKernelManager(kernel_name="python3")
    manager._kernel_spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], display_name="this one"
    )
    return manager


@pytest.mark.slow
def test_outside_of_a_notebook_it_prints_what_the_command_prints(tmp_path: Path) -> None:
    (tmp_path / "hw6.py").write_text(IMPORTS + RIGHT, encoding="utf-8")
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom autograder import check\ncheck('4a')"
    environment = {**os.environ, "COLUMNS": "80"}
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=patience(120),
        env=environment,
    )
    assert "5 of 5 tests pass" in run.stdout and run.stderr == ""
