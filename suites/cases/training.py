"""An embedding trained through autograd: the task, what comes back, and the reference trained alone."""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.bound import State, step
from lazyadam.reference.dialect import Duplicates
from lazyadam.reference.gradient import coalesce
from lazyadam.reference.rounding import PRECISIONS, round_to
from lazyadam.reference.scalars import Hyperparameters, exact
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Trajectory


@dataclass(frozen=True)
class Layer:
    """An embedding layer, as its user writes it, and how the training step is run.

    sparse: the layer promises sparse gradients. fails: it is known not to train as its optimizer should.
    """

    layer: str
    way: str
    sparse: bool = True
    fails: bool = False


@dataclass(frozen=True, eq=False)
class Training:
    """A table (rows, width) and the batches to train it on: ids (n,) and targets (n, width).

    The loss of a batch is the mean of (table[ids] − targets)² over all its elements. All numbers are of
    float32.
    """

    table: np.ndarray
    batches: tuple[tuple[np.ndarray, np.ndarray], ...]
    lr: float

    @cached_property
    def start(self) -> Case:
        """The table and its optimizer before the first step."""
        zeros = np.zeros_like(self.table)
        group = Group((0,), Hyperparameters(lr=self.lr))
        return Case("float32", (Parameter(self.table, zeros, zeros),), (group,), (), ())

    @property
    def repeated(self) -> float:
        """The share of ids that repeat another of their batch."""
        ids = sum(len(i) for i, _ in self.batches)
        return 1 - sum(len(np.unique(i)) for i, _ in self.batches) / ids


@dataclass
class Trained:
    """What a backend did with a training.

    case: the training as a case, whose gradients are those that autograd delivered, as far as the backend
    came. losses: of each batch before its step.
    """

    case: Case
    trajectory: Trajectory
    losses: list[float]


@cache
def training_task(seed: int, steps: int = 1000, ids: int = 16) -> Training:
    """Ids of 40 rows as Zipf's law has them, and targets that scatter about a hidden table."""
    rows, width = 40, 4
    rng = np.random.default_rng(seed)

    def numbers(*shape: int) -> np.ndarray:
        return round_to(rng.standard_normal(shape), "float32")

    frequency = 1 / np.arange(1, rows + 1) ** 1.1
    table, hidden = numbers(rows, width), numbers(rows, width)
    batches = []
    for _ in range(steps):
        chosen = rng.choice(rows, ids, p=frequency / frequency.sum())
        batches.append((chosen, round_to(hidden[chosen] + 0.1 * numbers(ids, width), "float32")))
    return Training(table, tuple(batches), lr=0.01)


def loss(table: np.ndarray, ids: np.ndarray, targets: np.ndarray) -> float:
    """The loss of a batch."""
    return float(np.mean((table[ids] - targets) ** 2))


def gradient(table: np.ndarray, ids: np.ndarray, targets: np.ndarray) -> Gradient:
    """The gradient of the loss, occurrence by occurrence."""
    return Gradient(2 * (table[ids] - targets) / targets.size, ids)


@cache
def trained_alone(training: Training) -> tuple[np.ndarray, list[float]]:
    """The table and the losses of LazyAdam trained by itself, in float64."""
    (group,) = training.start.groups
    rules = Rules(PRECISIONS["float64"])
    zeros = np.zeros_like(training.table)
    state = State(training.table.copy(), zeros, zeros.copy())
    losses = []
    for t, (ids, targets) in enumerate(training.batches, 1):
        losses.append(loss(state.w, ids, targets))
        g = gradient(state.w, ids, targets)
        summed = coalesce(ids, g.values, Duplicates.SUM, rules.type)
        new = step(state, summed, exact(group.hyperparameters, t), rules).state
        for x, y in zip(state, new, strict=True):
            x[summed.rows] = y
    return state.w, losses
