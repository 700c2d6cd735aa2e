"""What the rules must leave alone: honest programs that yield nothing at all."""

from __future__ import annotations

import hashlib

import pytest

from autograder.core.records import Place, Program
from autograder.handin.rules import check

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"


def program(text: str, question: str = "4a") -> Program:
    """A program whose line N stands in line N of cell 2."""
    places = tuple(Place("hw6.ipynb", line + 1, 2) for line in range(text.count("\n") + 1))
    return Program(question, "SingleHeadAttention", text, places, hashlib.sha256(text.encode()).hexdigest())


def head(init: str = "pass", forward: str = "return x", before: str = "", imports: str = HEAD) -> str:
    """A SingleHeadAttention with these bodies."""
    return (
        f"{imports}{before}\n"
        "class SingleHeadAttention(nn.Module):\n"
        "    def __init__(self, input_dim, inner_dim, dropout=0.):\n"
        "        super().__init__()\n"
        f"        {init}\n"
        "    def forward(self, x):\n"
        f"        {forward}\n"
    )


HONEST_4A = {
    "settings of both questions": head(
        "self.p = CONFIG['power']", before="CONFIG = dict(power=0.5, act=nn.GELU, size=[nn.ReLU])\n"
    ),
    "settings in braces": head("self.p = C.get('p')", before="C = {'p': 0.5, 'act': nn.GELU()}\n"),
    "settings as a class": head(
        "self.p = Config.power", before="class Config:\n    power = 0.5\n    norm = nn.LayerNorm\n"
    ),
    "settings of an instance": head(
        "self.p = cfg.power", before="class Config:\n    power = 0.5\n    act: type = nn.GELU\ncfg = Config()\n"
    ),
    "settings of a dataclass": head(
        "self.p, self.a = cfg.power, other.power",
        before="from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Config:\n    power: float = 0.5\n"
        "    norm: type = nn.LayerNorm\ncfg = Config(power=0.25)\nother: Config = Config()\n",
    ),
    "plain": head(
        "self.q, self.s, self.d = nn.Linear(3, 5, bias=False), nn.Softmax(dim=-1), nn.Dropout(dropout)",
        "return self.d(self.s(self.q(x) @ x.transpose(-2, -1))) @ x",
    ),
    "torch.softmax": head(forward="return torch.softmax(x, dim=-1)"),
    "tensor method softmax": head(forward="return (x @ x.mT).softmax(-1) @ x"),
    "einsum": head(forward="return torch.einsum('bij,bjd->bid', x, x)"),
    "torch.matmul, bmm, baddbmm": head(forward="return torch.bmm(torch.matmul(x, x), x)"),
    "torch.functional, special": head(forward="return torch.special.softmax(x, -1)"),
    "import torch.nn as nn": head(imports="import torch\nimport torch.nn as nn\n"),
    "from torch import nn as n": "from torch import nn as n\nclass A(n.Module):\n    l = n.Linear(2, 3)\n",
    "names imported one by one": "from torch.nn import Linear as L, Module, Softmax, Dropout\nclass A(Module):\n    l = L(2, 3)\n",
    "unused forbidden import": "from torch.nn import Linear, Parameter, MultiheadAttention\nl = Linear(2, 3)\n",
    "unused functional import": head(),
    "canonical name of Linear": "import torch\nl = torch.nn.modules.linear.Linear(2, 3)\n",
    "modules.dropout.Dropout": "from torch.nn.modules.dropout import Dropout\nd = Dropout(0.1)\n",
    "modules.activation.Softmax": "from torch.nn.modules import activation as a\ns = a.Softmax(-1)\n",
    "method of a permitted class": head("nn.Module.__init__(self); nn.Linear.reset_parameters(self.q)"),
    "comment": head(forward="return x  # nn.MultiheadAttention, F.softmax"),
    "string": head(forward="print('nn.MultiheadAttention'); return x"),
    "docstring": head(forward='"""Like F.scaled_dot_product_attention."""; return x'),
    "local named nn": head(forward="nn = x.shape; return nn.Parameter"),
    "local named F": head(forward="F = x @ x; return F.softmax(-1)"),
    "parameter named F": head(before="def mix(F, dim):\n    return F.softmax(dim)\n", forward="return mix(x, -1)"),
    "parameter named nn": head(before="scale = lambda nn: nn.functional\n", forward="return scale(x)"),
    "loop variable named F": head(forward="return [F.softmax(-1) for F in x]"),
    "for-loop variable named nn": head(forward="for nn in x:\n            nn.relu()\n        return x"),
    "with-target named F": head(forward="with torch.no_grad() as F:\n            F.gelu\n        return x"),
    "own helper scaled_dot_product_attention": head(
        before="def scaled_dot_product_attention(q, k, v):\n    return (q @ k.mT).softmax(-1) @ v\n",
        forward="return scaled_dot_product_attention(x, x, x)",
    ),
    "own helper softmax": head(before="def softmax(x, dim):\n    return x.exp()\n", forward="return softmax(x, -1)"),
    "own helper softmax over a star import": head(
        before="from torch.nn.functional import *\ndef softmax(x, dim):\n    return x.exp()\n",
        forward="return softmax(x, -1)",
    ),
    "own class Transformer": head(before="class Transformer:\n    pass\n", forward="return Transformer()"),
    "local Transformer": head(forward="Transformer = x; return Transformer"),
    "own class MultiheadAttention": "class MultiheadAttention:\n    def run(self):\n        return self\nm = MultiheadAttention().run()\n",
    "own method named like nn's": head(forward="return self.softmax(self.scaled_dot_product_attention(x))"),
    "attribute named F of a tensor": head(forward="self.F = x; return self.F.softmax(-1)"),
    "attribute Parameter of own config": head(
        before="class Config:\n    Parameter = 3\n", forward="return x * Config.Parameter"
    ),
    "annotation": "from torch import nn\ndef f(x: nn.Parameter, y: 'nn.ModuleList' = None) -> nn.MultiheadAttention:\n    z: nn.LayerNorm = x\n    return z\n",
    "annotation subscripted": "import torch.nn as nn\nfrom typing import Optional\ndef f(x: Optional[nn.Parameter]): return x\n",
    "class-level annotation": "from torch import nn\nclass A(nn.Module):\n    q: nn.Linear\n    w: nn.Parameter\n",
    "TYPE_CHECKING": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from torch.nn import MultiheadAttention\n    x = MultiheadAttention\n",
    "typing.TYPE_CHECKING": "import typing as t\nimport torch.nn as nn\nif t.TYPE_CHECKING:\n    P = nn.Parameter\n",
    "star of torch alone": "from torch import *\ny = softmax(zeros(2), 0)\n",
    "star of torch after nn": "from torch.nn import *\nfrom torch.nn.functional import *\nfrom torch import *\ny = softmax(zeros(2), 0)\n",
    "star of nn, permitted names": "from torch.nn import *\nclass A(Module):\n    l = Linear(2, 3)\n    s = Softmax(-1)\n",
    "star of functional, other names": "from torch.nn.functional import *\nimport torch\ny = torch.matmul(a, b); print(len(y), max(y))\n",
    "star, name bound by the student": "from torch.nn import *\ndef f(Parameter):\n    return Parameter.data\n",
    "star of numpy after functional, shared name": "from math import *\ny = tanh(1.0)\n",
    "getattr on self": head(forward="return getattr(self, 'head' + str(1))(x)"),
    "getattr with a constant": head(forward="return getattr(torch, 'softmax')(x, -1)"),
    "setattr on self": head("for i in range(3):\n            setattr(self, f'head{i}', nn.Linear(2, 3))"),
    "hasattr on self": head(forward="return x if hasattr(self, 'scale') else None"),
    "permitted through getattr": head("self.q = getattr(nn, 'Linear')(2, 3)"),
    "alias of permitted": head(before="L, D = nn.Linear, nn.Dropout\n", init="self.q = L(2, 3); self.d = D(0.1)"),
    "alias of forbidden that nobody takes up": head(before="L, N = nn.Linear, nn.LayerNorm\n", init="self.q = L(2, 3)"),
    "two modules renamed at once": head(imports="import torch\nnn, G = torch.nn, torch.nn.functional\n"),
    "self.F in a method": head("self.heads = [nn.Linear(2, 3)]", "return [h(x) for h in self.heads]"),
    "dict of permitted": head(before="KINDS = {'q': nn.Linear}\n", init="self.q = KINDS['q'](2, 3)"),
    "math and numpy": head(
        imports="import math\nimport numpy as np\n" + HEAD, forward="return x / math.sqrt(np.sqrt(2.0))"
    ),
    "einops": head(
        imports=HEAD + "from einops import rearrange, einsum\n", forward="return rearrange(x, 'b t d -> b d t')"
    ),
    "einops layer": head(
        imports=HEAD + "from einops.layers.torch import Rearrange\n", init="self.r = Rearrange('b t -> t b')"
    ),
    "functools, itertools, typing, dataclasses, warnings": (
        "import functools, itertools, typing, dataclasses, warnings\n"
        "@dataclasses.dataclass\nclass C:\n    a: int = 3\n"
        "@functools.lru_cache\ndef f(x): warnings.warn('slow'); return list(itertools.chain(x))\n"
        "T = typing.TypeVar('T')\ng = functools.partial(f, 3)\n"
    ),
    "old super": head("super(SingleHeadAttention, self).__init__()"),
    "class name": head(forward="print(self.__class__.__name__, type(self).__name__); return x"),
    "self.__dict__": head("self.__dict__.update(locals())"),
    "jit.script": head(before="@torch.jit.script\ndef f(x):\n    return x\n"),
    "seeds, print options, no_grad": head(
        before="torch.manual_seed(0)\ntorch.set_printoptions(precision=3)\n",
        forward="with torch.no_grad():\n            return x",
    ),
    "cudnn setting": head(before="torch.backends.cudnn.deterministic = True\n"),
    "eval and compile methods": head(forward="self.eval(); torch.compile(self); import re; re.compile('a'); return x"),
    "own function eval": head(before="def eval(x):\n    return x\n", forward="return eval(x)"),
    "register_buffer and register_parameter": head("self.register_buffer('scale', torch.tensor(2.0))"),
    "unused system imports": head(imports="import os, sys, time, inspect, pickle\n" + HEAD),
    "sys.maxsize, time": head(imports="import sys, time\n" + HEAD, forward="time.time(); return x * sys.maxsize"),
    "device": head(forward="return x.to(torch.device('cuda' if torch.cuda.is_available() else 'cpu'))"),
    "torch.finfo mask": head(forward="return x.masked_fill(x > 0, torch.finfo(x.dtype).min)"),
    "tuple return": head(forward="weights = x; return weights @ x, weights"),
    "nested function": head(forward="def softmax(t):\n            return t.exp()\n        return softmax(x)"),
    "careless escape": head(before="PATTERN = '\\d'\n"),
    "walrus": head(forward="return (F := x @ x).softmax(-1) + F.sum()"),
    "match": head(
        forward="match x:\n            case {'F': F}:\n                return F.softmax(-1)\n        return x"
    ),
    "except target": head(
        forward="try:\n            pass\n        except ValueError as F:\n            F.softmax\n        return x"
    ),
    "deleted import name": "import torch.nn as nn\nclass nn:\n    Parameter = 3\np = nn.Parameter\n",
    "other library's softmax": "import scipy.special as F\ny = F.softmax([1.0])\n",
    "data preparation": "import torchvision.transforms as T\nt = T.ToTensor()\n",
}

