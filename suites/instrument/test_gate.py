"""The gate: each kind of change is told with the right words, and a run passes against itself."""

import math
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pandas as pd
import pytest

from lazyadam.reports.schema import TABLES
from lazyadam.reports.tables import frame, read, write
from lazyadam.suites.instrument.published import RUN, lazyadam


def rows_where(table: pd.DataFrame, **cells: Any) -> pd.Series:
    return pd.concat([table[column] == value for column, value in cells.items()], axis=1).all(axis=1)


def not_written(name: str) -> Callable[[Path], None]:
    """A run that did not write a table, and does not say that it did."""

    def change(folder: Path) -> None:
        run = read("run", folder)
        written = run["item"] == "tables"
        run.loc[written, "value"] = run.loc[written, "value"].str.replace(f"{name}, ", "")
        write(run, folder / "run.csv")
        (folder / f"{name}.csv").unlink()

    return change


def edit(name: str, where: dict[str, Any], **cells: Any) -> Callable[[Path], None]:
    """Set cells of the first row that has the given cells."""

    def change(folder: Path) -> None:
        table = read(name, folder)
        at = table.index[rows_where(table, **where)][0]
        for column, value in cells.items():
            table.loc[at, column] = value
        write(table, folder / f"{name}.csv")

    return change


def drop(name: str, **where: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        table = read(name, folder)
        write(table[~rows_where(table, **where)], folder / f"{name}.csv")

    return change


def slower(folder: Path) -> None:
    row: dict[str, Any] = dict.fromkeys(TABLES["performance_gate"].names, 1)
    row |= {
        "backend": "torch.SparseAdam",
        "verdict": "slower",
        "ratio": 1.2,
        "duplicates": "none",
        "note": "",
    }
    write(frame("performance_gate", [row]), folder / "performance_gate.csv")


def failing(test: str, kind: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        row = {"test": test, "kind": kind, "message": "said"}
        write(frame("failures", [row]), folder / "failures.csv")

    return change


BAD = {"backend": "torch.Adam.fused", "input": "lr-negative"}
TAKEN = {"backend": "torch.Adam.fused", "input": "lr-0"}
FUSED = {"backend": "torch.Adam.fused", "against": "documented", "dtype": "float32"}
RULE, STRIDED = FUSED | {"clause": "update-rule"}, FUSED | {"clause": "strided-parameters"}
NEW = {"verdict": "diverges", "explained_by": "duplicates: last", "witness": "traces/new.json"}
FREE = {"backend": "torch.Adam.fused", "way": "free", "quantity": "w", "dtype": "float32", "steps": 1000}
STEP = {"backend": "torch.Adam.fused", "way": "step", "quantity": "w", "dtype": "float32"}
REGRESSIONS: dict[str, tuple[Callable[[Path], None], str]] = {
    "new divergence": (edit("verdicts", RULE, **NEW), "| new divergence | torch.Adam.fused, float32, update"),
    "vanished divergence": (
        edit("verdicts", STRIDED, verdict="conforms", worst_ratio=0.5, explained_by="", witness=""),
        "| vanished divergence | torch.Adam.fused, float32, strided-parameters",
    ),
    "verdict class": (edit("verdicts", RULE, verdict="hangs"), "| verdict changed | torch.Adam.fused"),
    "explanation": (
        edit("verdicts", STRIDED, explained_by="duplicates: last"),
        "| explanation changed | torch.Adam.fused",
    ),
    "ratio above 1": (edit("tolerance", STEP, max_ratio=1.01), "| ratio above 1 | torch.Adam.fused"),
    "drift": (
        edit("tolerance", FREE, max_abs=1.0, max_ulp=1e6),
        "| drift grew | torch.Adam.fused, float32, w, free",
    ),
    "dialect": (
        edit("dialects", {"backend": "torch.SparseAdam", "axis": "duplicates"}, observed="last"),
        "| dialect drift | torch.SparseAdam, duplicates | sum | last |",
    ),
    "a backend disappeared": (drop("verdicts", backend="torch.Adam.loop"), "| disappeared | torch.Adam.loop"),
    "a clause disappeared": (drop("verdicts", clause="update-rule"), "| disappeared | torch.Adam.fused"),
    "a backend was not run": (edit("verdicts", RULE, verdict="not run"), "| disappeared | torch.Adam.fused"),
    "fewer cases": (
        edit("verdicts", RULE, cases=3),
        "| less was judged | torch.Adam.fused, float32, update-rule, documented | 30 cases, ",
    ),
    "fewer cases against LazyAdam": (
        edit("verdicts", RULE | {"against": "reference"}, cases=3),
        "| less was judged | torch.Adam.fused, float32, update-rule, reference | 30 cases, ",
    ),
    "fewer steps": (edit("verdicts", RULE, steps=3), "| less was judged | torch.Adam.fused"),
    "a drift that is no number": (
        edit("tolerance", FREE, max_abs=math.nan, max_ulp=math.nan),
        "| drift grew | torch.Adam.fused, float32, w, free",
    ),
    "a drift disappeared": (drop("tolerance", **FREE), "| disappeared | torch.Adam.fused, float32, w, free"),
    "a ratio that is no number": (
        edit("tolerance", STEP, max_ratio=math.nan),
        "| ratio above 1 | torch.Adam.fused",
    ),
    "bad input: the process dies": (
        edit("bad_input", BAD, outcome="dies", state=""),
        "| bad input does more harm | bad input, torch.Adam.fused, lr-negative | refuses, untouched | dies |",
    ),
    "bad input: partly written": (
        edit("bad_input", BAD, state="partly written"),
        "| bad input does more harm | bad input, torch.Adam.fused",
    ),
    "bad input: taken": (
        edit("bad_input", BAD, outcome="accepts", state="updated"),
        "| bad input is answered otherwise | bad input, torch.Adam.fused",
    ),
    "bad input: what was taken is refused": (
        edit("bad_input", TAKEN, outcome="refuses", state="untouched"),
        "| bad input is answered otherwise | bad input, torch.Adam.fused, lr-0",
    ),
    "bad input disappeared": (drop("bad_input", **BAD), "| disappeared | bad input, torch.Adam.fused"),
    "bad input was not run": (
        edit("bad_input", BAD, outcome="not run", state=""),
        "| disappeared | bad input, torch.Adam.fused, lr-negative | refuses | not run |",
    ),
    "a table disappeared": (
        not_written("bad_input"),
        "| disappeared | bad_input.csv | 1143 rows | not there |",
    ),
    "a training": (
        edit("training", {"verdict": "conforms", "against": "documented"}, verdict="diverges"),
        "| new divergence | training, ",
    ),
    "state that was carried": (
        edit("carried", {"verdict": "conforms", "against": "explained"}, verdict="diverges"),
        "| new divergence | carried, mindspore",
    ),
    "a claim": (edit("claims", {"claim": "C3"}, verdict="refuted"), "| claim changed | claims, C3"),
    "a test that fails": (
        failing("suites/conformance/test_pins.py::test_x", "failed"),
        "| a test fails | suites/conformance/test_pins.py::test_x | not so | said |",
    ),
    "a new finding": (
        edit("findings", {"backend": "torch.SparseAdam"}, cause="another"),
        "| new finding | torch.SparseAdam, another | not there | ",
    ),
    "a finding that vanished": (drop("findings", backend="torch.SparseAdam"), "| vanished finding | torch"),
    "fewer cases of a clause": (
        edit("coverage", {"backend": "torch.Adam.fused", "clause": "update-rule"}, cases=3),
        "| less was judged | coverage, torch.Adam.fused, update-rule | ",
    ),
    "a clause that is no longer covered": (
        drop("coverage", backend="torch.Adam.fused", clause="update-rule"),
        "| disappeared | coverage, torch.Adam.fused, update-rule | ",
    ),
    "another reason not to try a clause": (
        edit("coverage", {"cases": 0}, reason="another"),
        "| another reason why not | coverage, ",
    ),
    "slower": (slower, "| slower | torch.SparseAdam, 1 × 1, 1 rows, none | 1 | 1.200 |"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REGRESSIONS)
def test_a_regression_is_told_with_the_right_words(kind: str, folder: Path) -> None:
    seed, words = REGRESSIONS[kind]
    seed(folder)
    ran = lazyadam("gate", "--baseline", RUN, "--out", folder)
    assert ran.returncode == 1
    assert words in ran.stdout
    assert "changes fail the gate" in ran.stdout


def test_a_run_passes_against_itself(folder: Path) -> None:
    ran = lazyadam("gate", "--baseline", RUN, "--out", folder)
    assert (ran.returncode, ran.stdout) == (0, "Nothing that was accepted has changed.\n")


def test_verdicts_without_one_accepted_beside_them_are_counted(folder: Path, tmp_path: Path) -> None:
    accepted = tmp_path / "accepted"
    copytree(folder, accepted)
    lines = (accepted / "verdicts.csv").read_text().splitlines(keepends=True)
    (accepted / "verdicts.csv").write_text("".join(lines[:-9]))
    ran = lazyadam("gate", "--baseline", accepted, "--out", folder)
    assert ran.returncode == 0
    assert f"9 of {len(lines) - 1} verdicts have none accepted beside them, such as" in ran.stdout


def test_a_drift_within_the_margin_passes(folder: Path) -> None:
    was = read("tolerance", RUN)
    value, ulps = was[rows_where(was, **FREE)][["max_abs", "max_ulp"]].iloc[0]
    for cells in ({"max_abs": 1.09 * value, "max_ulp": 1e6}, {"max_abs": 9 * value, "max_ulp": ulps + 1.9}):
        edit("tolerance", FREE, **cells)(folder)
        assert lazyadam("gate", "--baseline", RUN, "--out", folder).returncode == 0


def test_other_selections_are_neither_compared_nor_accepted(folder: Path, tmp_path: Path) -> None:
    """A part of the clauses is no regression of the whole, and takes nothing from an accepted run."""
    baseline = tmp_path / "baseline"
    assert lazyadam("accept", "--baseline", baseline, "--out", folder).returncode == 0
    before = {file.name: file.read_bytes() for file in baseline.iterdir()}
    edit("run", {"item": "selection"}, value="-m 'quick'")(folder)
    for command in ("gate", "accept"):
        ran = lazyadam(command, "--baseline", baseline, "--out", folder)
        assert ran.returncode == 2
        (line,) = ran.stderr.splitlines()
        assert "but the accepted run had" in line
    assert {file.name: file.read_bytes() for file in baseline.iterdir()} == before


def test_a_new_backend_that_diverges_in_a_known_way_passes(folder: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline"
    assert lazyadam("accept", "--baseline", baseline, "--out", folder).returncode == 0
    for name in ("verdicts", "dialects", "tolerance"):
        drop(name, backend="torch.SparseAdam")(baseline)
    assert lazyadam("gate", "--baseline", baseline, "--out", folder).returncode == 0


def test_what_can_only_be_for_the_better_is_told_and_passes(folder: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline"
    assert lazyadam("accept", "--baseline", baseline, "--out", folder).returncode == 0
    edit("bad_input", BAD, outcome="dies", state="")(baseline)
    failing("suites/x.py::test_x", "failed")(baseline)
    ran = lazyadam("gate", "--baseline", baseline, "--out", folder)
    assert ran.returncode == 0, ran.stdout
    assert "2 changes for the better, which do not:" in ran.stdout
    assert "| bad input does less harm | bad input, torch.Adam.fused, lr-negative | dies |" in ran.stdout
    assert "| a test no longer fails so | suites/x.py::test_x | said | not so |" in ran.stdout


def test_what_was_not_run_when_accepted_may_be_run(folder: Path, tmp_path: Path) -> None:
    """It fails where it then diverges in a way that is not known."""
    baseline = tmp_path / "baseline"
    assert lazyadam("accept", "--baseline", baseline, "--out", folder).returncode == 0
    edit("verdicts", RULE, verdict="not run")(baseline)
    edit("dialects", {"backend": "torch.SparseAdam", "axis": "duplicates"}, observed="not run")(baseline)
    edit("bad_input", BAD, outcome="not run", state="")(baseline)
    assert lazyadam("gate", "--baseline", baseline, "--out", folder).returncode == 0
    edit("verdicts", RULE, **NEW)(folder)
    ran = lazyadam("gate", "--baseline", baseline, "--out", folder)
    assert (ran.returncode, ran.stdout.count("new divergence")) == (1, 1)
