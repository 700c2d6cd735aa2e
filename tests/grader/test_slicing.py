"""What of a notebook is executed for one class: what it needs, as a full run of the notebook would leave it."""

from __future__ import annotations

import sys
import textwrap

import pytest

from autograder.core.records import Cell, Severity
from autograder.handin.slicing import Sliced, given_names, slice_cells

SHA = "class SingleHeadAttention:\n    def forward(self):\n        return {}\n"


def sliced(*sources: str, provided: str = "", beside: tuple[str, ...] = ()) -> Sliced:
    cells = tuple(Cell(number, textwrap.dedent(source)) for number, source in enumerate(sources, start=1))
    return slice_cells(cells, "hw6.ipynb", provided=provided, beside=beside)


def ran(result: Sliced, question: str = "4a") -> dict[str, object]:
    namespace: dict[str, object] = {"__name__": "hw6", "Attention": None, "ViT": None}
    exec(compile(result.programs[question].text, "<test>", "exec", dont_inherit=True), namespace)
    return namespace


def forwarded(*sources: str) -> object:
    """What SingleHeadAttention().forward() returns when the program of these cells is executed."""
    return ran(sliced(*sources))["SingleHeadAttention"]().forward()  # type: ignore[operator]


# (cells, what forward returns): honest ways to write the same thing
HONEST = {
    "a constant in another cell": (["N = 3", SHA.format("N")], 3),
    "a constant below the class": ([SHA.format("N"), "N = 3"], 3),
    "the last value of a constant": (["N = 1", SHA.format("N"), "N = 3"], 3),
    "a constant made from another": (["A = 2\nB = A + 1", SHA.format("B")], 3),
    "a name used for something else after it was read": (["A = 2\nB = A + 1\nA = 50", SHA.format("B")], 3),
    "a helper function": (["def f():\n    return 3", SHA.format("f()")], 3),
    "a helper redefined later": (["def f():\n    return 1", SHA.format("f()"), "def f():\n    return 3"], 3),
    "a helper of a helper": (["def g(): return 3", "def f(): return g()", SHA.format("f()")], 3),
    "a helper called while the constant is made": (["K = 3\ndef f(): return K", "N = f()\nK = 9", SHA.format("N")], 3),
    "an incremental class": (
        [
            SHA.format(1),
            "class SingleHeadAttention(SingleHeadAttention):\n    def forward(self): return super().forward() + 2",
        ],
        3,
    ),
    "a method added later": (
        ["class SingleHeadAttention: pass", "def f(self): return 3\nSingleHeadAttention.forward = f"],
        3,
    ),
    "setattr": (["class SingleHeadAttention: pass", "setattr(SingleHeadAttention, 'forward', lambda self: 3)"], 3),
    "setattr in a loop": (
        [
            "class SingleHeadAttention: pass",
            "for n in ['forward']:\n    setattr(SingleHeadAttention, n, lambda self: 3)",
        ],
        3,
    ),
    "a patching decorator": (
        [
            "def into(c):\n    def add(f):\n        setattr(c, f.__name__, f)\n        return f\n    return add",
            "class SingleHeadAttention: pass",
            "@into(SingleHeadAttention)\ndef forward(self): return 3",
        ],
        3,
    ),
    "a patching function that is called": (
        [
            "class SingleHeadAttention: pass",
            "def patch():\n    SingleHeadAttention.forward = lambda self: 3",
            "patch()",
        ],
        3,
    ),
    "an alias": (["class Mine:\n    def forward(self): return 3", "SingleHeadAttention = Mine"], 3),
    "a class made by a call": (["SingleHeadAttention = type('S', (), {'forward': lambda self: 3})"], 3),
    "a class in an if": (["if True:\n    class SingleHeadAttention:\n        def forward(self): return 3"], 3),
    "a decorated class": (
        ["def d(c):\n    c.forward = lambda self: 3\n    return c", "@d\nclass SingleHeadAttention: pass"],
        3,
    ),
    "a list that grows": (["L = []", "L.append(3)", SHA.format("L[0]")], 3),
    "arguments with defaults": (
        [
            "import argparse\np = argparse.ArgumentParser()",
            "p.add_argument('--n', type=int, default=1)\np.set_defaults(n=3)",
            "args, _ = p.parse_known_args([])",
            SHA.format("args.n"),
        ],
        3,
    ),
    "settings by their table": (
        [
            "from types import SimpleNamespace\nC = SimpleNamespace(n=1)",
            "vars(C).update(n=2)\nvars(C)['n'] += 1",
            SHA.format("C.n"),
        ],
        3,
    ),
    "a list that a loop fills": (["L = []\nfor i in range(4):\n    L.append(i)", SHA.format("L[3]")], 3),
    "an item set": (["D = {}", "D['k'] = 3", SHA.format("D['k']")], 3),
    "an augmented constant": (["N = 1", "N += 2", SHA.format("N")], 3),
    "a name bound only by a loop": (["for N in range(4): pass", SHA.format("N")], 3),
    "a loop variable that is a constant elsewhere": (["N = 3", SHA.format("N"), "for N in range(9): pass"], 3),
    "try and except import": (
        ["try:\n    import no_such_module\nexcept ImportError:\n    no_such_module = 3", SHA.format("no_such_module")],
        3,
    ),
    "a default argument": (["N = 3", "class SingleHeadAttention:\n    def forward(self, n=N): return n", "N = 8"], 3),
    "a class attribute": (
        ["N = 3", "class SingleHeadAttention:\n    n = N\n    def forward(self): return self.n", "N = 8"],
        3,
    ),
    "a comprehension in the class body": (
        [
            "N = 4",
            "class SingleHeadAttention:\n    n = [i for i in range(N)]\n    def forward(self): return self.n[-1]",
        ],
        3,
    ),
    "a global set by a function that is called": (
        ["def setup():\n    global N\n    N = 3", "setup()", SHA.format("N")],
        3,
    ),
    "a star import": (["from math import *", SHA.format("floor(3.5)")], 3),
    "two statements on a line": (["A = 1; B = 2", SHA.format("A + B")], 3),
    "statements joined over a backslash": (["A = 1; \\\nB = 2", "C = 0", SHA.format("A + B")], 3),
    "a walrus": (["if (N := 3): pass", SHA.format("N")], 3),
    "match": (["match (3, 4):\n    case (N, _): pass", SHA.format("N")], 3),
    "a lambda": (["M = 2\nf = lambda x: x + M", SHA.format("f(1)")], 3),
    "tuple unpacking": (["A, (B, *C) = 1, (3, 4)", SHA.format("B")], 3),
    "a form feed and unicode names": (["\fΣ = 3", SHA.format("Σ")], 3),
    "a builtin shadowed in scratch after the class": ([SHA.format("sum([1, 2])"), "sum = 0\nsum += 4"], 3),
    "a builtin shadowed and given back": (["sum = 0", "del sum", SHA.format("sum([1, 2])")], 3),
    "a helper deleted after training": (["def f(): return 3", SHA.format("f()"), "del f"], 3),
    "annotations that name nothing, as text": (
        [
            "from __future__ import annotations",
            "class SingleHeadAttention:\n    def forward(self, x: Nothing = 3): return x",
        ],
        3,
    ),
    "a future import in a later cell": (
        [SHA.format("3"), "from __future__ import annotations\nimport json"],
        3,
    ),
    "an import further down that a base class needs": (
        ["class SingleHeadAttention(collections.OrderedDict):\n    def forward(self): return 3", "import collections"],
        3,
    ),
    "a cell that raises": ([SHA.format("1"), "raise RuntimeError('stop')", SHA.format("3")], 3),
    "tabs": (["class SingleHeadAttention:\n\tdef forward(self):\n\t\treturn 3"], 3),
    "a string of many lines with no indentation": (
        ["T = '''a\nclass X\n  b'''", SHA.format("len(T.split(chr(10)))")],
        3,
    ),
    "a with statement": (["import contextlib\nwith contextlib.nullcontext(3) as N: pass", SHA.format("N")], 3),
    "an import in the method": (
        ["class SingleHeadAttention:\n    def forward(self):\n        import math\n        return math.floor(3.2)"],
        3,
    ),
    "a dotted import of a used submodule": (
        ["import os", "import os.path", SHA.format("len(os.path.join('a', 'b'))")],
        3,
    ),
    "a recursive helper": (["def f(n): return n if n == 3 else f(n + 1)", SHA.format("f(0)")], 3),
    "the class naming itself": (
        ["class SingleHeadAttention:\n    n = 3\n    def forward(self): return SingleHeadAttention.n"],
        3,
    ),
}


