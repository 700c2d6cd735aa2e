"""The HW6 autograder: grades attention, a transformer encoder layer and written answers in two rooms.

The trusted room decides; the student's room (`autograder.student_room`) only computes. See docs/architecture.md.
"""

__version__ = "0.1.0"
