"""The reference solutions of 4(a) and 4(b): by hand on tiny numbers, then against loops of their own."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.judging.code.layer_parts import LayerParts, Norm
from reference import attention as a
from reference import encoder as e

Matrix = list[list[float]]


def _randn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def _times(x: Matrix, w: Matrix) -> Matrix:
    """x wᵀ in plain loops."""
    return [[sum(a * b for a, b in zip(row, weights)) for weights in w] for row in x]


def _attention_by_loops(q: Matrix, k: Matrix, v: Matrix) -> Matrix:
    result = []
    for query in q:
        scores = [sum(a * b for a, b in zip(query, key)) / math.sqrt(len(query)) for key in k]
        shares = [math.exp(score) / sum(map(math.exp, scores)) for score in scores]
        result.append([sum(share * value[j] for share, value in zip(shares, v)) for j in range(len(v[0]))])
    return result


def test_weights_of_two_keys_are_one_and_e_over_their_sum() -> None:
    q, k = torch.tensor([[1.0]]), torch.tensor([[0.0], [1.0]])  # d_k = 1: the scale is 1
    e_ = math.e
    assert torch.allclose(a.attention_weights(q, k), torch.tensor([[1 / (1 + e_), e_ / (1 + e_)]]))


def test_four_features_halve_the_scores() -> None:
    q, k = torch.tensor([[1.0, 1, 1, 1]]), torch.tensor([[0.0, 0, 0, 0], [1, 1, 1, -1]])  # scores 0 and 2, halved
    weights = a.attention_weights(q, k)
    assert torch.allclose(weights, torch.tensor([[1 / (1 + math.e), math.e / (1 + math.e)]]))
    assert torch.allclose(a.attention_weights(q, k, scale=1.0)[0, 1], torch.tensor(math.e**2 / (1 + math.e**2)))


def test_a_scale_of_zero_averages_the_values() -> None:
    v = torch.tensor([[1.0, 10.0], [3.0, 30.0]])
    assert torch.equal(a.attention(v, v, v, scale=0.0), torch.tensor([[2.0, 20.0], [2.0, 20.0]]))


def test_one_head_equals_the_loops() -> None:
    x, w_q, w_k, w_v = _randn(2, 3, 5), _randn(7, 5), _randn(7, 5) / 2, _randn(7, 5) / 3
    actual = a.single_head(x, w_q, w_k, w_v)
    for sample, found in zip(x.tolist(), actual.tolist()):
        expected = _attention_by_loops(*(_times(sample, w.tolist()) for w in (w_q, w_k, w_v)))
        assert found == [pytest.approx(row, rel=1e-12) for row in expected]  # float64 rounding only


def test_the_attention_module_is_the_pure_function_of_its_weights() -> None:
    module = a.SingleHeadAttention(5, 7).double()
    x = _randn(2, 3, 5)
    expected = a.single_head(x, module.w_q.weight, module.w_k.weight, module.w_v.weight)
    assert torch.equal(module(x), expected)
    assert len(list(module.parameters())) == 3  # no bias


def test_dropout_in_the_attention_module_acts_in_training_only() -> None:
    module = a.SingleHeadAttention(5, 7, dropout=0.5).double()
    x = _randn(2, 3, 5)
    assert not torch.equal(module(x), module(x))
    assert torch.equal(module.eval()(x), module(x))


def _norm_by_loops(row: list[float], gain: list[float], shift: list[float]) -> list[float]:
    mean = sum(row) / len(row)
    variance = sum((value - mean) ** 2 for value in row) / len(row)
    return [(v - mean) / math.sqrt(variance + 1e-5) * g + s for v, g, s in zip(row, gain, shift)]


def _linear_by_loops(row: list[float], weight: Matrix, bias: list[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, w)) + c for w, c in zip(weight, bias)]


def _gelu(value: float) -> float:
    return value * 0.5 * (1 + math.erf(value / math.sqrt(2)))


def _layer_by_loops(x: Matrix, mixing: Matrix, weights: dict[str, tuple[Matrix, list[float]]]) -> Matrix:
    """One sample; the attention is `mixing` over the tokens, with features kept as they are."""
    normed = [_norm_by_loops(row, *_pair(weights["norm1"])) for row in x]
    mixed = [[sum(m * row[j] for m, row in zip(ms, normed)) for j in range(len(x[0]))] for ms in mixing]
    x = [[p + q for p, q in zip(row, _linear_by_loops(m, *weights["projection"]))] for row, m in zip(x, mixed)]
    result = []
    for row in x:
        hidden = [_gelu(h) for h in _linear_by_loops(_norm_by_loops(row, *_pair(weights["norm2"])), *weights["fc1"])]
        result.append([p + q for p, q in zip(row, _linear_by_loops(hidden, *weights["fc2"]))])
    return result


def _pair(norm: tuple[Matrix, list[float]]) -> tuple[list[float], list[float]]:
    return norm[0][0], norm[1]


def test_the_layer_equals_the_loops() -> None:
    x, mixing = _randn(2, 3, 5), _randn(3, 3)
    norm1, norm2 = (_randn(5), _randn(5) / 2), (_randn(5) + 1, _randn(5) / 3)
    projection, fc1, fc2 = (_randn(5, 5), _randn(5)), (_randn(7, 5), _randn(7)), (_randn(5, 7), _randn(5))
    actual = e.layer(x, LayerParts(Norm(*norm1), lambda y: mixing @ y, projection, Norm(*norm2), fc1, fc2, F.gelu))
    listed = {
        name: (pair[0].tolist(), pair[1].tolist())
        for name, pair in {"projection": projection, "fc1": fc1, "fc2": fc2}.items()
    }
    listed |= {name: ([pair[0].tolist()], pair[1].tolist()) for name, pair in {"norm1": norm1, "norm2": norm2}.items()}
    for sample, found in zip(x.tolist(), actual.tolist()):
        expected = _layer_by_loops(sample, mixing.tolist(), listed)
        assert found == [pytest.approx(row, rel=1e-10) for row in expected]  # float64 rounding only


def test_a_layer_by_hand_with_one_token_and_two_features() -> None:
    # x = (1, 3) normalises to (-1, 1) up to eps; attention and projection keep it: x becomes (0, 4), which normalises
    # to (-1, 1) again. fc1 gives their sum's ReLU = 0 and 2nd unit 1; fc2 sends the 2nd unit to the first feature.
    x, eye = torch.tensor([[[1.0, 3.0]]], dtype=torch.float64), torch.eye(2, dtype=torch.float64)
    fc1 = torch.tensor([[1.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
    fc2 = torch.tensor([[5.0, 10.0], [5.0, 0.0]], dtype=torch.float64)
    out = e.layer(x, LayerParts(Norm(), lambda y: y, (eye, None), Norm(), (fc1, None), (fc2, None), torch.relu))
    assert torch.allclose(out, torch.tensor([[[10.0, 4.0]]], dtype=torch.float64), atol=1e-4)  # eps 1e-5 moves it 4e-5


def test_the_layer_module_is_the_pure_function_of_its_weights() -> None:
    module = e.ViTLayer(5, 2, 3, 7).double()
    x = _randn(2, 3, 5)
    parts = LayerParts(
        norm1=Norm(module.norm1.weight, module.norm1.bias),
        attention=module.attention,
        projection=(module.projection.weight, module.projection.bias),
        norm2=Norm(module.norm2.weight, module.norm2.bias),
        fc1=(module.fc1.weight, module.fc1.bias),
        fc2=(module.fc2.weight, module.fc2.bias),
        activation=F.gelu,
    )
    assert torch.allclose(module(x), e.layer(x, parts), rtol=1e-12)
    assert module.attention(x).shape == (2, 3, 6)


def test_full_dropout_in_the_layer_leaves_the_residual_path() -> None:
    module = e.ViTLayer(5, 2, 3, 7, dropout=1.0).double()
    x = _randn(2, 3, 5)
    assert torch.equal(module(x), x)
    assert not torch.equal(module.eval()(x), x)
