"""Hostile packing: zips, notebooks, answers and programs that are made to break a reader, a slicer or a judge.

Where the code in it is right it keeps its points; where it cannot be read it has none, in words; nothing of it is ours.
"""

from __future__ import annotations

import io
import json
import stat
import warnings
import zipfile

import pytest

from tests.grader.hostile import oracles
from tests.grader.hostile.submissions import RIGHT_HEAD, Attack, program, wrong

pytestmark = [pytest.mark.slow, pytest.mark.boxed]

RIGHT = program(Attack()).encode()
WRONG = program(wrong("")).encode()


Member = tuple[str | zipfile.ZipInfo, bytes]


def zipped(*members: Member, mend: tuple[bytes, bytes] = (b"", b"")) -> bytes:
    """A zip as bytes, with one byte string in it changed afterwards."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the same name twice, on purpose
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue().replace(*mend) if mend[0] else buffer.getvalue()


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


HW6: Member = ("hw6.py", RIGHT)


def packed(data: bytes, name: str = "submission.zip", points: str = "any") -> Attack:
    return Attack(a=points, b=points, files=((name, data),))


def beside(name: str, data: bytes) -> Attack:
    """A right program, and one file that is none of its business."""
    return Attack(files=(("hw6.py", RIGHT), (name, data)))


def cells(*sources: object, **top: object) -> bytes:
    listed = [{"cell_type": "code", "metadata": {}, "source": source, "outputs": []} for source in sources]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": listed, **top}).encode()


TEXT = RIGHT.decode()
CHEAT = "SingleHeadAttention = ViTLayer = type('Any', (nn.Module,), {'__call__': lambda self, x: x})\n"
ATTACKS: dict[str, Attack] = {
    # zips
    "a zip of zeros": packed(zipped(HW6, ("big", bytes(60 << 20)))),
    "a zip of many": packed(zipped(*((f"{i}.txt", b"") for i in range(3000)))),
    "a way up": packed(zipped(("../../planted.py", b"x"), HW6)),
    "a way from the root": packed(zipped(("/tmp/planted", b"x"), HW6)),
    "a link to the secrets": packed(zipped((link("answers.toml"), b"/etc/passwd"), HW6)),
    "a link for a program": packed(zipped((link("hw6.ipynb"), b"/proc/self/environ"), HW6)),
    "one name twice": packed(zipped(("hw6.py", WRONG), HW6)),
    "an empty name": packed(zipped(("QQQQ", b"x"), HW6, mend=(b"QQQQ", b"\0QQQ"))),
    "a size that lies": packed(zipped(HW6, mend=(len(RIGHT).to_bytes(4, "little"), b"\xff\xff\xff\x7f"))),
    "half a zip": packed(zipped(HW6)[:-40]),
    "a zip in a zip in a zip": packed(zipped(("a.zip", zipped(("b.zip", zipped(HW6)))))),
    "a zip that says it is encrypted": packed(zipped(HW6, mend=(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0"))),
    "files named like the grader's": Attack(files=(("hw6.py", RIGHT), ("results.json", b'{"score": 39}'), ("conftest.py", b"raise SystemExit"), ("autograder.py", b"raise SystemExit"), ("sitecustomize.py", b"raise SystemExit"))),
    # notebooks
    "a notebook nested deep": packed(b"[" * 200_000, "hw6.ipynb", "zero"),
    "cells that are a table": packed(json.dumps({"nbformat": 4, "cells": {"0": TEXT}}).encode(), "hw6.ipynb", "zero"),
    "a source that is a number": packed(cells(7), "hw6.ipynb", "zero"),
    "a format of the future": packed(cells(TEXT, nbformat=10**9), "hw6.ipynb"),
    "twenty thousand cells": packed(cells(*["x = 1"] * 20_000, TEXT), "hw6.ipynb"),
    "half a character": packed(cells(TEXT + "\n# \ud800"), "hw6.ipynb"),
    "a number without an end": packed(cells(TEXT, metadata={"n": 1}).replace(b'"n": 1', b'"n": ' + b"9" * 100_000), "hw6.ipynb"),
    "magics that run": packed(cells("!touch /tmp/planted\n%run /tmp/x\n%%bash\nexit 1", "%%writefile hw6.py\nx", TEXT), "hw6.ipynb", "full"),
    "outputs that are pages": packed(cells(TEXT).replace(b'"outputs": []', b'"outputs": [{"output_type": "display_data", "data": {"text/html": "<script>x</script>"}}]'), "hw6.ipynb", "full"),
    # answers and evidence
    "answers nested deep": beside("answers.toml", b"a = " + b"[" * 5000 + b"]" * 5000),
    "answers that run": beside("answers.toml", b'["2a"]\noutput = "__import__(\'os\').mkdir(\'/tmp/planted\')"\n'),
    "answers that never end": beside("answers.toml", b'["3a"]\nx = "9**9**9**9"\n["2a"]\noutput = "' + b"(" * 5000 + b'1"\n'),
    "answers of a megabyte": beside("answers.toml", b'["2a"]\noutput = "' + b"1+" * 500_000 + b'1"\n'),
    "answers that are no text": beside("answers.toml", bytes(range(256)) * 10),
    "a history nested deep": beside("history.json", b'{"train_loss": ' + b"[" * 100_000),
    "a history of what is no number": beside("history.json", b'{"train_loss": [NaN, Infinity, 1e999, "x", null], "test_accuracy": 1e400}'),
    "a pickle for weights": beside("model.safetensors", b"cos\nmkdir\n(S'/tmp/planted'\ntR."),
    "weights whose header lies": beside("model.safetensors", (2**62).to_bytes(8, "little") + b"{}"),
    "weights of no elements": beside("model.safetensors", (70).to_bytes(8, "little") + b'{"w":{"dtype":"F32","shape":[1099511627776,0],"data_offsets":[0,0]}}   '),
    # slicing and rules: one text is read and run
    "a class that is replaced at the end": Attack(a="zero", b="zero", files=(("hw6.py", RIGHT + b"\n" + CHEAT.encode()),)),
    "a class that is replaced by a name": Attack(a="any", b="any", files=(("hw6.py", RIGHT + b"\nglobals()['SingleHeadAttention'] = globals()['ViTLayer'] = lambda *a, **k: nn.Identity()\n"),)),
    "a class in a branch": Attack(a="any", b="any", files=(("hw6.py", ("if True:\n" + "\n".join("    " + line for line in TEXT.splitlines())).encode()),)),
    "a decorator that swaps": wrong("def swap(c): return nn.Identity\ndef attack(): pass\n", "import", head="swap(v)"),
    "a name of the grader's": wrong(
        """
        import autograder.student_room.worker as worker, autograder.student_room.frames as frames
        worker.Conversation.forward = lambda self, *a, **k: ({"status": "ok", "calls": 1, "notes": []}, [torch.zeros(1)])
        frames.ITEM_SIZE.clear()
        """, "import", a="zero", b="zero",
    ),
    "a thousand nested functions": Attack(a="any", b="any", files=(("hw6.py", ("x = " + "(lambda: " * 900 + "1" + ")" * 900 + "\n" + TEXT).encode()),)),
    "a million names": Attack(files=(("hw6.py", ("\n".join(f"n{i} = {i}" for i in range(20_000)) + "\n" + TEXT).encode()),), a="any", b="any"),
    "NUL, BOM and other line ends": Attack(a="any", b="any", files=(("hw6.py", b"\xef\xbb\xbf" + RIGHT.replace(b"\n", b"\r\n") + b"\0"),)),
    # judging: what is claimed is bounded
    "a layer of a thousand matrices": Attack(
        "def attack(): pass\n", "init", "full", "any",
        layer="y + self.mlp(self.norm2(y))", head=RIGHT_HEAD,
        files=(("hw6.py", RIGHT.replace(b"        self.drop = nn.Dropout(dropout)\n", b"        self.drop = nn.Dropout(dropout)\n        self.many = nn.ParameterList([nn.Parameter(torch.zeros(heads * dim_head * (1 + i % 2), dim)) for i in range(400)])\n")),),
    ),
    "weights that share memory": Attack(
        a="any", b="any",
        files=(("hw6.py", RIGHT.replace(b"        self.inner_dim = inner_dim\n", b"        self.inner_dim = inner_dim\n        self.to_k = self.to_q; self.to_v = self.to_q\n")),),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> oracles.Run:
    return oracles.grade(tmp_path_factory, ATTACKS)


@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_read_or_refused_and_nothing_else(run: oracles.Run, name: str) -> None:
    graded = oracles.check(run, ATTACKS, name)
    if oracles.outcome(graded.report, "4a") == "zero":  # and the student is told why
        assert graded.report.submission.problem or any(test.feedback.found for test in graded.report.tests)


def test_nothing_is_left_and_honest_work_is_unharmed(run: oracles.Run) -> None:
    oracles.harmless(run)
