"""A whole training step as one CUDA graph: images gathered, forward, backward and Adam, launched at once.

Why separate: launching a step's 2,000 small kernels one by one leaves a GPU idle most of the time. How a graph is
captured is handed in, so that what surrounds it (the model as it was, a buffer in, two out) is tested without a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

Work = Callable[[], None]
Capture = Callable[[Work], Work]

WARM = 3  # steps before the capture, as torch asks for: libraries choose their kernels and take their memory


class Captured:
    """step(order) -> (mean loss, how many were right), for one batch of image numbers of the size of `example`.

    `model` is what a step changes in the model, `state` gives what it changes in the optimiser; after the capture the
    former is as it was, and the latter zero, as before the first step.
    """

    def __init__(
        self,
        step: Callable[[Tensor], tuple[Tensor, Tensor]],
        example: Tensor,
        model: Sequence[Tensor],
        state: Callable[[], Iterable[Tensor]],
        capture: Capture,
    ) -> None:
        self._order = example.clone()
        self._loss, self._right = (torch.zeros((), device=example.device) for _ in range(2))

        def work() -> None:
            loss, right = step(self._order)
            self._loss.copy_(loss)
            self._right.copy_(right)

        before = [value.detach().clone() for value in model]
        try:
            work()  # the optimiser makes its state at its first step, and the graph needs it at one place in memory
            self._replay = capture(work)
        finally:
            with torch.no_grad():
                for value, old in zip(model, before):
                    value.copy_(old)
                for value in state():
                    value.zero_()

    def __call__(self, order: Tensor) -> tuple[Tensor, Tensor]:
        """The step on the images that `order` names. What it gives is its own, and stays when the next one runs."""
        self._order.copy_(order)
        self._replay()
        return self._loss.clone(), self._right.clone()


def by_cuda(work: Work) -> Work:
    """Captures `work` as a CUDA graph, and gives what launches it."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay
