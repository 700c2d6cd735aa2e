"""What a test author uses, through one door: `from autograder.judging import Unmet, close, observe, weights`.

    the student's module     Student, Visit; observe, observe_training, each_call, verify: visits
    cases and numbers        AttentionCase, LayerCase, normal, weights, close, first_difference, shape_text
    what was observed        attention_roles, layer_roles, find_roles, dropout, smoke, Evidence, gather, drawn, settle
    what is said of it       Unmet, Missing, Verdict, diagnosis, layer_mistakes, judge_* (written answers, evidence)
    answers.toml             read, shape, matrices, evaluate and their records, remarks_on_layout
    the assignment           POLICY, FILES, KEPT, TOLERANCES, Severity, Submission, Chart, Line, Panel

Why separate: hidden tests, public tests and an instructor's own ask for names, not for the file that has them, and the
files behind the door may move. Runs in the trusted room only, on what the child returned. Knows no solution: the
reference is passed in by the tests. No folder that does without torch may import anything of this one.
"""

from __future__ import annotations

from autograder.core.policy import FILES, KEPT, POLICY, TOLERANCES
from autograder.core.records import Chart, Line, Panel, Severity, Submission
from autograder.handin.evidence import Evidence, gather
from autograder.handin.files.layout import remarks_on_administrivia, remarks_on_layout, remarks_on_missing
from autograder.judging import (
    at_rest,
    diagnosis,
    dropout_places,
    each_call,
    find_roles,
    layer_mistakes,
    observe,
    observe_training,
    open_gates,
    own_sizes,
    properties,
    reshaped,
    shared,
    verify,
)
from autograder.judging.code import attention_roles, dropout, layer_roles, weights
from autograder.judging.code.cases import AttentionCase, LayerCase, normal
from autograder.judging.code.compare import close, first_difference, shape_text
from autograder.judging.expect import Missing, Unmet, Verdict
from autograder.judging.observe_training import Reference
from autograder.judging.training import smoke
from autograder.judging.training.images import drawn
from autograder.judging.training.judge import judge_claim, judge_curves
from autograder.judging.training.measured import settle
from autograder.judging.visit import Student, Visit
from autograder.judging.written import read
from autograder.judging.written.algebra import Value, flattened
from autograder.judging.written.commas import read_either_way
from autograder.judging.written.echo import echoed
from autograder.judging.written.evaluate import Reading, evaluate
from autograder.judging.written.judge_attention import judge_vector
from autograder.judging.written.judge_convolution import judge_parameters, judge_shape
from autograder.judging.written.judge_moments import judge_formula
from autograder.judging.written.judge_pooling import judge_pooling
from autograder.judging.written.matrices import matrices
from autograder.judging.written.shapes import shape
from autograder.judging.written.verdict import Unreadable, shown

__all__ = [
    "FILES", "KEPT", "POLICY", "TOLERANCES", "AttentionCase", "Chart", "Evidence", "LayerCase", "Line", "Missing",
    "Panel", "Reading", "Reference", "Severity", "Student", "Submission", "Unmet", "Unreadable", "Value", "Verdict",
    "Visit", "at_rest", "attention_roles", "close", "diagnosis", "drawn", "dropout", "dropout_places", "each_call",
    "echoed", "evaluate", "find_roles", "first_difference", "flattened", "gather", "judge_claim", "judge_curves",
    "judge_formula", "judge_parameters", "judge_pooling", "judge_shape", "judge_vector", "layer_mistakes",
    "layer_roles", "matrices", "normal", "observe", "observe_training", "open_gates", "own_sizes", "properties",
    "read", "read_either_way", "remarks_on_administrivia", "remarks_on_layout", "remarks_on_missing", "reshaped",
    "settle", "shape", "shape_text", "shared", "shown", "smoke", "verify", "weights",
]  # fmt: skip
