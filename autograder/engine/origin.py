"""What a result depends on beside the submission and the tests: its seed, and the versions at work.

Why separate: it knows neither pytest nor the student's room.
"""

from __future__ import annotations

import hmac
import platform

import torch

from autograder import __version__
from autograder.core.records import Submission


def seed_of(submission: Submission, secret: str) -> int:
    """The submission's seed: from its content and the course secret, so that nobody can tune to it beforehand."""
    keyed = hmac.new(secret.encode(), submission.digest.encode(), "sha256")
    return int.from_bytes(keyed.digest()[:4], "little")


def versions() -> dict[str, str]:
    """What the result depends on."""
    return {"autograder": __version__, "python": platform.python_version(), "torch": str(torch.__version__)}
