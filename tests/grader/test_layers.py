"""System calls that must fail in a child, honest code that must not notice, and wires that ready-made attention trips."""

from collections.abc import Iterator

import pytest

from autograder.core.records import Limits
from autograder.sandbox import seccomp, zygote
from autograder.sandbox.room import Ended, Room
from tests.grader.pace import patience

pytestmark = [pytest.mark.slow, pytest.mark.boxed]
LIMITS = Limits(seconds=patience(5), memory_mb=512)


@pytest.fixture(scope="module")
def nursery() -> Iterator[zygote.Zygote]:
    zygote.warm_up()
    handle = zygote.start(LIMITS)
    yield handle
    handle.close()


def said(nursery: zygote.Zygote, text: str) -> tuple[str, set[str]]:
    """What a program printed, and the wires that it tripped."""
    with Room(nursery, LIMITS) as room:
        room.ask("start", {"text": text, "class_name": "C", "given": [], "probe_seed": 0})
    return room.output, room.tripped


DENIED = {
    "fork": "os.fork()",
    "run a program": "os.execv('/bin/true', ['true'])",
    "spawn": "os.posix_spawn('/bin/true', ['true'], {})",
    "signal the zygote": "os.kill(os.getppid(), 0)",
    "TCP": "socket.socket()",
    "UDP": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "UNIX socket": "socket.socket(socket.AF_UNIX)",
    "anonymous file": "os.memfd_create('x')",
    "a session of its own": "os.setsid()",
    "mode": "os.chmod('.', 0o777)",
    "owner": "os.chown('.', os.getuid(), -1)",
    "namespace": "call(libc.unshare(0x10000000))",
    "shared memory": "call(libc.shmget(0x41323302, 4096, 0o1666))",
    "trace the zygote": "call(libc.ptrace(0x4206, os.getppid(), None, None))",
    "outlive the zygote": "call(libc.prctl(1, 0, 0, 0, 0))",
    "limit the zygote": "import resource; resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0))",
    "limit a neighbour": "call(libc.prlimit(os.getpid() + 1, 4, ctypes.byref((ctypes.c_ulong * 2)(0, 0)), None))",
    "hinder the zygote": "os.sched_setaffinity(os.getppid(), {0})",
    "signals by a file": "import fcntl; fcntl.fcntl(1, fcntl.F_SETOWN, os.getppid())",
    "times": "os.utime('.', (1, 1))",
    "watch files": "call(libc.inotify_init())",
    "raise its ids": "os.setresuid(os.getuid(), os.getuid(), os.getuid())",
}


@pytest.mark.skipif(not seccomp.prepared(), reason="no libseccomp here")
@pytest.mark.parametrize("what", DENIED)
def test_a_child_is_denied(nursery: zygote.Zygote, what: str) -> None:
    text = f"""
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(result):
    if result < 0: raise OSError(ctypes.get_errno(), "refused")
try:
    {DENIED[what]}
except OSError as error:
    print("errno", error.errno)
"""
    assert said(nursery, text)[0] == "errno 1\n"


HONEST = {
    "threads": "import threading; t = threading.Thread(target=print, args=('in it',)); t.start(); t.join()",
    "a pool": "from concurrent.futures import ThreadPoolExecutor as P; print(list(P(2).map(abs, [-1])))",
    "two threads of torch": "import torch; torch.set_num_threads(2); print(torch.randn(600, 600).mm(torch.ones(600, 600)).shape)",
    "imports": "import asyncio, subprocess, multiprocessing, decimal, socket, numpy.random, torch.utils.data",
    "algebra": "import torch; print(torch.linalg.svd(torch.eye(8))[1]); torch.linalg.inv(torch.eye(40))",
    "autograd": "import torch; x = torch.ones(3, requires_grad=True); (x * x).sum().backward(); print(x.grad)",
    "a file": "import tempfile\nwith tempfile.TemporaryFile() as f: f.write(b'x')",
    "its own limits": "import os, resource as r; r.setrlimit(r.RLIMIT_CORE, (0, 0)); os.sched_setaffinity(0, {*os.sched_getaffinity(0)})",
    "a loader": "import torch; print(list(torch.utils.data.DataLoader(torch.arange(4), batch_size=2)))",
}


@pytest.mark.parametrize("what", HONEST)
def test_honest_code_does_not_notice(nursery: zygote.Zygote, what: str) -> None:
    output, tripped = said(nursery, HONEST[what] + "\nprint('done')")
    assert output.endswith("done\n") and not tripped


READY_MADE = {
    "made": "torch.nn.MultiheadAttention(4, 1)",
    "found by its base": "[c for c in torch.nn.Module.__subclasses__() if c.__name__[:5] == 'Multi'][0](4, 1)",
    "encoder layer": "torch.nn.TransformerEncoderLayer(4, 1, 8)",
    "functional": "torch.nn.functional.scaled_dot_product_attention(q, q, q)",
    "bound": "torch._C._nn.scaled_dot_product_attention(q, q, q)",
    "operator": "torch.ops.aten._scaled_dot_product_flash_attention_for_cpu.default(q, q, q)",
    "mathematical": "torch.ops.aten._scaled_dot_product_attention_math(q, q, q)",
    "resolved": "torch._C._jit_get_operation('aten::scaled_dot_product_attention')[0](q, q, q)",
    "modes off": "run(torch._C._DisableTorchDispatch, torch._C._nn.scaled_dot_product_attention)",
    "another thread": "threaded(lambda: torch.nn.functional.scaled_dot_product_attention(q, q, q))",
}


@pytest.mark.parametrize("how", READY_MADE)
def test_ready_made_attention_trips_a_wire(nursery: zygote.Zygote, how: str) -> None:
    text = f"""
import threading, torch
q = torch.ones(1, 1, 3, 4)
def run(mode, function):
    with mode(): function(q, q, q)
def threaded(function):
    t = threading.Thread(target=function); t.start(); t.join()
{READY_MADE[how]}
"""
    assert said(nursery, text)[1]


def test_what_a_tripped_operator_answers_is_right(nursery: zygote.Zygote) -> None:
    text = """
import torch
q, k, v = torch.randn(3, 2, 2, 5, 4)
for causal in (False, True):
    got = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
    scores = q @ k.transpose(-2, -1) / 2
    if causal: scores = scores + torch.full((5, 5), float("-inf")).triu(1)
    print(torch.allclose(got, scores.softmax(-1) @ v, atol=1e-6))
"""
    assert said(nursery, text)[0] == "True\nTrue\n"


def test_the_engines_own_torch_is_left_as_it_is(nursery: zygote.Zygote) -> None:
    import torch

    assert torch.nn.MultiheadAttention.__init__.__module__ == "torch.nn.modules.activation"
    assert not hasattr(torch.nn.MultiheadAttention.__init__, "__wrapped__")


def test_a_program_that_fails_is_still_told_as_such(nursery: zygote.Zygote) -> None:
    with pytest.raises(Ended):
        said(nursery, "import torch; torch.nn.MultiheadAttention(4, 1); 1 / 0")
