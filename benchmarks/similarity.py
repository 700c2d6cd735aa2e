"""How often honest programs come out as alike, and how often a disguised copy does: SHARE and BEYOND rest on it.

    python benchmarks/similarity.py            a few seconds

A class is drawn from independent choices (tests/grader/generated_styles.py): whoever is alike there is so by chance.
Then one program at a time is copied under other names and in another order, into a class of honest styles.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from autograder.handin import similar
from tests.grader import attention_styles, encoder_styles, generated_styles, honest_styles
from tests.grader.disguises import disguised


def drawn(count: int, seed: int) -> dict[str, str]:
    """A class of that many independent layers."""
    return {f"s{i}": generated_styles.text(style) for i, style in enumerate(generated_styles.sampled(count, seed))}


def by_chance() -> None:
    """Prints in how many classes of independent programs anybody is alike, and how many pairs are."""
    for count, classes in ((50, 40), (100, 20), (200, 12), (500, 3), (1000, 3)):
        pairs = [similar.pairs({"4b": drawn(count, seed)}) for seed in range(1, classes + 1)]
        of = classes * count * (count - 1) // 2
        print(
            f"{count:5} independent programs: a pair in {sum(map(bool, pairs))} of {classes} classes, "
            f"{sum(map(len, pairs))} of {of:,} pairs"
        )


def found(title: str, texts: dict[str, str], copied: list[str]) -> None:
    """Prints how many disguised copies are found."""
    hits = 0
    for name in copied:
        pairs = similar.pairs({"4b": texts | {"copy": disguised(texts[name], 1)}})
        hits += any({pair.one, pair.other} == {"copy", name} for pair in pairs)
    print(f"{title}: {hits} of {len(copied)} disguised copies found")


def main() -> None:
    """Both measurements."""
    by_chance()
    for count in (50, 200):
        some = drawn(count, 3)
        found(f"{count:5} independent layers", some, list(some)[:40])
    for title, texts in (("4(a)", honest_styles.ATTENTION | attention_styles.ATTENTIONS),
                         ("4(b)", honest_styles.LAYERS | encoder_styles.ENCODERS)):  # fmt: skip
        count = len(similar.pairs({"4b": texts}))
        print(f"{len(texts):5} styles of {title} as read by people: {count} pairs")
        found(f"  copied among them ({title})", texts, list(texts))


if __name__ == "__main__":
    main()
