"""Numbers for weights, state and gradients, by regime. Every number is one of the case's type."""

from collections.abc import Callable

import numpy as np

from lazyadam.reference.rounding import PRECISIONS, Precision, round_to

Fill = Callable[[np.random.Generator, tuple[int, ...], Precision], np.ndarray]


def _ones(rng: np.random.Generator, shape: tuple[int, ...], p: Precision) -> np.ndarray:
    return np.ones(shape)


def _ramp(rng: np.random.Generator, shape: tuple[int, ...], p: Precision) -> np.ndarray:
    return (np.arange(np.prod(shape)) % 7 - 3.0).reshape(shape) / 4


def _ordinary(rng: np.random.Generator, shape: tuple[int, ...], p: Precision) -> np.ndarray:
    return rng.standard_normal(shape)


def _wide(rng: np.random.Generator, shape: tuple[int, ...], p: Precision) -> np.ndarray:
    """Magnitudes from 1e-20 to 1e4, as far as the type's squares reach."""
    return rng.choice([-1.0, 1.0], shape) * 10 ** rng.uniform(-20, min(4, np.log10(p.largest) / 2), shape)


def _broad(rng: np.random.Generator, shape: tuple[int, ...], p: Precision) -> np.ndarray:
    """Magnitudes from 1e-12 to 1e4: squares and averages of squares stay clear of float32's subnormals."""
    return rng.choice([-1.0, 1.0], shape) * 10 ** rng.uniform(-12, min(4, np.log10(p.largest) / 2), shape)


def _tiny(rng: np.random.Generator, shape: tuple[int, ...], p: Precision) -> np.ndarray:
    """So small that ε rules the denominator."""
    return rng.standard_normal(shape) * 10 ** rng.uniform(-13, -7, shape)


def _zeros(rng: np.random.Generator, shape: tuple[int, ...], p: Precision) -> np.ndarray:
    """Mostly zeros, whole rows of them included."""
    x = rng.standard_normal(shape) * (rng.random(shape) < 0.4)
    x[rng.random(shape[0]) < 0.4] = 0
    return x


def _subnormal(rng: np.random.Generator, shape: tuple[int, ...], p: Precision) -> np.ndarray:
    return rng.integers(-1000, 1000, shape) * (2 * p.eta)


def _overflowing(rng: np.random.Generator, shape: tuple[int, ...], p: Precision) -> np.ndarray:
    """Around the root of the largest number, where g² overflows, and up to the largest."""
    exponent = rng.uniform(0.45, 0.999, shape) * np.log2(p.largest)
    return rng.choice([-1.0, 1.0], shape) * 2**exponent


def _special(rng: np.random.Generator, shape: tuple[int, ...], p: Precision) -> np.ndarray:
    x = rng.standard_normal(shape)
    return np.where(rng.random(shape) < 0.2, rng.choice([np.inf, -np.inf, np.nan], shape), x)


def _nothing(rng: np.random.Generator, shape: tuple[int, ...], p: Precision) -> np.ndarray:
    return np.zeros(shape)


def _huge(rng: np.random.Generator, shape: tuple[int, ...], p: Precision) -> np.ndarray:
    return rng.standard_normal(shape) * min(1e6, p.largest / 64)


GRADIENTS: dict[str, Fill] = {
    "nothing": _nothing,
    "ones": _ones,
    "ramp": _ramp,
    "ordinary": _ordinary,
    "broad": _broad,
    "wide": _wide,
    "tiny": _tiny,
    "zeros": _zeros,
    "subnormal": _subnormal,
    "overflowing": _overflowing,
    "special": _special,
}
WEIGHTS: dict[str, Fill] = {
    "nothing": _nothing,
    "ones": _ones,
    "ordinary": _ordinary,
    "tiny": _tiny,
    "zeros": _zeros,
    "huge": _huge,
}


def gradient_values(regime: str, seed: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Values of a gradient in a regime."""
    return _fill(GRADIENTS[regime], seed, shape, dtype)


def weights(kind: str, seed: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Starting weights of a kind."""
    return _fill(WEIGHTS[kind], seed, shape, dtype)


def _fill(fill: Fill, seed: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if 0 in shape:
        return np.zeros(shape)
    return round_to(fill(np.random.default_rng(seed), shape, PRECISIONS[dtype]), dtype)
