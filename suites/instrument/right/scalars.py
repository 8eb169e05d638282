"""Right: the scalars of a step computed in several ways."""

import math

import numpy as np

from lazyadam.reference.dialect import Dialect, Epsilon
from lazyadam.suites.backends.own import NumpyOptimizer

F = np.float32


class Scalars(NumpyOptimizer):
    def update(self, w, m, v, rows, values, t, h):
        rows, index = np.unique(rows, return_inverse=True)
        g = np.zeros((len(rows), *w.shape[1:]), w.dtype)
        np.add.at(g, index, values)
        m[rows] = h.beta1 * m[rows] + (1 - h.beta1) * g
        v[rows] = h.beta2 * v[rows] + (1 - h.beta2) * g * g
        w[rows] -= self.alpha(t, h) * m[rows] / (np.sqrt(v[rows]) + h.epsilon)


class Float32Power(Scalars):
    """libm's powf, and float32 from there on."""

    name = "right.float32_power"
    dtypes = ("float32",)

    def alpha(self, t, h):
        below = F(1) - np.power(F(h.beta1), F(t))
        return F(h.lr) * np.sqrt(F(1) - np.power(F(h.beta2), F(t))) / below


class Float32PowerRatio(Scalars):
    """The same, but the corrections are divided first."""

    name = "right.float32_power_ratio"
    dtypes = ("float32",)

    def alpha(self, t, h):
        below = F(1) - np.power(F(h.beta1), F(t))
        return np.sqrt(F(1) - np.power(F(h.beta2), F(t))) / below * F(h.lr)


class Float32PowerTextbook(NumpyOptimizer):
    """m̂ and v̂ as arrays, as in JAX's optax."""

    name = "right.float32_power_textbook"
    dtypes = ("float32",)
    documented = Dialect(epsilon=Epsilon.BESIDE_HAT)

    def update(self, w, m, v, rows, values, t, h):
        rows, index = np.unique(rows, return_inverse=True)
        g = np.zeros((len(rows), *w.shape[1:]), w.dtype)
        np.add.at(g, index, values)
        m[rows] = (1 - h.beta1) * g + h.beta1 * m[rows]
        v[rows] = (1 - h.beta2) * (g * g) + h.beta2 * v[rows]
        first = m[rows] / (F(1) - np.power(F(h.beta1), F(t)))
        second = v[rows] / (F(1) - np.power(F(h.beta2), F(t)))
        w[rows] = w[rows] + -h.lr * (first / (np.sqrt(second) + h.epsilon))


class Float32Product(Scalars):
    name = "right.float32_product"
    dtypes = ("float32",)

    def alpha(self, t, h):
        power1 = power2 = F(1)
        for _ in range(t):
            power1, power2 = power1 * F(h.beta1), power2 * F(h.beta2)
        return F(h.lr) * np.sqrt(F(1) - power2) / (F(1) - power1)


class Float64Product(Scalars):
    """TensorFlow's way."""

    name = "right.float64_product"

    def alpha(self, t, h):
        power1 = np.multiply.accumulate(np.full(t, h.beta1))[-1]
        power2 = np.multiply.accumulate(np.full(t, h.beta2))[-1]
        return float(h.lr * np.sqrt(1 - power2) / (1 - power1))


class NothingCancels(Scalars):
    """1 − β^t by expm1."""

    name = "right.nothing_cancels"

    def alpha(self, t, h):
        below = -math.expm1(t * math.log(h.beta1))
        return h.lr * math.sqrt(-math.expm1(t * math.log(h.beta2))) / below
