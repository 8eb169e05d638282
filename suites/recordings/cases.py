"""The steps of a recording as cases: one for each parameter in each step, from its recorded state."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step, Trajectory
from lazyadam.suites.cases.recording import Header, Recorded, Taken


@dataclass
class Judgeable:
    """Cases of one type with what became of them. places: number of the step, and parameter, of each."""

    cases: list[Case] = field(default_factory=list)
    trajectories: list[Trajectory] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)


def by_type(header: Header, steps: Iterable[Recorded]) -> dict[str, Judgeable]:
    """All that can be judged, by type."""
    found: dict[str, Judgeable] = defaultdict(Judgeable)
    for step in steps:
        for taken in step.taken:
            of = header.parameters[taken.parameter]
            judgeable = found[of.dtype]
            judgeable.cases.append(_case(taken, of.dtype))
            judgeable.trajectories.append(_trajectory(taken))
            judgeable.places.append((step.number, taken.parameter))
            judgeable.rows.append(taken.rows)
    return dict(found)


def least(case: Case, row: int) -> Case:
    """A case of one step in one of its rows; one that it does not name stands beside one that it does."""
    (p,), ((gradient,),) = case.parameters, [step.gradients for step in case.steps]
    named = gradient.rows if gradient is not None else np.empty(0, np.int64)
    beside = [] if named is None or row in named else np.unique(named)[:1]
    kept = np.unique([row, *beside]).astype(np.int64)
    if gradient is not None and named is None:
        gradient = Gradient(gradient.values[kept])
    elif gradient is not None and named is not None:
        there = np.isin(named, kept)
        gradient = Gradient(gradient.values[there], np.searchsorted(kept, named[there]))
    return replace(case, parameters=(p.each(lambda x: x[kept]),), steps=(Step((gradient,)),))


def _case(taken: Taken, dtype: str) -> Case:
    group = Group((0,), taken.hyperparameters)
    return Case(dtype, (Parameter(*taken.before),), (group,), (Step((taken.gradient,)),), (1,), t=taken.t[0])


def _trajectory(taken: Taken) -> Trajectory:
    w, m, v, *v_max = ([x[None]] for x in taken.after)
    return Trajectory(w, m, v, np.array([[taken.t[1]]]), v_max=v_max[0] if v_max else [])
