"""Right: LazyAdam in NumPy, in many orders of evaluation."""

import math

import numpy as np

from lazyadam.reference.dialect import Dialect, Epsilon
from lazyadam.suites.backends.own import NumpyOptimizer


class Written(NumpyOptimizer):
    """Repeated rows summed, the moments averaged as usual; `moved` says how w moves."""

    def update(self, w, m, v, rows, values, t, h):
        rows, index = np.unique(rows, return_inverse=True)
        g = np.zeros((len(rows), *w.shape[1:]), w.dtype)
        np.add.at(g, index, values)
        m[rows], v[rows] = self.first(m[rows], g, h), self.second(v[rows], g, h)
        w[rows] -= self.moved(m[rows], v[rows], t, h)

    def first(self, m, g, h):
        return h.beta1 * m + (1 - h.beta1) * g

    def second(self, v, g, h):
        return h.beta2 * v + (1 - h.beta2) * (g * g)

    def moved(self, m, v, t, h):
        return alpha(t, h) * (m / (np.sqrt(v) + h.epsilon))


def alpha(t, h):
    return h.lr * math.sqrt(1 - h.beta2**t) / (1 - h.beta1**t)


class Differences(Written):
    name = "right.differences"

    def first(self, m, g, h):
        return m + (1 - h.beta1) * (g - m)

    def second(self, v, g, h):
        return v + (1 - h.beta2) * (g * g - v)


class Interpolated(Written):
    """From whichever end is nearer, as torch.lerp does."""

    name = "right.interpolated"

    def first(self, m, g, h):
        omega = 1 - h.beta1
        return m + omega * (g - m) if omega < 0.5 else g - h.beta1 * (g - m)


class AlphaFirst(Written):
    name = "right.alpha_first"

    def moved(self, m, v, t, h):
        return alpha(t, h) * m / (np.sqrt(v) + h.epsilon)


class AlphaOverDenominator(Written):
    name = "right.alpha_over_denominator"

    def moved(self, m, v, t, h):
        return alpha(t, h) / (np.sqrt(v) + h.epsilon) * m


class ShareOfGradient(Written):
    name = "right.share_of_gradient"

    def second(self, v, g, h):
        return h.beta2 * v + (1 - h.beta2) * g * g


class SquaredShare(Written):
    name = "right.squared_share"

    def second(self, v, g, h):
        return h.beta2 * v + (math.sqrt(1 - h.beta2) * g) ** 2


class CorrectedFirst(Written):
    """The first moment corrected as an array, the second by the step size."""

    name = "right.corrected_first"

    def moved(self, m, v, t, h):
        return h.lr * math.sqrt(1 - h.beta2**t) * (m / (1 - h.beta1**t) / (np.sqrt(v) + h.epsilon))


class Hat(Written):
    documented = Dialect(epsilon=Epsilon.BESIDE_HAT)


class Textbook(Hat):
    name = "right.textbook"

    def moved(self, m, v, t, h):
        first, second = m / (1 - h.beta1**t), v / (1 - h.beta2**t)
        return h.lr * first / (np.sqrt(second) + h.epsilon)


class RootCorrected(Hat):
    name = "right.root_corrected"

    def moved(self, m, v, t, h):
        denominator = np.sqrt(v) / math.sqrt(1 - h.beta2**t) + h.epsilon
        return h.lr / (1 - h.beta1**t) * (m / denominator)


class RootMultiplied(Hat):
    name = "right.root_multiplied"

    def moved(self, m, v, t, h):
        denominator = np.sqrt(v) * (1 / math.sqrt(1 - h.beta2**t)) + h.epsilon
        return h.lr / (1 - h.beta1**t) * m / denominator


class Folded(Hat):
    name = "right.folded"

    def moved(self, m, v, t, h):
        return alpha(t, h) * m / (np.sqrt(v) + h.epsilon * math.sqrt(1 - h.beta2**t))
