"""How findings are given out, the word lists beside the installed torch, and that any program can be read, quickly."""

from __future__ import annotations

import ast
import sys
import sysconfig
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.core.policy import POLICY
from autograder.core.records import Finding, Place
from autograder.handin.rules import MOST_FINDINGS, check, fixing, paths, torch_names
from tests.grader.pace import calls
from tests.grader.test_rules_found import FLAG, FOUND_4A, LOST
from tests.grader.test_rules_honest import HEAD, head, program

STDLIB = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("[a-p]*.py"))
# Calls for each node of the tree. Counted: 2 to 277 in the standard library, 100 in the doubling names, which without
# the bounds would be 2**60.
MOST_CALLS = 600
CELLS = ("Attention", "ViT", "run_training_loop")


def test_a_finding_names_the_question_the_rule_the_place_and_what_to_use_instead() -> None:
    (found,) = check(program(head(forward="return F.softmax(x, -1)")))
    assert (found.rule, found.question, found.place) == ("allowed-nn", "4a", Place("hw6.ipynb", 10, 2))
    assert "`F.softmax`" in found.message and "nn.functional.softmax" in found.message
    assert "torch.softmax" in found.fix


def test_a_construct_is_reported_once_a_line_and_in_line_order() -> None:
    found = check(program(HEAD + "nn.ReLU(); nn.ReLU(); nn.GELU()\nnn.ReLU()\n"))
    assert [(f.place.line if f.place else 0, f.construct) for f in found] == [
        (4, "torch.nn.GELU"),
        (4, "torch.nn.ReLU"),
        (5, "torch.nn.ReLU"),
    ]


def test_findings_are_capped_and_the_gravest_stay() -> None:
    text = HEAD + "eval(x)\n" * 60 + "nn.ReLU()\n" + "nn.MultiheadAttention()\n"
    found = check(program(text))
    assert len(found) == MOST_FINDINGS
    assert {"torch.nn.ReLU", "torch.nn.MultiheadAttention"} <= {finding.construct for finding in found}


def test_text_inside_exec_is_reported_at_the_line_of_the_exec() -> None:
    found = check(program(head(init="exec('\\n\\n\\nnn.ReLU()')")))
    assert [f.place.line for f in found if f.place and f.severity is LOST] == [8]


def test_a_program_that_cannot_be_parsed_is_flagged_and_not_judged() -> None:
    (found,) = check(program("import torch\ndef f(:\n"))
    assert (found.rule, found.severity, found.place) == ("syntax", FLAG, Place("hw6.ipynb", 2, 2))


def test_a_program_with_a_nul_byte_is_flagged_and_not_judged() -> None:
    assert [finding.rule for finding in check(program("x = '\0'\n"))] == ["syntax"]


def test_a_place_is_left_out_when_nobody_knows_it() -> None:
    plain = program(head(forward="return F.softmax(x)"))
    (found,) = check(type(plain)("4a", plain.class_name, plain.text, (), plain.sha256))
    assert found.place is None


@pytest.mark.parametrize("member", ["softmax", "dropout", "linear", "gelu"])
def test_every_functional_form_has_words_about_what_to_use(member: str) -> None:
    assert "nn." in fixing.instead_of(f"torch.nn.functional.{member}")


def test_every_permitted_class_is_a_name_of_nn() -> None:
    assert set(POLICY.question_of("4a").allowed_nn) <= torch_names.NN_NAMES


@pytest.mark.parametrize("name", sorted(POLICY.question_of("4a").allowed_nn))
def test_the_rule_follows_the_policy_and_not_a_list_of_its_own(name: str) -> None:
    assert check(program(f"from torch import nn\nx = nn.{name}()\n")) == ()


def test_the_lists_cover_what_the_installed_torch_holds() -> None:
    torch = pytest.importorskip("torch")
    public = {name for name in dir(torch.nn) if not name.startswith("_")}
    functional = {name for name in dir(torch.nn.functional) if not name.startswith("_")}
    assert public <= torch_names.NN_NAMES
    assert functional <= torch_names.FUNCTIONAL_NAMES | torch_names.BORROWED_NAMES | {
        "Any",
        "utils",  # before torch 2.5
        "List",
        "Tuple",
        "Union",
        "_VF",
    }
    assert set(torch.__all__) & (torch_names.NN_NAMES | torch_names.FUNCTIONAL_NAMES) <= torch_names.TORCH_ALSO


def test_every_class_that_torch_defines_in_a_file_of_nn_has_one_canonical_name() -> None:
    torch = pytest.importorskip("torch")
    classes = [
        c for c in vars(torch.nn).values() if isinstance(c, type) and c.__module__.startswith("torch.nn.modules.")
    ]
    assert len(classes) > 100
    assert {paths.canonical(f"{c.__module__}.{c.__name__}") for c in classes} == {
        f"torch.nn.{c.__name__}" for c in classes
    }


