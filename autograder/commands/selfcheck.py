"""Does this machine grade as it should? Grades the reference solution, and a wrong one, for real.

Run at the end of setup.sh: an image that cannot grade must fail when it is built, not at midnight before the deadline.
"""

from __future__ import annotations

import ast
import inspect
import tempfile
from pathlib import Path

from autograder.core.errors import GraderFault
from autograder.core.names import named
from autograder.core.policy import FILES, POLICY
from autograder.core.records import Report, Status, TestResult
from autograder.grading import Options, grade
from autograder.report import seal

QUESTIONS = ("4a", "4b")


def run(allow_weak_isolation: bool = False) -> Report:
    """Grades the reference's own classes; raises GraderFault unless they get full marks and a broken copy does not.

    Raises WeakIsolation where hidden tests may not be run, UsageError for a key that cannot seal results.
    """
    seal.key()  # one that cannot be used is said here, when the image is built
    options = Options(only="4", allow_weak_isolation=allow_weak_isolation)
    right = _graded(reference_text(), options)
    lost = [
        f"{t.number} {t.status.value}: {t.feedback.found} {t.staff}"
        for t in _code_tests(right)
        if t.status is not Status.PASSED
    ]
    if lost or not right.complete or not _code_tests(right):
        raise GraderFault(
            "the reference solution does not get full marks here: "
            + ("; ".join(lost) or "no test ran")
            + " ".join(right.staff_notes)
        )
    wrong = _graded(reference_text().replace("-0.5", "-1.0"), options)
    if all(t.status is Status.PASSED for t in _code_tests(wrong)):
        raise GraderFault("a wrong solution gets full marks here")
    return right


def _code_tests(report: Report) -> list[TestResult]:
    return [t for t in report.tests if t.number.startswith(QUESTIONS) and t.max_score]


def _graded(text: str, options: Options) -> Report:
    with tempfile.TemporaryDirectory(prefix="selfcheck-") as folder:
        (Path(folder) / FILES.script).write_text(text, encoding="utf-8")
        return grade(Path(folder), options)


def reference_text() -> str:
    """The reference solution as a student of this term would hand it in: one file, nothing imported from us."""
    root = Path(inspect.getfile(GraderFault)).parents[2]
    parts = [(root / "reference" / f"{name}.py").read_text(encoding="utf-8") for name in ("attention", "encoder")]
    text = (
        "\n".join(
            line
            for part in parts
            for line in part.splitlines()
            if not line.startswith(("from reference", "from __future__"))
        )
        + "\n"
    )
    return _with_arguments(named(text))


def _with_arguments(text: str) -> str:
    """The classes' arguments under the notebook's names, where the policy says that they are others."""
    tree, changed = ast.parse(text), False
    asked = {question.class_name: question.arguments for question in POLICY.questions if question.arguments}
    for made in [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name in asked]:
        for init in [part for part in made.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]:
            theirs = dict(zip((argument.arg for argument in init.args.args[1:]), asked[made.name]))
            changed = changed or any(ours != name for ours, name in theirs.items())
            for node in ast.walk(init):
                if isinstance(node, ast.arg):
                    node.arg = theirs.get(node.arg, node.arg)
                elif isinstance(node, ast.Name):
                    node.id = theirs.get(node.id, node.id)
    return ast.unparse(tree) + "\n" if changed else text
