"""Which entries of a folder are different people's, as far as their names say, and which folders are no person's.

Why separate: a class that somebody wrapped, or parted by section, date or reader, looks like students with several
drafts each. What tells them apart is what people call other people, and what they call drafts, parts and places.
"""

from __future__ import annotations

import re
from pathlib import Path

from autograder.commands.batch.exports import pairs
from autograder.handin import folders
from autograder.handin.files import drafts, kinds

# What somebody calls a part of their own work, a place that it was written in, or a try. None of it is anybody's name.
_OWN = frozenset(
    "app appendix assets attempt attn baseline best book checkpoints class codes colab coursework curves data "
    "dataset datasets docs download downloads encoder env experiment experiments exercise exp extra figs figures "
    "files first fifth fourth gpu cpu cluster heads helpers home image images img imgs jupyter kaggle laptop layer "
    "layers lib local logs main math misc mlp modules nb net networks nn notebooks other others out output "
    "outputs part parts pc pdf pictures pics plots problem problems project proj python q question questions report "
    "result results resources run runs saved scan scans script scripts second server single src submissions task "
    "tasks test testing tests text theory third tries try two one three toml torch train training transformers "
    "untitled util utils variant variants version versions vision visualization weight week work working workspace "
    "writeup written zip zips "
    # what is around everybody's
    "all class course cs everybody everyone exams fall handin handins hws spring subs summer winter "
    # the same in other languages
    "abgaben aufgabe aufgaben teil versuch übung ubung lösung losung ejercicio ejercicios parte intento solución "
    "solucion tarea prueba entrega entregas exercice exercices partie essai devoir devoirs rendu rendus 作业 部分 答案 "
    "练习 과제 초안 최종 부분 प्रश्न भाग प्रारूप".split()
)
_COUNTED = re.compile(r"(?<=[^\W\d])\d{1,2}(?!\w)|(?<=^notebook)[0-9a-f]{8,}$")  # final2; what Kaggle calls notebooks
# A question or a part of one: q4a, 4b, part2.
_PART = re.compile(r"(?:q|hw|v|part|question|problem|task|try|take|attempt|version|ver|run|exp|day|week)?\d{1,3}[a-e]?")
_DATE = re.compile(r"\b20\d\d[-_. ]?[01]?\d[-_. ]?[0-3]?\d\b")
_TIME = re.compile(
    r"\b\d{1,2}(?:[:.h]?[0-5]\d)?\s?(?:am|pm)\b|\b\d{1,2}(?::[0-5]\d|h)\b", re.IGNORECASE
)  # when it meets
# What staff call a folder of several people's work.
_LATE = frozenset(
    "accommodations dsp extended extension extensions incomplete incompletes late make makeup overdue regrade regrades "
    "requests resubmission resubmissions resubmit resubmitted retake retakes tarde verspaetet verspätet".split()
)
_GROUPS = frozenset(
    "batch disc discussion fri friday graded grader graders group groups gruppe gruppen lab labs mon monday on ontime "
    "reader readers received sat saturday sec section sections student students sun sunday ta tas team teams thu thurs "
    "thursday time to tue tues tuesday ungraded up wed wednesday".split()
)
# What it is that came late, or is a section's: beside such a word these say nothing.
_HANDED_IN = frozenset(
    "assignment assignments file files folder folders from handin handins homework homeworks of submission submissions "
    "submitted the work works".split()
)
_DIGITS = 3  # of a number that tells an entry from others, and is no version's
_NUMBER = 5  # digits from which on a number is somebody's, and not a section's
# What staff call what is theirs.
_STAFF = frozenset(
    "handout instructor key master reference release rubric sample skeleton solution solutions staff starter "
    "template".split()
)


def person(name: str) -> str:
    """Whose it is by name, its words in order; "" where the name is a draft's, a part's, a section's or a date."""
    words = [word for word in _words(name) if not _is_own(word)]
    telling = [word for word in words if word not in _GROUPS and (not word.isdecimal() or len(word) >= _NUMBER)]
    return " ".join(sorted(words)) if any(len(word) > 1 for word in telling) else ""


def identity(name: str) -> str:
    """Whose entry it is, where it is somebody's: a person's, a group's ("Group 7") or a number's of three digits."""
    if who := person(name):
        return who
    words = _words(name)
    number = "".join(word for word in words if word.isdecimal())
    if words and (len(number) >= _DIGITS if number == "".join(words) else number and groups(name)):
        return " ".join(words)
    return ""


def groups(name: str, *, late: bool = False) -> bool:
    """Whether a folder's name says that it is several people's: a section, a date, a time; with `late` what is late."""
    words = [word for word in _words(name) if not word.isdecimal() and len(word) > 1]
    if not late and not words and (_DATE.search(name) or _TIME.search(name)):
        return True
    known = _LATE if late else _LATE | _GROUPS
    telling = [word for word in words if word not in _HANDED_IN]
    return bool(telling) and all(word in known for word in telling)


def staffs(name: str) -> bool:
    """Whether a name says nothing but that it is the course's own: `solution`, `hw6_template`."""
    return not person(name) and bool(_STAFF & set(re.findall(r"[^\W\d_]+", name.casefold())))


def numbered(name: str) -> bool:
    """Whether it is a section's number: 101."""
    return name.isdecimal() and len(name) < _NUMBER


def apart(folder: Path) -> list[Path]:
    """One entry for each person who has a work in the folder; none where it is one person's own.

    That it is where the work itself stands at its top, or an entry has the folder's own name in it. Files are works
    where they define every class, and scripts only where no notebook is: somebody's own modules and notes may be called
    anything.
    """
    listed = folders.listed_in(folder)
    if folders.own_files(folder) or any(path.name.lower() in folders.WORK for path in listed):
        return []
    if any(kinds.named(path.name).kind == kinds.NOTEBOOK for path in listed if path.is_file()):
        listed = [path for path in listed if kinds.named(path.name).kind != kinds.SCRIPT]
    whose = {path: identity(kinds.named(path.name).stem if path.is_file() else path.name) for path in listed}
    own = set(person(folder.name).split())
    if any(own & set(who.split()) for who in whose.values()):
        return []
    found: dict[str, Path] = {}
    for path, who in whose.items():
        alike = _COUNTED.sub("", who) if person(who) else who  # run1, run2: of what is counted there is one
        if who and alike not in found and folders.is_somebodys(path):
            found[alike] = path
    return list(found.values())


def _words(name: str) -> list[str]:
    return pairs.words(_TIME.sub(" ", _DATE.sub(" ", name)))


def _is_own(word: str) -> bool:
    word = _COUNTED.sub("", re.sub(r"^hw\d+(?=\D)", "", word)) or word
    own = word in _OWN or word in _STAFF or word in _LATE or drafts.is_a_drafts(word)
    return own or bool(_PART.fullmatch(word))
