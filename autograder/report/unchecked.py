"""What `check` says at its end about the questions that no public test looks at: what they are judged from.

Why separate: a student who sees only green lines takes the whole homework for checked. Pure: it reads a report, and
names the files that the policy lists for a question, and what of them was found.
"""

from __future__ import annotations

from collections.abc import Iterator

from autograder.core import numbering
from autograder.core.policy import FILES, POLICY, Question
from autograder.core.records import Report, Submission


def lines(report: Report, chosen: str) -> Iterator[str]:
    """One line for each chosen question without a test; with nothing chosen, one for those that a person grades."""
    tested = {numbering.question(test.number) for test in (*report.tests, *report.planned)}
    for question in POLICY.questions:
        is_meant = numbering.selects(chosen, question.number) or numbering.question(chosen) == question.number
        if is_meant and question.number not in tested:
            yield f"Not checked: {question.number} ({question.title}). {_judged(question, report)}"
    if not chosen:
        parts = ", ".join(question.number for question in POLICY.by_hand)
        yield f"Not checked: {parts}. A person grades these, from your write-up."


def _judged(question: Question, report: Report) -> str:
    if not question.evidence:
        return "It is judged when you hand in."
    files = {part: getattr(FILES, part) for part in question.evidence}
    there = {part: _is_there(part, report.submission) for part in files}
    seen = "; ".join(
        f"{word}: {', '.join(files[part] for part in files if there[part] is found)}"
        for word, found in (("found", True), ("missing", False))
        if found in there.values()
    )
    return (
        f"It is judged when you hand in, from {' and '.join(files.values())}: run its cells, save the notebook with "
        f"its outputs, and hand in {'both files' if len(files) == 2 else 'the file'} ({seen})."
    )


def _is_there(part: str, submission: Submission) -> bool:
    """A notebook may have another name; a file that cannot be read is said to be so elsewhere."""
    if part == "notebook":
        return ".ipynb" in submission.file.lower()
    return submission.history is not None or bool(submission.history_problem)
