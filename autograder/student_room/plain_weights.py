"""Weights that are worked out from others (a weight norm, a spectral norm, parametrizations) become plain parameters.

The trusted room sets every weight by name to numbers of its own and works out what should come of them. Of a layer
under a weight norm it would set length and direction apart; what forward uses is the product. So the product stands as
a parameter before any is set. What is trained keeps its parametrizations.

Why separate: the worker answers messages; this changes how a module stores its weights, and nothing of what it does.
"""

from __future__ import annotations

from torch import nn
from torch.nn.utils import parametrize, remove_spectral_norm, remove_weight_norm

_HOOKS = {"WeightNorm": remove_weight_norm, "SpectralNorm": remove_spectral_norm}  # the older way: before each forward


def store(module: nn.Module) -> None:
    """Each weight of the module, and of all in it, as a parameter with the value that it has now."""
    for part in list(module.modules()):
        if parametrize.is_parametrized(part):
            for name in list(part.parametrizations):  # type: ignore[arg-type]
                parametrize.remove_parametrizations(part, name, leave_parametrized=True)
        for hook in list(part._forward_pre_hooks.values()):
            if type(hook).__module__.startswith("torch.nn.utils.") and type(hook).__name__ in _HOOKS:
                _HOOKS[type(hook).__name__](part, hook.name)  # type: ignore[attr-defined]
