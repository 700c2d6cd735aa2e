"""What the fuzzers feed: each reader of foreign bytes, with inputs to start from, words to insert, and what may happen.

Why separate: the quick test (test_fuzz.py) and the long runs by hand (scripts/fuzz.py) try the same promises. A target
returns when its reader gave a value or the error it documents; anything else that it raises is a finding.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import msgspec

from autograder import student_room
from autograder.core import metadata, policy
from autograder.core.errors import SubmissionError
from autograder.core.records import Submission
from autograder.core.text import one_line
from autograder.handin import load, rules
from autograder.handin.files import large
from autograder.handin.files.answers import parse_answers
from autograder.handin.files.archive import zip_members
from autograder.handin.files.checkpoint import read_weights
from autograder.handin.files.choosing import choose
from autograder.handin.files.extras import read_history
from autograder.handin.files.layout import remarks_on_layout
from autograder.handin.files.members import Member
from autograder.sandbox import wire
from autograder.student_room import frames
from tests.grader.submission_samples import BOTH, notebook
from tests.grader.written_judges import JUDGES, spellings

ROOT = Path(load.__file__).parents[2]
MAX_INPUT = 64 * 1024  # longer submissions exist; what grows faster than linearly shows at this size already
MAX_BODY = 1 << 20  # of a frame: the real agreement is 64 MB, and no rule depends on it
SECONDS = 1.0  # for one input: an honest notebook of that size takes 0.05 s

_PROVIDED = (Path(student_room.__file__).parent / "provided_classes.py").read_text(encoding="utf-8")


class Target(NamedTuple):
    """`run(data)` returns, or raises what is a finding. `seeds` are valid; `words` mean something to the reader."""

    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...]
    run: Callable[[bytes], None]


# --- the wire -----------------------------------------------------------------------------------------------------


def read_wire(data: bytes) -> None:
    """Frames in pieces, then each as a reply. The first byte says how long the pieces are."""
    reader = frames.FrameReader(MAX_BODY)
    step = 1 + 37 * data[0] if data else 1
    rest = data[1:]
    try:
        for start in range(0, len(rest), step):
            reader.feed(rest[start : start + step])
            while (frame := reader.next_frame()) is not None:
                _reply(*frame)
    except frames.FrameError:
        return


def _reply(header: bytes, body: bytes) -> None:
    try:
        _, tensors = wire.reply(header, body)
    except wire.ProtocolError:
        return
    assert sum(tensor.numel() * tensor.element_size() for tensor in tensors) == len(body)


def _frame(reply: dict[str, object], body: bytes = b"") -> bytes:
    return b"\x80" + frames.pack(json.dumps(reply).encode(), body)


def _output(dtype: str, shape: Sequence[int]) -> dict[str, object]:
    return {"status": "ok", "tensors": [{"dtype": dtype, "shape": list(shape)}], "notes": ["tuple"], "calls": 3}


_PARAMETER = {"name": "to_q.weight", "shape": [8, 4], "dtype": "float32", "owner": "Linear"}
_WIRE = (
    _frame({"status": "ok"}) + _frame({"status": "ok"})[1:],
    _frame({"status": "ok", "parameters": [_PARAMETER, _PARAMETER], "made": 2}),
    _frame(_output("float32", (2, 3, 4)), bytes(96)),
    _frame(_output("uint8", (2**31, 0, 7))),
    _frame({**_output("float64", ()), "names": []}, bytes(8)),
    _frame({"status": "raised", "error": "ValueError", "detail": "no", "line": 3, "function": "forward"}),
)
_WIRE_WORDS = (
    b'"status"', b'"ok"', b'"memory"', b'"returned"', b'"tensors":[', b'{"dtype":"int64","shape":[0]}', b'"float16"',
    b'"shape":[2147483648,0]', b"2147483648", b"-1", b"1e999", b"NaN", b"null", b'"\\ud800"', b"[[[[", b"}", b"HW6\n",
    b"\xff\xff\xff\xff", bytes(8),
)  # fmt: skip

# --- the submission --------------------------------------------------------------------------------------------------


def read_notebook(data: bytes) -> None:
    """From bytes to the findings of the rules, as a notebook and as a script. A stack or a memory that is too small
    is documented: `reading` runs this in a process of its own and puts it into words."""
    for name in ("hw6.ipynb", "hw6.py"):
        try:
            chosen = choose([Member(name, lambda: data)], _PROVIDED)
            found = [finding for program in chosen.sliced.programs.values() for finding in rules.check(program)]
        except (SubmissionError, RecursionError, MemoryError):
            continue
        work = chosen.work
        assert all(program.text.count("\n") <= len(program.places) for program in chosen.sliced.programs.values())
        record = Submission("x", name, "", cells=work.cells, programs=chosen.sliced.programs, findings=tuple(found))
        assert msgspec.json.decode(msgspec.json.encode(record), type=Submission) == record


def read_large_notebook(data: bytes) -> None:
    """A notebook that is cut before it is read: still JSON with the same code, or one sentence."""
    member = Member("hw6.ipynb", lambda: data)
    smaller = msgspec.structs.replace(policy.CAPS, file_mb=0)
    with mock.patch.object(policy, "CAPS", smaller), mock.patch.object(large, "_SMALL", 16):
        with contextlib.suppress(SubmissionError):
            large.slimmed((member,))[0].read()
        try:
            slim, whole = json.loads(large._slim(data, 200)), json.loads(data)
        except (
            msgspec.DecodeError,
            UnicodeDecodeError,
            RecursionError,
        ):  # in what is not looked at bytes stay as they are
            return
    assert slim.keys() == whole.keys() and len(slim.get("cells", ())) == len(whole.get("cells", ()))
    pairs = zip(slim.get("cells", ()), whole.get("cells", ()))
    assert all(a.get("source") == b.get("source") for a, b in pairs if b.get("cell_type") in ("code", None))


def _shown() -> bytes:
    data = {"image/png": "A" * 40, "text/html": ["<b>" * 9, "x"], "application/vnd.plotly.v1+json": {"data": [1] * 20}}
    outputs = [
        {"output_type": "stream", "text": "1\n" * 30},
        {"output_type": "display_data", "data": data},
        {"output_type": "error", "traceback": ["x" * 20]},
    ]
    photo = {"cell_type": "markdown", "source": "![](data:image/png;base64," + "A" * 2000 + ")"}
    files = {"cell_type": "markdown", "source": "x", "attachments": {"a": {"image/png": "B" * 30}}}
    code = {"cell_type": "code", "source": ["a\n", "b"] * 9, "outputs": outputs}
    return json.dumps({"nbformat": 4, "metadata": {}, "cells": [code, photo, files, code]}).encode()


def _sources() -> tuple[bytes, ...]:
    examples = sorted((ROOT / "examples" / "class").rglob("*.ipynb"), key=lambda path: path.stat().st_size)
    small = [path.read_bytes() for path in examples if path.stat().st_size < MAX_INPUT]
    magics = "!pip install einops\n%matplotlib inline\nx = !ls\n%time y = 1\nprint?\n"
    old = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": [BOTH], "outputs": []}]}]}
    outputs = ({"output_type": "stream", "text": ["a\rb\n"]}, {"data": {"image/png": "A", "text/plain": "1"}})
    return (
        notebook("import torch\nfrom torch import nn\n" + magics, BOTH, outputs=outputs).encode(),
        json.dumps(old).encode(),
        BOTH.encode(),
        (magics + BOTH.replace("return x", "return getattr(nn, 'MultiheadAttention')(4, 2)(x, x, x)")).encode(),
        *small[:4],
    )


_NOTEBOOK_WORDS = (
    b'{"cell_type": "code", "source": "", "outputs": []},', b'"source": [', b'"cells": [', b'"worksheets": [', b"null",
    b"\\n", b"\n", b"\\ud800", b"class ViTLayer(nn.Module):", b"def forward(self, x):", b"    ", b"%%bash\\n", b"%%time\\n",
    b"!ls \\\n", b"?", b"(", b")", b"[", b"'''", b"f'{", b"lambda: ", b"exec('", b"__import__('torch').nn", b"if True:\n",
    b"import torch as t\n", b"from torch.nn import *\n", b"getattr(torch, 's' 'oftmax')", b"# coding: utf-7\n", b"\\\n",
    b"match x:\n case 1:", b"async def ", b"@property\n", b"global x\n", b"del torch\n", b"-" * 40, b"\x0c", b"\r", b"\xef\xbb\xbf",
    b"x if x else ", b"not ", b"{**", b":=", b"1_0", b"1e999", b"'a' * 9**9", b"get_ipython().system('", b"try:\n pass\nfinally:\n",
)  # fmt: skip

# --- written answers ----------------------------------------------------------------------------------------------


def read_answers(data: bytes) -> None:
    """answers.toml, its remarks, and every value before every judge."""
    try:
        tables = parse_answers(data)
    except SubmissionError as refused:
        assert len(str(refused)) < 500
        return
    assert json.loads(json.dumps(tables, allow_nan=False)) == tables
    remarks_on_layout(tables)
    for value in [value for table in tables.values() for value in table.values()][:3]:
        _judged(value)


def read_formula(data: bytes) -> None:
    """One typed answer, or the lines of one as a list."""
    text = data.decode("utf-8", "replace")[:4000]
    _judged(text)
    _judged(text.split("\n"))


def _judged(value: object) -> None:
    for judge in JUDGES.values():
        verdict = judge(value)
        assert 0.0 <= verdict.earned <= 1.0


_ANSWERS = (
    (ROOT / "student_template" / "answers.toml").read_bytes(),
    *(f"[q2a]\nparameters = {json.dumps(raw, ensure_ascii=False)}\n".encode() for _, raw in spellings("right")[::9]),
)
_TOML_WORDS = (
    b"[q2a]\n", b"[[q2a]]\n", b"[q2.a]\n", b"parameters = ", b"'''", b'"""', b"\\mu", b"\\frac", b"{a = 1}", b"[[1, 2], [3, 4]]",
    b"# ", b"1e400", b"inf", b"0x7f", b"2022-05-03", b"\\U0001F600", b"\xe2\x80\x9c", b"\xef\xbb\xbf", b"\r\n", b"= ", b"true", b"9" * 40,
)  # fmt: skip
_FORMULAS = tuple(str(raw).encode() for _, raw in (*spellings("right"), *spellings("wrong")))
_FORMULA_WORDS = tuple(
    "\\frac{ \\left( \\right) ^ _ { } ^T ' % | ‖ || sum_ \\sum_{i=1}^d sqrt exp( softmax( norm dot floor where = ≈ approx "
    "mu sigma^2 \\mu μ σ² d v1 v_1 [1, 2] ; , 1,000 1e60 9^9^9 -- +- / * @ · × ² ⅓ ∞ √ 𝟗 \ufdfa e 0 1/0 \\text{ $ & \\\\".split()
)
_FORMULA_BYTES = tuple(word.encode() for word in _FORMULA_WORDS)

