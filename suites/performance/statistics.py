"""Medians with their intervals, paired ratios, and what may be claimed of them, all by SciPy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

SIGNIFICANT = 0.01


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


def spread(control: Comparison | None) -> float:
    """How far from 1 two equal arms may seem: the far end of the interval of an A/A pair, as a share.

    Without such a pair nothing can be told apart.
    """
    if control is None:
        return np.inf
    return max(control.ratio.high, 1 / control.ratio.low) - 1


def corrected(p_values: Sequence[float]) -> np.ndarray:
    """p-values for as many claims at once, however they depend on each other (Benjamini and Yekutieli)."""
    return stats.false_discovery_control(p_values, method="by") if len(p_values) else np.empty(0)


def claim(ratio: float, p: float, margin: float) -> str:
    """'slower', 'faster' or 'no difference'. p: corrected. margin: as a share, such as the A/A spread."""
    if p >= SIGNIFICANT or max(ratio, 1 / ratio) - 1 <= margin:
        return "no difference"
    return "slower" if ratio > 1 else "faster"