HONEST_4B = {
    "usual layer": (
        HEAD + "class ViTLayer(nn.Module):\n    def __init__(self, dim, heads, dim_head, mlp_dim, dropout=0.):\n"
        "        super().__init__()\n        self.attn = Attention(dim, heads, dim_head, dropout)\n"
        "        self.n = nn.LayerNorm(dim)\n        self.mlp = nn.Sequential(nn.Linear(dim, mlp_dim), nn.GELU())\n"
        "    def forward(self, x):\n        return x + self.mlp(self.attn(self.n(x)))\n"
    ),
    "functional": head(forward="return F.layer_norm(F.gelu(F.dropout(x, 0.1, self.training)), (3,))"),
    "parameters, lists, initialisation": head(
        "self.w = nn.Parameter(x); nn.init.ones_(self.w); nn.ModuleList([nn.Identity()])"
    ),
    "lazy import": head(forward="import torch.nn.functional as G; return G.gelu(x)"),
    "star import": "from torch.nn import *\nclass A(Module):\n    n = LayerNorm(3)\n",
    "getattr of a permitted name": head("self.act = getattr(nn, 'GELU')()"),
    "alias": head(before="Norm = nn.LayerNorm\n", init="self.n = Norm(3)"),
    "own encoder": head(before="class TransformerEncoder:\n    pass\n", init="self.e = TransformerEncoder()"),
}


