"""The wall, tried with real processes: how conversations end, what is left behind, what a child can say."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
from collections.abc import Iterator

import msgspec
import pytest
import torch

from autograder.core.records import Exit, ExitKind, Limits
from autograder.sandbox import wire, zygote
from autograder.sandbox.room import Ended, Room
from autograder.student_room import frames
from tests.grader.pace import patience
from tests.grader.processes import named, still_there

pytestmark = [pytest.mark.slow, pytest.mark.boxed]
LIMITS = Limits(seconds=0.5 * patience(1.0), memory_mb=512)  # what answers at all, answers in 0.05 s


@pytest.fixture(scope="module")
def nursery() -> Iterator[zygote.Zygote]:
    zygote.warm_up()
    handle = zygote.start(LIMITS)
    yield handle
    handle.close()


def start(room: Room, text: str, name: str = "C") -> None:
    room.ask("start", {"text": text, "class_name": name, "given": [], "probe_seed": 0})


def run(nursery: zygote.Zygote, text: str, limits: Limits = LIMITS) -> Exit:
    """The Exit of a program that is expected to end its conversation."""
    with pytest.raises(Ended) as ended, Room(nursery, limits) as room:
        start(room, text)
    return ended.value.exit


MODULE = "import torch\nclass C(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.l = torch.nn.Linear(3, 2)\n    def forward(self, x):\n        return {}\n"


def forward(
    nursery: zygote.Zygote, expression: str, x: torch.Tensor | None = None
) -> tuple[wire.Reply, list[torch.Tensor]]:
    with Room(nursery, LIMITS) as room:
        start(room, MODULE.format(expression))
        room.ask("build", {"kwargs": {}, "seed": 1})
        reply, tensors = room.ask(
            "forward", {"train": False, "grad": False, "seed": 1}, [torch.ones(2, 3) if x is None else x]
        )
    return reply, tensors


def test_what_is_sent_along_is_done_before_and_in_order(nursery: zygote.Zygote) -> None:
    with Room(nursery, LIMITS) as room:
        start(room, MODULE.format("self.l(x)"))
        room.ask("build", {"kwargs": {}, "seed": 1})
        x, weight = torch.randn(5, 3), torch.randn(2, 3)
        room.later("load", {"names": ["l.bias", "l.weight"]}, [torch.ones(2), torch.zeros(2, 3)])
        room.later("load", {"names": ["l.weight"]}, [weight])
        expected = x @ weight.T + 1
        weight.zero_()  # what was to be sent is what it was
        assert room.waiting == 4 * (2 + 6 + 6)
        _, [output] = room.ask("forward", {"train": False, "grad": False, "seed": 1}, [x])
        assert torch.allclose(output, expected) and room.waiting == 0


def test_what_fails_along_is_told_from_what_was_asked(nursery: zygote.Zygote) -> None:
    for names, early in ((["nobody"], True), (["l.bias"], False)):
        with pytest.raises(Ended) as ended, Room(nursery, LIMITS) as room:
            start(room, MODULE.format("self.none(x)"))
            room.ask("build", {"kwargs": {}, "seed": 1})
            room.later("load", {"names": names}, [torch.ones(2)])
            room.ask("forward", {"train": False, "grad": False, "seed": 1}, [torch.ones(1, 3)])
        assert ended.value.exit.early == early
        assert ended.value.exit.error == ("KeyError" if early else "AttributeError")


def test_what_was_not_sent_is_dropped_with_its_conversation(nursery: zygote.Zygote) -> None:
    with Room(nursery, LIMITS) as room:
        start(room, MODULE.format("x"))
        room.later("load", {"names": ["nobody"]}, [torch.ones(2)])
        assert room.renew(LIMITS)
        start(room, MODULE.format("x"))


def test_a_module_answers_and_its_output_comes_back_exactly(nursery: zygote.Zygote) -> None:
    x = torch.randn(2, 3)
    reply, tensors = forward(nursery, "x * 2", x)
    assert torch.equal(tensors[0], x * 2) and reply.notes == ()


def test_printing_100_mb_costs_nothing(nursery: zygote.Zygote) -> None:
    with Room(nursery, msgspec.structs.replace(LIMITS, seconds=patience(20))) as room:
        start(room, "for _ in range(100): print('x' * 1_000_000)")
        start(room, "print('still here')")
    assert len(room.output) == LIMITS.output_kb << 10


def test_a_slow_lazy_import_of_the_standard_library_works_after_the_lock_down(nursery: zygote.Zygote) -> None:
    with Room(nursery, LIMITS) as room:
        start(room, "import decimal, statistics, sqlite3, xml.dom.minidom, numpy.polynomial\nimport torch.fft")


def test_a_failing_import_costs_nothing_unless_it_is_used(nursery: zygote.Zygote) -> None:
    with Room(nursery, LIMITS) as room:
        start(room, "import no_such_module\nfrom no_such_other import thing as t")
    exit = run(nursery, "import no_such_module as m\nm.something()")
    assert exit.error == "ImportError" and "no_such_module" in exit.detail


def test_input_changed_in_place_and_a_tuple_are_noted(nursery: zygote.Zygote) -> None:
    reply, _ = forward(nursery, "(x.add_(1), None)")
    assert set(reply.notes) == {"tuple", "input-modified"}


ENDINGS = {
    "raises": ("1 / 0", ExitKind.RAISED),
    "raises in its own words": (
        "class E(Exception):\n    def __str__(self): return 'mine'\nraise E()",
        ExitKind.RAISED,
    ),
    "text of the exception raises": (
        "class E(Exception):\n    def __str__(self): return 1 / 0\nraise E()",
        ExitKind.RAISED,
    ),
    "syntax": ("def f(:", ExitKind.RAISED),
    "SystemExit": ("raise SystemExit(0)", ExitKind.RAISED),
    "os._exit": ("import os; os._exit(0)", ExitKind.VANISHED),
    "crash": ("import os; os.abort()", ExitKind.KILLED),
    "killed from outside, as when memory runs out": (
        "import signal; signal.raise_signal(signal.SIGKILL)",
        ExitKind.MEMORY,
    ),
    "loop": ("while True: pass", ExitKind.TIMEOUT),
    "stubborn loop": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        ExitKind.TIMEOUT,
    ),
    "stops itself": ("import signal; signal.raise_signal(signal.SIGSTOP)", ExitKind.TIMEOUT),
    "memory": ("x = bytearray(4 << 30)", ExitKind.MEMORY),
    "memory of torch": ("import torch; x = torch.ones(1 << 30)", ExitKind.MEMORY),
    "garbage on the wire": ("import os; os.write(3, b'x' * 100)", ExitKind.PROTOCOL),
    "half a frame, then nothing": (
        "import os, time; os.write(3, b'HW6\\n' + bytes(2)); time.sleep(6000)",
        ExitKind.TIMEOUT,
    ),
    "a frame of 2**60 bytes": (
        "import os, struct; os.write(3, struct.pack('<4sIQ', b'HW6\\n', 10, 2**60))",
        ExitKind.PROTOCOL,
    ),
    "a tensor without elements that is too large": (
        """import os, json; from autograder.student_room import frames
