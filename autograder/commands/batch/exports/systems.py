"""What course systems make of the names of what students hand in: whose it is, when it came, and its own name.

Why separate: each system has a way of its own to put a class into one folder, and all of them do it by names. Nothing
here looks into a file. A name counts as a system's only by its whole form, so that a student's own name seldom does.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from autograder.core.text import one_line


class Named(msgspec.Struct, frozen=True):
    """What a name says. `file` is the name that the student gave, empty where all of it is the student's folder."""

    system: str
    name: str = ""
    user: str = ""
    when: datetime | None = None
    late: bool = False  # marked as late by the system
    file: str = ""
    number: bool = False  # `user` is a number that only the system itself knows

    @property
    def who(self) -> str:
        """What tells this student's files from others': two may have one name."""
        return f"{self.name}_{self.user}" if self.number else self.user or self.name


class _System(NamedTuple):
    name: str
    folder: bool | None  # whether it names folders, or files; None: files, which whoever unpacked them made folders of
    form: re.Pattern[str]
    when: str = ""  # the form of its times, as strptime has it
    number: bool = False


_ATTEMPT = r"(?P<when>\d{4}(?:-\d\d){5})"
_BRIGHTSPACE = r"(?P<user>\d+)-\d+ ?- ?(?P<name>.+?) ?- ?(?P<when>[A-Z][a-z]{2} \d{1,2}, \d{4} \d{3,4} [AP]M)"
_ITS_TIME = "%b %d, %Y %I%M %p"
_GIVEN = r"(?:\d{3,}_(?P<file>.+)|(?P<typed>(?:text|link)\.html))"  # Canvas's: the file's number and name
# The plainest form last: of two that explain as much the first counts.
_SYSTEMS = (
    # HW6_jdoe12_attempt_2026-11-20-23-59-01_hw6.ipynb, beside a receipt with the same beginning
    _System(
        "Blackboard",
        False,
        re.compile(rf"(?P<login>.+?_.+)_attempt_{_ATTEMPT}(?:_(?P<file>.+)|(?P<typed>\.txt))"),
        "%Y-%m-%d-%H-%M-%S",
    ),
    # Anna Müller_2345678_assignsubmission_file_/, and the same before a file's name where folders were not asked for
    _System(
        "Moodle",
        True,
        re.compile(r"(?:(?P<name>.+)_(?P<user>\d+)|(?P<whole>.+))_assignsubmission_(?:file|onlinetext)_?"),
        number=True,
    ),
    _System(
        "Moodle",
        False,
        re.compile(r"(?P<name>.+)_(?P<user>\d+)_assignsubmission_(?:file|onlinetext)_(?P<file>.+)"),
        number=True,
    ),
    # 70912-1180031 - Maya Patel - Nov 21, 2026 1207 AM, and the same before a file's name
    _System("Brightspace", True, re.compile(_BRIGHTSPACE), _ITS_TIME, number=True),
    _System("Brightspace", False, re.compile(rf"{_BRIGHTSPACE} - (?P<file>.+)"), _ITS_TIME, number=True),
    # jdoe+hw6+2026-11-20 22:47:13.123456 UTC+a1b2c3, in the exchange's inbound/
    _System(
        "nbgrader",
        True,
        re.compile(r"(?P<user>[^+]+)\+[^+]+\+(?P<when>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)?(?: UTC)?(?:\+[^+]*)?"),
        "%Y-%m-%d %H:%M:%S",
    ),
    # Doe, Jane(jdoe)
    _System("Sakai", True, re.compile(r"(?P<name>[^(),]+, [^()]+)\((?P<user>[^()\s]+)\)")),
    # hw6_2026_11_20T18_02_55_410012.zip, which a form puts " - Grace Liu" behind
    _System(
        "otter-grader",
        False,
        re.compile(r"(?P<file>.*?_(?P<when>\d{4}_\d\d_\d\dT\d\d_\d\d_\d\d)_\d+) - (?P<name>.+)\.zip"),
        "%Y_%m_%dT%H_%M_%S",
    ),
    # abdiamina_1522031_9041202_hw6.ipynb, brownjames_LATE_1530918_…, and what was typed: …_1522199_text.html. The name
    # of a group has what its members gave it, so that the numbers alone tell where it ends
    _System("Canvas", None, re.compile(rf"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<user>\d+)_{_GIVEN}"), number=True),
    _System("Canvas", None, re.compile(rf"(?P<name>.+?)_(?P<late>LATE_)?(?P<user>\d{{5,}})_{_GIVEN}"), number=True),
    # graded without names: anon_3kQ9z_9041202_hw6.ipynb, LATE_anon_Zb1aP_…
    _System("Canvas", None, re.compile(rf"(?P<late>LATE_)?(?P<user>anon_[^_\W]+)_{_GIVEN}")),
)


def read(paths: Iterable[Path]) -> dict[Path, Named]:
    """What the names of files and folders that lie side by side say, as the one system has it that explains most."""
    listed = list(paths)
    found: dict[str, dict[Path, Named]] = {}
    for system in _SYSTEMS:
        mine = found.setdefault(system.name, {})
        fitting = [path for path in listed if system.folder in (None, path.is_dir()) and path not in mine]
        forms = {path: form for path in fitting if (form := system.form.fullmatch(path.name))}
        title = _title(form["login"] for form in forms.values() if "login" in system.form.groupindex)
        mine |= {path: _named(system, form.groupdict().get, path, title) for path, form in forms.items()}
    return max(found.values(), key=len)


def _title(logins: Iterable[str]) -> str:
    """What Blackboard's names begin with, up to the last underscore before people differ: logins may have one, too."""
    different = sorted(set(logins))
    if len(different) < 2:
        return ""
    pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(different[0], different[-1]))
    return "".join(letter for letter, _ in pairs).rpartition("_")[0]


def _login(found: str, title: str) -> str:
    return found.removeprefix(title + "_") if title else found.rpartition("_")[2]


def _named(system: _System, group: Callable[[str], str | None], path: Path, title: str) -> Named:
    return Named(
        system.name,
        one_line(group("name") or group("whole") or ""),
        one_line(group("user") or _login(group("login") or "", title)),
        _time(group("when") or "", system.when),
        bool(group("late")),
        group("file") or group("typed") or ("" if path.is_dir() else path.name),
        system.number and bool(group("user")),
    )


def _time(text: str, form: str) -> datetime | None:
    """The time, in the zone of whoever made the export; None for none. Midnight's hour may have lost its 0."""
    if not text:
        return None
    hours = re.sub(r"(?<= )(\d)(\d\d)(?= [AP]M)", r"0\1\2", text)
    try:
        return datetime.strptime(hours, form)
    except ValueError:
        return None
