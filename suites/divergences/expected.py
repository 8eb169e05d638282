"""What is documented along a case, from start to end, and how far a correct implementation may be from it.

A script (suites/divergences/reproducer.py) computes the same by a short formula, beside the backend.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.blocks import Running, advance
from lazyadam.reference.bound import State
from lazyadam.reference.dialect import Arithmetic, Dialect, Epsilon, Power, WeightDecay
from lazyadam.reference.rounding import PRECISIONS, REFERENCE_ROUNDOFF, Errors, Precision
from lazyadam.reference.rule import of_maximum
from lazyadam.reference.scalars import Hyperparameters, exact
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.judge.fitting import arithmetics
from lazyadam.suites.judge.judgement import QUANTITIES, quantities
from lazyadam.suites.judge.stack import Builder, Segment, Stack, expected_counts, number_of, width_of

# How the formula of a script computes: float64 throughout, and β^t by a power.
FORMULA = Arithmetic(power=Power.FLOAT64)
NEAR = 64  # of the largest number: what comes so close to it may overflow in some order of evaluation
LEAST = 1e-300  # for a bound of 0, so that an error can be divided by it


@dataclass
class Expected:
    """By step and parameter: the state as documented, the bounds on its errors, and the step counts.

    An infinite bound says that any result is right; where a value is not finite and its bound is 0, itself
    or NaN.
    """

    values: list[list[State]]
    bounds: list[list[Errors]]
    counts: np.ndarray

    @property
    def special(self) -> bool:
        """Whether a value that is not finite is expected somewhere."""
        return any(not np.isfinite(x).all() for step in self.values for state in step for x in state)


def expected(
    case: Case, dialect: Dialect, arithmetics: Sequence[Arithmetic], strict_epsilon: bool
) -> Expected:
    """What a dialect makes of a case, and how far one that computes in any of these ways may be from that.

    In float64 the formula of a script is rounded as the backend is: hence the slack, as in the judge. What it
    loses in 1 − β^t is in the bound too: it is compared with what it gives, not with what is exact.
    """
    p, counts = PRECISIONS[case.dtype], expected_counts(case, dialect)
    slack = 1 + REFERENCE_ROUNDOFF / p.u
    values: list[list[State]] = [[] for _ in case.steps]
    bounds: list[list[Errors]] = [[] for _ in case.steps]
    with np.errstate(all="ignore"):
        for n in range(len(case.parameters)):
            of_formula = list(_run(case, n, Rules(p, dialect, FORMULA), PRECISIONS["float64"]))
            most = [Errors(*(np.zeros_like(x) for x in state)) for state, _, _ in of_formula]
            for arithmetic in arithmetics:
                rules = Rules(p, dialect, arithmetic, strict_epsilon=strict_epsilon)
                for k, (state, errors, _) in enumerate(_run(case, n, rules, p)):
                    for bound, x, y, error in zip(most[k], state, of_formula[k][0], errors, strict=True):
                        off = slack * error + np.where(x == y, 0.0, np.abs(x - y))
                        np.maximum(bound, np.where(np.isnan(off), np.inf, off), out=bound)
            limits = _Limits(case, n, dialect, strict_epsilon)
            shape = case.parameters[n].w.shape
            for k, (state, _, stack) in enumerate(of_formula):
                limits.take(k, state, stack, max(1, int(counts[k, n])))
                values[k].append(State(*(x.reshape(shape) for x in state)))
                bounds[k].append(Errors(*(x.reshape(shape) for x in limits.bounds(state, most[k]))))
    return Expected(values, bounds, counts)


def _run(case: Case, n: int, rules: Rules, scalars: Precision) -> Iterator[tuple[State, Errors, Stack]]:
    """A parameter that runs on by itself: after each step its state, the bounds, and what the step brought.

    scalars: the type whose tensors the scalars meet.
    """
    parameter, schedule = case.parameters[n], case.schedule()
    rules = replace(rules, nesterov=case.groups[0].hyperparameters.nesterov)
    count, width = len(parameter.w), width_of(parameter.w)
    start = [getattr(parameter, x) for x in quantities(rules.dialect)]
    running = Running(State(*(x.reshape(count, width) for x in start)))
    for k in range(1, len(case.steps) + 1):
        builder = Builder(rules.dialect, rules.arithmetic, scalars, False)
        t = number_of(case, k, n, rules.dialect)
        builder.add(Segment(0, n, k, 0, count), case, schedule[k - 1][n], t)
        stack = builder.stack(width)
        if len(stack.gradient.rows):
            advance(running, stack.gradient, stack.scalars, rules)
        yield *running.now(), stack


class _Limits:
    """Where rounding alone does not decide: what may overflow in some order, and what follows from that.

    fed: elements that a number reached which is not finite. loud, loud_w: those of m and v, and of w, that
    may overflow.
    """

    def __init__(self, case: Case, n: int, dialect: Dialect, strict_epsilon: bool) -> None:
        self.case, self.n, self.dialect, self.strict = case, n, dialect, strict_epsilon
        self.schedule = case.schedule()
        parameter = case.parameters[n]
        self.shape = len(parameter.w), width_of(parameter.w)
        self.w = parameter.w.reshape(self.shape)
        start = (parameter.w, parameter.m, parameter.v)
        self.fed = ~np.logical_and.reduce([np.isfinite(x).reshape(self.shape) for x in start])
        self.loud, self.loud_w = np.zeros(self.shape, bool), np.zeros(self.shape, bool)

    def take(self, k: int, new: State, stack: Stack, t: int) -> None:
        """Step k + 1, which led to a new state."""
        h, limit = self.schedule[k][self.n], PRECISIONS[self.case.dtype].largest / NEAR
        size, infinite, times = self._given(k)
        if h.weight_decay and self.dialect.weight_decay is not WeightDecay.NONE:
            size = size + max(1.0, h.loss_scale) * h.weight_decay * np.maximum(times, 1) * np.abs(self.w)
            self.loud |= self.loud_w
        self.fed |= infinite
        touched = np.zeros(self.shape, bool)
        touched[stack.gradient.rows] = True
        self.loud |= touched & ~((size**2 < limit) & (np.abs(new.m) < limit) & (new.v < limit))
        far = ~(np.abs(new.w) < limit) | ~(_movement(h, t, new, size, self.dialect, self.strict) < limit)
        self.loud_w |= self.loud | touched & far
        self.w = new.w

    def bounds(self, state: State, errors: Errors) -> Errors:
        """The bounds, infinite where any result is right, and 0 where one that is not finite is."""
        found = []
        moments = [self.loud] * (len(state) - 1)
        for x, error, loud in zip(state, errors, (self.loud_w, *moments), strict=True):
            unbounded = np.where(loud | ~np.isfinite(x), np.inf, error)
            found.append(np.where(self.fed & ~np.isfinite(x), 0.0, unbounded))
        return Errors(*found)

    def _given(self, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the gradient of a step, by element: Σ|g_j|, whether one is not finite, how many there are."""
        size, infinite = np.zeros(self.shape), np.zeros(self.shape, bool)
        times = np.zeros((self.shape[0], 1))
        gradient = self.case.steps[k].gradients[self.n]
        if gradient is not None:
            rows = np.arange(self.shape[0]) if gradient.rows is None else gradient.rows
            values = gradient.values.reshape(len(rows), self.shape[1])
            np.add.at(size, rows, np.abs(values))
            np.logical_or.at(infinite, rows, ~np.isfinite(values))
            np.add.at(times, rows, 1)
        return size * max(1.0, 1 / self.schedule[k][self.n].loss_scale), infinite, times


