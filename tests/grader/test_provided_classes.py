"""The provided classes: what the student's room and the reference build around the classes that are brought to them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from autograder.commands import template
from autograder.student_room import provided
from reference.attention import SingleHeadAttention
from reference.encoder import ViTLayer
from reference.vit import ViT
from tests.grader.pace import patience


class Doubler(nn.Module):
    """A head that is easy to predict: (batch, tokens, 3) -> (batch, tokens, 3)."""

    def __init__(self, input_dim: int, inner_dim: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.sizes = (input_dim, inner_dim, dropout)

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


def _namespace(**given: object) -> dict[str, object]:
    namespace: dict[str, object] = dict(given)
    provided.provide(namespace)
    return namespace


def test_attention_puts_the_outputs_of_its_heads_side_by_side() -> None:
    attention = _namespace(SingleHeadAttention=Doubler)["Attention"](3, heads=2, dim_head=5, dropout=0.25)  # type: ignore[operator]
    x = torch.arange(6.0).reshape(1, 2, 3)
    assert torch.equal(attention(x), torch.cat([2 * x, 2 * x], dim=-1))
    assert [head.sizes for head in attention.attention_heads] == [(3, 5, 0.25)] * 2


def test_two_namespaces_do_not_see_each_others_heads() -> None:
    first = _namespace(SingleHeadAttention=Doubler)
    second = _namespace(SingleHeadAttention=SingleHeadAttention)
    assert type(first["Attention"](3, 1, 5).attention_heads[0]) is Doubler  # type: ignore[operator]
    assert type(second["Attention"](3, 1, 5).attention_heads[0]) is SingleHeadAttention  # type: ignore[operator]


def test_a_head_defined_after_the_classes_is_found() -> None:
    namespace = _namespace()
    namespace["SingleHeadAttention"] = Doubler
    assert type(namespace["Attention"](3, 1, 5).attention_heads[0]) is Doubler  # type: ignore[operator]


def test_the_vision_transformer_has_the_handouts_sizes() -> None:
    model: Any = ViT()
    assert model.pos_embedding.shape == (1, 17, 64)
    assert len(model.layers) == 6
    assert all(type(layer) is ViTLayer for layer in model.layers)
    # 6 layers of (3·64·512 + 512·64+64 + 2·128 + 64·128+128 + 128·64+64), patches 49·64+64, class token 64,
    # positions 17·64, head 128 + 64·10+10
    assert sum(p.numel() for p in model.parameters()) == 6 * 147_968 + 3_200 + 64 + 1_088 + 778


@pytest.mark.parametrize(("patch_size", "tokens"), [(4, 50), (7, 17), (14, 5)])
def test_the_positions_fit_the_patch_size(patch_size: int, tokens: int) -> None:
    model: Any = ViT(patch_size=patch_size, dim=6, depth=1, heads=2, mlp_dim=5, dim_head=3)
    assert model.pos_embedding.shape == (1, tokens, 6)
    assert model(torch.randn(2, 1, 28, 28)).shape == (2, 10)


def test_patches_go_row_by_row_and_their_pixels_too() -> None:
    model: Any = ViT(patch_size=14, dim=196, depth=0)
    with torch.no_grad():
        model.patch_embedding.weight.copy_(torch.eye(196))
        model.patch_embedding.bias.zero_()
        model.pos_embedding.zero_()
    seen: list[Tensor] = []
    model.dropout.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    image = torch.arange(784.0).reshape(1, 1, 28, 28)
    model(image)
    assert torch.equal(seen[0][0, 2], image[0, 0, :14, 14:].flatten())  # token 0 is the class token, 2 the upper right


def test_a_patch_size_that_does_not_fill_the_image_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="patches of 5 pixels do not fill an image of 28"):
        ViT(patch_size=5)


def test_the_text_that_is_shown_is_the_text_that_is_run() -> None:
    assert template.PROVIDED == provided.SOURCE
    assert list(template.provided_texts()) == ["Attention", "ViT"]
    assert "nn.ModuleList([SingleHeadAttention(dim, dim_head, dropout)" in template.provided_texts()["Attention"]


def test_attention_alone_does_not_import_einops() -> None:
    code = (
        "import sys; from autograder.student_room import provided; n = {}; provided.provide(n);"
        "n['SingleHeadAttention'] = n['nn'].Linear; n['Attention'](2, 1, 3)(n['torch'].ones(1, 1, 2));"
        "sys.exit('einops' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=patience(60)).returncode == 0
