"""The HW6 autograder: grades attention, a transformer encoder layer and written answers in two rooms.

The trusted room decides; the student's room (`autograder.student_room`) only computes. See docs/architecture.md.

    from autograder import check                           in a notebook: the public tests on the classes as they stand
    from autograder import Options, grade, grade_many      grades from Python, as the command line does
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograder.commands.asked import grade as grade
    from autograder.commands.notebook import check as check
    from autograder.grading import Options as Options
    from autograder.grading import grade_many as grade_many

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """What grades from Python, imported when it is asked for: the student's room imports this package, too."""
    if name == "check":
        from autograder.core import needed

        if lacking := needed.missing():
            raise ImportError(lacking)
        from autograder.commands import notebook

        return notebook.check
    if name == "grade":
        from importlib.util import find_spec

        if find_spec("autograder.commands.asked"):  # the students' copy knows no classes
            from autograder.commands import asked

            return asked.grade
    if name in ("Options", "grade", "grade_many"):
        from autograder import grading

        return getattr(grading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
