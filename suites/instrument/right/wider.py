"""Right: computed in a wider type, and rounded once at the end."""

import math

import ml_dtypes  # noqa: F401  (NumPy's bfloat16)
import numpy as np

from lazyadam.suites.backends.own import NumpyOptimizer


class Wider(NumpyOptimizer):
    wide = np.float64

    def update(self, w, m, v, rows, values, t, h):
        rows, index = np.unique(rows, return_inverse=True)
        g = np.zeros((len(rows), *w.shape[1:]), self.wide)
        np.add.at(g, index, values.astype(self.wide))
        first = h.beta1 * m[rows].astype(self.wide) + (1 - h.beta1) * g
        second = h.beta2 * v[rows].astype(self.wide) + (1 - h.beta2) * g * g
        alpha = h.lr * math.sqrt(1 - h.beta2**t) / (1 - h.beta1**t)
        w[rows] = w[rows].astype(self.wide) - alpha * first / (np.sqrt(second) + h.epsilon)
        m[rows], v[rows] = first, second


class Float64Inside(Wider):
    name = "right.float64_inside"
    dtypes = ("float16", "bfloat16", "float32", "float64")


class Float32Inside(Wider):
    name = "right.float32_inside"
    dtypes = ("float16", "bfloat16")
    wide = np.float32


class LongDoubleInside(Wider):
    name = "right.long_double_inside"
    wide = np.longdouble
