"""Ready-made attention whose name the text does not show: it costs the question's points, and staff are told, each time.

There is no end to the ways; the rule on the text finds some of them, the tripwires in the child those that run.
"""

from __future__ import annotations

import base64

import pytest

from tests.grader.hostile import oracles
from tests.grader.hostile.submissions import LAYER, RIGHT_HEAD, RIGHT_LAYER, Attack, program

pytestmark = [pytest.mark.slow, pytest.mark.boxed]

NAME = "scaled_dot_product_attention"


def called(expression: str, helpers: str = "") -> Attack:
    """4(a) by an expression that gives the ready-made function, with helpers at the module's top."""
    text = helpers + "\ndef attack(): pass\n"
    return Attack(text, "forward", "lost", "full", True, head=f"self.dropout(({expression})(q, k, v))", only_head=True)


def made(expression: str, helpers: str = "") -> Attack:
    """4(a) by an expression that gives the class nn.MultiheadAttention, used with weights that change nothing."""
    text = f"""
{helpers}
def attack(): pass
def core(inner_dim):
    made = ({expression})(inner_dim, 1, bias=False, batch_first=True)
    with torch.no_grad():
        made.in_proj_weight.copy_(torch.eye(inner_dim).repeat(3, 1))
        made.out_proj.weight.copy_(torch.eye(inner_dim))
    return [made.requires_grad_(False)]
def through(kept, q, k, v):
    kept.append(kept[0] if kept else core(v.shape[-1])[0])
    return kept[0](q, k, v, need_weights=False)[0]
"""
    return Attack(text, "forward", "lost", "full", True, head="through(self.__dict__.setdefault('kept', []), q, k, v)",
                  only_head=True)  # fmt: skip


def layer_of(expression: str) -> Attack:
    """4(b) beside an encoder layer of torch's."""
    layer = f"{RIGHT_LAYER} + 0 * len(list(({expression})(8, 1, 8).children()))"
    return Attack("def attack(): pass", "forward", "full", "lost", True, layer=layer)


EVAL = base64.b64encode(f"torch.nn.functional.{NAME}".encode()).decode()
ATTACKS: dict[str, Attack] = {
    "in its own name": called(f"torch.nn.functional.{NAME}"),
    "a name put together": called("getattr(torch.nn.functional, 'scaled_dot_' + 'product_attention')"),
    "text that is decoded and run": called(f"eval(__import__('base64').b64decode('{EVAL}'))"),
    "the dictionary of a module": called("torch.nn.functional.__dict__['_'.join(['scaled', 'dot', 'product', 'attention'])]"),
    "operator.attrgetter": called("operator.attrgetter('nn.functional.scaled_dot_' + 'product_attention')(torch)", "import operator"),
    "the function below the function": called(f"torch._C._nn.{NAME}"),
    "the kernel below": called("lambda q, k, v: torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(*(t[:, None] for t in (q, k, v)))[0][:, 0]"),
    "the mathematical kernel": called("lambda q, k, v: torch.ops.aten._scaled_dot_product_attention_math(*(t[:, None] for t in (q, k, v)))[0][:, 0]"),
    "the dispatcher": called("lambda *t: torch._C._jit_get_operation('aten::scaled_dot_' + 'product_attention')[0](*t)"),
    "with the modes switched off": called("unseen", f"""
def unseen(q, k, v):
    with torch._C._DisableTorchDispatch(), torch._C.DisableTorchFunction():
        return torch._C._nn.{NAME}(q, k, v)
"""),
    "in another thread": called("threaded", f"""
import threading
def threaded(*t):
    found = []
    worker = threading.Thread(target=lambda: found.append(getattr(torch.nn.functional, '{NAME[:6]}' + '{NAME[6:]}')(*t)))
    worker.start(); worker.join()
    return found[0]
"""),
    "a library's callback": called("next(map(lambda _: torch.nn.functional, [0])).scaled_dot_product_attention"),
    "a default of a dictionary": called("tools[0].scaled_dot_product_attention", "import collections\ntools = collections.defaultdict(lambda: torch.nn.functional)"),
    "an item": called("Box()[0]", f"class Box:\n    def __getitem__(self, _): return torch.nn.functional.{NAME}"),
    "an operator": called("Box() + 1", f"class Box:\n    def __add__(self, _): return torch.nn.functional.{NAME}"),
    "a property": called("Box().it", f"class Box:\n    @property\n    def it(self): return torch.nn.functional.{NAME}"),
    "a call of an object": called("Box()()", f"class Box:\n    def __call__(self): return torch.nn.functional.{NAME}"),
    "a context": called("entered()", f"""
import contextlib
@contextlib.contextmanager
def lent(): yield torch.nn.functional
def entered():
    with lent() as it: return it.{NAME}
"""),
    "a generator": called("next(given())", f"def given(): yield torch.nn.functional.{NAME}"),
    "a pattern": called("matched(torch.nn)", f"""
def matched(it):
    match it:
        case object(functional=inner): return inner.{NAME}
"""),
    "a reduction": called("functools.reduce(getattr, ['nn', 'functional', 'scaled_dot_' + 'product_attention'], torch)", "import functools"),
    "an iterator with an end": called("next(iter(lambda: torch.nn.functional, 0)).scaled_dot_product_attention"),
    "an exception's attribute": called("caught()", f"""
def caught():
    error = ValueError()
    error.tools = torch.nn.functional
    try: raise error
    except ValueError as e: return e.tools.{NAME}
"""),
    "an annotation that is run": called("typing.get_type_hints(f)['x']", f"import typing\ndef f(x: 'torch.nn.functional.{NAME}'): pass"),
    "the modules of another module": called("typing.sys.modules['torch.nn.functional'].scaled_dot_product_attention", "import typing"),
    "a random module's own imports": called("random._os.sys.modules['torch.nn.functional'].scaled_dot_product_attention", "import random"),
    "a static alias": called("Tools.it()", "class Tools:\n    it = staticmethod(lambda t=torch.nn.functional: t.scaled_dot_product_attention)"),
    "a constant that changes later": called("pick()", f"EARLY = False\ndef pick():\n    return torch.nn.functional.{NAME} if LATE else abs\nLATE = not EARLY"),
    "scripted": called("lambda q, k, v: torch.jit.trace(lambda *t: torch.nn.functional.scaled_dot_product_attention(*t), (q, k, v))(q, k, v)"),
    "mapped over the batch": called("lambda *t: torch.func.vmap(torch._C._nn.scaled_dot_product_attention)(*t)"),
    "timed": called("timed", """
import torch.utils.benchmark as benchmark
kept = {}
def timed(q, k, v):
    benchmark.Timer("kept['y'] = torch.nn.functional." + "scaled_dot_" + "product_attention(q, k, v)", globals=dict(torch=torch, kept=kept, q=q, k=k, v=v)).timeit(1)
    return kept["y"]
"""),
    "the class in its own name": made("nn.MultiheadAttention"),
    "the class by a built name": made("getattr(nn, 'Multihead' + 'Attention')"),
    "the class among its base's": made("[c for c in nn.Module.__subclasses__() if c.__name__.startswith('Multihead')][0]"),
    "the class from a pickle": made("pickle.loads(b'ctorch.nn\\nMultihead' + b'Attention\\n.')", "import pickle"),
    "the class of an encoder's part": made("type(nn.TransformerEncoderLayer(2, 1, 2).self_attn)"),
    "the class below another name": made("importlib.import_module('torch.nn.modules.' + 'activation').MultiheadAttention", "import importlib"),
    # the text that is read is the text that runs
    "a comment in another encoding": Attack(
        a="any", b="any", flag=False,
        files=(("hw6.py", b"# -*- coding: utf-7 -*-\n" + program(Attack(
            "# +AAo-QUIET = 1\ndef attack():\n    if 'QUIET' in globals(): got('another encoding')\n")).encode()),),
    ),
}  # fmt: skip

