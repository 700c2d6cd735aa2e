"""Programs that are worth a look together: what makes two alike, what does not, and how staff are told."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from autograder.commands import batch
from autograder.commands.batch import alike
from autograder.grading import Options
from autograder.handin import similar
from autograder.handin.similar import Pair
from tests.grader import attention_styles, encoder_styles, generated_styles, honest_styles
from tests.grader.disguises import disguised

CLASS = {f"s{i}": generated_styles.text(style) for i, style in enumerate(generated_styles.sampled(60, seed=5))}


def named(texts: dict[str, str]) -> set[frozenset[str]]:
    return {frozenset((pair.one, pair.other)) for pair in similar.pairs({"4b": texts})}


SAME = {
    "other names": ("a = b @ c.mT", "x = y @ z.mT"),
    "other attributes of self": ("self.a = self.b(x)", "self.q = self.r(x)"),
    "keywords in another order": ("y = torch.softmax(input=s, dim=-1)", "y = torch.softmax(dim=-1, input=s)"),
    "a sum the other way round": ("x = x + f(y, 2)", "x = f(y, 2) + x"),
    "added in place": ("x += f(y)", "x = x + f(y)"),
    "with a type": ("x: int = f(y)", "x = f(y)"),
    "statements in another order": ("a = f(1)\nb = g(2, 3)", "b = g(2, 3)\na = f(1)"),
    "a note beside it": ("def f(x: int) -> int:\n    '''Says.'''\n    return x", "def g(y):\n    return y"),
}
OTHER = {
    "another constant": ("y = f(x, 1)", "y = f(x, 2)"),
    "another function of torch": ("y = torch.softmax(x)", "y = torch.relu(x)"),
    "the same thing twice": ("y = x @ x.mT", "y = x @ z.mT"),
    "three maps and one": ("a = f(1)\nb = f(1)\nc = f(1)", "a = f(1)"),
    "a difference the other way round": ("x = x - f(y)", "x = f(y) - x"),
}


@pytest.mark.parametrize("what", SAME)
def test_names_order_and_spelling_make_no_difference(what: str) -> None:
    one, other = SAME[what]
    assert similar.bag_of(one) == similar.bag_of(other) != frozenset()


@pytest.mark.parametrize("what", OTHER)
def test_what_is_computed_does(what: str) -> None:
    one, other = OTHER[what]
    assert similar.bag_of(one) != similar.bag_of(other)


def test_a_disguised_copy_is_found_among_independent_programs_and_named_once() -> None:
    """Those that have a rare thing or two: of the others a copy is what anybody's layer is."""
    before, texts = named(CLASS), dict(list(CLASS.items())[:30])
    found = [
        name for name in texts if named(CLASS | {"copy": disguised(CLASS[name], 1)}) >= {frozenset(("copy", name))}
    ]
    assert len(found) >= 8 and not before, found


def test_statements_that_come_together_in_other_programs_count_as_one_choice() -> None:
    pair, rare = {"a", "b"}, frozenset("abcd")
    alone, twice = (similar._surprise([rare] * times, pair, 64) for times in (1, 2))
    assert alone == pytest.approx(4) and twice < alone + 1
    apart = similar._surprise([rare, frozenset("abef")], pair, 64)
    assert apart > twice + 2
    unknown = similar._surprise([frozenset("ab")] * 2, pair, 64)
    assert unknown == pytest.approx(10), "what nobody else has tells nothing of what comes together"


def test_the_number_of_pairs_in_a_class_is_made_up_for() -> None:
    """The same two programs, alike to the same degree, are worth a look in a small class and not in a large one."""
    style = generated_styles.sampled(400, seed=9)
    texts = {f"t{i}": generated_styles.text(one) for i, one in enumerate(style)}
    copies = {f"copy{i}": disguised(texts[f"t{i}"], 1) for i in range(12)}
    small, large = (dict(list(texts.items())[:count]) for count in (40, 400))
    hits = [sum(frozenset((f"copy{i}", f"t{i}")) in named(some | copies) for i in range(12)) for some in (small, large)]
    assert hits[0] > hits[1], hits


def test_few_independent_programs_are_alike() -> None:
    assert len(named(CLASS)) <= 1  # of 1,770 pairs; `benchmarks/similarity.py` has the rates
    for texts in (
        honest_styles.ATTENTION | attention_styles.ATTENTIONS,
        honest_styles.LAYERS | encoder_styles.ENCODERS,
    ):
        assert named(texts) == set()


def test_the_plain_solution_makes_nobody_alike_however_many_write_it() -> None:
    plain = honest_styles.ATTENTION["plain"]
    others = list(attention_styles.ATTENTIONS.values())[:12]
    texts = {f"plain{i}": disguised(plain, i) for i in range(12)} | {f"other{i}": text for i, text in enumerate(others)}
    assert not {pair for pair in named(texts) if all(name.startswith("plain") for name in pair)}


STRANGE = ["", "x =", "(" * 3000, "x = " + "-" * 5000 + "1", "\0", "a\n" * 10_000]


@pytest.mark.parametrize("number", range(len(STRANGE)))
def test_a_text_that_is_no_program_is_alike_to_nothing(number: int) -> None:
    assert isinstance(similar.bag_of(STRANGE[number]), frozenset)
    assert named({"a": STRANGE[number], "b": STRANGE[number]}) == set(), "and a class of two is none"


def test_groups_hang_together_by_pairs() -> None:
    pairs = [Pair("4a", one, other, 1.0, 20.0, 0.5) for one, other in (("a", "b"), ("c", "d"), ("b", "e"))]
    assert similar.groups(pairs) == (("a", "b", "e"), ("c", "d"))


def test_staff_are_told_with_care_and_students_nothing(tmp_path: Path) -> None:
    top = tmp_path / "class"
    texts = dict(list(CLASS.items())[:20])
    texts["copy"] = disguised(texts["s3"], 1)
    for name, text in texts.items():
        (top / name).mkdir(parents=True)
        (top / name / "hw6.py").write_text(honest_styles.IMPORTS + text)
    done = batch.run(top, tmp_path / "out", Options(only="2a"), jobs=2, similar=True)
    [note] = [note for note in done.notes if "worth a look" in note]
    assert "copy, s3" in note and "proves nothing" in note
    rows = list(csv.DictReader((tmp_path / "out" / alike.FILE).read_text("utf-8").splitlines()))
    assert {rows[0]["one"], rows[0]["other"]} == {"copy", "s3"} and rows[0]["question"] == "4b"
    assert "worth a look" in (tmp_path / "out" / "index.html").read_text("utf-8")
    for path in (tmp_path / "out" / "results").iterdir():
        assert "worth a look" not in path.read_text("utf-8")


def test_programs_that_end_the_comparing_process_cost_the_table_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(programs: object) -> None:
        raise MemoryError

    monkeypatch.setattr(similar, "pairs", dies)
    [note] = alike.look([], tmp_path)
    assert note.startswith("programs could not be compared") and not (tmp_path / alike.FILE).exists()
