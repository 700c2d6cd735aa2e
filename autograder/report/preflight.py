"""What is there to be handed in, as text for a terminal: part by part, then what is missing and the one next step.

Why separate: it is about things, not about tests: no verdict and no points. Pure: it is given the inventory.
"""

from __future__ import annotations

import itertools

from autograder.core.inventory import Inventory, Item, State
from autograder.core.policy import POLICY
from autograder.core.text import clean, one_line
from autograder.report import terminal

SYMBOLS = {State.THERE: "✓", State.MISSING: "✗", State.LOOK: "?", State.ELSEWHERE: "–"}
STYLES = {State.THERE: "green", State.MISSING: "bold red", State.LOOK: "yellow", State.ELSEWHERE: "dim"}


def render(inventory: Inventory, *, width: int | None = None, colour: bool) -> str:
    """The inventory as text, wrapped to `width` columns (the terminal's own when None), ending in a newline."""
    console, text = terminal.console_of(width, colour)
    head = f"{POLICY.title}: is everything there?   {one_line(inventory.file)}"
    console.print(terminal.styled(head.rstrip(), "bold"))
    for part, items in itertools.groupby(inventory.items, key=lambda item: _heading(item.part)):
        console.print()
        console.print(terminal.styled(part, "bold"))
        for item in items:
            terminal.print_entry(console, SYMBOLS[item.state], STYLES[item.state], _name(item), _rows(item))
    console.print()
    console.print(terminal.styled(_counted(inventory), "bold"))
    console.print(terminal.styled(f"Next: {next_step(inventory)}"))
    return terminal.trimmed(text)


def _heading(part: str) -> str:
    """ "2 and 3: written answers" as the handout has them: by the first figure of the number."""
    return f"Question {part[:1]}" if part[:1].isdigit() else part


def _name(item: Item) -> str:
    known = {question.number for question in POLICY.questions + POLICY.by_hand[1:]}
    return f"{item.part} {one_line(item.name, 60)}" if item.part in known else one_line(item.name, 60)


def _rows(item: Item) -> tuple[tuple[str, str], ...]:
    pairs = (("", item.words), ("fix", item.fix if item.state is not State.THERE else ""))
    return tuple((label, clean(text, 600)) for label, text in pairs if text)


def _counted(inventory: Inventory) -> str:
    missing, looks = len(inventory.having(State.MISSING)), len(inventory.having(State.LOOK))
    said = [f"{missing} {'thing is' if missing == 1 else 'things are'} missing"] if missing else ["Nothing is missing"]
    said += [f"{looks} to look at"] if looks else []
    return ", ".join(said)


def next_step(inventory: Inventory) -> str:
    """The one thing to do next: the first that is missing, else the first to look at, else to hand in."""
    for state in (State.MISSING, State.LOOK):
        for item in inventory.having(state):
            said = f"{_name(item)}: {item.fix or item.words}"
            return one_line(said, 300)
    return f"hand in {', '.join(map(one_line, inventory.files))}; the write-up is handed in by itself."
