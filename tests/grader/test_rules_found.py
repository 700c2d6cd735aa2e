"""What the rules must find: (program, severity, construct), after the table of what they must leave alone
(`test_rules_honest.py`).
"""

from __future__ import annotations

import ast
import base64
import pickle

import pytest

from autograder.core.records import Severity
from autograder.handin.rules import check
from tests.grader.test_rules_honest import HEAD, head, program

GONE = Severity.READY_MADE
LOST = Severity.DISALLOWED
FLAG = Severity.FLAG
MHA = "torch.nn.MultiheadAttention"
SDPA = "torch.nn.functional.scaled_dot_product_attention"
SOFTMAX = "torch.nn.functional.softmax"
_CODED = base64.b64encode(b"from torch.nn import MultiheadAttention as M").decode()
_PICKLED = b"ctorch.nn\nMultiheadAttention\n."

FOUND_4A: dict[str, tuple[str, Severity, str]] = {
    # plainly written
    "functional softmax": (head(forward="return F.softmax(x, -1)"), LOST, SOFTMAX),
    "functional through nn": (head(forward="return nn.functional.softmax(x, -1)"), LOST, SOFTMAX),
    "functional through torch": ("import torch\ny = torch.nn.functional.softmax(x)\n", LOST, SOFTMAX),
    "functional dropout": (head(forward="return F.dropout(x, 0.1)"), LOST, "torch.nn.functional.dropout"),
    "functional linear": (head(forward="return F.linear(x, x)"), LOST, "torch.nn.functional.linear"),
    "Parameter": (head("self.w = nn.Parameter(torch.zeros(3))"), LOST, "torch.nn.Parameter"),
    "parameter.Parameter": (head("self.w = nn.parameter.Parameter(x)"), LOST, "torch.nn.Parameter"),
    "init": (head("nn.init.xavier_uniform_(self.q.weight)"), LOST, "torch.nn.init.xavier_uniform_"),
    "imported init": (HEAD + "from torch.nn import init\ninit.ones_(w)\n", LOST, "torch.nn.init.ones_"),
    "Identity": (head("self.i = nn.Identity()"), LOST, "torch.nn.Identity"),
    "ModuleList": (head("self.h = nn.ModuleList([nn.Linear(2, 3)])"), LOST, "torch.nn.ModuleList"),
    "Sequential by its file": (head("nn.modules.container.Sequential()"), LOST, "torch.nn.Sequential"),
    "LayerNorm": (head("self.n = nn.LayerNorm(3)"), LOST, "torch.nn.LayerNorm"),
    "utils": (head("nn.utils.clip_grad_norm_(self.parameters(), 1)"), LOST, "torch.nn.utils.clip_grad_norm_"),
    "a name that no torch has": (head("nn.Lineer(3, 4)"), LOST, "torch.nn.Lineer"),
    "subclass": ("from torch import nn\nclass A(nn.Bilinear):\n    pass\n", LOST, "torch.nn.Bilinear"),
    "decorator": (head(before="@nn.Identity\ndef f(): pass\n"), LOST, "torch.nn.Identity"),
    "default argument": (head(before="def f(x, act=F.relu):\n    return act(x)\n"), LOST, "torch.nn.functional.relu"),
    "in a lambda": (head("self.act = lambda x: F.gelu(x)"), LOST, "torch.nn.functional.gelu"),
    "in a comprehension": (head("[nn.ReLU() for _ in range(3)]"), LOST, "torch.nn.ReLU"),
    "in an f-string": (head(forward="print(f'{F.softmax(x, -1)}')"), LOST, SOFTMAX),
    "in a helper": (head(before="def soft(x):\n    return F.softmax(x, -1)\n"), LOST, SOFTMAX),
    "lazy import": (
        head(forward="from torch.nn.functional import softmax\n        return softmax(x, -1)"),
        LOST,
        SOFTMAX,
    ),
    "bound in a comprehension of an annotation": (
        head(before="def f(x: [1 for nn.a in [F.softmax]]): pass\n"),
        LOST,
        SOFTMAX,
    ),
    "under TYPE_CHECKING, in a class": (
        "import typing\nfrom torch import nn\nif typing.TYPE_CHECKING:\n    class A(nn.Bilinear):\n        pass\n",
        LOST,
        "torch.nn.Bilinear",
    ),
    "called in an annotation": (head(before="def f(x: nn.Identity()): pass\n"), LOST, "torch.nn.Identity"),
    # imported and renamed
    "from import as": ("from torch.nn import Parameter as P\nw = P(x)\n", LOST, "torch.nn.Parameter"),
    "from functional import": ("from torch.nn.functional import softmax\ny = softmax(x)\n", LOST, SOFTMAX),
    "import as": ("import torch.nn.functional as fun\ny = fun.softmax(x)\n", LOST, SOFTMAX),
    "import torch as": ("import torch as t\ny = t.nn.functional.softmax(x)\n", LOST, SOFTMAX),
    "import torch.nn.functional": ("import torch.nn.functional\ny = torch.nn.functional.softmax(x)\n", LOST, SOFTMAX),
    "star of functional": ("from torch.nn.functional import *\ny = softmax(x)\n", LOST, SOFTMAX),
    "star of nn": ("from torch.nn import *\nw = Parameter(x)\n", LOST, "torch.nn.Parameter"),
    "stars of torch, then functional": (
        "from torch import *\nfrom torch.nn.functional import *\ny = softmax(x)\n",
        LOST,
        SOFTMAX,
    ),
    "star of nn brings functional": ("from torch.nn import *\ny = functional.softmax(x)\n", LOST, SOFTMAX),
    "star then harmless star": (
        "from torch.nn import *\nfrom math import *\nw = Parameter(x)\n",
        LOST,
        "torch.nn.Parameter",
    ),
    "import in try": (
        "try:\n    import torch.nn.functional as F\nexcept ImportError:\n    F = None\ny = F.softmax(x)\n",
        LOST,
        SOFTMAX,
    ),
    "own switch called TYPE_CHECKING": (
        HEAD + "TYPE_CHECKING = True\nif TYPE_CHECKING:\n    y = F.gelu(x)\n",
        LOST,
        "torch.nn.functional.gelu",
    ),
    # aliases
    "alias at the top": (head(before="P = nn.Parameter\n", init="self.w = P(x)"), LOST, "torch.nn.Parameter"),
    "alias of the module": (head(before="m = nn\n", init="self.w = m.Parameter(x)"), LOST, "torch.nn.Parameter"),
    "local alias": (head(forward="G = nn.functional\n        return G.softmax(x, -1)"), LOST, SOFTMAX),
    "tuple alias": (head(before="L, P = nn.Linear, nn.Parameter\n", init="P(x)"), LOST, "torch.nn.Parameter"),
    "nested tuple alias": (head(before="a, (b, c) = 1, (nn, F)\n", forward="return c.softmax(x)"), LOST, SOFTMAX),
    "walrus": (head(forward="return (G := F).softmax(x, -1)"), LOST, SOFTMAX),
    "walrus, later": (head(forward="print(G := F)\n        return G.softmax(x, -1)"), LOST, SOFTMAX),
    "self.F": (head("self.F = F", "return self.F.softmax(x, -1)"), LOST, SOFTMAX),
    "self through setattr": (head("setattr(self, 'G', F)", "return self.G.softmax(x, -1)"), LOST, SOFTMAX),
    "class attribute": (
        "from torch import nn\nclass A(nn.Module):\n    lib = nn.functional\n    def forward(self, x):\n        return self.lib.softmax(x)\n",
        LOST,
        SOFTMAX,
    ),
    "inherited class attribute": (
        "from torch import nn\nclass B:\n    lib = nn.functional\nclass A(B):\n    def f(self, x):\n        return self.lib.softmax(x)\n",
        LOST,
        SOFTMAX,
    ),
    "default argument module": (head(before="def f(x, G=F):\n    return G.softmax(x)\n"), LOST, SOFTMAX),
    "argument": (head(before="def f(G, x):\n    return G.softmax(x)\n", forward="return f(F, x)"), LOST, SOFTMAX),
    "argument of a method": (
        head("self.act(F)", "pass\n    def act(self, G):\n        return G.softmax(1)"),
        LOST,
        SOFTMAX,
    ),
    "returned": (
        head(before="def lib():\n    return nn.functional\n", forward="return lib().softmax(x)"),
        LOST,
        SOFTMAX,
    ),
    "returned by a lambda": (head(before="lib = lambda: nn\n", init="lib().Parameter(x)"), LOST, "torch.nn.Parameter"),
    "dict": (head(before="D = {'f': F, 'n': 3}\n", forward="return D['f'].softmax(x)"), LOST, SOFTMAX),
    "dict of things": (head(before="D = dict(p=nn.Parameter)\n", init="D['p'](x)"), LOST, "torch.nn.Parameter"),
    "dict item set": (head(before="D = {}\nD['f'] = F\n", forward="return D['f'].softmax(x)"), LOST, SOFTMAX),
    "list": (head(before="M = [torch, F]\n", forward="return M[1].softmax(x)"), LOST, SOFTMAX),
    "namespace": (
        head(before="from types import SimpleNamespace as S\ns = S(f=F)\n", forward="return s.f.softmax(x)"),
        LOST,
        SOFTMAX,
    ),
    "for over a tuple": (head("for lib in (nn,):\n            lib.Parameter(x)"), LOST, "torch.nn.Parameter"),
    "for over a comprehension": (head("[m.Parameter for m in [nn]]"), LOST, "torch.nn.Parameter"),
    "conditional": (head(forward="return (F if self.training else F).softmax(x)"), LOST, SOFTMAX),
    "or": (head(forward="return (None or F).softmax(x)"), LOST, SOFTMAX),
    "partial": (
        head(before="import functools\nP = functools.partial(nn.Parameter)\n", init="P(x)"),
        LOST,
        "torch.nn.Parameter",
    ),
    "global": (head(before="def f():\n    global G\n    G = F\n", forward="return G.softmax(x)"), LOST, SOFTMAX),
    "kept under its own name in a class": (
        head(before="class Tools:\n    F = F\n", forward="return Tools.F.softmax(x, -1)"),
        LOST,
        SOFTMAX,
    ),
    "rebound to itself": (head(before="F = F\n", forward="return F.softmax(x)"), LOST, SOFTMAX),
    "through torch's own imports": ("import torch\ny = torch.functional.F.softmax(x)\n", LOST, SOFTMAX),
    "through torchvision's import": (
        "import torchvision as tv\np = tv.ops.misc.nn.Parameter(x)\n",
        LOST,
        "torch.nn.Parameter",
    ),
    "through functional's torch": (head(forward="return F.torch.nn.Parameter"), LOST, "torch.nn.Parameter"),
    # by quoted names
    "getattr": (head(forward="return getattr(F, 'softmax')(x)"), LOST, SOFTMAX),
    "getattr twice": (head(forward="return getattr(getattr(torch, 'nn'), 'Parameter')"), LOST, "torch.nn.Parameter"),
    "vars": (head(forward="return vars(nn)['Parameter']"), LOST, "torch.nn.Parameter"),
    "__dict__": (head(forward="return nn.__dict__['Parameter']"), LOST, "torch.nn.Parameter"),
    "__dict__.get": (head(forward="return nn.__dict__.get('Parameter')"), LOST, "torch.nn.Parameter"),
    "sys.modules": (
        head(before="import sys\n", forward="return sys.modules['torch.nn'].Parameter"),
        LOST,
        "torch.nn.Parameter",
    ),
    "torch's own sys": ("import torch\np = torch.sys.modules['torch.nn'].Parameter(x)\n", LOST, "torch.nn.Parameter"),
    "import_module": (
        "import importlib\ny = importlib.import_module('torch.nn.functional').softmax(x)\n",
        LOST,
        SOFTMAX,
    ),
    "__import__": ("y = __import__('torch').nn.functional.softmax(x)\n", LOST, SOFTMAX),
    "__import__ with a list": ("y = __import__('torch.nn', fromlist=['x']).Parameter(x)\n", LOST, "torch.nn.Parameter"),
    "__getattribute__": (head(forward="return nn.__getattribute__('Parameter')"), LOST, "torch.nn.Parameter"),
    "itemgetter": (
        head(before="from operator import itemgetter\n", forward="return itemgetter('Parameter')(vars(nn))"),
        LOST,
        "torch.nn.Parameter",
    ),
    # ready-made
    "MultiheadAttention": (head("self.a = nn.MultiheadAttention(4, 1)"), GONE, MHA),
    "MultiheadAttention from its file": (
        "from torch.nn.modules.activation import MultiheadAttention as M\nM(4, 1)\n",
        GONE,
        MHA,
    ),
    "MultiheadAttention by star": ("from torch.nn import *\nM = MultiheadAttention(4, 1)\n", GONE, MHA),
    "subclass of MultiheadAttention": ("from torch import nn\nclass A(nn.MultiheadAttention):\n    pass\n", GONE, MHA),
    "scaled_dot_product_attention": (head(forward="return F.scaled_dot_product_attention(x, x, x)"), GONE, SDPA),
    "multi_head_attention_forward": (
        head(forward="return F.multi_head_attention_forward(x)"),
        GONE,
        "torch.nn.functional.multi_head_attention_forward",
    ),
    "TransformerEncoder": (head("nn.TransformerEncoder(None, 1)"), GONE, "torch.nn.TransformerEncoder"),
    "Transformer": ("from torch.nn import Transformer\nt = Transformer()\n", GONE, "torch.nn.Transformer"),
    "nn.attention": (
        "from torch.nn.attention.flex_attention import flex_attention\ny = flex_attention(q, k, v)\n",
        GONE,
        "torch.nn.attention.flex_attention",
    ),
    "torch._C._nn": (
        head(forward="return torch._C._nn.scaled_dot_product_attention(x, x, x)"),
        GONE,
        "torch._C._nn.scaled_dot_product_attention",
    ),
    "torch.ops": (
        head(forward="return torch.ops.aten.scaled_dot_product_attention.default(x, x, x)"),
        GONE,
        "torch.ops.aten.scaled_dot_product_attention",
    ),
    "private in torch": (
        head(forward="return torch._native_multi_head_attention(x)"),
        GONE,
        "torch._native_multi_head_attention",
    ),
    "fused choice": (head(forward="return torch._fused_sdp_choice(x)"), GONE, "torch._fused_sdp_choice"),
    "encoder forward": (
        head(forward="return torch._transformer_encoder_layer_fwd(x)"),
        GONE,
        "torch._transformer_encoder_layer_fwd",
    ),
    "private math attention": (
        head(forward="return torch._scaled_dot_product_attention_math(x, x, x)"),
        GONE,
        "torch._scaled_dot_product_attention_math",
    ),
    "dispatcher": (
        head(forward="return torch._C._jit_get_operation('aten::_flash_attention_forward')"),
        GONE,
        "torch.ops.aten._flash_attention_forward",
    ),
    "xformers": (
        "import xformers.ops as xo\ny = xo.memory_efficient_attention(q, k, v)\n",
        GONE,
        "xformers.ops.memory_efficient_attention",
    ),
    "transformers": ("from transformers import ViTModel\nm = ViTModel(c)\n", GONE, "transformers.ViTModel"),
    "timm": (
        "import timm\na = timm.models.vision_transformer.Attention(8)\n",
        GONE,
        "timm.models.vision_transformer.Attention",
    ),
    "vit_pytorch": ("from vit_pytorch import ViT as V\nv = V()\n", GONE, "vit_pytorch.ViT"),
    "torchvision": (
        "from torchvision.models.vision_transformer import EncoderBlock\nb = EncoderBlock()\n",
        GONE,
        "torchvision.models.vision_transformer.EncoderBlock",
    ),
    "keras": (
        "from tensorflow import keras\nm = keras.layers.MultiHeadAttention(1, 2)\n",
        GONE,
        "tensorflow.keras.layers.MultiHeadAttention",
    ),
    "jax": ("import jax\ny = jax.nn.dot_product_attention(q, k, v)\n", GONE, "jax.nn.dot_product_attention"),
    "dict of ready-made": (head(before="D = {'a': nn.MultiheadAttention}\n", init="D['a'](4, 1)"), GONE, MHA),
    "with a fallback": (
        "try:\n    from torch.nn.functional import scaled_dot_product_attention as a\n"
        "except ImportError:\n    def a(q, k, v):\n        return q\ny = a(q, k, v)\n",
        GONE,
        SDPA,
    ),
    "one of two aliases": (
        head(before="if x:\n    A = nn.MultiheadAttention\nelse:\n    A = Mine\n", init="A(4)"),
        GONE,
        MHA,
    ),
    "match": (
        head(forward="match nn:\n            case object(MultiheadAttention=m):\n                return m(4, 1)"),
        GONE,
        MHA,
    ),
    # ready-made by names put together
    "sum of strings": (head("getattr(nn, 'Multi' + 'headAtt' + 'ention')"), GONE, MHA),
    "f-string": (head("a = 'head'; getattr(nn, f'Multi{a}Attention')"), GONE, MHA),
    "join": (head("getattr(nn, ''.join(['Multihead', 'Attention']))"), GONE, MHA),
    "format": (head("getattr(nn, '{}head{}'.format('Multi', 'Attention'))"), GONE, MHA),
    "percent": (head("getattr(nn, '%shead%s' % ('Multi', 'Attention'))"), GONE, MHA),
    "replace": (head("getattr(nn, 'MultixAttention'.replace('x', 'head'))"), GONE, MHA),
    "reversed": (head("getattr(nn, 'noitnettAdaehitluM'[::-1])"), GONE, MHA),
    "chr": (head("getattr(nn, chr(77) + 'ultiheadAttention')"), GONE, MHA),
    "joined chr": (
        head("getattr(nn, ''.join(chr(c) for c in " + str([ord(c) for c in "MultiheadAttention"]) + "))"),
        GONE,
        MHA,
    ),
    "mapped chr": (
        head("getattr(nn, ''.join(map(chr, " + str([ord(c) for c in "MultiheadAttention"]) + ")))"),
        GONE,
        MHA,
    ),
    "bytes": (head("getattr(nn, bytes(" + str(list(b"MultiheadAttention")) + ").decode())"), GONE, MHA),
    "name in a variable": (head(before="NAME = 'Multihead' + 'Attention'\n", init="getattr(nn, NAME)"), GONE, MHA),
    "name in a loop": (head("for n in ('Linear', 'MultiheadAttention'):\n            getattr(nn, n)"), GONE, MHA),
    "rot13": (
        head(before="import codecs\n", init="getattr(nn, codecs.decode('ZhygvurnqNggragvba', 'rot13'))"),
        GONE,
        MHA,
    ),
    "attrgetter": (
        head(
            before="import operator\n", init="operator.attrgetter('functional.scaled_dot_product_attention')(torch.nn)"
        ),
        GONE,
        SDPA,
    ),
    "attrgetter kept": (
        head(before="import operator as o\ng = o.attrgetter('Multihead' + 'Attention')\n", init="g(nn)"),
        GONE,
        MHA,
    ),
    "exec": (head("exec('a = nn.MultiheadAttention(4, 1)')"), GONE, MHA),
    "eval": (head("eval('nn.' + 'MultiheadAttention')(4, 1)"), GONE, MHA),
    "exec of base64": (head(before="import base64\n", init=f"exec(base64.b64decode('{_CODED}'))"), GONE, MHA),
    "exec in exec": (head("exec('exec(\"nn.MultiheadAttention\")')"), GONE, MHA),
    "pickle": (head(before="import pickle\n", init=f"pickle.loads({_PICKLED!r})"), GONE, MHA),
    "sys.modules and getattr": (
        head(before="import sys\n", init="getattr(sys.modules['torch' + '.nn'], 'Multihead' 'Attention')"),
        GONE,
        MHA,
    ),
    "globals": (head("globals()['nn'].MultiheadAttention"), GONE, MHA),
    "walrus in an annotation": (
        head(before="def f(x: (M := nn.MultiheadAttention)): pass\n", init="M(4, 1)"),
        GONE,
        MHA,
    ),
}

