"""Whether what a worker answers is an answer: a trajectory, or a state, of the case that it was given."""

from typing import Any

import numpy as np

from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.errors import in_a_line
from lazyadam.suites.backends.states import checked
from lazyadam.suites.cases.case import QUANTITIES, Case, Trajectory


class Lost(Exception):
    """The worker is gone; kind is 'dies' or 'hangs'."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def sound(case: Case, trajectory: Any) -> Trajectory:
    """The trajectory that a worker answered, where it is one of this case.

    Raises:
        Lost: it is something else.
    """
    if not isinstance(trajectory, Trajectory):
        raise Lost(Verdict.DIES, f"it answered with a {type(trajectory).__name__}, and no trajectory")
    seen = len(trajectory.t)
    for name in QUANTITIES if trajectory.v_max else QUANTITIES[:3]:
        arrays = getattr(trajectory, name)
        shapes = [(seen, *p.w.shape) for p in case.parameters]
        if [x.shape for x in arrays] != shapes or any(x.dtype != np.float64 for x in arrays):
            raise Lost(Verdict.DIES, f"it answered with {name} of another shape or type")
    rows = trajectory.row_t
    if rows is not None and [x.shape for x in rows] != [(seen, len(p.w)) for p in case.parameters]:
        raise Lost(Verdict.DIES, "it answered with step counts of rows of another shape")
    if trajectory.t.shape != (seen, len(case.parameters)) or seen > len(case.observed):
        raise Lost(Verdict.DIES, "it answered with step counts of another shape")
    if seen < len(case.observed) and trajectory.failure is None:
        raise Lost(Verdict.DIES, f"it answered {seen} of {len(case.observed)} states that were asked")
    if trajectory.again is not None:
        sound(case, trajectory.again)
    return trajectory


def sound_state(state: Any, case: Case) -> Any:
    """A state that a worker reported, where it is one of this case. Raises as `sound`."""
    try:
        return checked(state, case, len(state) > 4)
    except Exception as error:
        raise Lost(Verdict.DIES, f"it reported what is no state: {in_a_line(error)}") from None
