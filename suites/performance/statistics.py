"""Medians with their intervals, paired ratios, and what may be claimed of them, all by SciPy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

SIGNIFICANT = 0.01
LEAST = 0.10  # the difference that has to be seen, as a share


@dataclass(frozen=True)
class Median:
    """A median with the 95 % interval that order statistics give."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """An arm against the base: the median of the paired ratios of their times, and Mann–Whitney's p."""

    ratio: Median
    p: float


def median(samples: Sequence[float] | np.ndarray) -> Median:
    """The median of independent samples."""
    interval = stats.quantile_test(samples, p=0.5).confidence_interval(0.95)
    return Median(float(np.median(samples)), float(interval.low), float(interval.high))


def compare(base: Sequence[float], arm: Sequence[float]) -> Comparison:
    """Seconds of two arms, taken in the same rounds."""
    p = stats.mannwhitneyu(arm, base).pvalue
    return Comparison(median(np.asarray(arm) / np.asarray(base)), float(p))


def spread(control: Comparison) -> float:
    """How far from 1 two equal arms may seem: the far end of the interval of an A/A pair, as a share."""
    return max(control.ratio.high, 1 / control.ratio.low) - 1


def corrected(p_values: Sequence[float]) -> np.ndarray:
    """p-values for as many claims at once, however they depend on each other (Benjamini and Yekutieli)."""
    return stats.false_discovery_control(p_values, method="by") if len(p_values) else np.empty(0)


def apart(ratio: Median, p: float, margin: float) -> str:
    """'slower' or 'faster' where an arm is so, significantly and beyond a margin; else ''. p: corrected."""
    if not (p < SIGNIFICANT and max(ratio.value, 1 / ratio.value) - 1 > margin):
        return ""
    return "slower" if ratio.value > 1 else "faster"


def slowdown(ratio: Median, margin: float) -> float:
    """The largest slowdown that the interval leaves possible, where equal arms may differ by the margin."""
    return ratio.high * (1 + margin) - 1


def claim(ratio: Median, p: float, margin: float | str) -> str:
    """'slower', 'faster', 'no difference beyond …', or "can't tell: " and why.

    There is no difference where one of `LEAST` either way can be excluded. p: corrected. margin: as `spread`
    of the A/A pair has it; or why there is no such pair.
    """
    if isinstance(margin, str):
        return f"can't tell: {margin}"
    if found := apart(ratio, p, margin):
        return found
    most = max(
        slowdown(ratio, margin), slowdown(Median(1 / ratio.value, 1 / ratio.high, 1 / ratio.low), margin)
    )
    if most <= LEAST:
        return f"no difference beyond {percent(most)}"
    return f"can't tell: {percent(most)} is possible, and the A/A pair shows {percent(margin)}"


def percent(share: float) -> str:
    """Rounded up: what is excluded beyond it is excluded."""
    return f"{math.ceil(100 * share)} %" if math.isfinite(share) else "anything"
