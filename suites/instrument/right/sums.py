"""Right: repeated rows summed in many ways, and rows updated in blocks and by threads."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from lazyadam.suites.backends.own import NumpyOptimizer


class Summed(NumpyOptimizer):
    def update(self, w, m, v, rows, values, t, h):
        rows, g = self.total(rows, values)
        self.each(w, m, v, rows, g, t, h)

    def total(self, rows, values):
        rows, index = np.unique(rows, return_inverse=True)
        g = np.zeros((len(rows), *values.shape[1:]), values.dtype)
        np.add.at(g, index, values)
        return rows, g

    def each(self, w, m, v, rows, g, t, h):
        m[rows] = h.beta1 * m[rows] + (1 - h.beta1) * g
        v[rows] = h.beta2 * v[rows] + (1 - h.beta2) * g * g
        alpha = h.lr * math.sqrt(1 - h.beta2**t) / (1 - h.beta1**t)
        w[rows] -= alpha * m[rows] / (np.sqrt(v[rows]) + h.epsilon)


class Reduced(Summed):
    name = "right.reduced"

    def total(self, rows, values):
        order = np.argsort(rows, kind="stable")
        unique, starts = np.unique(rows[order], return_index=True)
        return unique, np.add.reduceat(values[order], starts) if len(rows) else values


class Counted(Summed):
    """By bincount, which sums in float64."""

    name = "right.counted"

    def total(self, rows, values):
        unique, index = np.unique(rows, return_inverse=True)
        flat = values.reshape(len(rows), math.prod(values.shape[1:]))
        columns = [np.bincount(index, x, len(unique)) for x in flat.T]
        g = np.stack(columns, axis=-1).astype(values.dtype)
        return unique, g.reshape(len(unique), *values.shape[1:])


class OneHot(Summed):
    """By a product with a matrix of zeros and ones: not of infinities, for 0·∞ is NaN."""

    name = "right.one_hot"

    def total(self, rows, values):
        if not np.isfinite(values).all():
            return super().total(rows, values)
        unique, index = np.unique(rows, return_inverse=True)
        hot = (index == np.arange(len(unique))[:, None]).astype(values.dtype)
        flat = values.reshape(len(rows), math.prod(values.shape[1:]))
        return unique, (hot @ flat).reshape(len(unique), *values.shape[1:])


class Compensated(Summed):
    """After Kahan; what is not finite has no compensation."""

    name = "right.compensated"

    def total(self, rows, values):
        unique, index = np.unique(rows, return_inverse=True)
        g = np.zeros((len(unique), *values.shape[1:]), values.dtype)
        lost = np.zeros_like(g)
        for i, x in zip(index, values, strict=True):
            y = x - lost[i]
            total = g[i] + y
            lost[i] = np.nan_to_num((total - g[i]) - y, nan=0, posinf=0, neginf=0)
            g[i] = total
        return unique, g


class InBlocks(Summed):
    name = "right.in_blocks"

    def each(self, w, m, v, rows, g, t, h):
        for i in range(0, len(rows), 2):
            super().each(w, m, v, rows[i : i + 2], g[i : i + 2], t, h)


class Threaded(Summed):
    name = "right.threaded"

    def each(self, w, m, v, rows, g, t, h):
        work = super().each

        def part(i):
            with np.errstate(all="ignore"):  # of this thread
                work(w, m, v, rows[i::3], g[i::3], t, h)

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(part, range(3)))
