"""Whose fault it is, as a type.

    AutograderError
    ├── UsageError            the person at the keyboard: wrong path, unreadable file (exit status 2)
    │   ├── SubmissionError   the submission as a whole cannot be graded: no class, truncated notebook, bomb
    │   └── WeakIsolation     on this machine student code could reach the hidden tests, so they are not run
    └── GraderFault           ours: never costs a student a point (exit status 3)
        ├── NotWritten        a file could not be written: the disk's fault, told without blaming the grader
        └── ClusterLost       the machines that graded a class are gone: what they finished is kept

What a student's *code* does wrong is not an exception of ours: it is data (`records.Exit`, `records.Finding`), or,
inside a hidden test, an assertion with a `records.Feedback` (`autograder.judging.expect.Unmet`).
"""

# What Python's own parser and compiler raise for a text that is no program, or that is too deep or too long for them.
UNPARSABLE = (SyntaxError, ValueError, MemoryError, RecursionError)


class AutograderError(Exception):
    """Root of everything this package raises on purpose. The text is written for the person who reads it."""


class UsageError(AutograderError):
    """The command cannot be carried out as given. The text says what to do instead."""


class SubmissionError(UsageError):
    """The submission cannot be read at all. Costs points, with this text as the reason; never a traceback."""


class WeakIsolation(UsageError):
    """Hidden tests are not run on this machine. The text says what student code could reach, and how to fix that."""


class GraderFault(AutograderError):
    """Something of ours broke. The result says so and asks staff; the student loses nothing."""


class NotWritten(GraderFault):
    """A file could not be written: no room, or a disk that may not be written. What stood there before is whole."""


class ClusterLost(GraderFault):
    """The scheduler or all workers of a cluster are gone. What came back from them is kept."""
