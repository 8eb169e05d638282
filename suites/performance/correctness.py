"""Right before fast: whether an arm is right in the configuration that it was timed in."""

from dataclasses import dataclass

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.timing.stopwatch import Opened
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.judge.explanation import explanation
from lazyadam.suites.judge.trial import Trial, judge
from lazyadam.suites.judge.verdict import wrong_path

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
    trial = Trial(RULE, backend, [opened.case], [opened.trajectory])
    judgement = judge(trial, backend.documented)
    worst = float(judgement.worst.max())
    divergence = wrong_path(backend, device, dtype, trial.trajectories) or ""
    if worst > 1:
        divergence = explanation(trial, backend.documented, judgement)
        if divergence == "unexplained":
            divergence = judgement.divergences[0].message()
    return Correctness(worst, divergence)
