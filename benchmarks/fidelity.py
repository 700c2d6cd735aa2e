"""The grader graded: right programs that it fails, mistakes that it misses, charges or names wrongly, and its margins.

    make fidelity                     # a few minutes
    python benchmarks/fidelity.py --short

Every number is a count over programs that are put together from independent choices, or written by hand
(tests/grader/fidelity.py). Exit status 1 when a right program loses a point, a mistake is not caught or charged
elsewhere, or one alone is given a wrong name.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> int:
    """Prints the table, and each program that was not judged as it should be."""
    from autograder.core.policy import TOLERANCES
    from tests.grader import fidelity, fidelity_costs, fidelity_training

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="a quarter of it")
    parser.add_argument("--seed", type=int, default=1, help="of the styles that are drawn")
    wanted = parser.parse_args()
    start, margin = time.monotonic(), fidelity.Margin(TOLERANCES.values)
    right = fidelity.false_failures(fidelity.right_programs(40 if wanted.short else 160, wanted.seed))
    with fidelity.distances(margin, wrong=False):
        fidelity.false_failures(fidelity.usual_programs(10 if wanted.short else 40, wanted.seed))
    with fidelity.distances(margin, wrong=True):
        caught, named, true = fidelity.mutations(fidelity.wrong_programs(1 if wanted.short else 3))
        both, true_pairs = fidelity.pairs(6 if wanted.short else 1)
    loops, quiet = fidelity_training.loops()
    still, training = fidelity_training.trained(4 if wanted.short else 1)
    counts = (right, caught, named, true, both, true_pairs, loops, quiet, still, training)
    for count in counts:
        print(f"{count.what:55} {count.good:4} of {count.of:4}   {count.share:.1%}")
    print(
        f"{'distance of right programs, of wrong ones':55} {margin.right:.1e}, {margin.wrong:.1e}; tolerance"
        f" {margin.tolerance:g}, at least {margin.times:.0f} times away"
    )
    for kind, cost in fidelity_costs.worst():
        spent = f"{cost.seconds:.2f} s, {cost.formulas} formulas, {cost.forwards} forwards"
        print(f"{kind + ', at most':55} {spent} ({cost.what})")
    for count in counts:
        for name in count.others:
            print(f"  not among the {count.what}: {name}")
    print(f"{time.monotonic() - start:.0f} s")
    return int(any(count.good < count.of for count in (right, caught, true, quiet, still, training)))


if __name__ == "__main__":
    sys.exit(main())
