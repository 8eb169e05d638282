"""Small witnesses: of a case that diverges, the last steps that do; and the same case in another type."""

from collections.abc import Iterator
from dataclasses import replace

from reference.rounding import round_to
from suites.case import Case, Gradient, Group, Parameter, Step, Trajectory
from suites.cases.trace import check


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
                lr=step.lr and tuple(step.lr[j] for j in kept),
            )
            for step in case.steps
        ),
    )


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
    tail = replace(
        case,
        parameters=tuple(
            Parameter(w[at], m[at], v[at])
            for w, m, v in zip(trajectory.w, trajectory.m, trajectory.v, strict=True)
        ),
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
        parameters=tuple(Parameter(*(round_to(x, dtype) for x in (p.w, p.m, p.v))) for p in case.parameters),
        steps=tuple(
            replace(step, gradients=tuple(rounded(g) for g in step.gradients)) for step in case.steps
        ),
    )
