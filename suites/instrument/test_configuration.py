"""Sizes of a measurement: what a step reads and writes, which rows it touches, what makes no sense."""

import numpy as np
import pytest

from lazyadam.suites.backends.timing.by_hand import NumPyByHand
from lazyadam.suites.backends.timing.stopwatch import Stopwatch
from lazyadam.suites.cases.configuration import FULL, STANDARD, USUAL, Configuration, grid
from lazyadam.suites.performance.room import guessed


def test_bytes_of_a_step_are_counted() -> None:
    # w, m, v read and written; gradient and rows read.
    assert Configuration(1000, 16, 100).step_bytes == 100 * 16 * 4 * 7 + 100 * 8
    assert Configuration(1000, 16, 1000, "dense").step_bytes == 1000 * 16 * 4 * 7
    hot = Configuration(10**6, 16, 1000, "hot")
    assert 499 <= hot.distinct_rows <= 501
    assert hot.step_bytes == hot.distinct_rows * 16 * 4 * 6 + 1000 * (16 * 4 + 8)


@pytest.mark.parametrize("configuration", STANDARD, ids=str)
def test_predicted_bytes_cover_what_is_used(configuration: Configuration) -> None:
    used = Stopwatch(NumPyByHand("cpu")).open(configuration).peak_bytes
    assert used is not None
    assert 0 < used <= guessed(configuration).held


@pytest.mark.parametrize("duplicates", ["none", "zipf", "hot"])
@pytest.mark.parametrize(("n", "k"), [(1, 1), (7, 7), (1000, 10), (10**7, 1000)])
def test_rows_are_drawn_as_asked(n: int, k: int, duplicates: str) -> None:
    configuration = Configuration(n, 1, k, duplicates)
    rows = configuration.rows(0)
    assert rows is not None
    assert rows.shape == (k,)
    assert rows.min() >= 0
    assert rows.max() < n
    if duplicates == "none":
        assert len(np.unique(rows)) == k
    elif n > k > 100:
        assert len(np.unique(rows)) < 0.8 * k


def test_sizes_that_make_no_sense_are_refused_in_words() -> None:
    for sizes in ((10, 4, 20, "none"), (10, 4, 5, "dense"), (0, 4, 1, "zipf"), (1, 1, 1, "twice")):
        with pytest.raises(ValueError, match=r"distinct|dense|start at 1|unknown"):
            Configuration(*sizes)
    assert grid([10], [4], [5, 20], ["none", "dense"]) == [
        Configuration(10, 4, 5),
        Configuration(10, 4, 10, "dense"),
    ]
    assert set(STANDARD) <= set(USUAL)
    assert set(STANDARD) <= set(FULL)
