"""Free running: reference and backend start together, and their distance is judged as it grows."""

from collections.abc import Sequence

import numpy as np

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.blocks import Running, advance
from lazyadam.reference.bound import State
from lazyadam.reference.dialect import Arithmetic, Dialect
from lazyadam.reference.rounding import PRECISIONS, REFERENCE_ROUNDOFF, Precision
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.judge.judgement import (
    QUANTITIES,
    Divergence,
    Judgement,
    Size,
    element,
    measure,
    quantities,
)
from lazyadam.suites.judge.stack import Builder, Segment, number_of, schedule, width_of


def free_running(
    cases: Sequence[Case],
    trajectories: Sequence[Trajectory],
    dialect: Dialect,
    arithmetic: Arithmetic,
    until: int | None = None,
) -> Judgement:
    """Run the reference beside the backend from the start, and judge it at every observed step.

    All cases are of one type and agree on Nesterov's form. until: the last step to take.
    """
    p = PRECISIONS[cases[0].dtype]
    steps = sum(
        sum(until is None or k <= until for k in c.observed[: len(t.t)])
        for c, t in zip(cases, trajectories, strict=True)
    )
    result = Judgement(np.zeros(len(cases)), steps, [], {})
    rules = Rules(p, dialect, arithmetic, cases[0].groups[0].hyperparameters.nesterov)
    schedules = [schedule(case) for case in cases]
    last = max(len(c.steps) for c in cases)
    for width in sorted({width_of(q.w) for case in cases for q in case.parameters}):
        members = [
            (i, n) for i, c in enumerate(cases) for n, q in enumerate(c.parameters) if width_of(q.w) == width
        ]
        parameters = [cases[i].parameters[n] for i, n in members]
        bases = np.cumsum([0, *(len(q.w) for q in parameters)])
        running = Running(
            State(
                *(
                    np.concatenate([getattr(q, x).reshape(-1, width) for q in parameters])
                    for x in quantities(dialect)
                )
            )
        )
        for k in range(1, min(last, until or last) + 1):
            builder = Builder(dialect, arithmetic, p, False)
            segments = [
                Segment(i, n, k, int(base), len(q.w))
                for (i, n), q, base in zip(members, parameters, bases, strict=False)
            ]
            for s in segments:
                if k <= len(cases[s.case].steps):
                    h = schedules[s.case][k - 1][s.parameter]
                    builder.add(s, cases[s.case], h, number_of(cases[s.case], k, s.parameter, dialect))
            stack = builder.stack(width)
            if len(stack.gradient.rows):
                advance(running, stack.gradient, stack.scalars, rules)
            seen = [s for s in segments if k in cases[s.case].observed[: len(trajectories[s.case].t)]]
            if seen:
                _judge(k, seen, running, cases, trajectories, p, result)
    return result


def _judge(
    k: int,
    segments: list[Segment],
    running: Running,
    cases: Sequence[Case],
    trajectories: Sequence[Trajectory],
    p: Precision,
    result: Judgement,
) -> None:
    """Compare all parameters that were observed after step k."""
    rows = np.concatenate([np.arange(s.base, s.base + s.count) for s in segments])
    starts = np.cumsum([0, *(s.count for s in segments)])[:-1]
    at = [cases[s.case].observed.index(k) for s in segments]
    for name, values, errors in zip(QUANTITIES[: len(running.start)], *running.now(), strict=True):
        value, error = values[rows], (1 + REFERENCE_ROUNDOFF / p.u) * errors[rows]
        seen = np.concatenate(
            [
                getattr(trajectories[s.case], name)[s.parameter][j].reshape(s.count, -1)
                for s, j in zip(segments, at, strict=True)
            ]
        )
        with np.errstate(all="ignore"):
            ratio = np.where(seen == value, 0.0, np.abs(seen - value) / error)
            unbounded = ~np.isfinite(value) | ~np.isfinite(error) | (np.abs(value) + error >= p.largest)
        ratio[unbounded] = 0.0
        ratio[np.isnan(ratio)] = np.inf
        result.sizes.setdefault((name, k), Size()).include(measure(seen, value, ratio, 0.0, p))
        result.beyond += int((ratio > 1).sum())
        worst = np.maximum.reduceat(ratio.max(axis=1), starts)
        np.maximum.at(result.worst, [s.case for s in segments], worst)
        for j in np.flatnonzero(worst > 1):
            s = segments[j]
            if any(f.case == s.case for f in result.divergences):
                continue
            row = int(starts[j]) + int(np.argmax(ratio[starts[j] : starts[j] + s.count].max(axis=1)))
            column = int(np.argmax(ratio[row]))
            result.divergences.append(
                Divergence(
                    name,
                    s.case,
                    k,
                    s.parameter,
                    element(row - int(starts[j]), column, cases[s.case].parameters[s.parameter].w),
                    float(seen[row, column]),
                    float(value[row, column]),
                    float(error[row, column]),
                    float(ratio[row, column]),
                )
            )
