"""The words for what a child could not do, made from what it tried; and whether that is enough for hidden tests.

Why separate: the canary tries in the engine, the supervisor decides whether to grade, the doctor explains; all three
read the same record. Pure: nothing here touches a file, a process or torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

UNTRIED = "none"
WEAK = "weak:"

# In the order of the isolation line. A word stands there only if all that was tried under it was refused.
WORDS = {
    "uid": "a user of its own, for good",
    "rlimits": "limits of memory, time, files and core dumps that it cannot raise",
    "no-new-privs": "no rights to gain from a setuid program",
    "files": "no file but its libraries and its scratch folder",
    "secrets": "no way to reference, hidden tests or course secret",
    "namespaces": "a process tree, a network and System V objects of its own: nobody of ours has a number there",
    "memory": "no way into the memory of the grader's processes",
    "signals": "no signal to the grader's processes",
    "processes": "no new process, no other program",
    "network": "no TCP, UDP or UNIX socket",
    "ipc": "no shared memory, no message queue",
    "kernel": "no namespaces, tracing, io_uring, BPF, keys, change of modes",
}
SAME_USER = "same-uid"

# Without one of these, a submission could take the answers along or end the grading of others.
ESSENTIAL = {
    "secrets": "read the reference, the hidden tests or the course secret",
    "memory": "reach the memory of the grader's processes",
    "signals": "signal the grader's processes",
}


class Trial(msgspec.Struct, frozen=True):
    """One thing that a child tried: `word` is what it counts for."""

    word: str
    action: str
    refused: bool


class Isolation(msgspec.Struct, frozen=True):
    """What the canary found. `line` is the compact form that every result carries."""

    line: str
    trials: tuple[Trial, ...] = ()
    problem: str = ""  # why it could not be tried


class Machine(msgspec.Struct, frozen=True):
    """What advice depends on: the system, whether we are root, the kernel's Landlock version (0: none)."""

    linux: bool
    root: bool
    landlock: int


def line(trials: Iterable[Trial]) -> str:
    """The words that held, e.g. "uid+rlimits+no-new-privs+files+signals"; "none" without any trial."""
    trials = tuple(trials)
    held = [word for word in WORDS if _held(word, trials)]
    if any(trial.word == "uid" for trial in trials) and "uid" not in held:
        held.insert(0, SAME_USER)
    return "+".join(held) or UNTRIED


def _held(word: str, trials: tuple[Trial, ...]) -> bool:
    refused = [trial.refused for trial in trials if trial.word == word]
    return bool(refused) and all(refused)


def weaknesses(line: str) -> tuple[str, ...]:
    """What a child could do that forbids grading with hidden tests; () where nothing does."""
    words = line.removeprefix(WEAK).split("+")
    if words == [UNTRIED]:
        return ("do what nobody knows, for no child could be tried",)
    return tuple(text for word, text in ESSENTIAL.items() if word not in words)


def marked(found: Isolation) -> Isolation:
    """What a result carries that is made although the isolation is weak."""
    return msgspec.structs.replace(found, line=WEAK + found.line)


def note(line: str) -> tuple[str, ...]:
    """The note for staff in a result that was made on a weak machine (a `marked` line); () in any other."""
    if not line.startswith(WEAK):
        return ()
    could = "; ".join(weaknesses(line))
    return (f"weak isolation: the student's code could {could}. This was allowed by --allow-weak-isolation.",)


def refusal(found: Isolation, machine: Machine) -> str:
    """Why hidden tests are not run here, and what to do about it: for the person who started the grading."""
    could = "; ".join(weaknesses(found.line))
    seen = open_doors(found)
    parts = [
        f"this machine does not separate student code from the grader well enough for hidden tests. It could {could}.",
        f"What a trial reached: {', '.join(seen)}." if seen else "",
        f"Why it could not be tried: {found.problem}." if found.problem else "",
        "To fix it:",
        *(f"\n  - {advice}" for advice in remedies(found, machine)),
        "\n`autograder doctor` shows every layer. `--allow-weak-isolation` grades all the same, and every result says so.",
    ]
    return " ".join(part for part in parts if part).replace(" \n", "\n")


def open_doors(found: Isolation, most: int = 4) -> tuple[str, ...]:
    """The essential things that were not refused, at most `most` of them and then their number."""
    doors = [trial.action for trial in found.trials if trial.word in ESSENTIAL and not trial.refused]
    more = (f"{len(doors) - most} more",) if len(doors) > most else ()
    return (*doors[:most], *more)


def remedies(found: Isolation, machine: Machine) -> tuple[str, ...]:
    """What raises the isolation here, the strongest first; () where nothing more is known to."""
    words = set(found.line.removeprefix(WEAK).split("+"))
    if UNTRIED in words:
        return (
            "find out why no child can be started; `autograder selfcheck` with --allow-weak-isolation may say more",
        )
    if not machine.linux:
        return ("grade on Linux, e.g. in a container: other systems have none of the layers but resource limits",)
    lacks = {word: word not in words for word in WORDS}
    rules = (
        (lacks["uid"] and machine.root, "run where root may change users (in a container: with CAP_SETUID, CAP_SETGID, CAP_CHOWN, CAP_KILL and CAP_DAC_OVERRIDE)"),
        (lacks["uid"] and not machine.root, "run as root in a container, so that student code is another user (docs/gradescope.md)"),
        (lacks["secrets"] and machine.root, "close the course's files to other users: chmod -R go-rwx reference tests course_secret.txt results_key.txt"),
        (lacks["files"] and not machine.landlock, "use a kernel with Landlock: Linux 5.13 or newer, with landlock in /sys/kernel/security/lsm; in a container, a runtime that lets it through (Docker since 20.10.13)"),
        (lacks["files"] and machine.landlock > 0, "Landlock is here but did not hold: please report this with the output of `autograder doctor`"),
        (lacks["signals"] and 0 < machine.landlock < 6, "use Linux 6.12 or newer (Landlock ABI 6), which refuses signals to other processes"),
        (lacks["namespaces"] and not machine.root, "let ordinary users make namespaces: sysctl user.max_user_namespaces above 0, kernel.unprivileged_userns_clone=1 (Debian), kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu)"),
        # nothing else refuses a fork
        (lacks["processes"], "filter system calls: apt-get install libseccomp2, and pip install pyseccomp"),
    )  # fmt: skip
    return tuple(advice for holds, advice in rules if holds)


def trials_of(output: str) -> tuple[tuple[Trial, ...], bool]:
    """What the canary printed, one line a trial: (its trials, whether it came to its end)."""
    found = re.findall(r"^TRIED\t([a-z-]+)\t(refused|allowed)\t(.+)$", output, re.M)
    return tuple(Trial(word, action, how == "refused") for word, how, action in found), "\nDONE\n" in output
