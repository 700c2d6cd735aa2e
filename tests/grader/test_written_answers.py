"""What the written judges accept and what they refuse: right spellings first, then near misses and named slips."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.written.judge_attention import judge_vector
from autograder.written.judge_convolution import judge_parameters, judge_shape
from autograder.written.judge_moments import judge_formula
from autograder.written.judge_pooling import judge_pooling
from autograder.written.verdict import Verdict
from reference import written, written_moments, written_slips

SEED = 189
Judge = Callable[[object], Verdict]


def q2a1(raw: object) -> Verdict:
    return judge_parameters(raw, written.conv1d().parameters, written_slips.conv1d_counts())


def q2a2(raw: object) -> Verdict:
    return judge_shape(raw, written.conv1d().output_shape, written_slips.conv1d_shapes())


def q2b1(raw: object) -> Verdict:
    return judge_parameters(raw, written.conv2d().parameters, written_slips.conv2d_counts())


def q2b2(raw: object) -> Verdict:
    return judge_shape(raw, written.conv2d().output_shape, written_slips.conv2d_shapes())


def q2c1(raw: object) -> Verdict:
    return judge_pooling(raw, written.average_pool(), written_slips.average_pools())


def q2c2(raw: object) -> Verdict:
    return judge_pooling(raw, written.max_pool(), written_slips.max_pools())


def q3a1(raw: object) -> Verdict:
    return judge_vector(raw, written.a2(), written_slips.attentions(), written.VALUES)


def q3ca1(raw: object) -> Verdict:
    return judge_formula(raw, written.expectation, written_moments.expectations(), SEED)


def q3cb1(raw: object) -> Verdict:
    return judge_formula(raw, written.variance, written_moments.variances(), SEED)


JUDGES = {judge.__name__: judge for judge in (q2a1, q2a2, q2b1, q2b2, q2c1, q2c2, q3a1, q3ca1, q3cb1)}

THIRDS = [["1/3", "1/3"], ["1/3", "1/3"]]
FIRST = [["8/9", "2/3"], ["2/3", "2/3"]]
SOFTMAX = "exp({})/(exp(4)+exp(7)+exp(8))"

RIGHT: dict[str, list[object]] = {
    "q2a1": [
        40, 40.0, "40", "40.0", " 40 ", "= 40", "40.", [40], ["40"], "40 parameters", "40 params", "40 total", "+40",
        "Total: 40", "total = 40", "40 weights and biases", "40 (including bias)", "40 (32 weights + 8 biases)",
        "40 (32+8)", "40 (= 4*8 + 8)", "40 (5 per filter)", "32 + 8", "32 + 8 = 40", "32 weights + 8 biases",
        "4*1*8 + 8 = 40", "4*8+8", "(4+1)*8", "(4*1+1)*8", "(4 x 1 + 1) x 8 = 40", "8*(4+1)", "8(4+1)", "8 * 5",
        "8 filters * (4 weights + 1 bias)", "8 filters (4 weights + 1 bias)", "5 x 8", "5×8", "5·8", "$40$", "80/2",
        r"$(4 \times 1 + 1) \times 8 = 40$", r"\frac{80}{2}", r"\(40\)", r"\boxed{40}", "4e1", "４０", "2^3 * 5",
    ],
    "q2a2": [
        [99, 8], ["99", "8"], [[99, 8]], "99 x 8", "99x8", "99X8", "99 X 8", "99×8", "99 × 8", "99*8", "99 * 8",
        "99·8", "99 by 8", "(99, 8)", "(99,8)", "[99, 8]", "[99,8]", "99, 8", "99 8", "{99, 8}", "(99 x 8)",
        "99 x 8.", "= 99 x 8", "output: 99 x 8", "shape = (99, 8)", "Output shape is 99x8", "torch.Size([99, 8])",
        "99x8 = 792", "((200-4)/2+1) x 8", "((200-4)/2+1) * 8", "(200-4)/2 + 1 = 99, 8 channels", "(99, 8) tensor",
        "(200-4)/2+1 = 99 so 99x8", "L=99, C=8", "length 99, 8 channels", "length = 99, channels = 8", "99 length, 8 channels",
        "99 steps x 8 channels", "99 x 8 (length x channels)", r"99 \times 8", r"$99 \times 8$", r"\(99 \times 8\)",
        "(N, 99, 8)", "(batch, 99, 8)", "(1, 99, 8)", "99x1x8", "99 x 8 x 1", "8 x 99", "(8, 99)", [8, 99], [1, 8, 99],
        "8 channels of length 99", "(None, 99, 8)",
    ],
    "q2b1": [
        392, "392", "= 392", "392 parameters", "384 + 8", "384 + 8 = 392", "(4*4*3+1)*8", "(48+1)*8", "49*8", "8*49",
        "4*4*3*8 + 8", "4 x 4 x 3 x 8 + 8 = 392", "4^2*3*8+8", "4**2*3*8+8", "8(48+1)", r"(4 \cdot 4 \cdot 3 + 1) \cdot 8",
        "392 (384 weights + 8 biases)", "384 weights + 8 biases = 392", "3.92e2", 392.0,
    ],
    "q2b2": [
        [13, 13, 8], ["13", "13", "8"], "13x13x8", "13 x 13 x 8", "13×13×8", "(13, 13, 8)", "[13, 13, 8]", "13*13*8",
        "13 13 8", "13, 13, 8", "13x13, 8 channels", "(13 x 13) x 8", "13 by 13 by 8", "H=13, W=13, C=8", "13 x 13 x 8 = 1352",
        "width=13, height=13, depth=8", r"13 \times 13 \times 8", "8 feature maps of 13x13", "8 x 13 x 13", "(8, 13, 13)",
        [8, 13, 13], [1, 13, 13, 8], "(1, 8, 13, 13)", "(N, 13, 13, 8)", "torch.Size([8, 13, 13])",
        "((28-4)/2+1) x ((28-4)/2+1) x 8",
    ],
    "q2c1": [
        [FIRST, THIRDS], [[["8/9", "6/9"], ["6/9", "6/9"]], [["3/9", "3/9"], ["3/9", "3/9"]]],
        [[[0.89, 0.67], [0.67, 0.67]], [[0.33, 0.33], [0.33, 0.33]]],
        [[[0.88, 0.66], [0.66, 0.66]], [[0.33, 0.33], [0.33, 0.33]]],
        [[[0.889, 0.667], [0.667, 0.667]], [[0.333, 0.333], [0.333, 0.333]]],
        [[[0.8888888888888888, 0.6666666666666666], [0.6666666666666667, 0.6666666666666666]], [[0.3333333333333333] * 2] * 2],
        "[[8/9, 2/3], [2/3, 2/3]], [[1/3, 1/3], [1/3, 1/3]]", "[[8/9, 2/3], [2/3, 2/3]] [[1/3, 1/3], [1/3, 1/3]]",
        "[[8/9, 2/3], [2/3, 2/3]] and [[1/3, 1/3], [1/3, 1/3]]", "[[[8/9, 2/3], [2/3, 2/3]], [[1/3, 1/3], [1/3, 1/3]]]",
        "A = [[8/9, 2/3], [2/3, 2/3]], B = [[1/3, 1/3], [1/3, 1/3]]", ["8/9 2/3; 2/3 2/3", "1/3 1/3; 1/3 1/3"],
        ["[[8/9, 2/3], [2/3, 2/3]]", "[[1/3, 1/3], [1/3, 1/3]]"], "8/9 2/3 2/3 2/3 1/3 1/3 1/3 1/3",
        ["8/9, 2/3; 2/3, 2/3", "1/3, 1/3; 1/3, 1/3"], ["8/9", "2/3", "2/3", "2/3", "1/3", "1/3", "1/3", "1/3"],
        [["8/9", "2/3", "2/3", "2/3"], ["1/3", "1/3", "1/3", "1/3"]], [*FIRST, *THIRDS], "1/9[[8,6],[6,6]], 1/9[[3,3],[3,3]]",
        r"\begin{bmatrix} 8/9 & 2/3 \\ 2/3 & 2/3 \end{bmatrix}, \begin{bmatrix} 1/3 & 1/3 \\ 1/3 & 1/3 \end{bmatrix}",
        r"\begin{pmatrix}\frac{8}{9}&\frac23\\\frac{2}{3}&\frac{2}{3}\end{pmatrix}".replace(r"\frac23", r"\frac{2}{3}")
        + r"\begin{pmatrix}\frac13&\frac13\\\frac13&\frac13\end{pmatrix}".replace(r"\frac13", r"\frac{1}{3}"),
        "8/9 2/3\n2/3 2/3\n\n1/3 1/3\n1/3 1/3\n", "88.9% 66.7% 66.7% 66.7% 33.3% 33.3% 33.3% 33.3%",
        "[[0.888..., 0.666...], [0.666..., 0.666...]], [[0.333..., 0.333...], [0.333..., 0.333...]]",
    ],
    "q2c2": [
        [[[1, 1], [1, 1]], [[1, 1], [1, 1]]], [[["1", "1"], ["1", "1"]], [["1", "1"], ["1", "1"]]], [[1, 1, 1, 1], [1, 1, 1, 1]],
        "[[1,1],[1,1]], [[1,1],[1,1]]", ["1 1; 1 1", "1 1; 1 1"], [[1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]],
        "1 1 1 1 1 1 1 1", r"\begin{bmatrix}1&1\\1&1\end{bmatrix},\begin{bmatrix}1&1\\1&1\end{bmatrix}",
        "[[9/9, 1], [1, 1]] and [[1, 1], [1, 1]]",
    ],
    "q3a1": [
        [1.58, 2.82, 4.28], [1.584, 2.823, 4.279], [1.5836, 2.8226, 4.2786], ["1.58", "2.82", "4.28"], [[1.58], [2.82], [4.28]],
        [[1.58, 2.82, 4.28]], [1.58, 2.83, 4.28], [1.6, 2.8, 4.3], "[1.58, 2.82, 4.28]", "(1.58, 2.82, 4.28)", "1.58, 2.82, 4.28",
        "1.58 2.82 4.28", "[1.58, 2.82, 4.28]^T", "(1.58, 2.82, 4.28)ᵀ", "a_2 = [1.58, 2.82, 4.28]", "[1.58; 2.82; 4.28]",
        r"\begin{bmatrix}1.58\\2.82\\4.28\end{bmatrix}", "[[1.58], [2.82], [4.28]]", "np.array([1.58, 2.82, 4.28])",
        "0.0132*v1 + 0.2654*v2 + 0.7214*v3", "0.0132 v1 + 0.2654 v2 + 0.7214 v3", "0.013v_1+0.265v_2+0.721v_3",
        "0.01 v1 + 0.27 v2 + 0.72 v3", "0.01 v1 + 0.26 v2 + 0.72 v3", "a2 = 0.0132v₁ + 0.2654v₂ + 0.7214v₃",
        "0.0132·v_{1} + 0.2654·v_{2} + 0.7214·v_{3}", ["0.0132*v1", "0.2654*v2", "0.7214*v3"],
        "0.7214 v3 + 0.2654 v2 + 0.0132 v1", "1.32% v1 + 26.54% v2 + 72.14% v3",
        "0.0132[5,4,5] + 0.2654[3,5,5] + 0.7214[1,2,4]", "0.0132*(5,4,5) + 0.2654*(3,5,5) + 0.7214*(1,2,4)",
        "(e^4 v1 + e^7 v2 + e^8 v3)/(e^4 + e^7 + e^8)", "(v1 + e^3 v2 + e^4 v3)/(1 + e^3 + e^4)",
        r"\frac{e^4 v_1 + e^7 v_2 + e^8 v_3}{e^4+e^7+e^8}", r"\frac{e^{4}}{e^4+e^7+e^8}v_1+\frac{e^{7}}{e^4+e^7+e^8}v_2+\frac{e^{8}}{e^4+e^7+e^8}v_3",
        "1/(e^4+e^7+e^8) * (e^4 v1 + e^7 v2 + e^8 v3)", "(exp(4)*v1 + exp(7)*v2 + exp(8)*v3) / (exp(4)+exp(7)+exp(8))",
        f"{SOFTMAX.format(4)} v1 + {SOFTMAX.format(7)} v2 + {SOFTMAX.format(8)} v3", "softmax([4,7,8]) V", "V softmax([4,7,8])",
        "softmax(4, 7, 8) @ [v1, v2, v3]", "[v1, v2, v3] softmax([4, 7, 8])", "softmax([4,7,8])_1 v1 + softmax([4,7,8])_2 v2 + softmax([4,7,8])_3 v3",
        "softmax([4,7,8])[0]*v1 + softmax([4,7,8])[1]*v2 + softmax([4,7,8])[2]*v3",
        "softmax([4,7,8])[1]*v1 + softmax([4,7,8])[2]*v2 + softmax([4,7,8])[3]*v3",
        "softmax(4) v1 + softmax(7) v2 + softmax(8) v3", r"\text{softmax}(4)\mathbf{v}_1 + \text{softmax}(7)\mathbf{v}_2 + \text{softmax}(8)\mathbf{v}_3",
        "[0.0132, 0.2654, 0.7214] V", "[[5,3,1],[4,5,2],[5,5,4]] softmax([4,7,8])", "softmax([4,7,8]) [[5,4,5],[3,5,5],[1,2,4]]",
        r"0.0132\begin{bmatrix}5\\4\\5\end{bmatrix} + 0.2654\begin{bmatrix}3\\5\\5\end{bmatrix} + 0.7214\begin{bmatrix}1\\2\\4\end{bmatrix}",
        "a2 = 0.013 v1 + 0.265 v2 + 0.721 v3 = [1.58, 2.82, 4.28]", "a2 = 0.013 v1 + 0.265 v2 + 0.721 v3 ≈ [1.58, 2.82, 4.28]",
    ],
}  # fmt: skip

EXPECTATIONS = [
    "d*mu^2", "d mu^2", "dmu^2", "d*mu**2", "d*mu*mu", "mu^2*d", "mu^2 d", "dμ²", "dµ²", "d·μ²", "d × μ²", "d∗μ^2", r"d\mu^2", "D*MU^2",
    r"d \mu^{2}", r"d\cdot\mu^2", r"d{\mu}^2", "(d)(mu)^2", "d*(mu)^2", "d_k mu^2", r"d_k\mu^2", "d_{k} mu^2", "dₖμ²", "d μ^2",
    "mu^T mu", "mu^Tmu", "μᵀμ", r"\mu^T\mu", r"\mu^\top\mu", r"\mu^{T}\mu", r"\boldsymbol{\mu}^T\boldsymbol{\mu}", "mu' mu", "mu @ mu", "mu·mu",
    "<mu, mu>", r"\langle\mu,\mu\rangle", "dot(mu, mu)", "||mu||^2", "‖μ‖²", r"\|\mu\|^2", r"\|\mu\|_2^2", r"\lVert\mu\rVert^2", "d|mu|^2",
    r"\sum_{i=1}^d \mu^2", r"\sum_{i=1}^{d}\mu_i^2", r"\sum_i \mu_i^2", "d u^2", "mu_q mu_k d", "d(mu)(mu)", "2 d mu^2 / 2", "0.5 * 2d mu^2",
]  # fmt: skip
VARIANCES = [
    "d(2μ²σ²+σ⁴)", "2 mu^2 sigma^2 d + d sigma^4", "d*(2*mu^2*sigma^2 + sigma^4)", "2*d*mu**2*sigma**2 + d*sigma**4", "d sigma^4 + 2 d mu^2 sigma^2",
    "dσ⁴ + 2dμ²σ²", "dσ²(2μ²+σ²)", "d sigma^2 (2 mu^2 + sigma^2)", "d((mu^2+sigma^2)^2 - mu^4)", "d(sigma^2+mu^2)^2 - d mu^4",
    r"d\sigma^2(2\mu^2+\sigma^2)", r"d\left(2\mu^{2}\sigma^{2} + \sigma^{4}\right)", r"2d\mu^2\sigma^2 + d\sigma^4", r"d\sigma^4\left(1 + \frac{2\mu^2}{\sigma^2}\right)",
    "2 sigma^2 mu^T mu + d sigma^4", r"2\sigma^2\|\mu\|^2 + d\sigma^4", r"2\sigma^2\mu^T\mu + d\sigma^4", "2σ²‖μ‖² + dσ⁴", "sigma^2(2 mu^T mu + d sigma^2)",
    "d*sigma**2*(2*mu**2+sigma**2)", "d[σ⁴ + 2σ²μ²]", "d{σ⁴ + 2σ²μ²}", "2d(mu sigma)^2 + d(sigma^2)^2", "2d(μσ)² + dσ⁴", "d_k(2 mu^2 sigma^2 + sigma^4)",
    "d sigma^4 + d mu^2 sigma^2 + d mu^2 sigma^2", r"\sum_{i=1}^d (2\mu^2\sigma^2 + \sigma^4)", "-d(-2mu^2 sigma^2 - sigma^4)", "2dmu^2sigma^2+dsigma^4",
    "d*(sigma^4 + 2*sigma^2*mu^2)",
]  # fmt: skip
WRAPPERS = [
    "{}",
    "${}$",
    "E[q^T k] = {}",
    "Var(q^T k) = {}",
    r"\text{{Var}}[q^Tk] = {}",
    "{}, where d is the dimension",
    "= {} .",
]

WRONG: dict[str, list[object]] = {
    "q2a1": [
        32, 33, 5, 4, 39, 41, 8, 0, -40, 400, "32", "5", "forty", "4*8", "40 x 2", "40.5", "40/2", "4*8+1", True, [1, 40], {"a": 40},
        "40 or 32", "32, 40", "inf", "nan", "1e999", "40!", "0x28", "__import__('os')", "٤٠", "4 0", "",
    ],
    "q2a2": [
        99, [99], "99", [98, 8], "98 x 8", [100, 8], "197x8", [200, 8], [99, 9], [8], "792", "99 x 4", "99+8", "99-8", "99/8", [99.5, 8],
        [99, -8], "-99 x 8", [2, 99, 8], "99 x 8 x 3", "99 x 8 x 8", "9 x 98", "x", "99x", [], "99..8", "998", "[[99], [8, 8]]",
    ],
    "q2b1": [384, 385, 136, 128, 49, 48, 393, 391, 1176, "384", "4*4*3*8", "392.5", "3,92", "-392", "4*4*8+8", [384, 8], "3 9 2"],
    "q2b2": [
        [13, 13], "13x13", [13, 13, 3], "13x13x24", "12x12x8", "14x14x8", "25x25x8", "28x28x8", "13 x 8 x 13", [13, 8, 13], "1352", "169x8",
        [13, 13, 9], "13.5x13.5x8", [13, 8], "8", [3, 13, 13, 8], "13x12x8", "104 x 13",
    ],
    "q2c1": [
        [FIRST, FIRST], [THIRDS, THIRDS], [THIRDS, FIRST], FIRST, THIRDS, [[["8", "6"], ["6", "6"]], [["3", "3"], ["3", "3"]]],
        [[[0.9, 0.7], [0.7, 0.7]], [[0.3, 0.3], [0.3, 0.3]]], [[[1, 1], [1, 1]], [[1, 1], [1, 1]]],
        [[[0.89, 0.67], [0.67, 0.67]], [[0.34, 0.33], [0.33, 0.33]]], [[[0.87, 0.67], [0.67, 0.67]], [[0.33, 0.33], [0.33, 0.33]]],
        [[["8/9", "2/3"], ["2/3"]], THIRDS], [FIRST, THIRDS, THIRDS], "8/9", [["8/9"]], "8/9 2/3 2/3 2/3", [[["7/9", "2/3"], ["2/3", "2/3"]], THIRDS],
        [[["8/9", "2/3"], ["2/3", "5/9"]], THIRDS], "[[8/9, 2/3], [2/3, 2/3]], [[1/3, 1/3], [1/3, 1/3]", [[[0.888, 0.6667], [0.668, 0.667]], THIRDS],
        [[["x", "y"], ["z", "w"]], THIRDS], "zeros", [0] * 8, [[[0.0, 0.0], [0.0, 0.0]]] * 2,
    ],
    "q2c2": [
        [[[1, 1], [1, 0]], [[1, 1], [1, 1]]], [[[1, 1], [1, 1]]], 1, "1", [[[0, 0], [0, 0]], [[0, 0], [0, 0]]], [FIRST, THIRDS],
        [[[1, 1, 1]] * 3, [[1, 1, 1]] * 3], [[[1]], [[1]]], "[[1,1],[1,1]]", "all ones", [[[1, 1], [1, 1]], [[1, 1], [1, 2]]],
        [[[True, True], [True, True]], [[True, True], [True, True]]],
    ],
    "q3a1": [
        [1.92, 3.13, 4.40], [2, 3, 4], [2, 3, 5], [1.58, 2.82], [1.58, 2.82, 4.28, 0], [1.58, 4.28, 2.82], [2.82, 1.58, 4.28], [-1.58, 2.82, 4.28],
        [4, 7, 8], [0.0132, 0.2654, 0.7214], 1.58, "v1", "v2", "v3", "v1 + v2 + v3", "(v1 + v2 + v3)/3", "4 v1 + 7 v2 + 8 v3", "0.0132 v1 + 0.7214 v2 + 0.2654 v3",
        "(4 v1 + 7 v2 + 8 v3)/19", "e^4 v1 + e^7 v2 + e^8 v3", "softmax([4,7,8])", "softmax([3,7,6]) V", "softmax([8,7,4]) V", "0.0132 v1 + 0.2654 v2",
        "0.0132 v1 + 0.2654 v2 + 0.7214 v4", "softmax(q2 K) V", "softmax([4,7,8]/sqrt(3)) V", "softmax([4/3, 7/3, 8/3]) V", "1e999 - 1e999", "softmax([4,7]) V",
        "v1 v2", "softmax([1e9, 7, 8]) V", "(e^4 v1 + e^7 v2 + e^8 v3)/0", "0.1 v1 + 0.2 v2 + 0.7 v3", "[1.58, 2.82, 4.28", "sum", ["v1", 2, 3],
    ],
}  # fmt: skip
WRONG_EXPECTATIONS = [
    "mu^2", "d mu", "d^2 mu^2", "d(mu^2+sigma^2)", "d sigma^2", "0", "d", "mu", "sigma", "2 d mu", "sqrt(d) mu^2", "d mu^2 + sigma^2", "d mu^3", "d/mu^2",
    "d mu^2/2", "-d mu^2", "d mu^T mu", "d ||mu||^2", "||mu||", "mu^T", "d mu^2 + d", "(d mu)^2", "d mu^sigma", "d 2 mu", "d*mu^", "*d", "(d mu^2", "d mu^2)", "d mu2",
    "d^mu^2", "d mu^2 + 0.001", "1.01 d mu^2", "d x^2", "n mu^2", "d mu_1^2", "e^d", "d sigma^4 + 2 d mu^2 sigma^2", "d |mu|", "sum_{i=1}^n mu^2", "lambda: 0",
]  # fmt: skip
WRONG_VARIANCES = [
    "d sigma^4", "2 d mu^2 sigma^2", "d(mu^2 sigma^2 + sigma^4)", "2 mu^2 sigma^2 + sigma^4", "d^2(2 mu^2 sigma^2 + sigma^4)", "2 mu^2 sigma^2 + d sigma^4",
    "2 d mu^2 sigma^2 + sigma^4", "d(mu^2+sigma^2)^2", "d(2 mu^2 sigma + sigma^2)", "sqrt(d(2 mu^2 sigma^2+sigma^4))", "sigma^4", "sigma^2", "d sigma^2", "d", "1",
    "d mu^2", "d(2 mu^2 sigma^2 + sigma^2)", "d(2 mu sigma^2 + sigma^4)", "d(2 mu^2 sigma^4 + sigma^4)", "d(3 mu^2 sigma^2 + sigma^4)", "d(2 mu^2 sigma^2 - sigma^4)",
    "d(2 mu^2 sigma^2 + 2 sigma^4)", "(2 mu^2 sigma^2 + sigma^4)/d", "2 d sigma^2 mu^T mu + d sigma^4", "2 sigma^2 ||mu|| + d sigma^4", "9**9**9**9*d", "d sigma**4**4**4",
    "d(2 mu^2 sigma^2 + sigma^4", "d(2 mu^2 sigma^2 + sigma^4) + 0.01", "d(2 mu^2 sigma^2 + sigma^3)", "import os", "d.__class__", "2 d mu^2 sigma^2 = d sigma^4",
]  # fmt: skip


def _cases(table: dict[str, list[object]]) -> list[tuple[str, object]]:
    return [(name, raw) for name, raws in table.items() for raw in raws]


def _formulas(expectations: list[str], variances: list[str]) -> list[tuple[str, object]]:
    return [("q3ca1", text) for text in expectations] + [("q3cb1", text) for text in variances]


RIGHT_CASES = _cases(RIGHT) + _formulas(EXPECTATIONS, VARIANCES)
WRONG_CASES = _cases(WRONG) + _formulas(WRONG_EXPECTATIONS, WRONG_VARIANCES)


def test_the_tables_hold_hundreds_of_spellings() -> None:
    assert len(RIGHT_CASES) >= 200
    assert len(WRONG_CASES) >= 200
    assert {name for name, _ in RIGHT_CASES} == {name for name, _ in WRONG_CASES} == set(JUDGES)


@pytest.mark.parametrize(("judge", "raw"), RIGHT_CASES, ids=lambda value: str(value)[:40])
def test_a_right_answer_passes_in_every_honest_spelling(judge: str, raw: object) -> None:
    verdict = JUDGES[judge](raw)
    assert verdict.earned == 1.0, (raw, verdict.feedback)


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize(("judge", "raw"), _formulas(EXPECTATIONS, VARIANCES), ids=lambda value: str(value)[:40])
def test_a_right_formula_passes_with_words_and_signs_around_it(judge: str, raw: str, wrapper: str) -> None:
    assert JUDGES[judge](wrapper.format(raw)).earned == 1.0


@pytest.mark.parametrize(("judge", "raw"), WRONG_CASES, ids=lambda value: str(value)[:40])
def test_a_near_miss_never_earns_everything_and_says_what_was_found(judge: str, raw: object) -> None:
    verdict = JUDGES[judge](raw)
    assert verdict.earned < 1.0
    assert verdict.feedback.found and verdict.feedback.mend


SLIPS = [
    ("q2a1", 32, 0.5, "without the biases"),
    ("q2a1", 33, 0.5, "one bias for the whole layer"),
    ("q2a1", 5, 0.0, "single filter"),
    ("q2b1", 384, 0.5, "without the biases"),
    ("q2b1", 136, 0.25, "one channel deep"),
    ("q2a2", 99, 0.5, "channels is missing"),
    ("q2a2", "197 x 8", 0.25, "stride of 1"),
    ("q2a2", "100 x 8", 0.25, "padded"),
    ("q2a2", "98 x 8", 0.25, "first place"),
    ("q2b2", "13x13x3", 0.5, "channels of the input"),
    ("q2b2", "3x13x13", 0.5, "channels of the input"),
    ("q2b2", "13x8x13", 0.5, "order"),
    ("q2b2", 1352, 0.5, "number of all entries"),
    ("q2c1", [FIRST, [[0, 0], [0, 0]]], 0.5, "the second does not fit"),
    ("q2c1", [[[0, 0], [0, 0]], THIRDS], 0.5, "the first does not fit"),
    ("q2c1", [THIRDS, FIRST], 0.5, "exchanged"),
    ("q2c1", FIRST, 0.5, "one matrix only"),
    ("q2c1", [[[8, 6], [6, 6]], [[3, 3], [3, 3]]], 0.5, "sums"),
    ("q2c1", [[[0.9, 0.7], [0.7, 0.7]], [[0.3, 0.3], [0.3, 0.3]]], 0.5, "single digit"),
    ("q2c1", [[["3/4", "1/2"], ["1/2", "1/4"]], [["1/4", "1/2"], ["1/2", "3/4"]]], 0.25, "2x2"),
    ("q2c1", [[[1, 1], [1, 1]], [[1, 1], [1, 1]]], 0.0, "max pooling"),
    ("q2c2", [FIRST, THIRDS], 0.0, "average pooling"),
    ("q2c2", [[[0, 0], [0, 0]], [[0, 0], [0, 0]]], 0.0, "smallest"),
    ("q2c2", [[[1]], [[1]]], 0.25, "stride of 3"),
    ("q3a1", "softmax([4/sqrt(3), 7/sqrt(3), 8/sqrt(3)]) V", 0.8, "square root of the dimension"),
    ("q3a1", "softmax([2, 3, 9]) V", 0.6, "query 1"),
    ("q3a1", "softmax([8, 6, 6]) V", 0.6, "query 3"),
    ("q3a1", "softmax([3, 7, 6]) V", 0.4, "key 2"),
    ("q3a1", "softmax([4, 7]) [v1, v2]", 0.6, "first two time steps"),
    ("q3a1", "softmax([4, 7, 8])", 0.6, "weights alone"),
    ("q3a1", "e^4 v1 + e^7 v2 + e^8 v3", 0.8, "not divided"),
    ("q3a1", [4, 7, 8], 0.4, "scores alone"),
    ("q3ca1", "mu^2", 0.5, "one entry"),
    ("q3ca1", "d mu", 0.25, "one of the two vectors"),
    ("q3ca1", "d^2 mu^2", 0.25, "too many"),
    ("q3ca1", "d(mu^2+sigma^2)", 0.5, "with itself"),
    ("q3cb1", "d sigma^4", 0.5, "mean zero"),
    ("q3cb1", "2 d mu^2 sigma^2", 0.5, "does not depend on mu"),
    ("q3cb1", "2 mu^2 sigma^2 + sigma^4", 0.5, "one entry"),
    ("q3cb1", "d^2(2 mu^2 sigma^2 + sigma^4)", 0.5, "too many"),
    ("q3cb1", "d(mu^2+sigma^2)^2", 0.5, "nothing was subtracted"),
    ("q3cb1", "d(2 mu^2 sigma^2+sigma^4) + d^2 mu^4", 0.5, "square of the mean"),
    ("q3cb1", "d mu^2", 0.0, "expectation"),
]


@pytest.mark.parametrize(("judge", "raw", "earned", "says"), SLIPS, ids=lambda value: str(value)[:30])
def test_a_known_slip_is_named_and_keeps_its_fraction_with_a_reason(
    judge: str, raw: object, earned: float, says: str
) -> None:
    verdict = JUDGES[judge](raw)
    assert says in verdict.feedback.found
    assert verdict.earned == earned
    assert any("kept:" in remark for remark in verdict.remarks) == (earned > 0)


REMARKS = [
    ("q2b2", "8 x 13 x 13", "channels first"),
    ("q2a2", [1, 99, 8], "size of 1"),
    ("q3ca1", "mu^T mu", "mu as a vector"),
    ("q2c2", [[1, 1, 1, 1], [1, 1, 1, 1]], "row by row"),
]


@pytest.mark.parametrize(("judge", "raw", "says"), REMARKS)
def test_an_unusual_but_right_form_passes_with_a_remark(judge: str, raw: object, says: str) -> None:
    verdict = JUDGES[judge](raw)
    assert verdict.earned == 1.0 and any(says in remark for remark in verdict.remarks)


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("raw", [None, "", "   ", "?", "TODO", [], [""], ["", ""], "___", "..."])
def test_a_blank_is_told_apart_from_a_wrong_answer(judge: str, raw: object) -> None:
    verdict = JUDGES[judge](raw)
    assert verdict.earned == 0.0 and "not answered yet" in verdict.feedback.found


def _right_texts() -> dict[str, tuple[str, ...]]:
    """What would give an answer away, by judge."""
    return {
        "q2a1": ("40",),
        "q2a2": ("99",),
        "q2b1": ("392",),
        "q2b2": ("13",),
        "q2c1": ("8/9", "0.89"),
        "q3a1": ("1.58", "0.72"),
    }


@pytest.mark.parametrize(("judge", "raw"), WRONG_CASES, ids=lambda value: str(value)[:40])
def test_no_message_gives_the_answer_away(judge: str, raw: object) -> None:
    feedback = JUDGES[judge](raw).feedback
    said = f"{feedback.found.partition('; you wrote')[0] if '; you wrote' in feedback.found else ''} {feedback.mend} {feedback.expected}"
    for secret in _right_texts().get(judge, ()):
        assert secret not in said or secret in str(raw)


@pytest.mark.parametrize("seed", range(20))
def test_the_verdict_on_a_formula_does_not_depend_on_the_seed(seed: int) -> None:
    for name, truth, slips, right, wrong in (
        ("e", written.expectation, written_moments.expectations(), EXPECTATIONS[0], WRONG_EXPECTATIONS[0]),
        ("v", written.variance, written_moments.variances(), VARIANCES[0], WRONG_VARIANCES[0]),
    ):
        assert judge_formula(right, truth, slips, seed).earned == 1.0, name
        assert judge_formula(wrong, truth, slips, seed).earned == 0.5, name


@given(st.integers(2, 12))
def test_any_honest_number_of_digits_is_right_and_one_unit_beyond_is_not(places: int) -> None:
    truth = Fraction(8, 9)
    rounded, cut = round(float(truth), places), math.floor(truth * 10**places) / 10**places
    wrong = f"{rounded + 2 * 10.0**-places:.{places}f}"
    for figure in (f"{rounded:.{places}f}", f"{cut:.{places}f}"):
        assert q2c1([[[figure, "2/3"], ["2/3", "2/3"]], THIRDS]).earned == 1.0
    assert q2c1([[[wrong, "2/3"], ["2/3", "2/3"]], THIRDS]).earned < 1.0


@given(st.integers(-2000, 2000))
def test_no_other_whole_number_passes_for_a_count(count: int) -> None:
    assert (q2a1(count).earned == 1.0) == (count == 40)
    assert (q2b1(str(count)).earned == 1.0) == (count == 392)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=4))
def test_no_other_sizes_pass_for_a_shape(sizes: list[int]) -> None:
    plain = [size for size in sizes if size != 1]
    assert (q2b2(sizes).earned == 1.0) == (plain in ([13, 13, 8], [8, 13, 13]))
    assert (q2b2(" x ".join(map(str, sizes))).earned == 1.0) == (plain in ([13, 13, 8], [8, 13, 13]))


@given(st.fractions(-3, 3, max_denominator=4), st.fractions(-3, 3, max_denominator=4), st.sampled_from([1, 2, 3]))
def test_a_formula_with_other_coefficients_is_wrong(first: Fraction, last: Fraction, power: int) -> None:
    text = f"d*(({first})*mu^2*sigma^2 + ({last})*sigma^4)^{power}"
    assert (q3cb1(text).earned == 1.0) == ((first, last, power) == (2, 1, 1))


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1))
def test_a_vector_far_from_the_right_one_is_wrong(x: float, y: float, z: float) -> None:
    moved = [value + shift for value, shift in zip(written.a2(), (x, y, z))]
    assert (q3a1(moved).earned == 1.0) == (max(map(abs, (x, y, z))) <= 0.012 * max(written.a2())) or max(
        map(abs, (x, y, z))
    ) == pytest.approx(0.012 * max(written.a2()))


ALPHABET = "dμσmuvsigaexp0123456789+-*/^()[]{}|,;=≈.\\_ '²T%&x\n"


@settings(max_examples=300)
@given(st.text(ALPHABET, max_size=60))
def test_no_text_makes_a_judge_raise(text: str) -> None:
    for judge in JUDGES.values():
        assert 0.0 <= judge(text).earned <= 1.0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4),
)


@settings(max_examples=200)
@given(VALUES)
def test_no_value_of_any_type_makes_a_judge_raise(raw: object) -> None:
    for judge in JUDGES.values():
        assert 0.0 <= judge(raw).earned <= 1.0