@pytest.mark.parametrize("cells, value", HONEST.values(), ids=HONEST)
def test_an_honest_style_runs_as_the_notebook_would(cells: list[str], value: object) -> None:
    result = sliced(*cells)
    assert result.unusable.get("4a") is None
    assert forwarded(*cells) == value
    assert not [f for f in result.findings if f.severity is not Severity.REMARK]


@pytest.mark.parametrize("cells", [cells for cells, _ in HONEST.values()], ids=list(HONEST))
def test_executed_lines_are_the_students_own(cells: list[str]) -> None:
    program = sliced(*cells).programs["4a"]
    for line, place in zip(program.text.split("\n"), program.places):
        assert place.cell is not None
        assert line == textwrap.dedent(cells[place.cell - 1]).split("\n")[place.line - 1]


# (cells, text that must not be executed)
LEFT_OUT = {
    "another cell's import": ("import torchvision", "import torchvision"),
    "training": ("model = train(10)", "train"),
    "a training loop": ("for epoch in range(10):\n    loss = step()", "step"),
    "a main guard": ("if __name__ == '__main__':\n    N = 9", "N = 9"),
    "calls on imported modules": ("import math\nmath.seed_(0)", "seed_"),
    "an unused name of one import": ("import math, torchvision", "torchvision"),
    "an unused submodule of a used package": ("import math\nimport math.tensorboard", "tensorboard"),
    "star imports when every name is known": ("from torchvision import *", "torchvision"),
    "a loop that sets an attribute of a module": ("for i in range(10):\n    math.tau = train(i)", "train"),
    "reading a list that the class fills": ("seen = []\nplot(seen[0])", "plot"),
    "the value of the loop variable in training": ("for i in range(10): train(i)", "train"),
}


