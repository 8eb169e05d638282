"""The states that a backend shows: whether they are any, and the trajectory that they make."""

from typing import Any

import numpy as np

from lazyadam.suites.cases.case import QUANTITIES, Case, Counts, Failure, State, Trajectory
from lazyadam.suites.cases.printable import printable

SHORT = 100  # characters of a thing that is no number
NO_REAL = "cOSUMm"  # kinds of NumPy's types; bfloat16 is a V


def checked(state: State, case: Case, keeps: bool = False) -> State:
    """The state, where its arrays have the shapes of the parameters, and every parameter a step count.

    keeps: whether the largest v is part of it.

    Raises:
        ValueError: it is not so.
    """
    count = len(case.parameters)
    if not isinstance(state, tuple | list) or len(state) != (5 if keeps else 4):
        what = "five lists, of w, m, v, t and v_max" if keeps else "four lists, of w, m, v and t"
        raise ValueError(f"state() is to return {what}, and does not")
    for name, arrays in zip(QUANTITIES, (*state[:3], *state[4:]), strict=False):
        if not isinstance(arrays, tuple | list) or len(arrays) != count:
            raise ValueError(f"state() returns {name} that is no list of {count} arrays, one a parameter")
        for i, (x, p) in enumerate(zip(arrays, case.parameters, strict=True)):
            if not isinstance(x, np.ndarray):
                raise ValueError(f"{name} of parameter {i} is a {type(x).__name__}, and no array")
            if x.shape != p.w.shape:
                raise ValueError(f"{name} of parameter {i} has shape {x.shape}, but should have {p.w.shape}")
            if x.dtype.kind in NO_REAL:
                raise ValueError(f"{name} of parameter {i} is of {x.dtype}, and of no real numbers")
    counts = state[3].tolist() if isinstance(state[3], np.ndarray) else state[3]
    if not isinstance(counts, tuple | list) or len(counts) != count:
        raise ValueError(f"state() returns t that is no list of {count} step counts, one a parameter")
    found: Counts = []
    if any(isinstance(t, np.ndarray) and t.ndim for t in counts):
        found = [_of_rows(t, len(p.w)) for t, p in zip(counts, case.parameters, strict=True)]
    else:
        found = [whole(t) for t in counts]
    return (*state[:3], found, *state[4:])


def _of_rows(counts: Any, rows: int) -> np.ndarray:
    if not isinstance(counts, np.ndarray) or counts.dtype.kind not in "iu" or counts.shape != (rows,):
        raise ValueError(f"the step counts of rows are to be {rows} integers in an array")
    return counts.astype(np.int64)


def as_float64(state: State) -> State:
    """Copies, in float64."""
    w, m, v, t, *v_max = state
    w, m, v, *v_max = ([np.array(x, np.float64) for x in of] for of in (w, m, v, *v_max))
    return (w, m, v, t, *v_max)  # type: ignore[return-value]


def whole(count: Any) -> int:
    """A step count as an integer: what has to be rounded to be one is none.

    Raises:
        ValueError: it is none, or none that 64 bits hold.
    """
    try:
        found = int(count)
        if abs(found) < 2**63 and bool(found == count):
            return found
    except (TypeError, ValueError, OverflowError, RuntimeError):
        pass
    raise ValueError(f"a step count is no whole number, but {printable(repr(count)[:SHORT])}")


def stack(
    case: Case,
    seen: list[Any],
    seconds: float,
    failure: Failure | None,
    path: dict[str, str],
    count: int,
) -> Trajectory:
    """A trajectory from the states seen, in order."""
    w, m, v, *v_max = (
        [
            np.stack([state[quantity][i] for state in seen])
            if seen
            else np.empty((0, *case.parameters[i].w.shape))
            for i in range(count)
        ]
        for quantity in (0, 1, 2, *([4] if seen and len(seen[0]) > 4 else []))
    )
    counts, row_t = [state[3] for state in seen], None
    if seen and isinstance(counts[0][0], np.ndarray):
        row_t = [np.stack([of[i] for of in counts]) for i in range(count)]
        counts = [[x.max() for x in of] for of in counts]
    t = np.array(counts, np.int64).reshape(len(seen), count)
    return Trajectory(w, m, v, t, seconds, failure, path, None, None, row_t, *v_max)