shape = [0, 2**31, 2**31, 2**31]
os.write(3, frames.pack(json.dumps({"status": "ok", "tensors": [{"dtype": "float32", "shape": shape}]}).encode()))""",
        ExitKind.PROTOCOL,
    ),
    "closes the wire": ("import os; os.close(3); import time; time.sleep(6000)", ExitKind.VANISHED),
}


@pytest.mark.parametrize("how", ENDINGS)
def test_how_a_conversation_ended_is_data(nursery: zygote.Zygote, how: str) -> None:
    text, kind = ENDINGS[how]
    exit = run(nursery, text)
    assert exit.kind is kind, exit  # whoever was waited for beyond the limit would have been a TIMEOUT, or never back
    with Room(nursery, LIMITS) as room:  # and the next child is as good as new
        start(room, "import math")


def test_the_line_of_an_error_is_that_of_the_text(nursery: zygote.Zygote) -> None:
    exit = run(nursery, "import math\n\ndef f():\n    return math.nothing\n\nf()\n")
    assert (exit.line, exit.function, exit.error) == (4, "f", "AttributeError")


RETURNS = ["None", "3.0", "[]", "x.numpy()", "torch.ones(2, 2, dtype=torch.complex64)", "torch.ones(1).expand(2**36)",
           "x.to_sparse()", "x.as_subclass(type('T', (torch.Tensor,), {}))"]  # fmt: skip


@pytest.mark.parametrize("expression", RETURNS)
def test_what_is_no_plain_tensor_is_refused_before_anything_copies_it(nursery: zygote.Zygote, expression: str) -> None:
    with pytest.raises(Ended) as ended:
        forward(nursery, expression)
    assert ended.value.exit.error == "returned"


def test_nothing_that_a_child_started_outlives_its_conversation(nursery: zygote.Zygote) -> None:
    text = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(600)\n    os._exit(0)\ntime.sleep(0.1)"
    with Room(nursery, LIMITS) as room:
        try:
            start(room, text)
        except Ended as ended:
            assert ended.exit.kind is ExitKind.RAISED  # forking may be denied altogether
    with Room(nursery, LIMITS) as room:  # orders are answered in turn: the clean-up is done
        start(room, "pass")
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    assert sum(f" {nursery.pid} " in line for line in listed.splitlines() if "ps -eo" not in line) <= 3, listed


def test_each_child_has_a_scratch_folder_that_goes_with_it(nursery: zygote.Zygote) -> None:
    with Room(nursery, LIMITS) as room:
        start(room, "import os\nopen('here', 'w').write('x')\nprint(os.getcwd())")
        start(room, "pass")
    folder = pathlib.Path(room.output.strip())
    assert folder.name.startswith("room-")
    with Room(nursery, LIMITS) as room:
        start(room, "import os\nprint(os.listdir())")
        start(room, "pass")
    assert room.output.strip() == "[]" and not folder.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a child another identity")
def test_as_root_the_child_is_somebody_else_for_good(nursery: zygote.Zygote) -> None:
    with Room(nursery, LIMITS) as room:
        start(
            room,
            "import os\nprint(os.getresuid(), os.getgroups())\ntry:\n    os.setuid(0)\nexcept OSError: print('refused')",
        )
        start(room, "pass")
    ids, refused = room.output.split("\n")[:2]
    assert "(0," not in ids and " 0," not in ids and refused == "refused"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a child another identity")
def test_two_children_that_live_at_once_have_different_identities(nursery: zygote.Zygote) -> None:
    with Room(nursery, LIMITS) as one, Room(nursery, LIMITS) as two:
        for room in (one, two):
            start(room, "import os\nprint(os.getuid())")
            start(room, "pass")
        assert one.output != two.output


def test_a_child_can_signal_neither_the_zygote_nor_the_spare_child(nursery: zygote.Zygote) -> None:
    text = """
