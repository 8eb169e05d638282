"""The steps that are timed are those that are judged."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lazyadam.reference.dialect import StepCount
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.timing.by_hand import NumPyByHand
from lazyadam.suites.backends.timing.stopwatch import Stopwatch
from lazyadam.suites.cases.case import Case, State
from lazyadam.suites.cases.configuration import Configuration
from lazyadam.suites.performance.correctness import correctness

LAYOUTS = [Configuration(500, 4, 20), Configuration(50, 4, 50, "dense")]


class TakesTheLast(NumPyByHand):
    """Prepared ahead, every step takes the gradient that was prepared last."""

    name = "takes-the-last"

    def steps_ahead(self, case: Case) -> Callable[[int], Callable[[], object]]:
        call = [self.step_function(case, step) for step in case.steps][-1]
        return lambda number: call


class CountsRows(NumPyByHand):
    """Each row counts its own steps, as it says it does."""

    name = "counts-rows"
    documented = spoken = replace(NumPyByHand.documented, step_count=StepCount.ROW)

    def build(self, case: Case) -> None:
        super().build(case)
        self.counts = np.full(len(self.w), case.t)

    def _lazy(self, rows: np.ndarray, values: np.ndarray, h: Hyperparameters) -> None:
        self.counts[np.unique(rows)] += 1
        for row in np.unique(rows):
            self.t = self.counts[row] - 1
            super()._lazy(np.zeros(1, int) + row, values[rows == row].sum(axis=0, keepdims=True), h)

    def look(self) -> State:
        w, m, v, *_ = super().look()
        counts: Any = [self.counts.copy()]
        return w, m, v, counts


@pytest.mark.parametrize("configuration", LAYOUTS, ids=str)
def test_a_step_that_is_another_where_it_is_prepared_ahead_is_found_wrong(
    configuration: Configuration,
) -> None:
    for backend, sound in ((NumPyByHand, True), (TakesTheLast, False)):
        opened = Stopwatch(backend("cpu")).open(configuration)
        found = correctness(backend, "cpu", "float32", opened)
        assert (found.divergence == "") is sound, found.divergence


def test_a_backend_whose_rows_count_is_judged_by_the_counts_of_its_rows() -> None:
    opened = Stopwatch(CountsRows("cpu")).open(LAYOUTS[0])
    assert correctness(CountsRows, "cpu", "float32", opened).divergence == ""
    assert opened.trajectory is not None
    assert opened.trajectory.row_t is not None
    assert len(np.unique(opened.trajectory.row_t[0])) > 1
    counted = replace(opened.trajectory, row_t=[opened.trajectory.row_t[0] + 1])
    assert correctness(CountsRows, "cpu", "float32", replace(opened, trajectory=counted)).divergence
