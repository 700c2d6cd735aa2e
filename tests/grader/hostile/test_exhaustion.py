"""Hangs, crashes and bombs, each bounded: it costs its own question, whose tests say why, and nobody else anything.

Every bomb ends by itself below what this box allows (memory, processes, disk), with no layer in force.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from autograder.core.records import Status
from tests.grader.hostile import oracles
from tests.grader.hostile.submissions import RIGHT_HEAD, Attack
from tests.grader.pace import patience

pytestmark = [pytest.mark.slow, pytest.mark.boxed]

SECONDS = 0.5 * patience(1.0)  # of a conversation: what answers at all, answers in 0.05 s


class Bomb(NamedTuple):
    """What 4(a) does, where, and the words in which its first failed test says how it ended."""

    text: str
    said: str
    fires: str = "import"
    head: str = ""


TIME, MEMORY, DISK = "not finished in time", "asked for more memory", "kept more on disk"
RAISED, DIED, SILENT = "your code raised", "the process died", "ended without an answer"

BOMBS = {
    # time
    "a loop": Bomb("while time.time() < time.time() + 1: pass", TIME),
    "a loop that catches everything": Bomb(
        """
        end = time.time() + 300
        while time.time() < end:
            try:
                while time.time() < end: time.sleep(0.01)
            except BaseException:
                pass
        """, TIME, "forward",
    ),
    "a call that lasts": Bomb("import re; re.match('(a+)+$', 'a' * 40 + 'b')", TIME, "forward"),
    "a signal that stops it": Bomb("import signal; signal.raise_signal(signal.SIGSTOP); time.sleep(300)", TIME),
    "half an answer": Bomb("os.write(3, b'HW6\\n' + bytes(5)); time.sleep(300)", TIME, "forward"),
    "an object without an end": Bomb(
        """
        class Endless:
            def __iter__(self):
                while True: yield self
            def __len__(self): return 1 << 40
            def __getitem__(self, index): return self
            __repr__ = __str__ = lambda self: time.sleep(300) or "x"
        def attack(): pass
        """, "forward returned", "forward", "Endless()",
    ),
    "an exception without an end": Bomb(
        """
        class Endless(Exception):
            def __str__(self): time.sleep(300); return ""
        def attack(): raise Endless()
        """, TIME, "forward",
    ),
    # crashes
    "recursion": Bomb("sys.setrecursionlimit(1 << 30)\nf = lambda n: f(n + 1) + 1\nf(0)", "", "forward"),
    "a jump to nowhere": Bomb("import ctypes; ctypes.string_at(0)", DIED, "forward"),
    "an abort": Bomb("os.abort()", DIED),
    "an exit": Bomb("os._exit(7)", SILENT),
    "a closed connection": Bomb("os.close(3); time.sleep(300)", SILENT),
    # memory
    "bytes": Bomb("kept = bytearray(3 << 30)", MEMORY),
    "bytes, little by little": Bomb("kept = []\nwhile len(kept) < 3000: kept.append(bytes(1 << 20))", MEMORY),
    "a huge tensor": Bomb("kept = torch.ones(1 << 30)", MEMORY, "forward"),
    "a view written out": Bomb("torch.zeros(1).expand(1 << 34).contiguous()", MEMORY, "forward"),
    "a view as an answer": Bomb("def attack(): pass", "forward returned", "forward", "torch.zeros(1).expand(1 << 36)"),
    "an answer larger than agreed": Bomb("def attack(): pass", "forward returned", "forward", "torch.zeros(1 << 25)"),
    "mapped memory": Bomb("import mmap; kept = mmap.mmap(-1, 3 << 30); kept[0] = 1", MEMORY),
    "text": Bomb("kept = 'x' * (3 << 30)", MEMORY),
    # other things that end
    "threads": Bomb(
        """
        import threading
        for _ in range(500):
            threading.Thread(target=time.sleep, args=(300,), daemon=True).start()
        got("500 threads")
        """, RAISED,
    ),
    "processes": Bomb("for _ in range(50):\n    if os.fork() == 0: os._exit(0)\ngot('forked')", f"{RAISED} PermissionError"),
    "programs": Bomb("import subprocess; subprocess.run(['true']); got('a program')", f"{RAISED} PermissionError"),
    "descriptors": Bomb("kept = [open(os.devnull) for _ in range(1000)]; got('1000 files')", f"{RAISED} OSError"),
    "pipes": Bomb("kept = [os.pipe() for _ in range(1000)]; got('1000 pipes')", f"{RAISED} OSError"),
    "files": Bomb("for i in range(20_000): open(str(i), 'w').close()\ntime.sleep(300)", DISK),
    "bytes on disk": Bomb("for i in range(30): open(str(i), 'wb').write(bytes(15 << 20))\ntime.sleep(300)", DISK),
    "one large file": Bomb("open('x', 'wb').write(bytes(200 << 20)); got('200 MB')", f"{RAISED} OSError"),
    "folders": Bomb("for i in range(1500): os.mkdir('d'); os.chdir('d')\ngot('deep')", f"{RAISED} PermissionError"),
    "shared memory": Bomb("open('/dev/shm/x', 'wb').write(bytes(64 << 20)); got('/dev/shm')", f"{RAISED} PermissionError"),
    "an anonymous file": Bomb("os.ftruncate(os.memfd_create('x'), 1 << 30); got('memfd')", f"{RAISED} PermissionError"),
}  # fmt: skip

# A bomb that harms nobody costs nobody: a right solution keeps its points.
HARMLESS = {
    "much output": "for _ in range(300): print('x' * 100_000)",
    "much output on the descriptor": "for _ in range(300): os.write(2, b'y' * 100_000)",
    "five thousand files, removed again": """
        import shutil, tempfile
        folder = tempfile.mkdtemp()
        for i in range(5000): open(os.path.join(folder, str(i)), "w").close()
        for i in range(1, 200): os.mkdir(folder + "/d" * i)
        shutil.rmtree(folder)
        """,
    "deep expressions": "quietly(lambda: eval('(' * 90 + '1' + ')' * 90))\nvalue = " + "-" * 60 + "1",
    "an object that stays at the end": """
        class Sticky:
            def __del__(self): time.sleep(300)
        sys.kept = [Sticky()]
        sys.kept[0].me = sys.kept[0]
        """,
    "signals ignored": "import signal\nfor n in (1, 2, 3, 15): signal.signal(n, signal.SIG_IGN)",
}

ATTACKS = {
    name: Attack(bomb.text, bomb.fires, "zero", "full", head=bomb.head or RIGHT_HEAD, only_head=True)
    for name, bomb in BOMBS.items()
} | {name: Attack(text) for name, text in HARMLESS.items()}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> oracles.Run:
    return oracles.grade(tmp_path_factory, ATTACKS, seconds=SECONDS)


@pytest.mark.parametrize("name", BOMBS)
def test_it_ends_its_own_question_with_the_reason_in_words(run: oracles.Run, name: str) -> None:
    graded = oracles.check(run, ATTACKS, name)
    failed = [test for test in graded.report.tests if test.number.startswith("4a") and test.status is Status.FAILED]
    told = [test.feedback.found for test in failed if test.max_score]
    assert any(BOMBS[name].said in text for text in told), told


@pytest.mark.parametrize("name", HARMLESS)
def test_what_harms_nobody_costs_nothing(run: oracles.Run, name: str) -> None:
    oracles.check(run, ATTACKS, name)


def test_nothing_is_left_and_honest_work_is_unharmed(run: oracles.Run) -> None:
    oracles.harmless(run)
