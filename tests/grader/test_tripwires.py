"""Ready-made attention is noticed when it runs, whatever hides it from the text; nothing else changes by the wires.

Each program below runs in a real child. What a tripped wire costs is tried in test_run_time.py.
"""

import subprocess
import sys
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import autograder
from autograder.core.records import Limits
from autograder.sandbox import zygote
from autograder.sandbox.room import Ended, Room
from tests.grader.attention_styles import ATTENTIONS
from tests.grader.encoder_styles import ENCODERS
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS
from tests.grader.pace import patience

pytestmark = [pytest.mark.slow, pytest.mark.boxed]
LIMITS = Limits(seconds=patience(5), memory_mb=512)
SDPA, MHA = "torch.nn.functional.scaled_dot_product_attention", "torch.nn.MultiheadAttention"
LAYER = "torch.nn.TransformerEncoderLayer"
FORWARD = "torch.nn.functional.multi_head_attention_forward"


@pytest.fixture(scope="module")
def nursery() -> Iterator[zygote.Zygote]:
    zygote.warm_up()
    with warnings.catch_warnings():  # the children inherit pytest's, by which each is an error
        warnings.simplefilter("ignore")
        handle = zygote.start(LIMITS)
    yield handle
    handle.close()


def ran(nursery: zygote.Zygote, text: str, name: str = "", **kwargs: object) -> set[str]:
    """What trips while the program runs, and its class (if named) is built and goes forward."""
    with Room(nursery, LIMITS) as room:
        given = ["Attention", "ViT"] + ["SingleHeadAttention"] * (name == "ViTLayer")
        room.ask("start", {"text": IMPORTS + text, "class_name": name or "x", "given": given, "probe_seed": 0})
        if name:
            room.ask("build", {"kwargs": kwargs, "seed": 1})
            room.ask("forward", {"train": False, "grad": False, "seed": 1}, [torch.ones(2, 5, 8)])
    return room.tripped


HONEST = {
    "a function of one's own with that name": "def scaled_dot_product_attention(q, k, v): return (q @ k.mT).softmax(-1) @ v\nx = torch.ones(2, 3, 4)\nscaled_dot_product_attention(x, x, x)",
    "a class of one's own with that name": "class MultiheadAttention(nn.Module):\n    def forward(self, x): return x\nMultiheadAttention()(1)",
    "only named": "kind, function = nn.MultiheadAttention, F.scaled_dot_product_attention\nassert issubclass(kind, nn.Module)",
    "other things of nn": "x = torch.ones(2, 3, 4)\nnn.Sequential(nn.LayerNorm(4), nn.Linear(4, 4), nn.GELU(), nn.Softmax(-1))(x)\nF.softmax(x, -1)",
}


@pytest.mark.parametrize("what", HONEST)
def test_what_merely_reads_like_attention_does_not_trip(nursery: zygote.Zygote, what: str) -> None:
    assert ran(nursery, HONEST[what]) == set()


def test_no_honest_style_trips(nursery: zygote.Zygote) -> None:
    for text in (ATTENTION | ATTENTIONS).values():
        assert ran(nursery, text, "SingleHeadAttention", input_dim=8, inner_dim=4) == set(), text
    for text in (LAYERS | ENCODERS).values():
        sizes = {"dim": 8, "heads": 2, "dim_head": 4, "mlp_dim": 16, "dropout": 0.0}
        assert ran(nursery, text, "ViTLayer", **sizes) == set(), text


NOT_BEFORE_2_5 = ("flex_attention", "a graph as text")

