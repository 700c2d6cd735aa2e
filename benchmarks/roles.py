"""What it takes to find the roles of a layer's parameters: messages to the student's room, forwards, processor time.

    python benchmarks/roles.py            a minute

All of 4(b) is judged, with the parameters made in the worst order known. One line a way to store an attention: the
right layer; then layers with a mistake that no bank has, in the attention, before it, in the MLP, and in both halves.
Seconds are the processor's on the trusted side, and in the student's room, which is this process here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> None:
    """Prints the table, as docs/grading.md has it, and the dearest layer."""
    from tests.grader import fidelity_costs

    kinds = ["right", *fidelity_costs.UNEXPLAINED]
    print("| " + " | ".join(["layout", *kinds]) + " |")
    print("|---" * (len(kinds) + 1) + "|")
    found = fidelity_costs.by_layout()
    for name, costs in found.items():
        cells = (f"{c.seconds:.2f} + {c.room:.2f} s, {c.forwards}" if (c := costs.get(kind)) else "–" for kind in kinds)
        print(f"| {name} | " + " | ".join(cells) + " |")
    dearest = max((c for costs in found.values() for c in costs.values()), key=lambda cost: cost.seconds + cost.room)
    counts = f"{dearest.messages} messages, {dearest.formulas} formulas"
    print(f"\nthe dearest: {dearest.seconds:.2f} + {dearest.room:.2f} s, {dearest.what}; {counts}")


if __name__ == "__main__":
    main()
