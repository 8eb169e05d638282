"""Hypothesis strategies for cases.

Structure (shapes, rows, regimes, hyperparameters, events) is drawn and shrinks; numbers come from a
drawn seed in a drawn regime, whose simplest is all ones. A `Menu` says what may be drawn.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, NoSuchExample
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from lazyadam.reference.rounding import round_to
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.cases.case import Case, Gradient, Group, Manner, Parameter, Step
from lazyadam.suites.cases.values import gradient_values, weights

Shape = tuple[int, ...]

# Hypothesis mixes in constants that it finds in the local modules loaded so far. A case would depend on
# code that has nothing to do with it, and on which tests run beside it; it has no setting for that.
providers._get_local_constants = Constants


@dataclass(frozen=True)
class Menu:
    """What a case may be made of.

    layouts: 'sparse', 'dense' or 'none' (no gradient) for each parameter at each step. shapes: sets
    of parameter shapes. hyperparameters: sets of groups, the parameters dealt to them in turn.
    rows: patterns of sparse rows. regimes, kinds: of gradient values and of starting weights.
    starts: step counts to start from. steps: how many at most. changes: hyperparameters that may be set
    anew, and to what. reloads: whether the state may be saved and loaded. observed: the steps to observe,
    all where None. most: how many cases are worth their time. manner: how every case is handed over.
    """

    layouts: tuple[str, ...] = ("sparse",)
    shapes: tuple[tuple[Shape, ...], ...] = (((6, 4),),)
    hyperparameters: tuple[tuple[Hyperparameters, ...], ...] = ((Hyperparameters(),),)
    rows: tuple[str, ...] = ("distinct",)
    regimes: tuple[str, ...] = ("ones", "ramp", "ordinary", "broad", "zeros")
    kinds: tuple[str, ...] = ("nothing", "ordinary", "tiny", "huge")
    starts: tuple[int, ...] = (0, 0, 1, 7)
    steps: int = 6
    changes: tuple[tuple[str, tuple[float, ...]], ...] = ()
    reloads: bool = False
    observed: tuple[int, ...] | None = None
    most: int = 1_000_000
    manner: frozenset[Manner] = frozenset()


_SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def cases(draw: st.DrawFn, menu: Menu, dtype: str) -> Case:
    """A case of the menu in a type."""
    shapes = draw(st.sampled_from(menu.shapes))
    chosen = draw(st.sampled_from(menu.hyperparameters))
    groups = tuple(
        Group(tuple(range(i, len(shapes), len(chosen))), h) for i, h in enumerate(chosen[: len(shapes)])
    )
    t = draw(st.sampled_from(menu.starts))
    parameters = tuple(_parameter(draw, menu, shape, t, dtype) for shape in shapes)
    count = menu.observed[-1] if menu.observed else draw(st.integers(1, menu.steps))
    if count <= 64:
        steps = tuple(_step(draw, menu, shapes, len(groups), dtype) for _ in range(count))
    else:
        steps = _many_steps(draw(_SEEDS), menu, shapes, count, dtype)
    observed = menu.observed or tuple(range(1, count + 1))
    return Case(dtype, parameters, groups, steps, observed, t, menu.manner)


def _parameter(draw: st.DrawFn, menu: Menu, shape: Shape, t: int, dtype: str) -> Parameter:
    w = weights(draw(st.sampled_from(menu.kinds)), draw(_SEEDS), shape, dtype)
    if t == 0:
        return Parameter(w, np.zeros(shape), np.zeros(shape))
    regime = draw(
        st.sampled_from([r for r in menu.regimes if r not in ("overflowing", "special")] or ["ones"])
    )
    g = gradient_values(regime, draw(_SEEDS), shape, dtype)
    return Parameter(w, round_to(0.1 * g, dtype), round_to(0.01 * g * g, dtype))


def _step(draw: st.DrawFn, menu: Menu, shapes: tuple[Shape, ...], groups: int, dtype: str) -> Step:
    gradients = tuple(_gradient(draw, menu, shape, dtype) for shape in shapes)
    changes = {
        name: tuple(draw(st.sampled_from(values)) for _ in range(groups))
        for name, values in menu.changes
        if draw(st.booleans())
    }
    return Step(gradients, changes, menu.reloads and draw(st.booleans()))


def _gradient(draw: st.DrawFn, menu: Menu, shape: Shape, dtype: str) -> Gradient | None:
    layout = draw(st.sampled_from(menu.layouts))
    if layout == "none":
        return None
    regime, seed = draw(st.sampled_from(menu.regimes)), draw(_SEEDS)
    if layout == "dense":
        return Gradient(gradient_values(regime, seed, shape, dtype))
    rows = np.array(draw(_rows(draw(st.sampled_from(menu.rows)), shape[0])), np.int64)
    return Gradient(gradient_values(regime, seed, (len(rows), *shape[1:]), dtype), rows)


def _rows(pattern: str, count: int) -> st.SearchStrategy[list[int]]:
    """Row indices of a pattern, in a parameter of `count` rows."""
    index = st.integers(0, count - 1)
    if pattern == "distinct":
        return st.lists(index, min_size=1, max_size=min(count, 8), unique=True)
    if pattern == "sorted":
        return st.lists(index, min_size=1, max_size=min(count, 8), unique=True).map(sorted)
    if pattern == "repeated":
        return st.lists(index, min_size=2, max_size=12)
    if pattern == "hot":
        return st.tuples(index, st.sampled_from([50, 1000, 5000]), st.lists(index, max_size=3)).map(
            lambda drawn: [drawn[0]] * drawn[1] + drawn[2]
        )
    if pattern == "gaps":  # of four rows each step takes one or two
        return st.sampled_from([[0], [1, 0], [2], [0, 3], [1]])
    if pattern == "all":
        return st.permutations(range(count))
    if pattern == "shuffled":  # as "all", for more rows than are worth drawing one by one
        return _SEEDS.map(lambda seed: np.random.default_rng(seed).permutation(count).tolist())
    assert pattern == "empty", pattern
    return st.just([])


def _many_steps(seed: int, menu: Menu, shapes: tuple[Shape, ...], count: int, dtype: str) -> tuple[Step, ...]:
    """A long run: ordinary gradients on random distinct rows, all from one seed."""
    rng = np.random.default_rng(seed)
    steps = []
    for _ in range(count):
        gradients = []
        for shape in shapes:
            if menu.layouts[0] == "dense":
                gradients.append(Gradient(round_to(rng.standard_normal(shape), dtype)))
                continue
            rows = rng.permutation(shape[0])[: max(1, shape[0] // 2)]
            values = round_to(rng.standard_normal((len(rows), *shape[1:])), dtype)
            gradients.append(Gradient(values, rows))
        steps.append(Step(tuple(gradients)))
    return tuple(steps)


def seed_of(*parts: object) -> int:
    """A seed that depends on every part, and on nothing else."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big")


