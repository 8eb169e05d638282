"""Right, but for the last: a C kernel, compiled by gcc with and without fused multiply-add."""

import ctypes
import math
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from lazyadam.suites.backends.base import NotRun
from lazyadam.suites.backends.own import NumpyOptimizer

SOURCE = r"""
#include <math.h>
#define KERNEL(name, real, root)                                                                  \
void name(real *w, real *m, real *v, const real *g, long n, real beta1, real omega1, real beta2,  \
          real omega2, real alpha, real epsilon) {                                                \
    for (long i = 0; i < n; i++) {                                                                \
        m[i] = beta1 * m[i] + omega1 * g[i];                                                      \
        v[i] = beta2 * v[i] + omega2 * g[i] * g[i];                                               \
        w[i] -= alpha * m[i] / (root(v[i]) + epsilon);                                            \
    }                                                                                             \
}
KERNEL(step_float32, float, sqrtf)
KERNEL(step_float64, double, sqrt)
"""
CONTRACTED = ("-O3", "-march=native", "-ffp-contract=fast")


@cache
def library(flags):
    if shutil.which("gcc") is None:
        raise NotRun("gcc is not there")
    with tempfile.TemporaryDirectory() as folder:
        source, built = Path(folder) / "step.c", Path(folder) / "step.so"
        source.write_text(SOURCE)
        command = ["gcc", *flags, "-shared", "-fPIC", str(source), "-o", str(built), "-lm"]
        subprocess.run(command, check=True, capture_output=True)
        return ctypes.CDLL(str(built))


class Compiled(NumpyOptimizer):
    flags = CONTRACTED

    def prepare(self):
        library(self.flags)
        return super().prepare()

    def update(self, w, m, v, rows, values, t, h):
        rows, index = np.unique(rows, return_inverse=True)
        g = np.zeros((len(rows), *w.shape[1:]), w.dtype)
        np.add.at(g, index, values)
        parts = [np.ascontiguousarray(x[rows]) for x in (w, m, v)]
        real = {"float32": ctypes.c_float, "float64": ctypes.c_double}[str(w.dtype)]
        alpha = h.lr * math.sqrt(1 - h.beta2**t) / (1 - h.beta1**t)
        scalars = (h.beta1, 1 - h.beta1, h.beta2, 1 - h.beta2, alpha, h.epsilon)
        getattr(library(self.flags), f"step_{w.dtype}")(
            *(ctypes.c_void_p(x.ctypes.data) for x in (*parts, g)), ctypes.c_long(g.size), *map(real, scalars)
        )
        for x, part in zip((w, m, v), parts, strict=True):
            x[rows] = part


class Fused(Compiled):
    name = "right.compiled_fused"


class Plain(Compiled):
    name = "right.compiled_plain"
    flags = ("-O2", "-ffp-contract=off")
