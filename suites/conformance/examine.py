"""A clause on a backend in a type: tried, judged every way, and what is known of it taken off."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lazyadam.reference.dialect import Dialect
from lazyadam.reports.vocabulary import Against, Verdict
from lazyadam.suites.backends.workers.runs import Runs
from lazyadam.suites.cases.case import Case, Failure
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.conformance.combined import At
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.divergences.accounting import Account, Seen, account, account_for_axes
from lazyadam.suites.divergences.layouts import of_divergences, of_failures
from lazyadam.suites.divergences.pin import Pin, axes_of, pins_of
from lazyadam.suites.judge.explanation import Beyond, explanation, explanations, speaks, turned
from lazyadam.suites.judge.judgement import Divergence, Judgement
from lazyadam.suites.judge.run_again import not_run_again
from lazyadam.suites.judge.trial import Trial, judge
from lazyadam.suites.judge.verdict import dialects, verdict, wrong_path

Row = dict[str, Any]


@dataclass
class Judged:
    """What was seen, judged against one dialect: its row, and what accounts for it.

    explanations: each of which would do.
    """

    dialect: Dialect
    judgement: Judgement
    row: Row
    account: Account
    explanations: list[str]


@dataclass
class Examination:
    """A clause on a backend in a type: what was tried, what came of it, and how it was judged.

    points: where in the space those of its cases are that are of it, by their number. path: what ran, where
    that is not what was asked for. unknown: failures that no pin accounts for.
    """

    sample: Sample
    trial: Trial
    points: Mapping[int, At]
    path: str
    judged: list[Judged]
    unknown: list[Failure]

    @property
    def new(self) -> bool:
        """Whether something is not known yet: what fails a run."""
        return bool(self.unknown) or any(j.account.missing for j in self.judged)


def examine(sample: Sample, process: Runs, kept: Sequence[Case] = ()) -> Examination:
    """Try a clause on a backend that runs, in a type, and judge it every way. kept: cases tried beside."""
    (trial, points), covering = _tried(sample, process, kept), pins_of(process)
    wrong = wrong_path(process.backend, process.device, sample.dtype, trial.trajectories)
    path = wrong or not_run_again(trial.cases, trial.trajectories)
    judged = list(judge_all(trial, {**process.about, "dtype": sample.dtype}, path, covering))
    _account_for_several(trial, judged, covering)
    unknown = list(_unknown(trial, judged[0].row, covering))
    return Examination(sample, trial, points, path or "", judged, unknown)


def _tried(sample: Sample, process: Runs, kept: Sequence[Case]) -> tuple[Trial, Mapping[int, At]]:
    backend, drawn, points = process.backend, sample.drawn(), sample.points()
    cases = [*drawn, *(at.case(sample.dtype) for at in points), *kept]
    trajectories = process.run(cases[:1])
    first = trajectories[0].failure
    # One that is lost, or refuses for seconds (MindSpore), is not asked again and again.
    if first is None or first.step > 1 or (first.kind == Verdict.REFUSES and not backend.compiles):
        trajectories += process.run(cases[1:])
    trial = Trial(sample.clause, backend, cases[: len(trajectories)], trajectories)
    return trial, dict(enumerate(points, len(drawn)))


def judge_all(trial: Trial, about: Row, path: str | None, covering: list[Pin]) -> Iterator[Judged]:
    """The trial against each dialect. The documentation may promise what LazyAdam does: judged once."""
    backend = trial.backend
    asked = dict(dialects(backend))
    known = {x: judge(trial, x, drift=x == backend.spoken) for x in dict.fromkeys(asked.values())}
    explained = {x: _why(trial, x, judgement, path, known) for x, judgement in known.items()}
    for against, dialect in asked.items():
        judgement, why = known[dialect], explained[dialect]
        row = verdict_row(
            about,
            trial.clause,
            against,
            verdict(judgement, trial.trajectories, path),
            float(judgement.worst.max(initial=0.0)),
            len(trial.cases),
            judgement.steps,
            why[0],
        )
        found = account(row, backend, what_shows(trial, dialect, judgement, row), covering)
        row["witness"] = str(found)
        yield Judged(dialect, judgement, row, found, why)


def _why(
    trial: Trial,
    dialect: Dialect,
    judgement: Judgement,
    path: str | None,
    known: Mapping[Dialect, Judgement],
) -> list[str]:
    """What explains a divergence. Where it is not known what is spoken, several axes may: all are told."""
    if path is not None or verdict(judgement, trial.trajectories, path) != Verdict.DIVERGES:
        return [""]
    found = explanations(trial, dialect, judgement, known=known)
    return list(islice(found, 1) if speaks(trial.backend, known) else found) or ["unexplained"]


def _account_for_several(trial: Trial, judged: list[Judged], covering: list[Pin]) -> None:
    """More than one thing at once: what the axes leave is what is known of the dialect that is spoken."""
    backend = trial.backend
    documented, spoken = judged[0], next(j for j in judged if j.dialect == backend.spoken)
    if not documented.account.missing or spoken is documented:
        return
    shown = what_shows(trial, spoken.dialect, spoken.judgement, spoken.row)
    rest = account({**spoken.row, "against": Against.EXPLAINED}, backend, shown, covering)
    if not rest.pins:
        return
    beyond = frozenset((f.case, f.quantity) for f in spoken.judgement.divergences)
    axes = explanation(trial, documented.dialect, documented.judgement, beyond)
    more = shown_of_axes(trial, documented.dialect, documented.judgement, axes_of(axes), beyond)
    first = account_for_axes(axes, spoken.row["dtype"], more, covering)
    if first.pins:
        documented.account = Account(first.pins + rest.pins)
        documented.row["witness"] = str(documented.account)


def _unknown(trial: Trial, row: Row, covering: list[Pin]) -> Iterator[Failure]:
    """Failures that no pin accounts for: a row says the worst of its cases, and may hide another."""
    alone = {**row, "explained_by": ""}
    for failure in dict.fromkeys(t.failure for t in trial.trajectories if t.failure):
        failed = [i for i, t in enumerate(trial.trajectories) if t.failure == failure]
        part = trial.of(failed)
        seen = Seen(of_failures(part.cases, part.trajectories, failure.kind))
        if account({**alone, "verdict": failure.kind}, trial.backend, seen, covering).missing:
            yield failure


def what_shows(trial: Trial, dialect: Dialect, judgement: Judgement, row: Row) -> Seen:
    """What pins have to account for in a row against a dialect."""
    if row["verdict"] != Verdict.DIVERGES:
        return Seen(of_failures(trial.cases, trial.trajectories, row["verdict"]))
    return shown_of_axes(trial, dialect, judgement, axes_of(row["explained_by"]))


def shown_of_axes(
    trial: Trial, dialect: Dialect, judgement: Judgement, axes: dict[str, str], beyond: Beyond = frozenset()
) -> Seen:
    """Where a divergence from a dialect shows that axes explain. beyond: what they need not explain.

    Where gradients of several layouts diverge, and several axes explain it, each axis is left out in turn:
    what diverges without it is where it makes a difference.
    """

    def left(judged: Judgement) -> list[Divergence]:
        return [f for f in judged.divergences if (f.case, f.quantity) not in beyond]

    found = left(judgement)
    layouts = of_divergences(trial.cases, found)
    of_axis = {}
    if min(len(layouts), len(axes)) > 1:
        for axis in axes:
            without = turned(dialect, {a: value for a, value in axes.items() if a != axis})
            of_axis[axis] = of_divergences(trial.cases, left(judge(trial, without)))
    return Seen(layouts, frozenset(f.quantity for f in found), of_axis)


def verdict_row(
    about: Row,
    clause: Clause,
    against: str,
    word: str,
    worst: float | None,
    cases: int,
    steps: int,
    explained_by: str = "",
) -> Row:
    """A row of verdicts.csv, of which nothing is known yet."""
    return {
        **about,
        "clause": clause.id,
        "against": against,
        "verdict": word,
        "worst_ratio": worst if steps else None,
        "cases": cases,
        "steps": steps,
        "explained_by": explained_by,
        "witness": "",
    }
