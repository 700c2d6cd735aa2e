"""Handout 4(c): the Vision Transformer with the reference's own layers, to train beside a student's.

The model is the notebook's, built around `reference.encoder.ViTLayer`; only the layers differ between the two runs, so
that from equal weights and batches both must give equal losses. Read by the trusted room alone.
"""

from __future__ import annotations

from typing import cast

from torch import nn

from autograder.student_room.provided import provide
from reference.attention import SingleHeadAttention
from reference.encoder import ViTLayer


def _vision_transformer() -> type[nn.Module]:
    """The notebook's `ViT` over the reference's layers."""
    namespace: dict[str, object] = {"SingleHeadAttention": SingleHeadAttention, "ViTLayer": ViTLayer}
    provide(namespace)
    return cast("type[nn.Module]", namespace["ViT"])


ViT = _vision_transformer()
