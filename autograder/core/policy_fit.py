"""What of a policy is well formed and does not fit together, with its place: each is refused before anything is graded.

Why separate: next door says what a policy consists of; this, which of its parts have to agree with each other, and with
what the code makes of them. Pure: it is given the policy and touches no file.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from autograder.core.policy import Policy, Question

Place: TypeAlias = tuple[str | int, ...]  # ("questions", 6, "points")

# The question whose class the room has a stand-in for (student_room/probe.py); nothing else can be `given`.
STANDS_IN = "4a"
# What we call the arguments of __init__ where classes are made, in the order in which a policy names them otherwise.
ARGUMENTS = {
    "4a": ("input_dim", "inner_dim", "dropout"),
    "4b": ("dim", "heads", "dim_head", "mlp_dim", "dropout"),
}
# How files are told to be what they are, beside their names.
_ENDINGS = {"notebook": ".ipynb", "script": ".py", "checkpoint": ".safetensors"}
_OF_FILES = (*_ENDINGS, "answers", "history")


def contradictions(policy: Policy) -> Iterator[tuple[Place, str]]:
    """(place, what is wrong) of everything that is well formed and does not fit together."""
    if not policy.questions:
        yield ("questions",), "there is no question that tests grade: at least one must have its [[questions]]"
    yield from _numbers(policy)
    for index, question in enumerate(policy.questions):
        yield from _tests(policy, index, question)
        if question.allowed_nn and not question.class_name:
            yield ("questions", index, "allowed_nn"), "a question without class_name has no code to look at"
    yield from _classes(policy)
    for index, question in enumerate(policy.questions):
        yield from _given(policy, index, question)
        for what in _arguments(question):
            yield ("questions", index, "arguments"), what
    yield from _files(policy)
    if policy.late.lost_each_day and not policy.late.shown:
        yield ("late", "shown"), "lateness takes points here, so it must be shown: nobody loses any in silence"
    if policy.late.lost_each_day > policy.late.most_lost:
        yield ("late", "most_lost"), "a day takes more than all days together may"


def _numbers(policy: Policy) -> Iterator[tuple[Place, str]]:
    numbers = [question.number for question in policy.questions + policy.by_hand]
    for table, questions in (("questions", policy.questions), ("by_hand", policy.by_hand)):
        for index, question in enumerate(questions):
            if numbers.count(question.number) > 1:
                yield (table, index, "number"), f"there are two questions {question.number!r}"


def _tests(policy: Policy, index: int, question: Question) -> Iterator[tuple[Place, str]]:
    points = {n: said if isinstance(said, (int, float)) else said.points for n, said in question.tests.items()}
    for number, worth in points.items():
        if worth < 0:
            yield ("questions", index, "tests", number), f"{number} has negative points"
        try:
            owner = policy.question_of(number).number
        except KeyError as error:
            owner = str(error.args[0])
        if owner != question.number:
            yield (
                ("questions", index, "tests", number),
                f"{number!r} is no number of a test of question {question.number}",
            )
    total = sum(points.values())
    if abs(total - question.points) > 1e-9:
        what = f"question {question.number} has {question.points:g} points, but its tests have {total:g} together"
        yield ("questions", index, "points"), f"{what}: change one or the other"


def _classes(policy: Policy) -> Iterator[tuple[Place, str]]:
    """A class is found by its name alone, so every name is one that Python takes, and of one class."""
    named: list[tuple[Place, str, str]] = [
        (("questions", index, "class_name"), f"question {question.number}", question.class_name)
        for index, question in enumerate(policy.questions)
        if question.class_name
    ]
    named += [(("provided", "classes"), "the provided classes", name) for name in policy.provided.classes]
    whose: dict[str, str] = {}
    for place, who, name in named:
        if not _is_name(name):
            yield place, f"{name!r} is no name that a class can have"
        elif name in whose:
            both = f"{whose[name]} and {who}" if whose[name] != who else f"both of {who}"
            yield place, f"{both} name the class {name!r}: which of them it is could not be told"
        whose.setdefault(name, who)


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _given(policy: Policy, index: int, question: Question) -> Iterator[tuple[Place, str]]:
    """A name that we do not know would be given by nobody: the class would be judged over the student's own."""
    provided = policy.provided.classes
    heads = (q.class_name for q in policy.questions if q.number == STANDS_IN != question.number)
    for key, names, known in (
        ("given", question.given, (*filter(None, heads), *provided)),
        ("may_bring", question.may_bring, provided),
    ):
        for name in names:
            if name not in known:
                yield ("questions", index, key), f"there is no class {name!r} to name here; there is {_listed(known)}"


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(filter(None, [", ".join(map(repr, names[:-1])), repr(names[-1])]))


def _arguments(question: Question) -> Iterator[str]:
    theirs, ours = question.arguments, ARGUMENTS.get(question.number, ())
    if not theirs:
        return
    if not ours:
        yield f"no class is made for question {question.number}: arguments are of {_listed(tuple(ARGUMENTS))}"
    elif len(theirs) != len(ours):
        yield (
            f"the policy names {len(theirs)} arguments of question {question.number}: name {len(ours)}, in the order "
            f"of {', '.join(ours)}"
        )
    elif wrong := next((name for name in theirs if not _is_name(name) or theirs.count(name) > 1), None):
        yield f"{wrong!r} is {'named twice' if _is_name(wrong) else 'no name that an argument can have'}"
    elif theirs != ours and set(theirs) == set(ours):  # they are handed over by name, whatever their order there
        yield f"these are our own names in another order, so values would be exchanged: ours is {', '.join(ours)}"


def _files(policy: Policy) -> Iterator[tuple[Place, str]]:
    """Files are looked for by their names, whatever folder they lie in, and in small letters as in capitals."""
    seen: dict[str, str] = {}
    for key in _OF_FILES:
        name: str = getattr(policy.files, key)
        ending = _ENDINGS.get(key, "")
        if not name.strip(". ") or name != name.strip() or not name.isprintable():
            yield ("files", key), f"{name!r} is no name of a file"
        elif "/" in name or "\\" in name:
            yield ("files", key), f"{name!r} has a folder in it: give the name alone, files are found in any folder"
        elif not name.lower().endswith(ending):
            yield ("files", key), f"{name!r} does not end in {ending}, by which such a file is known"
        elif name.lower() in seen:
            yield ("files", key), f"{name!r} is the name of the {seen[name.lower()]}, too: give each its own"
        seen.setdefault(name.lower(), key)
