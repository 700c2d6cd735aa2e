"""How fast `train` is: its steps, the notebook's own loop and the machine's matrix products, by turns in one process.

    python benchmarks/training_speed.py [--turns N] [--threads N]

Each turn runs a few steps of each, so that what else the machine does falls on all alike; times are medians over the
turns, ratios are medians of the turns' own ratios. The notebook's loop has its DataLoader, which makes a tensor of each
image as torchvision does. The products are those of one recorded step (its mm, addmm and bmm), alone, into buffers that
are there already: nothing that computes the same products can be faster here.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait give the core away, as in `train`; in all

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from autograder.commands.selfcheck import reference_text
from autograder.core.policy import TRAINING
from autograder.judging.training import digits
from autograder.student_room.full_run import FullRun
from autograder.student_room.worker import Conversation

BATCH, RATE = TRAINING.batch_size, TRAINING.rate
STEPS = 3  # of each in one turn


class Images(Dataset[tuple[Tensor, int]]):
    """The digits as torchvision's MNIST gives them: one by one, through ToTensor's own steps, without a PIL image."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = torch.from_numpy(self.images[index].numpy().copy()).view(28, 28, 1).permute(2, 0, 1).contiguous()
        return image.to(torch.float32).div(255), int(self.labels[index])


def talk() -> Conversation:
    """The handout's model around the reference's layers, made as a child makes it."""
    own, text = Conversation(1 << 26), reference_text()
    own.start(text, "ViTLayer", ["SingleHeadAttention", "Attention", "ViT"], 0, heads=text)
    sizes = {"dim": 64, **TRAINING.sizes, "dropout": TRAINING.dropout, "emb_dropout": TRAINING.dropout}
    own.build(sizes, 0, of="ViT")
    return own


def notebook(images: Tensor, labels: Tensor) -> Callable[[], None]:
    """One step of the template's training cell."""
    made = talk().module.train()
    adam = torch.optim.Adam(made.parameters(), lr=RATE)

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from DataLoader(Images(images, labels), BATCH, shuffle=True)

    source = batches()

    def step() -> None:
        some, names = next(source)
        loss = F.cross_entropy(made(some), names)
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        loss.item()

    return step


def products(run: FullRun) -> tuple[list[Callable[[], object]], float]:
    """The products of one recorded step, each alone, and their floating-point operations."""
    graph, found, total = run.quick.step, [], 0.0
    nodes = graph.__wrapped__.__self__.graph.nodes  # type: ignore[union-attr]
    names = {"aten.mm.default": torch.mm, "aten.bmm.default": torch.bmm, "aten.addmm.default": torch.mm}
    for node in nodes:
        name = str(node.target)
        summed = getattr(node.target, "__name__", "") == "summed"
        if name not in names and not summed:
            continue
        left, right = (tuple(argument.meta["tensor_meta"].shape) for argument in node.args[-2:])
        parts = [(left[1:], right[1:])] * left[0] if summed else [(left, right)]
        for one, other in parts:
            multiply = torch.mm if summed else names[name]
            a, b = torch.randn(one), torch.randn(other)
            out = multiply(a, b)
            found.append(lambda multiply=multiply, a=a, b=b, out=out: multiply(a, b, out=out))
            total += 2.0 * out.numel() * one[-1]
    return found, total


def seconds(step: Callable[[], object], threads: int, steps: int = STEPS) -> tuple[float, float]:
    """(by the clock, of processor time) for one step."""
    torch.set_num_threads(threads)
    start, used = time.perf_counter(), time.process_time()
    for _ in range(steps):
        step()
    return (time.perf_counter() - start) / steps, (time.process_time() - used) / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--threads", type=int, default=0, help="0: as many as take least time; the notebook has all")
    given = parser.parse_args()
    pixels, names = digits.load("train")
    images, labels = torch.from_numpy(pixels.copy()), torch.from_numpy(names.copy()).long()
    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(1)
    own = talk()
    run = FullRun(own.module, images, labels, batch=BATCH, rate=RATE)
    for note in run.quicken(own.namespace["Attention"], given.threads):
        print(note)
    multiplied, operations = products(run)
    order = torch.randperm(len(labels))
    at = iter(range(10**9))

    def ours() -> None:
        start = next(at) * BATCH % (len(order) - BATCH)
        run.steps(order[start : start + BATCH], 1)

    ways: dict[str, tuple[Callable[[], object], int]] = {
        f"notebook, {cores} threads": (notebook(images, labels), cores),
        "notebook, 1 thread": (notebook(images, labels), 1),
        f"train, {run.threads} threads": (ours, run.threads),
        f"products alone, {run.threads} threads": (lambda: [multiply() for multiply in multiplied], run.threads),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for turn in range(given.turns + 1):
        for name, (step, threads) in ways.items():
            taken = seconds(step, threads)
            if turn:  # the first turn is to warm up
                times[name].append(taken)
    report(times, operations)


def report(times: dict[str, list[tuple[float, float]]], operations: float) -> None:
    *_, own, least = times
    for name, pairs in times.items():
        print(name)
        for column, what in enumerate(("by the clock", "processor time")):
            values, mine = [pair[column] for pair in pairs], [pair[column] for pair in times[own]]
            low, middle, high = statistics.quantiles([value / m for value, m in zip(values, mine)], n=4)
            print(
                f"    {what:15} {1e3 * statistics.median(values):6.1f} ms a step, at least {1e3 * min(values):6.1f};"
                f" {middle:.2f} times train's (quartiles {low:.2f} to {high:.2f}, least by least"
                f" {min(values) / min(mine):.2f})"
            )
    best = min(clock for clock, _ in times[least])
    print(f"products: {operations / 1e9:.2f} GFLOP a step, at best {operations / best / 1e9:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
