"""The judge: compares trajectories with the reference, element by element, under the bound.

Two ways. Step by step: every state that the backend reported is the start of one reference step, so
errors do not accumulate, and all steps of all cases are one stacked call. Free running: reference and
backend start together and run on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from reference.dialect import Arithmetic, Dialect, EmptyGradient, StepCount, Untouched
from reference.gradient import coalesce
from reference.lazy_adam import (
    Gradient,
    Index,
    Rules,
    Running,
    State,
    advance,
    blocks,
    scattered,
    step,
    update,
)
from reference.rounding import PRECISIONS, REFERENCE_ROUNDOFF, Errors, Precision
from reference.scalars import Hyperparameters, Scalars, exact, replayed
from suites.case import Case, Trajectory

QUANTITIES = ("w", "m", "v")


@dataclass
class Finding:
    """One element that is not as it should be; message() says it in words."""

    quantity: str
    case: int
    step: int
    parameter: int
    element: tuple[int, ...]
    value: float
    expected: float
    bound: float
    ratio: float
    intermediates: dict[str, float] = field(default_factory=dict)

    def message(self) -> str:
        error = abs(self.value - self.expected)
        inner = ", ".join(f"{name} = {x:.9g}" for name, x in self.intermediates.items())
        return (
            f"{self.quantity}[{', '.join(map(str, self.element))}] of parameter {self.parameter} after "
            f"step {self.step} = {self.value:.17g}, but should be {self.expected:.17g}: "
            f"error {error:.3g}, bound {self.bound:.3g}, ratio {self.ratio:.3g}"
            + (f" ({inner})" if inner else "")
        )


@dataclass
class Size:
    """How far off a quantity was at most: in ulps, absolutely, relatively, and against the bound."""

    ulp: float = 0.0
    absolute: float = 0.0
    relative: float = 0.0
    ratio: float = 0.0
    gap: float = 0.0

    def include(self, other: "Size") -> None:
        for name, x in vars(other).items():
            setattr(self, name, max(getattr(self, name), x))


@dataclass
class Judgement:
    """What the judge saw.

    worst: each case's largest ratio (a difference without a bound counts as infinite). findings: for
    each case that diverges its worst element. sizes: by quantity and, free running, by step.
    """

    worst: np.ndarray
    steps: int
    findings: list[Finding]
    sizes: dict[tuple[str, int], Size]


@dataclass
class _Segment:
    """The rows of one parameter at one step of one case, in the stack that starts at `base`."""

    case: int
    parameter: int
    step: int
    base: int
    count: int


@dataclass
class _Stack:
    """Segments of one width with their gradients, ready for one call of the reference."""

    segments: list[_Segment]
    gradient: Gradient
    scalars: Scalars
    exact: Scalars | None
    owner: np.ndarray  # the segment of each of the gradient's rows

    def part(self, at: Index) -> "_Stack":
        """The stack with some of the gradient's rows."""
        exact = None if self.exact is None else self.exact.part(at)
        return _Stack(self.segments, self.gradient.part(at), self.scalars.part(at), exact, self.owner[at])


