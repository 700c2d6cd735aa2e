"""One full training run in the engine: an order goes in, events come out; nothing is graded.

Why separate: grading runs tests for a submission, and this runs none. Which digits are drawn and what the numbers mean
stands in `judging`; here their exceptions become events.
"""

from __future__ import annotations

from collections.abc import Callable

from autograder.core.errors import UsageError
from autograder.core.events import Event, Fault, Train, Unable
from autograder.core.records import Feedback
from autograder.judging import full_run
from autograder.judging.expect import Missing, Unmet
from autograder.judging.training import full_data
from autograder.judging.visit import Student
from autograder.sandbox.rooms import Rooms
from autograder.sandbox.zygote import Zygote


def train(order: Train, zygote: Zygote, emit: Callable[[Event], None]) -> None:
    """Emits what happens until the run is finished or cannot go on, and why. The last event tells which."""
    student = Student(Rooms(zygote), order.submission, order.limits, show_text=order.public)
    try:
        for event in full_run.run(student, order, full_data.gather(order.data, full_run.seed_of(order.seed, "held"))):
            emit(event)
    except UsageError as error:
        emit(Unable(Feedback(found=str(error)), usage=True))
    except Unmet as unmet:
        emit(Unable(unmet.feedback, unmet.staff))
    except Missing as missing:
        emit(Unable(Feedback(found=str(missing))))
    except Exception as error:  # ours: told as such, and never as the student's
        emit(Fault(f"training failed through a fault of the grader: {type(error).__name__}: {error}"))
