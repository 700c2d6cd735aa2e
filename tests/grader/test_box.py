"""The box holds: what runs in it reaches nothing outside, and what is marked runs in it, or is skipped with the reason."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.grader import box
from tests.grader.pace import patience
from tests.grader.processes import descendants, still_there
from tests.grader.source_tree import ROOT

SAMPLE = ROOT / "tests" / "grader" / "boxed_sample.py"
LEAVES = SAMPLE.with_name("boxed_sample_leaves.py")
OUTSIDE = pytest.mark.skipif(box.inside(), reason="all of this runs in a box already")
A_BOX = pytest.mark.skipif(bool(box.why_not()), reason=box.why_not() or "there is a box")


def in_a_box(program: str, *, seconds: float = 60, write: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
    words = box.command([sys.executable, "-c", program], patience(seconds), write)
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


# --- what is marked is in a box ---------------------------------------------------------------------------------------


@pytest.mark.boxed
def test_a_marked_test_runs_in_a_box() -> None:
    assert box.inside() and Path("/proc/1/comm").read_text() == f"{box.NAME}\n"
    assert resource.getrlimit(resource.RLIMIT_AS)[1] != resource.RLIM_INFINITY


@pytest.mark.boxed
def test_a_signal_reaches_none_but_the_boxs_processes() -> None:
    seen = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    # with all tests in one box, several workers and what they started are in it
    assert os.getpid() in seen and len(seen) < 60, "the processes of the machine are seen"
    assert Path("/proc/1/comm").read_text() == f"{box.NAME}\n", "the first of them is the machine's"
    # asked of a number at a time, and nothing is sent: numbers of the machine lead to nobody in here
    reached = [pid for pid in range(1, 5_000) if _is_there(pid)]
    assert os.getpid() in reached and len(reached) < 300, "threads of the box's processes answer, too"


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@OUTSIDE
def test_no_variable_makes_a_process_think_that_it_is_in_a_box() -> None:
    program = "from tests.grader import box; print(box.inside())"
    environment = {**os.environ, **dict.fromkeys((box.NAME, "BOX", "BOXED", "HW6_BOX", "container"), "1")}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout == "False\n" and not box.inside()


@OUTSIDE
@A_BOX
@pytest.mark.slow
def test_every_way_in_which_a_marked_test_ends_is_reported_and_a_box_that_is_ended_costs_one_test() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "-v", str(SAMPLE)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = done.stdout
    assert "2 failed, 5 passed, 1 skipped, 1 error" in said, said + done.stderr
    assert "said in the box" in said and "one is not two" in said and "for a reason" in said and "no such thing" in said
    assert re.search(r"test_ends_everything FAILED(?s:.*)the box ended before this test did: (killed|status 247)", said)
    assert "test_comes_last PASSED" in said and "test_names[a/b::c[d]] PASSED" in said


@OUTSIDE
@A_BOX
@pytest.mark.slow
@pytest.mark.parametrize(
    "files, boxes", [((f"{SAMPLE}::test_passes", LEAVES), 1), ((LEAVES, f"{SAMPLE}::test_passes"), 2)]
)
def test_files_share_a_box_but_no_state_until_one_leaves_something(files: tuple[object, ...], boxes: int) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rP", *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    assert len(set(re.findall(r"here (pid:\S+)", done.stdout))) == boxes


@OUTSIDE
def test_without_a_box_marked_tests_are_skipped_with_the_reason_and_nothing_is_run() -> None:
    program = "import sys, pytest; from tests.grader import box; box.command = lambda *a, **k: ['sh', '-c', 'echo box: no such space >&2; exit 125']"
    command = [sys.executable, "-c", f"{program}; sys.exit(pytest.main(sys.argv[1:]))", "-p", "no:cacheprovider", "-rs"]
    done = subprocess.run([*command, str(SAMPLE)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "9 skipped" in done.stdout and "no box can be made here (no such space)" in done.stdout, done.stdout


@OUTSIDE
def test_the_runner_of_marked_tests_runs_nothing_outside_a_box() -> None:
    command = [sys.executable, "-m", "tests.grader.boxed", "1", str(SAMPLE)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, input="[]", check=False)
    assert done.returncode == 1 and "this is no box" in done.stderr


# --- its walls --------------------------------------------------------------------------------------------------------


@A_BOX
def test_its_exit_status_and_output_are_the_commands() -> None:
    done = in_a_box("import sys; print('out'); sys.exit(7)")
    assert (done.returncode, done.stdout) == (7, "out\n"), done.stderr


@A_BOX
def test_the_end_of_its_command_is_the_end_of_everything_in_it() -> None:
    done = in_a_box("import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60000)")
    assert done.returncode == 0  # what it left holds the output open, which was waited for: the time would be up


@A_BOX
@pytest.mark.parametrize("how", ["its time is up", "whoever started it is killed"])
def test_nothing_of_it_is_left(how: str) -> None:
    seconds = patience(2) if how == "its time is up" else 3000
    program = "import os, time\nfor _ in range(3): os.fork()\nos.setsid() if os.getpgrp() != os.getpid() else 0\ntime.sleep(6000)"
    with subprocess.Popen(box.command([sys.executable, "-c", program], seconds), cwd=ROOT) as process:
        deadline = time.monotonic() + patience(2)
        while len(everyone := descendants(process.pid)) < 10 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(everyone) >= 10, "two of the box's own and eight of the command's"
        if how != "its time is up":
            process.kill()
        assert process.wait(patience(20)) == (box.TIME_IS_UP if how == "its time is up" else -signal.SIGKILL)
        assert still_there(everyone) == []


@A_BOX
def test_the_disk_is_read_only_and_the_temporary_folders_are_its_own(tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.write_text("x")
    program = f"""