class _Builder:
    """Collects the gradients of many segments of one width and makes one stack of them."""

    def __init__(self, dialect: Dialect, arithmetic: Arithmetic, p: Precision, gap: bool) -> None:
        self.dialect, self.arithmetic, self.p, self.gap = dialect, arithmetic, p, gap
        self.segments: list[_Segment] = []
        self.rows: list[np.ndarray] = []
        self.values: list[np.ndarray] = []
        self.present: list[np.ndarray] = []
        self.scalars: list[Scalars] = []
        self.exact: list[Scalars] = []
        self.filled = False

    def add(self, segment: _Segment, case: Case, h: Hyperparameters, t: int) -> None:
        gradient = case.steps[segment.step - 1].gradients[segment.parameter]
        self.segments.append(segment)
        self.scalars.append(replayed(h, t, self.arithmetic, self.p))
        if self.gap:
            self.exact.append(exact(h, t))
        if gradient is None:
            return
        if gradient.rows is None:
            self._extend(np.arange(segment.count), gradient.values, segment, True)
            return
        self._extend(gradient.rows, gradient.values, segment, True)
        if self.dialect.untouched is Untouched.DENSE:
            shape = case.parameters[segment.parameter].w.shape
            self._extend(np.arange(segment.count), np.zeros(shape), segment, False)
            self.filled = True

    def _extend(self, rows: np.ndarray, values: np.ndarray, segment: _Segment, present: bool) -> None:
        self.rows.append(rows + segment.base)
        self.values.append(values.reshape(len(rows), int(np.prod(values.shape[1:]))))
        self.present.append(np.full(len(rows), present))

    def stack(self, width: int) -> _Stack:
        rows = np.concatenate(self.rows) if self.rows else np.empty(0, np.int64)
        values = np.concatenate(self.values) if self.values else np.empty((0, width))
        present = np.concatenate(self.present) if self.filled else None
        gradient = coalesce(rows, values, self.dialect.duplicates, self.p, present=present)
        if len(self.segments) == 1:
            owner = np.zeros(len(gradient.rows), np.int64)
        else:
            bases = np.array([s.base for s in self.segments], np.int64)
            owner = np.searchsorted(bases, gradient.rows, side="right") - 1
        return _Stack(
            self.segments,
            gradient,
            _columns(self.scalars, owner),
            _columns(self.exact, owner) if self.gap else None,
            owner,
        )


def _columns(scalars: list[Scalars], owner: np.ndarray) -> Scalars:
    """One column a scalar, one entry for each row; a plain float where all are equal."""
    if len(scalars) == 1:
        return scalars[0]
    table = np.array(scalars, np.float64).reshape(len(scalars), len(Scalars._fields))
    if len(table) and (table == table[0]).all():
        return Scalars(*table[0].tolist())
    return Scalars(*(table[owner, i][:, None] for i in range(table.shape[1])))


def step_by_step(
    cases: Sequence[Case],
    trajectories: Sequence[Trajectory],
    dialect: Dialect,
    arithmetic: Arithmetic,
    sizes: bool = False,
) -> Judgement:
    """Judge every observed step whose preceding state was observed too.

    All cases are of one type. sizes: also measure how far off each quantity was (`Judgement.sizes`).
    """
    result = Judgement(np.zeros(len(cases)), 0, [], {})
    for nesterov in (False, True):
        chosen = [i for i, c in enumerate(cases) if c.groups[0].hyperparameters.nesterov is nesterov]
        for width in sorted({_width(p.w) for i in chosen for p in cases[i].parameters}):
            _judge_width(cases, trajectories, chosen, width, dialect, arithmetic, nesterov, sizes, result)
    result.steps = sum(
        sum(1 for k in c.observed[: len(t.t)] if k == 1 or k - 1 in c.observed)
        for c, t in zip(cases, trajectories, strict=True)
    )
    _check_counts(cases, trajectories, dialect, result)
    result.findings.sort(key=lambda finding: (finding.case, -finding.ratio))
    return result


def _width(x: np.ndarray) -> int:
    return int(np.prod(x.shape[1:]))


def _judge_width(
    cases: Sequence[Case],
    trajectories: Sequence[Trajectory],
    chosen: list[int],
    width: int,
    dialect: Dialect,
    arithmetic: Arithmetic,
    nesterov: bool,
    sizes: bool,
    result: Judgement,
) -> None:
    p = PRECISIONS[cases[0].dtype]
    builder = _Builder(dialect, arithmetic, p, sizes)
    befores: list[list[np.ndarray]] = [[], [], []]
    afters: list[list[np.ndarray]] = [[], [], []]
    base = 0
    for i in chosen:
        case, trajectory = cases[i], trajectories[i]
        seen = case.observed[: len(trajectory.t)]
        if not seen:
            continue
        pairs = [j for j, k in enumerate(seen) if k == 1 or (j and seen[j - 1] == k - 1)]
        schedule = case.schedule()
        for n, parameter in enumerate(case.parameters):
            if _width(parameter.w) != width:
                continue
            count = len(parameter.w)
            for q, (quantity, start) in enumerate(
                (
                    (trajectory.w[n], parameter.w),
                    (trajectory.m[n], parameter.m),
                    (trajectory.v[n], parameter.v),
                )
            ):
                flat = np.concatenate([start[None], quantity]).reshape(-1, count, width)
                befores[q].append(flat[pairs].reshape(-1, width))
                afters[q].append(flat[[j + 1 for j in pairs]].reshape(-1, width))
            for j in pairs:
                t = int(trajectory.t[j - 1, n]) if j else case.t
                h = schedule[seen[j] - 1][n]
                builder.add(_Segment(i, n, seen[j], base, count), case, h, t + 1)
                base += count
    if not base:
        return
    before = State(*(np.concatenate(x) for x in befores))
    after = State(*(np.concatenate(x) for x in afters))
    stack = builder.stack(width)
    rules = Rules(p, dialect, arithmetic, nesterov)
    _untouched(before, after, stack, base, cases, result)
    for at in blocks(len(stack.gradient.rows), width, rules):
        _judge_block(before, after, stack.part(at), cases, rules, result)


