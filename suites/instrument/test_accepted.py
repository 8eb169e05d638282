"""What can be accepted, and what of an accepted run is compared."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lazyadam.reports.tables import frame, read, write
from lazyadam.suites.instrument.published import RUN, lazyadam
from lazyadam.suites.instrument.test_gate import NEW, RULE, STEP, drop, edit, failing


def test_a_run_is_accepted_and_then_passes(folder: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline"
    assert lazyadam("accept", "--baseline", baseline, "--out", folder).returncode == 0
    assert lazyadam("gate", "--baseline", baseline, "--out", folder).returncode == 0
    assert not list(baseline.glob("*.part"))


def test_a_failure_that_was_accepted_passes_and_is_told_when_accepted(folder: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline"
    failing("suites/x.py::test_x", "failed")(folder)
    ran = lazyadam("accept", "--baseline", baseline, "--out", folder)
    assert ran.stdout == f"accepted though it fails: suites/x.py::test_x: said\naccepted: {baseline}\n"
    assert lazyadam("gate", "--baseline", baseline, "--out", folder).returncode == 0
    failing("suites/x.py::test_y", "failed")(folder)
    assert lazyadam("gate", "--baseline", baseline, "--out", folder).returncode == 1


def not_run(folder: Path) -> None:
    table = read("verdicts", folder)
    write(table.assign(verdict="not run", explained_by="torch cannot be imported"), folder / "verdicts.csv")


def emptied(folder: Path) -> None:
    write(frame("verdicts", []), folder / "verdicts.csv")


def twice(folder: Path) -> None:
    table = read("verdicts", folder)
    write(pd.concat([table, table[:1]]), folder / "verdicts.csv")


def unread(folder: Path) -> None:
    rows = pd.DataFrame([{"item": "tables", "value": "verdicts, claims"}])
    run = read("run", folder)
    write(pd.concat([run[run["item"] != "tables"], rows]), folder / "run.csv")
    (folder / "claims.csv").unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (not_run, "nothing was judged: torch cannot be imported"),
        (emptied, "verdicts.csv: has no rows"),
        (twice, "verdicts.csv: two rows for "),
        (unread, "claims.csv: not there"),
        (edit("run", {"item": "ended"}, value="interrupted after 3 tests"), "was interrupted after 3 tests"),
        (edit("run", {"item": "ended"}, value="by SIGINT"), "run.csv: ended is 'by SIGINT', and not 'whole'"),
        (drop("run", item="ended"), "run.csv: ended is '', and not 'whole'"),
        (lambda folder: (folder / "failures.csv").unlink(), "failures.csv: not there"),
        (lambda folder: spoilt(folder, "verdicts", cases=0), "no case was judged"),
    ],
    ids=[
        *("nothing was run", "nothing is there", "a row twice", "a table lost", "interrupted"),
        *("ended otherwise", "ended nobody knows how", "no failures", "no case"),
    ],
)
def test_what_was_not_judged_is_neither_accepted_nor_compared(
    spoil: Callable[[Path], None], words: str, folder: Path, tmp_path: Path
) -> None:
    spoil(folder)
    for command, baseline in (("gate", RUN), ("accept", tmp_path / "baseline")):
        ran = lazyadam(command, "--baseline", baseline, "--out", folder)
        assert ran.returncode == 2
        (line,) = ran.stderr.splitlines()
        assert words in line
    assert not (tmp_path / "baseline").exists()
    assert lazyadam("gate", "--baseline", folder, "--out", RUN).returncode == 2


def spoilt(folder: Path, name: str, **cells: Any) -> None:
    """Every row of a table with other cells."""
    write(read(name, folder).assign(**cells), folder / f"{name}.csv")


def test_runs_that_do_not_say_what_they_tried_are_not_compared(folder: Path) -> None:
    run = read("run", folder)
    write(run[run["item"] != "seed"], folder / "run.csv")
    ran = lazyadam("gate", "--baseline", RUN, "--out", folder)
    assert (ran.returncode, ran.stderr) == (2, f"{folder}/run.csv: does not say which seed\n")


def test_a_run_that_can_not_be_accepted_whole_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "verdicts.csv").mkdir()
    ran = lazyadam("accept", "--baseline", tmp_path, "--out", RUN)
    assert (ran.returncode, ran.stderr) == (2, f"{tmp_path / 'verdicts.csv'}: is a folder\n")
    assert [file.name for file in tmp_path.iterdir()] == ["verdicts.csv"]


def test_a_test_that_fails_is_told_whatever_its_name(folder: Path, tmp_path: Path) -> None:
    write(frame("failures", [{"test": "x", "kind": "failed", "message": "1"}]), folder / "failures.csv")
    ran = lazyadam("gate", "--baseline", RUN, "--out", folder)
    assert (ran.returncode, "| a test fails | x | not so | 1 |" in ran.stdout) == (1, True)


def test_tables_of_an_earlier_run_are_not_taken_for_those_of_this(folder: Path, tmp_path: Path) -> None:
    rows = pd.DataFrame([{"item": "tables", "value": "verdicts, tolerance, dialects"}])
    run = read("run", folder)
    write(pd.concat([run[run["item"] != "tables"], rows]), folder / "run.csv")
    ran = lazyadam("gate", "--baseline", RUN, "--out", folder)
    assert (ran.returncode, ran.stdout.count("| disappeared | bad_input.csv |")) == (1, 1)
    baseline = tmp_path / "baseline"
    assert lazyadam("accept", "--baseline", baseline, "--out", folder).returncode == 0
    assert not (baseline / "bad_input.csv").exists()
    ran = lazyadam("gate", "--baseline", baseline, "--out", RUN)
    assert ran.returncode == 2
    assert "has no bad_input.csv, which the run has: accept a run anew" in ran.stderr


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (edit("verdicts", RULE, **NEW), "divergences that no pin explains can't be accepted: update-rule"),
        (edit("tolerance", STEP, max_ratio=1.01), "a ratio of 1.01 can't be accepted: torch.Adam.fused"),
        (lambda folder: (folder / "dialects.csv").unlink(), "dialects.csv: not there"),
        (
            failing("suites/conformance/test_dialects.py::test_dialects[x]", "not known"),
            "what no pin explains can't be accepted: suites/conformance/test_dialects.py::test_dialects[x]",
        ),
        (edit("tolerance", STEP, max_ratio=math.nan), "a ratio of nan can't be accepted: torch.Adam.fused"),
    ],
    ids=["a divergence", "a ratio", "a table missing", "a failure that no pin explains", "no ratio"],
)
def test_what_can_not_be_accepted_leaves_the_baseline_alone(
    spoil: Callable[[Path], None],
    words: str,
    folder: Path,
    tmp_path: Path,
) -> None:
    spoil(folder)
    ran = lazyadam("accept", "--baseline", tmp_path / "baseline", "--out", folder)
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert words in line
    assert not (tmp_path / "baseline").exists()


def test_a_run_is_not_accepted_in_its_own_folder(folder: Path) -> None:
    ran = lazyadam("accept", "--baseline", folder, "--out", folder)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "are the same folder" in ran.stderr


def test_runs_that_tried_other_things_are_not_compared(folder: Path) -> None:
    edit("run", {"item": "seed"}, value="7")(folder)
    ran = lazyadam("gate", "--baseline", RUN, "--out", folder)
    assert ran.returncode == 2
    assert "seed 7, but the accepted run had 0" in ran.stderr
