"""Small witnesses: of a case that diverges, the step that does."""

from dataclasses import replace

from suites.case import Case, Group, Parameter, Step, Trajectory


def cut(case: Case, trajectory: Trajectory) -> Case:
    """The last step alone, from the state that the backend had reached before it.

    The case itself where that can't be said: it has one step, or parameters of several step counts.
    """
    last = len(case.steps) - 1
    if not last or last not in case.observed[: len(trajectory.t)]:
        return case
    at = case.observed.index(last)
    counts = {int(t) for t in trajectory.t[at]}
    if len(counts) > 1:
        return case
    schedule = case.schedule()[last]
    return replace(
        case,
        parameters=tuple(
            Parameter(w[at], m[at], v[at])
            for w, m, v in zip(trajectory.w, trajectory.m, trajectory.v, strict=True)
        ),
        groups=tuple(Group(g.parameters, schedule[g.parameters[0]]) for g in case.groups),
        steps=(Step(case.steps[last].gradients),),
        observed=(1,),
        t=counts.pop(),
    )
