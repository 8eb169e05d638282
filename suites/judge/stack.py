"""Stacking: the steps of many parameters and cases as one gradient, for one call of the reference."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lazyadam.reference.arithmetic import folds
from lazyadam.reference.dialect import Arithmetic, Dialect, StepCount
from lazyadam.reference.gradient import Coalesced, Index, brought, coalesce, named, without_zero_rows
from lazyadam.reference.rounding import Precision
from lazyadam.reference.rule import beside_root, corrected, corrects_by, counts, of_unnamed_rows
from lazyadam.reference.scalars import Hyperparameters, Scalars, columns, exact, replayed
from lazyadam.suites.cases.case import Case, Gradient, Trajectory

# The same steps are judged against many dialects.
_exact = lru_cache(maxsize=65536)(exact)
_replayed = lru_cache(maxsize=65536)(replayed)
schedule = lru_cache(maxsize=256)(Case.schedule)


@dataclass
class Segment:
    """The rows of one parameter at one step of one case, in the stack that starts at `base`.

    Where rows count it stands in a stack as often as they have counts.
    """

    case: int
    parameter: int
    step: int
    base: int
    count: int


@dataclass
class Stack:
    """Segments of one width with their gradients, ready for one call of the reference."""

    segments: list[Segment]
    gradient: Coalesced
    scalars: Scalars
    exact: Scalars | None
    owner: np.ndarray  # the segment of each of the gradient's rows

    def part(self, at: Index) -> "Stack":
        """The stack with some of the gradient's rows."""
        exact = None if self.exact is None else self.exact.part(at)
        return Stack(self.segments, self.gradient.part(at), self.scalars.part(at), exact, self.owner[at])


class Builder:
    """Collects the gradients of many segments of one width and makes one stack of them."""

    def __init__(self, dialect: Dialect, arithmetic: Arithmetic, p: Precision, gap: bool) -> None:
        self.dialect, self.arithmetic, self.p, self.gap = dialect, arithmetic, p, gap
        self.folds = folds(dialect, arithmetic)
        self.segments: list[Segment] = []
        self.rows: list[np.ndarray] = []
        self.values: list[np.ndarray] = []
        self.present: list[np.ndarray] = []
        self.asked: list[tuple[Hyperparameters, int]] = []
        self.owners: list[tuple[Segment, np.ndarray]] = []  # of the rows of a segment, where rows count
        self.scalars: list[Scalars] = []
        self.exact: list[Scalars] = []

    def add(self, segment: Segment, case: Case, h: Hyperparameters, t: int | np.ndarray) -> None:
        """t: the number of the step; where rows count, of each row."""
        gradient = case.steps[segment.step - 1].gradients[segment.parameter]
        sparse = gradient is not None and gradient.rows is not None
        if isinstance(t, int):
            self._ask(segment, h, corrects_by(t, self.dialect, sparse))
        else:
            numbers, inverse = np.unique(t, return_inverse=True)
            self.owners.append((segment, len(self.segments) + inverse))
            for number in numbers.tolist():
                self._ask(segment, h, corrects_by(number, self.dialect, sparse))
        if gradient is None or not counts(True, is_empty(gradient), self.dialect):
            return
        for rows, values, present in brought(gradient.rows, gradient.values, segment.count, self.dialect):
            self.rows.append(rows + segment.base)
            self.values.append(values.reshape(len(rows), math.prod(values.shape[1:])))
            self.present.append(present)

    def _ask(self, segment: Segment, h: Hyperparameters, t: int) -> None:
        """t: by which its corrections are."""
        self.segments.append(segment)
        self.asked.append((h, t))
        self.scalars.append(self.scalars_of(len(self.asked) - 1))
        if self.gap:
            self.exact.append(corrected(_exact(h, t), self.dialect))

    def scalars_of(self, segment: int, ulps: tuple[int, int] | None = None) -> Scalars:
        """The scalars of a segment. ulps: see `replayed`."""
        return corrected(_replayed(*self.asked[segment], self.arithmetic, self.p, ulps), self.dialect)

    def by_row(self, scalars: list[Scalars], gradient: Coalesced, owner: np.ndarray) -> Scalars:
        """Of the scalars of each segment those of each row, with the ε that the dialect has there."""
        named = [s._replace(epsilon=s.folded_epsilon) for s in scalars] if self.folds else scalars
        if (unnamed := of_unnamed_rows(gradient, self.dialect)) is None:
            return columns(named, owner)
        others = scalars if self.folds else [beside_root(s, self.dialect.epsilon) for s in scalars]
        return columns([*named, *others], owner + len(named) * unnamed)

    def stack(self, width: int) -> Stack:
        rows = np.concatenate(self.rows) if self.rows else np.empty(0, np.int64)
        values = np.concatenate(self.values) if self.values else np.empty((0, width))
        present = np.concatenate(self.present) if self.present else np.empty(0, bool)
        idle = None if present.all() else present
        gradient = coalesce(rows, values, self.dialect.duplicates, self.p, present=idle)
        gradient = without_zero_rows(gradient, self.dialect)
        if self.owners:
            owner = np.zeros(self.segments[-1].base + self.segments[-1].count, np.int64)
            for s, of in self.owners:
                owner[s.base : s.base + s.count] = of
            owner = owner[gradient.rows]
        elif len(self.segments) == 1:
            owner = np.zeros(len(gradient.rows), np.int64)
        else:
            bases = [s.base for s in self.segments]
            owner = np.searchsorted(bases, gradient.rows, side="right") - 1
        return Stack(
            self.segments,
            gradient,
            self.by_row(self.scalars, gradient, owner),
            self.by_row(self.exact, gradient, owner) if self.gap else None,
            owner,
        )