@pytest.mark.parametrize("name", HONEST_4A)
def test_an_honest_attention_yields_nothing(name: str) -> None:
    assert check(program(HONEST_4A[name])) == ()


@pytest.mark.parametrize("name", HONEST_4B)
def test_an_honest_layer_yields_nothing(name: str) -> None:
    assert check(program(HONEST_4B[name], "4b")) == ()


def test_the_tables_of_honest_programs_are_large_enough_to_mean_something() -> None:
    assert len(HONEST_4A) + len(HONEST_4B) >= 60


READ = {
    "by its name": ("self.a = C['act']()", "C = {'p': 0.5, 'act': nn.GELU}\n"),
    "by its attribute": ("self.a = C.act()", "class C:\n    act = nn.GELU\n"),
    "with all others": ("self.a = [v for v in C.values()]", "C = dict(p=0.5, act=nn.GELU)\n"),
    "as arguments": ("self.f(**C)", "C = dict(p=0.5, act=nn.GELU)\n"),
    "by a word that is made": ("self.a = C['a' + 'ct']", "C = dict(p=0.5, act=nn.GELU)\n"),
    "handed on": ("self.a = make(C)", "C = dict(p=0.5, act=nn.GELU)\n"),
    "by an instance": ("self.a = cfg.act()", "class C:\n    act = nn.GELU\ncfg = C()\n"),
    "by all of an instance": (
        "self.a = [v for v in cfg.__class__.__dict__.values()]",
        "class C:\n    act = nn.GELU\ncfg = C()\n",
    ),
    "an instance handed on": ("self.a = make(cfg)", "class C:\n    p: int = 1\n    act = nn.GELU\ncfg = C(p=2)\n"),
    "an instance made elsewhere": ("self.a = make(C())", "class C:\n    act = nn.GELU\ncfg = C()\n"),
    "by an instance with more": ("self.a = cfg.p", "class C:\n    act = nn.GELU\ncfg = C(**more)\n"),
    "under another name": ("self.a = D['p']", "C = dict(p=0.5, act=nn.GELU)\nD = C\n"),
}


@pytest.mark.parametrize("how", READ)
def test_an_entry_of_settings_that_may_be_read_counts(how: str) -> None:
    init, before = READ[how]
    assert [found.construct for found in check(program(head(init, before=before)))] == ["torch.nn.GELU"]
