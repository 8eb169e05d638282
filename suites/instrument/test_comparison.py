"""Where a number is not finite, or an operation may overflow: which classes of results are right."""

from dataclasses import dataclass, field
from math import inf, nan, sqrt
from typing import Any

import numpy as np
import pytest

from reference.dialect import Dialect, WeightDecay
from reference.lazy_adam import Gradient, Rules, State, step
from reference.rounding import PRECISIONS, REFERENCE_ROUNDOFF, Precision
from reference.scalars import Hyperparameters, Scalars, exact
from suites.judge.comparison import compare
from suites.judge.stack import Stack

pytestmark = pytest.mark.filterwarnings("error")

FLOAT16, FLOAT32 = PRECISIONS["float16"], PRECISIONS["float32"]
L16 = FLOAT16.largest
L = FLOAT32.largest
ROOT, U = sqrt(L), FLOAT32.u


@dataclass
class Element:
    """An element before a step, its gradient, and results of it to accept and to reject.

    It stands in the second of two rows, beside elements that are ordinary and right.
    """

    w: float = 1.0
    m: float = 0.5
    v: float = 0.25
    g: float = 1.0
    accepts: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    rejects: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    decay: WeightDecay = WeightDecay.COALESCED
    p: Precision = FLOAT32

    def ratio(self, quantity: str, observed: float | None, **others: float) -> float:
        """The ratio of a quantity that was observed; None stands for what the reference has."""
        before = State(*(np.array([[0.5, 0.5], [0.5, 0.5], [x, 0.5]]) for x in (self.w, self.m, self.v)))
        gradient = Gradient(np.array([0, 2]), np.array([[0.5, 0.5], [self.g, 0.5]]))
        # A column for each scalar, as where cases of several hyperparameters are stacked.
        other, own = exact(Hyperparameters(), 2), exact(Hyperparameters(**self.settings), 3)
        s = Scalars(*np.array([other, own]).T[:, :, None])
        rules = Rules(self.p, Dialect(weight_decay=self.decay))
        bounded = step(before, gradient, s, rules)
        seen = {n: _stored(x, self.p) for n, x in bounded.state._asdict().items()}
        for name, x in {quantity: observed, **others}.items():
            if x is not None:
                seen[name][1, 0] = x
        stack = Stack([], gradient, s, None, np.zeros(2, np.int64))
        ratios = compare(before, stack, bounded, State(**seen), rules)
        for ratio in ratios:
            assert np.delete(ratio, 2).tolist() == [0.0, 0.0, 0.0]
        return float(getattr(ratios, quantity)[1, 0])


def _stored(x: np.ndarray, p: Precision) -> np.ndarray:
    return np.where(np.abs(x) > p.largest, np.copysign(inf, x), x)


WRONG, RIGHT = -3.0, None  # a finite number that is wrong for every element; what the reference has
ANY = (RIGHT, WRONG, nan, inf, -inf)
MADE_INFINITE: Any = {
    "accepts": {"m": (inf, -inf, nan), "v": (inf, nan)},
    "rejects": {"m": (WRONG, 0.0), "v": (WRONG,)},
}
MADE_NAN: Any = {
    "accepts": dict.fromkeys("wmv", (nan,)),
    "rejects": dict.fromkeys("wmv", (WRONG, 0.0, inf, -inf)),
}
ORDINARY: Any = {
    "accepts": dict.fromkeys("wmv", (RIGHT,)),
    "rejects": dict.fromkeys("wmv", (WRONG, nan, inf)),
}
SURE = sqrt(L / 1e-3)  # the gradient whose part of v is the largest number

