"""The performance tables: sizes, statistics, ranking, and arms that fail. Nothing is timed."""

import os
import signal
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from lazyadam.reports.performance import curves, fastest, ranking
from lazyadam.reports.plots.drawing import styles
from lazyadam.reports.plots.speed import performance
from lazyadam.reports.schema import TABLES
from lazyadam.reports.tables import frame
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.timing.by_hand import NumPyByHand
from lazyadam.suites.backends.timing.floor import NumPyFloor
from lazyadam.suites.backends.timing.stopwatch import Stopwatch
from lazyadam.suites.backends.timing.stopwatch import _chosen as chosen_rows
from lazyadam.suites.backends.workers.sound import Lost
from lazyadam.suites.cases.case import Case, Gradient, Step
from lazyadam.suites.cases.configuration import (
    STANDARD,
    Configuration,
    refusal,
)
from lazyadam.suites.performance.arms import ROUNDS, Arm, Arms, measure
from lazyadam.suites.performance.measuring import twins
from lazyadam.suites.performance.table import rows, with_claims

SMALL = Configuration(50, 4, 20, "zipf")


class Local:
    """A process of a backend that is none: it answers from here. dies_at: the request that kills it."""

    not_run = None
    device = "cpu"
    version = "1"

    def __init__(self, backend: type[NumPyByHand], dies_at: int = -1) -> None:
        self.backend, self.left = backend, dies_at
        self.stopwatch = Stopwatch(backend("cpu"))

    @property
    def about(self) -> dict[str, str]:
        return {"backend": self.backend.name, "version": "1", "mode": "eager", "device": "cpu"}

    def time(self, *request: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            raise Lost("dies", "the process ended; its last words: none")
        return self.stopwatch.answer(*request)


def arm(backend: type[NumPyByHand], dies_at: int = -1, **settings: Any) -> Arm:
    return Arm(Local(backend, dies_at), 1, **settings)  # type: ignore[arg-type]


class LastWins(NumPyByHand):
    """Says that it sums repeated rows, and does not."""

    name = "last_wins"

    def step_function(self, case: Case, step: Step) -> Any:
        (g,) = step.gradients
        assert g is not None
        assert g.rows is not None
        rows, first = np.unique(g.rows[::-1], return_index=True)
        return super().step_function(case, Step((Gradient(g.values[::-1][first], rows),)))


class OutOfMemory(NumPyByHand):
    name = "out_of_memory"

    def build(self, case: Case) -> None:
        raise MemoryError("cannot allocate")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    arms = [
        arm(LastWins),
        arm(NumPyByHand),
        arm(NumPyByHand, twin="sparse"),
        arm(NumPyByHand, dies_at=ROUNDS // 2),
        arm(OutOfMemory),
        arm(NumPyFloor, judged=False),
    ]
    measure(arms, SMALL, np.random.default_rng(0))
    return pd.DataFrame(with_claims(rows(arms, SMALL)))


class Right(NumPyByHand):
    name = "right"


def test_the_pair_is_of_the_first_backend_that_is_right_or_of_the_first() -> None:
    """Of what is wrong nothing is said but that: a pair of it would leave the others without one."""
    arms = [arm(LastWins), arm(OutOfMemory), arm(Right), arm(NumPyByHand), arm(NumPyFloor, judged=False)]
    assert [*twins(arms, [SMALL], {})] == [(Right, {"twin": "sparse"})]
    assert [*twins(arms[:2], [SMALL], {})] == [(LastWins, {"twin": "sparse"})]
    assert [*twins(arms[3:], [SMALL], {})] == []


def test_the_pair_is_of_the_same_backend_on_another_number_of_threads() -> None:
    arms = [arm(LastWins), arm(Right)]
    known: dict[str, type[Backend]] = {"sparse": Right}
    assert [*twins(arms, [SMALL], known)] == [(Right, {"twin": "sparse"})]
    assert arms[0].opened.trajectory is None  # it was not asked once more
    assert [*twins(arms[:1], [SMALL], known)] == [(LastWins, {"twin": "sparse"})]


def test_what_does_not_fit_is_refused_before_it_is_allocated() -> None:
    huge = Configuration(10**12, 512, 10)
    assert refusal(huge, 10**9) == "needs 2.66e+07 GB of memory, 1 GB are free"
    assert refusal(SMALL, 10**9) == ""
    assert "of the device's memory" in refusal(STANDARD[0], 10**12, 1000)
    one = STANDARD[0].instance_bytes
    assert refusal(STANDARD[0], 10**12, 2 * one, instances=2) == ""
    assert "of the device's memory" in refusal(STANDARD[0], 10**12, 2 * one, instances=3)
    failed, right = arm(NumPyByHand), arm(NumPyByHand)
    measure([failed], huge, np.random.default_rng(0))
    (row,) = rows([failed], huge)
    assert row["note"].startswith("refuses (needs ")
    right.open(SMALL)
    assert right.failure is None


def test_what_is_wrong_is_struck_through_and_has_no_rank(table: pd.DataFrame) -> None:
    under_test = table.replace("by_hand.numpy", "tested")
    wrong, *_ = ranking(under_test[under_test["backend"] == "last_wins"]).to_dict("records")
    assert wrong["note"].startswith("diverges: ")
    assert wrong["worst_ratio"] > 1
    assert pd.isna(wrong["rank"])
    assert pd.isna(wrong["ratio"])
    assert list(ranking(under_test)["rank"].dropna()) == [1]


def test_the_right_and_fastest_is_named_with_what_is_not_told_apart(table: pd.DataFrame) -> None:
    under_test = table.replace("by_hand.numpy", "tested")
    measured = under_test[under_test["seconds_median"].notna()]
    assert fastest(measured).startswith("Right and fastest: tested, ")
    wrong = under_test[under_test["backend"] == "last_wins"]
    assert fastest(wrong) == "Right and fastest: none of those measured."
    made = {
        "backend": "as fast",
        "seconds_median": 9.0,
        "ratio": 1.01,
        "relative_to": "tested",
        "note": "can't tell",
    }
    others = [made, made | {"backend": "slow", "ratio": 2.5, "note": "slower; 95 %: 2 to 3"}]
    told = fastest(pd.concat([measured, pd.DataFrame(others)]))
    assert " slow takes 2.50 × as long (95 %: 2.00 to 3.00)." in told
    assert told.endswith(" Not told apart from tested: as fast.")


def test_what_is_far_off_without_a_control_or_was_not_measured_is_not_told_to_be_alike(
    table: pd.DataFrame,
) -> None:
    under_test = table.replace("by_hand.numpy", "tested")
    made = {
        "backend": "far off",
        "seconds_median": 9.0,
        "ratio": 23.67,
        "relative_to": "tested",
        "note": "can't tell: tested has no A/A pair here; 95 %: 21.505 to 26.541",
    }
    refused = {"backend": "too large", "note": "refuses (needs 9 GB of memory, 1 GB are free)"}
    told = fastest(pd.concat([under_test, pd.DataFrame([made, refused])]))
    assert told.startswith("Right and fastest of those measured: tested, ")
    assert "Not told apart" not in told
    assert " Nothing is claimed of far off: tested has no A/A pair here." in told
    assert told.endswith(" Not measured: too large (refuses (needs 9 GB of memory, 1 GB are free)).")


def test_the_base_takes_longer_than_the_fastest_by_the_inverse() -> None:
    made = {"floor_multiple": 4.0, "worst_ratio": 0.9, "note": ""}
    base = made | {"backend": "base", "seconds_median": 2e-3}
    fast = made | {"backend": "fast", "seconds_median": 1e-3, "ratio": 0.5, "relative_to": "base"}
    told = fastest(pd.DataFrame([base, fast | {"note": "faster; 95 %: 0.400 to 0.800"}]))
    assert (
        "fastest: fast, 1000 µs a step, 4 × the floor. base takes 2.00 × as long (95 %: 1.25 to 2.50)."
        in told
    )


def test_an_arm_that_fails_is_a_row_and_the_rest_goes_on(table: pd.DataFrame) -> None:
    notes = list(table["note"])
    assert notes[3] == "dies (the process ended; its last words: none)"
    assert notes[4] == "refuses (MemoryError: cannot allocate)"
    assert list(table["seconds_median"].notna()) == [True, True, True, False, False, True]
    assert table["relative_to"][2] == "by_hand.numpy"
    assert table["worst_ratio"][1] <= 1
    assert (table["floor_multiple"].dropna() > 0).all()


def test_a_worker_killed_in_the_middle_is_a_row_and_is_replaced() -> None:
    with Arms() as context:
        arms = context.start([(NumPyByHand, {}), (NumPyFloor, {"judged": False})], "cpu", 1)
        killed, floor = arms
        for each in arms:
            each.open(SMALL)
        os.kill(killed.process.pid, signal.SIGKILL)
        for each in arms:
            each.sample(0)
        found = rows(arms, SMALL)
        assert found[0]["note"].startswith("dies (")
        assert floor.failure is None
        killed.open(SMALL)
        killed.sample(0)
        assert killed.failure is None


def test_a_device_that_is_not_there_is_a_row() -> None:
    with Arms() as context:
        arms = context.start([(NumPyByHand, {})], "cuda", 1)
        measure(arms, SMALL, np.random.default_rng(0))
        (row,) = rows(arms, SMALL)
    assert row["note"] == "not run (numpy has no device cuda here)"
    assert "seconds_median" not in row


def test_every_row_fits_the_columns(table: pd.DataFrame) -> None:
    assert set(table.columns) <= set(TABLES["performance"].names)
    written = frame("performance", table.to_dict("records"))  # type: ignore[arg-type]
    assert tuple(written.columns) == TABLES["performance"].names
    sizes = ["backend", "version", "mode", "device", "dtype", "table_rows", "width", "touched_rows", "bytes"]
    assert not written[sizes].isna().any().any()


def made() -> pd.DataFrame:
    """A table in which step time is 1e-6 · touched rows for a lazy backend, and 0.02 s for a dense one."""
    found = [("a<b>&c$", Configuration(100_000, 16, k), 1e-6 * k) for k in (10, 100, 1000, 10_000, 100_000)]
    found.append(("dense", Configuration(100_000, 16, 100_000, "dense"), 0.02))
    return frame(
        "performance",
        [
            {
                "backend": name,
                "device": "cpu",
                "dtype": "float32",
                "table_rows": c.table_rows,
                "width": c.width,
                "touched_rows": c.touched_rows,
                "duplicates": c.duplicates,
                "threads": 1,
                "seconds_median": seconds,
                "bytes": c.step_bytes,
                "relative_to": "",
                "note": "diverges: somewhere" if c.touched_rows == 10 else "",
            }
            for name, c, seconds in found
        ],
    )


def test_plots_are_the_same_for_the_same_table_and_escaped() -> None:
    table = made().assign(note="")
    drawn = [performance(curves(table), styles(table["backend"])) for _ in range(2)]
    texts = [plots_of["touched_rows"].whole() for plots_of in drawn]
    assert texts[0] == texts[1]
    ElementTree.fromstring(texts[0])
    assert "a<b>" not in texts[0]


def test_rows_with_gradients_are_judged_where_a_backend_moves_all_and_strays_where_it_moves_one() -> None:
    assert sum(chosen_rows(20, 1000, 30) < 20) == 15
    assert 20 in chosen_rows(20, 21, 10)
    assert set(range(20)) < {*chosen_rows(20, 1000, 60)}
    assert [len(chosen_rows(20, 1000, most)) for most in (1, 30, 2000)] == [1, 30, 1000]


class Strays(NumPyByHand):
    """Moves two rows that no gradient names: one in the first step, one in the second."""

    name = "strays"

    def _lazy(self, rows: np.ndarray, values: np.ndarray, h: Any) -> None:
        super()._lazy(rows, values, h)
        stray = np.setdiff1d(np.arange(len(self.w)), [*NAMED])[self.t % 2]
        self.w[stray] += 1


WIDER = Configuration(500, 4, 20, "zipf")
NAMED = {int(row) for step in WIDER.case().steps[:2] for row in step.gradients[0].rows}  # type: ignore[union-attr]


def test_a_row_that_strays_in_any_of_the_judged_steps_is_among_those_that_are_judged() -> None:
    stopwatch = Stopwatch(Strays("cpu"))
    opened = stopwatch.open(WIDER)
    assert opened.case
    assert opened.trajectory
    before, (w,) = opened.case.parameters[0].w, opened.trajectory.w
    assert len(before) == len(NAMED) + 2
    steps = (before, w[0]), (w[0], w[1])
    assert [(np.abs(after - start) > 0.5).any(axis=1).sum() for start, after in steps] == [1, 1]
