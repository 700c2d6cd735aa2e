"""The student's own packages and notebooks that a notebook imports: their code stands in the program, line for line."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.handin.slicing.beside import parents, resolved
from tests.grader.submission_samples import BOTH, LAYER, SHA, notebook
from tests.grader.test_handed_in_ways import handed

TRAIN = "import torch\n"
NAMES = "from vit.attention import SingleHeadAttention\nfrom vit.layers import ViTLayer"
USES = LAYER.replace(
    "from torch import nn\n", "from torch import nn\nfrom .attention import SingleHeadAttention\n"
).replace("return x", "return SingleHeadAttention()(x)")
ALL = "from .attention import SingleHeadAttention\nfrom .layers import ViTLayer\n\n__all__ = ['ViTLayer']\n"
PACKAGE = {"vit/__init__.py": ALL, "vit/attention.py": SHA, "vit/layers.py": USES}
BARE = {name: text for name, text in PACKAGE.items() if "__init__" not in name}

# what the notebook says, and the files beside it
FOUND = {
    "names from modules of a package": (NAMES, PACKAGE),
    "names from the package": ("from vit import SingleHeadAttention, ViTLayer", PACKAGE),
    "all of the package": ("from vit import *", PACKAGE),
    "all that it has all of": ("from vit import *", {**BARE, "vit/__init__.py": "from .attention import *\nfrom .layers import *\n"}),
    "a package without __init__": (NAMES, BARE),
    "over several lines": ("from vit import (\n    SingleHeadAttention,  # 4(a)\n    ViTLayer,\n)", PACKAGE),
    "beside other imports": ("import torch, vit.layers\nfrom vit import SingleHeadAttention, ViTLayer", PACKAGE),
    "in a src folder": ("import sys; sys.path.append('src')\n" + NAMES, {f"src/{name}": text for name, text in PACKAGE.items()}),
    "in a folder above": (NAMES, {"../" + name: text for name, text in PACKAGE.items()}),
    "tried in two ways": (
        "from vit.layers import ViTLayer\nfrom vit.layers import SingleHeadAttention",
        {**BARE, "vit/layers.py": USES.replace(
            "from .attention import SingleHeadAttention",
            "try:\n    from .attention import SingleHeadAttention\nexcept ImportError:\n    from attention import SingleHeadAttention",
        )},
    ),
    "from two packages down": (
        "from hw6.models.layers import ViTLayer\nfrom hw6.heads import SingleHeadAttention",
        {"hw6/heads.py": SHA, "hw6/models/layers.py": USES.replace("from .attention", "from ..heads"), "hw6/__init__.py": ""},
    ),
    "a script that is run in a folder": ("%run vit/attention.py\n%run -i 'vit/layers.py'", {**BARE, "vit/layers.py": LAYER}),
    "a notebook that is run": ("%run ./part-1.ipynb", {"part-1.ipynb": notebook(BOTH)}),
    "a notebook that is run, with spaces": ('%run "my part 1.ipynb"', {"my part 1.ipynb": notebook(BOTH)}),
    "a notebook that is imported": ("import import_ipynb\nfrom part1 import *", {"part1.ipynb": notebook(SHA, LAYER)}),
}  # fmt: skip


@pytest.mark.parametrize("case", FOUND)
def test_classes_in_modules_of_ones_own_are_found_where_they_stand(tmp_path: Path, case: str) -> None:
    code, files = FOUND[case]
    folder = "work/" if any(name.startswith("..") for name in files) else ""
    given = {name.removeprefix("../"): text for name, text in files.items()}
    found = handed(tmp_path, {f"{folder}hw6.ipynb": notebook(TRAIN + code, "x = 1"), **given})
    assert found.file == f"{folder}hw6.ipynb" and set(found.programs) == {"4a", "4b"} and not found.absent
    for program in found.programs.values():
        compile(program.text, "x", "exec")
        kept = [line for line in program.text.splitlines() if "import" in line]
        assert not [line for line in kept if "vit" in line or "heads" in line or "part" in line], kept
        at = next(
            i for i, line in enumerate(program.text.splitlines()) if line.startswith(f"class {program.class_name}")
        )
        place = program.places[at]
        source = given[place.file]
        assert place.cell or source.splitlines()[place.line - 1].startswith(f"class {program.class_name}")


SPACES = {
    "a module of a package": ("from vit import attention, layers\nSHA = attention.SingleHeadAttention", "SHA"),
    "under another name": ("import vit.layers as parts\nfrom vit import attention\nL = parts.ViTLayer", "L"),
    "by its whole name": ("import vit.attention\nimport vit.layers\nL = vit.attention.SingleHeadAttention", "L"),
    "a name under another": ("from vit.attention import SingleHeadAttention as SHA, helper as h\nL = SHA", "L"),
}


@pytest.mark.parametrize("case", SPACES)
def test_modules_of_a_package_are_things_with_attributes(tmp_path: Path, case: str) -> None:
    code, _ = SPACES[case]
    body = "class ViTLayer(nn.Module):\n    def forward(self, x):\n        return L(x) if L else SHA(x)\n"
    files = {
        "vit/attention.py": SHA + "\n\ndef helper(x):\n    return x\n",
        "vit/layers.py": "class Part:\n    pass\n\n\nViTLayer = Part\n",
    }
    found = handed(tmp_path, {"hw6.ipynb": notebook("from torch import nn\n" + code, body), **files})
    text = found.programs["4b"].text
    assert "import vit" not in text and "from vit" not in text
    names: dict[str, object] = {"SingleHeadAttention": object, "L": 1}  # the first is given from outside
    exec(compile(text.replace("from torch import nn", "class nn:\n    Module = object"), "x", "exec"), names)


def test_what_is_not_used_of_a_module_is_not_in_the_program(tmp_path: Path) -> None:
    files = {"parts.py": SHA + "\n\n" + LAYER + "\n\ndef twice(x):\n    return 2 * x\n"}
    book = notebook("import parts\nSingleHeadAttention = parts.SingleHeadAttention\nViTLayer = parts.ViTLayer")
    found = handed(tmp_path / "1", {"hw6.ipynb": book, **files})
    assert "class ViTLayer" not in found.programs["4a"].text and "def twice" not in found.programs["4b"].text
    used = SHA.replace("from torch import nn", "from torch import nn\nimport parts").replace(
        "return x", "return parts.twice(x)"
    )
    text = handed(tmp_path / "2", {"hw6.py": used, **files}).programs["4a"].text
    assert "def twice" in text and "class ViTLayer" not in text
    passed = used.replace("parts.twice(x)", "getattr(parts, 'twice')(x)")
    text = handed(tmp_path / "3", {"hw6.py": passed, **files}).programs["4a"].text
    assert "def twice" in text and "class ViTLayer" in text


def test_two_modules_with_one_name_for_two_things_are_told_to_staff(tmp_path: Path) -> None:
    helper = "def scale(x):\n    return x\n\n\n"
    for folder, other in {"1": helper.replace("return x", "return 2 * x"), "2": helper}.items():
        files = {"a.py": helper + SHA, "b.py": other + LAYER}
        found = handed(tmp_path / folder, {"hw6.ipynb": notebook("from a import *\nfrom b import *"), **files})
        flags = [one.message for one in found.findings if one.severity.value == "flag"]
        assert (
            ["a.py and b.py both define scale, and not alike: in one program one counts"] if folder == "1" else []
        ) == flags


def test_an_import_inside_a_function_is_followed(tmp_path: Path) -> None:
    body = SHA.replace("        return x", "        from vit.maths import half as h, twice\n        return twice(h(x))")
    files = {"vit/maths.py": "def twice(x):\n    return 2 * x\n\n\ndef half(x):\n    return x / 2\n"}
    text = handed(tmp_path, {"hw6.py": body, **files}).programs["4a"].text
    assert "h = half" in text and "def twice" in text and "import half" not in text


def test_a_library_is_never_taken_for_a_file_that_lies_elsewhere(tmp_path: Path) -> None:
    files = {"old/torch.py": "class nn: pass\n", "old/einops/__init__.py": "x = 1\n", "notes/math.py": "sqrt = None\n"}
    text = handed(tmp_path, {"hw6.py": "import math\nimport einops\n" + SHA, **files}).programs["4a"].text
    assert "from torch import nn" in text and "class nn" not in text


def test_modules_that_import_each_other_end(tmp_path: Path) -> None:
    files = {"a.py": "from b import y\n" + SHA, "b.py": "from a import *\ny = 1\n"}
    assert "4a" in handed(tmp_path, {"hw6.ipynb": notebook("from a import SingleHeadAttention"), **files}).programs


LONG = {
    "dots": "from " + "." * 300_000,
    "brackets": "from a import (\n" * 40_000,
    "names": "import " + "a." * 5_000 + "b",
}


@pytest.mark.parametrize("what", LONG)
def test_imports_without_end_are_read_at_once(tmp_path: Path, what: str) -> None:
    assert "4a" in handed(tmp_path, {"hw6.ipynb": notebook(SHA, LONG[what]), "a.py": "x = 1\n"}).programs


def test_names_of_modules() -> None:
    assert resolved("c", 0, "a.b") == "c" and resolved("c", 1, "a.b") == "a.b.c" and resolved("c", 2, "a.b") == "a.c"
    assert resolved("", 1, "a") == "a" and resolved("c", 5, "a.b") == "c" and resolved("c", 1, "") == "c"
    assert parents("a.b.c") == ("a", "a.b", "a.b.c")


# the path that a cell writes, and the cells that come to use it
WRITTEN = {
    "in Colab's folder": ("/content/heads.py", "from heads import SingleHeadAttention, ViTLayer"),
    "on a drive": ("'/content/drive/My Drive/hw6/heads.py'", "import sys; sys.path.append('.')\nfrom heads import *"),
    "in a package": ("src/heads.py", "from src.heads import SingleHeadAttention, ViTLayer"),
    "in a package, by its module": ("src/heads.py", "from src import heads\nclass ViTLayer(heads.ViTLayer): pass\nclass SingleHeadAttention(heads.SingleHeadAttention): pass"),
    "below the path": ("./src/heads.py", "import sys\nsys.path.insert(0, 'src')\nfrom heads import *"),
    "run": ("~/heads.py", "%run ~/heads.py"),
    "run from elsewhere": ("/content/heads.py", "%run -i /content/heads.py"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRITTEN)
def test_a_module_that_a_cell_writes_is_read_wherever_it_goes(tmp_path: Path, case: str) -> None:
    path, use = WRITTEN[case]
    found = handed(tmp_path, {"hw6.ipynb": notebook(f"%%writefile {path}\n{BOTH}", use)})
    assert set(found.programs) == {"4a", "4b"}, found.unusable
    assert "class SingleHeadAttention" in found.programs["4a"].text and "return x" in found.programs["4a"].text


def test_a_file_that_a_cell_writes_and_nobody_imports_defines_nothing(tmp_path: Path) -> None:
    found = handed(tmp_path, {"hw6.ipynb": notebook(f"%%writefile src/heads.py\n{BOTH}", "from src import other")})
    assert not found.programs
