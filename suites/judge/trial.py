"""What a clause tried on a backend, judged against a dialect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lazyadam.reference.dialect import Arithmetic, Dialect
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.judge.fitting import declares, fitting
from lazyadam.suites.judge.free_running import free_running
from lazyadam.suites.judge.judgement import Judgement
from lazyadam.suites.judge.step_by_step import step_by_step

DECIDES = 100  # steps of a free run, which decide


@dataclass(frozen=True)
class Trial:
    """Cases of a clause, all of one type, and what a backend made of each."""

    clause: Clause
    backend: type[Backend]
    cases: Sequence[Case]
    trajectories: Sequence[Trajectory]

    def of(self, which: Sequence[int]) -> "Trial":
        """Some of its cases alone."""
        return self.with_cases([self.cases[i] for i in which], [self.trajectories[i] for i in which])

    def with_cases(self, cases: Sequence[Case], trajectories: Sequence[Trajectory]) -> "Trial":
        """Other cases of the same clause on the same backend."""
        return Trial(self.clause, self.backend, cases, trajectories)


def judge(trial: Trial, dialect: Dialect, drift: bool = False) -> Judgement:
    """The judgement by the arithmetic that fits best.

    drift: a free run is judged to its end, not only as far as decides.
    """
    backend, free = trial.backend, trial.clause.free
    by = judged_by(trial, dialect, drift and declares(backend))
    of = (lambda few: judged_by(trial.of(few), dialect)) if len(trial.cases) > 1 else None
    judgement = fitting(backend, dialect, trial.cases[0].dtype, by, of)
    if free and drift and not declares(backend) and judgement.worst.max(initial=0.0) <= 1:
        # Which arithmetic fits was decided by a part of the run: the others need not be run to the end.
        assert judgement.arithmetic is not None
        return judged_by(trial, dialect, drift)(judgement.arithmetic)
    return judgement


def judged_by(trial: Trial, dialect: Dialect, drift: bool = False) -> Callable[[Arithmetic], Judgement]:
    """How to judge by an arithmetic. drift: as `judge` has it."""
    clause, given = trial.clause, (trial.cases, trial.trajectories, dialect)

    def by(arithmetic: Arithmetic) -> Judgement:
        if clause.free:
            return free_running(*given, arithmetic, None if drift else DECIDES)
        sizes = clause.id == "update-rule"
        return step_by_step(*given, arithmetic, sizes=sizes, strict_epsilon=clause.strict_epsilon)

    return by
