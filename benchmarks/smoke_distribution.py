"""What a right solution reaches in the smoke training of 4(c): the distribution that the bound is judged by.

    python benchmarks/smoke_distribution.py [-n 300]       trains the reference, writes smoke_distribution.csv
                                                      and the band of the picture, smoke_band.json
    python benchmarks/smoke_distribution.py --styles 5     trains every style of the tests with 5 seeds
    python benchmarks/smoke_distribution.py --first-steps  how far the styles' first losses are from the reference's

One process, one thread, a tenth of a second of processor time for each training. The code of the student's room is
called directly, without a wall around it: nothing hostile may be trained here.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import msgspec  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from autograder.core.policy import POLICY, TRAINING  # noqa: E402
from autograder.core.records import Program  # noqa: E402
from autograder.engine.fixtures import Reference  # noqa: E402
from autograder.judging import observe_training  # noqa: E402
from autograder.judging.training import smoke  # noqa: E402
from autograder.judging.visit import PARTS, Built, Case, Forward, Student  # noqa: E402
from autograder.sandbox.wire import ParameterSpec  # noqa: E402
from autograder.student_room.worker import Conversation  # noqa: E402
from tests.grader import attention_styles, encoder_styles, honest_styles, training_styles  # noqa: E402

SHARE = 0.05  # of right solutions that lie above the band of the picture, and as many below
DATA = Path(__file__).with_name("smoke_distribution.csv")
TAIL = 0.1  # the lowest tenth is what the tail is fitted to


class Here:
    """A visit without a process: the same requests, answered by the code of the student's room in this one."""

    def __init__(self, question: str, attention: str, layer: str, probe_seed: int) -> None:
        self._talk = Conversation(1 << 26)
        self._of = "ViT" if question in PARTS else ""
        self.notes: set[str] = set()
        text = attention if question == "4a" else layer
        name = "SingleHeadAttention" if question == "4a" else "ViTLayer"
        heads = honest_styles.IMPORTS + attention if question in PARTS else ""
        self._talk.start(honest_styles.IMPORTS + text, name, list(POLICY.given(question)), probe_seed, heads)

    def __enter__(self) -> Here:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        pass

    def build(self, case: Case) -> Built:
        reply, _ = self._talk.build(dict(case.kwargs), case.seed, of=self._of)
        parameters = cast("list[dict[str, object]]", reply["parameters"])
        return Built(msgspec.convert(parameters, tuple[ParameterSpec, ...]), cast("int", reply["made"]))

    def save(self) -> dict[str, Tensor]:
        reply, tensors = self._talk.save()
        return {name: tensor.detach().clone() for name, tensor in zip(cast("list[str]", reply["names"]), tensors)}

    def load(self, weights: Mapping[str, Tensor]) -> None:
        self._talk.load(*weights.values(), names=list(weights))

    def train(self, images: Tensor, labels: Tensor, *, batch: int, rate: float, seed: int) -> tuple[float, ...]:
        _, [losses] = self._talk.train(images, labels, batch=batch, rate=rate, seed=seed)
        return tuple(losses.tolist())

    def forward(self, x: Tensor, *, train: bool = False, seed: int = 0) -> Forward:
        _, [output] = self._talk.forward(x.clone(), train=train, grad=False, seed=seed)
        return Forward(output, (), 0)


class Local:
    """A student whose visits are `Here`."""

    def __init__(self, attention: str, layer: str) -> None:
        self._texts = attention, layer
        self.remembered: dict[str, object] = {}

    def program(self, question: str) -> Program:
        name, text = ("SingleHeadAttention", self._texts[0]) if question == "4a" else ("ViTLayer", self._texts[1])
        return Program(question, name, text, (), "")

    def visit(self, question: str, *, probe_seed: int = 0, alone: bool = False) -> Here:
        return Here(question, *self._texts, probe_seed)


def local(attention: str, layer: str) -> Student:
    return cast("Student", Local(attention, layer))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-n", type=int, default=300, help="seeds of the reference")
    parser.add_argument("--styles", type=int, default=0, help="seeds of each style, in place of the reference")
    parser.add_argument(
        "--first-steps", action="store_true", help="how far the styles' first losses are from the reference's"
    )
    parser.add_argument("--only", default="", help="styles whose name holds this")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.first_steps:
        compare_first_steps(given.only)
    elif given.styles:
        compare_styles(given.styles, given.only)
    else:
        measure(given.n)


