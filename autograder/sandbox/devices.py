"""The GPU as a child may meet it: which files of NVIDIA's driver are opened to a training run on cuda, and no more.

Why separate: the supervisor asks whether there is a GPU, and the child's wall lets these files through; neither may
call CUDA to find out, since a process that did must not be forked. Nothing here opens a device.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

_CONTROL, _MEMORY = "nvidiactl", "nvidia-uvm"  # without them no GPU can be used
_DEVICE = re.compile(r"nvidia\d+\Z")

# What the driver's libraries read of the machine beside the interpreter's own files. `/proc/self` is the child's own.
READ = (
    "/proc/driver/nvidia", "/proc/devices", "/proc/modules", "/proc/self", "/proc/sys/vm", "/sys/bus/pci/devices",
    "/sys/devices", "/sys/module/nvidia", "/usr/local/cuda", "/usr/local/nvidia", "/etc/nvidia", "/usr/share/nvidia",
)  # fmt: skip

# What they write: names of threads, in files that are there as long as the thread is. All below is the child's own.
REWRITE = ("/proc/self/task",)

VISIBLE = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")  # -1: none


def files(root: Path = Path("/dev")) -> tuple[str, ...]:
    """The device files to open: () where there is no GPU whose driver is loaded."""
    cards = sorted(path.name for path in root.glob("nvidia*") if _DEVICE.match(path.name))
    names = [_CONTROL, _MEMORY, *cards]
    if not cards or not all((root / name).exists() for name in names):
        return ()
    return tuple(str(root / name) for name in (*names, *_parts(root)))


def _parts(root: Path) -> list[str]:
    """Of a split GPU: those that anyone may read. The driver keeps others, to split it and to watch it, for root."""
    found = sorted(root.glob("nvidia-caps/nvidia-cap*"))
    return [path.relative_to(root).as_posix() for path in found if path.stat().st_mode & 0o004]


def hide() -> bool:
    """Lets torch see no accelerator, here and in what is forked: call it before torch looks. True when it sees none.

    Apple's and Intel's cannot be hidden.
    """
    import torch  # here alone: who asks what there is need not load it

    os.environ.update(dict.fromkeys(VISIBLE, "-1"))
    return sys.platform != "darwin" and not getattr(torch.version, "xpu", None)


def libraries(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Where else the driver's libraries may be: what LD_LIBRARY_PATH names, as containers set it."""
    folders = environment.get("LD_LIBRARY_PATH", "").split(":")
    return tuple(folder for folder in folders if re.search("nvidia|cuda", folder) and os.path.isdir(folder))


def missing(root: Path = Path("/dev"), *, other_user: bool) -> str:
    """Why no child can use a GPU here, in words; "" when one can. `other_user`: children have a user of their own."""
    found = files(root)
    if not found:
        names = f"{_CONTROL}, {_MEMORY} and nvidia0"
        return f"there is no GPU here: {root} has no {names} (is NVIDIA's driver loaded, the container given the GPU?)"
    whole = [name for name in found if Path(name).parent == root]  # a part of a split one need only be read
    closed = [name for name in whole if other_user and os.stat(name).st_mode & 0o006 != 0o006]
    if closed:
        return f"the GPU is closed to others than its owner ({closed[0]}), and children have a user of their own"
    return ""