def _judge_block(
    before: State, after: State, stack: _Stack, cases: Sequence[Case], rules: Rules, result: Judgement
) -> None:
    values, bounds, _ = step(before, stack.gradient, stack.scalars, rules)
    observed = State(*(x[stack.gradient.rows] for x in after))
    ratios = compare(before, stack, values, bounds, observed, rules.precision)
    if stack.exact is not None:
        _measure(before, stack, values, bounds, observed, ratios, rules, result)
    case = np.array([s.case for s in stack.segments])[stack.owner]
    for q, ratio in enumerate(ratios):
        by_row = ratio.max(axis=1)
        np.maximum.at(result.worst, case, by_row)
        for row in _worst_rows(by_row, case):
            result.findings.append(
                _finding(
                    QUANTITIES[q], row, ratio, values[q], bounds[q], observed[q], stack, before, cases, rules
                )
            )


def _worst_rows(by_row: np.ndarray, case: np.ndarray) -> Iterator[int]:
    """The worst row of every case that has a ratio above 1."""
    over = np.flatnonzero(by_row > 1)
    for i in np.unique(case[over]):
        mine = over[case[over] == i]
        yield int(mine[np.argmax(by_row[mine])])


def _finding(
    quantity: str,
    row: int,
    ratio: np.ndarray,
    values: np.ndarray,
    bounds: np.ndarray,
    observed: np.ndarray,
    stack: _Stack,
    before: State,
    cases: Sequence[Case],
    rules: Rules,
) -> Finding:
    segment = stack.segments[stack.owner[row]]
    column = int(np.argmax(ratio[row]))
    index = int(stack.gradient.rows[row])
    shape = cases[segment.case].parameters[segment.parameter].w.shape
    same: Index = np.flatnonzero(stack.gradient.rows == index) if scattered(rules) else [row]

    scalars = stack.scalars.part([row])
    inner = step(before, stack.gradient.part(same), scalars, rules).inner
    return Finding(
        quantity,
        segment.case,
        segment.step,
        segment.parameter,
        (index - segment.base, *(int(i) for i in np.unravel_index(column, shape[1:]))),
        float(observed[row, column]),
        float(values[row, column]),
        float(bounds[row, column]),
        float(ratio[row, column]),
        {
            "√v": float(inner.root[-1, column]),
            "denominator": float(inner.denominator[-1, column]),
            "quotient": float(inner.quotient[-1, column]),
            "step size": float(np.squeeze(scalars.alpha)),
        },
    )


def _untouched(
    before: State,
    after: State,
    stack: _Stack,
    count: int,
    cases: Sequence[Case],
    result: Judgement,
) -> None:
    """Rows that no gradient names: bit for bit as before."""
    frozen = np.ones(count, bool)
    frozen[stack.gradient.rows] = False
    bases = np.array([s.base for s in stack.segments])
    for quantity, old, new in zip(QUANTITIES, before, after, strict=True):
        differs = (old.view(np.int64) != new.view(np.int64)) & frozen[:, None]
        for row in np.flatnonzero(differs.any(axis=1)):
            segment = stack.segments[int(np.searchsorted(bases, row, side="right")) - 1]
            result.worst[segment.case] = np.inf
            if any(f.case == segment.case and f.quantity == f"untouched {quantity}" for f in result.findings):
                continue
            column = int(np.argmax(differs[row]))
            shape = cases[segment.case].parameters[segment.parameter].w.shape
            element = (int(row) - segment.base, *(int(i) for i in np.unravel_index(column, shape[1:])))
            result.findings.append(
                Finding(
                    f"untouched {quantity}",
                    segment.case,
                    segment.step,
                    segment.parameter,
                    element,
                    float(new[row, column]),
                    float(old[row, column]),
                    0.0,
                    np.inf,
                )
            )