# Ways to ready-made attention that a reader of the text may miss. q is (2, 1, 5, 8), x is (2, 5, 8).
USES = {
    "torch._C._nn": ("torch._C._nn.scaled_dot_product_attention(q, q, q)", SDPA),
    "torch.ops, one overload": ("torch.ops.aten.scaled_dot_product_attention.default(q, q, q)", SDPA),
    "an operator by its schema": ("torch._C._jit_get_operation('aten::scaled_dot_product_attention')[0](q, q, q)", SDPA),
    "by dispatch key": ("import torch._C as c\ntorch.ops.aten.scaled_dot_product_attention.default.redispatch(c.DispatchKeySet(c.DispatchKey.CPU), q, q, q)", SDPA),
    "the plain kernel": ("torch.ops.aten._scaled_dot_product_attention_math(q, q, q)", "torch.ops.aten._scaled_dot_product_attention_math"),
    "the fused kernel": ("torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, q, q)", "torch.ops.aten._scaled_dot_product_flash_attention_for_cpu"),
    "the fused kernel in inference mode": ("with torch.inference_mode(): torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, q, q)", "torch.ops.aten._scaled_dot_product_flash_attention_for_cpu"),
    "in another thread": ("import threading\nt = threading.Thread(target=F.scaled_dot_product_attention, args=(q, q, q))\nt.start(); t.join()", SDPA),
    "inference mode": ("with torch.inference_mode(): F.scaled_dot_product_attention(q, q, q)", SDPA),
    "below autograd, torch function off": ("with torch._C._AutoDispatchBelowAutograd(), torch._C.DisableTorchFunction(): F.scaled_dot_product_attention(q, q, q)", SDPA),
    "vmap": ("torch.vmap(F.scaled_dot_product_attention)(q, q, q)", SDPA),
    "functionalize": ("torch.func.functionalize(F.scaled_dot_product_attention)(q, q, q)", SDPA),
    "scripted": ("def f(q):\n    return torch.nn.functional.scaled_dot_product_attention(q, q, q)\ntorch.jit.script(f)(q)", SDPA),
    "traced": ("torch.jit.trace(lambda q: F.scaled_dot_product_attention(q, q, q), (q,))(q)", SDPA),
    "a graph as text": ("g = '''graph(%q : Tensor):\\n  %n : NoneType = prim::Constant()\\n  %p : float = prim::Constant[value=0.]()\\n  %c : bool = prim::Constant[value=0]()\\n  %r : Tensor = aten::scaled_dot_product_attention(%q, %q, %q, %n, %p, %c, %n, %c)\\n  return (%r)'''\ntorch._C._create_function_from_graph('f', torch._C.parse_ir(g))(q)", SDPA),
    "flex_attention": ("from torch.nn.attention.flex_attention import flex_attention\nflex_attention(q, q, q)", "torch.nn.attention.flex_attention.flex_attention"),
    "among a class's relatives": ("[c for c in nn.Module.__subclasses__() if len(c.__name__) == 18 and c.__name__[0] == 'M'][0](8, 1)", MHA),
    "among all objects": ("import gc, sys\n[o for o in gc.get_referents(vars(sys.modules['torch.nn.modules.activation'])) if isinstance(o, type) and o.__name__.startswith('MultiheadA')][0](8, 1)", MHA),
    "by sys.modules": ("import sys\nvars(sys.modules['torch.nn.modules.activation'])['Multihead' + 'Attention'](8, 1)", MHA),
    "a copy of the class": ("import copy\ncopy.deepcopy(nn.MultiheadAttention)(8, 1)", MHA),
    "a subclass": ("class M(nn.MultiheadAttention):\n    def __init__(self): super().__init__(8, 1)\nM()", MHA),
    "its forward, with a self made by hand": ("m = nn.MultiheadAttention.__new__(nn.MultiheadAttention)\nnn.Module.__init__(m)\ntry: nn.MultiheadAttention.forward(m, x, x, x)\nexcept AttributeError: pass", MHA),
    "a layer around attention of one's own": ("l = nn.TransformerEncoderLayer.__new__(nn.TransformerEncoderLayer)\nnn.Module.__init__(l)\ntry: l(x)\nexcept AttributeError: pass", LAYER),
    "a layer's blocks in an heir with an __init__ of its own": ("class T(nn.TransformerEncoderLayer):\n    def __init__(self): nn.Module.__init__(self)\ntry: T()._ff_block(x)\nexcept AttributeError: pass\ntry: T()._sa_block(x, None, None)\nexcept AttributeError: pass", LAYER),
    "the function behind the module": ("w = torch.randn(24, 8)\nF.multi_head_attention_forward(x, x, x, 8, 1, w, None, None, None, False, 0., torch.eye(8), None)", FORWARD),
    "the module in one call": ("w, b, o = torch.randn(24, 8), torch.zeros(24), torch.eye(8)\ntorch._native_multi_head_attention(x, x, x, 8, 1, w, b, o, torch.zeros(8))", "torch._native_multi_head_attention"),
    "a quantizable variant": ("import torch.ao.nn.quantizable as n\nn.MultiheadAttention(8, 1)", MHA),
    "a decoder": ("nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 1), 1)", "torch.nn.TransformerDecoder"),
}  # fmt: skip


@pytest.mark.parametrize("how", USES)
def test_a_hidden_use_trips(nursery: zygote.Zygote, how: str) -> None:
    text, name = USES[how]
    if how in NOT_BEFORE_2_5 and not find_spec("torch.nn.attention.flex_attention"):
        pytest.skip("this torch has no such way")
    assert name in ran(nursery, f"q, x = torch.randn(2, 1, 5, 8), torch.randn(2, 5, 8)\n{text}")


