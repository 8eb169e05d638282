"""Right before fast: whether an arm is right in the configuration that it was timed in."""

from dataclasses import dataclass
from functools import partial

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.judge.fitting import fitting
from lazyadam.suites.judge.step_by_step import step_by_step
from lazyadam.suites.performance.stopwatch import Opened
from lazyadam.suites.verdicts import explanation, wrong_path

RULE = CLAUSES["update-rule"]


@dataclass(frozen=True)
class Correctness:
    """worst_ratio: of errors to their bound, in the documented dialect. divergence: in words; '' if none."""

    worst_ratio: float
    divergence: str


def correctness(backend: type[Backend], device: str, dtype: str, opened: Opened) -> Correctness:
    """Judge the first steps of what was timed."""
    assert opened.case is not None
    assert opened.trajectory is not None
    case, trajectory = [opened.case], [opened.trajectory]
    by = partial(step_by_step, case, trajectory, backend.documented)
    judgement = fitting(backend, backend.documented, dtype, by)
    worst = float(judgement.worst.max())
    divergence = wrong_path(backend, device, dtype, trajectory) or ""
    if worst > 1:
        divergence = explanation(RULE, case, trajectory, backend, backend.documented, judgement)
        if divergence == "unexplained":
            divergence = judgement.findings[0].message()
    return Correctness(worst, divergence)