def _check_counts(
    cases: Sequence[Case], trajectories: Sequence[Trajectory], dialect: Dialect, result: Judgement
) -> None:
    """The step counts that the backend reports."""
    for i, (case, trajectory) in enumerate(zip(cases, trajectories, strict=True)):
        expected = expected_counts(case, dialect)
        for j, k in enumerate(case.observed[: len(trajectory.t)]):
            for n in np.flatnonzero(trajectory.t[j] != expected[k - 1]):
                result.worst[i] = np.inf
                result.findings.append(
                    Finding(
                        "t",
                        i,
                        k,
                        int(n),
                        (),
                        float(trajectory.t[j, n]),
                        float(expected[k - 1][n]),
                        0.0,
                        np.inf,
                    )
                )
                break
            else:
                continue
            break


def expected_counts(case: Case, dialect: Dialect) -> np.ndarray:
    """The step count of every parameter after every step: (steps, parameters)."""

    def counts(gradient: object) -> bool:
        if dialect.step_count is StepCount.OPTIMIZER:
            return True
        return gradient is not None and not (
            dialect.empty_gradient is EmptyGradient.SKIPPED
            and getattr(gradient, "rows", None) is not None
            and len(gradient.rows) == 0  # type: ignore[attr-defined]
        )

    taken = [[counts(g) for g in s.gradients] for s in case.steps]
    return case.t + np.cumsum(np.array(taken, np.int64).reshape(len(case.steps), -1), axis=0)


def compare(
    before: State, stack: _Stack, values: State, bounds: Errors, observed: State, p: Precision
) -> Errors:
    """The ratio error / bound of every element of w, m and v.

    Twice the bound for float64, where the reference rounds as the backend does. Where a number is not
    finite or an operation may overflow, the class of the result decides: 0 or infinite.
    """
    slack = 1 + REFERENCE_ROUNDOFF / p.u
    with np.errstate(all="ignore"):
        ratios = Errors(
            *(
                np.where(o == x, 0.0, np.abs(o - x) / (slack * e))
                for o, x, e in zip(observed, values, bounds, strict=True)
            )
        )
        special = _special(before, stack, values, bounds, p)
    if special.any():
        _by_class(special, before, stack, values, bounds, observed, ratios, p)
    for ratio in ratios:
        ratio[np.isnan(ratio)] = np.inf
    return ratios


def _special(before: State, stack: _Stack, values: State, bounds: Errors, p: Precision) -> np.ndarray:
    """Elements where something is not finite, or may become so in some order of evaluation."""
    rows = stack.gradient.rows
    g = stack.gradient.values
    limit = p.largest / 8
    ordinary = (np.abs(g) < np.sqrt(p.largest) / 8) & (np.abs(before.m[rows]) < limit)
    for x in (before.w[rows], before.v[rows], *values):
        ordinary &= np.abs(x) < limit
    for e in bounds:
        ordinary &= e < limit
    return ~ordinary


