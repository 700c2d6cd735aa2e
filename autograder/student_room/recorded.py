"""A training step as a list of tensor operations: recorded once, run again without Python, autograd or views.

Why separate: what is recorded is an `fx` graph of plain operations, and what is done to it here leaves its values as
they are. Whether the step may be recorded at all (nothing in it depends on Python's state) is asked by `quick`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.passes.shape_prop import ShapeProp
from torch.utils._python_dispatch import TorchDispatchMode

Step = Callable[[Tensor, Tensor], tuple[Tensor, ...]]
Draw = Callable[[Sequence[int], float], Tensor]

# Operations of a step; the handout's model has 3,000. Loops over batch and tokens have 100,000, and are not recorded.
MOST = 10_000

_ATEN = torch.ops.aten
_VIEWS = (_ATEN.view.default, _ATEN._unsafe_view.default)
_LAYOUTS = (_ATEN.t.default, _ATEN.transpose.int, _ATEN.permute.default, _ATEN.view.default, _ATEN.expand.default)
_SHAPES = (_ATEN.view.default, _ATEN._unsafe_view.default, _ATEN.expand.default)


def record(step: Step, images: Tensor, labels: Tensor) -> GraphModule:
    """The operations of `step` on batches of this size. Raises what tracing raises, ValueError when it is too long."""
    with Counting() as counting:
        step(images, labels)
    if counting.count > MOST:
        raise ValueError(f"a step has {counting.count:,} operations")
    graph = make_fx(step)(images, labels)
    with torch.no_grad():
        ShapeProp(graph).propagate(images, labels)
        _without_empty_views(graph)
        _views_of_views(graph)
        _views_of_parameters(graph)
        _sums_of_products(graph)
        _transposed_products(graph)
    graph.graph.eliminate_dead_code()
    graph.recompile()
    with torch.no_grad():
        ShapeProp(graph).propagate(images, labels)  # of what is new
    return graph


class Counting(TorchDispatchMode):  # type: ignore[no-untyped-call,unused-ignore]
    """Counts the operations that reach torch's kernels, backward's among them."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Passes everything on."""
        self.count += 1
        return func(*args, **(kwargs or {}))


def _without_empty_views(graph: GraphModule) -> None:
    """Takes out what gives a tensor of the same shape and layout as it was given."""
    for node in _calls(graph):
        same = node.target is _ATEN.detach.default
        if node.target in _SHAPES:
            new, old = _meta(node), _meta(node.args[0])
            same = new is not None and old is not None and (new.shape, new.stride) == (old.shape, old.stride)
        if same:
            node.replace_all_uses_with(node.args[0])  # type: ignore[arg-type]
            graph.graph.erase_node(node)


def _views_of_views(graph: GraphModule) -> None:
    """A view of a view is one of what that was of."""
    for node in _calls(graph):
        inner = node.args[0] if node.args else None
        if node.target in _VIEWS and isinstance(inner, Node) and inner.target in _VIEWS:
            node.args = (inner.args[0], *node.args[1:])


def _views_of_parameters(graph: GraphModule) -> None:
    """Takes views of parameters once: these are changed in place, so that their views always show them as they are."""
    known: dict[Node, Tensor] = {}
    for node in list(graph.graph.nodes):
        if node.op == "get_attr":
            known[node] = operator.attrgetter(node.target)(graph)
        elif node.op == "call_function" and node.target in _LAYOUTS and node.args[0] in known:
            view = node.target(known[node.args[0]], *node.args[1:], **node.kwargs)
            name = f"view_of_parameter_{len(known)}"
            graph.register_buffer(name, view, persistent=False)
            with graph.graph.inserting_before(node):
                new = graph.graph.get_attr(name)
            new.meta = dict(node.meta)
            node.replace_all_uses_with(new)
            known[new] = view


def _sums_of_products(graph: GraphModule) -> None:
    """A sum over heads of products, as the gradient of their common x is, adds up inside the products."""
    for node in _calls(graph):
        if node.target is not _ATEN.sum.dim_IntList or len(node.args) < 3 or node.kwargs:
            continue
        product, dims, kept = node.args[:3]
        if not isinstance(product, Node) or product.target is not _ATEN.bmm.default or len(product.users) > 1:
            continue
        if dims == [0] and kept:
            _replace(graph, node, summed, product.args)


def _transposed_products(graph: GraphModule) -> None:
    """A product that only its transpose is asked of is computed as that, in the layout of the parameter it is for."""
    for node in _calls(graph):
        product = node.args[0] if node.args else None
        if node.target is not _ATEN.transpose.int or not isinstance(product, Node) or len(product.users) > 1:
            continue
        if product.target is _ATEN.bmm.default and {dim % 3 for dim in node.args[1:]} == {1, 2}:  # type: ignore[operator]
            with graph.graph.inserting_before(node):
                left, right = (graph.graph.call_function(node.target, (one, 1, 2)) for one in reversed(product.args))
            _replace(graph, node, product.target, (left, right))


def summed(left: Tensor, right: Tensor) -> Tensor:
    """(n, a, b), (n, b, c) -> (1, a, c), the sum of the products."""
    total = torch.mm(left[0], right[0])
    for one, other in zip(left[1:], right[1:]):
        torch.addmm(total, one, other, out=total)
    return total.unsqueeze(0)


def draw_masks_by(graph: GraphModule, draw: Draw) -> int:
    """Lets `draw` make the masks of dropout; how many there are."""
    count = 0
    for node in _calls(graph):
        meta, source = _meta(node), node.args[0] if node.args else None
        if node.target not in (_ATEN.bernoulli_.float, _ATEN.bernoulli.p) or node.kwargs or len(node.args) != 2:
            continue
        if meta is None or meta.dtype != torch.float32 or not isinstance(source, Node) or len(source.users) > 1:
            continue
        _replace(graph, node, draw, (tuple(meta.shape), node.args[1]))
        count += 1
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return count


def _calls(graph: GraphModule) -> list[Node]:
    return [node for node in graph.graph.nodes if node.op == "call_function"]


def _meta(node: object) -> Any:
    found = node.meta.get("tensor_meta") if isinstance(node, Node) else None
    return found if hasattr(found, "stride") else None


def _replace(graph: GraphModule, node: Node, target: Callable[..., Any], args: tuple[Any, ...]) -> None:
    with graph.graph.inserting_before(node):
        new = graph.graph.call_function(target, args)
    new.meta = dict(node.meta)
    node.replace_all_uses_with(new)
    graph.graph.erase_node(node)
