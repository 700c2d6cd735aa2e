"""The zip for Gradescope: what grades, from the last commit, and the course's secrets where there are some.

Why separate: a container needs neither the tests of the grader nor the examples, and every file in it is one more that
could be read. From the commit, not from the folder, so that it can be said later which version graded.
"""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

from autograder.commands import package
from autograder.core.errors import UsageError

PARTS = (
    "autograder", "reference", "tests/hidden", "tests/public", "student_template/answers.toml", "scripts/find_python",
    "scripts/install_torch.py", "scripts/fetch_mnist.py", "setup.sh", "run_autograder", "pyproject.toml", "README.md",
    "LICENSE",
)  # fmt: skip
SECRETS = {
    "course_secret.txt": "anyone with these tests can work out the hidden cases",
    "results_key.txt": "results carry no seal",
}
EXECUTABLE = frozenset({"setup.sh", "run_autograder"})


def build(out: Path, dirty: bool = False, root: Path = package.ROOT) -> tuple[int, int, list[str]]:
    """Writes the zip: (files, bytes, what staff should know). Raises UsageError when there are changes not committed.

    `dirty`: they are left out, and that is only said.
    """
    changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", *PARTS).decode().splitlines()
    if changed and not dirty:
        names = ", ".join(line[3:] for line in changed[:5])
        raise UsageError(
            f"not committed: {names}. The zip is made from the last commit: commit, or --dirty leaves them out"
        )
    version = _git(root, "rev-parse", "--short=12", "HEAD").decode().strip()
    files = _committed(root)
    said = [f"version {version}" + (", without the changes that are not committed" if changed else "")]
    for name, without in SECRETS.items():
        if (root / name).is_file():
            files[name] = (root / name).read_bytes()
        else:
            said.append(f"no {name}: {without} (docs/gradescope.md)")
    return len(files), package.write(out, files, EXECUTABLE), said


def _committed(root: Path) -> dict[str, bytes]:
    data = _git(root, "archive", "--format=zip", "HEAD", *PARTS)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()}


def _git(root: Path, *arguments: str) -> bytes:
    try:
        run = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True)
    except FileNotFoundError:
        raise UsageError("git is not here, and the zip is made from what is committed") from None
    if run.returncode:
        why = run.stderr.decode("utf-8", "replace").strip()
        raise UsageError(f"the zip is made from what is committed, and git says: {why}")
    return run.stdout