import os
reached = []
for pid in range(max(1, {zygote} - 5), {zygote} + 400):
    try:
        if pid != os.getpid():
            os.kill(pid, 0)
            reached.append(pid)
    except OSError:
        pass
print(reached)
"""
    with Room(nursery, LIMITS) as room:
        start(room, text.format(zygote=nursery.pid))
        start(room, "pass")
    assert room.output.strip() == "[]"


def test_a_child_that_sleeps_dies_with_its_zygote() -> None:
    own = zygote.start(LIMITS)
    room = Room(own, LIMITS)
    room.__enter__()
    start(room, "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)")
    fields = {"text": "import time; time.sleep(600)", "class_name": "", "given": [], "probe_seed": 0}
    room._send(wire.request(wire.step("start", fields)))
    child = named(room._pid, below=own.pid)
    assert child and os.path.exists(f"/proc/{child}")
    os.kill(own.pid, signal.SIGKILL)  # a child of ours, not waited for yet
    assert still_there([child]) == []
    with contextlib.suppress(Ended):  # there is no zygote any more to end it
        room.__exit__(None, None, None)
    own.close()


OK = {"status": "ok"}
BAD_REPLIES = {
    "not JSON": b"{",
    "an unknown field": json.dumps({**OK, "score": 10}).encode(),
    "an unknown status": json.dumps({"status": "passed"}).encode(),
    "a negative size": json.dumps({**OK, "tensors": [{"dtype": "float32", "shape": [-1, 4]}]}).encode(),
    "sizes whose product overflows": json.dumps(
        {**OK, "tensors": [{"dtype": "float32", "shape": [2**31] * 8}]}
    ).encode(),
    "zero times huge": json.dumps({**OK, "tensors": [{"dtype": "float32", "shape": [2**40, 0]}]}).encode(),
    "an unknown dtype": json.dumps({**OK, "tensors": [{"dtype": "object", "shape": [1]}]}).encode(),
    "a thousand tensors": json.dumps({**OK, "tensors": [{"dtype": "float32", "shape": [0]}] * 1000}).encode(),
    "a text without end": json.dumps({"status": "raised", "detail": "x" * 5000}).encode(),
    "nested without end": b"[" * 100_000,
    "not UTF-8": b'{"status": "\xff"}',
}


@pytest.mark.parametrize("what", BAD_REPLIES)
def test_a_reply_that_is_none_is_a_protocol_error(what: str) -> None:
    with pytest.raises(wire.ProtocolError):
        wire.reply(BAD_REPLIES[what], b"")


def test_a_body_of_another_length_than_claimed_is_a_protocol_error() -> None:
    header = json.dumps({**OK, "tensors": [{"dtype": "float32", "shape": [3]}]}).encode()
    with pytest.raises(wire.ProtocolError):
        wire.reply(header, bytes(13))


def test_frames_survive_any_cut() -> None:
    data = frames.pack(b'{"a": 1}', b"body") + frames.pack(b"{}")
    reader = frames.FrameReader(max_body=100)
    seen = []
    for i in range(len(data)):
        reader.feed(data[i : i + 1])
        if frame := reader.next_frame():
            seen.append(frame)
    assert seen == [(b'{"a": 1}', b"body"), (b"{}", b"")]