# --- what surrounds them ------------------------------------------------------------------------------------------


def read_zip(data: bytes) -> None:
    """A zip, and each of its files."""
    try:
        members = zip_members(data, "x.zip")
    except SubmissionError:
        return
    for member in members[:50]:
        try:
            member.read()
        except SubmissionError:
            continue


def _zip(method: int, **files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name.replace("__", "/"), (2025, 1, 1, 0, 0, 0)), content, method)
    return out.getvalue()


def read_metadata(data: bytes) -> None:
    """The platform's file: never an error."""
    metadata.lateness(metadata.parse(data))


def read_history_file(data: bytes) -> None:
    """history.json: an object or a reason, as data that crosses to other processes."""
    history, problem, _ = read_history([Member("history.json", lambda: data)], "hw6.ipynb")
    assert (history is None) == bool(problem) and one_line(problem) == problem
    assert msgspec.json.decode(msgspec.json.encode(history)) == history


_METADATA = json.dumps(
    {
        "id": 123,
        "created_at": "2018-07-01T14:22:32.365935-07:00",
        "assignment": {"due_date": "2018-07-31T23:00:00.000000-07:00", "group_size": 4, "total_points": "20.0"},
        "users": [{"email": "s@x.edu", "id": 1, "assignment": {"due_date": "2018-08-31T23:00:00Z"}}],
        "previous_submissions": [{"submission_time": "2017-04-06T14:24:48.087023-07:00", "score": 0.0}],
    }
).encode()
_JSON_WORDS = (
    b"null", b"true", b"[", b"]", b"{", b"}", b'"', b"\\ud800", b"-0.0", b"1e999", b"NaN", b"Infinity", b"9" * 400,
    b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59", b"-24:00", b"[[[[[[", b'"users": [', b'"due_date": ', b"1e308",
)  # fmt: skip


def read_checkpoint(data: bytes) -> None:
    """model.safetensors: weights whose bytes are there, or one sentence."""
    weights, problem = read_weights([Member("model.safetensors", lambda: data)], "hw6.py")
    assert (weights is None) == bool(problem)
    assert len(problem) < 500
    for spec in weights.specs if weights else ():
        assert 0 <= spec.start <= spec.end <= len(weights.data if weights else b"")


_SPEC = b'{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}'
_CHECKPOINTS = tuple(
    len(header).to_bytes(8, "little") + header + bytes(24)
    for header in (
        b'{"w":' + _SPEC + b"}",
        b'{"__metadata__":{},"w":' + _SPEC + b',"e":' + _SPEC.replace(b"2,3", b"0") + b"}",
    )
)
_CHECKPOINT_WORDS = (
    b'"dtype"', b'"F64"', b'"BOOL"', b'"shape":[1099511627776,0]', b'"data_offsets":[0,0]', b"[24,24]", b"-1", b"1e9", b"true",
    b"NaN", b"null", b"[[[[", b'"w":' + _SPEC + b",", b'"\\ud800":', b"\x80\x04\x95", b"PK\x03\x04", b"\xff" * 8, bytes(8),
)  # fmt: skip

TARGETS: dict[str, Target] = {
    "checkpoint": Target(_CHECKPOINTS, _CHECKPOINT_WORDS, read_checkpoint),
    "wire": Target(_WIRE, _WIRE_WORDS, read_wire),
    "large": Target((_shown(),), _JSON_WORDS, read_large_notebook),
    "notebook": Target(_sources(), _NOTEBOOK_WORDS, read_notebook),
    "answers": Target(_ANSWERS, _TOML_WORDS + _FORMULA_BYTES, read_answers),
    "formula": Target(_FORMULAS, _FORMULA_BYTES, read_formula),
    "zip": Target(
        tuple(_zip(method, hw6__py=BOTH.encode(), a=b"x" * 99) for method in (0, 8, 12, 14)),
        (
            b"PK\x03\x04",
            b"PK\x01\x02",
            b"PK\x05\x06",
            b"\xff\xff\xff\xff",
            bytes(4),
            b"\x01\x00",
            b"../",
            b"PK\x06\x07",
        ),
        read_zip,
    ),
    "metadata": Target((_METADATA,), _JSON_WORDS, read_metadata),
    "history": Target((b'{"train_loss": [2.1, 0.5], "epochs": 10, "lr": 1e-3}',), _JSON_WORDS, read_history_file),
}

# --- changing a valid input ---------------------------------------------------------------------------------------

_NUMBER = re.compile(rb"\d+")
_NUMBERS = (b"0", b"-1", b"2147483648", b"9223372036854775808", b"1e309", b"0.1", b"99999")


def mutated(source: random.Random, target: Target) -> bytes:
    """A seed of the target with one to eight changes; at most MAX_INPUT bytes."""
    data = source.choice(target.seeds)
    for _ in range(source.randint(1, 8)):
        data = source.choice(_CHANGES)(source, data, target)[:MAX_INPUT]
    return data


def _span(source: random.Random, data: bytes) -> tuple[int, int]:
    start = source.randrange(len(data) + 1)
    return start, min(len(data), start + int(2 ** source.uniform(0, 9)))


def _flipped(source: random.Random, data: bytes, target: Target) -> bytes:
    at = source.randrange(len(data) + 1)
    return data[:at] + bytes([source.randrange(256)]) + data[at + 1 :]


def _inserted(source: random.Random, data: bytes, target: Target) -> bytes:
    at = source.randrange(len(data) + 1)
    return data[:at] + source.choice(target.words) + data[at:]


def _repeated(source: random.Random, data: bytes, target: Target) -> bytes:
    """A word or a stretch many times over: what shows that time or depth grows too fast."""
    start, end = _span(source, data)
    piece = source.choice([data[start:end], source.choice(target.words)])
    times = int(2 ** source.uniform(1, 15))
    return data[:start] + (piece * times)[:MAX_INPUT] + data[end:]


def _cut(source: random.Random, data: bytes, target: Target) -> bytes:
    start, end = _span(source, data)
    return data[:start] + data[end:]


def _joined(source: random.Random, data: bytes, target: Target) -> bytes:
    other = source.choice(target.seeds)
    return data[: source.randrange(len(data) + 1)] + other[source.randrange(len(other) + 1) :]


def _moved(source: random.Random, data: bytes, target: Target) -> bytes:
    start, end = _span(source, data)
    at = source.randrange(len(data) + 1)
    return data[:at] + data[start:end] + data[at:]


def _renumbered(source: random.Random, data: bytes, target: Target) -> bytes:
    found = list(_NUMBER.finditer(data[:4096]))
    if not found:
        return data
    match = source.choice(found)
    return data[: match.start()] + source.choice(_NUMBERS) + data[match.end() :]


_CHANGES = (_flipped, _inserted, _inserted, _repeated, _cut, _joined, _moved, _renumbered)