def generated(menu: Menu, dtype: str, count: int, seed: int) -> tuple[Case, ...]:
    """`count` cases, the same for the same seed. Nothing is judged while they are generated."""
    found: list[Case] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(cases(menu, dtype))
    def generate(case: Case) -> None:
        found.append(case)

    generate()
    return tuple(found)


class _Enough(BaseException):
    """Ends a search of Hypothesis from inside; an Exception would count as a failure found."""


def shrink(
    strategy: st.SearchStrategy[Case],
    seed: int,
    diverges: Callable[[Case], bool],
    start: Case,
    tries: float,
) -> Case:
    """The simplest diverging case found in so many tries (of small cases: `tries_of`); `start` if none is.

    The search for one begins anew: Hypothesis shrinks what it has generated itself.
    """
    left, best = tries, start

    def condition(case: Case) -> bool:
        nonlocal left, best
        if left <= 0:
            raise _Enough
        left -= tries_of(case)
        if not diverges(case):
            return False
        best = min(best, case, key=size)
        return True

    quiet = settings(
        max_examples=200,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    try:
        return hypothesis.find(strategy, condition, settings=quiet, random=random.Random(seed))
    except (_Enough, NoSuchExample, Flaky):  # flaky: it depends on what was run before
        return best


def tries_of(case: Case) -> float:
    """How many tries of a small case one of this case is worth: so a limit is the same on every machine."""
    return 1 + len(case.steps) * sum(x.w.size for x in case.parameters) / 10_000


def size(case: Case) -> tuple[int, int]:
    """How much there is to read: steps, then numbers in gradients."""
    return len(case.steps), sum(g.values.size for s in case.steps for g in s.gradients if g is not None)
