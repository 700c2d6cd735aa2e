"""model.safetensors as it is read: what is honest comes through, what is not is one sentence, and nothing is opened."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path

import pytest

from autograder.core.records import Submission
from autograder.handin import reader
from autograder.handin.files import checkpoint
from autograder.handin.load import load

CODE = "class SingleHeadAttention:\n    pass\n"
ONE = {"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}


def written(header: object, body: bytes = bytes(24)) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def handed_in(folder: Path, data: bytes, name: str = "model.safetensors") -> Submission:
    (folder / "hw6.py").write_text(CODE, encoding="utf-8")
    (folder / name).write_bytes(data)
    return load(folder)


HONEST = {
    "one tensor": written(ONE),
    "metadata": written({"__metadata__": {"format": "pt"}, **ONE}),
    "a header that is padded with spaces": written(json.dumps(ONE).encode() + b"    "),
    "a number": written({"n": {"dtype": "I64", "shape": [], "data_offsets": [0, 8]}}, bytes(8)),
    "an empty tensor beside one": written(
        {"e": {"dtype": "F32", "shape": [0, 5], "data_offsets": [0, 0]}, **ONE},
    ),
    "a mask of a kind that is not loaded": written(
        {**ONE, "mask": {"dtype": "BOOL", "shape": [3], "data_offsets": [24, 27]}}, bytes(27)
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_file_is_read(tmp_path: Path, name: str) -> None:
    submission = handed_in(tmp_path, HONEST[name])
    assert submission.weights_problem == ""
    assert submission.weights is not None
    assert {spec.name for spec in submission.weights.specs} <= {"w", "n", "e"}


@pytest.mark.parametrize("name", ["mine.safetensors", "model.safetensors.txt", "MODEL.safetensors"])
def test_a_file_of_another_name_is_found_when_it_is_the_only_one(tmp_path: Path, name: str) -> None:
    assert handed_in(tmp_path, written(ONE), name).weights is not None


def test_what_safetensors_itself_writes_is_read_bit_for_bit(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    save = pytest.importorskip("safetensors.torch").save
    values = {"b": torch.randn(3, 5), "a": torch.arange(4), "h": torch.randn(2).half(), "l": torch.randn(2).bfloat16()}
    weights = handed_in(tmp_path, save(values)).weights
    assert weights is not None
    for spec in weights.specs:
        raw = torch.frombuffer(bytearray(weights.data[spec.start : spec.end]), dtype=values[spec.name].dtype)
        assert torch.equal(raw.reshape(spec.shape), values[spec.name])


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "hw6.py").write_text(CODE, encoding="utf-8")
    submission = load(tmp_path)
    assert (submission.weights, submission.weights_problem) == (None, "")


def spec(**changed: object) -> bytes:
    return written({"w": {**ONE["w"], **changed}})


DUPLICATE = b'{"w": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}, "w": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}}'
REFUSED = {
    "empty": (b"", "is empty or cut off"),
    "five bytes": (b"12345", "is empty or cut off"),
    "cut off in its header": (written(ONE)[:20], "header is longer"),
    "cut off in its tensors": (written(ONE)[:-5], "of another length than the file"),
    "longer than it says": (written(ONE) + b"x", "of another length than the file"),
    "a header of 2^63 bytes": (b"\xff" * 7 + b"\x7f" + bytes(50), "header is longer"),
    "a header that is no JSON": (written(b"{w}"), "not the JSON"),
    "a header that is no UTF-8": (written(b"\xff\xfe{}"), "not the JSON"),
    "a header that is a list": (written([]), "no table of tensors"),
    "a header nested 100,000 deep": (written(b"[" * 100_000), "not the JSON"),
    "a number of 100,000 digits": (written(b'{"w": ' + b"9" * 100_000 + b"}"), "not the JSON"),
    "100,000 tensors": (
        written({str(i): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(15_000)}, b""),
        "names 15,000 tensors",
    ),
    "a name twice": (written(DUPLICATE), "stands in its header twice"),
    "a shape of 2^40 times nothing": (spec(shape=[2**40, 0], data_offsets=[0, 0]), "is no tensor"),
    "a shape whose product overflows": (spec(shape=[2**24, 2**24, 2**24]), "not the size of its bytes"),
    "a negative size": (spec(shape=[-2, -3]), "is no tensor"),
    "a size that is no whole number": (spec(shape=[2.0, 3]), "is no tensor"),
    "a size that is true": (spec(shape=[True, 6]), "is no tensor"),
    "a thousand dimensions": (spec(shape=[1] * 1000), "is no tensor"),
    "offsets before the start": (spec(data_offsets=[-24, 0]), "is no tensor"),
    "offsets the wrong way round": (spec(data_offsets=[24, 0]), "not the size of its bytes"),
    "three offsets": (spec(data_offsets=[0, 24, 24]), "is no tensor"),
    "an unknown dtype": (spec(dtype="F33"), "is no tensor"),
    "a dtype that is a list": (spec(dtype=["F32"]), "is no tensor"),
    "a tensor that is text": (written({"w": "F32"}), "is no tensor"),
    "tensors that overlap": (written({**ONE, "v": ONE["w"]}), "overlap, or leave gaps"),
    "a gap": (written({"w": {**ONE["w"], "data_offsets": [4, 28]}}, bytes(28)), "overlap, or leave gaps"),
    "a name of 1,000 characters": (written({"w" * 1000: ONE["w"]}), "a name that cannot be one"),
    "a name with a line break": (written({"w\n": ONE["w"]}), "a name that cannot be one"),
    "nothing in it": (written({}, b""), "holds no weights"),
    "17 MB": (written({"w": {"dtype": "U8", "shape": [17 << 20], "data_offsets": [0, 17 << 20]}}, bytes(17 << 20)), "17 MB"),
    "30 MB": (bytes(30 << 20), "30 MB"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_one_clear_sentence_and_the_code_is_unharmed(tmp_path: Path, name: str) -> None:
    data, why = REFUSED[name]
    submission = handed_in(tmp_path, data)
    assert submission.weights is None
    assert why in submission.weights_problem
    assert len(submission.weights_problem) < 400
    assert "4a" in submission.programs
    assert submission.problem == ""


class Planted:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("planted"),))  # type: ignore[return-value]


@pytest.mark.parametrize(
    "name", ["model.pt", "weights/best.pth", "pytorch_model.bin", "last.ckpt", "model.safetensors"]
)
@pytest.mark.parametrize("start", [b"", b"PK\x03\x04\x14\x00\x08\x08"], ids=["pickle", "zip"])
def test_a_pickle_is_never_opened_and_the_line_that_converts_it_is_given(
    tmp_path: Path, name: str, start: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    submission = handed_in(tmp_path, start + pickle.dumps(Planted()), name)
    assert submission.weights is None
    assert "is a pickle" in submission.weights_problem
    assert "save_file(" in submission.weights_problem
    assert not (tmp_path / "planted").exists()


def test_a_pickle_beside_the_right_file_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(pickle.dumps(1))
    submission = handed_in(tmp_path, written(ONE))
    assert (submission.weights is not None, submission.weights_problem) == (True, "")


def test_the_digest_is_of_the_values_whatever_they_are_called(tmp_path: Path) -> None:
    def digest(data: bytes) -> str:
        weights = handed_in(tmp_path, data).weights
        assert weights is not None
        return weights.digest

    body = bytes(range(24))
    renamed = written({"__metadata__": {"by": "me"}, "other": ONE["w"]}, body)
    assert digest(written(ONE, body)) == digest(renamed) != digest(written(ONE, bytes(24)))


def test_the_largest_file_comes_through_the_reading_process(tmp_path: Path) -> None:
    size = (16 << 20) - 4096
    data = written({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}, bytes(size))
    handed_in(tmp_path, data)
    submission = reader.read(tmp_path)
    assert submission.weights is not None
    assert len(submission.weights.data) == size


def test_as_many_tensors_are_read_as_may_cross_to_the_students_room() -> None:
    from autograder.sandbox import wire

    assert checkpoint.MAX_TENSORS == wire.MAX_TENSORS
