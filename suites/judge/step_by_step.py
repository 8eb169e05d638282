"""Step by step: every reported state is the start of one step of the reference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.blocks import blocks
from lazyadam.reference.bound import State, step
from lazyadam.reference.dialect import Arithmetic, Dialect, StepCount
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.rule import step_size, update
from lazyadam.reference.scalars import Scalars
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.judge.comparison import compare
from lazyadam.suites.judge.judgement import (
    QUANTITIES,
    SIGN,
    Divergence,
    Judgement,
    Size,
    element,
    measure,
    quantities,
)
from lazyadam.suites.judge.powers import with_powers_found
from lazyadam.suites.judge.run_again import RUN_AGAIN, run_again
from lazyadam.suites.judge.stack import (
    Builder,
    Segment,
    Stack,
    counted,
    expected_counts,
    row_counts,
    schedule,
    width_of,
)


@dataclass(frozen=True)
class Block:
    """Rows of many steps that are judged at once: the states before them, their gradients, and the rules."""

    cases: Sequence[Case]
    before: State
    stack: Stack
    rules: Rules


def step_by_step(
    cases: Sequence[Case],
    trajectories: Sequence[Trajectory],
    dialect: Dialect,
    arithmetic: Arithmetic,
    sizes: bool = False,
    strict_epsilon: bool = False,
) -> Judgement:
    """Judge every observed step whose preceding state was observed too.

    All cases are of one type. sizes: also measure how far off each quantity was (`Judgement.sizes`).
    strict_epsilon: see `Rules`. Cases that ask to be run again are judged by that alone.
    """
    if cases and cases[0].manner & RUN_AGAIN:
        return run_again(cases, trajectories)
    steps = sum(
        sum(1 for k in c.observed[: len(t.t)] if k == 1 or k - 1 in c.observed)
        for c, t in zip(cases, trajectories, strict=True)
    )
    result = Judgement(np.zeros(len(cases)), steps, [], {})
    for nesterov in (False, True):
        chosen = [i for i, c in enumerate(cases) if c.groups[0].hyperparameters.nesterov is nesterov]
        rules = Rules(PRECISIONS[cases[0].dtype], dialect, arithmetic, nesterov, strict_epsilon)
        widths = {i: {width_of(p.w) for p in cases[i].parameters} for i in chosen}
        for width in sorted(set().union(*widths.values())):
            with_it = [i for i in chosen if width in widths[i]]
            _judge_width(cases, trajectories, with_it, width, rules, sizes, result)
    _check_counts(cases, trajectories, dialect, result)
    result.divergences.sort(key=lambda divergence: (divergence.case, -divergence.ratio))
    return result


def _judge_width(
    cases: Sequence[Case],
    trajectories: Sequence[Trajectory],
    chosen: list[int],
    width: int,
    rules: Rules,
    sizes: bool,
    result: Judgement,
) -> None:
    builder = Builder(rules.dialect, rules.arithmetic, rules.type, sizes)
    kept = quantities(rules.dialect)
    befores: list[list[np.ndarray]] = [[] for _ in kept]
    afters: list[list[np.ndarray]] = [[] for _ in kept]
    base = 0
    for i in chosen:
        case, trajectory = cases[i], trajectories[i]
        seen = case.observed[: len(trajectory.t)]
        if not seen:
            continue
        pairs = [j for j, k in enumerate(seen) if k == 1 or (j and seen[j - 1] == k - 1)]
        hyperparameters = schedule(case)
        for n, parameter in enumerate(case.parameters):
            if width_of(parameter.w) != width:
                continue
            count = len(parameter.w)
            for q, name in enumerate(kept):
                quantity, start = getattr(trajectory, name)[n], getattr(parameter, name)
                flat = np.concatenate([start[None], quantity]).reshape(-1, count, width)
                befores[q].append(flat[pairs].reshape(-1, width))
                afters[q].append(flat[[j + 1 for j in pairs]].reshape(-1, width))
            for j in pairs:
                t = counted(case, trajectory, j, n, rules.dialect)
                h = hyperparameters[seen[j] - 1][n]
                builder.add(Segment(i, n, seen[j], base, count), case, h, t + 1)
                base += count
    if not base:
        return
    before = State(*(np.concatenate(x) for x in befores))
    after = State(*(np.concatenate(x) for x in afters))
    stack = with_powers_found(builder, builder.stack(width), before, after, rules)
    _untouched(before, after, stack, base, cases, result)
    for at in blocks(len(stack.gradient.rows), width, rules):
        _judge_block(Block(cases, before, stack.part(at), rules), after, result)


def _judge_block(block: Block, after: State, result: Judgement) -> None:
    before, stack, rules = block.before, block.stack, block.rules
    bounded = step(before, stack.gradient, stack.scalars, rules)
    values, bounds, _ = bounded
    observed = State(*(x[stack.gradient.rows] for x in after))
    ratios = compare(before, stack, bounded, observed, rules)
    if stack.exact is not None:
        gaps = _gaps(block)
        names = quantities(rules.dialect)
        for name, seen, value, ratio, gap in zip(names, observed, values, ratios, gaps, strict=True):
            size = result.sizes.setdefault((name, 0), Size())
            size.include(measure(seen, value, ratio, gap, rules.precision))
    case = np.array([s.case for s in stack.segments])[stack.owner]
    for q, ratio in enumerate(ratios):
        by_row = ratio.max(axis=1)
        np.maximum.at(result.worst, case, by_row)
        result.beyond += int((ratio > 1).sum())
        result.divergences += (
            _divergence(block, QUANTITIES[q], row, (observed[q], values[q], bounds[q], ratio))
            for row in _worst_rows(by_row, case)
        )


def _worst_rows(by_row: np.ndarray, case: np.ndarray) -> Iterator[int]:
    """The worst row of every case that has a ratio above 1."""
    over = np.flatnonzero(by_row > 1)
    for i in np.unique(case[over]):
        mine = over[case[over] == i]
        yield int(mine[np.argmax(by_row[mine])])


def _divergence(block: Block, quantity: str, row: int, numbers: tuple[np.ndarray, ...]) -> Divergence:
    """numbers: what was observed, is expected, may be off, and the ratio, of all rows."""
    stack, (*_, ratio) = block.stack, numbers
    segment = stack.segments[stack.owner[row]]
    column = int(np.argmax(ratio[row]))
    seen, expected, bound, worst = (float(x[row, column]) for x in numbers)
    index = int(stack.gradient.rows[row])
    same = np.flatnonzero(stack.gradient.rows == index)  # the last occurrence is the one that m and v keep
    # The row alone, in the place of all: few are told, and the rest of the stack need not be kept.
    start, scalars = State(*(x[[index]] for x in block.before)), stack.scalars.part([row])
    gradient = replace(stack.gradient.part(same), rows=np.zeros(len(same), np.int64))

    def intermediates() -> dict[str, float]:
        inner = step(start, gradient, scalars, block.rules).inner
        return {
            "√v": float(inner.root[-1, column]),
            "denominator": float(inner.denominator[-1, column]),
            "quotient": float(inner.quotient[-1, column]),
            "step size": float(np.squeeze(step_size(scalars, block.rules.epsilon))),
        }

    return Divergence(
        quantity,
        segment.case,
        segment.step,
        segment.parameter,
        element(index - segment.base, column, block.cases[segment.case].parameters[segment.parameter].w),
        seen,
        expected,
        bound,
        worst,
        intermediates,
    )


def _untouched(
    before: State,
    after: State,
    stack: Stack,
    count: int,
    cases: Sequence[Case],
    result: Judgement,
) -> None:
    """Rows that no gradient names: bit for bit as before. Of zero the sign is a divergence of its own."""
    frozen = np.ones(count, bool)
    frozen[stack.gradient.rows] = False
    bases, owners = (np.array([getattr(s, name) for s in stack.segments]) for name in ("base", "case"))
    for quantity, old, new in zip(QUANTITIES[: len(before)], before, after, strict=True):
        differs = (old.view(np.int64) != new.view(np.int64)) & frozen[:, None]
        rows = np.flatnonzero(differs.any(axis=1))
        segments = np.searchsorted(bases, rows, side="right") - 1
        result.worst[owners[segments]] = np.inf
        moved = differs[rows] & (old[rows] != new[rows])
        # Of each case the first row, of those that moved and of those where a zero has another sign.
        kinds = np.stack([owners[segments], moved.any(axis=1)])
        for at in np.sort(np.unique(kinds, axis=1, return_index=True)[1]):
            row, segment = int(rows[at]), stack.segments[segments[at]]
            what = f"untouched {quantity}" if moved[at].any() else f"untouched {quantity}{SIGN}"
            if any(f.case == segment.case and f.quantity == what for f in result.divergences):
                continue
            column = int(np.argmax(moved[at] if moved[at].any() else differs[row]))
            weights = cases[segment.case].parameters[segment.parameter].w
            result.divergences.append(
                Divergence(
                    what,
                    segment.case,
                    segment.step,
                    segment.parameter,
                    element(row - segment.base, column, weights),
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
        wrong = _wrong_count(case, trajectory, dialect)
        if wrong is not None:
            step, parameter, row, seen, expected = wrong
            result.worst[i] = np.inf
            result.divergences.append(
                Divergence("t", i, step, parameter, row, float(seen), float(expected), 0.0, np.inf)
            )


def _wrong_count(
    case: Case, trajectory: Trajectory, dialect: Dialect
) -> tuple[int, int, tuple[int, ...], int, int] | None:
    """The first step count that is wrong: step, parameter, row where rows count, what it is, and is to be."""
    observed = case.observed[: len(trajectory.t)]
    if dialect.step_count is not StepCount.ROW:
        seen = trajectory.t[: len(observed)]
        expected = expected_counts(case, dialect)[np.array(observed, np.int64) - 1]
        for j, n in np.argwhere(seen != expected).tolist():
            return observed[j], n, (), int(seen[j, n]), int(expected[j, n])
        return None
    for j, k in enumerate(observed):
        for n, counts in enumerate(row_counts(case, dialect)):
            of_rows = counted(case, trajectory, j + 1, n, dialect) * np.ones(counts.shape[1], np.int64)
            for row in np.flatnonzero(of_rows != counts[k - 1]).tolist():
                return k, n, (row,), int(of_rows[row]), int(counts[k - 1, row])
    return None


def _gaps(block: Block) -> list[float]:
    """The largest relative difference between the decimals as written and the replayed chain.

    Of the moments themselves, and of the change of w.
    """
    stack, rules = block.stack, block.rules
    assert stack.exact is not None
    w, *kept = (x[stack.gradient.rows] for x in block.before)
    g = stack.gradient.values

    def formula(s: Scalars) -> State:
        g_in = s.sign * g / s.scale + s.decay * w
        new = State(np.zeros_like(w), *(x.copy() for x in kept))
        update(
            new.w, new.m, new.v, g_in, g_in * g_in, s, rules.dialect, rules.epsilon, rules.nesterov, new.v_max
        )
        return new

    with np.errstate(all="ignore"):
        written, chained = formula(stack.exact), formula(stack.scalars)
        gaps = []
        for a, c in zip(written, chained, strict=True):
            gap = np.abs(a - c) / np.abs(c)
            gaps.append(float(gap[np.isfinite(gap)].max(initial=0.0)))
    return gaps
