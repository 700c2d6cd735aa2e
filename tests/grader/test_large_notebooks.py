"""A notebook that is large for what its cells show loses nothing but that: the code is run, the training is read."""

from __future__ import annotations

import base64
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from autograder.commands import appendix
from autograder.core import policy
from autograder.core.inventory import State
from autograder.handin import present
from autograder.handin.files.pictures import Look, looked_at, saved_pictures
from autograder.handin.load import load, members_of
from tests.grader.submission_samples import BOTH

MB = 1 << 20
FILE_MB, UPLOAD_MB = 4, 20  # a fifth of what is in force, so that these notebooks are made in a fifth of the time
LOSSES = "".join(f"epoch {n}: train loss {2.3 / (n + 1):.4f}, val loss {2.4 / (n + 1):.4f}\n" for n in range(3))
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {}, "execution_count": 1, "outputs": list(outputs)}


def data(**kinds: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": kinds}


def stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def noise(megabytes: float) -> str:
    """Base64 of a picture of this size: its start is one of PNG, the rest compresses no more than a photograph."""
    return base64.b64encode(DOT[:40] + os.urandom(int(megabytes * MB * 0.75))).decode()


def notebook(*cells: dict[str, Any]) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}).encode()


LARGE: dict[str, Callable[[], dict[str, Any]]] = {
    "an animation": lambda: code("HTML(anim.to_jshtml())", data(**{"text/html": f"<img src=x>{noise(5)}"})),
    "lines of an animation": lambda: code("anim", data(**{"text/html": [noise(0.2) + "\n" for _ in range(25)]})),
    "many plots": lambda: code("plt.plot(x)", *(data(**{"image/png": noise(0.1)}) for _ in range(50))),
    "a figure's numbers": lambda: code(
        "fig", data(**{"application/vnd.plotly.v1+json": {"data": [{"z": list(range(700_000))}]}})
    ),
    "progress bars": lambda: code("run()", stream("".join(f"\r{n}/900000 |####|" for n in range(300_000)))),
    "photographs beside an answer": lambda: {
        "cell_type": "markdown", "source": "mine", "metadata": {},
        "attachments": {f"{n}.jpg": {"image/jpeg": noise(1.2)} for n in range(4)},
    },
    "photographs within an answer": lambda: {
        "cell_type": "markdown", "metadata": {},
        "source": "mine " + " ".join(f"![](data:image/png;base64,{noise(1.2)})" for _ in range(4)) + " and more",
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def _smaller_caps(monkeypatch: pytest.MonkeyPatch) -> None:
    smaller = msgspec.structs.replace(policy.CAPS, file_mb=FILE_MB, upload_mb=UPLOAD_MB)
    assert policy.CAPS.upload_mb == 5 * policy.CAPS.file_mb
    monkeypatch.setattr(policy, "CAPS", smaller)


@pytest.fixture(params=LARGE)
def large(request: pytest.FixtureRequest) -> bytes:
    made = notebook(
        code(BOTH), LARGE[request.param](), code("train()", stream(LOSSES), data(**{"image/png": noise(0.03)}))
    )
    assert FILE_MB * MB < len(made) < 12 * MB
    return made


def test_code_and_training_are_read(large: bytes, tmp_path: Path) -> None:
    (tmp_path / "hw6.ipynb").write_bytes(large)
    submission = load(tmp_path)
    assert sorted(submission.programs) == ["4a", "4b"] and not submission.problem
    (member,) = members_of(tmp_path)
    slim = member.read()
    assert len(slim) <= FILE_MB * MB
    read = json.loads(slim)
    assert read["cells"][0]["source"] == BOTH and read["cells"][2]["outputs"][0]["text"] == LOSSES
    assert len(read["cells"]) == 3 and read["nbformat"] == 4
    looks = [looked_at(picture) for found in saved_pictures(slim.decode()).values() for picture in found]
    assert looks and set(looks) == {Look.UNSURE}, "what was cut is no blank picture"
    sizes = [item for item in present.read(tmp_path).items if item.name == "sizes"]
    assert [item.state for item in sizes] == [State.THERE] and f"of {UPLOAD_MB} MB" in sizes[0].words
    assert f"{len(large) / MB:.1f} MB" in sizes[0].words


def _zip(file: io.BytesIO, content: bytes) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("hw6.ipynb", content)


def _tar(file: io.BytesIO, content: bytes) -> None:
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        entry = tarfile.TarInfo("hw6.ipynb")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))


@pytest.mark.parametrize(("name", "pack"), [("s.zip", _zip), ("s.tar.gz", _tar)])
def test_packed_it_is_the_same(name: str, pack: Callable[[io.BytesIO, bytes], None], tmp_path: Path) -> None:
    file = io.BytesIO()
    pack(file, notebook(code(BOTH), *(code("plt.plot(x)", data(**{"image/png": noise(3)})) for _ in range(5))))
    (tmp_path / name).write_bytes(file.getvalue())
    assert sorted(load(tmp_path / name).programs) == ["4a", "4b"]


def test_what_stands_about_a_picture_in_an_answer_is_kept(tmp_path: Path) -> None:
    (tmp_path / "hw6.ipynb").write_bytes(notebook(code(BOTH), LARGE["photographs within an answer"]()))
    (member,) = members_of(tmp_path)
    assert json.loads(member.read())["cells"][1]["source"].split() == ["mine", *["![](data:,)"] * 4, "and", "more"]


def test_code_is_not_cut_however_long(tmp_path: Path) -> None:
    long = code(BOTH + "# x data:image/png;base64," + "A" * 200_000)
    (tmp_path / "hw6.ipynb").write_bytes(notebook(long, LARGE["an animation"]()))
    (member,) = members_of(tmp_path)
    assert json.loads(member.read())["cells"][0] == long


BEYOND = {
    "code": lambda: notebook(code(BOTH + "# x" * (2 * MB))),
    "no notebook": lambda: b"{" + b" " * (5 * MB),
    "nested": lambda: notebook(code(BOTH, data(x="y"))).replace(b'"y"', b"[" * (5 * MB)),
    "outputs that are none": lambda: notebook({**code(BOTH), "outputs": "x" * (5 * MB)}),
}


@pytest.mark.parametrize("what", BEYOND)
def test_what_is_large_for_other_reasons_is_refused_in_words(what: str, tmp_path: Path) -> None:
    (tmp_path / "hw6.ipynb").write_bytes(BEYOND[what]())
    assert f"at most {FILE_MB} MB are read. Clear large outputs" in load(tmp_path).problem


@pytest.mark.parametrize("ending", ["html", "pdf"])
def test_its_appendix_is_made(ending: str, tmp_path: Path) -> None:
    if ending == "pdf":
        pytest.importorskip("typst", reason="the PDF is made by typst: pip install -e .[pdf]")
    plots = (code("plt.plot(losses)", data(**{"image/png": noise(1.8)})) for _ in range(4))
    (tmp_path / "hw6.ipynb").write_bytes(notebook(code(BOTH), code("# 4(c)\nmodel = ViT()"), *plots))
    appendix.build(tmp_path, tmp_path / f"appendix.{ending}")
    assert (tmp_path / f"appendix.{ending}").stat().st_size > 5000