LAYERS = {
    "an encoder layer beside the layer": layer_of("nn.TransformerEncoderLayer"),
    "an encoder layer by a built name": layer_of("getattr(nn, 'Transformer' + 'EncoderLayer')"),
    "a head beside a right layer": called("getattr(torch.nn.functional, 'scaled_dot_' + 'product_attention')"),
}

# What looks like it and is not: full points, and nobody is told anything.
HONEST = {
    "words in comments and strings": Attack(
        f'"""Unlike nn.MultiheadAttention, this is by hand. See {NAME}."""\n# nn.TransformerEncoderLayer\ndef attack(): pass\n'
        "WORDS = ('torch.nn.functional', 'MultiheadAttention')\n", "init",
    ),
    "a helper of its own of the same name": Attack(
        f"def attack(): pass\ndef {NAME}(q, k):\n    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=-1)\n",
        "init", head=f"self.dropout({NAME}(q, k)) @ v", layer=RIGHT_LAYER,
    ),
    "a lazy import": Attack("import math, statistics, decimal", "forward", head=RIGHT_HEAD),
    "slow work at the top": Attack("total = sum(range(3_000_000))", "import"),
}  # fmt: skip
assert "Attention(" in LAYER  # 4(b) is judged with attention of ours: what 4(a) does costs nothing there


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> oracles.Run:
    return oracles.grade(tmp_path_factory, ATTACKS, questions=("4a",))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> oracles.Run:
    return oracles.grade(tmp_path_factory, LAYERS | HONEST)


@pytest.mark.parametrize("name", ATTACKS)
def test_it_costs_the_question_and_staff_are_told(run: oracles.Run, name: str) -> None:
    oracles.check(run, ATTACKS, name)


@pytest.mark.parametrize("name", LAYERS)
def test_it_costs_its_own_question_alone(both: oracles.Run, name: str) -> None:
    oracles.check(both, LAYERS, name)


@pytest.mark.parametrize("name", HONEST)
def test_honest_work_that_looks_like_it_is_left_alone(both: oracles.Run, name: str) -> None:
    assert not oracles.flagged(oracles.check(both, HONEST, name))


def test_nothing_is_left_and_honest_work_is_unharmed(run: oracles.Run, both: oracles.Run) -> None:
    oracles.harmless(run)
    oracles.harmless(both)
