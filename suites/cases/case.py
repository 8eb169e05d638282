"""A case and its trajectory: the data that go to a backend and come back.

Everything is a pure function of a case. Arrays are float64 and hold numbers of the case's type, so
that the reference, the trace file and every worker read the same values.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np

from lazyadam.reference.scalars import Hyperparameters


@dataclass(frozen=True, eq=False)
class Parameter:
    """Starting weights and state of one parameter: w, m and v of one shape (rows, …).

    largest: the largest v that there was, where it is another than v.
    """

    w: np.ndarray
    m: np.ndarray
    v: np.ndarray
    largest: np.ndarray | None = None

    @property
    def v_max(self) -> np.ndarray:
        """What an optimizer that keeps the largest v starts with."""
        return self.v if self.largest is None else self.largest

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """w, m and v, and the largest v where it is another."""
        return (self.w, self.m, self.v) if self.largest is None else (self.w, self.m, self.v, self.largest)

    def each(self, change: Callable[[np.ndarray], np.ndarray]) -> "Parameter":
        """The parameter with each of its arrays changed."""
        return Parameter(*map(change, self.arrays))


@dataclass(frozen=True)
class Group:
    """Parameters (by position) that share hyperparameters."""

    parameters: tuple[int, ...]
    hyperparameters: Hyperparameters


@dataclass(frozen=True, eq=False)
class Gradient:
    """A gradient as the caller hands it over.

    Sparse: rows (k,), in any order and repeated at will, with values (k, …). Dense: rows is None and
    values has the shape of the parameter.
    """

    values: np.ndarray
    rows: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Step:
    """One step: a gradient or None for each parameter, and what happens just before it.

    changes: hyperparameters that are set anew, by name one for each group. reload: the optimizer's state is
    saved and loaded into a fresh optimizer.
    """

    gradients: tuple[Gradient | None, ...]
    changes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    reload: bool = False


class Manner(Enum):
    """How a case is handed over or run, beyond the ordinary.

    Those down to WATCHED ought to make no difference; the others are for bad input, which
    suites/conformance/bad_input.py has.
    """

    INT32_ROWS = "rows as int32"
    INT64_ROWS = "rows as int64"
    STRIDED = "parameters that are not contiguous"
    COLUMNS = "parameters whose columns lie together in memory"
    STRIDED_GRADIENTS = "gradients that are not contiguous"
    EXPANDED = "gradients of which one number in memory stands for all"
    LR_TENSOR = "the learning rate as a tensor, changed in place"
    USE_LOCKING = "use_locking=True"
    UNIQUE = "the optimizer's attribute unique turned round"
    COLD = "no launch goes before the first step"
    ASSIGNED = "run again, each attribute assigned the value that it shows"
    ONE_BUFFER = "parameters that are parts of one buffer"
    VECTORS = "parameters of rank 1 that are parts of one buffer"
    FROZEN = "beside a parameter that is never given a gradient"
    EMPTY = "after a group without parameters, between parameters without numbers"
    MIXED = "beside a parameter of another type, with a gradient in every step"
    THREADS = "on two threads"
    DETERMINISTIC = "where deterministic algorithms alone may run"
    SCALER = "through a loss scaler, a step with infinite gradients before each, which it skips"
    GRAPH = "as a CUDA graph that is captured once and replayed"
    OVERWRITTEN = "gradients whose memory is overwritten after their step"
    CLOSURE = "gradients that a closure sets, which step calls"
    SAVED = "a state that is saved becomes bytes between"
    COPIED = "in place of a state that is saved the optimizer is copied, and the first goes on"
    FORKED = "a state that is saved is loaded for other parameters, and the first optimizer goes on"
    LOADED_BACK = "a state that is saved is loaded back after one more step"
    WATCHED = "an error is raised where a step changes its gradient or moves a parameter"
    ARGUMENTS = "hyperparameters as arguments of the optimizer, never of a group"
    FLOAT64_VALUES = "gradient values as float64"
    FLOAT16_VALUES = "gradient values as float16"
    INTEGER_VALUES = "gradient values as int32"
    FLOAT_ROWS = "rows as float32"


IN_BUFFER = frozenset({Manner.ONE_BUFFER, Manner.VECTORS})
_ROWS = {Manner.INT32_ROWS: "int32", Manner.INT64_ROWS: "int64", Manner.FLOAT_ROWS: "float32"}
_VALUES = {
    Manner.FLOAT64_VALUES: "float64",
    Manner.FLOAT16_VALUES: "float16",
    Manner.INTEGER_VALUES: "int32",
}


@dataclass(frozen=True, eq=False)
class Case:
    """Parameters with their state after `t` steps, hyperparameters, and the steps to take.

    observed: the numbers of the steps (from 1) after which the state is recorded. manner: how the case
    is handed over, beyond the ordinary.
    """

    dtype: str
    parameters: tuple[Parameter, ...]
    groups: tuple[Group, ...]
    steps: tuple[Step, ...]
    observed: tuple[int, ...]
    t: int = 0
    manner: frozenset[Manner] = frozenset()

    @property
    def digest(self) -> str:
        """Twelve hex digits that name this case."""
        manner = sorted(x.name for x in self.manner)
        plain = (self.dtype, self.t, self.observed, self.groups, manner)
        digest = hashlib.sha256(repr(plain).encode())
        for p in self.parameters:
            _feed(digest, *p.arrays)
        for step in self.steps:
            changes = dict(step.changes)
            digest.update(repr((changes.pop("lr", None), step.reload, *sorted(changes.items()))).encode())
            for g in step.gradients:
                _feed(digest, g.rows if g else None, g.values if g else None)
        return digest.hexdigest()[:12]

    def rows_dtype(self, usual: str) -> str:
        """The type in which rows are handed over, where the framework's usual one is `usual`."""
        return next((_ROWS[m] for m in self.manner if m in _ROWS), usual)

    @property
    def values_dtype(self) -> str:
        """The type in which gradient values are handed over."""
        return next((_VALUES[m] for m in self.manner if m in _VALUES), self.dtype)

    def schedule(self) -> list[list[Hyperparameters]]:
        """The hyperparameters of every parameter at every step, changes included."""
        rows: list[list[Hyperparameters]] = []
        for step, groups in zip(self.steps, self.groups_at(), strict=True):
            if step.changes or not rows:
                of = {p: group.hyperparameters for group in groups for p in group.parameters}
                rows.append([of[p] for p in range(len(self.parameters))])
            else:
                rows.append(rows[-1])
        return rows

    def groups_at(self) -> list[tuple[Group, ...]]:
        """The groups at every step, changes included."""
        now, found = self.groups, []
        for step in self.steps:
            if step.changes:
                now = tuple(_changed(group, i, step.changes) for i, group in enumerate(now))
            found.append(now)
        return found


