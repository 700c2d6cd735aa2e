"""What this term's notebook calls the classes that we call SingleHeadAttention, ViTLayer, Attention and ViT.

Why separate: the policy may name them otherwise for another term. What we compare keeps our names; what people read,
and the programs that are run, have theirs.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

from autograder.core.policy import POLICY

HEAD, LAYER, ATTENTION, MODEL = "SingleHeadAttention", "ViTLayer", "Attention", "ViT"
WRITTEN = {"4a": HEAD, "4b": LAYER}  # by the student, for the questions whose tests are about them


@functools.cache
def names() -> Mapping[str, str]:
    """The notebook's name of each class, by ours."""
    written = {question.number: question.class_name for question in POLICY.questions if question.class_name}
    attention, model = POLICY.provided.classes
    return {**{ours: written.get(number, ours) for number, ours in WRITTEN.items()}, ATTENTION: attention, MODEL: model}


def named(text: str) -> str:
    """A text of ours, code or words, with the notebook's names."""
    return re.sub(rf"\b({'|'.join(names())})\b", lambda found: names()[found[0]], text)


def arguments(question: str, values: Mapping[str, object]) -> dict[str, object]:
    """The arguments of an __init__ under the notebook's names; a policy that names too few or too many is refused."""
    theirs = POLICY.question_of(question).arguments or tuple(values)
    return dict(zip(theirs, values.values(), strict=True))
