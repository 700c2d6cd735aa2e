"""Reports as real gradings leave them, for the tests of what is written from a report."""

from __future__ import annotations

import hashlib

from autograder.core.records import Feedback, Finding, Place, Program, Report, Severity, Status, Submission, TestResult

ATTENTION = '''import torch
from torch import nn


class SingleHeadAttention(nn.Module):
    """Scaled dot-product attention for one head."""

    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.to_q = nn.Linear(input_dim, inner_dim, bias=False)
        self.to_k = nn.Linear(input_dim, inner_dim, bias=False)
        self.to_v = nn.Linear(input_dim, inner_dim, bias=False)
        self.softmax = nn.Softmax(dim=1)  # over the keys?
        self.dropout = nn.Dropout(dropout)
        self.scale = inner_dim ** -0.5

    def forward(self, x):
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)
        weights = self.softmax(q @ k.transpose(-2, -1) * self.scale)
        if weights.shape[-1] < 1 or weights.shape[-1] > 10_000:
            raise ValueError("<b>odd</b>")
        return self.dropout(weights) @ v
'''

LAYER = """class ViTLayer(nn.Module):
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.attn = Attention(dim, heads, dim_head, dropout)

    def forward(self, x):
        return x + self.attn(self.norm1(x))
"""

ANSWERS: dict[str, dict[str, object]] = {
    "administrivia": {"survey_code": "A1B2C3D4E5", "signed_by": "Ada Lovelace"},
    "q2a": {"parameters": 40, "output_shape": "99 x 8"},
    "q2c": {"average_pool": [[["8/9", "7/9"], [0.5, 1]], [[0, 1], [1, 0]]], "max_pool": "all ones"},
    "q3c": {"expectation": "d mu^2", "variance": "d sigma^4 + 2 d mu^2 sigma^2"},
}

# (number, name, points) of a plausible whole suite: 39 points.
SUITE = (
    ("2a.1", "number of parameters", 1.0),
    ("2a.2", "shape of the output", 1.0),
    ("2b.1", "number of parameters", 1.0),
    ("2b.2", "shape of the output", 1.0),
    ("2c.1", "average pooling", 1.0),
    ("2c.2", "max pooling", 1.0),
    ("3a.1", "a₂ as numbers or as a combination", 5.0),
    ("3c.a.1", "expectation", 2.0),
    ("3c.b.1", "variance", 6.0),
    ("4a.1", "takes (batch, tokens, input_dim) to (batch, tokens, inner_dim)", 1.0),
    ("4a.2", "has no bias in its projections", 1.0),
    ("4a.3", "uses only what the handout permits of torch.nn", 2.0),
    ("4a.4", "matches softmax(QKᵀ/√d)V on random weights", 4.0),
    ("4a.5", "drops out in training and only there", 1.0),
    ("4a.10", "lets gradients reach every projection", 1.0),
    ("4b.1", "keeps the shape of its input", 1.0),
    ("4b.2", "matches the reference layer", 2.0),
    ("4b.3", "adds both residual connections", 2.0),
    ("4c.1", "learns on small digits", 2.0),
    ("4c.2", "shows a run of ten epochs", 1.5),
    ("4c.3", "reaches 94 % test accuracy", 1.5),
)


def program(question: str, name: str, text: str, cell: int, first: int = 1) -> Program:
    places = tuple(Place("hw6.ipynb", first + n, cell) for n in range(text.count("\n")))
    return Program(question, name, text, places, hashlib.sha256(text.encode(errors="replace")).hexdigest())


def submission(**changes: object) -> Submission:
    fields: dict[str, object] = {
        "name": "submission_204117",
        "file": "hw6.ipynb",
        "digest": "9f2c" * 16,
        "programs": {
            "4a": program("4a", "SingleHeadAttention", ATTENTION, 14),
            "4b": program("4b", "ViTLayer", LAYER, 17, 3),
        },
        "answers": ANSWERS,
    }
    return Submission(**{**fields, **changes})  # type: ignore[arg-type]


def passed(number: str, name: str, points: float, **more: object) -> TestResult:
    return TestResult(number, name, Status.PASSED, points, points, seconds=0.04, **more)  # type: ignore[arg-type]


def report(tests: tuple[TestResult, ...], handed_in: Submission, **more: object) -> Report:
    return Report(
        submission=handed_in,
        tests=tests,
        seed=7_318_441_902_117_552_341,
        isolation="uid+rlimits+seccomp+landlock(7); net=denied",
        versions={"torch": "2.13.0", "python": "3.11.9", "autograder": "0.1.0"},
        seconds=3.214,
        **more,  # type: ignore[arg-type]
    )


def full_marks() -> Report:
    return report(tuple(passed(*test) for test in SUITE), submission())


