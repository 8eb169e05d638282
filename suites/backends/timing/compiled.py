"""Loops over the touched rows, in C by the system's compiler: the step, and its memory traffic alone.

NumPy and torch gather rows into temporaries and scatter these: twice the traffic of a loop in place, so that
their floors are none. float32; for orientation only.
"""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend, NotRun
from lazyadam.suites.backends.errors import in_a_line
from lazyadam.suites.backends.timing.by_hand import NumPyByHand, step_size
from lazyadam.suites.cases.case import Case, Step

SOURCE = r"""
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline void row(float *w, float *m, float *v, const float *g, int64_t width, float beta1,
                       float omega1, float beta2, float omega2, float alpha, float epsilon) {
    for (int64_t i = 0; i < width; i++) {
        m[i] = beta1 * m[i] + omega1 * g[i];
        v[i] = beta2 * v[i] + omega2 * g[i] * g[i];
        w[i] -= alpha * m[i] / (sqrtf(v[i]) + epsilon);
    }
}

/* slot: of each row of the table, -1 between steps. sums: of rows that repeat. given: where the gradient of
   each distinct row is: in values, or in sums. */
void lazy(float *w, float *m, float *v, const int64_t *rows, const float *values, int64_t count,
          int64_t width, int32_t *slot, int64_t *distinct, const float **given, float *sums, float beta1,
          float omega1, float beta2, float omega2, float alpha, float epsilon) {
    int64_t found = 0;
    for (int64_t j = 0; j < count; j++) {
        const float *g = values + j * width;
        int32_t s = slot[rows[j]];
        if (s < 0) {
            slot[rows[j]] = found;
            distinct[found] = rows[j];
            given[found++] = g;
            continue;
        }
        float *sum = sums + s * width;
        if (given[s] != sum) {
            memcpy(sum, given[s], width * sizeof(float));
            given[s] = sum;
        }
        for (int64_t i = 0; i < width; i++) sum[i] += g[i];
    }
    for (int64_t s = 0; s < found; s++) {
        int64_t at = distinct[s] * width;
        slot[distinct[s]] = -1;
        row(w + at, m + at, v + at, given[s], width, beta1, omega1, beta2, omega2, alpha, epsilon);
    }
}

void dense(float *w, float *m, float *v, const float *g, int64_t count, float beta1, float omega1,
           float beta2, float omega2, float alpha, float epsilon) {
    row(w, m, v, g, count, beta1, omega1, beta2, omega2, alpha, epsilon);
}

/* first: whether an occurrence is the first of its row. */
void lazy_traffic(float *w, float *m, float *v, const int64_t *rows, const float *values, int64_t count,
                  int64_t width, const uint8_t *first, float nearly) {
    for (int64_t j = 0; j < count; j++) {
        int64_t at = rows[j] * width;
        const float *g = values + j * width;
        for (int64_t i = at; i < at + width; i++) w[i] -= (1 - nearly) * g[i - at];
        if (first[j])
            for (int64_t i = at; i < at + width; i++) {
                m[i] *= nearly;
                v[i] *= nearly;
            }
    }
}

void dense_traffic(float *w, float *m, float *v, const float *g, int64_t count, float nearly) {
    for (int64_t i = 0; i < count; i++) {
        w[i] -= (1 - nearly) * g[i];
        m[i] *= nearly;
        v[i] *= nearly;
    }
}
"""
NEARLY_ONE = ctypes.c_float(1 - 2.0**-20)  # as in floor.py
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC")


@cache
def library() -> ctypes.CDLL:
    """The loops, compiled.

    Raises:
        NotRun: there is no compiler, or it does not take them.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise NotRun("there is no C compiler: no cc")
    with tempfile.TemporaryDirectory() as folder:
        source, built = Path(folder) / "lazy.c", Path(folder) / "lazy.so"
        source.write_text(SOURCE)
        ran = subprocess.run(
            [compiler, *FLAGS, str(source), "-o", str(built), "-lm"], capture_output=True, text=True
        )
        if ran.returncode:
            raise NotRun(f"{compiler} ends with {ran.returncode}: {in_a_line(RuntimeError(ran.stderr))}")
        return ctypes.CDLL(str(built))


def _at(x: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(x.ctypes.data)


def _scalars(h: Hyperparameters, t: int) -> list[ctypes.c_float]:
    given = h.beta1, 1 - h.beta1, h.beta2, 1 - h.beta2, step_size(h, t), h.epsilon
    return [ctypes.c_float(x) for x in given]


class CompiledByHand(NumPyByHand):
    """LazyAdam of one parameter, in place: each touched row is read and written once."""

    name = "by_hand.c"
    dtypes = ("float32",)

    def prepare(self) -> str:
        library()
        return super().prepare()

    def build(self, case: Case) -> None:
        super().build(case)
        self.slot = np.full(len(self.w), -1, np.int32)

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        (gradient,) = step.gradients
        assert gradient is not None
        values = np.ascontiguousarray(gradient.values, np.float32)
        if gradient.rows is None:
            return self._dense(values, case.groups[0].hyperparameters)
        rows = np.ascontiguousarray(gradient.rows, np.int64)
        return self._sparse(rows, values, case.groups[0].hyperparameters)

    def _tables(self) -> list[ctypes.c_void_p]:
        return [_at(x) for x in (self.w, self.m, self.v)]

    def _dense(self, values: np.ndarray, h: Hyperparameters) -> Callable[[], object]:
        def step() -> None:
            self.t += 1
            size = ctypes.c_int64(values.size)
            library().dense(*self._tables(), _at(values), size, *_scalars(h, self.t))

        return step

    def _sparse(self, rows: np.ndarray, values: np.ndarray, h: Hyperparameters) -> Callable[[], object]:
        sizes = ctypes.c_int64(len(rows)), ctypes.c_int64(values[:1].size)
        distinct, given, sums = np.empty_like(rows), np.empty(len(rows), np.uintp), np.empty_like(values)

        def step() -> None:
            self.t += 1
            beside = (_at(x) for x in (self.slot, distinct, given, sums))
            library().lazy(*self._tables(), _at(rows), _at(values), *sizes, *beside, *_scalars(h, self.t))

        return step


class CompiledFloor(CompiledByHand):
    name = "floor.c"

    def _dense(self, values: np.ndarray, h: Hyperparameters) -> Callable[[], object]:
        size = ctypes.c_int64(values.size)
        return lambda: library().dense_traffic(*self._tables(), _at(values), size, NEARLY_ONE)

    def _sparse(self, rows: np.ndarray, values: np.ndarray, h: Hyperparameters) -> Callable[[], object]:
        sizes = ctypes.c_int64(len(rows)), ctypes.c_int64(values[:1].size)
        first = np.zeros(len(rows), np.uint8)
        first[np.unique(rows, return_index=True)[1]] = 1
        return lambda: library().lazy_traffic(
            *self._tables(), _at(rows), _at(values), *sizes, _at(first), NEARLY_ONE
        )


BACKENDS: tuple[type[Backend], ...] = (CompiledByHand, CompiledFloor)
