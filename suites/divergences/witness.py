"""Small witnesses: of a case that diverges, the last steps that do; and the same case in another type."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from lazyadam.reference.rounding import round_to
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step, Trajectory
from lazyadam.suites.cases.valid import check


def cut(case: Case, trajectory: Trajectory, k: int) -> Case:
    """Step k alone, from the state that the backend had reached before it, with nothing but its gradients.

    The case up to step k where that can't be said: parameters of several step counts, no such state, or one
    that is no start.
    """
    whole, schedule = upto(case, k), case.schedule()[k - 1]
    start = _from(whole, trajectory, k)
    if start is None or k == 1:
        return whole
    return replace(
        start,
        groups=tuple(Group(g.parameters, schedule[g.parameters[0]]) for g in case.groups),
        steps=(Step(case.steps[k - 1].gradients),),
    )


def upto(case: Case, k: int) -> Case:
    """The case up to step k."""
    return replace(case, steps=case.steps[:k], observed=tuple(i for i in case.observed if i <= k))


def tails(case: Case, trajectory: Trajectory, k: int) -> Iterator[Case]:
    """The last steps up to step k, fewest first, from the state that the backend had reached before them.

    Of one step first the bare step, then with what came before it: a new learning rate, or a state loaded.
    """
    whole, bare, count = upto(case, k), cut(case, trajectory, k), 1
    if len(bare.steps) < k:
        yield bare
    while count < k:
        start = _from(whole, trajectory, k - count + 1)
        if start is not None:
            yield start
        count *= 2
    yield whole


def without(case: Case, n: int) -> Case:
    """The case without parameter n, and without its group where that held no other."""

    def left(group: Group) -> tuple[int, ...]:
        return tuple(p - (p > n) for p in group.parameters if p != n)

    kept = [j for j, group in enumerate(case.groups) if left(group)]
    return replace(
        case,
        parameters=case.parameters[:n] + case.parameters[n + 1 :],
        groups=tuple(replace(case.groups[j], parameters=left(case.groups[j])) for j in kept),
        steps=tuple(
            replace(
                step,
                gradients=step.gradients[:n] + step.gradients[n + 1 :],
                changes={name: tuple(new[j] for j in kept) for name, new in step.changes.items()},
            )
            for step in case.steps
        ),
    )


def simpler(case: Case, parameter: int, row: int, compiles: bool) -> Iterator[Callable[[Case], Case]]:
    """Changes that may leave a divergence of a row as it is, and less to read; to be tried in turn.

    compiles: shapes and the manner cost a compilation; then all other parameters go together or not at all.
    """
    yield lambda case: _alone(case, parameter)
    if not compiles:
        others = [n for n in reversed(range(len(case.parameters))) if n != parameter]
        yield from (partial(_one_less, n=n) for n in others)
        yield lambda case: replace(case, manner=frozenset())
    yield lambda case: replace(case, steps=tuple(replace(step, changes={}) for step in case.steps))
    yield lambda case: replace(case, steps=tuple(replace(step, reload=False) for step in case.steps))
    yield lambda case: _changed(case, partial(_of_row, row=row))
    yield lambda case: _started(case, lambda p: replace(p, w=np.zeros_like(p.w)))
    yield lambda case: _started(case, lambda p: Parameter(p.w, np.zeros_like(p.m), np.zeros_like(p.v)))
    yield lambda case: _started(
        case, lambda p: Parameter(p.w, *(x.any() * np.ones_like(x) for x in (p.m, p.v)))
    )
    yield lambda case: case if any(p.m.any() or p.v.any() for p in case.parameters) else replace(case, t=0)
    yield lambda case: _changed(case, lambda g: replace(g, values=np.ones_like(g.values)))


def _alone(case: Case, parameter: int) -> Case:
    for n in reversed(range(len(case.parameters))):
        case = case if n == parameter else without(case, n)
    return case


def _one_less(case: Case, n: int) -> Case:
    """Without parameter n; those behind it are gone or stay, so that it is still the one of this number."""
    return without(case, n) if len(case.parameters) > 1 else case


def _started(case: Case, change: Callable[[Parameter], Parameter]) -> Case:
    return replace(case, parameters=tuple(change(p) for p in case.parameters))


def _changed(case: Case, change: Callable[[Gradient], Gradient]) -> Case:
    steps = (replace(step, gradients=tuple(g and change(g) for g in step.gradients)) for step in case.steps)
    return replace(case, steps=tuple(steps))


def _of_row(gradient: Gradient, row: int) -> Gradient:
    """What a sparse gradient has of a row."""
    if gradient.rows is None:
        return gradient
    at = gradient.rows == row
    return Gradient(gradient.values[at], gradient.rows[at])


def _from(case: Case, trajectory: Trajectory, k: int) -> Case | None:
    """The case from step k on, from the state that was reached before it; None where that can't be said."""
    if k == 1:
        return case
    if k - 1 not in case.observed[: len(trajectory.t)]:
        return None
    at, before = case.observed.index(k - 1), case.schedule()[k - 2]
    counts = {int(t) for t in trajectory.t[at]}
    if len(counts) > 1:
        return None
    steps = case.steps[k - 1 :]
    kept = [x for x in (trajectory.w, trajectory.m, trajectory.v, trajectory.v_max) if x]
    tail = replace(
        case,
        parameters=tuple(Parameter(*(x[n][at] for x in kept)) for n in range(len(case.parameters))),
        groups=tuple(Group(g.parameters, before[g.parameters[0]]) for g in case.groups),
        steps=steps,
        observed=tuple(range(1, len(steps) + 1)),
        t=counts.pop(),
    )
    try:
        check(tail)
    except ValueError:  # a faulty backend may have reached a state that is no start
        return None
    return tail


def cast(case: Case, dtype: str) -> Case:
    """The case in another type: its numbers, state included, rounded to it."""

    def rounded(gradient: Gradient | None) -> Gradient | None:
        return gradient and replace(gradient, values=round_to(gradient.values, dtype))

    return replace(
        case,
        dtype=dtype,
        parameters=tuple(p.each(partial(round_to, dtype=dtype)) for p in case.parameters),
        steps=tuple(
            replace(step, gradients=tuple(rounded(g) for g in step.gradients)) for step in case.steps
        ),
    )