def _changed(group: Group, number: int, changes: Mapping[str, tuple[float, ...]]) -> Group:
    new: dict[str, Any] = {name: values[number] for name, values in changes.items()}
    return replace(group, hyperparameters=replace(group.hyperparameters, **new))


def _feed(digest: Any, *arrays: np.ndarray | None) -> None:
    for x in arrays:
        digest.update(b"-" if x is None else repr(x.shape).encode() + x.tobytes())


@dataclass(frozen=True)
class Failure:
    """How a backend failed: 'refuses' (it raised), 'dies' or 'hangs'; at which step (0: before)."""

    kind: str
    step: int
    message: str


QUANTITIES = ("w", "m", "v", "v_max")  # of a state, and in this order
Arrays = list[np.ndarray]
Counts = list[int] | list[np.ndarray]
# w, m and v of every parameter, and every parameter's step count, or those of its rows where these count;
# and v_max, where an optimizer keeps it.
State = tuple[Arrays, Arrays, Arrays, Counts] | tuple[Arrays, Arrays, Arrays, Counts, Arrays]


@dataclass
class Trajectory:
    """What a backend did with a case.

    w, m, v, and v_max, which is empty where it keeps none: for each parameter an array (observed, rows, …),
    as far as the backend came; t: its step counts (observed, parameters). seconds: time spent in the bare
    steps. path: what really ran. left: the state as an error in a step left it, where it can be read. again:
    the same case in the manner that it asks to be run again in; this one is then without. row_t: where
    rows count, their step counts, for each parameter (observed, rows); t is then that of the row with most.
    """

    w: list[np.ndarray]
    m: list[np.ndarray]
    v: list[np.ndarray]
    t: np.ndarray
    seconds: float = 0.0
    failure: Failure | None = None
    path: dict[str, str] = field(default_factory=dict)
    left: State | None = None
    again: "Trajectory | None" = None
    row_t: list[np.ndarray] | None = None
    v_max: list[np.ndarray] = field(default_factory=list)
