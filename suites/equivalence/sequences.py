"""What pairs of backends are compared on: 1,000 steps of training, in a few kinds of gradients."""

import math
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Dialect
from lazyadam.reference.rounding import PRECISIONS, round_to
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step
from lazyadam.suites.clauses.clause import missing
from lazyadam.suites.judge.alone import EXACT, REFERENCE, alone, together

ROWS, WIDTH, IDS = 24, 4, 8
STEPS, OBSERVED = 1000, (1, 10, 100, 1000)


@dataclass(frozen=True)
class Sequence:
    """A kind of training: what a backend must take for it, and how its gradients come.

    repeats: rows drawn by Zipf's law, so that a gradient names some more than once. empty: every
    second gradient has no rows. zeros: a named row has a gradient of zero. scale: of the gradients. turns:
    beside the table there is another, which only every fourth batch looks up.
    """

    name: str
    needs: tuple[str, ...] = ("sparse",)
    repeats: bool = False
    empty: bool = False
    zeros: bool = False
    turns: bool = False
    scale: float = 0.1
    weight_decay: float = 0.0

    def missing(self, backend: type[Backend]) -> str:
        """Why a backend can't be trained so; '' where it can."""
        return missing(self.needs, backend)

    @property
    def start(self) -> np.ndarray:
        """The weights before the first step, in a row."""
        return flat([p.w[np.newaxis] for p in self.case().parameters])[0]

    @cache  # noqa: B019 - there are eleven, for as long as the process
    def case(self, idle: str = "none") -> Case:
        """Default hyperparameters but for weight decay. idle: what a table has that is not looked up."""
        rng = np.random.default_rng(1)
        frequency = 1 / np.arange(1, ROWS + 1)

        def numbers(*shape: int) -> np.ndarray:
            return round_to(rng.standard_normal(shape), "float32")

        def gradient(k: int) -> Gradient:
            if "dense" in self.needs:
                return Gradient(round_to(self.scale * numbers(ROWS, WIDTH), "float32"))
            chosen = rng.choice(ROWS, IDS, replace=self.repeats, p=frequency / frequency.sum())
            values = round_to(self.scale * numbers(IDS, WIDTH), "float32")
            if self.zeros:
                values[0] = 0
            if self.empty and k % 2 == 0:
                chosen, values = chosen[:0], values[:0]
            return Gradient(values, chosen)

        def gradients(k: int) -> tuple[Gradient | None, ...]:
            if not self.turns:
                return (gradient(k),)
            return gradient(k), gradient(k) if k % 4 == 1 else Gradient(zeros) if idle == "dense" else None

        zeros = np.zeros((ROWS, WIDTH))
        tables = tuple(Parameter(numbers(ROWS, WIDTH), zeros, zeros) for _ in range(1 + self.turns))
        group = Group(tuple(range(len(tables))), Hyperparameters(weight_decay=self.weight_decay))
        steps = tuple(Step(gradients(k)) for k in range(1, STEPS + 1))
        return Case("float32", tables, (group,), steps, OBSERVED)


DECAY = ("sparse", "weight_decay")
SEQUENCES = {
    s.name: s
    for s in (
        Sequence("distinct rows"),
        Sequence("repeated rows", repeats=True),
        Sequence("small gradients", scale=1e-7),
        Sequence("empty gradients", empty=True),
        Sequence("rows of zeros", zeros=True),
        Sequence("tables in turn", turns=True),
        Sequence("weight decay", needs=DECAY, weight_decay=0.01),
        Sequence("weight decay, repeated rows", needs=DECAY, weight_decay=0.01, repeats=True),
        Sequence("dense gradient", needs=("dense",)),
        Sequence("dense gradient, small", needs=("dense",), scale=1e-7),
        Sequence("dense gradient, weight decay", needs=("dense", "weight_decay"), weight_decay=0.01),
    )
}


def idle(backend: type[Backend]) -> str:
    """What automatic differentiation gives an optimizer for a table that a batch does not look up.

    'none' in torch; in MindSpore (2.10, as tests of the migration see) a 'dense' gradient of zeros.
    """
    return "none" if "none" in backend.layouts else "dense"


def flat(of_each: list[np.ndarray]) -> np.ndarray:
    """Arrays (steps, rows, …), one for each table, as one (steps, elements)."""
    return np.concatenate([x.reshape(len(x), math.prod(x.shape[1:])) for x in of_each], axis=1)


@cache
def tolerance(sequence: Sequence, arithmetic: Arithmetic, idle: str) -> np.ndarray:
    """How far w of a LazyAdam that computes so may be from the exact one: (observed, elements).

    The bound on its rounding, and what its scalars are off by themselves.
    """
    case = sequence.case(idle)
    ran = alone(case, REFERENCE, arithmetic, PRECISIONS[case.dtype])
    return flat(ran.errors) + np.abs(flat(ran.trajectory.w) - _exact(sequence, idle))


@cache
def _exact(sequence: Sequence, idle: str) -> np.ndarray:
    return flat(alone(sequence.case(idle)).trajectory.w)


@cache
def _ends(dialect: Dialect, arithmetic: Arithmetic) -> dict[str, np.ndarray]:
    """The reference's w at every observed step of each sequence.

    Those that repeat rows run apart from the rest: beside them sums are formed that others don't need.
    """
    found = {}
    for repeats in (False, True):
        alike = [sequence for sequence in SEQUENCES.values() if sequence.repeats is repeats]
        for sequence, ran in zip(
            alike, together([s.case() for s in alike], dialect, arithmetic), strict=True
        ):
            found[sequence.name] = flat(ran.trajectory.w)
    return found


def turned(axis: str, value: Enum) -> tuple[Dialect, Arithmetic]:
    """The reference with one axis turned."""
    change: Any = {axis: value}
    if hasattr(REFERENCE, axis):
        return replace(REFERENCE, **change), EXACT
    return REFERENCE, replace(EXACT, **change)


def moved(w: np.ndarray, start: np.ndarray) -> float:
    """How far the weight that moved most has moved."""
    return float(np.abs(w - start).max())


def effects(axis: str, values: list[Enum]) -> list[dict[str, Any]]:
    """What each two values of an axis make of the weights, all else as in the reference dialect.

    effect: the largest difference of two weights, as a share of how far any weight has moved.
    """
    rows = []
    ends_of = {value: _ends(*turned(axis, value)) for value in values}
    for sequence in SEQUENCES.values():
        start = sequence.start
        ends = {value: ends_of[value][sequence.name] for value in values}
        for left, right in combinations(values, 2):
            for steps, x, y in zip(OBSERVED, ends[left], ends[right], strict=True):
                way = max(moved(x, start), moved(y, start))
                rows.append(
                    {
                        "axis": axis,
                        "left_value": left.name.lower(),
                        "right_value": right.name.lower(),
                        "sequence": sequence.name,
                        "steps": steps,
                        "effect": float(np.abs(x - y).max()) / way if way else 0.0,
                    }
                )
    return rows
