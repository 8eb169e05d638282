"""What `lazyadam init` writes: an optimizer of one's own to start from, and a workflow that judges it."""

TEMPLATES = {
    "numpy": '''\
"""LazyAdam by hand. What may be declared beside: suites/backends/base.py, class Backend."""

import math

import numpy as np

from lazyadam.suites.backends.own import NumpyOptimizer


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

from lazyadam.suites.backends.own import TorchOptimizer


class SparseAdam(TorchOptimizer):
    name = "mine.SparseAdam"
    optimizer_class = torch.optim.SparseAdam
''',
    "ctypes": '''\
"""LazyAdam by a function in C. Put these lines, or your own, into lazy_adam.c beside this file:

    #include <math.h>
    #include <stdint.h>

    // w, m, v: (rows of the table, width). rows: count of them, each once. g: (count, width). t: from 1.
    void lazy_adam(float *w, float *m, float *v, const int64_t *rows, const float *g, int64_t count,
                   int64_t width, int64_t t, double lr, double beta1, double beta2, double epsilon)
    {
        const float b1 = beta1, o1 = 1 - beta1, b2 = beta2, o2 = 1 - beta2, eps = epsilon;
        const float alpha = lr * sqrt(1 - pow(beta2, t)) / (1 - pow(beta1, t));
        for (int64_t i = 0; i < count; i++)
            for (int64_t j = 0; j < width; j++) {
                const int64_t at = rows[i] * width + j;
                const float x = g[i * width + j];
                m[at] = b1 * m[at] + o1 * x;
                v[at] = b2 * v[at] + o2 * x * x;
                w[at] -= alpha * m[at] / (sqrtf(v[at]) + eps);
            }
    }

and compile them there:

    cc -O2 -shared -fPIC -o lazy_adam.so lazy_adam.c -lm

What may be declared beside: suites/backends/base.py, class Backend."""

import ctypes
from pathlib import Path

import numpy as np

from lazyadam.suites.backends.own import NumpyOptimizer

FLOATS, ROWS = (np.ctypeslib.ndpointer(x, flags="C") for x in (np.float32, np.int64))
LIBRARY = ctypes.CDLL(str(Path(__file__).with_name("lazy_adam.so")))
LIBRARY.lazy_adam.restype = None
LIBRARY.lazy_adam.argtypes = [FLOATS] * 3 + [ROWS, FLOATS] + [ctypes.c_int64] * 3 + [ctypes.c_double] * 4


class LazyAdam(NumpyOptimizer):
    name = "mine.LazyAdam"
    dtypes = ("float32",)

    def update(self, w, m, v, rows, values, t, h):
        rows, index = np.unique(rows.astype(np.int64), return_inverse=True)
        g = np.zeros((len(rows), *w.shape[1:]), w.dtype)
        np.add.at(g, index, values)
        width = w.size // len(w)
        LIBRARY.lazy_adam(w, m, v, rows, g, len(rows), width, t, h.lr, h.beta1, h.beta2, h.epsilon)
''',
}

WORKFLOW = """\
# Judges {file} at every push. What else may be given: the first lines of the workflow that is used.
name: LazyAdam conformance

on: [push, pull_request]

permissions:
  contents: read

jobs:
  lazyadam:
    uses: {suite}/.github/workflows/conformance.yml@main
    with:
      suite: {suite}
      backend-file: {file}
      extras: {extras} # the frameworks that it needs: torch, mindspore
"""
