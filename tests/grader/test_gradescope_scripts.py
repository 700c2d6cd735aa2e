"""setup.sh and run_autograder, run for real in a root of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.grader.pace import patience
from tests.grader.source_tree import ROOT

pytestmark = pytest.mark.boxed  # scripts of ours that run to their end, and signals to them
TRUTHFUL = '{"score": 12.5, "tests": []}'


def interpreter(root: Path, body: str) -> None:
    """Put a shell script where run_autograder looks for the grader's Python: a grader that ends in a known way."""
    python = root / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{body}\n")
    python.chmod(0o755)


def run(root: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AUTOGRADER_ROOT": str(root)}
    command = [str(ROOT / "run_autograder")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=patience(30), check=False)


def result(root: Path) -> dict[str, object]:
    loaded = json.loads((root / "results/results.json").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def write_result(text: str = TRUTHFUL) -> str:
    return f"printf '%s' '{text}' > results/results.json"


# --- a result that the grader wrote is left alone ---------------------------------------------------------------------


@pytest.mark.parametrize("status", [0, 3])
def test_what_the_grader_wrote_stays_as_it_is_whatever_its_exit_status(tmp_path: Path, status: int) -> None:
    interpreter(tmp_path, f"{write_result()}; exit {status}")
    assert run(tmp_path).returncode == 0
    assert (tmp_path / "results/results.json").read_text() == TRUTHFUL


def test_the_grader_is_started_isolated_with_the_root_that_it_shall_grade(tmp_path: Path) -> None:
    interpreter(tmp_path, f'{write_result()}; echo "$@"')
    assert run(tmp_path).stdout.split() == [
        "-X",
        "utf8",
        "-I",
        "-m",
        "autograder",
        "gradescope",
        "--root",
        str(tmp_path),
    ]


def test_being_told_to_stop_is_passed_on_so_that_the_grader_can_write_what_it_has(tmp_path: Path) -> None:
    interpreter(
        tmp_path,
        f"trap '{write_result().replace(chr(39), chr(34))}; exit 0' TERM; echo up; while :; do sleep 0.05; done",
    )
    environment = {**os.environ, "AUTOGRADER_ROOT": str(tmp_path)}
    with subprocess.Popen([str(ROOT / "run_autograder")], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=patience(10)) == 0
    assert (tmp_path / "results/results.json").exists()


# --- no result: ours, and it says so ----------------------------------------------------------------------------------

FAILURES = {
    "no interpreter": None,
    "an interpreter that fails": "exit 1",
    "a grader that leaves nothing": "exit 0",
    "a grader that leaves an empty file": ": > results/results.json; exit 0",
    "a grader that is killed": "kill -KILL $$",
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_grader_that_cannot_start_leaves_a_result_without_a_score_that_asks_staff(
    tmp_path: Path, failure: str
) -> None:
    body = FAILURES[failure]
    if body is not None:
        interpreter(tmp_path, body)
    assert run(tmp_path).returncode == 0
    left = result(tmp_path)
    assert "score" not in left
    tests = left["tests"]
    assert isinstance(tests, list)
    [test] = tests
    assert not {"score", "max_score", "status"} & set(test)
    assert "costs you no points" in test["output"]
    assert "staff" in test["output"]
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["results.json"]
    assert (tmp_path / "results/results.json").stat().st_mode & 0o777 == 0o644


def test_an_older_result_does_not_pass_for_this_one(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results/results.json").write_text('{"score": 39}')
    interpreter(tmp_path, "exit 1")
    run(tmp_path)
    assert "score" not in result(tmp_path)


def test_a_folder_in_the_place_of_the_result_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "results/results.json/deep").mkdir(parents=True)
    interpreter(tmp_path, "exit 1")
    assert run(tmp_path).returncode == 0
    assert "score" not in result(tmp_path)


def test_a_root_that_is_not_absolute_is_taken_from_where_it_is_started(tmp_path: Path) -> None:
    interpreter(tmp_path / "trial", write_result())
    environment = {**os.environ, "AUTOGRADER_ROOT": "trial"}
    command = [str(ROOT / "run_autograder")]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, timeout=patience(30), check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "trial/results/results.json").read_text() == TRUTHFUL


# --- setup.sh refuses what it cannot do, and says why -----------------------------------------------------------------


def setup(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "setup.sh")]
    merged = {**os.environ, **environment}
    return subprocess.run(command, env=merged, capture_output=True, text=True, timeout=patience(60), check=False)


def test_a_root_that_is_not_absolute_is_refused() -> None:
    refused = setup(AUTOGRADER_ROOT="trial")
    assert refused.returncode == 1
    assert 'must be an absolute path, not "trial"' in refused.stderr


def test_a_root_inside_the_project_is_refused_since_it_would_be_copied_into_itself() -> None:
    inside = ROOT / "build" / f"root-{time.time_ns()}"
    refused = setup(AUTOGRADER_ROOT=str(inside))
    assert refused.returncode == 1
    assert "outside the project's own folder" in refused.stderr
    assert not inside.exists()


def test_an_unexpected_failure_names_the_step_and_the_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    failed = setup(AUTOGRADER_ROOT=str(tmp_path / "file"))
    assert failed.returncode == 1
    assert "FAILED while placing the grader" in failed.stderr
    assert "setup.sh line" in failed.stderr


# --- setup.sh compiles what each submission's container would compile anew ---------------------------------------------


@pytest.mark.parametrize("broken", [False, True])
def test_what_is_imported_is_compiled_where_nothing_is_written_later(tmp_path: Path, broken: bool) -> None:
    root, parts = tmp_path / "root", ("autograder/commands", "reference", "tests/hidden")
    for part in parts:
        (root / "source" / part).mkdir(parents=True)
        (root / "source" / part / "module.py").write_text("VALUE = 1\n")
    if broken:
        (root / "source/reference/no_python.py").write_text("def\n")
    (root / "venv/bin").mkdir(parents=True)
    (root / "venv/bin/python").symlink_to(sys.executable)
    text = f'source "{ROOT}/setup.sh"\ncompile_source'
    environment = {**os.environ, "AUTOGRADER_ROOT": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(["bash", "-c", text], env=environment, capture_output=True, text=True,
                          timeout=patience(30), check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert ("a little longer" in done.stdout) == broken
    assert all(list((root / "source" / part / "__pycache__").glob("module.*.pyc")) for part in parts)


# --- setup.sh takes the newest Python that it can get -----------------------------------------------------------------

# What the image's sources have, by minor version, and what is installed where 3.10 is there.
OFFERS = {
    "nothing": ({}, ""),
    "Ubuntu 22.04, whose 3.11 is a release candidate": ({11: "3.11.0~rc1-1~22.04.1"}, ""),
    "alphas and betas": ({13: "3.13.0~b4-1", 14: "3.14.0~a1-1"}, ""),
    "older ones": ({10: "3.10.12-1~22.04.18", 9: "3.9.2-1"}, ""),
    "a newer one": ({12: "3.12.3-1ubuntu0.17"}, "python3.12 python3.12-venv"),
    "several": ({11: "3.11.2-6", 13: "3.13.5-2", 14: "3.14.0~rc2-1"}, "python3.13 python3.13-venv"),
    "one that the tests do not pass on": ({15: "3.15.0-1"}, ""),
}


def in_setup(lines: str, tmp_path: Path, *python: str) -> str:
    """What these lines print among setup.sh's functions, with python3.N of a stub that says it is 3.10."""
    stub = tmp_path / "python"
    stub.write_text("\n".join(["#!/bin/sh", *python, "echo 10", ""]))
    stub.chmod(0o755)
    text = f'source "{ROOT}/setup.sh"\n{lines}'
    environment = {**os.environ, "AUTOGRADER_ROOT": str(tmp_path / "root")}
    done = subprocess.run(["bash", "-c", text, "bash", str(stub)], env=environment, capture_output=True, text=True,
                          timeout=patience(30), check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("what", OFFERS)
def test_the_newest_released_python_of_the_images_sources_is_taken(tmp_path: Path, what: str) -> None:
    offers, expected = OFFERS[what]
    cases = " ".join(f"python3.{minor}-venv) echo '  Candidate: {version}' ;;" for minor, version in offers.items())
    fakes = f'apt-cache() {{ case $2 in {cases} *) echo "  Candidate: (none)" ;; esac; }}\n'
    fakes += 'apt-get() { [ "$1" = update ] || echo "apt-get $*"; }\n'
    said = in_setup(fakes + 'take_newer_of_apt "$1"', tmp_path)
    assert [line for line in said.splitlines() if line.startswith("apt-get")] == (
        [f"apt-get install -q -y --no-install-recommends {expected}"] if expected else []
    )


def test_one_that_cannot_be_installed_is_said_and_the_next_is_tried(tmp_path: Path) -> None:
    fakes = 'apt-cache() { echo "  Candidate: 3.9-1"; }\napt-get() { [ "$1" = update ] || [ "$5" = python3.12 ]; }\n'
    said = in_setup(fakes + 'take_newer_of_apt "$1"', tmp_path)
    assert [f"python3.{n} could not" in said for n in (14, 13, 12, 11)] == [True, True, False, False]


UV = """\
mkdir -p "$3/bin"
printf '#!/bin/sh\\nexit {pip}\\n' > "$3/bin/python"
printf '#!/bin/sh\\ncase $2 in install) exit {install} ;; find) echo {new} ;; esac\\n' > "$3/bin/uv"
chmod +x "$3/bin/python" "$3/bin/uv"
exit 0"""


@pytest.mark.parametrize(("pip", "install", "works"), [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_what_no_source_has_uv_fetches_and_where_it_cannot_the_one_that_is_there_is_taken(
    tmp_path: Path, pip: int, install: int, works: int
) -> None:
    new, root = tmp_path / "new", tmp_path / "root"
    new.write_text(f"#!/bin/sh\n[ {works} = 0 ] || exit 1\necho 13\n")
    new.chmod(0o755)
    root.mkdir()
    making = 'if [ "$1" = -m ]; then\n' + UV.format(pip=pip, install=install, new=new) + "\nfi"
    said = in_setup('take_newer_of_uv "$1"; echo "chosen: $FETCHED"', tmp_path, making)
    if pip or install or works:
        assert "uv has no newer Python than 3.10" in said and said.endswith("chosen: \n")
    else:
        assert "uv fetched Python 3.13" in said and said.endswith(f"chosen: {new}\n")
    assert not (root / "uv").exists(), "uv itself does not stay"


# --- find_python ------------------------------------------------------------------------------------------------------


def find_python(**environment: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(ROOT / "scripts/find_python")]
    merged = {**os.environ, **environment}
    return subprocess.run(command, env=merged, capture_output=True, text=True, timeout=patience(60), check=False)


def test_a_python_is_found_that_really_runs() -> None:
    found = find_python(PYTHON="")
    assert found.returncode == 0, found.stderr
    version = subprocess.run(
        [found.stdout.strip(), "-c", "import sys; print(sys.version_info >= (3, 10))"], capture_output=True, check=True
    )
    assert version.stdout.strip() == b"True"


def test_a_shim_for_a_version_that_is_not_installed_is_passed_over(tmp_path: Path) -> None:
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\necho 'not installed' >&2\nexit 127\n")
    shim.chmod(0o755)
    found = find_python(PYTHON="", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() != str(shim)


def test_a_python_of_ones_own_that_does_not_work_is_refused_by_name() -> None:
    refused = find_python(PYTHON="no-such-python")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "PYTHON=no-such-python cannot be used" in refused.stderr