import os, tempfile
def opens(path, mode):
    try:
        open(path, mode).close()
        return True
    except OSError:
        return False
print(opens({str(ROOT / "written")!r}, "w"), opens({str(Path(sys.prefix) / "written")!r}, "w"), opens({str(before)!r}, "r"))
print(opens("/tmp/made-in-the-box", "w"), opens("/dev/shm/made-in-the-box", "w"), tempfile.gettempdir(), os.getcwd())
"""
    done = in_a_box(program)
    assert done.stdout == f"False False {not tmp_path.is_relative_to('/tmp')}\nTrue True /tmp {ROOT}\n", done.stderr
    assert not Path("/tmp/made-in-the-box").exists() and not Path("/dev/shm/made-in-the-box").exists()


@A_BOX
def test_a_folder_may_stay_writable(tmp_path: Path) -> None:
    done = in_a_box(f"open({str(tmp_path / 'made')!r}, 'w').write('x')", write=(tmp_path,))
    assert done.returncode == 0 and (tmp_path / "made").read_text() == "x", done.stderr


@A_BOX
def test_its_network_is_its_own() -> None:
    with socket.socket() as outside, socket.socket(socket.AF_UNIX) as abstract:
        outside.bind(("127.0.0.1", 0))
        outside.listen()
        abstract.bind(f"\0{box.NAME}-{os.getpid()}")
        abstract.listen()
        program = f"""
import socket
def reaches(family, address):
    with socket.socket(family) as client:
        return client.connect_ex(address) == 0
own = socket.create_server(("127.0.0.1", 0))
print(reaches(socket.AF_INET, ("127.0.0.1", {outside.getsockname()[1]})), reaches(socket.AF_INET, own.getsockname()))
try:
    print(reaches(socket.AF_UNIX, "\\0{box.NAME}-{os.getpid()}"))
except OSError:
    print(False)
"""
        assert in_a_box(program).stdout == "False True\nFalse\n"


# --- what belongs in it -----------------------------------------------------------------------------------------------

# Words of code that may end, multiply or fill, or that takes a layer off; and files where they are harmless, with why.
DANGEROUS = re.compile(
    r"os\.kill|killpg|os\.fork|setrlimit|raise_signal|send_signal|weak_machine|os\.abort|SIGKILL|SIGSTOP"
)
HARMLESS = {
    "test_batch.py": "sends SIGINT to a child of its own, by a handle that knows whether it was waited for",
    "test_box.py": "each of its programs is given to the box, and what signals here is marked",
}


def test_what_may_end_multiply_or_fill_is_marked() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "grader").rglob("test_*.py")}
    dangerous = {name for name, text in files.items() if DANGEROUS.search(text)}
    assert len(dangerous) > 5 and HARMLESS.keys() <= dangerous
    assert [name for name in dangerous - HARMLESS.keys() if "pytestmark" not in files[name]] == []
    assert [name for name in dangerous - HARMLESS.keys() if "pytest.mark.boxed" not in files[name]] == []
