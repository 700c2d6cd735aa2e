"""A seal on results.json: an HMAC over all the rest of it, with a key that only the course has.

Why separate: whoever holds the key can tell a result that this grader wrote from one that was changed afterwards, by a
line or by a point; what is sealed, and how it is written down for that, must be the same where it is made and checked.
Without a key nothing is sealed. The key is a file: `results_key.txt` beside the grader, or the one that VARIABLE names.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from autograder.core.errors import UsageError

FILE = Path(__file__).resolve().parents[2] / "results_key.txt"
VARIABLE = "AUTOGRADER_KEY"  # names another file; what `--key` sets. The engine, and so a child, never gets it.
NAME = "seal"  # in extra_data
SHORTEST = 16  # bytes; 2**64 guesses and more, if they are random

VALID, BROKEN, MISSING = "valid", "broken", "missing"


def place() -> Path:
    """Where the key lies, if there is one."""
    return Path(os.environ.get(VARIABLE) or FILE)


def key() -> bytes:
    """The key; empty where there is none. Raises UsageError for one that is named and cannot be used."""
    path = place()
    try:
        found = path.read_bytes().strip()
    except FileNotFoundError:
        if os.environ.get(VARIABLE):
            raise UsageError(f"--key {path}: there is no such file") from None
        return b""
    except OSError as error:
        raise UsageError(f"the key {path} cannot be read: {error.strerror}") from None
    if len(found) < SHORTEST:
        raise UsageError(f"the key {path} is shorter than {SHORTEST} characters: put a random line into it")
    return found


def usable() -> bytes:
    """The key, or nothing: a key that cannot be used must cost nobody a result. `selfcheck` and `verify` say why."""
    try:
        return key()
    except UsageError:
        return b""


def made(data: Mapping[str, object], key: bytes) -> str:
    """The seal of a result, whatever seal it has: HMAC-SHA256 of its JSON with sorted names, in hexadecimal digits."""
    extra = data.get("extra_data")
    rest = {name: value for name, value in extra.items() if name != NAME} if isinstance(extra, Mapping) else extra
    text = msgspec.json.encode({**data, "extra_data": rest}, order="sorted")
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def anew(data: bytes) -> bytes:
    """A results.json that another machine wrote, with the seal of this one, or none: the key need not lie on both."""
    found = msgspec.json.decode(data, type=dict[str, object])
    extra = found.get("extra_data")
    if isinstance(extra, dict):
        extra.pop(NAME, None)
        if secret := usable():
            extra[NAME] = made(found, secret)
        found["extra_data"] = dict(sorted(extra.items()))
    return msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n"


def state(data: Mapping[str, object], key: bytes) -> str:
    """VALID, BROKEN (changed since, or another key) or MISSING."""
    extra = data.get("extra_data")
    found = extra.get(NAME) if isinstance(extra, Mapping) else None
    if found is None:
        return MISSING
    fits = isinstance(found, str) and hmac.compare_digest(found.encode(errors="replace"), made(data, key).encode())
    return VALID if fits else BROKEN