SOFTMAX_OVER_QUERIES = TestResult(
    "4a.4",
    "matches softmax(QKᵀ/√d)V on random weights",
    Status.FAILED,
    0.0,
    4.0,
    feedback=Feedback(
        found="your output equals the reference with the softmax taken over the QUERIES (all 12 cases)",
        expected="each query's weights over the keys add up to 1",
        where="hw6.ipynb cell 14 line 13, in __init__",
        smallest="batch 1, tokens 2: expected [[0.31, 0.69],\n [0.55, 0.45]], yours [[0.42, 0.81],\n [0.58, 0.19]]",
        fix="look at the dim argument of your softmax: which axis holds the keys?",
        again="python -m autograder grade . --only 4a.4 --seed 7",
    ),
    staff="case 3 of 12: largest difference 0.81, seed 7",
    seconds=0.31,
)


def wrong_attention() -> Report:
    """Softmax over the queries; a finding of each severity; a test skipped for want of another."""
    found = (
        Finding(
            "edited-provided", Severity.REMARK, "Your notebook changes the provided Attention; ours is used.", "4b"
        ),
        Finding(
            "allowed-nn",
            Severity.DISALLOWED,
            "SingleHeadAttention uses nn.Sequential, which the handout does not permit in 4(a).",
            "4a",
            "torch.nn.Sequential",
            Place("hw6.ipynb", 9, 14),
            "Apply the layers one after the other in forward.",
        ),
        Finding("dynamic", Severity.FLAG, "FLAGGED getattr with a computed name", "4a", "getattr"),
    )
    tests = [passed(*test) for test in SUITE if test[0] not in ("4a.4", "4a.10")]
    skipped = TestResult(
        "4a.10",
        "lets gradients reach every projection",
        Status.SKIPPED,
        0.0,
        1.0,
        feedback=Feedback(found="needs 4a.4 to pass: fix that one first"),
    )
    return report((*tests, skipped, SOFTMAX_OVER_QUERIES), submission(findings=found))


def grader_error() -> Report:
    """Two of our own failures: one test broke, the last ones were never reached."""
    broken = TestResult(
        "4b.2",
        "matches the reference layer",
        Status.ERROR,
        0.0,
        2.0,
        staff="STAFF-ONLY torch could not allocate 12 MB",
    )
    done = [passed(*test) for test in SUITE if test[0] != "4b.2" and not test[0].startswith("4c")]
    planned = tuple(
        TestResult(*test[:2], Status.ERROR, 0.0, test[2]) for test in SUITE if test[0].startswith(("4b", "4c"))
    )
    return report((*done, broken), submission(), planned=planned, complete=False, staff_notes=("STAFF-ONLY cut",))


def unusable() -> Report:
    """A notebook that cannot be read: every test fails with the reason."""
    why = "hw6.ipynb ends in the middle of a cell (byte 18203): save it again in Colab and hand in the new file."
    tests = tuple(
        TestResult(number, name, Status.FAILED, 0.0, points, feedback=Feedback(found=why))
        for number, name, points in SUITE
    )
    return report(tests, Submission("submission_3", "hw6.ipynb", "00" * 32, problem=why))


HOSTILE = (
    "\x1b[2J\x1b]0;pwned\x07<script>alert(1)</script>\x00\u202egnp.exe\u200b\ud800 {{ 7*7 }} [bold]x[/bold]"
    + "a\u0301" * 9
)


def hostile_text() -> Report:
    """Every field that a student can write into, filled with what a page or a terminal would obey."""
    long = HOSTILE + "z\u0301" * 50_000
    test = TestResult(
        "4a.4",
        HOSTILE,
        Status.FAILED,
        0.0,
        4.0,
        feedback=Feedback(HOSTILE, long, HOSTILE, "\n".join([HOSTILE] * 500), long, HOSTILE),
        remarks=(HOSTILE,) * 40,
        staff=long,
        tags=(HOSTILE,),
    )
    handed_in = submission(
        name=HOSTILE,
        file=HOSTILE,
        programs={"4a": program("4a", HOSTILE, f"x = '{HOSTILE}'\r\ny = 2\x0c\nz = 3\n", 2)},
        unusable={"4b": long},
        findings=(Finding(HOSTILE, Severity.REMARK, long, "4a", HOSTILE, Place(HOSTILE, 1, 2), HOSTILE),) * 300,
        answers={HOSTILE: {HOSTILE: HOSTILE, "big": 10**5000, "nest": [[HOSTILE]]}},
        answers_problem=HOSTILE,
    )
    return report((test,), handed_in)


ALL = {
    "full marks": full_marks,
    "wrong attention": wrong_attention,
    "grader error": grader_error,
    "unusable": unusable,
    "hostile text": hostile_text,
}