FLAGGED_4A: dict[str, tuple[str, str]] = {
    "exec": (head("exec(input())"), "exec"),
    "eval": (head("eval(x)"), "eval"),
    "compile": (head("compile(x, '', 'exec')"), "compile"),
    "__import__": (head("__import__(x)"), "__import__"),
    "import_module": (head("importlib.import_module(x)", before="import importlib\n"), "importlib.import_module"),
    "getattr computed": (head("getattr(nn, x)"), "getattr on torch.nn"),
    "getattr put together": (head("getattr(nn, 'Multihead' + 'Attention')"), "getattr on torch.nn"),
    "getattr quoted, forbidden": (head("getattr(nn, 'Parameter')"), "getattr"),
    "hasattr of ready-made": (
        head("hasattr(F, 'scaled_dot_product_attention')"),
        "hasattr of scaled_dot_product_attention",
    ),
    "getattr of a dunder": (head("getattr(x, '__' + 'globals__')"), "getattr of __globals__"),
    "getattr handed on": (head("list(map(getattr, [nn], x))"), "getattr handed on"),
    "nn handed on": (head(before="from helpers import pick\n", init="pick(nn)"), "torch.nn handed on"),
    "nn in a literal": (head("list((nn,))[0].Module"), "torch.nn handed on"),
    "nn in an unknown table": (head("self.__dict__['m'] = nn"), "torch.nn handed on"),
    "nn yielded": (head(before="def g():\n    yield nn\n"), "torch.nn handed on"),
    "pydoc": (head("pydoc.locate(x)", before="import pydoc\n"), "pydoc.locate"),
    "attrgetter computed": (head(before="import operator\n", init="operator.attrgetter(x)(nn)"), "operator.attrgetter"),
    "__subclasses__": (head("nn.Module.__subclasses__()"), "__subclasses__"),
    "__mro__": (head("type(x).__mro__"), "__mro__"),
    "mro()": (head("type(x).mro()"), "mro"),
    "__bases__": (head("type(x).__bases__"), "__bases__"),
    "__globals__": (head("nn.Linear.forward.__globals__"), "__globals__"),
    "__code__": (head("self.forward.__code__"), "__code__"),
    "__annotations__": (head("self.forward.__annotations__"), "__annotations__"),
    "__builtins__": (head("__builtins__"), "__builtins__"),
    "__dict__ of nn": (head("d = nn.__dict__"), "__dict__ of torch.nn"),
    "vars of nn": (head("d = vars(nn)"), "vars() of torch.nn"),
    "globals": (head("g = globals()"), "globals"),
    "locals subscript": (head("locals()['x']"), "locals()[...]"),
    "vars subscript": (head("vars()['x']"), "vars()[...]"),
    "locals get": (head("locals().get('x')"), "locals()[...]"),
    "sys.modules": (head("sys.modules", before="import sys\n"), "sys.modules"),
    "sys._getframe": (head("sys._getframe(1)", before="import sys\n"), "sys._getframe"),
    "frames": (head("x.f_back"), "f_back"),
    "inspect": (head("inspect.stack()", before="import inspect\n"), "inspect.stack"),
    "gc": (head("get_objects()", before="from gc import get_objects\n"), "gc.get_objects"),
    "ctypes": (head("ctypes.CDLL(None)", before="import ctypes\n"), "ctypes.CDLL"),
    "marshal": (head("marshal.loads(b'')", before="import marshal\n"), "marshal.loads"),
    "pickle": (head("pickle.loads(x)", before="import pickle\n"), "pickle.loads"),
    "base64": (head("base64.b64decode(x)", before="import base64\n"), "base64.b64decode"),
    "codecs": (head("codecs.decode(x)", before="import codecs\n"), "codecs.decode"),
    "FunctionType": (head("types.FunctionType(x, {})", before="import types\n"), "types.FunctionType"),
    "CodeType": (head("CodeType()", before="from types import CodeType\n"), "types.CodeType"),
    "torch._C": (head("torch._C.DisableTorchFunction()"), "torch._C"),
    "torch.ops": (head("torch.ops.aten.add(x, x)"), "torch.ops"),
    "torch.overrides": (head("torch.overrides.get_overridable_functions()"), "torch.overrides"),
    "python dispatch": (
        head("m.TorchDispatchMode", before="import torch.utils._python_dispatch as m\n"),
        "torch.utils._python_dispatch",
    ),
    "torch.library": (head("torch.library.Library('aten', 'IMPL')"), "torch.library"),
    "torch.jit internals": (head("torch.jit._state.enable()"), "torch.jit._state"),
    "os": (head("os.environ['HOME']", before="import os\n"), "os.environ"),
    "subprocess": (head("run(['ls'])", before="from subprocess import run\n"), "subprocess.run"),
    "socket": (head("socket.socket()", before="import socket\n"), "socket.socket"),
    "signal": (head("signal.alarm(0)", before="import signal\n"), "signal.alarm"),
    "threading": (head("threading.Thread()", before="import threading\n"), "threading.Thread"),
    "multiprocessing": (head("mp.Process()", before="import multiprocessing as mp\n"), "multiprocessing.Process"),
    "open": (head("open('x')"), "open"),
    "patched torch": (head("torch.softmax = None"), "patching of torch.softmax"),
    "patched builtins": (head("builtins.len = None", before="import builtins\n"), "patching of builtins.len"),
    "patched json": (head("json.dumps = None", before="import json\n"), "patching of json.dumps"),
    "patched class": (head("nn.Linear.forward = None"), "patching of torch.nn.Linear.forward"),
    "patched by setattr": (head("setattr(torch, 'softmax', None)"), "setattr on torch"),
    "deleted": (head("del torch.softmax"), "patching of torch.softmax"),
    "tensor subclass": ("import torch\nclass T(torch.Tensor):\n    pass\n", "subclass of torch.Tensor"),
    "own gradient": (
        "import torch\nclass G(torch.autograd.Function):\n    pass\n",
        "subclass of torch.autograd.Function",
    ),
    "__torch_function__": ("class T:\n    def __torch_function__(self):\n        pass\n", "__torch_function__"),
    "metaclass": ("class T(metaclass=type):\n    pass\n", "metaclass"),
    "made class": (head("type('X', (nn.Linear,), {})"), "type() with three arguments"),
    "as_subclass": (head("x.as_subclass(T)"), "as_subclass"),
    "package of models": ("import timm\nd = timm.layers.DropPath(0.1)\n", "timm.layers.DropPath"),
    "unknown package": ("from lib import SelfAttention\na = SelfAttention(3)\n", "lib.SelfAttention"),
    # what cannot be told is shown to a person, and costs nothing
    "doubtful module": (
        head(before="F = load()\nimport torch.nn.functional as F\nF = load()\n", forward="return F.softmax(x)"),
        SOFTMAX,
    ),
    "two imports under one name": (head(before="import numpy as F\n", forward="return F.softmax(x)"), SOFTMAX),
    "doubtful argument": (
        head(before="def f(m):\n    return m.softmax(1)\n", forward="return f(x) if x else f(F)"),
        SOFTMAX,
    ),
    "star after star": ("from torch.nn.functional import *\nfrom lib import *\ny = softmax(x)\n", SOFTMAX),
    "doubtful ready-made": (
        head(before="def f(m):\n    return m.MultiheadAttention\n", forward="return f(x) if x else f(nn)"),
        MHA,
    ),
}

