"""The commands about speed and builds: where nothing was measured or compared that is said, with exit 2."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lazyadam.reports.gate import _speed
from lazyadam.reports.tables import frame
from lazyadam.suites.backends.base import NotRun
from lazyadam.suites.backends.timing.by_hand import NumPyByHand
from lazyadam.suites.backends.timing.stopwatch import Opened
from lazyadam.suites.cases.case import Failure
from lazyadam.suites.cases.configuration import Configuration
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.performance import arms, reference, trials
from lazyadam.suites.performance import candidate as gate
from lazyadam.suites.performance import measuring as speed
from lazyadam.suites.performance.arms import Arm, measure
from lazyadam.suites.performance.table import rows, with_claims

SMALL = Configuration(50, 4, 20, "zipf")
REFUSING = """
from lazyadam.suites.backends.own import NumpyOptimizer

class Refusing(NumpyOptimizer):
    name = "mine.Refusing"

    def update(self, w, m, v, rows, values, t, h):
        {raises}
"""


def declared(folder: Path, raises: str) -> Path:
    path = folder / "my_optimizer.py"
    path.write_text(f'"""Refuses."""\n{REFUSING.format(raises=raises)}')
    return path


class Other(NumPyByHand):
    name = "other"


class Fixed:
    """A process that answers with the seconds it is given, or fails as it is given."""

    not_run = None
    device = "cpu"
    version = "1"

    def __init__(self, seconds: float, failure: Failure | None = None) -> None:
        self.backend: type[NumPyByHand] = NumPyByHand
        self.seconds, self.failure = seconds, failure
        self.rng = np.random.default_rng(round(1e6 * seconds))

    @property
    def about(self) -> dict[str, str]:
        return {"backend": self.backend.name, "version": "1", "mode": "eager", "device": "cpu"}

    def time(self, request: str, *arguments: Any) -> Any:
        if request == "open":
            return Opened(self.failure, (self.seconds,))
        return float(self.seconds * self.rng.lognormal(0, 0.01)), 0.0


def fixed(seconds: float, why: str = "", **settings: Any) -> Arm:
    failure = Failure("refuses", 0, why) if why else None
    return Arm(Fixed(seconds, failure), 1, **settings)  # type: ignore[arg-type]


MEMORY = "needs 9 GB of memory, 1 GB are free"
ROWS = {
    "slower": ([fixed(1.0), fixed(1.001), fixed(1.3)], "slower", ""),
    "not slower": ([fixed(1.0), fixed(1.001), fixed(1.002)], "not slower", "no slowdown beyond"),
    "no A/A pair": ([fixed(1.0), fixed(1.0, MEMORY), fixed(1.6)], "can't tell", "no A/A pair: refuses ("),
    "no base": ([fixed(1.0, "why"), fixed(1.0), fixed(1.0)], "not run", "the base: refuses (why)"),
    "no candidate": ([fixed(1.0), fixed(1.0), fixed(1.0, "why")], "not run", "the candidate: refuses (why)"),
    "an A/A pair apart": ([fixed(1.0), fixed(1.2), fixed(1.05)], "can't tell", "the A/A pair shows"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ROWS)
def test_a_gate_row_says_which_arm_failed(kind: str) -> None:
    these, word, note = ROWS[kind]
    (found,) = gate.with_verdicts([gate.row(these, SMALL, np.random.default_rng(0))])
    assert found["verdict"] == word
    assert found["note"].startswith(note)


def test_what_can_not_be_told_is_measured_longer() -> None:
    near = [fixed(1.0), fixed(1.03), fixed(1.08)]
    gate.row(near, SMALL, np.random.default_rng(0))
    assert len(near[0].seconds) == arms.LOOKS * arms.ROUNDS
    far = [fixed(1.0), fixed(1.01), fixed(1.5)]
    gate.row(far, SMALL, np.random.default_rng(0))
    assert len(far[0].seconds) == arms.ROUNDS


def test_without_an_a_a_pair_the_table_can_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    right = SimpleNamespace(worst_ratio=0.5, divergence="")
    monkeypatch.setattr("lazyadam.suites.performance.table.correctness_of", lambda arm, configuration: right)
    for twin, why in (
        ([fixed(1.0, MEMORY, twin="sparse")], "can't tell: of the A/A pair one refuses (needs 9 GB"),
        ([], "can't tell: by_hand.numpy has no A/A pair here; 95 %: 1.6"),
        ([fixed(1.01, twin="sparse")], "slower; 95 %: 1.6"),
    ):  # fmt: skip
        other = fixed(1.62)
        other.process.backend = Other
        these = [fixed(1.0), other, *twin]
        measure(these, SMALL, np.random.default_rng(0))
        assert with_claims(rows(these, SMALL))[1]["note"].startswith(why)


GATE = ("bench", "torch.SparseAdam", f"--candidate={sys.executable}")


def test_a_gate_of_which_no_row_ran_is_2_and_says_why(tmp_path: Path) -> None:
    ran = lazyadam(*GATE, "--device", "ascend", f"--out={tmp_path}")
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1].startswith("nothing was compared: the base: not run (")
    assert "0 slower, 0 can't tell, 4 not run, 0 fine; load " in ran.stdout.splitlines()[-1]


@pytest.mark.slow
def test_a_gate_without_rows_is_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "GATED", ())
    ran = lazyadam(*GATE, f"--out={tmp_path}")
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1] == "nothing was compared: no backend here takes these gradients"


@pytest.mark.slow
def test_no_arm_that_ran_is_2_and_says_why(tmp_path: Path) -> None:
    """What is measured beside the backends is none of them."""
    file = declared(tmp_path, "raise ValueError('no')")
    sizes = ("--table-rows=10", "--touched-rows=5", "--threads=1")
    ran = lazyadam("bench", file, f"--out={tmp_path}", *sizes)
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1] == f"nothing was measured: refuses (ValueError: no ({file}:9))"
    table = pd.read_csv(tmp_path / "performance.csv")
    assert table["seconds_median"].notna().any()


def test_rows_that_were_measured_are_told_from_those_that_were_not() -> None:
    ran = {"backend": "torch.SparseAdam", "seconds_median": 1.0, "note": ""}
    failed = {"backend": "torch.SparseAdam", "note": "dies (why)"}
    beside = {"backend": "floor.numpy", "seconds_median": 1.0, "note": ""}
    assert speed.not_measured([ran, failed, beside]) == ""
    assert speed.not_measured([failed, failed, beside]) == "dies (why)"
    assert speed.not_measured([beside]) == speed.not_measured([]) == "no backend takes these gradients"


SPEED, CANDIDATE = ("bench", "torch.SparseAdam"), f"--candidate={sys.executable}"
BUILDS, NO_FOLDER = ("builds", "torch.SparseAdam"), "--out=/dev/null/x"
BAD = {
    "no rows": ((*SPEED, "--table-rows=0"), "0 is no whole number from 1 to"),
    "half a row": ((*SPEED, "--table-rows=10.5"), "10.5 is no whole number from 1 to"),
    "an infinity of rows": ((*SPEED, "--table-rows=1e400"), "1e400 is no whole number from 1 to"),
    "rows that are no number": ((*SPEED, "--touched-rows=nan"), "nan is no whole number from 1 to"),
    "no threads": ((*SPEED, "--threads=0"), "0 is no whole number from 1 to"),
    "more rows than the table has": (
        (*SPEED, "--table-rows=1", "--touched-rows=2"), "nothing was measured: no table has so many"
    ),
    "more rows than memory": (
        (*SPEED, "--table-rows=1e15", "--touched-rows=1e15"), "nothing was measured: Unable to allocate"
    ),
    "a slowdown below 0": ((*SPEED, CANDIDATE, "--slowdown=-1"), "-1 is no share from 0 on"),
    "a slowdown that is no number": ((*SPEED, CANDIDATE, "--slowdown=nan"), "nan is no share from 0 on"),
    "a slowdown of nothing": ((*SPEED, "--slowdown=0.1"), "--slowdown goes with --candidate"),
    "no such interpreter": ((*SPEED, "--candidate=/no/such/python"), "/no/such/python does not start"),
    "no interpreter said": ((*SPEED, "--candidate="), "does not start"),
    "a folder": ((*SPEED, "--candidate=/tmp"), "--candidate: /tmp does not start"),
    "no interpreter": ((*BUILDS, "--candidate=true"), "true is no Python interpreter that has numpy"),
    "an open quote": ((*BUILDS, "--candidate=a 'b"), "a 'b does not start: No closing quotation"),
    "an interpreter without NumPy": (
        (*BUILDS, f"--candidate={sys.executable} -I -S"), "ModuleNotFoundError: No module named 'numpy'"
    ),
    "a folder that can't be": ((*SPEED, CANDIDATE, NO_FOLDER), "can't be written (Not a directory)"),
    "the trials into one": (("bench", "--trials", NO_FOLDER), "can't be written (Not a directory)"),
    "the reference into one": (("bench", "--reference", NO_FOLDER), "can't be written (Not a directory)"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_options_are_a_line_before_anything_runs(kind: str, tmp_path: Path) -> None:
    (name, *arguments), words = BAD[kind]
    ran = lazyadam(name, f"--out={tmp_path}", *arguments)
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert words in line
    assert not list(tmp_path.iterdir())


def test_the_reports_gate_takes_no_unknown_speed_for_a_pass() -> None:
    size = {"table_rows": 9, "width": 4, "touched_rows": 3, "duplicates": "none"}
    usual = {"backend": "b", "ratio": 1.2, **size}
    table = frame(
        "performance_gate",
        [
            {**usual, "verdict": "slower", "note": ""},
            {**usual, "verdict": "faster", "note": ""},
            {**usual, "verdict": "not slower", "note": "no slowdown beyond 4 %"},
            {**usual, "verdict": "can't tell", "note": "the A/A pair shows 22 %"},
            {**usual, "verdict": "not run", "note": "the candidate: dies (why)"},
        ],
    )
    found = {(change.kind, change.after) for change in _speed(None, table)}
    assert found == {
        ("slower", "1.200"),
        ("speed not known", "can't tell: the A/A pair shows 22 %"),
        ("speed not known", "not run: the candidate: dies (why)"),
    }
    only = table[table["verdict"] == "faster"]
    accepted = pd.concat([only, only.assign(table_rows=77)])
    (change,) = _speed(accepted, only)
    assert (change.kind, change.after) == ("disappeared", "not measured")
    (change,) = _speed(None, table[:0])
    assert (change.kind, change.after) == ("speed not known", "nothing compared")


def test_trials_that_did_not_run_are_2_and_count_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "TRIALS", 2)
    monkeypatch.setattr(trials, "GATED", (SMALL,))
    nothing: Callable[..., list[Arm]] = partial(_gone)
    monkeypatch.setattr(trials, "start", nothing)
    ran = lazyadam("bench", "--trials", f"--out={tmp_path}")
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1] == "trials that did not run: the base: refuses (why)"
    assert set(pd.read_csv(tmp_path / "performance_trials.csv")["trials"]) == {0}


def _gone(*arguments: object) -> list[Arm]:
    return [fixed(1.0, "why"), fixed(1.0), fixed(1.0)]


def test_the_reference_without_backends_is_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*arguments: object) -> None:
        raise NotRun("no torch here")

    monkeypatch.setattr(reference, "reference_beside_torch", missing)
    monkeypatch.setattr(reference, "verification_cost", missing)
    ran = lazyadam("bench", "--reference", f"--out={tmp_path}")
    assert ran.returncode == 2
    assert "reference beside torch: not run (no torch here)" in ran.stderr
    assert ran.stderr.splitlines()[-1] == "nothing was measured"
    assert not list(tmp_path.iterdir())
