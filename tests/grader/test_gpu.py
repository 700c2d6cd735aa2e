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
from tests.grader.train_samples import TESTED, few_digits, submission
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
    dev(tmp_path, *ALL, *MORE, "nvidia-caps/nvidia-cap3")
    dev(tmp_path, "nvidia-caps/nvidia-cap1", mode=0o400)  # every driver makes it: root alone splits a GPU
    dev(tmp_path, "nvidia-caps/nvidia-cap2", mode=0o444)
    found = [Path(path).relative_to(tmp_path).as_posix() for path in devices.files(tmp_path)]
    assert found == [*ALL, "nvidia-caps/nvidia-cap2", "nvidia-caps/nvidia-cap3"]
    assert devices.missing(tmp_path, other_user=True) == ""


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
        f"lockdown.limit_resources(Limits(seconds=5, memory_mb=512, device={device!r}), alone=False)\n"
        "after, seconds = (resource.getrlimit(which)[0] for which in (resource.RLIMIT_AS, resource.RLIMIT_CPU))\n"
        "print(after != before, seconds)\n"
    )
    assert done.stdout.split() == [str(bounded), "62"], done.stderr


@pytest.mark.parametrize(
    ("family", "kind", "then", "works"),
    [
        ("AF_UNIX", "SOCK_SEQPACKET", "bind", True),
        ("AF_UNIX", "SOCK_SEQPACKET", "listen", True),
        ("AF_UNIX", "SOCK_SEQPACKET", "accept", False),
        ("AF_UNIX", "SOCK_SEQPACKET", "connect", False),
        ("AF_UNIX", "SOCK_STREAM", "", False),
        ("AF_UNIX", "SOCK_DGRAM", "", False),
        ("AF_UNIX", "SOCK_RAW", "", False),
        ("AF_INET", "SOCK_STREAM", "", False),
        ("AF_INET", "SOCK_SEQPACKET", "", False),
        ("AF_NETLINK", "SOCK_RAW", "", False),
    ],
)
def test_a_child_on_a_gpu_may_listen_as_cuda_does_and_nobody_hears(
    family: str, kind: str, then: str, works: bool
) -> None:
    done = python(
        "import os, socket, sys\n"
        "from autograder.sandbox import lockdown, seccomp\n"
        "written = seccomp.prepared('cuda')\n"
        "if not written: print('no seccomp'); sys.exit()\n"
        "name = '\\0autograder-test-%d' % os.getpid()\n"
        "lockdown.prctl(lockdown.PR_SET_NO_NEW_PRIVS, 1)\n"
        "assert seccomp.install(written)\n"
        "calls = {'bind': lambda s: s.bind(name), 'listen': lambda s: (s.bind(name), s.listen()),\n"
        "         'accept': lambda s: (s.bind(name), s.listen(), s.accept()), 'connect': lambda s: s.connect(name)}\n"
        "try:\n"
        f"    made = socket.socket(socket.{family}, socket.{kind})\n"
        f"    calls.get({then!r}, lambda s: None)(made)\n"
        "    print('worked')\n"
        "except PermissionError:\n"
        "    print('refused')\n"
    )
    if "no seccomp" in done.stdout:
        pytest.skip("no libseccomp here")
    assert done.stdout.split() == ["worked" if works else "refused"], done.stderr


@pytest.mark.skipif(not landlock.abi(), reason="this kernel has no Landlock")
def test_threads_may_be_named_and_no_file_is_made_beside_them() -> None:
    """The driver's library opens these files as `open(..., "w")` does, and gives up where it cannot."""
    done = python(
        "import os\n"
        "from autograder.sandbox import devices, landlock\n"
        "assert landlock.restrict(['/usr', '/lib', '/proc'], [], [], devices.REWRITE)\n"
        "with open(f'/proc/self/task/{os.getpid()}/comm', 'w') as file:\n"
        "    file.write('cuda-EvtHandlr')\n"
        "print(open('/proc/self/comm').read())\n"
        "for path in ('/proc/self/comm', '/proc/self/oom_score_adj', '/tmp/new'):\n"
        "    try:\n"
        "        open(path, 'w')\n"
        "    except PermissionError:\n"
        "        print('refused')\n"
    )
    assert done.stdout.split() == ["cuda-EvtHandlr", "refused", "refused", "refused"], done.stderr


def test_nothing_before_the_fork_starts_cuda() -> None:
    """Torch starts CUDA by these; a process that called one must not be forked. So does the first backward, which
    asks every kind of accelerator how many there are, and Adam's step, which asks whether a graph is captured."""
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
        "for owner, name in ((torch.Tensor, 'backward'), (torch.autograd, 'backward'), (torch.autograd, 'grad'),\n"
        "                    (torch.optim.Adam, 'step'), (torch.optim.Adam, '_init_group')):\n"
        "    setattr(owner, name, noticed(name, getattr(owner, name)))\n"
        "zygote.warm_up('cuda'); full_run.warm_up('cuda')\n"
        "print(called, torch.cuda.is_initialized(), os.environ['PYTORCH_NVML_BASED_CUDA_CHECK'])\n"
    )
    assert done.stdout.split() == ["[]", "False", "1"], done.stderr


def test_torch_sees_no_gpu_where_none_is_asked_for_though_one_was_offered() -> None:
    """Else the first backward before the fork would start a thread for it, and no child could go backward again."""
    done = python(
        "import os\n"
        "os.environ['CUDA_VISIBLE_DEVICES'] = '0'\n"
        "import autograder.engine.main, torch\n"
        "from autograder.sandbox import zygote\n"
        "zygote.warm_up()\n"
        "print(torch.cuda.is_available(), torch.cuda.device_count(), os.environ['CUDA_VISIBLE_DEVICES'])\n"
    )
    assert done.stdout.split() == ["False", "0", "-1"], done.stderr


# --- who is asked -----------------------------------------------------------------------------------------------------


def test_a_device_is_chosen_by_what_is_there_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert full_run.device_for("cpu") == ("cpu", "on the CPU")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a fast one")
    monkeypatch.setattr(torch, "ones", lambda *shape, device: torch.zeros(shape))  # the card answers
    assert full_run.device_for("auto") == full_run.device_for("cuda") == ("cuda", "on the GPU: a fast one")
    monkeypatch.undo()


@pytest.mark.parametrize("there", [True, False])  # there, and CUDA does not start; not there at all
def test_a_gpu_that_cannot_be_used_is_done_without_or_named(there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)

    def dead(*shape: int, device: str) -> torch.Tensor:
        raise RuntimeError("CUDA error: initialization error\nand much more")

    monkeypatch.setattr(torch, "ones", dead)
    device, words = full_run.device_for("auto")
    assert device == "cpu" and "cannot use the GPU" in words
    with pytest.raises(RuntimeError, match="cannot use a GPU here") as refused:
        full_run.device_for("cuda")
    assert "\n" not in str(refused.value) and (not there or "initialization error" in str(refused.value))


def test_a_card_that_does_not_answer_is_no_fault_of_the_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine has the files of a GPU, and this torch cannot use one: said in our name, as a wrong option is."""
    if torch.cuda.is_available():
        pytest.skip("torch can use a GPU here")
    monkeypatch.setattr(devices, "missing", lambda **how: "")
    data, out = few_digits(tmp_path / "digits"), tmp_path / "out"
    with pytest.raises(UsageError, match=r"--device cuda: torch .* cannot use a GPU here"):
        train.run(str(submission(tmp_path / "work")), out, Wish(data=data, device="cuda", epochs=1))
    assert train.run(str(tmp_path / "work"), out, Wish(data=data, device="auto", epochs=1)).total == TESTED


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
