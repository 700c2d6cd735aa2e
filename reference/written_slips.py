"""Known slips in the written questions: the reference's computations with one step done wrong.

Why separate: `written` stays the worked answers and nothing else. An answer that equals a slip gets its name, how to
fix it and its fraction of the points, with the reason for the fraction beside it. The first slip that fits is named,
so the likelier stands first. No text here states a right value: students read it.

The fractions, one scale for all: a half where one of the two things asked for is right, a quarter where only a part of
the method shows, nothing where the answer is about something else. 3(a) has five steps of a point each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from autograder.judging.written.verdict import Slip
from reference import written as right

# --- 2(a), 2(b) --------------------------------------------------------------------------------------------------


def _counts(dimensions: int, channels: int, truth: int) -> tuple[Slip, ...]:
    entries, filters = right.KERNEL**dimensions, right.FILTERS
    weights = entries * channels
    slips = (
        Slip(
            weights * filters,
            "your count fits the weights alone, without the biases",
            "the question asks to include the bias: how many biases does each filter have?",
            0.5,
            "half: the weights are right, and the bias is the other thing to count",
        ),
        Slip(
            weights * filters + 1,
            "your count fits one bias for the whole layer",
            "every filter has a bias of its own",
            0.5,
            "half: the weights are right and a bias was thought of",
        ),
        Slip(
            right.parameters(entries, 1, filters),
            "your count fits filters that are one channel deep",
            "a filter reaches through all the channels of its input",
            0.25,
            "a quarter: filters and biases are counted, the depth is not",
        ),
        Slip(
            entries * filters,
            "your count fits filters that are one channel deep, without biases",
            "a filter reaches through all the channels of its input, and has a bias",
        ),
        Slip(weights + 1, "your count fits a single filter", "count the parameters of all the filters"),
        Slip(weights, "your count fits a single filter without a bias", "count all the filters, and their biases"),
    )
    return tuple(slip for slip in slips if slip.value != truth)  # with one channel, depth 1 is no slip


def conv1d_counts() -> tuple[Slip, ...]:
    """Slips in the parameters of 2(a). With one input channel, forgetting the depth is none."""
    return _counts(1, right.CHANNELS_1D, right.conv1d().parameters)


def conv2d_counts() -> tuple[Slip, ...]:
    """Slips in the parameters of 2(b)."""
    return _counts(2, right.CHANNELS_2D, right.conv2d().parameters)


def _shapes(size: Sequence[int], channels: int) -> tuple[Slip, ...]:
    def lengths(stride: int, padding: int = 0, short: int = 0) -> tuple[int, ...]:
        return tuple(right.output_length(n, right.KERNEL, stride, padding) - short for n in size)

    filters = right.FILTERS
    channel_slips = _channel_slips(lengths(right.STRIDE), channels, filters)
    # With one input channel, counting the channels once for each is no slip.
    return tuple(slip for slip in channel_slips if slip.value != (*lengths(right.STRIDE), filters)) + tuple(
        Slip((*sizes, filters), found, fix, 0.25, "a quarter: the number of channels is right")
        for sizes, found, fix in (
            (lengths(1), "your sizes fit a stride of 1", "the filter moves by the stride of the question"),
            (lengths(right.STRIDE, 1), "your sizes fit a padded input", "the question has no padding"),
            (
                lengths(right.STRIDE, short=1),
                "your sizes are a little short: the filter's first place was probably not counted",
                "count the places where the filter fits, the first one included",
            ),
            (tuple(size), "the sizes of the input were kept", "without padding the output is smaller than the input"),
        )
    )


def _channel_slips(lengths: tuple[int, ...], channels: int, filters: int) -> tuple[Slip, ...]:
    """What goes wrong with the last size while the others are right."""
    why = "half: the size along the input is right, the channels are not"
    return (
        Slip(lengths, "the number of output channels is missing", "each filter gives one channel of output", 0.5, why),
        Slip(
            (*lengths, channels),
            "the last size fits the channels of the input",
            "how many filters are there?",
            0.5,
            why,
        ),
        Slip(
            (*lengths, channels * filters),
            "the channels seem to be counted once for every input channel",
            "a filter adds up over the input channels and gives one channel of output",
            0.5,
            why,
        ),
        Slip(
            (math.prod(lengths) * filters,),
            "your answer fits the number of all entries",
            "give the sizes of the tensor one by one, e.g. rows x columns x channels",
            0.5,
            "half: the number follows from the right sizes, which were asked for",
        ),
    )


def conv1d_shapes() -> tuple[Slip, ...]:
    """Slips in the output shape of 2(a): the channels first, then the lengths."""
    return _shapes(right.SIZE_1D, right.CHANNELS_1D)


def conv2d_shapes() -> tuple[Slip, ...]:
    """Slips in the output shape of 2(b): the channels first, then the lengths."""
    return _shapes(right.SIZE_2D, right.CHANNELS_2D)


# --- 2(c) --------------------------------------------------------------------------------------------------------


def _both(window: int, stride: int, reduce: right.Reduce) -> tuple[right.Matrix, ...]:
    return tuple(right.pool(matrix, window, stride, reduce) for matrix in (right.FIRST, right.SECOND))


def _padded(reduce: right.Reduce) -> tuple[right.Matrix, ...]:
    def framed(matrix: right.Matrix) -> right.Matrix:
        blank = (0.0,) * (len(matrix[0]) + 2)
        return (blank, *((0.0, *row, 0.0) for row in matrix), blank)

    return tuple(right.pool(framed(m), right.WINDOW, right.POOL_STRIDE, reduce) for m in (right.FIRST, right.SECOND))


def _pools(reduce: right.Reduce) -> tuple[Slip, ...]:
    window, stride = right.WINDOW, right.POOL_STRIDE
    why = "a quarter: the patches are reduced in the right way, but they are other patches"
    return (
        Slip(_both(window, 1, reduce), "your matrices fit a stride of 1", "move the patch by the stride", 0.25, why),
        Slip(
            _both(window, window, reduce), "your matrices fit a stride of 3", "move the patch by the stride", 0.25, why
        ),
        Slip(_both(stride, stride, reduce), "your matrices fit patches of 2x2", "the patches are larger", 0.25, why),
        Slip(_padded(reduce), "your matrices fit an input with padding", "the question has no padding", 0.25, why),
    )


def average_pools() -> tuple[Slip, ...]:
    """Slips in the first box of 2(c): the other pooling, the sum in place of the mean, or other patches."""
    window, stride = right.WINDOW, right.POOL_STRIDE
    return (
        Slip(right.max_pool(), "these fit max pooling", "this box asks for the average of each patch"),
        Slip(
            _both(window, stride, sum),
            "these fit the sums of the patches",
            "divide by the number of entries in a patch",
            0.5,
            "half: the right patches, added up; the division is missing",
        ),
        *_pools(right.mean),
    )


def max_pools() -> tuple[Slip, ...]:
    """Slips in the second box of 2(c): the other pooling, the smallest entry, or other patches."""
    return (
        Slip(right.average_pool(), "these fit average pooling", "this box asks for the largest entry of each patch"),
        Slip(
            _both(right.WINDOW, right.POOL_STRIDE, min),
            "these fit the smallest entry of each patch",
            "max pooling keeps the largest",
        ),
        *_pools(max),
    )


# --- 3(a) --------------------------------------------------------------------------------------------------------


def attentions() -> tuple[Slip, ...]:
    """Five steps, a point each: the right vectors, dot products, softmax, and two for the weighted sum of values."""
    query, keys, values = right.QUERIES[right.TIME_STEP - 1], right.KEYS, right.VALUES
    scores = right.scores(query, keys)

    def scaled(by: float) -> right.Vector:
        return right.combine(right.softmax(tuple(score / by for score in scores)), values)

    return (
        Slip(
            scaled(math.sqrt(len(query))),
            "your answer fits scores divided by the square root of the dimension",
            "3(a) asks for plain self-attention; the scaling is introduced in 3(c)",
            0.8,
            "four of five steps: only the scaling, which 3(a) does not ask for, is too much",
        ),
        Slip(
            scaled(len(query)),
            "your answer fits scores divided by the dimension",
            "3(a) asks for plain self-attention, with no scaling",
            0.6,
            "three of five steps: a scaling that is not asked for, and not the one of 3(c)",
        ),
        *_other_vectors(),
        Slip(
            right.softmax(scores),
            "your answer fits the softmax weights alone",
            "take the sum of the value vectors with these weights",
            0.6,
            "three of five steps: the weights are right, the two for the sum are missing",
        ),
        *_without_softmax(scores, values),
    )


def _other_vectors() -> tuple[Slip, ...]:
    """The whole method, on vectors that are not the ones asked for."""
    queries, keys, values, step = right.QUERIES, right.KEYS, right.VALUES, right.TIME_STEP - 1
    rows = [tuple(zip(*vectors)) for vectors in (queries, keys, values)]
    others = tuple(
        Slip(
            right.attention(query, keys, values),
            f"your answer fits query {number} in place of query {step + 1}",
            "the output at a time step uses the query of that time step",
            0.6,
            "three of five steps: the method is right, its scores belong to another time step",
        )
        for number, query in enumerate(queries, start=1)
        if number != step + 1
    )
    return (
        *others,
        Slip(
            right.attention(rows[0][step], rows[1], rows[2]),
            "your answer fits vectors read along the rows",
            "the horizontal axis is time: each bracket of the handout is the vector of one time step",
            0.6,
            "three of five steps: the method is right, its vectors are misread",
        ),
        Slip(
            right.attention(keys[step], queries, values),
            "your answer fits key 2 with every query",
            "the output at a time step uses its query with every key",
            0.4,
            "two of five steps: softmax and sum, but queries and keys changed places",
        ),
        Slip(
            right.attention(queries[step], keys[: step + 1], values[: step + 1]),
            "your answer fits a softmax over the first two time steps only",
            "3(a) has no mask: the query looks at all the keys",
            0.6,
            "three of five steps: the mask of 3(b) was applied too early",
        ),
        Slip(
            values[step],
            "your answer is the value vector of that time step",
            "self-attention mixes all value vectors, with the softmax of the scores as weights",
        ),
    )


def _without_softmax(scores: right.Vector, values: Sequence[right.Vector]) -> tuple[Slip, ...]:
    why = "three of five steps: vectors, scores and the sum; the weights are not a softmax"
    fix = "turn the scores into weights with the softmax first"
    return (
        Slip(right.combine(scores, values), "your answer fits the raw scores as weights", fix, 0.6, why),
        Slip(
            right.combine(tuple(score / sum(scores) for score in scores), values),
            "your answer fits scores that were divided by their sum",
            fix,
            0.6,
            why,
        ),
        Slip(
            right.combine(tuple(map(math.exp, scores)), values),
            "your answer fits exponentials that were not divided by their sum",
            "the weights of a softmax add up to 1",
            0.8,
            "four of five steps: only the normalisation is missing",
        ),
        Slip(scores, "your answer fits the scores alone", f"{fix}, then combine the values", 0.4, "two of five steps"),
    )
