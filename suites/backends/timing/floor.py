"""The floor: the memory traffic of a step and nothing else, in the operations of NumPy and of torch.

Lazy: w, m and v gathered from random rows and scattered back. Dense: w, m and v read, changed and written
in place. A plain copy would be no floor: it writes where a fused update reads and writes the same line. The
floor of a configuration is the fastest of these and of the compiled loop (compiled.py).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.timing.by_hand import NumPyByHand, TorchByHand
from lazyadam.suites.cases.case import Case, Step

NEARLY_ONE = 1 - 2.0**-20  # a factor that changes numbers and lets none run away


class NumPyFloor(NumPyByHand):
    name = "floor.numpy"

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        (gradient,) = step.gradients
        assert gradient is not None
        values = gradient.values.astype(case.dtype)
        tables = (self.w, self.m, self.v)
        if gradient.rows is None:

            def dense() -> None:
                np.subtract(self.w, values, out=self.w)
                np.multiply(self.m, NEARLY_ONE, out=self.m)
                np.multiply(self.v, NEARLY_ONE, out=self.v)

            return dense
        rows = np.unique(gradient.rows)
        touched = [np.empty((len(rows), *values.shape[1:]), case.dtype) for _ in tables]

        def lazy() -> None:
            values.max()
            for table, x in zip(tables, touched, strict=True):
                np.take(table, rows, 0, out=x, mode="clip")
                table[rows] = x

        return lazy


class TorchFloor(TorchByHand):
    name = "floor.torch"

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        torch = self.torch
        (gradient,) = step.gradients
        assert gradient is not None
        values = self._tensor(gradient.values)
        tables = (self.w, self.m, self.v)
        if gradient.rows is None:

            def dense() -> None:
                self.w.sub_(values)
                self.m.mul_(NEARLY_ONE)
                self.v.mul_(NEARLY_ONE)

            return dense
        rows: Any = torch.from_numpy(np.unique(gradient.rows)).to(self.device)
        touched = [values.new_empty((len(rows), *values.shape[1:])) for _ in tables]

        def lazy() -> None:
            values.sum()
            for table, x in zip(tables, touched, strict=True):
                torch.index_select(table, 0, rows, out=x)
                table.index_copy_(0, rows, x)

        return lazy


BACKENDS: tuple[type[Backend], ...] = (NumPyFloor, TorchFloor)