# 4(b) may use all of nn but ready-made attention and encoders.
FOUND_4B = {
    "encoder layer": (head("nn.TransformerEncoderLayer(4, 1)"), "torch.nn.TransformerEncoderLayer"),
    "attention": (head("self.a = nn.MultiheadAttention(4, 1)"), MHA),
    "product attention": (head(forward="return F.scaled_dot_product_attention(x, x, x)"), SDPA),
    "decoder": (
        head(before="from torch.nn import TransformerDecoder as D\n", init="D(None, 1)"),
        "torch.nn.TransformerDecoder",
    ),
}


@pytest.mark.parametrize("name", FOUND_4A)
def test_a_forbidden_use_is_found_with_its_severity_and_canonical_name(name: str) -> None:
    text, severity, construct = FOUND_4A[name]
    found = {(finding.severity, finding.construct) for finding in check(program(text)) if finding.severity is not FLAG}
    assert found == {(severity, construct)}


@pytest.mark.parametrize("name", FLAGGED_4A)
def test_what_reading_cannot_follow_is_flagged(name: str) -> None:
    text, construct = FLAGGED_4A[name]
    assert construct in {finding.construct for finding in check(program(text)) if finding.severity is FLAG}


@pytest.mark.parametrize("name", [name for name in FLAGGED_4A if "getattr" not in name and name != "made class"])
def test_a_flag_alone_costs_nothing_in_4b(name: str) -> None:
    assert {finding.severity for finding in check(program(FLAGGED_4A[name][0], "4b"))} <= {FLAG}


