"""The assignment as data: names, points, permitted functions, tolerances, limits, visibility. The one place to change.

Each number carries its source ("handout 4(a)") or its measurement. Nothing here imports torch or reads a file.
"""

from __future__ import annotations

import msgspec

from autograder.records import Limits

TITLE = "CS189 Homework 6"
NOTEBOOK = "hw6.ipynb"
SCRIPT = "hw6.py"
ANSWERS = "answers.toml"
HISTORY = "history.json"
CHECKPOINT = "model.safetensors"


class Question(msgspec.Struct, frozen=True):
    """One graded part of the handout. `class_name` is what the student writes for it, if it is code."""

    number: str
    title: str
    points: float
    class_name: str = ""


# Points: the handout's own numbers, in its order. 39 of its 47 points are graded here.
QUESTIONS: tuple[Question, ...] = (
    Question("2a", "1D convolution", 2),
    Question("2b", "2D convolution", 2),
    Question("2c", "Max and average pooling", 2),
    Question("3a", "Self-attention by hand", 5),
    Question("3c.a", "Expectation of the dot product", 2),
    Question("3c.b", "Variance of the dot product", 6),
    Question("4a", "Scaled dot-product attention", 10, "SingleHeadAttention"),
    Question("4b", "Transformer layer", 5, "ViTLayer"),
    Question("4c", "Vision Transformer on MNIST", 5),
)

# The handout's parts that need a person: listed in the result as such, never scored here.
BY_HAND: tuple[Question, ...] = (
    Question("1", "Administrivia: survey code and signature", 2),
    Question("2d", "Why pooling helps", 2),
    Question("3b", "Masking", 2),
    Question("3c.c", "Why to scale by √d", 2),
)

# Provided by the notebook: always our copies; a student's edited one is ignored with a remark.
PROVIDED_CLASSES = ("Attention", "ViT")
PROVIDED_FUNCTIONS = ("run_training_loop", "test_performance")

# Handout 4(a): "You may only use the following PyTorch functions that start with nn.": Linear, Softmax, Dropout.
# Module is the base class the template itself uses.
ALLOWED_NN_4A = frozenset({"Module", "Linear", "Softmax", "Dropout"})

# written = "required": without answers.toml the written questions score 0 and say so. "optional": they are left out.
WRITTEN_POLICY = "required"

# Gradescope's words: hidden | after_due_date | after_published | visible.
# Public tests show everything at once; hidden ones show their diagnosis, never their data.
VISIBILITY_PUBLIC = "visible"
VISIBILITY_HIDDEN = "visible"

# One child of the student's room. A correct solution needs about 0.05 s; the wall limit leaves 200 times that for a
# slow container (0.5 CPU) and a slow style (Python loops over batch and tokens).
# Memory is address space beyond what torch maps already: 512 MB hold any import that an honest class makes lazily.
CHILD_LIMITS = Limits(seconds=10.0, memory_mb=512)

# The platform's own limit is 10 minutes by default; we stop before it so that a truthful file is there.
TOTAL_SECONDS = 540.0

# Caps on what is handed in. A real notebook of this course with plots is 0.2 to 2 MB.
MAX_FILE_MB = 20
MAX_ZIP_FILES = 200
MAX_ZIP_TOTAL_MB = 60
MAX_ZIP_RATIO = 100  # real notebooks compress 3 to 10 times
MAX_CELLS = 2000
MAX_CELL_KB = 512
MAX_AST_DEPTH = 200  # honest code nests below 40
MAX_AST_NODES = 100_000

# Value comparisons: |actual - expected| <= RTOL * max|expected|, computed in float64. Measured over 200 seeds and all
# sizes: honest float32 implementations differ by at most 6e-7, a LayerNorm with another eps (0 to 1e-6) by 2e-5; the
# nearest wrong answers by 1.6e-2 (LayerNorm with the deviation of n - 1) and 3e-2 (scaled by √tokens).
RTOL = 1e-4

# Smoke training of 4(c): the share of digits it has not seen that a small ViT around the student's classes must
# recognise. Measured (docs/training.md): over 300 seeds the reference has 85 % ± 2 % and 77 % at least; honest weights
# that begin far too large 60 %, and 44 % at least; what learns nothing has 10 % ± 1 %.
SMOKE_ACCURACY = 0.3


def question_of(number: str) -> Question:
    """The question that a test number such as "4a.3" or "3c.b.1" belongs to. Raises KeyError when there is none."""
    for question in sorted(QUESTIONS + BY_HAND, key=lambda q: -len(q.number)):
        if number == question.number or number.startswith(question.number + "."):
            return question
    raise KeyError(f"no question for test number {number!r}: it must begin with one of {[q.number for q in QUESTIONS]}")
