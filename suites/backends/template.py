"""A file to start from: python -m suites.backends.template [numpy|torch] > my_optimizer.py"""

import argparse

TEMPLATES = {
    "numpy": '''\
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
''',
    "torch": '''\
"""SparseAdam as it is: put your own class in its place."""

import torch

from suites.backends.own import TorchOptimizer


class SparseAdam(TorchOptimizer):
    name = "mine.SparseAdam"
    optimizer_class = torch.optim.SparseAdam
''',
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m suites.backends.template", description=__doc__)
    parser.add_argument("of", nargs="?", default="numpy", choices=list(TEMPLATES))
    print(TEMPLATES[parser.parse_args().of], end="")
