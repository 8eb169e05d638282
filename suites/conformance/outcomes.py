"""What came of a bad input: the outcome, what became of the state, and the error's message.

outcome: 'refuses' (it raised), 'ignores' (no error, and nothing changed), 'accepts', 'dies' or 'hangs'.
state: 'untouched' (bit for bit), 'non-finite', 'partly written' (it raised and yet something changed, or
rows changed that the gradient does not name), 'updated'; empty where there is none to be read.
"""

import re

import numpy as np

from lazyadam.reference.dialect import Untouched
from lazyadam.reports.vocabulary import LOST, Outcome, StateAfter, Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Case, Failure, Trajectory
from lazyadam.suites.conformance.bad_input import Kind, good

Result = tuple[str, str, str]
MESSAGE = 200


def attempt(kind: Kind, process: Process) -> Result:
    """What comes of a kind in a process that is sound before, and is left sound."""
    case = kind.case(process.backend)
    found = result(process.backend, case, process.stream(case))
    if not kind.layout or found[0] in LOST:
        return found
    # Memory written where it should not be may tell only later.
    later = process.stream(good(kind.layout, process.backend.usual_dtype())).failure
    if later is not None and later.kind != Verdict.REFUSES:
        return later.kind, "", f"in the next good case: {_message(later)}"
    if found[:2] != (Outcome.REFUSES, StateAfter.UNTOUCHED):
        process.restart()
    return found


def result(backend: type[Backend], case: Case, trajectory: Trajectory) -> Result:
    """Outcome, state and message."""
    failure, left = trajectory.failure, trajectory.left
    if failure is None:
        seen = (trajectory.w, trajectory.m, trajectory.v, trajectory.v_max)
        after = [x[0][-1] for x in seen if x]
        state = _state(backend, case, after, raised=False)
        return Outcome.IGNORES if state == StateAfter.UNTOUCHED else Outcome.ACCEPTS, state, ""
    state = ""
    if failure.kind == Verdict.REFUSES and failure.step == 0:
        state = StateAfter.UNTOUCHED  # there is no optimizer yet
    elif left is not None:
        state = _state(backend, case, [x[0] for x in (*left[:3], *left[4:])], raised=True)
    return failure.kind, state, _message(failure)


def _message(failure: Failure) -> str:
    """A short line that is the same in every run."""
    if (
        failure.kind == Verdict.DIES
    ):  # which call stumbles over a spoilt heap, and so the last words, is chance
        return failure.message.partition(";")[0]
    return re.split(r" -{4}", failure.message)[0][:MESSAGE]  # then comes MindSpore's call stack


def _state(backend: type[Backend], case: Case, after: list[np.ndarray], raised: bool) -> str:
    """What became of w, m and v, and v_max where it is kept."""
    (p,) = case.parameters
    rows = len(p.w)
    changed = np.zeros(rows, bool)
    for x, y in zip((p.w, p.m, p.v, p.v_max), after, strict=False):
        changed |= (x.view(np.int64) != y.view(np.int64)).reshape(rows, -1).any(axis=1)
    if not changed.any():
        return StateAfter.UNTOUCHED
    if not all(np.isfinite(x).all() for x in after):
        return StateAfter.NON_FINITE
    return (
        StateAfter.PARTLY_WRITTEN
        if raised or (changed & ~_named(backend, case)).any()
        else StateAfter.UPDATED
    )


def _named(backend: type[Backend], case: Case) -> np.ndarray:
    """Which rows the step is to update."""
    rows = len(case.parameters[0].w)
    (gradient,) = case.steps[0].gradients
    if gradient is None or gradient.rows is None or backend.documented.untouched is not Untouched.FROZEN:
        return np.ones(rows, bool)
    return np.isin(np.arange(rows), gradient.rows)