ELEMENTS = {
    "ordinary numbers": Element(**ORDINARY),
    "a gradient of NaN": Element(g=nan, **MADE_NAN),
    "m of NaN": Element(
        m=nan,
        accepts={"m": (nan,), "v": (RIGHT,), "w": (nan,)},
        rejects={"m": (WRONG, inf), "v": (WRONG, nan, inf), "w": (WRONG, 1.0, inf)},
    ),
    "v of NaN": Element(
        v=nan,
        accepts={"m": (RIGHT,), "v": (nan,), "w": (nan,)},
        rejects={"m": (WRONG, nan, inf), "v": (WRONG, inf), "w": (WRONG, 1.0, inf)},
    ),
    "w of NaN": Element(
        w=nan,
        accepts={"m": (RIGHT,), "v": (RIGHT,), "w": (nan,)},
        rejects={"m": (WRONG, nan), "v": (WRONG, nan), "w": (WRONG, inf)},
    ),
    "an infinite gradient": Element(g=-inf, **MADE_INFINITE),
    "an infinite gradient moves w as it likes": Element(g=inf, accepts={"w": ANY}),
    "infinite m": Element(
        m=inf,
        accepts={"m": (inf, nan), "v": (RIGHT,), "w": ANY},
        rejects={"m": (WRONG,), "v": (WRONG, nan, inf)},
    ),
    "infinite v": Element(
        v=inf,
        accepts={"m": (RIGHT,), "v": (inf, nan), "w": ANY},
        rejects={"m": (WRONG, nan, inf), "v": (WRONG,)},
    ),
    "infinite w": Element(
        w=inf,
        accepts={"m": (RIGHT,), "v": (RIGHT,), "w": (inf,)},
        rejects={"m": (WRONG, nan, inf), "v": (WRONG, nan)},
    ),
    "infinite w, decayed": Element(w=inf, settings={"weight_decay": 0.1}, **MADE_INFINITE),
    "infinite w and gradient of the other sign, decayed": Element(
        w=inf,
        g=inf,
        settings={"weight_decay": 0.1, "maximize": True},
        accepts={"m": (nan,), "v": (nan,)},
        rejects={"m": (inf, -inf), "v": (inf,)},
    ),
    "infinite w, decoupled decay": Element(
        w=inf,
        settings={"weight_decay": 0.1},
        decay=WeightDecay.DECOUPLED,
        accepts={"m": (RIGHT,)},
        rejects={"m": (nan, inf)},
    ),
    "g² overflows, and ω2·g² with it": Element(
        g=1e3 * ROOT,
        accepts={"m": (RIGHT,), "v": (inf, nan), "w": (RIGHT, 1.0)},
        rejects={"m": (WRONG, inf, nan), "v": (WRONG, L), "w": (WRONG, nan, inf)},
    ),
    "g² overflows by λ·w": Element(
        w=1e3 * ROOT,
        g=0.0,
        settings={"weight_decay": 1.0},
        accepts={"v": (inf,), "w": (RIGHT, 1e3 * ROOT)},
        rejects={"v": (WRONG, L), "w": (WRONG,)},
    ),
    "g² would overflow by λ·w, which is decoupled": Element(
        w=1e3 * ROOT,
        settings={"weight_decay": 1.0},
        decay=WeightDecay.DECOUPLED,
        accepts={"v": (RIGHT,)},
        rejects={"v": (inf, WRONG)},
    ),
    "g² overflows by the loss scale": Element(
        g=ROOT, settings={"loss_scale": 1e-3}, accepts={"v": (inf,)}, rejects={"v": (WRONG, L)}
    ),
    "g² does not overflow, by the loss scale": Element(
        g=1e3 * ROOT, settings={"loss_scale": 1e8}, accepts={"v": (RIGHT,)}, rejects={"v": (WRONG, inf)}
    ),
    "g² overflows and ω2·g² does not": Element(
        g=3 * ROOT,
        accepts={"m": (RIGHT,), "v": (RIGHT, inf, nan), "w": ANY},
        rejects={"m": (WRONG, inf), "v": (WRONG, L)},
    ),
    "g² is within an eighth of the root of the largest number": Element(
        g=0.13 * ROOT, accepts={"v": (RIGHT, inf)}, rejects={"v": (WRONG,)}
    ),
    "g² is clear of it": Element(g=0.12 * ROOT, accepts={"v": (RIGHT,)}, rejects={"v": (WRONG, inf)}),
    "v is within an eighth of the largest number": Element(
        v=0.13 * L, accepts={"v": (RIGHT, inf), "w": ANY}, rejects={"v": (WRONG,)}
    ),
    "v is clear of it": Element(v=0.12 * L, rejects={"v": (WRONG, inf), "w": (WRONG,)}),
    "g − m may overflow and β·m + ω·g does not": Element(
        m=-0.9 * L,
        g=0.9 * L,
        accepts={"m": (RIGHT, inf, -inf, nan), "w": (RIGHT, 1.0)},
        rejects={"m": (WRONG,)},
    ),
    "m is within an eighth of the largest number": Element(
        m=0.13 * L,
        accepts={"m": (RIGHT, inf), "v": (RIGHT,), "w": ANY},
        rejects={"m": (WRONG,), "v": (WRONG, inf)},
    ),
    "m is clear of it": Element(m=0.12 * L, accepts={"m": (RIGHT,)}, rejects={"m": (WRONG, inf)}),
    "m overflows by the loss scale": Element(
        g=0.9 * L,
        settings={"loss_scale": 0.01},
        accepts={"m": (inf, nan)},
        rejects={"m": (WRONG, L)},
    ),
    "g² in v is sure to overflow": Element(g=SURE * (1 + 8.5 * U), rejects={"w": (WRONG,)}),
    "g² in v is far from sure to": Element(g=SURE * (1 - 4 * U), accepts={"w": ANY}),
    "g² in v may overflow in the type": Element(p=FLOAT16, g=-32.5, accepts={"v": (RIGHT, inf), "w": ANY}),
    "an eighth of the root of the largest number": Element(g=ROOT / 8, rejects={"v": (inf,)}),
    "v is an eighth of the largest number": Element(v=L / 8, g=0.0, rejects={"v": (inf,), "w": (inf,)}),
    # m and g together are beyond an eighth of the largest number, and one number is at the limit.
    "m at the limit": Element(m=L16 / 8, g=31.0, p=FLOAT16, accepts={"m": (RIGHT, inf)}),
    "g at the limit": Element(m=0.1249 * L16, g=sqrt(L16) / 8, p=FLOAT16, accepts={"m": (RIGHT, inf)}),
    "w at the limit": Element(w=L16 / 8, m=0.1249 * L16, g=31.0, p=FLOAT16, accepts={"m": (RIGHT, inf)}),
    "m is an eighth of the largest number": Element(m=L / 8, g=0.0, rejects={"m": (inf,)}),
    "w is an eighth of the largest number": Element(w=L / 8, m=0.0, g=0.0, rejects={"w": (inf,)}),
    "w comes back within an eighth of the largest number": Element(
        w=0.127 * L, settings={"lr": 8e36}, accepts={"w": (RIGHT,)}, rejects={"w": (WRONG, inf)}
    ),
    "only w is near the end of the range": Element(
        w=0.2 * L, m=0.12 * L, v=0.12 * L, g=0.12 * ROOT, rejects={"m": (inf,), "v": (inf,)}
    ),
    "only w is near the end of the range, and m is 0": Element(
        w=0.2 * L, m=0.0, v=0.12 * L, g=0.12 * ROOT, rejects={"v": (inf,)}
    ),
    "ε is 0, and v perhaps too": Element(
        m=0.0, v=0.0, g=1e-25, settings={"epsilon": 0.0}, accepts={"w": ANY}, rejects={"m": (inf,)}
    ),
    "w is within an eighth of the largest number": Element(
        w=0.13 * L,
        accepts={"w": (RIGHT, inf)},
        rejects={"m": (WRONG, inf), "v": (inf,), "w": (WRONG, 0.12 * L)},
    ),
    "w is clear of it": Element(w=0.12 * L, accepts={"w": (RIGHT,)}, rejects={"w": (WRONG, inf)}),
}


