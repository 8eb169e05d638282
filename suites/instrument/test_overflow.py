"""Around every threshold of overflow: whatever some order of evaluation gives is right, and nothing else.

Elements are sampled densely where g², g − m, v̂, m̂, α·m, m / d, g / scale and w may leave the range of the
type. Each is computed in many orders, every operation rounded to the type; then numbers and classes are
planted that none of them has.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.bound import State, step
from lazyadam.reference.dialect import Arithmetic, Dialect, Epsilon
from lazyadam.reference.gradient import Coalesced
from lazyadam.reference.rounding import PRECISIONS, round_to
from lazyadam.reference.scalars import Hyperparameters, Scalars, exact
from lazyadam.suites.instrument.orders import ORDERS, implementation
from lazyadam.suites.judge.comparison import compare
from lazyadam.suites.judge.stack import Stack

HAT = Dialect(epsilon=Epsilon.BESIDE_HAT)
DIALECTS = {"ε beside √v": Dialect(), "ε beside √v̂": HAT, "ε inside √": Dialect(epsilon=Epsilon.INSIDE_ROOT)}
SETTINGS = {
    "default": Hyperparameters(epsilon=1e-4),
    "large lr": Hyperparameters(lr=30.0, beta1=0.5, beta2=0.99, epsilon=1e-3),
    "lr 0": Hyperparameters(lr=0.0, epsilon=1e-2),
    "far end nearer": Hyperparameters(lr=0.1, beta1=0.3, beta2=0.25, epsilon=1e-2),
    "unscaled": Hyperparameters(loss_scale=0.01, epsilon=1e-3),
    "decayed": Hyperparameters(weight_decay=0.1, epsilon=1e-3),
}
COUNT = 500


class Elements(NamedTuple):
    """Elements in a column: w, m and v before the step, and g."""

    w: np.ndarray
    m: np.ndarray
    v: np.ndarray
    g: np.ndarray


def elements(dtype: str, h: Hyperparameters, t: int, seed: int) -> Elements:
    """Each quantity ordinary, or within some binades of a threshold, on either side or a few u from it."""
    rng = np.random.default_rng(seed)
    p = PRECISIONS[dtype]
    s: Any = exact(h, t)
    end, root = p.largest, np.sqrt(p.largest)

    def around(*thresholds: float) -> np.ndarray:
        at = rng.choice(thresholds, COUNT)
        power = np.where(rng.random(COUNT) < 0.5, rng.uniform(-4, 4, COUNT), rng.normal(0, 20 * p.u, COUNT))
        size = np.where(rng.random(COUNT) < 0.4, np.abs(rng.standard_normal(COUNT)), at * 2**power)
        return np.minimum(size, end)

    inverse = 1 / (1 - h.beta1**t)
    below = [end / x for x in (1.0, inverse, max(s.alpha, 1.0), max(s.rate, 1.0), 1 / h.epsilon)]
    sign = rng.choice([-1.0, 1.0], (3, COUNT))
    w = sign[0] * around(end, end / 2)
    m = sign[1] * around(*below)
    v = around(end, end * s.root_correction**2, end * s.root_correction, h.epsilon**2)
    g = sign[2] * around(root, root / np.sqrt(s.omega2), end, end / 2, end * h.loss_scale)
    return Elements(*(round_to(x, dtype)[:, None] for x in (w, m, v, g)))


class Result(NamedTuple):
    """w, m and v after the step."""

    w: np.ndarray
    m: np.ndarray
    v: np.ndarray


def orders(x: Elements, s: Any, dtype: str, dialect: Dialect, nesterov: bool) -> Iterator[Result]:
    """The results in every order."""
    hat = dialect.epsilon is Epsilon.BESIDE_HAT
    kind = np.longdouble if dtype == "float64" else np.float64

    def rounded_in(y: np.ndarray) -> np.ndarray:
        return y if dtype == "float64" else round_to(y, dtype)

    if dialect.epsilon is not Epsilon.INSIDE_ROOT:
        for order in ORDERS:
            new = implementation(x.w, x.m, x.v, x.g[None], s, order, dtype, hat, nesterov)
            yield Result(*new)

    Rounded = Callable[[np.ndarray], np.ndarray]

    def computed(
        r: Rounded, first: str, second: str, way: str, y: Elements, corrected: bool, again: str = ""
    ) -> Result:
        g = y.g
        if s.scale != 1 or s.decay:
            g = r(r(g / s.scale) + r(s.decay * y.w))

        def average(a: np.ndarray, b: np.ndarray, beta: float, omega: float, form: str) -> np.ndarray:
            if form == "both":
                return r(r(beta * a) + r(omega * b))
            if form == "near" and omega >= 0.5:
                return r(b - r(beta * r(b - a)))
            return r(a + r(omega * r(b - a)))

        m = average(y.m, g, s.beta1, s.omega1, first)
        if second == "root":
            v = r(r(s.beta2 * y.v) + r(r(np.sqrt(s.omega2) * g) ** 2))
        elif second == "share":
            v = r(r(s.beta2 * y.v) + r(r(s.omega2 * g) * g))
        else:
            v = average(y.v, r(g * g), s.beta2, s.omega2, second)
        n = average(m, g, s.beta1, s.omega1, again or first) if nesterov else m
        inverse = s.rate / s.lr if s.lr else 1 / s.omega1
        if dialect.epsilon is Epsilon.INSIDE_ROOT:
            d = r(np.sqrt(r(v + s.epsilon)))
        elif hat and corrected:
            d = r(r(np.sqrt(r(v / s.root_correction**2))) + s.epsilon)
        elif hat:
            d = r(r(r(np.sqrt(v)) / s.root_correction) + s.epsilon)
        else:
            d = r(r(np.sqrt(v)) + s.epsilon)
        size = s.rate if hat else s.alpha
        rest = s.lr if hat else size / inverse
        moved = {
            "textbook": lambda: r(r(rest * r(n * inverse)) / d),
            "corrected": lambda: r(rest * r(r(n * inverse) / d)),
            "size first": lambda: r(r(size * n) / d),
            "quotient first": lambda: r(size * r(n / d)),
            "share": lambda: r(r(size / d) * n),
        }[way]()
        w = y.w - moved
        return Result(w if dtype == "float64" or r is not rounded_in else round_to(w, dtype), m, v)

    ways = ["textbook", "corrected", "size first", "quotient first"]
    if dtype != "float16":  # in which α/d underflows
        ways.append("share")
    averages = product(("both", "omega", "near"), ("both", "near", "root", "share"))
    for (first, second), way, corrected in product(averages, ways, (True, False) if hat else (False,)):
        yield computed(rounded_in, first, second, way, x, corrected)
        for again in sorted({"both", "omega", "near"} - {first}) if nesterov else ():
            yield computed(rounded_in, first, second, way, x, corrected, again)
    wide = computed(
        lambda y: y, "both", "both", "quotient first", Elements(*(y.astype(kind) for y in x)), False
    )
    yield Result(*(round_to(y, dtype) if dtype != "float64" else y.astype(np.float64) for y in wide))


def ratios(x: Elements, seen: Result, s: Scalars, rules: Rules) -> Result:
    gradient = Coalesced(np.arange(len(x.g)), x.g)
    before = State(x.w, x.m, x.v)
    bounded = step(before, gradient, s, rules)
    stack = Stack([], gradient, s, None, np.zeros(len(x.g), np.int64))
    return Result(*compare(before, stack, bounded, State(*seen), rules))


def classes(y: np.ndarray, before: np.ndarray) -> np.ndarray:
    """0 finite, 1 as before, 2 ∞, 3 −∞, 4 NaN."""
    result = np.where(y == before, 1, 0)
    result = np.where(np.isposinf(y), 2, np.where(np.isneginf(y), 3, result))
    return np.where(np.isnan(y), 4, result)


CASES = [
    (dtype, setting, dialect, nesterov)
    for dtype, setting, dialect in product(PRECISIONS, SETTINGS, DIALECTS)
    for nesterov in ((False, True) if dtype == "float32" or setting == "far end nearer" else (False,))
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("dtype", "setting", "dialect", "nesterov"), CASES)
def test_every_order_is_right_and_what_none_has_is_wrong(
    dtype: str, setting: str, dialect: str, nesterov: bool
) -> None:
    h, p = replace(SETTINGS[setting], nesterov=nesterov), PRECISIONS[dtype]
    if dtype == "bfloat16":  # ε of its own type
        h = replace(h, epsilon=2.0**-8)
    elif dtype == "float16":
        h = replace(h, epsilon=2.0**-10)
    rules = Rules(p, DIALECTS[dialect], Arithmetic(), nesterov)
    for t in (1, 1000) if h.lr else (1,):  # where lr is 0, 1 − β1^t is taken for 1 − β1
        s, x = exact(h, t), elements(dtype, h, t, t)
        with np.errstate(all="ignore"):
            results = list(orders(x, s, dtype, DIALECTS[dialect], nesterov))
        together = Result(*(np.concatenate(values) for values in zip(*results, strict=True)))
        found = ratios(Elements(*(np.tile(y, (len(results), 1)) for y in x)), together, s, rules)
        for name, ratio in found._asdict().items():
            worst = int(np.argmax(ratio))
            number, element = divmod(worst, COUNT)
            where = Elements(*(y[element, 0] for y in x)), Result(*(y[worst, 0] for y in together))
            assert ratio[worst, 0] <= 1, (number, t, name, where)
        _plant(x, results, np.stack([kinds_of(x, y) for y in results]), s, rules)


def kinds_of(x: Elements, y: Result) -> np.ndarray:
    return np.stack([classes(after, before) for after, before in zip(y, x, strict=False)])


def _plant(x: Elements, results: list[Result], kinds: np.ndarray, s: Any, rules: Rules) -> None:
    """Every class that no order has, of w beside the m and v that belong to it."""
    before: dict[str, Any] = {"w": x.w, "m": x.m, "v": x.v}
    clear, count = clear_of_thresholds(x, s, rules), 0
    after_last = rules.precision.largest * (1 + rules.precision.u)
    for number in (0, 7, 20):
        seen = results[number % len(results)]
        for q, name in enumerate("wmv"):
            for kind, value in ((1, before[name]), (2, np.inf), (3, -np.inf), (4, np.nan)):
                alike = kinds[:, q] == kind
                if name == "w":  # with the same m and v
                    for other in (1, 2):
                        alike &= kinds[:, other] == kinds[number % len(results), other]
                planted = np.broadcast_to(value, x.w.shape)
                found = getattr(ratios(x, seen._replace(**{name: planted}), s, rules), name)
                # ∞ is the number that follows on the largest, where the result may be rounded to that
                number_like = np.clip(planted, -after_last, after_last)
                wrong = clear & ~alike.any(axis=0) & ~within_the_bound(x, name, number_like, s, rules)
                count += int(wrong.sum())
                missed = wrong & (found <= 1)
                assert not missed.any(), (
                    name,
                    value if kind > 1 else "as before",
                    number,
                    [
                        ([float(y[i, 0]) for y in x], [float(y[i, 0]) for y in seen])
                        for i in np.flatnonzero(missed)[:3]
                    ],
                )
        for name in "wmv":  # and wrong numbers
            y = getattr(seen, name)
            numbers = np.where(np.isfinite(y), y, 1.0)
            for planted in (numbers * 1.5 + rules.precision.largest * 1e-3, numbers * 0.5 - 1e3):
                planted = np.clip(planted, -rules.precision.largest, rules.precision.largest)
                finite = (
                    clear & np.isfinite(y) & (planted != y) & ~within_the_bound(x, name, planted, s, rules)
                )
                if name == "w":
                    finite &= planted != x.w
                found = getattr(ratios(x, seen._replace(**{name: planted}), s, rules), name)
                missed = finite & (found <= 1)
                assert not missed.any(), (
                    name,
                    number,
                    [
                        (
                            [float(z[i, 0]) for z in x],
                            [float(z[i, 0]) for z in seen],
                            planted[i, 0],
                        )
                        for i in np.flatnonzero(missed)[:3]
                    ],
                )

    assert count > 3 * COUNT


def clear_of_thresholds(x: Elements, s: Any, rules: Rules) -> np.ndarray:
    """Where no operation is so near to a threshold that a few roundings decide what comes out."""
    wide = Elements(*(y.astype(np.longdouble) for y in x))
    with np.errstate(all="ignore"):
        new, _, inner = step(State(*wide[:3]), Coalesced(np.arange(len(x.g)), wide.g), s, rules)
        scaled, decayed = wide.g / s.scale, s.decay * wide.w
        g = scaled + decayed
        n = np.abs(inner.quotient * inner.denominator)
        factors = (1.0, s.alpha, s.rate, s.rate / s.lr if s.lr else 1 / s.omega1)
        hat = 1 / s.root_correction
        sizes = [scaled, g, decayed, g * g, g - wide.m, g - new.m, *new, new.v * hat**2, np.sqrt(new.v) * hat]
        sizes += [y * factor for y in (n, n / inner.denominator, 1 / inner.denominator) for factor in factors]
        return ~np.any(
            [np.abs(np.abs(y) / rules.type.largest - 1) < 40 * rules.type.u for y in sizes], axis=0
        )


def within_the_bound(x: Elements, name: str, y: np.ndarray, s: Scalars, rules: Rules) -> np.ndarray:
    """Whether a number is within the bound of the reference's."""
    kind = np.longdouble if rules.type.name == "float64" else np.float64
    with np.errstate(all="ignore"):
        gradient = Coalesced(np.arange(len(x.g)), x.g.astype(kind))
        state, errors, _ = step(State(*(z.astype(kind) for z in x[:3])), gradient, s, rules)
        return np.asarray(np.abs(y - getattr(state, name)) <= 2 * getattr(errors, name))