@pytest.mark.parametrize("name", FOUND_4B)
def test_ready_made_attention_is_found_in_4b(name: str) -> None:
    text, construct = FOUND_4B[name]
    assert [(f.rule, f.severity, f.construct) for f in check(program(text, "4b"))] == [("ready-made", GONE, construct)]


@pytest.mark.parametrize("name", [name for name, row in FOUND_4A.items() if row[1] is LOST])
def test_what_4a_does_not_allow_of_nn_is_fine_in_4b(name: str) -> None:
    assert {finding.severity for finding in check(program(FOUND_4A[name][0], "4b"))} <= {FLAG}


@pytest.mark.parametrize("name", ["sum of strings", "reversed", "attrgetter kept", "exec", "pickle", "globals", "chr"])
def test_a_trick_that_is_seen_through_is_reported_and_flagged(name: str) -> None:
    assert {finding.severity for finding in check(program(FOUND_4A[name][0]))} == {GONE, FLAG}


def test_a_pickle_of_any_protocol_is_read_without_being_loaded() -> None:
    data = pickle.dumps(ast.NodeVisitor, protocol=4).replace(b"\x8c\x03ast", b"\x8c\x08torch.nn")
    data = data.replace(b"\x8c\x0bNodeVisitor", b"\x8c\x12MultiheadAttention")
    found = check(program(head(before="import pickle\n", init=f"pickle.loads({data!r})")))
    assert (GONE, MHA) in {(finding.severity, finding.construct) for finding in found}


def test_the_tables_of_findings_are_large_enough_to_mean_something() -> None:
    assert len(FOUND_4A) + len(FLAGGED_4A) + len(FOUND_4B) >= 80
