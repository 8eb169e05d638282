"""Small witnesses: of a case that diverges, the step that does; and the same case in another type."""

from dataclasses import replace

from reference.rounding import round_to
from suites.case import Case, Gradient, Group, Parameter, Step, Trajectory
from suites.cases.trace import check


def cut(case: Case, trajectory: Trajectory, k: int) -> Case:
    """Step k alone, from the state that the backend had reached before it.

    The case up to step k where that can't be said: parameters of several step counts, no such state, or one
    that is no start.
    """
    schedule = case.schedule()[k - 1]
    upto = replace(case, steps=case.steps[:k], observed=tuple(i for i in case.observed if i <= k))
    if k == 1 or k - 1 not in case.observed[: len(trajectory.t)]:
        return upto
    at = case.observed.index(k - 1)
    counts = {int(t) for t in trajectory.t[at]}
    if len(counts) > 1:
        return upto
    alone = replace(
        case,
        parameters=tuple(
            Parameter(w[at], m[at], v[at])
            for w, m, v in zip(trajectory.w, trajectory.m, trajectory.v, strict=True)
        ),
        groups=tuple(Group(g.parameters, schedule[g.parameters[0]]) for g in case.groups),
        steps=(Step(case.steps[k - 1].gradients),),
        observed=(1,),
        t=counts.pop(),
    )
    try:
        check(alone)
    except ValueError:  # a faulty backend may have reached a state that is no start
        return upto
    return alone


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
