"""What a submission runs in: a tree, with the layer on top that `setup.sh` wrote into it. Built once, used for many.

Why separate: it is what Gradescope does once an upload, and takes minutes where everything is really installed. Two
ways: in a tree of its own (`--tree`, from debootstrap, say) everything is installed as on Gradescope; else the tree is
this machine's, and the packages are those of the Python that runs here, which takes seconds and needs no network.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from autograder.commands.emulate import inside
from autograder.commands.package import ROOT
from autograder.core.errors import GraderFault, UsageError
from autograder.sandbox import scratch

TOP = "autograder"  # Gradescope's folder, at the root
STAMP = "stamp"
HOST = "/mnt/host"
# What of the machine's settings the installing inside needs: where packages come from, and through what.
PASSED = (
    "TORCH",
    "AUTOGRADER_MNIST",
    "PIP_",
    "SSL_",
    "REQUESTS_",
    "CURL_",
    "http_",
    "https_",
    "no_",
    "HTTP_",
    "HTTPS_",
    "NO_",
)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Image(msgspec.Struct, frozen=True):
    """A built image: a layer on a tree; without a container neither, and `top` is all there is."""

    top: Path  # Gradescope's folder, as seen from outside
    tree: str = ""
    layer: inside.Layer | None = None
    shown: tuple[tuple[str, str], ...] = ()
    fresh: bool = True  # built now, and not found


def environment(**more: str) -> dict[str, str]:
    """What a container's processes start with."""
    return {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", **more}


def build(archive: Path, place: Path, tree: Path | None, contained: bool) -> Image:
    """The image of a zip, in the folder `place`; what an earlier call made of the same things is used again.

    Raises UsageError for a zip or tree that is none, and GraderFault when setup.sh fails.
    """
    base = Path("/") if tree is None else _tree(tree)
    stamp = "\n".join((_digest(archive), str(base), sys.prefix, str(place), str(contained)))
    known = (place / STAMP).is_file() and (place / STAMP).read_text() == stamp
    if place.exists() and not known:
        scratch.remove(str(place))
    layer = inside.layer(place)
    built = Image(Path(layer.upper, TOP), fresh=not known)
    if contained:
        built = Image(built.top, str(base), layer, _elsewhere(tree), not known)
    if known:
        return built
    _unpack(archive, built.top / "source")
    for name in ("submission", "results"):
        (built.top / name).mkdir()
    run_autograder = built.top / "run_autograder"
    run_autograder.write_bytes((built.top / "source" / "run_autograder").read_bytes())
    run_autograder.chmod(0o755)
    if tree is None and (built.top / "source" / "pyproject.toml").is_file():
        _lend(built.top, "/autograder" if contained else str(built.top))
    if contained:
        _set_up(place, built)
    else:
        _close(built.top / "source")
    (place / STAMP).write_text(stamp)
    return built


def why_no_container(place: Path) -> str:
    """Why there can be no container on this machine, found by trying; empty when there can be one."""
    if not sys.platform.startswith("linux"):
        return "it needs Linux"
    if os.geteuid() != 0:
        return "it needs root"
    order = _order(Image(place, "/", inside.layer(place)), ("/bin/true",))
    tried = subprocess.run(inside.words(order), cwd=ROOT, capture_output=True, text=True, check=False)
    scratch.remove(str(place))
    last = (tried.stderr.strip().splitlines() or [f"status {tried.returncode}"])[-1]
    return "" if tried.returncode == 0 else last.removeprefix("container: ")


def _order(built: Image, command: tuple[str, ...]) -> inside.Order:
    assert built.layer is not None
    passed, shown = _settings(os.environ)
    return inside.Order(
        command,
        environment(**passed),
        tree=built.tree,
        layers=(built.layer,),
        shown=(*built.shown, *shown),
        network=True,
    )


def _settings(ours: Mapping[str, str]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """What of our environment installing needs, and what of this machine is then to be seen in the container.

    A file that a variable names is seen below HOST: where it lies here, a package may want to put its own.
    """
    passed = {name: value for name, value in ours.items() if name.startswith(PASSED)}
    named = {name: value for name, value in passed.items() if value.startswith("/") and os.path.exists(value)}
    folders = dict.fromkeys(named.values())
    within = {one for one in folders for other in folders if one != other and Path(one).is_relative_to(other)}
    shown = [(value, HOST + value) for value in folders if value not in within]
    if os.path.exists("/etc/resolv.conf"):
        shown.append(("/etc/resolv.conf", "/etc/resolv.conf"))
    return passed | {name: HOST + value for name, value in named.items()}, shown


def _set_up(place: Path, built: Image) -> None:
    order = _order(built, ("/bin/bash", "/autograder/source/setup.sh"))
    log = place / "setup.log"
    with log.open("wb") as file:
        done = subprocess.run(inside.words(order), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    if done.returncode:
        last = "\n  ".join(log.read_text(errors="replace").splitlines()[-12:])
        raise GraderFault(f"setup.sh gave exit status {done.returncode}; {log} ends with\n  {last}")


def _lend(top: Path, seen: str) -> None:
    """The virtual environment that setup.sh would make, with the packages of this Python in the place of its own.

    `seen`: where `top` lies for those who use it. setup.sh finds it, and takes it for what it had made earlier.
    """
    venv.create(top / "venv", symlinks=True, with_pip=True)
    [packages] = (top / "venv" / "lib").glob("python*/site-packages")
    lent = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    lines = [f"{seen}/source", *(f"import site; site.addsitedir({path!r})" for path in lent)]
    (packages / "lent.pth").write_text("\n".join(lines) + "\n")
    with (top / "source" / "pyproject.toml").open("rb") as file:
        sum_of = subprocess.run(["cksum"], stdin=file, capture_output=True, text=True, check=True).stdout.strip()
    (top / "venv" / ".installed").write_text(f"{sum_of} {seen}/source")


def _close(source: Path) -> None:
    """As setup.sh does it: all is for the owner, but for the student's room."""
    for path in (source, *source.rglob("*")):
        room = source / "autograder" / "student_room"
        if room == path or room in path.parents:
            path.chmod(0o755 if path.is_dir() else 0o644)
        elif path in (source, source / "autograder"):
            path.chmod(0o711)
        else:
            path.chmod(path.stat().st_mode & 0o700)


def _elsewhere(tree: Path | None) -> tuple[tuple[str, str], ...]:
    """Folders of the Python that runs here which lie on another disk than the machine's root: its tree lacks them."""
    if tree is not None:
        return ()
    root = os.stat("/").st_dev
    ours = dict.fromkeys((sys.prefix, sys.base_prefix))
    return tuple((path, path) for path in ours if os.stat(path).st_dev != root)


def _tree(tree: Path) -> Path:
    if not (tree / "bin" / "bash").exists():
        raise UsageError(f"--tree {tree}: there is no system in it (bin/bash is missing). debootstrap makes one")
    return tree.resolve()


def _digest(archive: Path) -> str:
    try:
        return hashlib.sha256(archive.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"{archive} cannot be read: {error.strerror}") from None


def _unpack(archive: Path, target: Path) -> None:
    """As Gradescope does it, and with its two conditions."""
    try:
        with zipfile.ZipFile(archive) as opened:
            missing = {"setup.sh", "run_autograder"} - set(opened.namelist())
            if missing:
                raise UsageError(f"{archive}: {', '.join(sorted(missing))} must stand at its top, and not in a folder")
            opened.extractall(target)
    except (zipfile.BadZipFile, OSError) as error:
        raise UsageError(f"{archive} cannot be unpacked: {error}") from None
