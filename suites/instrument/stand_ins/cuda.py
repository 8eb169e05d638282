"""Stand-ins for torch's CUDA kernels, in NumPy: what is declared for a card is tried where there is none.

As the sources have them: ATen/native/cuda/fused_adam_utils.cuh, Atomic.cuh and SparseCUDATensorMath.cu, torch
2.13; PTX ISA, atom.add.f32.
"""

import math
from fractions import Fraction

import numpy as np

from lazyadam.reference.dialect import Dialect, Epsilon
from lazyadam.suites.backends.own import NumpyOptimizer
from lazyadam.suites.backends.torch.backends import AdamFused, SparseAdam

ULPS = 3  # within what CUDA's powf may be off


def wide(dtype):
    return np.float64 if dtype == np.float64 else np.float32


def fma(a, b, c):
    """a·b + c, rounded once: in float32 by way of float64, in float64 exactly."""
    if c.dtype == np.float32:
        return (np.float64(a) * np.float64(b) + np.float64(c)).astype(np.float32)

    def exact(x, y, z):
        plain = x * y + z
        return float(Fraction(x) * Fraction(y) + Fraction(z)) if math.isfinite(plain) and plain else plain

    return np.frompyfunc(exact, 3, 1)(float(a), b, c).astype(np.float64)


def power(beta, t, kind):
    """A power that is some ulps off."""
    x = kind(float(beta) ** t)
    for _ in range(ULPS):
        x = np.nextafter(x, kind(0))
    return x


class Fused(NumpyOptimizer):
    """Adam(fused=True): every scalar in the working precision, both averages as fma(β, x, fma(−β, g, g))."""

    name = "stand_in.fused"
    dtypes = ("float16", "bfloat16", "float32", "float64")
    layouts = frozenset({"dense", "none"})
    documented = Dialect(epsilon=Epsilon.BESIDE_HAT)
    arithmetic = AdamFused.elsewhere["cuda"]["arithmetic"]
    source_read = True

    def update(self, w, m, v, rows, values, t, h):
        kind = wide(w.dtype)
        lr, beta1, beta2, epsilon = (kind(x) for x in (h.lr, h.beta1, h.beta2, h.epsilon))
        one = kind(1)
        below, above = one - power(beta1, t, kind), np.sqrt(one - power(beta2, t, kind))
        p, g, a, b = (x.astype(kind) for x in (w, values, m, v))
        a = fma(beta1, a, fma(-beta1, g, g))
        b = fma(beta2, b, fma(-beta2, g * g, g * g))
        p = p - lr / below * a / (np.sqrt(b) / above + epsilon)
        w[...], m[...], v[...] = p, a, b


class WrongFused(Fused):
    """β1 of m̂ is that of v̂."""

    name = "stand_in.fused_wrong"

    def update(self, w, m, v, rows, values, t, h):
        before = m.copy()
        super().update(w, m, v, rows, values, t, h)
        m[...] = (before * h.beta1 + values * (1 - h.beta1) * (1 + 2**-6)).astype(m.dtype)


class Sparse(NumpyOptimizer):
    """SparseAdam, which adds by atomics that make subnormal numbers zero."""

    name = "stand_in.sparse"
    dtypes = ("float32", "float64")
    spoken = SparseAdam.elsewhere["cuda"]["spoken"]
    arithmetic = SparseAdam.arithmetic
    source_read = True

    def update(self, w, m, v, rows, values, t, h):
        rows, index = np.unique(rows, return_inverse=True)
        g = np.zeros((len(rows), *w.shape[1:]), w.dtype)
        np.add.at(g, index, values)
        kind = w.dtype.type
        first, second = (g - m[rows]) * kind(1 - h.beta1), (g * g - v[rows]) * kind(1 - h.beta2)
        numer, denom = m[rows] + first, np.sqrt(v[rows] + second) + kind(h.epsilon)
        size = kind(-h.lr * np.sqrt(1 - h.beta2**t) / (1 - h.beta1**t))
        for x, change in ((m, first), (v, second), (w, size * (numer / denom))):
            x[rows] = self.flushed(self.flushed(x[rows]) + self.flushed(change))

    @staticmethod
    def flushed(x):
        return np.where(abs(x) < np.finfo(np.float32).tiny, 0 * x, x) if x.dtype == np.float32 else x
