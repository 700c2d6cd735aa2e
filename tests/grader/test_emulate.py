"""The local Gradescope: its containers, its limits, its ends, with small autograders that say what they see."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest

from autograder.commands.emulate import Preset, amounts, harness, image
from autograder.commands.emulate.harness import Ran
from autograder.core import metadata
from autograder.core.errors import GraderFault, UsageError
from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

pytestmark = pytest.mark.boxed  # containers, processes that are killed, memory that is filled

NOW = datetime(2026, 5, 3, 12, 0, tzinfo=timezone.utc)
ABOUT = harness.described(NOW, NOW + timedelta(days=1), None)
ROOMY = Preset("roomy", 2.0, 1024, patience(60))
RESULT = """printf '{"score": 1}' > "${AUTOGRADER_ROOT:-/autograder}/results/results.json" """


def zipped(tmp_path: Path, run: str, setup: str = "true") -> Path:
    path = tmp_path / "autograder.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("setup.sh", f"#!/bin/bash\n{setup}\n")
        archive.writestr("run_autograder", f"#!/bin/bash\n{run}\n")
    return path


def submission(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir(exist_ok=True)
    (folder / "hw6.py").write_text("x = 1\n")
    return folder


def emulated(tmp_path: Path, run: str, preset: Preset = ROOMY, *, setup: str = "true", plain: bool = False) -> Ran:
    if not plain and (reason := image.why_no_container(tmp_path / "try")):
        pytest.skip(f"no container can be made here: {reason}")
    built = image.build(zipped(tmp_path, run, setup), tmp_path / "image", None, contained=not plain)
    return harness.run(built, submission(tmp_path), ABOUT, preset, tmp_path / "run")


# --- paths and what is in them ----------------------------------------------------------------------------------------


def test_the_paths_are_the_platforms_and_the_working_folder_is_the_top(tmp_path: Path) -> None:
    ran = emulated(
        tmp_path, f"pwd; ls /autograder /autograder/submission; cat /etc/built; {RESULT}", setup="touch /etc/built"
    )
    words = ran.log.split()
    assert words[0] == "/autograder"
    assert {"results", "run_autograder", "source", "submission", "submission_metadata.json", "hw6.py"} <= set(words)
    assert ran.status == 0 and ran.results == b'{"score": 1}' and not ran.timed_out


def test_each_submission_has_a_new_container_and_nothing_reaches_this_machine(tmp_path: Path) -> None:
    mark = f"/var/autograder-{os.getpid()}"
    script = f"ls {mark} /tmp/x; touch {mark} /tmp/x /autograder/source/x; ls /autograder/source/x; {RESULT}"
    first, second = emulated(tmp_path, script), emulated(tmp_path, script)
    assert first.log == second.log and "cannot access" in second.log
    assert not Path(mark).exists()


def test_the_metadata_is_what_the_grader_reads(tmp_path: Path) -> None:
    ran = emulated(tmp_path, f"cat /autograder/submission_metadata.json; {RESULT}")
    about = metadata.parse(ran.log.encode())
    assert about.problems == () and about.created_at == NOW
    assert metadata.lateness(about) == timedelta(0)


def test_a_zip_is_unpacked_as_on_upload_and_a_broken_one_is_left_for_the_grader_to_word(tmp_path: Path) -> None:
    for name, expected in (("work.zip", ["a.py"]), ("broken.zip", ["broken.zip"])):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("a.py", "x = 1")
        if name == "broken.zip":
            (tmp_path / name).write_bytes(b"PK not")
        harness.lay_out(tmp_path / name, ABOUT, tmp_path / name[:-4])
        assert [path.name for path in (tmp_path / name[:-4] / "submission").iterdir()] == expected


# --- what root is there -----------------------------------------------------------------------------------------------


def test_root_has_dockers_capabilities_and_cannot_mount_make_namespaces_or_reach_a_network(tmp_path: Path) -> None:
    script = (
        "id -u; grep -E 'CapEff|CapBnd' /proc/self/status; mount -t tmpfs none /mnt && echo mounted; "
        "unshare --user true && echo spaced; unshare --mount true && echo spaced; "
        "chown 12 /autograder/results && echo chowned; setpriv --reuid 12 --clear-groups true && echo another; "
        f"tail -n +3 /proc/net/dev | cut -d: -f1; {RESULT}"
    )
    words = emulated(tmp_path, script).log.split()
    assert words[0] == "0"
    assert words[words.index("CapEff:") + 1] == words[words.index("CapBnd:") + 1] == "00000000a80425fb"  # as Docker's
    assert "chowned" in words and "another" in words
    assert "mounted" not in words and "spaced" not in words
    assert words[-1] == "lo"


# --- how it ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", [False, True])
def test_when_the_time_is_over_everything_is_killed_and_what_was_written_is_not_taken(
    tmp_path: Path, plain: bool
) -> None:
    mark = f"sleep 98{os.getpid()}"
    script = f"{RESULT}; trap '' TERM; setsid {mark} & {mark}"
    ran = emulated(tmp_path, script, msgspec.structs.replace(ROOMY, seconds=2.0), plain=plain)
    assert ran.timed_out and ran.results is None
    assert running(mark) == []


def running(command: str) -> list[Path]:
    """The processes of this very command: its number alone may stand in what another one was started with."""
    words = [*map(str.encode, command.split()), b""]
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if _bytes(path).split(b"\0") == words]


def test_a_command_that_runs_is_seen_to_run() -> None:
    mark = f"sleep 96{os.getpid()}"
    with subprocess.Popen(mark.split()) as process:
        while not running(mark):
            assert process.poll() is None
        process.kill()
    assert running(mark) == []


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_what_the_run_leaves_running_ends_with_it(tmp_path: Path) -> None:
    mark = f"sleep 97{os.getpid()}"
    ran = emulated(tmp_path, f"{RESULT}; setsid {mark} & disown; exit 0", plain=True)
    assert ran.results is not None and not ran.timed_out
    assert running(mark) == []


def test_a_run_that_leaves_nothing_or_is_killed_has_no_results(tmp_path: Path) -> None:
    assert emulated(tmp_path, "exit 3").results is None
    ran = emulated(tmp_path, "kill -9 $$")
    assert ran.results is None and ran.status == 128 + 9


def test_a_setup_that_fails_stops_the_build_with_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(GraderFault, match="no such package"):
        emulated(tmp_path, RESULT, setup="echo 'setup: no such package'; exit 4")


def test_a_zip_without_its_two_scripts_at_the_top_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("folder/setup.sh", "")
    with pytest.raises(UsageError, match="must stand at its top"):
        image.build(tmp_path / "x.zip", tmp_path / "image", None, contained=False)


# --- memory and processors --------------------------------------------------------------------------------------------

EAT = f"""{sys.executable} -c "
import sys, time
eaten = []
for step in range(60):
    eaten.append(bytearray(b'x') * (4 << 20))
    time.sleep(0.05)
