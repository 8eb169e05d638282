"""β^t as implementations obtain it, and numbers that are handed over as text."""

import math
from functools import lru_cache
from typing import Any

import numpy as np


def one_minus_power(beta: float, t: int) -> float:
    """1 − β^t, without the cancellation that the subtraction would suffer for β near 1."""
    return -math.expm1(t * math.log(beta)) if beta else 1.0


def nearest_power(beta: float, t: float, ulps: int = 0, kind: Any = np.float32) -> Any:
    """The number of a type nearest to β^t, of β rounded to it, or one some ulps from it; never above 1.

    In float64 the nearest is what the C library's pow returns, which may be an ulp off itself.
    """
    nearest = kind(float(kind(beta)) ** t)
    for _ in range(abs(ulps)):
        nearest = np.nextafter(nearest, kind(1 if ulps > 0 else 0))
    return nearest


@np.errstate(all="ignore")  # β may be 0, or round to 1
def weights_of_corrected(beta: float, t: int, off: int, kind: Any) -> tuple[float, float]:
    """What m_{t−1} and g are multiplied by where m̂ = m / (1 − β^t) is what is kept and averaged.

    m̂ ← (1 − a)·m̂ + a·g, a = 1 − (1 − (1 − β) / (1 − β^t)), each operation rounded, as in heavyball/utils.py,
    3.2.1, beta_debias and stochastic_lerp_. off: how many u the inner difference is off.
    """
    one, b = kind(1), kind(beta)
    power = kind(np.expm1(float(kind(t) * kind(np.log1p(float(b - one))))))
    inner = one - (one - b) / -power + off * kind(np.finfo(kind).epsneg)
    a = one - inner
    now, before = (one_minus_power(float(b), x) for x in (t, t - 1))
    beta_of_m = float(one - a) * now / before if before else float(b)
    return beta_of_m, float(a) * now


def float32_of_text(x: float) -> np.float32:
    """The float32 that dmlc::ParseFloat reads from the shortest text of x, which may be an ulp off.

    dmlc-core, include/dmlc/strtonum.h, as in MXNet 1.9.1: 19 digits behind the point are divided in float64,
    and the power of ten is multiplied in float32, by 1e8 as long as that goes.
    """
    digits, _, exponent = repr(float(x)).partition("e")
    whole, _, fraction = digits.partition(".")
    fraction = fraction[:19]
    value = np.float32(int(whole)) + np.float32(int(fraction or 0) / 10 ** len(fraction))
    power = int(exponent or 0)
    eights, ones = divmod(abs(power), 8)
    scale = np.multiply.reduce(np.array([1.0, *eights * (1e8,), *ones * (10.0,)], np.float32))
    return np.float32(value / scale if power < 0 else value * scale)


def float64_product(beta: float, t: int) -> float:
    """β·β·…·β, t factors multiplied one after another in float64."""
    return float(_products(beta, "float64", 1 << t.bit_length())[t])


def float32_product(beta: float, t: int) -> np.float32:
    """β·β·…·β, t factors multiplied one after another in float32."""
    return np.float32(_products(beta, "float32", 1 << t.bit_length())[t])


@lru_cache(maxsize=256)
def _products(beta: float, dtype: str, count: int) -> np.ndarray:
    """The products of 0 to `count` factors."""
    return np.multiply.accumulate(np.array([1.0, *count * (beta,)], dtype))
