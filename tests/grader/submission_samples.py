"""Small submissions that the tests of reading share. They are read, never run, so they need no torch."""

from __future__ import annotations

import json

SHA = "from torch import nn\n\n\nclass SingleHeadAttention(nn.Module):\n    def forward(self, x):\n        return x\n"
LAYER = "from torch import nn\n\n\nclass ViTLayer(nn.Module):\n    def forward(self, x):\n        return x\n"
BOTH = SHA + "\n\n" + LAYER


def notebook(*sources: str, outputs: tuple[object, ...] = (), **metadata: object) -> str:
    """A notebook of version 4 with a text cell, then one code cell for each source; `outputs` under the last."""
    cells: list[dict[str, object]] = [{"cell_type": "markdown", "metadata": {}, "source": "# HW6"}]
    for source in sources:
        cells.append(
            {"cell_type": "code", "metadata": {"id": "x"}, "source": source, "outputs": [], "execution_count": 1}
        )
    cells[-1]["outputs"] = list(outputs)
    return json.dumps({"nbformat": 4, "nbformat_minor": 0, "metadata": metadata, "cells": cells})
