"""Whether a folder that somebody named holds one submission or a class, so that neither is graded as the other.

Why separate: `grade` on a class would mix students (one's answers with another's history), and `batch` on one
submission would tear it into files. Only what is sure is refused, and only when a person typed the command: what can be
meant either way is graded as asked, and the platform's folder and the entries of a class are never judged here.
Files are looked at, not parsed: nothing of theirs can do more than be counted wrongly.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from autograder.core.errors import SubmissionError, UsageError
from autograder.core.policy import FILES, POLICY
from autograder.handin.files import kinds
from autograder.handin.files.members import folder_members, is_ignored, read_file

# "Download submissions" on Gradescope puts this beside the folders and maps them to students, who have none.
ROSTER = "submission_metadata.yml"
WORK = (FILES.notebook.lower(), FILES.script.lower())  # names are compared in small letters
# What one person hands in beside the work, and nobody puts into a class's folder by itself.
BESIDE = tuple(name.lower() for name in (FILES.answers, FILES.history, FILES.checkpoint))

_PART = re.compile(r"(.+)-\d{3}\.zip", re.IGNORECASE)  # hw6-20261121T171502Z-001.zip: Drive's download, in parts
# In a notebook's JSON a letter may stand before it: "\nclass ViTLayer".
_DEFINES = [re.compile(rf"class +{q.class_name}\b".encode()) for q in POLICY.questions if q.class_name]
_DEPTH = 3  # folders that programs wrap around a submission
# Pictures, papers, data and what a training saves: no work of this homework, whatever is in it.
_BESIDE_WORK = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|pdf|csv|npy|npz|pt|pth|log|docx?|pptx?)$|-ubyte(?:\.gz)?$", re.IGNORECASE
)
_ABOVE = 3  # folders above the named one that are looked at
_ENTRIES = 100  # of a class: if there are two whose works exclude each other, they stand among so many
_FILES = 20  # of an entry; a submission holds a handful
_CLASS_IN_A_CLASS = 3  # one person may well hand in two attempts, each in a folder, but hardly three


class Work(NamedTuple):
    """A file that can be somebody's whole work. Two that differ in nothing but `digest` cannot both be one person's."""

    kind: str  # "notebook", "script", "zip" or "answers"
    depth: int
    defines: int  # how many of the homework's classes; a fuller file wins over others, so only equals are rivals
    digest: bytes


def refuse_class(path: Path, one: Callable[[Path], str], whole: str) -> None:
    """Raises UsageError when `path` is a class's folder: `one` words the command for one submission, `whole` for all.

    `whole` is empty where no command takes a class.
    """
    found = submissions_in(path)
    if not found:
        return
    names = ", ".join(rival.name for rival in found[:3])
    names += ", …" if len(found) > 3 else ""
    many = f"  for all of them:  {whole}\n" if whole else ""
    raise UsageError(
        f"{path} holds more than one submission ({names}), and this command takes one:\n"
        f"{many}  for one of them:  {one(found[0])}\n"
        "If all of it is one person's work, leave only the file that counts, or put it at the top of the folder as "
        f"{FILES.notebook}."
    )


def refuse_one(
    path: Path, single: Callable[[Path], str], whole: Callable[[Path], str], somebodys: Callable[[str], object] = bool
) -> None:
    """Raises UsageError when `path` is one submission's folder or file, or holds classes and no submission.

    `single` words the command for one submission, `whole` that for a class. Parts of one class are a class. `somebodys`
    tells whether an entry of this name is a person's: several attempts of each student are no classes.
    """
    if path.is_file():
        packed = kinds.named(path.name).kind in (kinds.ZIP, kinds.PACKED)
        what = "is no zip, and only a zip is unpacked here: unpack it, and" if packed else "is not a folder:"
        raise UsageError(
            f"{path} {what} give the folder that holds one folder, zip or file per submission.\n"
            f"  {'where it holds' if packed else 'for this'} one submission:  {single(path)}"
        )
    if own := own_files(path):
        raise UsageError(
            f"{path} is the folder of one submission (it holds {', '.join(own)} itself), and this command takes a "
            f"folder of submissions.\n  for this one submission:  {single(path)}"
        )
    classes = _classes_in(path, somebodys)
    if len(classes) > 1 and again(listed_in(each) for each in classes):
        raise UsageError(
            f"{path} holds the folders of several classes ({', '.join(c.name for c in classes[:3])}), or one class "
            f"several times, and no submission.\n  for one of them:  {whole(classes[0])}"
        )


def refuse_elsewhere(path: Path, one: Callable[[Path], str]) -> None:
    """Raises UsageError when a student named a folder that holds no files, or none of the work, which lies above it.

    `one` words the command for a folder. For who types a command where the work is not, which is quicker told than run;
    an empty hand-in is graded as one.
    """
    if not path.is_dir():
        return
    try:
        names = [member.name for member in folder_members(path)]
    except SubmissionError:
        return
    here = path.resolve()
    if any(not _BESIDE_WORK.search(name) for name in names):  # a class may begin in any text
        return
    for above in here.parents[:_ABOVE]:
        if work := [entry.name for entry in listed_in(above) if entry.is_file() and entry.name.lower() in WORK]:
            raise UsageError(
                f"{here} holds {'none of your work' if names else 'no files'}: {work[0]} lies in {above}.\n"
                f"  to look there:  {one(above)}"
            )
    if not names:
        raise UsageError(
            f"{here} holds no files: give the folder that holds {FILES.notebook}, or the notebook itself. In Colab use "
            f"File > Download > Download .ipynb, and name it {FILES.notebook}."
        )


def typed(command: str, path: Path, *options: str) -> str:
    """A command of ours as it is to be typed."""
    return shlex.join(["python", "-m", "autograder", command, str(path), *options])


def submissions_in(path: Path) -> tuple[Path, ...]:
    """Entries of a class's folder that cannot be one person's work; none when it may all be one submission."""
    folder = _unwrapped(path)
    listed = listed_in(folder)
    names = {entry.name.lower() for entry in listed}
    if ROSTER in names:
        return tuple(entry for entry in listed if entry.is_dir() or _kind(entry.name))
    if names & {*WORK, *BESIDE}:
        return ()  # what lies at the top of a folder by its right name is what counts
    return _rivals(listed)


def own_files(folder: Path) -> tuple[str, ...]:
    """The files that make a folder one submission; none when it may be a class's."""
    listed = listed_in(folder)
    by_name = {entry.name.lower().removesuffix(".txt"): entry for entry in listed if entry.is_file()}
    work = tuple(by_name[name].name for name in WORK if name in by_name)
    beside = tuple(by_name[name].name for name in BESIDE if name in by_name)
    if ROSTER in by_name or not (work or beside):
        return ()
    folders = [entry for entry in listed if entry.is_dir()]
    if beside:  # a class may hold a key or a template beside its folders; files by themselves are this submission's
        return () if _rivals(folders) else work + beside
    others = [entry for entry in listed if entry.name not in work and any(True for _ in _works(entry))]
    return () if others else work


