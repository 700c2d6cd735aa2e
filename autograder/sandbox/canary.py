"""A first child that tries what must not work: the isolation in force is reported from trying, not from intent."""

from __future__ import annotations

import contextlib
import os
import tempfile

from autograder.records import Limits
from autograder.sandbox.room import Ended, Room
from autograder.sandbox.zygote import Zygote

# Runs in a child exactly as a student's program would. {secret} is a file of ours that others may read by its mode.
PROGRAM = """
import os, resource
def refused(action):
    try:
        action()
        return False
    except OSError:
        return True
held = []
if os.getuid() == {uid}: held.append("same-uid")
else: held.append("uid")
if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0: held.append("rlimits")
import ctypes
if ctypes.CDLL(None).prctl(39, 0, 0, 0, 0) == 1: held.append("no-new-privs")  # PR_GET_NO_NEW_PRIVS
if refused(lambda: open({secret!r})): held.append("files")
if refused(lambda: os.kill({zygote}, 0)): held.append("signals")
print("HELD " + "+".join(held))
"""


def describe(zygote: Zygote, limits: Limits) -> str:
    """What held, e.g. "uid+rlimits+no-new-privs+files+signals"; "none" when the child could not even be tried."""
    with tempfile.NamedTemporaryFile(prefix="canary-") as secret:
        os.chmod(secret.name, 0o644)
        text = PROGRAM.format(uid=os.getuid(), secret=secret.name, zygote=zygote.pid)
        room = Room(zygote, limits)
        with contextlib.suppress(Ended), room:
            room.ask("start", {"text": text, "class_name": "", "given": [], "probe_seed": 0})
    for line in room.output.splitlines():
        if line.startswith("HELD "):
            return line.removeprefix("HELD ")
    return "none"
