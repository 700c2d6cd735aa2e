"""Torch's compiler is stood for in every child: what calls it gives the same, and it is never loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.grader.source_tree import ROOT

# Each prints what it computes.
BEFORE = "import torch\nx = torch.arange(12.0).reshape(3, 4).requires_grad_()\n"
CALLS = {
    "a checkpoint": "from torch.utils.checkpoint import checkpoint\n"
    "y = checkpoint(lambda z: z * z, x, use_reentrant=False)\ny.sum().backward()\nprint(x.grad)",
    "a reentrant checkpoint": "from torch.utils.checkpoint import checkpoint\n"
    "y = checkpoint(lambda z: z * z, x, use_reentrant=True)\ny.sum().backward()\nprint(x.grad)",
    "an optimiser": "p = torch.nn.Parameter(x.detach())\no = torch.optim.Adam([p])\n(p * p).sum().backward()\n"
    "o.step()\no.zero_grad()\nprint(p)",
    "a gradient as a function": "print(torch.func.grad(lambda z: (z * z).sum())(x))",
    "a compiled function": "print(torch.compile(lambda z: z * 2)(x))",
    "a decorator with options": "@torch.compile(mode='reduce-overhead')\ndef f(z): return z + 1\nprint(f(x))",
    "the compiler's own names": "import torch._dynamo\ntorch._dynamo.config.suppress_errors = True\n"
    "@torch._dynamo.disable\ndef f(z): return z + 1\nprint(torch._dynamo.optimize('eager')(f)(x))",
    "a function that is kept from it": "@torch.compiler.disable\ndef f(z): return z + 1\n"
    "g = torch.compiler.disable(recursive=False)(f)\nprint(g(x), torch.compiler.is_compiling())",
}


def printed(before: str, calls: dict[str, str], after: str = "") -> list[str]:
    """What each of the calls prints, all of them in one process."""
    parts = [f"print({what!r})\n{call}\n" for what, call in calls.items()]
    text = before + BEFORE + "x.grad = None\n".join(parts) + after
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_it_gives_what_torch_gives_and_loads_nothing() -> None:
    stood_for = "from autograder.student_room import uncompiled\nuncompiled.put()\n"
    unloaded = "import sys\nassert not {'torch._dynamo.eval_frame', 'torch._inductor'} & set(sys.modules)"
    eager = {what: call.replace("mode='reduce-overhead'", "backend='eager'") for what, call in CALLS.items()}
    eager["a compiled function"] = "print(torch.compile(lambda z: z * 2, backend='eager')(x))"
    found = printed(stood_for, CALLS, unloaded)
    assert found == printed("", eager) and len(found) > len(CALLS)
