"""What to use instead of a thing of torch.nn, in words for the student.

Why separate: it is text, one line for one construct, which an instructor may reword without reading a rule. Nothing
here may decide what is permitted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autograder.core.policy import POLICY


def asked(question: str) -> str:
    """A question as the handout writes it: "4a" is "4(a)", "3c.b" is "3(c)(b)"."""
    return re.sub(r"(?<=\d)([a-z])|\.([a-z])", lambda match: f"({match[1] or match[2]})", question)


def allowed(names: Sequence[str]) -> str:
    """Names of torch.nn as a list; the base class stands last: "nn.Linear, nn.Softmax (and nn.Module)"."""
    layers = ", ".join(f"nn.{name}" for name in names if name != "Module")
    return layers + (" (and nn.Module)" if "Module" in names else "")


_LIMITED = next((question for question in POLICY.questions if question.allowed_nn), POLICY.questions[0])
ALLOWED = f"Of nn, {asked(_LIMITED.number)} allows {allowed(_LIMITED.allowed_nn)}"
FREE = "anything outside nn is free: torch.softmax, torch.matmul, torch.einsum, tensor methods"

_INSTEAD: dict[str, str] = {
    "torch.nn.functional.softmax": "Use nn.Softmax(dim=-1) or torch.softmax(scores, dim=-1).",
    "torch.nn.functional.log_softmax": "Use nn.Softmax(dim=-1) or torch.softmax(scores, dim=-1).",
    "torch.nn.LogSoftmax": "Use nn.Softmax(dim=-1) or torch.softmax(scores, dim=-1).",
    "torch.nn.functional.dropout": "Make an nn.Dropout(dropout) in __init__ and call that: it minds train and eval.",
    "torch.nn.functional.linear": "Make an nn.Linear(input_dim, inner_dim, bias=False) in __init__ and call that.",
    "torch.nn.functional.normalize": "Not needed for scaled dot-product attention; else divide by x.norm(dim=-1).",
    "torch.nn.functional.pad": "Use torch.cat with zeros, if it is needed at all.",
    "torch.nn.Parameter": "Use one nn.Linear(input_dim, inner_dim, bias=False) a projection: it has its weight.",
    "torch.nn.ParameterList": "Use one nn.Linear(input_dim, inner_dim, bias=False) a projection: it has its weight.",
    "torch.nn.Identity": "Leave it out, or use nn.Dropout(0.0), which changes nothing.",
    "torch.nn.ModuleList": "Give each layer an attribute of its own: self.to_q, self.to_k, self.to_v.",
    "torch.nn.ModuleDict": "Give each layer an attribute of its own: self.to_q, self.to_k, self.to_v.",
    "torch.nn.Sequential": "Call the layers one after the other in forward.",
    "torch.nn.LayerNorm": "4(a) needs no normalisation: that belongs to the layer of 4(b).",
    "torch.nn.Bilinear": "Use nn.Linear for the projections and torch.matmul for the products.",
    "torch.nn.LazyLinear": "Use nn.Linear(input_dim, inner_dim, bias=False): both sizes are given.",
}
_GROUPS: dict[str, str] = {
    "torch.nn.init.": "Leave nn.Linear's own initialisation as it is: the grader sets the weights itself.",
    "torch.nn.functional.": f"The functional forms count as nn. {ALLOWED}; {FREE}.",
}


def instead_of(member: str) -> str:
    """What 4(a) allows instead of `member` ("torch.nn.Parameter"); a general answer for what is not listed."""
    if member in _INSTEAD:
        return _INSTEAD[member]
    for group, text in _GROUPS.items():
        if member.startswith(group):
            return text
    return f"{ALLOWED}; {FREE}."


def ready_made(question: str) -> str:
    """What to write instead of ready-made attention."""
    if question == "4b":
        return "Build the layer from the provided Attention, nn.LayerNorm, nn.Linear and nn.Dropout."
    return (
        "Write it out: project with nn.Linear, multiply queries and keys, scale by the root of their size, take the "
        "softmax over the keys, multiply with the values."
    )
