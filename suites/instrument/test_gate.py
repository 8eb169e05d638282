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


def test_a_run_is_accepted_and_then_passes(folder: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline"
    assert lazyadam("accept", "--baseline", baseline, "--out", folder).returncode == 0
    assert lazyadam("gate", "--baseline", baseline, "--out", folder).returncode == 0
    assert not list(baseline.glob("*.part"))


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


def test_a_failure_that_was_accepted_passes_and_is_told_when_accepted(folder: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline"
    failing("suites/x.py::test_x", "failed")(folder)
    ran = lazyadam("accept", "--baseline", baseline, "--out", folder)
    assert ran.stdout == f"accepted though it fails: suites/x.py::test_x: said\naccepted: {baseline}\n"
    assert lazyadam("gate", "--baseline", baseline, "--out", folder).returncode == 0
    failing("suites/x.py::test_y", "failed")(folder)
    assert lazyadam("gate", "--baseline", baseline, "--out", folder).returncode == 1


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