def _classes_in(folder: Path, somebodys: Callable[[str], object]) -> tuple[Path, ...]:
    """The folders in it when each that holds anything is a class's."""
    listed = listed_in(folder)
    if any(entry.is_file() and (entry.name == ROSTER or any(True for _ in _works(entry))) for entry in listed):
        return ()
    classes = []
    for entry in listed:
        if not entry.is_dir() or not listed_in(entry):
            continue
        if sum(bool(somebodys(one.name)) for one in submissions_in(entry)) < _CLASS_IN_A_CLASS:
            return ()
        classes.append(entry)
    return tuple(classes)


def again(folders: Iterable[Iterable[Path]]) -> bool:
    """Whether at least half of the names in the folders come again from one to another, in upper or lower case."""
    names = Counter(entry.name.casefold() for folder in folders for entry in folder)
    return 2 * sum(count for count in names.values() if count > 1) >= sum(names.values())


def is_work(name: str) -> bool:
    """Whether a file of this name can be somebody's whole work: a notebook, a script or a zip."""
    return bool(_kind(name))


def is_somebodys(entry: Path) -> bool:
    """Whether a folder or file holds somebody's whole work: of files with a name of their own, all classes at least."""
    if entry.is_dir():
        return any(True for _ in _works(entry))
    return any(work.kind == "zip" or work.defines == len(_DEFINES) for work in _works(entry)) or (
        kinds.named(entry.name).kind == kinds.PACKED
    )


def _rivals(entries: list[Path]) -> tuple[Path, ...]:
    """Those of which two hold a work of the same kind, place and completeness, and not the same one."""
    seen: dict[tuple[str, int, int], dict[bytes, Path]] = {}
    for entry in entries[:_ENTRIES]:
        for work in _works(entry):
            same = seen.setdefault(work[:3], {})
            if entry not in same.values():
                same.setdefault(work.digest, entry)
    most = max(seen.values(), key=len, default={})
    return tuple(most.values()) if len(most) > 1 else ()


def _works(entry: Path) -> Iterator[Work]:
    """The works in an entry, the first of each kind; answers.toml among them when the entry is a folder."""
    kinds: set[str] = set()
    for name, read in _files(entry):
        kind = _kind(name)
        if entry.is_dir() and PurePosixPath(name).name.lower().removesuffix(".txt") == FILES.answers:
            kind = "answers"
        if not kind or kind in kinds or (kind == "zip" and kinds):
            continue
        try:
            data = read()
        except SubmissionError:
            data = name.encode()  # a work that cannot be read is one all the same
        if part := _PART.fullmatch(name):
            data = part[1].encode()  # the parts of one download are no two works
        defines = sum(1 for pattern in _DEFINES if pattern.search(data))
        named = PurePosixPath(name).name.lower().removesuffix(".txt").removesuffix(".json") in WORK
        if kind in ("answers", "zip") or named or defines:
            kinds.add(kind)
            yield Work(kind, name.count("/"), defines, hashlib.sha256(data).digest())


def _files(entry: Path) -> list[tuple[str, Callable[[], bytes]]]:
    """Names and readers: of a folder's files those at the top and with the right names first, zips last."""
    if not entry.is_dir():
        return [(entry.name, lambda: read_file(entry, entry.name))]
    try:
        members = folder_members(entry)
    except SubmissionError:
        return []

    def first(name: str) -> tuple[bool, bool, int, str]:
        return _kind(name) == "zip", PurePosixPath(name).name.lower() not in WORK, name.count("/"), name

    likely = [m for m in members if _kind(m.name) or FILES.answers.lower() in m.name.lower()]
    return [(m.name, m.read) for m in sorted(likely, key=lambda member: first(member.name))[:_FILES]]


def _kind(name: str) -> str:
    kind = kinds.named(name).kind
    return "" if kind == kinds.PACKED else kind  # nothing can be told of what is not opened


def _unwrapped(path: Path) -> Path:
    """The folder without those that hold nothing but one folder."""
    for _ in range(_DEPTH):
        listed = listed_in(path)
        if len(listed) != 1 or not listed[0].is_dir():
            break
        path = listed[0]
    return path


def listed_in(folder: Path) -> list[Path]:
    """Its files and folders by name, links and what programs leave behind aside; none when it cannot be listed."""
    try:
        return sorted(
            p for p in folder.iterdir() if not (p.is_symlink() or p.name.startswith(".") or is_ignored(p.name))
        )
    except OSError:
        return []