@pytest.mark.parametrize("name", ELEMENTS)
def test_accepts_what_is_right_and_nothing_else(name: str) -> None:
    element = ELEMENTS[name]
    for quantity, results in element.accepts.items():
        for seen in results:
            assert element.ratio(quantity, seen) <= (0 if seen is RIGHT else 1), (quantity, seen)
    for quantity, results in element.rejects.items():
        for seen in results:
            assert element.ratio(quantity, seen) > 1, (quantity, seen)


@pytest.mark.parametrize("w", [1.0, 0.2 * L])
def test_the_bound_itself_is_right_and_beyond_it_is_wrong(w: float) -> None:
    """Of an ordinary element, and of one that is judged by class for its w."""
    element = Element(w=w, v=0.0, g=0.0)
    slack = 1 + REFERENCE_ROUNDOFF / U
    bound = 2 * FLOAT32.eta  # of two products that may underflow, and a square
    assert element.ratio("v", 1.5 * bound * slack) == 1
    assert element.ratio("v", 1.6 * bound * slack) > 1


@pytest.mark.parametrize(("quantity", "size"), [("m", L), ("v", L), ("w", L), ("g", ROOT)])
def test_up_to_an_eighth_of_the_range_a_fault_has_a_finite_ratio(quantity: str, size: float) -> None:
    for share, finite in ((0.12, True), (0.13, False)):
        element = Element(**{quantity: share * size})  # type: ignore[arg-type]
        assert (1 < element.ratio("v", WRONG) < inf) == finite