def test_what_ran_before_an_error_is_told_with_the_error(nursery: zygote.Zygote) -> None:
    with pytest.raises(Ended), Room(nursery, LIMITS) as room:
        text = "from torch import nn\nnn.MultiheadAttention(8, 1)\n1 / 0"
        room.ask("start", {"text": text, "class_name": "x", "given": [], "probe_seed": 0})
    assert room.tripped == {MHA}


# --- nothing else changes ---------------------------------------------------------------------------------------------

ANSWERS = """
class C(nn.Module):
    def __init__(self):
        super().__init__()
        self.mask = torch.tensor([[True, False, True, True, True]] * 5)
        torch.manual_seed(3)
        self.layer = nn.TransformerEncoderLayer(8, 2, batch_first=True)

    def forward(self, x):
        q = x[:, None]
        kinds = [dict(), dict(is_causal=True), dict(attn_mask=self.mask), dict(attn_mask=self.mask.double().to(q.dtype)), dict(scale=.3)]
        plain = sum(F.scaled_dot_product_attention(q, q, q, **kind) for kind in kinds)[:, 0]
        return torch.cat([plain, self.layer(x)], dim=-1)
"""


@pytest.mark.parametrize("grad", [False, True])
def test_what_is_watched_answers_as_before_gradients_included(nursery: zygote.Zygote, grad: bool) -> None:
    names: dict[str, type[nn.Module]] = {}
    exec(IMPORTS + ANSWERS, names)  # in this process, with torch as it is
    module = names["C"]().eval()
    x, cotangent = torch.randn(2, 5, 8), torch.randn(2, 5, 16)
    with Room(nursery, LIMITS) as room:
        room.ask("start", {"text": IMPORTS + ANSWERS, "class_name": "C", "given": [], "probe_seed": 0})
        room.ask("build", {"kwargs": {}, "seed": 1})
        fields = {"train": False, "grad": grad, "seed": 1}
        reply, answered = room.ask("forward", fields, [x, cotangent] if grad else [x])
    x.requires_grad_(grad)
    with torch.set_grad_enabled(grad):
        expected = module(x)
    torch.testing.assert_close(answered[0], expected.detach())
    if grad:
        (expected * cotangent).sum().backward()
        assert reply.names[0] == "" and x.grad is not None
        torch.testing.assert_close(answered[1], x.grad)


SEEN = """
import copy, inspect, pickle
m = nn.MultiheadAttention(8, 2)
assert repr(m).startswith("MultiheadAttention(") and type(m) is nn.MultiheadAttention and isinstance(m, nn.Module)
assert list(inspect.signature(nn.MultiheadAttention).parameters)[:2] == ["embed_dim", "num_heads"]
assert list(inspect.signature(m.forward).parameters)[:3] == ["query", "key", "value"]
assert "need_weights" in inspect.signature(F.multi_head_attention_forward).parameters
assert pickle.loads(pickle.dumps(m)).state_dict().keys() == copy.deepcopy(m).state_dict().keys() == m.state_dict().keys()
assert pickle.loads(pickle.dumps(nn.MultiheadAttention.forward)) is nn.MultiheadAttention.forward
try: nn.MultiheadAttention(8, 3)
except AssertionError as error: assert "divisible" in str(error)
try: nn.MultiheadAttention()
except TypeError as error: assert "embed_dim" in str(error)
"""


def test_a_program_sees_no_difference(nursery: zygote.Zygote) -> None:
    assert MHA in ran(nursery, SEEN)


ARM = """
import torch
from autograder.student_room import tripwires
wires = tripwires.arm()
assert wires.tripped() == []
torch.nn.functional.scaled_dot_product_attention(*[torch.ones(1, 2, 3, 4)] * 3)
print(*wires.watched, len(wires.tripped()))
for watched in (torch.nn.MultiheadAttention.forward, torch.nn.functional.multi_head_attention_forward):
    assert not hasattr(watched, "__wrapped__")  # the way round the wire
"""


def test_arming_says_what_it_watches_and_warns_of_nothing() -> None:
    root = Path(autograder.__file__).parent.parent
    done = subprocess.run([sys.executable, "-W", "error", "-c", ARM], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    *watched, count = done.stdout.split()
    assert {SDPA, MHA, LAYER, FORWARD} <= set(watched) and len(watched) == len(set(watched)) <= 16 and count == "1"


def test_the_process_that_started_the_zygote_runs_torch_as_it_is(nursery: zygote.Zygote) -> None:
    assert ran(nursery, "nn.MultiheadAttention(8, 1)") == {MHA}
    for function in (nn.MultiheadAttention.__init__, nn.MultiheadAttention.forward, F.multi_head_attention_forward):
        assert not hasattr(function, "__wrapped__")
    assert not torch._C._dispatch_has_kernel_for_dispatch_key("aten::_native_multi_head_attention", "BackendSelect")
