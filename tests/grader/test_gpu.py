"""Training on a GPU, as far as it can be tested without one: what the sandbox opens, who calls CUDA when, the captured step.

Nothing here runs CUDA: device files are ordinary ones, and what captures a graph runs the step as it stands.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from autograder.commands import train
from autograder.commands.train import Wish
from autograder.core.errors import UsageError
from autograder.sandbox import devices, landlock
from autograder.student_room import full_run, quick
from autograder.student_room.captured import Work
from autograder.student_room.full_run import FullRun
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT
from tests.grader.test_quick import BATCH, head, some, talk
from tests.grader.train_samples import few_digits
from tests.grader.training_styles import LAYER, PLAIN

pytestmark = [pytest.mark.slow, pytest.mark.boxed]


def dev(folder: Path, *names: str, mode: int = 0o666) -> Path:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
        (folder / name).chmod(mode)
    return folder


ALL = ("nvidiactl", "nvidia-uvm", "nvidia0", "nvidia1")
MORE = ("nvidia-modeset", "nvidia-uvm-tools", "nvidia0.bak", "sda", "kmsg")


def python(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=patience(60), check=False
    )


# --- which files ------------------------------------------------------------------------------------------------------


def test_the_files_of_the_gpus_are_opened_and_no_others(tmp_path: Path) -> None:
    found = devices.files(dev(tmp_path, *ALL, *MORE, "nvidia-caps/nvidia-cap1"))
    assert [Path(path).relative_to(tmp_path).as_posix() for path in found] == [*ALL, "nvidia-caps/nvidia-cap1"]


@pytest.mark.parametrize("absent", ["nvidiactl", "nvidia-uvm", "nvidia0"])
def test_without_one_of_the_three_there_is_no_gpu_and_the_words_say_what_was_looked_for(
    tmp_path: Path, absent: str
) -> None:
    dev(tmp_path, *(name for name in ALL[:3] if name != absent), *MORE)
    assert devices.files(tmp_path) == ()
    assert "there is no GPU here" in devices.missing(tmp_path, other_user=False)


def test_a_gpu_that_is_closed_to_the_childrens_user_is_told(tmp_path: Path) -> None:
    dev(tmp_path, *ALL)
    assert devices.missing(tmp_path, other_user=True) == ""
    (tmp_path / "nvidia1").chmod(0o660)
    assert "nvidia1" in devices.missing(tmp_path, other_user=True)
    assert devices.missing(tmp_path, other_user=False) == ""


def test_only_folders_of_the_drivers_are_added_from_the_path_of_libraries(tmp_path: Path) -> None:
    for name in ("nvidia/lib64", "secret"):
        (tmp_path / name).mkdir(parents=True)
    given = {"LD_LIBRARY_PATH": f"{tmp_path}/nvidia/lib64:{tmp_path}/secret:/nowhere/cuda:"}
    assert devices.libraries(given) == (f"{tmp_path}/nvidia/lib64",)


# --- the wall ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not landlock.abi(), reason="this kernel has no Landlock")
def test_a_device_may_be_used_and_its_neighbours_may_not() -> None:
    done = python(
        "import os\n"
        "from autograder.sandbox import landlock\n"
        "assert landlock.restrict(['/usr', '/lib'], [], ['/dev/full'])\n"
        "os.close(os.open('/dev/full', os.O_RDWR))\n"
        "for path, how in (('/dev/zero', os.O_RDWR), ('/dev/zero', os.O_RDONLY), ('/dev/new', os.O_CREAT | os.O_RDWR)):\n"
        "    try:\n"
        "        os.open(path, how)\n"
        "    except PermissionError:\n"
        "        print('refused')\n"
    )
    assert done.stdout.split() == ["refused"] * 3, done.stderr


@pytest.mark.parametrize(("device", "bounded"), [("cpu", True), ("cuda", False)])
def test_address_space_is_bounded_unless_cuda_needs_it_and_processor_time_always_is(device: str, bounded: bool) -> None:
    done = python(
        "import resource\n"
        "from autograder.core.records import Limits\n"
        "from autograder.sandbox import lockdown\n"
        "before = resource.getrlimit(resource.RLIMIT_AS)[0]\n"
        f"lockdown.limit_resources(Limits(seconds=5, memory_mb=512, device={device!r}))\n"
        "after, seconds = (resource.getrlimit(which)[0] for which in (resource.RLIMIT_AS, resource.RLIMIT_CPU))\n"
        "print(after != before, seconds)\n"
    )
    assert done.stdout.split() == [str(bounded), "62"], done.stderr


def test_nothing_before_the_fork_starts_cuda() -> None:
    """Torch starts CUDA by these; a process that called one must not be forked."""
    done = python(
        "import autograder.engine.main, os, torch\n"
        "from autograder.sandbox import zygote\n"
        "from autograder.student_room import full_run\n"
        "called = []\n"
        "def noticed(name, function):\n"
        "    def call(*a, **k):\n"
        "        called.append(name)\n"
        "        return function(*a, **k)\n"
        "    return call\n"
        "for name in ('_lazy_init', 'init', 'current_device', 'set_device', 'synchronize', 'get_rng_state'):\n"
        "    setattr(torch.cuda, name, noticed(name, getattr(torch.cuda, name)))\n"
        "zygote.warm_up(); full_run.warm_up()\n"
        "print(called, torch.cuda.is_initialized(), os.environ['PYTORCH_NVML_BASED_CUDA_CHECK'])\n"
    )
    assert done.stdout.split() == ["[]", "False", "1"], done.stderr


# --- who is asked -----------------------------------------------------------------------------------------------------


def test_a_device_is_chosen_by_what_is_there_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert full_run.device_for("cpu") == ("cpu", "on the CPU")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a fast one")
    assert full_run.device_for("auto") == full_run.device_for("cuda") == ("cuda", "on the GPU: a fast one")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    device, words = full_run.device_for("auto")
    assert device == "cpu" and "cannot use the GPU" in words
    with pytest.raises(RuntimeError, match="cannot use a GPU here"):
        full_run.device_for("cuda")


def test_a_gpu_that_is_wanted_in_vain_is_refused_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = few_digits(tmp_path / "digits")
    monkeypatch.setattr(devices, "missing", lambda **how: "there is no GPU here: nothing")
    with pytest.raises(UsageError, match="--device cuda: there is no GPU here"):
        train.run("reference", tmp_path / "out", Wish(data=data, device="cuda"))
    with pytest.raises(UsageError, match="--device gpu: it is one of auto, cpu, cuda"):
        train.run("reference", tmp_path / "out", Wish(data=data, device="gpu"))


# --- the captured step ------------------------------------------------------------------------------------------------


def as_it_stands(work: Work) -> Work:
    """In the place of a CUDA graph."""
    for _ in range(3):
        work()
    return work


def captured(dropout: float = 0.0) -> tuple[FullRun, str]:
    own = talk(PLAIN, LAYER, dropout=dropout)
    run = FullRun(own.module, *some(full_run.WORTH * BATCH), batch=BATCH, rate=1e-3)
    run.quick = quick.quicken(
        run.model, own.namespace["Attention"], run.images[:BATCH], run.labels[:BATCH], record=False
    )
    run.adam = full_run.fused(list(run.model.parameters()), 1e-3)
    return run, run._capture(as_it_stands)


def test_capturing_leaves_the_model_and_the_optimiser_as_they_were() -> None:
    before = {name: value.clone() for name, value in talk(PLAIN, LAYER).module.state_dict().items()}
    run, words = captured()
    assert "captured" in words and run.captured is not None
    assert all(torch.equal(value, before[name]) for name, value in run.model.state_dict().items())
    assert all(not bool(value.any()) for value in run.saved())


def test_a_captured_run_has_the_losses_of_the_plain_one_the_last_batch_too() -> None:
    order = torch.randperm(6 * BATCH + 3, generator=torch.Generator().manual_seed(2))
    run, _ = captured()
    plain = FullRun(talk(PLAIN, LAYER).module, *some(full_run.WORTH * BATCH), batch=BATCH, rate=1e-3)
    mine, theirs = run.steps(order, 5), plain.steps(order, 5)
    assert len(mine[0]) == 7 and torch.allclose(mine[0], theirs[0], rtol=1e-4)
    assert int((mine[1] - theirs[1]).abs().max()) <= 1


def test_a_captured_run_goes_on_from_what_was_put_aside() -> None:
    order = torch.arange(4 * BATCH)
    whole, _ = captured()
    whole.steps(order[: 2 * BATCH], 0)
    later, _ = captured()
    later.model.load_state_dict(whole.model.state_dict())
    later.restore(*whole.saved())
    assert torch.equal(later.steps(order[2 * BATCH :], 1)[0], whole.steps(order[2 * BATCH :], 1)[0])


def test_what_cannot_be_captured_is_launched_one_by_one_from_the_same_beginning() -> None:
    def refuse(work: Work) -> Work:
        raise RuntimeError("operation not permitted when stream is capturing")

    run, _ = captured()
    before = [value.clone() for value in run.model.parameters()]
    run.captured = None
    assert "launched one by one, since they cannot be captured (RuntimeError: operation not permitted" in run._capture(
        refuse
    )
    assert run.captured is None and all(torch.equal(a, b) for a, b in zip(run.model.parameters(), before))
    assert not bool(run.saved()[2].any())


def test_a_step_that_leaves_something_behind_is_not_captured() -> None:
    own = talk(*head("self.calls += 1", "self.calls = 0"))
    run = FullRun(own.module, *some(full_run.WORTH * BATCH), batch=BATCH, rate=1e-3)
    run.quick = quick.quicken(
        run.model, own.namespace["Attention"], run.images[:BATCH], run.labels[:BATCH], record=False
    )
    assert run._capture(as_it_stands) == "steps: launched one by one" and run.captured is None
