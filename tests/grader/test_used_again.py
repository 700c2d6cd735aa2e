"""A child that holds one conversation after another: as good as a fresh one, and given up at the first oddity."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import torch

from autograder.core.records import Limits
from autograder.grading import Options, grade
from autograder.sandbox import zygote
from autograder.sandbox.room import Ended, Room
from autograder.sandbox.rooms import Rooms
from tests.grader.honest_styles import ATTENTION, IMPORTS, LAYERS
from tests.grader.pace import patience
from tests.grader.processes import named, still_there

pytestmark = [pytest.mark.slow, pytest.mark.boxed]
LIMITS = Limits(seconds=patience(5), memory_mb=512)


@pytest.fixture(scope="module")
def nursery() -> Iterator[zygote.Zygote]:
    zygote.warm_up()
    handle = zygote.start(LIMITS)
    yield handle
    handle.close()


@pytest.fixture
def rooms(nursery: zygote.Zygote) -> Iterator[Rooms]:
    found = Rooms(nursery)
    yield found
    found.close()


def talk(rooms: Rooms, text: str, alone: bool = False) -> tuple[int, bool, str]:
    """(which process, whether it is the one before, what the program printed)"""
    before = [rooms._idle._pid] if rooms._idle else []
    room, _ = rooms.open(LIMITS, alone=alone)
    try:
        room.ask("start", {"text": text, "class_name": "C", "given": [], "probe_seed": 0})
        return room._pid, room._pid in before, room.output
    finally:
        rooms.give_back(room, alone=alone)


def test_the_same_program_gets_the_same_process_and_runs_anew(rooms: Rooms) -> None:
    text = "print('state' in globals()); state = 1; print(__import__('torch').rand(0).shape)"
    first, second = talk(rooms, text), talk(rooms, text)
    assert first[0] == second[0] and (first[1], second[1]) == (False, True)
    assert first[2] == second[2] == "False\ntorch.Size([0])\n", "neither a name nor an output is left of the first"


def test_what_must_be_alone_gets_a_process_of_its_own_and_the_one_that_waits_goes_on_waiting(rooms: Rooms) -> None:
    alone = (False, True, True, False)
    first, *others, last = [talk(rooms, "x = 1", each)[0] for each in alone]
    assert first == last and len({first, *others}) == 3


CHANGES = {
    "a function of torch": "import torch; torch.softmax = lambda *a, **k: None",
    "a method of a layer": "from torch import nn; nn.Linear.forward = lambda self, x: x",
    "a name of torch.nn": "from torch import nn; nn.Softmax = object",
    "a builtin": "import builtins; builtins.sum = max",
    "a name for all programs": "import builtins; builtins.mine = 1",
    "the default dtype": "import torch; torch.set_default_dtype(torch.float64)",
    "gradients": "import torch; torch.set_grad_enabled(False)",
    "the default device": "import torch; torch.set_default_device('meta')",
    "a hook on every module": "import torch.nn.modules.module as m; m.register_module_forward_hook(lambda *a: None)",
    "a thread": "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "a file": "open('kept', 'w').close()",
    "a folder": "import tempfile; tempfile.mkdtemp()",
    "the depth of recursion": "import sys; sys.setrecursionlimit(5000)",
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_process_in_which_torch_was_changed_is_replaced(rooms: Rooms, what: str) -> None:
    assert not talk(rooms, CHANGES[what])[1]
    _, same, said = talk(rooms, "print('ran')")
    assert not same and said == "ran\n"


HARMLESS = {
    "an import": "import torch, math, einops, collections, functools, typing, dataclasses",
    "a first use": "import torch; torch.einsum('ij,jk->ik', torch.ones(2, 2), torch.ones(2, 2)); torch.vmap(torch.sin)(torch.ones(2))",
    "a cycle": "class A: pass\na = A(); a.a = a",
    "a seed": "import torch, random; torch.manual_seed(0); random.seed(0)",
    "a print": "print(__import__('torch').ones(3).sum(dim=0))",
    "deep copies": "import copy, torch; copy.deepcopy(torch.nn.Linear(2, 2))",
}


@pytest.mark.parametrize("what", HARMLESS)
def test_honest_programs_change_nothing(rooms: Rooms, what: str) -> None:
    assert not talk(rooms, HARMLESS[what])[1]
    assert talk(rooms, HARMLESS[what])[1]


SLOW = {
    "an object that ends slowly": "import time\nclass Sticky:\n    def __del__(self): time.sleep(300)\nkept = Sticky()",
    "a cycle that ends slowly": """
import sys, time
class Sticky:
    def __del__(self): time.sleep(300)
sys.kept = Sticky(); sys.kept.me = sys.kept; del sys.kept
""",
    "an object that ends it": "import os\nclass Sticky:\n    def __del__(self): os._exit(0)\nkept = Sticky()",
}


@pytest.mark.parametrize("what", SLOW)
def test_what_a_program_leaves_behind_costs_the_next_conversation_nothing(rooms: Rooms, what: str) -> None:
    talk(rooms, SLOW[what])
    _, same, said = talk(rooms, "print('ran')")
    assert not same and said == "ran\n"


BAD = {
    "it raises": "raise ValueError",
    "it exits": "import os; os._exit(3)",
    "it babbles": "import os; os.write(3, b'HW6')",
    "it answers twice": """
