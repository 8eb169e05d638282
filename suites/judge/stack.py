"""Stacking: the steps of many parameters and cases as one gradient, for one call of the reference."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lazyadam.reference.arithmetic import folds
from lazyadam.reference.dialect import Arithmetic, Dialect
from lazyadam.reference.gradient import Coalesced, Index, brought, coalesce, without_zero_rows
from lazyadam.reference.rounding import Precision
from lazyadam.reference.rule import corrected, corrects_by, counts
from lazyadam.reference.scalars import Hyperparameters, Scalars, exact, replayed
from lazyadam.suites.cases.case import Case, Gradient

# The same steps are judged against many dialects.
_exact = lru_cache(maxsize=65536)(exact)
_replayed = lru_cache(maxsize=65536)(replayed)


@dataclass
class Segment:
    """The rows of one parameter at one step of one case, in the stack that starts at `base`."""

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
        self.scalars: list[Scalars] = []
        self.exact: list[Scalars] = []

    def add(self, segment: Segment, case: Case, h: Hyperparameters, t: int) -> None:
        gradient = case.steps[segment.step - 1].gradients[segment.parameter]
        self.segments.append(segment)
        t = corrects_by(t, self.dialect)
        self.asked.append((h, t))
        self.scalars.append(self.scalars_of(len(self.asked) - 1))
        if self.gap:
            self.exact.append(self._spoken(_exact(h, t)))
        if gradient is None:
            return
        for rows, values, present in brought(gradient.rows, gradient.values, segment.count, self.dialect):
            self.rows.append(rows + segment.base)
            self.values.append(values.reshape(len(rows), math.prod(values.shape[1:])))
            self.present.append(present)

    def scalars_of(self, segment: int, ulps: tuple[int, int] | None = None) -> Scalars:
        """The scalars of a segment. ulps: see `replayed`."""
        return self._spoken(_replayed(*self.asked[segment], self.arithmetic, self.p, ulps))

    def _spoken(self, s: Scalars) -> Scalars:
        """The scalars as the dialect has them."""
        s = corrected(s, self.dialect)
        return s._replace(epsilon=s.folded_epsilon) if self.folds else s

    def stack(self, width: int) -> Stack:
        rows = np.concatenate(self.rows) if self.rows else np.empty(0, np.int64)
        values = np.concatenate(self.values) if self.values else np.empty((0, width))
        present = np.concatenate(self.present) if self.present else np.empty(0, bool)
        idle = None if present.all() else present
        gradient = coalesce(rows, values, self.dialect.duplicates, self.p, present=idle)
        gradient = without_zero_rows(gradient, self.dialect)
        if len(self.segments) == 1:
            owner = np.zeros(len(gradient.rows), np.int64)
        else:
            bases = [s.base for s in self.segments]
            owner = np.searchsorted(bases, gradient.rows, side="right") - 1
        return Stack(
            self.segments,
            gradient,
            columns(self.scalars, owner),
            columns(self.exact, owner) if self.gap else None,
            owner,
        )


def columns(scalars: list[Scalars], owner: np.ndarray) -> Scalars:
    """One column a scalar, one entry for each row; a plain float where all are equal."""
    if len(scalars) == 1:
        return scalars[0]
    table = np.array(scalars).reshape(len(scalars), len(Scalars._fields))
    if len(table) and (table == table[0]).all():
        return Scalars(*table[0].tolist())
    return Scalars(*(table[owner, i][:, None] for i in range(table.shape[1])))


def width_of(x: np.ndarray) -> int:
    """The number of elements of a row."""
    return math.prod(x.shape[1:])


def expected_counts(case: Case, dialect: Dialect) -> np.ndarray:
    """The step count of every parameter after every step: (steps, parameters), to be read alone."""
    return _counts(case, Dialect(step_count=dialect.step_count, empty_gradient=dialect.empty_gradient))


@lru_cache(maxsize=256)  # a case is judged by many dialects and arithmetics
def _counts(case: Case, dialect: Dialect) -> np.ndarray:
    def empty(gradient: Gradient | None) -> bool:
        return gradient is not None and gradient.rows is not None and len(gradient.rows) == 0

    taken = [[counts(g is not None, empty(g), dialect) for g in s.gradients] for s in case.steps]
    counted = case.t + np.cumsum(np.array(taken).reshape(len(taken), len(case.parameters)), axis=0)
    counted.flags.writeable = False
    return counted
