"""Which packages are missing here, before anything imports them: one sentence with the pip line, never a traceback.

Why separate: whoever unpacked the zip at home has Python and perhaps torch. This file, and what leads to it, needs the
standard library alone, and a Python older than ours can read it.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

OLDEST = (3, 10)
# The oldest torch that the tests were run with. With 2.0 what watches for ready-made attention misses some of its ways.
OLDEST_TORCH = (2, 4)

# What is imported, and the name that pip knows it by.
PACKAGES = {
    "torch": "torch", "numpy": "numpy", "einops": "einops", "pytest": "pytest", "gradescope_utils": "gradescope-utils",
    "nbformat": "nbformat", "IPython": "ipython", "msgspec": "msgspec", "typer": "typer", "rich": "rich",
    "pygments": "pygments", "jinja2": "jinja2", "yaml": "pyyaml",
}  # fmt: skip


def missing() -> str:
    """What is missing and how to get it, in one sentence; "" when everything is here."""
    if sys.version_info < OLDEST:
        found, wanted = ".".join(map(str, sys.version_info[:2])), ".".join(map(str, OLDEST))
        return f"this is Python {found}, and Python {wanted} or newer is needed: {sys.executable}"
    wanted_here = dict(PACKAGES, tomli="tomli") if sys.version_info < (3, 11) else PACKAGES
    absent = [name for module, name in wanted_here.items() if find_spec(module) is None]
    if not absent:
        return _old_torch()
    line = f"{sys.executable} -m pip install {' '.join(absent)}"
    return f"{' and '.join(absent) if len(absent) < 3 else ', '.join(absent)} {_is(absent)} missing here. Run:  {line}"


def _old_torch() -> str:
    """What to do about a torch that is too old; "" where it is not, or does not say how old it is."""
    try:
        found = version("torch") or ""  # a broken installation may have none
    except PackageNotFoundError:
        return ""
    numbers = re.match(r"(\d+)\.(\d+)", found)
    if numbers is None or (int(numbers[1]), int(numbers[2])) >= OLDEST_TORCH:
        return ""
    wanted = ".".join(map(str, OLDEST_TORCH))
    line = f"{sys.executable} -m pip install --upgrade torch torchvision"
    return f"torch {found} is here, and {wanted} or newer is needed. Run:  {line}"


def _is(absent: list) -> str:  # type: ignore[type-arg]  # this file is read by Pythons older than list[str]
    return "is" if len(absent) == 1 else "are"
