"""Whether your answers.toml can be read. Run:  python -m autograder check .

These tests look at the form of each answer only: is the box filled in, and is it the kind of answer that is asked for?
Nobody here knows what is right. A box that is still blank is skipped: come back to it when you have worked it out.
"""

import pytest
from gradescope_utils.autograder_utils.decorators import number

from autograder.judging import (
    FILES,
    Missing,
    Reading,
    Unmet,
    Unreadable,
    Value,
    echoed,
    evaluate,
    flattened,
    matrices,
    read,
    read_either_way,
    remarks_on_administrivia,
    remarks_on_layout,
    remarks_on_missing,
    shape,
    shown,
)

# Any numbers do where only the form is looked at.
ROWS: tuple[Value, ...] = ((1.0, 2.0, 3.0), (5.0, 7.0, 11.0), (13.0, 17.0, 19.0))
VECTORS: dict[str, Value] = {"V": ROWS, "v": ROWS, "v1": ROWS[0], "v2": ROWS[1], "v3": ROWS[2]}
QUANTITIES: dict[str, Value] = {"d": 3.0, "mu": 0.7, "sigma": 1.3}


@pytest.fixture
def boxes(submission):
    """The filled-in boxes of answers.toml by table; skips when there is nothing to look at yet."""
    tables = submission.answers
    if tables is None:
        missing = f"there is no {FILES.answers} beside your work yet: fill in the template's for questions 2 and 3"
        raise Missing(submission.problem or submission.answers_problem or missing)
    if all(read.is_blank(value) for table in tables.values() for value in table.values()):
        raise Missing(f"nothing is filled in yet in {FILES.answers}")
    return tables


def _typed(boxes, table, key):
    """What stands in the box. A blank is skipped, unless a misspelled name may be the reason."""
    typed = boxes.get(table, {}).get(key)
    misspelled = remarks_on_missing(boxes, table, key)
    if misspelled:
        raise Unmet(f"there is no {key!r} below [{table}]", fix=misspelled[0], remarks=misspelled[1:])
    if read.is_blank(typed):
        raise Missing(f"not answered yet: this box of {FILES.answers} is blank")
    return typed


def _readable(read_as, typed, kind, remark):
    try:
        found, remarks = read_either_way(typed, read_as)
        for text in remarks:
            remark(text)
        return found
    except Unreadable as problem:
        raise Unmet(f"{problem.found}; you wrote {shown(typed)}", expected=kind, fix=problem.fix) from None


@number("1.p1")
def test_names(boxes, remark):
    """every name in answers.toml is one that is read; survey code and signature are looked at"""
    for text in remarks_on_administrivia(boxes):
        remark(text)
    unread = remarks_on_layout(boxes)
    if unread:
        raise Unmet(unread[0], fix="use the names of the template", remarks=unread[1:])


def _check_count(boxes, table, remark):
    typed = _typed(boxes, table, "parameters")
    value = _readable(read.number, typed, "one whole number", remark).value
    if value != round(value) or value < 0:
        raise Unmet(f"this is read as {value:g}; a count is a whole number", fix="count weights and biases")
    if typed != value and str(typed).strip() != f"{value:g}":
        remark(f"read as {value:.0f}")


def _check_shape(boxes, table, remark):
    typed = _typed(boxes, table, "output_shape")
    sizes = _readable(shape, typed, 'the sizes of the output, e.g. "5 x 7" or [5, 7]', remark).sizes
    remark(f"read as {len(sizes)} size{'' if len(sizes) == 1 else 's'}: {', '.join(map(str, sizes))}")


@number("2a.p1")
def test_parameters_1d(boxes, remark):
    """the parameters of the 1D convolution are a number"""
    _check_count(boxes, "q2a", remark)


@number("2a.p2")
def test_shape_1d(boxes, remark):
    """the output shape of the 1D convolution is a shape"""
    _check_shape(boxes, "q2a", remark)


@number("2b.p1")
def test_parameters_2d(boxes, remark):
    """the parameters of the 2D convolution are a number"""
    _check_count(boxes, "q2b", remark)


@number("2b.p2")
def test_shape_2d(boxes, remark):
    """the output shape of the 2D convolution is a shape"""
    _check_shape(boxes, "q2b", remark)


def _check_matrices(boxes, key, remark):
    found = _readable(matrices, _typed(boxes, "q2c", key), "two matrices, in the handout's order", remark)
    if len(found.matrices) != 2:
        raise Unmet(f"one answer for two matrices; {len(found.matrices)} read", fix="write both, in their order")
    if found.remark:
        remark(found.remark)
    remark(f"read as {found.understood}")
    entries = [figure for matrix in found.matrices for row in matrix for figure in row]
    if any(figure.decimals and figure.significant < 2 and figure.value for figure in entries):
        remark("a decimal with one digit is read as exactly that: if it is rounded, write a fraction or two digits")


@number("2c.p1")
def test_average_pooling(boxes, remark):
    """the average pooling is two matrices"""
    _check_matrices(boxes, "average_pool", remark)


@number("2c.p2")
def test_max_pooling(boxes, remark):
    """the max pooling is two matrices"""
    _check_matrices(boxes, "max_pool", remark)


@number("3a.p1")
def test_attention_by_hand(boxes, remark):
    """the self-attention output is a vector"""
    kind = "a vector: three numbers, or numbers times v1, v2, v3 added up"
    found = _readable(lambda typed: read.combinations(typed, VECTORS), _typed(boxes, "q3a", "a2"), kind, remark)
    remark(f"read as {found.understood}")
    sizes = {len(flattened(value)) for value in found.values}
    if not sizes & {3, 9}:  # 9: three terms that are to be added
        raise Unmet(f"this is read as {min(sizes)} number{'' if min(sizes) == 1 else 's'}", expected=kind)


def _check_formula(boxes, key, remark):
    def read_as(typed):
        node = read.formula(typed, QUANTITIES)
        evaluate(node, Reading(QUANTITIES, inner=True))  # with mu as a vector
        return node

    node = _readable(read_as, _typed(boxes, "q3c", key), "a formula in d, mu and sigma", remark)
    remark(f"read as {echoed(node)}")


@number("3c.a.p1")
def test_expectation(boxes, remark):
    """the expectation is a formula in d, mu and sigma"""
    _check_formula(boxes, "expectation", remark)


@number("3c.b.p1")
def test_variance(boxes, remark):
    """the variance is a formula in d, mu and sigma"""
    _check_formula(boxes, "variance", remark)