def is_empty(gradient: Gradient | None) -> bool:
    """Whether it is a sparse one without rows."""
    return gradient is not None and gradient.rows is not None and len(gradient.rows) == 0


def width_of(x: np.ndarray) -> int:
    """The number of elements of a row."""
    return math.prod(x.shape[1:])


def expected_counts(case: Case, dialect: Dialect) -> np.ndarray:
    """The step count of every parameter after every step: (steps, parameters), to be read alone.

    Where rows count, that of the row with the most.
    """
    if dialect.step_count is StepCount.ROW:
        return np.stack([x.max(axis=1) for x in row_counts(case, dialect)], axis=1)
    return _counts(case, Dialect(step_count=dialect.step_count, empty_gradient=dialect.empty_gradient))


def row_counts(case: Case, dialect: Dialect) -> list[np.ndarray]:
    """Where rows count: of each parameter their counts after each step (steps, rows), to be read alone."""
    return _row_counts(case, Dialect(duplicates=dialect.duplicates, zero_rows=dialect.zero_rows))


def number_of(case: Case, step: int, parameter: int, dialect: Dialect) -> int | np.ndarray:
    """Which step of a parameter a step is, where all counts are those that are expected; or of each row."""
    if dialect.step_count is StepCount.ROW:
        counts = row_counts(case, dialect)[parameter]
        return 1 + (counts[step - 2] if step > 1 else np.full(counts.shape[1], case.t))
    return max(1, int(expected_counts(case, dialect)[step - 1, parameter]))  # 0: no step has counted yet


def counted(case: Case, ran: Trajectory, seen: int, parameter: int, dialect: Dialect) -> int | np.ndarray:
    """The step count of a parameter in a state that was seen, from 1; of its rows, where these count."""
    if dialect.step_count is StepCount.ROW:
        if seen and ran.row_t is not None:
            return ran.row_t[parameter][seen - 1]
        t = int(ran.t[seen - 1, parameter]) if seen else case.t
        return np.full(len(case.parameters[parameter].w), t)
    return int(ran.t[seen - 1, parameter]) if seen else case.t


@lru_cache(maxsize=256)  # a case is judged by many dialects and arithmetics
def _counts(case: Case, dialect: Dialect) -> np.ndarray:
    taken = [[counts(g is not None, is_empty(g), dialect) for g in s.gradients] for s in case.steps]
    counted = case.t + np.cumsum(np.array(taken).reshape(len(taken), len(case.parameters)), axis=0)
    counted.flags.writeable = False
    return counted


@lru_cache(maxsize=256)
def _row_counts(case: Case, dialect: Dialect) -> list[np.ndarray]:
    found = []
    for n, p in enumerate(case.parameters):
        had = np.zeros((len(case.steps), len(p.w)), np.int64)
        for of_step, step in zip(had, case.steps, strict=True):
            if (g := step.gradients[n]) is not None:
                of_step[named(g.rows, g.values, len(p.w), dialect)] = 1
        found.append(case.t + had.cumsum(axis=0))
    return found
