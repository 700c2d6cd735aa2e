"""Replies that the submission writes itself, past our code in the child: at worst a protocol error, never a point.

A child owns its end of the wire, so it may say anything. Here it answers a forward with a frame of its own and then says
no more; `reply` is the header, `body` the bytes after it.
"""

from __future__ import annotations

import pytest

from tests.grader.hostile import oracles
from tests.grader.hostile.submissions import Attack, wrong

pytestmark = [pytest.mark.slow, pytest.mark.boxed]

SENDS = """
import json, struct
def send(reply, body=b"", raw=None, header_length=None, body_length=None):
    header = raw if raw is not None else json.dumps(reply).encode()
    lengths = len(header) if header_length is None else header_length, len(body) if body_length is None else body_length
    os.write(3, struct.pack("<4sIQ", b"HW6\\n", *lengths) + header + body)
def tensor(shape, dtype="float32"):
    return {"status": "ok", "tensors": [{"dtype": dtype, "shape": shape}]}
def attack():
    %s
    os._exit(0)
"""

REPLIES = {
    "a negative size": "send(tensor([-1, -4]), bytes(16))",
    "a size beyond every number": "send(tensor([2 ** 70]))",
    "no elements, and too large": "send(tensor([0, 2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1]))",
    "sizes whose product wraps to nothing": "send(tensor([2 ** 31, 2 ** 31, 4]))",
    "more axes than there are": "send(tensor([1] * 100), bytes(4))",
    "a size that is no number": "send(tensor(['4']), bytes(16))",
    "a size that is a fraction": "send(tensor([1.5]), bytes(6))",
    "a size that is true": "send(tensor([True]), bytes(4))",
    "an unknown dtype": "send(tensor([1], 'object'), bytes(8))",
    "a dtype that runs": "send(tensor([1], '__import__(\"os\").system(\"true\")'), bytes(8))",
    "fewer bytes than it says": "send(tensor([4]), bytes(8))",
    "more bytes than it says": "send(tensor([4]), bytes(32))",
    "a body length that lies": "send(tensor([4]), bytes(16), body_length=2 ** 63)",
    "a header length that lies": "send(tensor([4]), bytes(16), header_length=2 ** 32 - 1)",
    "a header of nothing": "send({}, raw=b'')",
    "a header of nesting": "send({}, raw=b'[' * 200_000)",
    "a header of spaces": "send({}, raw=b' ' * 1_000_000)",
    "a header that is no text": "send({}, raw=bytes(range(128, 256)))",
    "a header with half a character": "send({}, raw=b'{\"status\": \"ok\", \"error\": \"\\\\ud800\"}')",
    "a header with the same name twice": "send({}, raw=b'{\"status\": \"raised\", \"status\": \"ok\"}')",
    "a field that is not known": "send({'status': 'ok', 'score': 100})",
    "a status that is not known": "send({'status': 'passed'})",
    "a status in a list": "send({'status': ['ok']})",
    "no tensor": "send({'status': 'ok'})",
    "five hundred tensors": "send({'status': 'ok', 'tensors': [{'dtype': 'uint8', 'shape': [1]}] * 500}, bytes(500))",
    "ten thousand tensors": "send({'status': 'ok', 'tensors': [{'dtype': 'uint8', 'shape': [0]}] * 10_000})",
    "names without tensors": "send({'status': 'ok', 'names': ['a', 'b', 'c']})",
    "the same name for every gradient": "send({'status': 'ok', 'tensors': [{'dtype': 'float32', 'shape': [1]}] * 3, 'names': ['', '']}, bytes(12))",
    "a count below nothing": "send(tensor([1]) | {'calls': -1, 'made': -5}, bytes(4))",
    "a count beyond everything": "send(tensor([1]) | {'calls': 10 ** 30}, bytes(4))",
    "a line that is not there": "send({'status': 'raised', 'error': 'E', 'line': 10 ** 9})",
    "a line below nothing": "send({'status': 'raised', 'error': 'E', 'line': -7})",
    "a program that is not there": "send({'status': 'raised', 'error': 'E', 'part': 1})",
    "notes that are none": "send(tensor([1]) | {'notes': ['passed', 'score: 9', '\\x1b[31m'] }, bytes(4))",
    "wires that are none": "send(tensor([1]) | {'tripped': ['<b>x</b>\\u202e', ''] }, bytes(4))",
    "an exception with a page for a name": "send({'status': 'raised', 'error': '<script>x</script>\\x1b]0;x\\x07\\u202e', 'function': '<b>\\n\\n4a.1 passed', 'line': 3})",
    "an exception of a megabyte": "send({'status': 'raised', 'error': 'E' * 500_000, 'detail': 'x' * 400_000})",
    "infinite values": "send(tensor([2, 5, 4]), struct.pack('<40f', *[float('inf')] * 40))",
    "answers ahead of their questions": "[send(tensor([2, 5, 4]), bytes(160)) for _ in range(40)]",
    "an answer in single bytes": "[(os.write(3, bytes([b])), time.sleep(0.001)) for b in b'HW6\\n' + bytes(12)]",
    "a flood": "[os.write(3, b'x' * 65536) for _ in range(200)]",
    "another's descriptor": "import array, socket; s = socket.socket(fileno=3); quietly(lambda: s.sendmsg([b'HW6\\n'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0, 1, 2]))]))",
}  # fmt: skip

ATTACKS: dict[str, Attack] = {
    name: wrong(SENDS % reply, a="zero", b="zero") for name, reply in REPLIES.items()
} | {f"{name}, while it is made": wrong(SENDS % reply, "init") for name, reply in {
    "a parameter of everything": "send({'status': 'ok', 'parameters': [{'name': 'w', 'shape': [2 ** 60], 'dtype': 'float32', 'owner': ''}]}); time.sleep(0.2)",
    "parameters of one name": "send({'status': 'ok', 'parameters': [{'name': 'w', 'shape': [4], 'dtype': 'float32', 'owner': ''}] * 300}); time.sleep(0.2)",
    "four thousand parameters": "send({'status': 'ok', 'parameters': [{'name': str(i), 'shape': [8, 8], 'dtype': 'float32', 'owner': 'Linear'} for i in range(4000)]}); time.sleep(0.2)",
    "matrices to search through": "send({'status': 'ok', 'parameters': [{'name': str(i), 'shape': [s, t], 'dtype': 'float32', 'owner': 'Linear'} for i in range(20) for s in (4, 8, 11, 12) for t in (4, 8, 11, 12)]}); time.sleep(0.2)",
    "parameters of no dtype": "send({'status': 'ok', 'parameters': [{'name': 'w', 'shape': [4], 'dtype': 'nonsense', 'owner': ''}]}); time.sleep(0.2)",
    "names that are no names": "send({'status': 'ok', 'parameters': [{'name': '<b>\\n\\x1b[2J\\u202e', 'shape': [4, 4], 'dtype': 'float32', 'owner': '</td>'}] * 3}); time.sleep(0.2)",
    "heads beyond counting": "send({'status': 'ok', 'made': 2 ** 31}); time.sleep(0.2)",
}.items()}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> oracles.Run:
    return oracles.grade(tmp_path_factory, ATTACKS, questions=("4a",))


@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_the_childs_mistake_and_no_point(run: oracles.Run, name: str) -> None:
    oracles.check(run, ATTACKS, name)


def test_nothing_is_left_and_honest_work_is_unharmed(run: oracles.Run) -> None:
    oracles.harmless(run)