@pytest.mark.parametrize("source, text", LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_the_class_does_not_need_is_not_executed(source: str, text: str) -> None:
    body = "class SingleHeadAttention:\n    def forward(self):\n        return [math.pi for i in seen]\n"
    result = sliced("import math\nseen = []", source, body, source)
    assert text not in result.programs["4a"].text


def test_every_line_keeps_its_place() -> None:
    result = sliced("import json", "x = 1\n\nN = (1 +\n     2)\n", "# a remark\n" + SHA.format("N"))
    program = result.programs["4a"]
    assert [str(place) for place in program.places] == [
        "hw6.ipynb cell 2 line 3",
        "hw6.ipynb cell 2 line 4",
        "hw6.ipynb cell 3 line 2",
        "hw6.ipynb cell 3 line 3",
        "hw6.ipynb cell 3 line 4",
    ]
    assert program.text.count("\n") == len(program.places)


def test_a_narrowed_import_of_several_lines_keeps_the_number_of_lines() -> None:
    result = sliced("import torchvision, \\\n    math, \\\n    os  # all", SHA.format("math.floor(3.1)"))
    program = result.programs["4a"]
    assert program.text.startswith("import math  # all\n\n\nclass")
    assert program.text.count("\n") == len(program.places)


def test_the_first_class_never_enters_the_program_of_the_second() -> None:
    layer = "class ViTLayer:\n    def __init__(self):\n        self.attention = Attention(SingleHeadAttention())\n"
    result = sliced(SHA.format("WRONG"), "class Attention: pass", layer)
    assert "WRONG" not in result.programs["4b"].text
    assert "class Attention" not in result.programs["4b"].text


def test_given_classes_inside_a_larger_statement_are_blanked() -> None:
    both = "if True:\n    @d\n    class SingleHeadAttention:\n        def f(self): WRONG\n    class ViTLayer: pass\n"
    result = sliced("def d(c): return c", both)
    program = result.programs["4b"]
    assert "WRONG" not in program.text
    assert program.text.count("\n") == len(program.places)
    assert "WRONG" in result.programs["4a"].text


def test_the_second_class_is_needed_by_nothing_of_the_first() -> None:
    assert given_names("4a") == {"Attention", "ViT"}
    assert given_names("4b") == {"Attention", "ViT", "SingleHeadAttention"}


def test_a_broken_line_costs_only_itself() -> None:
    result = sliced("N = 3\nhere are my notes\n" + SHA.format("N") + "x = (\n", "def f(:\n")
    assert ran(result)["N"] == 3
    findings = [f for f in result.findings if f.rule == "syntax"]
    assert [str(f.place) for f in findings] == [
        "hw6.ipynb cell 1 line 2",
        "hw6.ipynb cell 1 line 6",
        "hw6.ipynb cell 2 line 1",
    ]
    assert all(f.severity is Severity.REMARK for f in findings)


def test_an_open_bracket_does_not_swallow_the_class_below_it() -> None:
    assert forwarded("x = foo(1,\n" + SHA.format("3")) == 3


def test_a_class_with_a_broken_line_is_named_with_its_place() -> None:
    result = sliced("import math", "class SingleHeadAttention:\n    def forward(self)\n        return 3\n")
    assert "4a" not in result.programs
    assert "cell 2 line 2" in result.unusable["4a"]
    assert "SingleHeadAttention" in result.unusable["4a"]


def test_a_template_of_comments_alone_is_named_as_such() -> None:
    result = sliced("class SingleHeadAttention:\n    def forward(self, x):\n        # TODO\n")
    assert "template" in result.unusable["4a"]


def test_a_program_over_the_cap_is_refused_in_words() -> None:
    table = "N = [" + "1, " * 60_000 + "]"
    result = sliced(table, table.replace("N", "M"), SHA.format("N + M"))
    assert "too large" in result.unusable["4a"]


def test_an_earlier_whole_definition_stands_in_for_a_broken_one() -> None:
    assert forwarded(SHA.format("3"), "class SingleHeadAttention:\n    def forward(self)\n        return 4\n") == 3


def test_a_name_lost_in_broken_lines_is_said() -> None:
    result = sliced("def helper(x)\n    return x", SHA.format("helper(3)"))
    assert any(f.construct == "helper" and f.question == "4a" for f in result.findings)


@pytest.mark.parametrize(
    "name", ["SingleheadAttention", "single_head_attention", "ScaledDotProductAttention", "AttentionHead"]
)
def test_a_renamed_class_is_suggested_with_its_cell(name: str) -> None:
    result = sliced("import math", f"class {name}:\n    pass")
    assert name in result.unusable["4a"]
    assert "cell 2" in result.unusable["4a"]
    assert "SingleHeadAttention" in result.unusable["4a"]


def test_a_missing_class_without_likeness_suggests_nothing() -> None:
    assert "one of these" not in sliced("class Dataset: pass").unusable["4a"]


@pytest.mark.parametrize(
    "body", ["pass", "...", "raise NotImplementedError", "raise NotImplementedError('TODO')", "return", "return None"]
)
def test_an_unfilled_template_is_remarked_and_kept(body: str) -> None:
    result = sliced(f"class SingleHeadAttention:\n    def forward(self, x):\n        '''TODO'''\n        {body}\n")
    assert [f.construct for f in result.findings if f.rule == "unfilled"] == ["SingleHeadAttention.forward"]
    assert "4a" in result.programs


@pytest.mark.parametrize(
    "body", ["return x", "return self.f(x)", "assert x\n        return None", "if x:\n            return None"]
)
def test_a_filled_method_is_not_called_unfilled(body: str) -> None:
    result = sliced(f"class SingleHeadAttention:\n    def forward(self, x):\n        {body}\n")
    assert not [f for f in result.findings if f.rule == "unfilled"]


PROVIDED = 'class Attention:\n    """Ours."""\n\n    def forward(self, x: int) -> int:\n        return x  # same\n'


@pytest.mark.parametrize(
    "own",
    [PROVIDED, "class Attention:\n  def forward(self, x):\n    'text'\n    return (x)\n"],
    ids=["same", "other layout"],
)
def test_an_unchanged_provided_class_is_not_remarked(own: str) -> None:
    assert not [f for f in sliced(own, provided=PROVIDED).findings if f.rule == "edited-provided"]


GIVEN = """class Attention(nn.Module):
    def __init__(self, dim, heads=8, dim_head=64, dropout=0.0):
        super().__init__()
        self.heads = nn.ModuleList([SingleHeadAttention(dim, dim_head, dropout) for _ in range(heads)])

    def forward(self, x):
        found = [head(x) for head in self.heads]
        return torch.cat(found, dim=-1)
"""
RETYPED = {
    "other variables": (("found", "outs"), ("head(x) for head in", "h(x) for h in"), ("for _ in", "for i in")),
    "arguments by name": (("dropout) for", "dropout=dropout) for"), ("dim=-1", "-1")),
    "an older super": (("super()", "super(Attention, self)"),),
    "annotated": (("forward(self, x)", "forward(self, x: torch.Tensor) -> torch.Tensor"),),
}
CHANGED = {
    "another axis": (("dim=-1", "dim=1"),),
    "another variable": (("head(x) for head in", "found(x) for head in"),),
    "an argument less": ((", dropout) for", ") for"),),
    "an attribute": (("self.heads", "self.mine"),),
    "arguments in another order": (("dim, dim_head, dropout)", "dim_head, dim, dropout)"),),
    "an argument of another name": (("forward(self, x)", "forward(self, y)"), ("(x) for", "(y) for")),
}


@pytest.mark.parametrize("kind", [*RETYPED, *CHANGED])
def test_a_provided_class_that_is_typed_anew_is_no_edit_of_it(kind: str) -> None:
    own = GIVEN
    for old, new in (RETYPED | CHANGED)[kind]:
        assert old in own
        own = own.replace(old, new)
    edited = [f for f in sliced(own, provided=GIVEN).findings if f.rule == "edited-provided"]
    assert bool(edited) is (kind in CHANGED)


def test_an_edited_provided_class_is_remarked_and_costs_nothing() -> None:
    own = "class Attention:\n    def forward(self, x):\n        return x + 1\n"
    (finding,) = [f for f in sliced(own, provided=PROVIDED).findings if f.rule == "edited-provided"]
    assert finding.severity is Severity.REMARK
    assert finding.construct == "Attention"
    assert finding.place is not None and finding.place.cell == 1


def test_an_import_of_a_file_beside_the_notebook_is_remarked() -> None:
    result = sliced("import json", "from helpers import f", SHA.format("f()"), beside=("helpers", "json_tools"))
    (finding,) = [f for f in result.findings if f.rule == "local-import"]
    assert (finding.question, str(finding.place)) == ("4a", "hw6.ipynb cell 2 line 1")


def test_an_unneeded_local_import_is_not_remarked() -> None:
    result = sliced("import plots", SHA.format("3"), beside=("plots",))
    assert not [f for f in result.findings if f.rule == "local-import"]


def test_a_class_defined_twice_is_remarked_unless_it_builds_on_itself() -> None:
    twice = sliced(SHA.format(1), SHA.format(2))
    assert [str(f.place) for f in twice.findings if f.rule == "defined-twice"] == ["hw6.ipynb cell 2 line 1"]
    grown = sliced(SHA.format(1), "class SingleHeadAttention(SingleHeadAttention): pass")
    assert not [f for f in grown.findings if f.rule == "defined-twice"]


STUB = "class SingleHeadAttention(nn.Module):\n    def forward(self, x):\n        raise NotImplementedError\n"


@pytest.mark.parametrize(
    "stub", [STUB, STUB.replace("raise NotImplementedError", "pass"), "class SingleHeadAttention(nn.Module): pass"]
)
def test_the_template_below_does_not_replace_what_was_written(stub: str) -> None:
    """A cell that was pasted again at the end, and never run, is no answer."""
    result = sliced(SHA.format(1), "x = 1", stub)
    assert "return 1" in result.programs["4a"].text and "nn.Module" not in result.programs["4a"].text
    (finding,) = [f for f in result.findings if f.rule == "late-stub"]
    assert str(finding.place) == "hw6.ipynb cell 3 line 1" and "4a" not in result.absent


def test_the_template_above_and_alone_is_read_as_before() -> None:
    assert not [f for f in sliced(STUB, SHA.format(1)).findings if f.rule == "late-stub"]
    assert "4a" in sliced(STUB, STUB).absent
    grown = sliced(SHA.format(1), "class SingleHeadAttention(SingleHeadAttention):\n    pass")
    assert "(SingleHeadAttention)" in grown.programs["4a"].text


@pytest.mark.parametrize(
    "scratch", ["_X = " + "-" * 900 + "1", "_X = " + "(" * 150 + ")" * 150, "_X = " + "[" * 5000, "a" + ".b" * 900]
)
def test_a_deep_scratch_expression_costs_only_itself(scratch: str) -> None:
    assert forwarded(scratch, SHA.format("3")) == 3


@pytest.mark.parametrize(
    "line", ["return 5", "def f(a, a): pass", "nonlocal q", "from __future__ import braces", "break"]
)
def test_lines_that_parse_but_do_not_compile_cost_only_themselves(line: str) -> None:
    assert forwarded(f"N = 3\n{line}", SHA.format("N")) == 3


def test_a_huge_cell_is_set_aside_in_words() -> None:
    result = sliced("x = 1\n" * 100_000, SHA.format("3"))
    assert "4a" in result.programs
    assert any("KB" in f.message for f in result.findings if f.rule == "syntax")


def test_python_3_12_type_parameters_are_understood_where_python_has_them() -> None:
    source = "class SingleHeadAttention[T]:\n    def forward[U](self, x: T | U = 3) -> T | U:\n        return x\n"
    if sys.version_info >= (3, 12):
        assert forwarded("type Alias = list[Nothing]", source) == 3
    else:
        assert "line 1" in sliced(source).unusable["4a"]


def test_a_merge_mark_is_named() -> None:
    result = sliced("<<<<<<< HEAD\nN = 1\n=======\nN = 3\n>>>>>>> main\n", SHA.format("N"))
    assert any("merge" in f.message for f in result.findings)