def _movement(
    h: Hyperparameters, t: int, new: State, size: np.ndarray, dialect: Dialect, strict: bool
) -> np.ndarray:
    """The largest number on the way from m and v to w, in any order of evaluation."""
    s = exact(h, t)
    hat = dialect.epsilon.of_hat
    v = new.v if new.v_max is None else new.v_max * of_maximum(s, dialect)
    root = np.sqrt(v + (h.epsilon if dialect.epsilon is Epsilon.INSIDE_ROOT else 0.0))
    root = root / (s.root_correction if hat else 1.0)
    denominator = np.maximum(root, h.epsilon) if dialect.epsilon is Epsilon.FLOOR else root + h.epsilon
    growth = max(1.0, 1 / s.omega1, s.alpha, s.rate)
    # α / d alone may overflow; where ε is held to survive the type, nothing may come of that.
    moved = growth * (np.abs(new.m) + size + (0.0 if strict else 1.0)) / denominator
    return np.maximum(moved, v / s.root_correction**2 if hat else 0.0)


def ratio(seen: np.ndarray, value: np.ndarray, bound: np.ndarray | float) -> np.ndarray:
    """Error / bound as a script has it."""
    with np.errstate(all="ignore"):
        error = np.nan_to_num(np.abs(seen - value), nan=np.inf)
        error = np.where((seen == value) | (np.isnan(seen) & ~np.isfinite(value)), 0.0, error)
        return np.nan_to_num(error / np.maximum(bound, LEAST))


def shows(promised: Expected, seen: Trajectory, coarse: bool) -> bool:
    """Whether a trajectory is seen to diverge, every step of which was observed.

    coarse: with the largest bound of each quantity in place of one for each element.
    """
    for k, n in np.ndindex(*promised.counts[: len(seen.t)].shape):
        names = QUANTITIES[: len(promised.values[k][n])]
        for name, value, bound in zip(names, promised.values[k][n], promised.bounds[k][n], strict=True):
            x = getattr(seen, name)
            if (ratio(x[n][k], value, bound.max() if coarse else bound) > 1).any():
                return True
    return bool((seen.t != promised.counts[: len(seen.t)]).any())


@dataclass(frozen=True)
class Shown:
    """What a script has beside a case: what is expected of it, and by which bounds it is seen to diverge.

    fine: a bound for each element, and not only one for each quantity. counts: step counts differ.
    """

    promised: Expected
    fine: bool = False
    counts: bool = False


def shown(
    case: Case,
    backend: type[Backend],
    strict_epsilon: bool,
    seen: Trajectory,
    fitting: Arithmetic | None = None,
) -> Shown | None:
    """By which bounds a trajectory of a case, every step observed, is seen to diverge; None where by none.

    Those of all ways to compute that are usual; and where these are too wide, of the one that fits it best.
    """
    usual = arithmetics(backend, backend.documented, case.dtype)
    for ways in (usual, (fitting,)) if fitting and len(usual) > 1 else (usual,):
        promised = expected(case, backend.documented, ways, strict_epsilon)
        counts = bool((seen.t != promised.counts[: len(seen.t)]).any())
        for fine in (False, True):
            if shows(promised, seen, coarse=not fine):
                return Shown(promised, fine, counts)
        if counts:
            return Shown(promised, False, counts)
    return None