def _by_class(
    special: np.ndarray,
    before: State,
    stack: _Stack,
    values: State,
    bounds: Errors,
    observed: State,
    ratios: Errors,
    p: Precision,
) -> None:
    """Judge the special elements by class, in place.

    Certain: NaN in gives NaN out; infinity in gives infinity or NaN (∞ − ∞ in m + ω(g − m)); what is
    surely beyond the largest number is infinite; a v that overflows leaves w as it was, or moves it by
    the wider v where only the stored one overflows.
    Where orders of evaluation legitimately differ (g² overflows and ω2·g² does not; g − m overflows
    and β·m + ω·g does not; ε lost, and v perhaps zero), every class is right.
    """
    rows = stack.gradient.rows[np.nonzero(special)[0]]
    column = np.nonzero(special)[1]
    w, m, v = (x[rows, column] for x in (before.w, before.m, before.v))
    scale, sign, omega2 = (
        np.broadcast_to(x, special.shape)[special]
        for x in (stack.scalars.scale, stack.scalars.sign, stack.scalars.omega2)
    )
    with np.errstate(all="ignore"):
        g = sign * stack.gradient.values[special] / scale
        size = np.abs(g)
        beyond = p.largest * (1 + 4 * p.u)
        nan_m, nan_v = np.isnan(g) | np.isnan(m), np.isnan(g) | np.isnan(v)
        infinite_m, infinite_v = np.isinf(g) | np.isinf(m), np.isinf(g) | np.isinf(v)
        sure_m = np.abs(values.m[special]) - bounds.m[special] > beyond
        may_m = size + np.abs(m) > p.largest / 8
        sure_v = np.sqrt(omega2) * size > np.sqrt(p.largest) * (1 + 8 * p.u)
        may_v = (size > np.sqrt(p.largest) / 8) | (v > p.largest / 8)

        seen_w, seen_m, seen_v = (x[special] for x in observed)
        bounded_w, bounded_m, bounded_v = (r[special] <= 1 for r in ratios)
        good_m = np.select(
            [nan_m, infinite_m, sure_m, may_m],
            [np.isnan(seen_m), ~np.isfinite(seen_m), ~np.isfinite(seen_m), bounded_m | ~np.isfinite(seen_m)],
            bounded_m,
        )
        good_v = np.select(
            [nan_v, infinite_v, sure_v, may_v],
            [np.isnan(seen_v), ~np.isfinite(seen_v), ~np.isfinite(seen_v), bounded_v | ~np.isfinite(seen_v)],
            bounded_v,
        )
        kept = sure_v & ~infinite_v & np.isfinite(seen_m) & ~nan_m
        certain = ~(may_m | may_v | infinite_m | infinite_v | ~np.isfinite(bounds.w[special]))
        good_w = np.select(
            [nan_m | np.isnan(w), kept, certain],
            [
                np.isnan(seen_w),
                (seen_w == w) | bounded_w | ~np.isfinite(w),
                bounded_w | (np.abs(values.w[special]) > p.largest / 8),
            ],
            True,
        )
    for ratio, good in zip(ratios, (good_w, good_m, good_v), strict=True):
        ratio[special] = np.where(good, np.minimum(np.nan_to_num(ratio[special], nan=0.0), 1.0), np.inf)


def _measure(
    before: State,
    stack: _Stack,
    values: State,
    bounds: Errors,
    observed: State,
    ratios: Errors,
    rules: Rules,
    result: Judgement,
    at: int = 0,
) -> None:
    """How far off each quantity was, and the specification gap, over the finite elements."""
    p = rules.precision
    gaps = _gaps(before, stack, values, rules) if stack.exact is not None else (0.0, 0.0, 0.0)
    for q, name in enumerate(QUANTITIES):
        result.sizes.setdefault((name, at), Size()).include(
            measure(observed[q], values[q], ratios[q], gaps[q], p)
        )


def measure(seen: np.ndarray, value: np.ndarray, ratio: np.ndarray, gap: float, p: Precision) -> Size:
    """The largest differences between `seen` and `value`, in every unit."""
    finite = np.isfinite(seen) & np.isfinite(value)
    seen, value = seen[finite], value[finite]
    if not seen.size:
        return Size(gap=gap)
    difference = np.abs(seen - value)
    with np.errstate(all="ignore"):
        ulp = np.maximum(2.0 ** np.floor(np.log2(np.abs(value))) * 2 * p.u, 2 * p.eta)
        relative = np.where(difference == 0, 0.0, difference / np.abs(value))
    return Size(
        float((difference / ulp).max()),
        float(difference.max()),
        float(relative[np.isfinite(relative)].max(initial=0.0)),
        float(ratio.max()),
        gap,
    )


