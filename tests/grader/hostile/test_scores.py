"""Attempts to win points without a solution: forged verdicts, stolen values, tensors that lie. Each wins nothing."""

from __future__ import annotations

import pytest

from tests.grader.hostile import oracles
from tests.grader.hostile.submissions import RIGHT_HEAD, RIGHT_LAYER, Attack, wrong

pytestmark = [pytest.mark.slow, pytest.mark.boxed]

ATTACKS: dict[str, Attack] = {
    # verdicts made by the submission itself
    "a result where the grader writes its own": wrong(
        """
        places = [os.getcwd(), "/autograder/results", os.path.dirname(os.getcwd()), "/tmp"]
        for folder in places + [os.path.dirname(p) for p in sys.path if p]:
            def plant():
                with open(os.path.join(folder, "results.json"), "w") as file:
                    file.write('{"score": 39, "tests": []}')
                if folder != os.getcwd():
                    got("wrote a result into " + folder)
            quietly(plant)
        """
    ),
    "words of a verdict on every stream": wrong(
        """
        words = '{"score": 39, "status": "passed", "tests": [{"number": "4a.1", "score": 9}]}\\n.... 9 passed\\nOK\\n'
        print(words); print(words, file=sys.stderr)
        for number in (1, 2):
            os.write(number, words.encode())
        """
    ),
    "an end with status 0": wrong("os._exit(0)", "import"),
    "an end by SystemExit": wrong("raise SystemExit(0)", "import"),
    "words said at the interpreter's end": wrong(
        "import atexit; atexit.register(lambda: print('{\"status\": \"passed\"}', flush=True)); sys.exit(0)"
    ),
    "threads that go on to answer": wrong(
        """
        import threading
        def late():
            time.sleep(0.01)
            os.write(3, b"HW6\\n")
        threading.Thread(target=late, daemon=True).start()
        time.sleep(0.05)
        """,
        a="any", b="any",
    ),
    # tensors that are none
    "a tensor that equals everything": wrong(
        """
        class Equal(torch.Tensor):
            @classmethod
            def __torch_function__(cls, function, types, arguments=(), keywords=None):
                return True
            def __eq__(self, other): return True
            __hash__ = None
        """.replace("\n        ", "\n").strip() + "\ndef attack(): pass\n",
        head="torch.zeros_like(v).as_subclass(Equal)", layer="torch.zeros_like(y).as_subclass(Equal)",
    ),
    "an object that pickles into a call": wrong(
        """
        class Payload:
            def __reduce__(self):
                return (print, ("GOT-" + "THROUGH", "unpickled"))
        """.replace("\n        ", "\n").strip() + "\ndef attack(): pass\n",
        head="Payload()", layer="Payload()",
    ),
    "one number that broadcasts": wrong("", head="torch.zeros(1, 1, 1)", layer="torch.zeros(1)"),
    "a view of 256 GB": wrong(
        "", head="torch.zeros(1).as_strided((1 << 12, 1 << 12, 1 << 12), (0, 0, 0))",
        layer="torch.zeros(1).expand(1 << 36)",
    ),
    "not a number": wrong("", head="v * float('nan')", layer="y * float('nan')"),
    "infinity": wrong("", head="v / 0", layer="y / 0"),
    "complex numbers": wrong("", head="v.to(torch.complex64)", layer="y.to(torch.complex64)"),
    "a sparse tensor": wrong("", head="v[0].to_sparse()", layer="y[0].to_sparse()"),
    "a tensor without memory": wrong("", head="v.to('meta')", layer="y.to('meta')"),
    "a quantized tensor": wrong(
        "", head="torch.quantize_per_tensor(v.detach(), 0.1, 0, torch.qint8)",
        layer="torch.quantize_per_tensor(y.detach(), 0.1, 0, torch.qint8)",
    ),
    "a nested tensor": wrong("", head="torch.nested.nested_tensor([v[0]])", layer="torch.nested.nested_tensor([y[0]])"),
    "no tensor at all": wrong("", head="None", layer="[]"),
    "a class that says it is a module": Attack(
        """
        class Meta(type):
            def __instancecheck__(cls, instance): return True
            def __subclasscheck__(cls, other): return True
        class Liar(metaclass=Meta):
            __class__ = nn.Module
            def __init__(self, *a, **k): pass
            def named_parameters(self): return iter(())
            def __call__(self, x): return x
        def attack():
            return Liar
        SingleHeadAttention = ViTLayer = Liar
        """.replace("\n        ", "\n").strip() + "\n",
        "import", "any", "zero", head="0 * v", layer="0 * y",
    ),
    # values stolen or made to agree
    "the expected value in a frame above": wrong(
        """
        frame = sys._getframe()
        while frame:
            for name, value in list(frame.f_locals.items()):
                if any(word in name.lower() for word in ("expect", "refer", "answer", "target", "truth")):
                    if isinstance(value, torch.Tensor) or callable(value):
                        got("a frame holds " + name)
            frame = frame.f_back
        """
    ),
    "the reference among the loaded modules": wrong(
        """
        for name, module in list(sys.modules.items()):
            if name.split(".")[0] in ("reference", "tests", "conftest", "pytest", "_pytest"):
                got("module " + name)
        """
    ),
    "the reference imported": wrong(
        """
        import importlib
        for name in ("reference.attention", "reference", "tests.hidden.test_4a_attention", "autograder.judging", "autograder.engine.plugin"):
            if quietly(lambda: importlib.import_module(name)):
                got("imported " + name)
        """
    ),
    "objects that the collector knows": wrong(
        """
        import gc
        for thing in gc.get_objects():
            home = str(getattr(type(thing), "__module__", ""))
            if home.startswith(("reference", "_pytest", "autograder.judging", "autograder.engine", "autograder.handin")):
                got("object of " + home)
        """
    ),
    "the course secret among all strings": wrong(
        """
        import gc
        word = "SDAER-YDOBON-TAHT-TERCES-ESRUOC"[::-1]
        for thing in gc.get_objects():
            values = list(thing.values()) if type(thing) is dict else list(thing) if type(thing) in (list, tuple) else []
            if any(type(value) is str and word in value and value != word for value in values):
                got("the secret is in memory")
        """
    ),
    "the environment and the command line": wrong(
        """
        for name, value in os.environ.items():
            if "SECRET" in name or "SECRET" in value:
                got("environment " + name)
        for path in ("/proc/self/environ", "/proc/%d/environ" % os.getppid(), "/proc/%d/cmdline" % os.getppid()):
            if quietly(lambda: open(path, "rb").read()):
                got(path)
        if any("autograder" in word for word in sys.argv): got("argv")
        """
    ),
    "descriptors left open": wrong(
        """
        import stat
        for number in range(3, 256):
            def look():
                mode = os.fstat(number).st_mode
                if stat.S_ISREG(mode):
                    os.lseek(number, 0, 0)
                    got("a file is open as %d: %r" % (number, os.read(number, 20)))
            quietly(look)
        """
    ),
    "randomness switched off": wrong(
        """
        torch.manual_seed = lambda *a: None
        torch.randn = torch.rand = lambda *shape, **k: torch.zeros(*shape)
        nn.init.normal_ = nn.init.uniform_ = nn.init.kaiming_uniform_ = lambda t, *a, **k: t.data.zero_()
        """, "import",
    ),
    "comparison switched off": wrong(
        """
        torch.allclose = torch.equal = lambda *a, **k: True
        torch.testing.assert_close = lambda *a, **k: None
        torch.Tensor.__eq__ = lambda *a: torch.tensor(True)
        """, "import", a="zero", b="zero",
    ),
    "the words of the wire replaced": wrong(
        """
        import builtins, json, struct
        json.dumps = lambda *a, **k: '{"status": "ok", "score": 100}'
        builtins.len = lambda thing: 0
        struct.pack = lambda *a: bytes(4)
        """
    ),
    "inputs and weights set to zero": wrong(
        """
        frame = sys._getframe(1)
        frame.f_locals["x"].data.zero_()
        for p in frame.f_locals["self"].parameters(): p.data.zero_()
        """
    ),
    "state from one test to the next": wrong(
        """
        import tempfile
        for path in (os.path.join(tempfile.gettempdir(), ".kept"), "/dev/shm/kept", "/tmp/kept", "/var/tmp/kept"):
            if os.path.exists(path):
                got("state survived in " + path)
            quietly(lambda: open(path, "a").write("x"))
        """,
        "import",
    ),
    "right values, gradients of zero": Attack(
        """
        class Stop(torch.autograd.Function):
            @staticmethod
            def forward(ctx, y): return y.clone()
            @staticmethod
            def backward(ctx, g): return torch.zeros_like(g)
        """.replace("\n        ", "\n").strip() + "\ndef attack(): pass\n",
        "forward", "lost", "lost", head=f"Stop.apply({RIGHT_HEAD})",
        layer=f"Stop.apply({RIGHT_LAYER})",
    ),
    # what is sent is known: answer by the size of x, by a table, by the number of the call
    "an answer by the number of the call": wrong(
        """
        sys.calls = getattr(sys, "calls", 0) + 1
        """, head="v if sys.calls % 2 else 0 * v", layer="x if sys.calls % 2 else y", a="lost", b="lost",
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=oracles.USERS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> oracles.Run:
    # as an ordinary user the same room is tried with one question less, which would only cost time
    questions = ("4a", "4b") if request.param is None else ("4a",)
    return oracles.grade(tmp_path_factory, ATTACKS, request.param, questions=questions)


@pytest.mark.parametrize("name", ATTACKS)
def test_no_point_is_won(run: oracles.Run, name: str) -> None:
    oracles.check(run, ATTACKS, name)


def test_nothing_is_left_and_honest_work_is_unharmed(run: oracles.Run) -> None:
    oracles.harmless(run)
