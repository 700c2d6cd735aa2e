"""The written questions, worked: every expected value is computed here from the handout's own numbers.

Why separate: hidden tests pass these values to `judging.written`, whose judges know none of them. Loops and `math`
only, so that each line can be checked by hand. Nothing of a submission may be read here. The same computations with
one step done wrong are in `written_slips`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec

Matrix = tuple[tuple[float, ...], ...]
Vector = tuple[float, ...]
Reduce = Callable[[Sequence[float]], float]  # what pooling makes of a patch


class Layer(msgspec.Struct, frozen=True):
    """A convolutional layer's answers: the count of its parameters and its output shape, channels last."""

    parameters: int
    output_shape: tuple[int, ...]


# --- 2(a), 2(b): convolution sizes -------------------------------------------------------------------------------

# Handout 2(a): 200x1 input, filter 4x1. 2(b): 28x28x3 input, filter 4x4x3. Both: 8 filters, stride 2, no padding.
SIZE_1D, SIZE_2D = (200,), (28, 28)
CHANNELS_1D, CHANNELS_2D = 1, 3
KERNEL, FILTERS, STRIDE = 4, 8, 2


def parameters(kernel_entries: int, channels: int, filters: int) -> int:
    """Each filter has one weight for each entry it covers, over every input channel, and one bias."""
    return (kernel_entries * channels + 1) * filters


def output_length(length: int, kernel: int, stride: int, padding: int = 0) -> int:
    """The number of places where the kernel fits, `stride` apart."""
    return (length + 2 * padding - kernel) // stride + 1


def _layer(size: Sequence[int], channels: int) -> Layer:
    lengths = tuple(output_length(length, KERNEL, STRIDE) for length in size)
    return Layer(parameters(KERNEL ** len(size), channels, FILTERS), (*lengths, FILTERS))


def conv1d() -> Layer:
    """Handout 2(a)."""
    return _layer(SIZE_1D, CHANNELS_1D)


def conv2d() -> Layer:
    """Handout 2(b)."""
    return _layer(SIZE_2D, CHANNELS_2D)


# --- 2(c): pooling -----------------------------------------------------------------------------------------------

FIRST: Matrix = (
    (1, 1, 1, 0, 1),
    (1, 0, 1, 0, 1),
    (1, 1, 1, 0, 1),
    (0, 0, 0, 0, 1),
    (1, 1, 1, 1, 1),
)
SECOND: Matrix = (
    (0, 0, 0, 0, 0),
    (0, 1, 1, 1, 0),
    (0, 1, 0, 1, 0),
    (0, 1, 1, 1, 0),
    (0, 0, 0, 0, 0),
)
WINDOW, POOL_STRIDE = 3, 2  # handout 2(c)


def mean(patch: Sequence[float]) -> float:
    """The average of the entries of a patch. Raises ZeroDivisionError when there are none."""
    return sum(patch) / len(patch)


def pool(matrix: Matrix, window: int, stride: int, reduce: Reduce) -> Matrix:
    """`reduce` over every window x window patch that fits, `stride` apart: (rows, columns) -> fewer of both."""
    starts = [range(0, length - window + 1, stride) for length in (len(matrix), len(matrix[0]))]
    return tuple(
        tuple(
            reduce([x for row in matrix[top : top + window] for x in row[left : left + window]]) for left in starts[1]
        )
        for top in starts[0]
    )


def average_pool() -> tuple[Matrix, Matrix]:
    """Handout 2(c), the first box: FIRST and SECOND, (5, 5) each, pooled to (2, 2) each."""
    return pool(FIRST, WINDOW, POOL_STRIDE, mean), pool(SECOND, WINDOW, POOL_STRIDE, mean)


def max_pool() -> tuple[Matrix, Matrix]:
    """Handout 2(c), the second box: FIRST and SECOND, (5, 5) each, pooled to (2, 2) each."""
    return pool(FIRST, WINDOW, POOL_STRIDE, max), pool(SECOND, WINDOW, POOL_STRIDE, max)


# --- 3(a): attention by hand -------------------------------------------------------------------------------------

# "The horizontal axis represents the sequence time step": the vectors stand side by side, the first is time step 1.
KEYS: tuple[Vector, ...] = ((2, 0, 0), (3, -1, 0), (1, 0, 2))
VALUES: tuple[Vector, ...] = ((5, 4, 5), (3, 5, 5), (1, 2, 4))
QUERIES: tuple[Vector, ...] = ((1, 0, 4), (2, -1, 3), (4, 6, 1))
TIME_STEP = 2


def scores(query: Vector, keys: Sequence[Vector]) -> Vector:
    """The dot product of the query with every key. 3(a) does not scale them: scaling comes in 3(c)."""
    return tuple(sum(q * k for q, k in zip(query, key)) for key in keys)


def softmax(numbers: Vector) -> Vector:
    """Weights of sum 1 in proportion to exp of the numbers; the largest is taken away first, so that none overflows."""
    powers = [math.exp(x - max(numbers)) for x in numbers]
    return tuple(power / sum(powers) for power in powers)


def combine(weights: Vector, vectors: Sequence[Vector]) -> Vector:
    """The sum of weight times vector, entry by entry."""
    return tuple(sum(w * x for w, x in zip(weights, column)) for column in zip(*vectors))


def attention(query: Vector, keys: Sequence[Vector], values: Sequence[Vector]) -> Vector:
    """The sum of the values weighted by the softmax of the query's scores, unscaled. Source: handout 3(a)."""
    return combine(softmax(scores(query, keys)), values)


def a2() -> Vector:
    """Handout 3(a): query 2 looks at all three keys."""
    return attention(QUERIES[TIME_STEP - 1], KEYS, VALUES)


# --- 3(c): moments of the dot product ----------------------------------------------------------------------------


def expectation(d: float, mu: float, sigma: float) -> float:
    """E[q.k]: d independent products, each with E[q_i k_i] = E[q_i] E[k_i]."""
    return d * mu**2


def variance(d: float, mu: float, sigma: float) -> float:
    """Var[q.k]: d independent products, each with E[q_i^2] E[k_i^2] - (E[q_i] E[k_i])^2."""
    square = mu**2 + sigma**2
    return d * (square**2 - mu**4)
