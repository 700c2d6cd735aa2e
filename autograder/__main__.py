"""`python -m autograder`: says what is missing here, or hands over to the command line."""

import sys

from autograder.core.needed import missing


def main() -> None:
    """The console script. Exit status 2 when this Python lacks a package that grading needs."""
    lacking = missing()
    if lacking:
        sys.stderr.write(f"autograder: {lacking}\n")
        sys.exit(2)
    from autograder.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
