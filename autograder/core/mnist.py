"""Where MNIST's images are, for whoever trains or measures with them and whoever is asked for their folder.

Why separate: the command line refuses a folder without them before anything is graded, and must not import torch.
"""

from __future__ import annotations

from pathlib import Path

# Set by `--mnist DIR`; the engine inherits it.
VARIABLE = "AUTOGRADER_MNIST"
FETCHED = Path(__file__).parents[1] / "data" / "mnist"  # where a course may put them before its image is built
NAMES = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
TRAINING_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
_BELOW = ("", "raw", "MNIST/raw")  # as torchvision lays them out


def find(folder: Path, names: tuple[str, str] = NAMES) -> tuple[Path, Path]:
    """(images, labels), gzipped or not. Raises LookupError, with the names that were looked for."""
    for below in _BELOW:
        found = [
            path for name in names for path in (folder / below / f"{name}.gz", folder / below / name) if path.is_file()
        ]
        images = [path for path in found if path.name.startswith(names[0])]
        labels = [path for path in found if path.name.startswith(names[1])]
        if images and labels:
            return images[0], labels[0]
    raise LookupError(f"there are no {names[0]}(.gz) and {names[1]}(.gz), also not in MNIST/raw")
