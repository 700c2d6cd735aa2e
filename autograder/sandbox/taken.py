"""How many processes the kernel took for want of memory: of this control group where it tells, else of the machine.

Why separate: whether a child that is gone was taken or went by itself decides whose fault it is, and this is the only
witness that the child cannot sway. A number that is not told is 0 for ever: then nobody was taken.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path("/")


def count(root: Path = ROOT) -> int:
    """The number so far. `root`: where proc and sys are."""
    for place in _places(root):
        try:
            lines = place.read_text(encoding="ascii", errors="replace").splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, number = line.partition(" ")
            if name == "oom_kill" and number.strip().isdecimal():
                return int(number)
    return 0


def _places(root: Path) -> list[Path]:
    """The group's own counters (version 2 or 1), as its path is told and as a container sees it; then the machine's."""
    groups = root / "sys/fs/cgroup"
    found = []
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for seen in dict.fromkeys((path.strip("/"), "")):
            if number == "0":
                found.append(groups / seen / "memory.events")
            elif "memory" in controllers.split(","):
                found.append(groups / "memory" / seen / "memory.oom_control")
    return [*found, root / "proc/vmstat"]
