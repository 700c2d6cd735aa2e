"""Hostile submissions as text: a body that is right, wrong or forbidden, and an attack where it fires.

Why separate: an attack is a few lines; what stands around it is the same for all. An attack calls `got("what")` when it
succeeded, and says it in the child's own output, which is kept for staff whether a test passes or not.
"""

from __future__ import annotations

import textwrap
from typing import NamedTuple

# What no child may ever have said, and what it may say and no student may read. In a program's own text, which staff
# see too, neither stands in one piece.
GOT, LEAK = "GOT-THROUGH", "LEAKED-INPUT"

HEADER = f"""
import os, sys, time
import torch
from torch import nn

def got(what=""):
    print("{GOT[:4]}" + "{GOT[4:]}", what, flush=True)

def leak(*what):
    print("{LEAK[:4]}" + "{LEAK[4:]}", *what, flush=True)

def quietly(work):
    try:
        return work()
    except Exception:
        return None
"""

HEAD = """
class SingleHeadAttention(nn.Module):
    {fired}
    def __init__(self, input_dim, inner_dim, dropout=0.):
        super().__init__()
        self.to_q = nn.Linear(input_dim, inner_dim, bias=False)
        self.to_k = nn.Linear(input_dim, inner_dim, bias=False)
        self.to_v = nn.Linear(input_dim, inner_dim, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.inner_dim = inner_dim
        {init}

    def forward(self, x):
        {forward}
        q, k, v = self.to_q(x), self.to_k(x), self.to_v(x)
        return {head}
"""
LAYER = """
class ViTLayer(nn.Module):
    {fired}
    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads=heads, dim_head=dim_head, dropout=dropout)
        self.proj = nn.Linear(heads * dim_head, dim)
        self.drop = nn.Dropout(dropout)
        self.mlp = nn.Sequential(nn.Linear(dim, mlp_dim), nn.GELU(), nn.Dropout(dropout),
                                 nn.Linear(mlp_dim, dim), nn.Dropout(dropout))
        {init}

    def forward(self, x):
        {forward}
        y = x + self.drop(self.proj(self.attn(self.norm1(x))))
        return {layer}
"""
RIGHT_HEAD = "self.dropout(torch.softmax(q @ k.transpose(-2, -1) / self.inner_dim ** 0.5, dim=-1)) @ v"
RIGHT_LAYER = "y + self.mlp(self.norm2(y))"
ZEROS_HEAD, ZEROS_LAYER = "0 * v", "0 * y"


class Attack(NamedTuple):
    """One hostile submission, and what is right to happen to it.

    `fires`: where `attack()` is called: "import", "init" or "forward". `a` and `b`: the points of 4(a) and 4(b) that are
    right: "full", "zero", "lost" (not full), "any". `head`, `layer`: what the two forwards return.
    """

    text: str = ""
    fires: str = "import"
    a: str = "full"
    b: str = "full"
    flag: bool = False
    head: str = RIGHT_HEAD
    layer: str = RIGHT_LAYER
    files: tuple[tuple[str, bytes], ...] = ()  # instead of a text
    only_head: bool = False  # it fires in 4(a) alone


def wrong(text: str, fires: str = "forward", a: str = "zero", b: str = "zero", **more: str) -> Attack:
    """An attack whose two bodies give zeros: any point means that it worked."""
    return Attack(text, fires, a, b, **{"head": ZEROS_HEAD, "layer": ZEROS_LAYER, **more})  # type: ignore[arg-type]


def program(attack: Attack) -> str:
    """The text of hw6.py."""
    text = textwrap.dedent(attack.text)
    define = text if "def attack(" in text or not text.strip() else "def attack():\n" + textwrap.indent(text, "    ")
    places = dict.fromkeys(("init", "forward", "fired"), "pass")
    if text.strip():
        places["fired" if attack.fires == "import" else attack.fires] = (
            "fired = attack()" if attack.fires == "import" else "attack()"
        )
    calm = dict.fromkeys(places, "pass") if attack.only_head else places
    return HEADER + define + HEAD.format(head=attack.head, **places) + LAYER.format(layer=attack.layer, **calm)


def files(attack: Attack) -> dict[str, bytes]:
    """What is handed in: file names and their bytes."""
    return dict(attack.files) or {"hw6.py": program(attack).encode("utf-8", "surrogatepass")}