print('ate', len(eaten))
"; echo it ended with $?; {RESULT}"""


@pytest.mark.parametrize("groups", [True, False])
@pytest.mark.parametrize("plain", [False, True])
def test_who_wants_more_memory_than_the_container_has_is_killed_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: bool, groups: bool
) -> None:
    if not groups:  # as on a machine that lets us make none
        monkeypatch.setattr(amounts, "group", lambda preset: amounts.Group())
    ran = emulated(tmp_path, EAT, msgspec.structs.replace(ROOMY, memory_mb=96), plain=plain)
    assert "it ended with 137" in ran.log and "ate 60" not in ran.log
    assert ran.killed >= 1 and ran.results == b'{"score": 1}'
    roomy = emulated(tmp_path, EAT, plain=plain)
    assert "ate 60" in roomy.log and roomy.killed == 0 and roomy.peak_mb > 200


def test_every_result_says_what_held_memory_and_processors(tmp_path: Path) -> None:
    ran = emulated(tmp_path, RESULT, msgspec.structs.replace(ROOMY, cpus=0.5), plain=True)
    assert {what for what, _ in ran.held} >= {"memory is held", "processors are held"}


def test_without_a_control_group_half_a_core_is_one_core_that_is_held_half_of_the_time(tmp_path: Path) -> None:
    busy = [sys.executable, "-c", "while True: pass"]
    half = Preset("half", 0.5, 1024)
    shares = []
    for preset in (half, msgspec.structs.replace(half, cpus=1.0)):
        [core, *_] = amounts.cores(preset)
        top = subprocess.Popen(["bash", "-c", f"taskset -c {core} {' '.join(map(_quoted, busy))}; true"])
        try:
            watch = amounts.Watch(top.pid, preset, amounts.Group())
            while not amounts.below(top.pid):
                pass
            [worker] = amounts.below(top.pid)
            for _ in range(10):
                watch.look()
            shares.append(_ticks(worker))
        finally:
            watch.end(top)
    assert 0 < shares[0] < 0.85 * shares[1]


def _quoted(word: str) -> str:
    return f"'{word}'"


def _ticks(pid: int) -> int:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(words[11]) + int(words[12])


def test_memory_that_forked_processes_share_is_counted_once_whether_they_tell_it_or_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = "import os, sys, time; x = bytearray(b'x') * (64 << 20); os.fork() and os.fork(); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        for _ in range(3):
            parent.stdout.readline()
        pids = [parent.pid, *amounts.below(parent.pid)]
        told = sum(amounts.sizes(pids).values())
        monkeypatch.setattr(amounts, "_told", lambda pid: None)
        beyond = sum(amounts.sizes(pids).values())
        for pid in pids[1:]:
            amounts.send(pid, signal.SIGKILL, parent.pid)
        parent.kill()
    assert len(pids) == 3
    for total in (told, beyond):
        assert 64 << 20 < total < 2 * (64 << 20)


