"""Puts MNIST's test images where the grader measures submitted weights: autograder/data/mnist, 1.6 MB.

Why separate: setup.sh runs it while the image is built, for a container has no network when it grades. Only the
standard library may be imported here. Without a network nothing is lost: weights are measured on the bundled digits.

    python scripts/fetch_mnist.py [FOLDER]     FOLDER: take the files from there (or an address), before the mirrors
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import sys
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "autograder" / "data" / "mnist"
# The addresses that torchvision has them from, too.
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist")
# SHA-256 of what the gzip files hold: however somebody packed them, these are the images.
DIGESTS = {
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
PATIENCE_SECONDS = 20.0  # for each file of 1.6 MB at most
MOST_BYTES = 16 << 20  # packed or not: a mirror that sends more is none

Read = Callable[[str], bytes]


def read(place: str) -> bytes:
    """The bytes at an address or a path. Raises OSError or ValueError."""
    if "://" not in place:
        return Path(place).read_bytes()
    with urllib.request.urlopen(place, timeout=PATIENCE_SECONDS) as reply:
        return bytes(reply.read(MOST_BYTES))


def is_right(name: str, packed: bytes) -> bool:
    """Whether these are the images or labels of that name."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            content = file.read(MOST_BYTES)
    except (OSError, EOFError, zlib.error):
        return False
    return hashlib.sha256(content).hexdigest() == DIGESTS[name]


def fetch(places: tuple[str, ...], target: Path, get: Read = read) -> str:
    """Puts both files into `target`, from the first place that has them; "" or why not."""
    why = "nowhere to look"
    for place in places:
        found: dict[str, bytes] = {}
        for name in DIGESTS:
            try:
                found[name] = get(f"{place}/{name}.gz")
            except (OSError, ValueError) as error:
                why = f"{place}: {error}"
                break
            if not is_right(name, found[name]):
                why = f"{place}: {name}.gz is not MNIST's"
                break
        else:
            _put(found, target)
            return ""
    return why


def _put(found: dict[str, bytes], target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name, packed in found.items():
        new = target / f".{name}.new"
        new.write_bytes(packed)
        os.replace(new, target / f"{name}.gz")


def there(target: Path) -> bool:
    """Whether both files are there and right."""
    try:
        return all(is_right(name, (target / f"{name}.gz").read_bytes()) for name in DIGESTS)
    except OSError:
        return False


def main(arguments: list[str]) -> int:
    """Exit status 0 when the images are there, 1 when they could not be had: set-up goes on in both cases."""
    if there(TARGET):
        print("mnist: the test images are there already")
        return 0
    why = fetch((*arguments, *MIRRORS), TARGET)
    if why:
        print(f"mnist: no test images ({why}); submitted weights will be measured on the bundled digits")
        return 1
    print(f"mnist: the test images are in {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
