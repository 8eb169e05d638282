"""Elements where a number is not finite, or an operation may overflow; which results of each are right."""

from math import inf, nan, sqrt
from typing import Any

from lazyadam.reference.dialect import WeightDecay
from lazyadam.suites.instrument.element import FLOAT16, HAT, ROOT, Element, L, U

WRONG, RIGHT = -3.0, None  # a finite number that is wrong for every element; what the reference has
# What an order of evaluation that nobody has would make of an ordinary element.
ORDINARY: Any = {
    "accepts": dict.fromkeys("wmv", (RIGHT,)),
    "rejects": dict.fromkeys("wmv", (WRONG, nan, inf, -inf)),
}
MADE_NAN: Any = {
    "accepts": dict.fromkeys("mv", (nan,)),
    "rejects": dict.fromkeys("mv", (WRONG, 0.0, inf, -inf)),
}
SURE = sqrt(L / 1e-3)  # the gradient whose part of v is the largest number
BETA = 0.3  # below 1/2: averages may start from the gradient

ELEMENTS = {
    "ordinary numbers": Element(**ORDINARY),
    "a gradient of NaN": Element(g=nan, **MADE_NAN),
    "a gradient of NaN makes w NaN": Element(
        g=nan, seen={"m": nan, "v": nan}, accepts={"w": (nan,)}, rejects={"w": (1.0, WRONG, inf)}
    ),
    "m of NaN": Element(
        m=nan,
        seen={"m": nan},
        accepts={"m": (nan,), "v": (RIGHT,), "w": (nan,)},
        rejects={"m": (WRONG, inf), "v": (WRONG, nan, inf), "w": (WRONG, 1.0, inf)},
    ),
    "v of NaN": Element(
        v=nan,
        seen={"v": nan},
        accepts={"m": (RIGHT,), "v": (nan,), "w": (nan,)},
        rejects={"m": (WRONG, nan, inf), "v": (WRONG, inf), "w": (WRONG, 1.0, inf)},
    ),
    "w of NaN": Element(
        w=nan,
        accepts={"m": (RIGHT,), "v": (RIGHT,), "w": (nan,)},
        rejects={"m": (WRONG, nan), "v": (WRONG, nan), "w": (WRONG, inf)},
    ),
    "an infinite m, and a gradient whose scaling overflows to the other side": Element(
        m=-inf,
        g=0.9 * L,
        settings={"loss_scale": 0.5},
        seen={"v": inf},
        accepts={"m": (-inf, nan)},
        rejects={"m": (WRONG, inf)},
    ),
    "an infinite gradient": Element(
        g=-inf,
        accepts={"m": (-inf,), "v": (inf,)},
        rejects={"m": (WRONG, 0.0, inf, nan), "v": (WRONG, nan, -inf)},
    ),
    "an infinite gradient, averaged from its end": Element(
        g=-inf,
        settings={"beta1": BETA, "beta2": BETA},
        accepts={"m": (-inf, nan), "v": (inf, nan)},
        rejects={"m": (WRONG, inf), "v": (WRONG,)},
    ),
    "an infinite gradient, averaged from either end alike": Element(
        g=-inf,
        settings={"beta1": 0.5, "beta2": 0.5},
        accepts={"m": (-inf, nan), "v": (inf, nan)},
        rejects={"m": (WRONG, inf), "v": (WRONG,)},
    ),
    "infinite m and v make w NaN": Element(
        g=inf, seen={"m": inf, "v": inf}, accepts={"w": (nan,)}, rejects={"w": (1.0, WRONG, inf, -inf)}
    ),
    "infinite m": Element(
        m=inf,
        accepts={"m": (inf, nan), "v": (RIGHT,), "w": (-inf,)},
        rejects={"m": (WRONG, -inf), "v": (WRONG, nan, inf), "w": (1.0, WRONG, inf, nan)},
    ),
    "infinite m and gradient of one sign": Element(
        m=inf, g=inf, accepts={"m": (inf, nan)}, rejects={"m": (-inf, WRONG)}
    ),
    "infinite m and gradient of two signs": Element(
        m=inf, g=-inf, accepts={"m": (nan,)}, rejects={"m": (inf, -inf, WRONG)}
    ),
    "infinite v": Element(
        v=inf,
        accepts={"m": (RIGHT,), "v": (inf, nan), "w": (1.0,)},
        rejects={"m": (WRONG, nan, inf), "v": (WRONG, -inf), "w": (WRONG, nan, inf)},
    ),
    "infinite w": Element(
        w=inf,
        accepts={"m": (RIGHT,), "v": (RIGHT,), "w": (inf,)},
        rejects={"m": (WRONG, nan, inf), "v": (WRONG, nan), "w": (WRONG, nan, -inf)},
    ),
    "infinite w, decayed": Element(
        w=inf,
        settings={"weight_decay": 0.1},
        accepts={"m": (inf,), "v": (inf,)},
        rejects={"m": (WRONG, nan), "v": (WRONG, nan)},
    ),
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
        accepts={"m": (RIGHT,), "w": (inf, nan)},
        rejects={"m": (nan, inf), "w": (WRONG, -inf)},
    ),
    "infinite w, no decay that is decoupled": Element(
        w=inf, decay=WeightDecay.DECOUPLED, accepts={"w": (inf,)}, rejects={"w": (WRONG, -inf, nan)}
    ),
    "infinite w, all of which decays": Element(
        w=inf, settings={"weight_decay": 1.0}, decay=WeightDecay.DECOUPLED, accepts={"w": (inf, nan)}
    ),
    "infinite v, and what decoupled decay leaves": Element(
        v=inf,
        settings={"lr": 0.5, "weight_decay": 0.5},
        decay=WeightDecay.DECOUPLED,
        accepts={"w": (0.75, 0.75 + 4 * U, 0.75 - 4 * U)},
        rejects={"w": (1.0, 0.75 + 6 * U, 0.75 - 6 * U, -0.75, nan, inf)},
    ),
    "g² overflows, and ω2·g² with it": Element(
        g=1e3 * ROOT,
        accepts={"m": (RIGHT,), "v": (inf,), "w": (RIGHT, 1.0)},
        rejects={"m": (WRONG, inf, nan), "v": (WRONG, L, nan), "w": (WRONG, nan, inf, -inf)},
    ),
    "g² overflows by λ·w": Element(
        w=1e3 * ROOT,
        g=0.0,
        settings={"weight_decay": 1.0},
        accepts={"v": (inf,), "w": (RIGHT, 1e3 * ROOT)},
        rejects={"v": (WRONG, L), "w": (WRONG, nan)},
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
        accepts={"m": (RIGHT,), "v": (RIGHT, inf), "w": (RIGHT,)},
        rejects={"m": (WRONG, inf), "v": (WRONG, L, nan), "w": (WRONG, 1.0, nan, inf, -inf)},
    ),
    "g² overflowed, and w stays": Element(
        g=3 * ROOT, seen={"v": inf}, accepts={"w": (1.0,)}, rejects={"w": (RIGHT, WRONG, nan, inf)}
    ),
    "g² is at the end of the range": Element(
        g=ROOT, accepts={"v": (RIGHT, inf)}, rejects={"v": (WRONG, nan)}
    ),
    "g² is clear of it": Element(
        g=ROOT * (1 - 17 * U), accepts={"v": (RIGHT,)}, rejects={"v": (WRONG, inf), "w": (1.0, nan)}
    ),
    "ω2·g² is surely beyond it": Element(
        g=SURE * (1 + 20 * U), accepts={"v": (inf,)}, rejects={"v": (L, nan)}
    ),
    "ω2·g² is not surely beyond it": Element(g=SURE * (1 - 4 * U), accepts={"v": (RIGHT, inf)}),
    "v is the largest number": Element(v=L, g=0.0, rejects={"v": (inf, nan), "w": (WRONG, inf, nan)}),
    "v̂ overflows and v does not": Element(
        v=0.5 * L,
        dialect=HAT,
        accepts={"v": (RIGHT,), "w": (RIGHT, 1.0)},
        rejects={"v": (inf,), "w": (WRONG, nan, inf, -inf)},
    ),
    "v̂ does not overflow": Element(
        v=1e-3 * L, m=1e17, dialect=HAT, accepts={"w": (RIGHT,)}, rejects={"w": (1.0, nan, inf)}
    ),
    "g − m may overflow and β·m + ω·g does not": Element(
        m=-0.9 * L,
        g=0.9 * L,
        accepts={"m": (RIGHT, inf)},
        rejects={"m": (WRONG, -inf, nan)},
    ),
    "g − m may overflow, averaged from its end": Element(
        m=-0.9 * L,
        g=0.9 * L,
        settings={"beta1": BETA},
        accepts={"m": (RIGHT, inf, -inf)},
        rejects={"m": (WRONG, nan)},
    ),
    "m is the largest number": Element(
        m=L, g=L, accepts={"m": (RIGHT, inf)}, rejects={"m": (WRONG, -inf, nan)}
    ),
    "m overflows by the loss scale": Element(
        g=0.9 * L,
        settings={"loss_scale": 0.01},
        accepts={"m": (inf,)},
        rejects={"m": (WRONG, L, -inf, nan)},
    ),
    "g − m is within the range": Element(
        g=0.9 * L, accepts={"m": (RIGHT,), "v": (inf,)}, rejects={"m": (inf, -inf, nan)}
    ),
    "n may overflow by g − m": Element(
        m=-L,
        g=0.0,
        settings={"beta1": 1 - 1e-8},
        seen={"m": -L},
        nesterov=True,
        accepts={"w": (inf, -inf)},
        rejects={"w": (1.0, WRONG, nan)},
    ),
    "n may overflow with a learning rate of 0": Element(
        m=-L,
        g=0.0,
        settings={"beta1": 1 - 1e-8, "lr": 0.0},
        seen={"m": -L},
        nesterov=True,
        accepts={"w": (1.0, nan)},
        rejects={"w": (WRONG, inf, -inf)},
    ),
    "n does not overflow by g − m": Element(
        g=0.0,
        seen={"m": -0.01 * L},
        nesterov=True,
        rejects={"w": (1.0, WRONG, nan, inf)},
    ),
    "infinite m of Nesterov": Element(
        m=inf,
        seen={"m": inf},
        nesterov=True,
        accepts={"w": (-inf, nan)},
        rejects={"w": (1.0, WRONG, inf)},
    ),
    "infinite m of Nesterov, and v": Element(
        m=inf,
        v=inf,
        seen={"m": inf, "v": inf},
        nesterov=True,
        accepts={"w": (nan,)},
        rejects={"w": (1.0, WRONG, inf, -inf)},
    ),
    "m̂ overflows and α·m does not": Element(
        m=0.9 * L, v=1e30, accepts={"w": (RIGHT, -inf)}, rejects={"w": (1.0, WRONG, inf, nan)}
    ),
    "m̂ overflows with a learning rate of 0": Element(
        m=0.9 * L, v=1e30, settings={"lr": 0.0}, accepts={"w": (1.0, nan)}, rejects={"w": (WRONG, inf, -inf)}
    ),
    "m / d overflows and α·m / d does not": Element(
        m=1e34, v=1e-10, g=0.0, accepts={"w": (RIGHT, -inf)}, rejects={"w": (1.0, WRONG, inf, nan)}
    ),
    "w overflows": Element(
        w=-0.9999999 * L, m=1e34, v=1e-10, g=0.0, accepts={"w": (-inf,)}, rejects={"w": (inf, nan, 0.0)}
    ),
    "w is at the end of the range": Element(
        w=L, m=0.0, g=0.0, accepts={"w": (RIGHT,)}, rejects={"w": (WRONG, inf, nan)}
    ),
    "w comes back into the range": Element(
        w=0.127 * L, settings={"lr": 8e36}, accepts={"w": (RIGHT,)}, rejects={"w": (WRONG, inf, nan)}
    ),
    "ε is 0, and v too": Element(
        m=0.0,
        v=0.0,
        g=1e-25,
        settings={"epsilon": 0.0},
        seen={"v": 0.0},
        accepts={"w": (1.0, WRONG, -inf)},
        rejects={"m": (inf,), "w": (inf, nan)},
    ),
    "ε, v and m are 0": Element(
        m=0.0, v=0.0, g=0.0, settings={"epsilon": 0.0}, accepts={"w": (nan,)}, rejects={"w": (1.0, inf, -inf)}
    ),
    "float16 holds no v of 70,000, and a wider type moved w": Element(
        p=FLOAT16,
        m=1e3,
        g=8400.0,
        seen={"v": inf},
        accepts={"w": (RIGHT, 1.0)},
        rejects={"w": (WRONG, nan, inf)},
    ),
}