import json, os
from autograder.student_room import frames
os.write(3, 2 * frames.pack(json.dumps({'status': 'ok'}).encode()))
""",
}


@pytest.mark.parametrize("what", BAD)
def test_what_did_not_end_well_is_never_used_again(nursery: zygote.Zygote, rooms: Rooms, what: str) -> None:
    room, _ = rooms.open(LIMITS)
    before = named(room._pid, below=nursery.pid)
    assert before
    with contextlib.suppress(Ended):
        room.ask("start", {"text": BAD[what], "class_name": "C", "given": [], "probe_seed": 0})
    rooms.give_back(room)
    assert not talk(rooms, "print(1)")[1]
    assert not still_there([before])


def test_a_slow_program_gets_its_whole_time_in_each_conversation(nursery: zygote.Zygote) -> None:
    limits = msgspec.structs.replace(LIMITS, seconds=patience(0.4))
    rooms, pids = Rooms(nursery), set()
    for _ in range(3):
        room, _ = rooms.open(limits)
        slow = f"import time; time.sleep({0.6 * limits.seconds})"
        room.ask("start", {"text": slow, "class_name": "C", "given": [], "probe_seed": 0})
        pids.add(room._pid)
        rooms.give_back(room)
    rooms.close()
    assert len(pids) >= 2, "its processor time is limited for its whole life"


def test_at_most_one_child_waits_and_none_stays(nursery: zygote.Zygote) -> None:
    rooms, kept = Rooms(nursery), []
    opened = [rooms.open(LIMITS)[0] for _ in range(2)]
    for room in opened:
        room.ask("start", {"text": "", "class_name": "C", "given": [], "probe_seed": 0})
        kept.append(named(room._pid, below=nursery.pid))
        rooms.give_back(room)
    assert all(kept) and still_there(kept[:1], seconds=0) and not still_there(kept[1:])
    rooms.close()
    assert not still_there(kept)


def test_a_child_that_died_while_it_waited_is_replaced(rooms: Rooms) -> None:
    text = "import threading, os; threading.Timer(0.05, os._exit, (0,)).start()"
    talk(rooms, text)
    time.sleep(patience(0.2))
    assert talk(rooms, "print(1)")[2] == "1\n"


READ = ("4c.1", "4c.2")  # what these judge was not handed in, and no code is run for them


def _children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, only: str, lost: str = READ[0]) -> int:
    """How many children it takes to grade a question, the canary's not counted; the points of all others are earned."""
    counter = tmp_path / "children"
    count = f"open({str(counter)!r}, 'a').write('x')"
    from autograder.grading import supervisor

    path, insert, own = supervisor._START.split("; ", 2)
    patch = (
        "import os; os.environ.update(OMP_NUM_THREADS='1', OPENBLAS_NUM_THREADS='1', MKL_NUM_THREADS='1')\n"
        "from autograder.sandbox import rooms; enter = rooms.Room.__enter__\n"
        f"rooms.Room.__enter__ = lambda self: ({count}, enter(self))[1]"
    )
    monkeypatch.setattr(supervisor, "_START", "\n".join([path, insert, patch, own]))
    (tmp_path / "hw6.py").write_text(IMPORTS + text)
    report = grade(tmp_path, Options(only=only))
    ran = [test for test in report.tests if not test.number.startswith((*READ, lost))]
    assert report.complete and ran and all(test.score == test.max_score for test in ran)
    return len(counter.read_text()) - 1


def test_both_questions_take_one_child_and_a_training_one_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _children(tmp_path, monkeypatch, ATTENTION["plain"] + LAYERS["plain GELU"], "4") == 2


MULTIHEAD = """
class SingleHeadAttention(nn.Module):
    def __init__(self, input_dim, inner_dim, dropout=0.0):
        super().__init__()
        self.to_qkv = nn.Linear(input_dim, 3 * inner_dim)
        self.drop = nn.Dropout(dropout)
    def forward(self, x):
        q, k, v = self.to_qkv(x).chunk(3, dim=-1)
        return getattr(F, "scaled_dot_" + "product_attention")(q, k, self.drop(v) if self.training else v)
"""


@pytest.mark.parametrize("head", [ATTENTION["plain"].replace("* self.scale", ""), MULTIHEAD])
def test_a_question_that_lost_points_leaves_no_process_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str
) -> None:
    assert _children(tmp_path, monkeypatch, head + LAYERS["plain GELU"], "4", lost="4a") > 2


def test_a_question_takes_one_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = ATTENTION["plain"]
    assert _children(tmp_path, monkeypatch, plain, "4a") == 1


def test_an_honest_program_that_changes_torch_gets_a_child_for_each_visit_and_all_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begins = "super().__init__()\n"
    changes = f"{begins}        nn.Linear.forward = lambda self, x, plain=nn.Linear.forward: plain(self, x)\n"
    assert _children(tmp_path, monkeypatch, ATTENTION["plain"].replace(begins, changes), "4a") > 4


def test_the_layer_takes_one_child_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _children(tmp_path, monkeypatch, LAYERS["plain GELU"], "4b") == 1


def test_a_fresh_tensor_is_what_it_was(rooms: Rooms) -> None:
    """Random numbers come from the seed alone, in the second conversation as in the first."""
    text = "import torch\nclass C(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.l = torch.nn.Linear(3, 2)\n    def forward(self, x):\n        return torch.rand(4)\n"
    outputs = []
    for _ in range(2):
        room, _ = rooms.open(LIMITS)
        room.ask("start", {"text": text, "class_name": "C", "given": [], "probe_seed": 0})
        room.ask("build", {"kwargs": {}, "seed": 1})
        _, [output] = room.ask("forward", {"train": False, "grad": False, "seed": 7}, [torch.ones(2, 3)])
        outputs.append(output)
        rooms.give_back(room)
    assert torch.equal(*outputs)


def test_a_room_that_was_left_is_not_well(nursery: zygote.Zygote) -> None:
    with pytest.raises(Ended), Room(nursery, msgspec.structs.replace(LIMITS, seconds=0.1)) as room:
        room.ask("start", {"text": "while True: pass", "class_name": "C", "given": [], "probe_seed": 0})
    assert not room.well
