"""A file to start from: python -m suites.backends.template > my_optimizer.py"""

TEMPLATE = '''\
"""LazyAdam by hand. What may be declared beside: suites/backends/base.py, class Backend."""

import math

import numpy as np

from suites.backends.own import NumpyOptimizer


class LazyAdam(NumpyOptimizer):
    name = "mine.LazyAdam"

    def update(self, w, m, v, rows, values, t, h):
        rows, index = np.unique(rows, return_inverse=True)
        g = np.zeros((len(rows), *w.shape[1:]), w.dtype)
        np.add.at(g, index, values)
        m[rows] = h.beta1 * m[rows] + (1 - h.beta1) * g
        v[rows] = h.beta2 * v[rows] + (1 - h.beta2) * g * g
        alpha = h.lr * math.sqrt(1 - h.beta2**t) / (1 - h.beta1**t)
        w[rows] -= alpha * m[rows] / (np.sqrt(v[rows]) + h.epsilon)
'''

if __name__ == "__main__":
    print(TEMPLATE, end="")
