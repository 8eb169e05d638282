"""A divergence made small: the least case that diverges for the same reason."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.cases.strategies import cases as case_strategy
from lazyadam.suites.cases.strategies import shrink, size, tries_of
from lazyadam.suites.conformance.combined import At
from lazyadam.suites.conformance.examine import Examination, Judged
from lazyadam.suites.divergences.pin import axes_of
from lazyadam.suites.divergences.scripts import Same
from lazyadam.suites.divergences.witness import cut
from lazyadam.suites.judge.explanation import speaks, turned, turnings
from lazyadam.suites.judge.judgement import Divergence
from lazyadam.suites.judge.trial import Trial, judge, judged_by


def same_cause(trial: Trial, judged: Judged) -> Same:
    """Whether a case that diverges does so for the reason of a row, and not of what shows beside it.

    What axes explain is right where they are turned; what none explains is wrong whichever are turned, as the
    arithmetic has it that fits the row best, if there is a case that is so by itself.
    """
    if axes := axes_of(judged.row["explained_by"]):
        spoken = turned(judged.dialect, axes)
        return lambda case, ran: not judge(trial.with_cases([case], [ran]), spoken).divergences
    backend, arithmetic = trial.backend, judged.judgement.arithmetic
    ways = tuple(turnings(judged.dialect, backend, speaks(backend, {})))
    assert arithmetic is not None

    def unexplained(some: Trial) -> bool:
        return all(judged_by(some, way)(arithmetic).divergences for way in ways)

    alone = any(unexplained(trial.of([i])) for i in by_size(trial, judged))
    return lambda case, ran: not alone or unexplained(trial.with_cases([case], [ran]))


def smaller(
    seen: Examination, process: Process, judged: Judged, same: Same, tries: float
) -> tuple[Case, Divergence, At | None]:
    """A small case that diverges for the same reason, with its worst divergence; shrunk in so many tries.

    Where it is a point of the space, that is returned too.
    """
    trial = seen.trial
    cases, free = trial.cases, trial.clause.free

    def found_in(case: Case, ran: Trajectory) -> list[Divergence]:
        found = judge(trial.with_cases([case], [ran]), judged.dialect).divergences
        return found if found and same(case, ran) else []

    # Each alone may fit an arithmetic that the others don't: one that doesn't is shown, if there is one.
    wrong = by_size(trial, judged)
    diverging = (i for i in wrong if free or found_in(cases[i], trial.trajectories[i]))
    smallest = next(diverging, wrong[0])
    small, divergence = cases[smallest], _worst(f for f in judged.judgement.divergences if f.case == smallest)
    if free:
        # Up to where it was seen, and every step observed, so that a replay judges step by step.
        count = divergence.step
        return (
            replace(small, steps=small.steps[:count], observed=tuple(range(1, count + 1))),
            divergence,
            None,
        )

    def look(case: Case) -> tuple[Trajectory, list[Divergence]]:
        (ran,) = process.run([case])
        return ran, found_in(case, ran)

    at = seen.points.get(smallest)
    if tries:
        dtype = small.dtype
        if at is not None:
            at = _simplest(at, lambda case: bool(look(case)[1]), dtype, tries)
            shrunk = at.case(dtype)
        else:
            strategy, own_seed = case_strategy(seen.sample.menu, dtype), seen.sample.own_seed
            shrunk = shrink(strategy, own_seed, lambda case: bool(look(case)[1]), small, tries)
        ran, found = look(shrunk)
        if found:
            small, divergence = shrunk, _worst(found)
            alone = cut(shrunk, ran, divergence.step)
            if found := look(alone)[1]:
                small, divergence = alone, _worst(found)
    return small, divergence, at


def _simplest(at: At, diverges: Callable[[Case], bool], dtype: str, tries: float) -> At:
    """The point with the fewest values out of the ordinary that still diverges, one by one given up."""
    simpler = iter(at.simpler())
    while tries > 0 and (less := next(simpler, None)):
        case = less.case(dtype)
        tries -= tries_of(case)
        if diverges(case):
            at, simpler = less, iter(less.simpler())
    return at


def diverges_alone(process: Process, trial: Trial, judged: Judged, case: Case) -> bool:
    """Whether a case diverges in a process that has seen no other: whether its trace can be replayed."""
    process.restart()
    ran = process.run([case])
    shows = bool(ran[0].failure or judge(trial.with_cases([case], ran), judged.dialect).divergences)
    process.replayed += shows
    return shows


def by_size(trial: Trial, judged: Judged) -> Sequence[int]:
    """The cases that diverge, the smallest first."""
    return sorted({f.case for f in judged.judgement.divergences}, key=lambda i: size(trial.cases[i]))


def _worst(found: Iterable[Divergence]) -> Divergence:
    return max(found, key=lambda divergence: divergence.ratio)