def test_every_name_in_torch_that_speaks_of_attention_is_ready_made() -> None:
    torch = pytest.importorskip("torch")
    spoken = [f"torch.{n}" for n in dir(torch) if "attention" in n.lower() or "transformer" in n.lower()]
    spoken += [f"torch._C._nn.{n}" for n in dir(torch._C._nn) if "attention" in n]
    assert spoken and all(map(paths.ready_made, spoken))


def test_the_rules_need_no_torch() -> None:
    folder = Path(paths.__file__).parent
    files = sorted(folder.glob("*.py"))
    assert files
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            imported = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            imported += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.partition(".")[0] for name in imported} & {"torch", "numpy"}, file.name


@pytest.mark.parametrize("file", STDLIB[::6], ids=lambda file: file.name)
def test_any_module_of_the_standard_library_can_be_read_with_bounded_work(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    found: list[Finding] = []
    work = calls(lambda: found.extend(check(program(text))))
    assert {finding.severity for finding in found} <= {FLAG}
    assert work < MOST_CALLS * (100 + sum(1 for _ in ast.walk(ast.parse(text))))


def test_there_are_modules_to_read() -> None:
    assert len(STDLIB) > 50


def test_names_that_double_at_every_step_are_given_up_on() -> None:
    doubling = "a0 = 'x'\n" + "".join(f"a{i + 1} = a{i} + a{i}\n" for i in range(60)) + "getattr(nn, a60)\n"
    choosing = "b0 = nn\n" + "".join(f"b{i + 1} = b{i} or b{i}\n" for i in range(60)) + "b60.ReLU\n"
    circle = "c = d or nn\nd = c or d\ndef f(x=c): return f(d).ReLU or c.ReLU\nd.ReLU\n"
    text = HEAD + doubling + choosing + circle
    assert calls(lambda: check(program(text))) < MOST_CALLS * sum(1 for _ in ast.walk(ast.parse(text)))


def test_a_class_that_seems_to_inherit_from_itself_is_read_to_the_end() -> None:
    text = "class A(B):\n    pass\nclass B(A):\n    def f(self):\n        return self.x.ReLU\nB = A\n"
    assert check(program(HEAD + text)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "'%999999999s' % 'x'",
        "'a' * 10**9",
        "'a'.replace('', 'b' * 256) * 256",
        "'{:>999999999}'.format('x')",
        "f'{1:999999999}'",
    ],
)
def test_huge_constants_are_never_made(text: str) -> None:
    assert {finding.severity for finding in check(program(HEAD + f"getattr(nn, {text})\n"))} <= {FLAG}


def test_deep_programs_are_read_without_exhausting_the_stack() -> None:
    deep = (
        "x" + ".a" * 400 + "\n" + "y = " + "(" * 80 + "nn" + ")" * 80 + "\n" + "z = " + " + ".join(["x"] * 500) + "\n"
    )
    assert check(program(HEAD + deep)) == ()


_LINES = st.sampled_from(
    [
        "import torch.nn.functional as F",
        "from torch import *",
        "from torch.nn import *",
        "F = nn",
        "nn = F",
        "nn = 3",
        "def f(F=F, *a, nn=nn, **k): return F.softmax(nn)",
        "class A(F.B): F = nn; c = F",
        "self.F = F",
        "f(F, nn=nn)",
        "a, *b = nn, (F, 3)",
        "[F := nn for F in nn]",
        "(lambda F: F.x)(nn)",
        "getattr(nn, a + 'x')",
        "D = {'a': nn, **D}",
        "D[a][b] = D",
        "global F",
        "del F",
        "vars(D)[f'{a!r:>{b}}']",
        "match F:\n case {'a': nn, **F}: nn.x",
        "try: F.x\nexcept (F, nn) as F: raise",
        "with nn as F, F as nn: F.y",
        "async def g(): await F.z(nn)",
        "exec('nn.ReLU')",
        "exec(a)",
        "for F, (nn, *a) in {nn: F}.items(): F.q",
        "a = b = a, b",
        "f = f(f)",
        "__import__(*a)",
        "operator.attrgetter(*a)(**b)",
        "import operator",
        "getattr(*a)",
        "setattr(nn, 'a', F)",
        "@nn.x\nclass nn(nn): pass",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_LINES, min_size=1, max_size=14))
def test_no_program_makes_the_rules_fail(lines: list[str]) -> None:
    check(program("\n".join(lines)))
    check(program("\n".join(lines), "4b"))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(FOUND_4A)), st.integers(1, 4))
def test_what_is_found_does_not_depend_on_what_stands_around(name: str, blank: int) -> None:
    text, severity, construct = FOUND_4A[name]
    moved = check(program("\n" * blank + text + "\ndef unrelated(nn, F, a):\n    return nn.x, F.y, a\n"))
    assert (severity, construct) in {(finding.severity, finding.construct) for finding in moved}


def test_python_has_the_grammar_that_these_tests_use() -> None:
    assert sys.version_info >= (3, 10)