def measure(count: int) -> None:
    """Trains the plain style, which is the reference's algebra, with `count` seeds."""
    started = time.process_time()
    rows, courses = [], []
    for seed in range(count):
        drawn = smoke.draw(seed)
        trained = observe_training.smoke_training(local(training_styles.PLAIN, training_styles.LAYER), drawn, seed)
        rows.append(
            (seed, smoke.accuracy(trained.held, drawn.held_labels), smoke.loss(trained.held, drawn.held_labels))
        )
        courses.append(smoke.windows(trained.losses))
        print(f"\r{seed + 1} of {count}", end="", file=sys.stderr)
    print(file=sys.stderr)
    with DATA.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("seed", "accuracy", "loss"))
        writer.writerows((seed, f"{accuracy:.4f}", f"{loss:.4f}") for seed, accuracy, loss in rows)
    low, high = ([_quantile(at, share) for at in zip(*courses)] for share in (SHARE, 1 - SHARE))
    smoke.BAND.write_text(json.dumps([low, high]) + "\n")
    print(f"{(time.process_time() - started) / count:.2f} s of processor time each")
    report([accuracy for _, accuracy, _ in rows])


def _quantile(values: Sequence[float], share: float) -> float:
    return round(sorted(values)[round(share * (len(values) - 1))], 4)


def report(accuracies: Sequence[float]) -> None:
    mean, deviation = statistics.mean(accuracies), statistics.stdev(accuracies)
    print(f"accuracy {mean:.3f} +- {deviation:.3f}, lowest {min(accuracies):.3f}")
    print(f"one in 1,000 would be below {quantile(accuracies, 1e-3):.3f} (exponential tail)")
    alarms = false_alarms(accuracies, TRAINING.smoke_accuracy)
    print(f"below the bound of {TRAINING.smoke_accuracy:.2f}: {alarms:.1g} of all (exponential tail)")


def read(path: Path = DATA) -> list[float]:
    """The accuracies that were measured."""
    with path.open(newline="") as file:
        return [float(row["accuracy"]) for row in csv.DictReader(file)]


def _tail(accuracies: Sequence[float]) -> tuple[float, float]:
    """(where the lowest tenth begins, how far below it what lies below lies on average)"""
    lowest = sorted(accuracies)[: max(2, round(TAIL * len(accuracies)))]
    return lowest[-1], statistics.mean(lowest[-1] - value for value in lowest[:-1])


def false_alarms(accuracies: Sequence[float], bound: float) -> float:
    """The share below `bound`, the lowest tenth continued as an exponential: heavier than a normal tail."""
    begin, mean = _tail(accuracies)
    return TAIL * math.exp(-(begin - bound) / mean)


def quantile(accuracies: Sequence[float], share: float) -> float:
    """Where `false_alarms` is `share`."""
    begin, mean = _tail(accuracies)
    return begin - mean * math.log(TAIL / share)


def styles() -> Iterator[tuple[str, str, str]]:
    """(name, attention, layer) of everything that must train."""
    for name, text in (honest_styles.ATTENTION | attention_styles.ATTENTIONS | attention_styles.MORE_OF_NN).items():
        yield f"4a {name}", text, training_styles.LAYER
    for name, text in (honest_styles.LAYERS | encoder_styles.ENCODERS).items():
        yield f"4b {name}", training_styles.PLAIN, text
    for name, (attention, layer) in training_styles.INITIALISATIONS.items():
        yield f"initialisation: {name}", attention, layer
    for name, (attention, layer) in training_styles.TRAINS.items():
        yield f"charged elsewhere: {name}", attention, layer


def compare_styles(count: int, only: str) -> None:
    lowest, failed, tried = [], 0, 0
    for name, attention, layer in styles():
        if only not in name:
            continue
        tried += 1
        reached, said, begin = [], "", time.process_time()
        for seed in range(1000, 1000 + count):
            try:
                trained, drawn = observe_training.smoke_trained(local(attention, layer), seed)
                reached.append(smoke.accuracy(trained.held, drawn.held_labels))
                if not smoke.learned(trained, drawn.held_labels):
                    said = str(smoke.complaint(trained, drawn.held_labels))
                elif smoke.remarks(trained):
                    said = said or "remark: " + "; ".join(smoke.remarks(trained))
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                reached.append(0.0)
        failed += bool(said) and not said.startswith("remark")
        seconds = (time.process_time() - begin) / count
        lowest.append((min(reached), name))
        print(f"{min(reached):.2f} {statistics.mean(reached):.2f} {seconds:5.2f} s  {name}  {said[:150]}", flush=True)
    print(f"{tried} styles x {count} seeds, {failed} failed; lowest: {sorted(lowest)[:5]}")


def compare_first_steps(only: str) -> None:
    """The largest relative distance of a loss in the first steps from weights of the grader's, by style."""
    for name, attention, layer in styles():
        if only not in name:
            continue
        try:
            found = observe_training.formulas(local(attention, layer), Reference(), 1)
            if found is None:
                print(f"not compared  {name}")
                continue
            seen, expected = observe_training.steps_beside(local(attention, layer), found, smoke.draw(1), 1)
            print(f"{max(abs(a - b) / b for a, b in zip(seen, expected)):.1e}  {name}", flush=True)
        except Exception as error:
            print(f"{type(error).__name__}: {str(error)[:100]}  {name}", flush=True)


if __name__ == "__main__":
    main()