def _gaps(before: State, stack: _Stack, values: State, rules: Rules) -> tuple[float, float, float]:
    """The largest relative difference between the decimals as written and the replayed chain.

    Of m and v themselves, and of the change of w.
    """
    assert stack.exact is not None
    w, m, v = (x[stack.gradient.rows] for x in (before.w, before.m, before.v))
    g = stack.gradient.values

    def formula(s: Scalars) -> State:
        g_in = s.sign * g / s.scale + s.decay * w
        new = State(np.zeros_like(w), m.copy(), v.copy())
        update(*new, g_in, g_in * g_in, s, rules.dialect.epsilon, rules.nesterov)
        return new

    with np.errstate(all="ignore"):
        written, chained = formula(stack.exact), formula(stack.scalars)
        gaps = []
        for a, c in zip(written, chained, strict=True):
            gap = np.abs(a - c) / np.abs(c)
            gaps.append(float(gap[np.isfinite(gap)].max(initial=0.0)))
    return gaps[0], gaps[1], gaps[2]


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
    result = Judgement(np.zeros(len(cases)), 0, [], {})
    rules = Rules(p, dialect, arithmetic, cases[0].groups[0].hyperparameters.nesterov)
    counts = [expected_counts(case, dialect) for case in cases]
    schedules = [case.schedule() for case in cases]
    for width in sorted({_width(q.w) for case in cases for q in case.parameters}):
        members = [
            (i, n) for i, c in enumerate(cases) for n, q in enumerate(c.parameters) if _width(q.w) == width
        ]
        bases = np.cumsum([0] + [len(cases[i].parameters[n].w) for i, n in members])
        start = [
            np.concatenate([getattr(cases[i].parameters[n], q).reshape(-1, width) for i, n in members])
            for q in QUANTITIES
        ]
        running = Running(State(*start))
        last = max(len(c.steps) for c in cases)
        for k in range(1, min(last, until or last) + 1):
            builder = _Builder(dialect, arithmetic, p, False)
            for (i, n), base in zip(members, bases, strict=False):
                case = cases[i]
                if k <= len(case.steps):
                    segment = _Segment(i, n, k, int(base), len(case.parameters[n].w))
                    builder.add(segment, case, schedules[i][k - 1][n], int(counts[i][k - 1, n]))
            stack = builder.stack(width)
            if len(stack.gradient.rows):
                advance(running, stack.gradient, stack.scalars, rules)
            if any(k in c.observed for c in cases):
                _judge_free(k, members, bases, running, cases, trajectories, p, result)
    result.steps = sum(
        sum(until is None or k <= until for k in c.observed[: len(t.t)])
        for c, t in zip(cases, trajectories, strict=True)
    )
    return result


def _judge_free(
    k: int,
    members: list[tuple[int, int]],
    bases: np.ndarray,
    running: Running,
    cases: Sequence[Case],
    trajectories: Sequence[Trajectory],
    p: Precision,
    result: Judgement,
) -> None:
    slack = 1 + REFERENCE_ROUNDOFF / p.u
    state, bounds = running.now()
    for (i, n), base in zip(members, bases, strict=False):
        case, trajectory = cases[i], trajectories[i]
        if k not in case.observed[: len(trajectory.t)]:
            continue
        j = case.observed.index(k)
        count = len(case.parameters[n].w)
        for name, values, errors in zip(QUANTITIES, state, bounds, strict=True):
            value, error = values[base : base + count], slack * errors[base : base + count]
            seen = getattr(trajectory, name)[n][j].reshape(count, -1)
            with np.errstate(all="ignore"):
                ratio = np.where(seen == value, 0.0, np.abs(seen - value) / error)
                unbounded = ~np.isfinite(value) | ~np.isfinite(error) | (np.abs(value) > p.largest / 8)
            ratio[unbounded] = 0.0
            ratio[np.isnan(ratio)] = np.inf
            result.sizes.setdefault((name, k), Size()).include(measure(seen, value, ratio, 0.0, p))
            worst = float(ratio.max(initial=0.0))
            result.worst[i] = max(result.worst[i], worst)
            if worst > 1 and not any(f.case == i for f in result.findings):
                at = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
                shape = case.parameters[n].w.shape
                element = (int(at[0]), *(int(x) for x in np.unravel_index(int(at[1]), shape[1:])))
                result.findings.append(
                    Finding(
                        name, i, k, n, element, float(seen[at]), float(value[at]), float(error[at]), worst
                    )
                )
