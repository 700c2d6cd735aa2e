"""Where a command prints to: closed, full, cut off by `| head -1`, or unable to write a letter. Never a traceback.

Why separate: whoever prints must not think of it. A traceback would end with exit status 1, which says of `check` and
`preflight` that something is to be fixed; and a file that is opened while descriptor 1 is free becomes the output.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO, TypeVar, cast

from autograder.core.errors import GraderFault

T = TypeVar("T")

CUT_OFF = (
    128 + 13
)  # SIGPIPE's number, as a shell says it of a program whose reader has gone; Windows has no such signal


@contextlib.contextmanager
def held() -> Iterator[None]:
    """While it lasts, printing ends in SystemExit where nobody reads any more, and in GraderFault where it fails.

    What fails on standard error is dropped: there is nowhere left to say it.
    """
    before = _opened(sys.stdout, 1), _opened(sys.stderr, 2)
    errors = [getattr(stream, "errors", None) for stream in before]
    for stream in before:
        _reconfigured(stream, "replace")  # a ✓ in Latin-1
    sys.stdout, sys.stderr = cast(TextIO, _Watched(before[0])), cast(TextIO, _Watched(before[1], quiet=True))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream, was in zip(before, errors):
            _reconfigured(stream, was)


def _opened(stream: TextIO | None, number: int) -> TextIO:
    """The stream, or one that leads nowhere for a descriptor that is closed (`>&-`)."""
    for lower in range(number + 1):  # the lowest free one is what is opened
        try:
            os.fstat(lower)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    return stream or open(number, "w", encoding="utf-8", closefd=False)


def _reconfigured(stream: TextIO, errors: str | None) -> None:
    change: Callable[..., None] | None = getattr(stream, "reconfigure", None)
    if change is not None and errors is not None and stream.errors in ("strict", "replace"):
        change(errors=errors)


class _Watched:
    """A stream whose failures are told as ours are; everything else is the stream's own."""

    def __init__(self, stream: TextIO, quiet: bool = False) -> None:
        self._stream, self._quiet = stream, quiet
        self._failed: BaseException | None = None  # told again: a library that tries a stream out swallows the first

    def write(self, text: str) -> int:
        return self._tried(lambda: self._stream.write(text), len(text))

    def writelines(self, lines: list[str]) -> None:
        self.write("".join(lines))

    def flush(self) -> None:
        self._tried(self._stream.flush, None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _tried(self, act: Callable[[], T], instead: T) -> T:
        if self._failed is not None:
            raise self._failed
        try:
            return act()
        except OSError as error:
            self._to_nowhere()
            if self._quiet:
                return instead
            why = error.strerror or type(error).__name__
            told = GraderFault(f"what it has to say could not be written to standard output: {why}")
            self._failed = SystemExit(CUT_OFF) if isinstance(error, BrokenPipeError) else told
            raise self._failed from None

    def _to_nowhere(self) -> None:
        """What is in the buffer still is written when Python ends, and would fail once more."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