def test_nobody_is_signalled_who_does_not_descend_from_the_run() -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger, subprocess.Popen(["sleep", "60"]) as ours:
        try:
            assert amounts.send(stranger.pid, signal.SIGKILL, ours.pid) == 0
            assert stranger.poll() is None
        finally:
            stranger.kill()
            ours.kill()


# --- control groups, on folders that look like the kernel's -----------------------------------------------------------


def controllers(top: Path, *files: str) -> None:
    for file in files:
        (top / file).parent.mkdir(parents=True, exist_ok=True)
        (top / file).touch()


def test_version_2_takes_memory_without_swap_and_a_share_of_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    controllers(tmp_path, "cgroup.controllers")
    written = made_at(monkeypatch, "memory.max", "memory.swap.max", "cpu.max")
    group = amounts.group(Preset("x", 0.5, 768), tmp_path)
    assert group.memory == group.processors and group.memory is not None
    assert written == {"memory.max": str(768 << 20), "memory.swap.max": "0", "cpu.max": "50000 100000"}
    (group.memory / "memory.stat").write_text("anon 100\nfile 7000\nshmem 20\n")
    (group.memory / "memory.events").write_text("oom 1\noom_kill 3\n")
    assert (group.used(), group.killed()) == (120, 3)


def test_version_1_has_a_folder_for_each_and_what_cannot_be_set_is_not_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    controllers(tmp_path, "memory/x", "cpu/x")
    written = made_at(monkeypatch, "memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
    group = amounts.group(Preset("x", 0.5, 768), tmp_path)
    assert group.memory is not None and group.processors is None
    assert set(written) == {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes"}
    assert not list((tmp_path / "cpu").glob("autograder-*")), "a group that holds nothing is not left behind"


def test_where_there_are_no_control_groups_none_is_claimed(tmp_path: Path) -> None:
    assert amounts.group(Preset("x", 0.5, 768), tmp_path) == amounts.Group()


def made_at(monkeypatch: pytest.MonkeyPatch, *known: str) -> dict[str, str]:
    """The kernel makes a group's files with its folder; here those of `known` exist as far as anybody writes to them."""
    written: dict[str, str] = {}

    def write(path: Path, value: str) -> None:
        if path.name not in known:
            raise FileNotFoundError(path)
        written[path.name] = value

    monkeypatch.setattr(amounts, "_write", write)
    return written


# --- the command ------------------------------------------------------------------------------------------------------


def command(*words: str) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, "-m", "autograder", "emulate", *words]
    return subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=patience(120), check=False)


def test_the_command_shows_what_the_platform_takes_and_leaves_result_log_and_page(tmp_path: Path) -> None:
    result = {"tests": [{"name": "one", "score": 1, "max_score": 2}, {"score": 1, "visibility": "after_due_date"}]}
    archive = zipped(
        tmp_path,
        f"echo hello; printf '%s' '{json.dumps(result)}' > ${{AUTOGRADER_ROOT:-/autograder}}/results/results.json",
    )
    out = tmp_path / "out"
    done = command(str(submission(tmp_path)), "--zip", str(archive), "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert "2.0 / 2.0" in done.stdout and "students see before the due date: 1 of 2 tests, no total" in done.stdout
    assert json.loads((out / "results.json").read_text()) == result
    assert (out / "stdout").read_text() == "hello\n" and "one" in (out / "preview.html").read_text()
    assert sorted(path.name for path in out.iterdir()) == ["image", "preview.html", "results.json", "stdout"]


def test_the_command_ends_with_3_when_the_platform_gets_nothing(tmp_path: Path) -> None:
    archive = zipped(tmp_path, "echo '{'> ${AUTOGRADER_ROOT:-/autograder}/results/results.json")
    done = command(str(submission(tmp_path)), "--zip", str(archive), "--out", str(tmp_path / "out"))
    assert done.returncode == 3 and "The autograder failed to execute correctly" in done.stdout


def test_two_at_once_in_one_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    held = os.open(tmp_path / "out", os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = command(
            str(submission(tmp_path)), "--zip", str(zipped(tmp_path, RESULT)), "--out", str(tmp_path / "out")
        )
    finally:
        os.close(held)
    assert done.returncode == 2 and "another emulation is at work in" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such"], "there is no no-such"),
        ([".", "--container", "huge"], "it is one of default, medium, large, largest, all"),
        ([".", "--metadata", "no-such"], "--metadata no-such cannot be used"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(tmp_path: Path, words: list[str], said: str) -> None:
    done = command(*words, "--out", str(tmp_path / "out"))
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
