"""The tables: every clause is counted on every backend, and what was not tried says why."""

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lazyadam.reports.schema import TABLES
from lazyadam.reports.tables import NotWritten, TableError, coverage, frame, hold, read, write
from lazyadam.suites.plugin import results as plugin

ABOUT = {"backend": "b", "version": "1", "mode": "eager", "device": "cpu"}
REASONS = {("b", "rule"): "", ("b", "decay"): "does not take: weight_decay", ("other", "rule"): ""}


def verdict(clause: str, cases: int, **others: Any) -> dict[str, Any]:
    row = {"clause": clause, "cases": cases, "steps": 3 * cases, "against": "documented", "explained_by": ""}
    return {**ABOUT, **row, **others}


def counts(*verdicts: dict[str, Any]) -> dict[str, tuple[int, int, str]]:
    return {r["clause"]: (r["cases"], r["steps"], r["reason"]) for r in coverage(verdicts, REASONS)}


def test_coverage_counts_the_cases_of_all_types_once() -> None:
    seen = counts(verdict("rule", 4), verdict("rule", 4, against="reference"), verdict("rule", 2))
    assert seen == {"rule": (6, 18, ""), "decay": (0, 0, "does not take: weight_decay")}


def test_coverage_says_why_there_are_none() -> None:
    assert counts(verdict("decay", 1))["rule"] == (0, 0, "not selected")
    assert counts(verdict("rule", 0, explained_by="no torch"))["rule"] == (0, 0, "not run: no torch")


def test_a_worker_of_a_spread_run_writes_no_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would write a part of them, and might do so after the whole."""
    monkeypatch.setattr(plugin, "_collected", [{"verdicts": [verdict("rule", 4)]}])
    config = SimpleNamespace(workerinput={}, getoption=lambda name: tmp_path)
    session: Any = SimpleNamespace(config=config, shouldfail=False)
    ending = plugin.pytest_sessionfinish(session)
    next(ending)  # what others do at the end
    with pytest.raises(StopIteration):
        ending.send(None)
    assert not list(tmp_path.iterdir())


def test_every_row_of_coverage_fits_the_table() -> None:
    rows = coverage([verdict("rule", 4)], REASONS)
    assert not frame("coverage", rows)[list(TABLES["coverage"].names)].isna().any().any()


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("verdicts", lambda text: text.partition("\n")[0] + "\n", "has no rows"),
        (
            "verdicts",
            lambda text: text.replace("conforms", "con\x01forms"),
            "is not one of conforms, diverges",
        ),
        ("verdicts", lambda text: text.replace("documented", "do\0umented", 1), "a zero byte in line 2"),
        (
            "verdicts",
            lambda text: text.replace("documented", 'd"ocumented', 1).replace("\n", '\n"', 1),
            "row 2",
        ),
        ("sequences", lambda text: text.replace("[", "{", 5), "is no list of numbers"),
        ("sequences", lambda text: text.replace("[", "[[", 1).replace("]", "]]", 1), "is no list of numbers"),
    ],
    ids=[
        "no rows",
        "an unknown verdict",
        "a zero byte",
        "a quote that stays open",
        "a cell that is no JSON",
        "a nested cell",
    ],
)
def test_a_table_that_says_nothing_is_refused_in_a_line(
    name: str, change: Callable[[str], str], told: str, folder: Path
) -> None:
    file = folder / f"{name}.csv"
    file.write_text(change(file.read_text()))
    with pytest.raises(TableError) as caught:
        read(name, folder)
    assert str(caught.value).startswith(f"{file}: ")
    assert told in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("name", "column", "cell", "told"),
    [
        ("verdicts", "cases", "", "column cases is empty where something was judged"),
        ("verdicts", "cases", "0", "row {row} conforms of which no case was judged"),
        ("verdicts", "worst_ratio", "7", "row {row} conforms with a ratio above 1"),
        ("verdicts", "worst_ratio", "", "row {row} conforms without a ratio"),
        ("coverage", "cases", "", "column cases or steps is empty"),
        ("training", "verdict", "perhaps", "verdict 'perhaps' is not one of conforms"),
        ("carried", "verdict", "perhaps", "verdict 'perhaps' is not one of conforms"),
        ("bad_input", "outcome", "takes", "outcome 'takes' is not one of refuses"),
        ("bad_input", "state", "torn", "state 'torn' is not one of "),
        ("dialects", "agrees", "perhaps", "agrees 'perhaps' is not one of yes"),
        ("claims", "verdict", "perhaps", "verdict 'perhaps' is neither confirmed nor refuted nor"),
        ("verdicts", "cases", "-3", "column cases has what is no count"),
        ("verdicts", "steps", "1e400", "column steps has what is no count"),
        ("verdicts", "cases", "2.5", "column cases has what is no count"),
        ("tolerance", "max_ratio", "-inf", "column max_ratio has what is no size"),
        ("findings", "kind", "NEW", "kind 'NEW' is not one of new, known, documented"),
        ("sequences", "steps", "", "column steps is empty"),
        ("sequences", "w", "[1.0]", "has 1 numbers, not "),
        ("sequences", "bound", "", "is no list of numbers"),
    ],
)
def test_a_cell_that_can_not_be_is_refused_in_a_line(
    name: str, column: str, cell: str, told: str, folder: Path
) -> None:
    table = read(name, folder).astype({column: object})
    judged = {"sequences": ("steps", 10), "verdicts": ("verdict", "conforms")}
    where, value = judged.get(name, (column, table[column][0]))
    row = (table[where] == value).idxmax()
    table.loc[row, column] = cell
    table.to_csv(folder / f"{name}.csv", index=False)
    with pytest.raises(TableError, match=re.escape(told.replace("{row}", str(row + 2)))):
        read(name, folder)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("worst_ratio,", "", "lacks column worst_ratio"),
        ("worst_ratio,", "worst,", "lacks column worst_ratio and has 'worst' as a column"),
        ("cases,steps", "steps,cases", "in another order, or twice"),
        ("backend,", "<<<<<<< HEAD\nbackend,", "its first line is '<<<<<<< HEAD'"),
    ],
)
def test_columns_that_are_others_are_told_by_the_difference(
    old: str, new: str, told: str, folder: Path
) -> None:
    file = folder / "verdicts.csv"
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(TableError, match=re.escape(told)):
        read("verdicts", folder)


def test_a_column_of_truth_values_is_none_of_counts(folder: Path) -> None:
    read("verdicts", folder).assign(cases=True).to_csv(folder / "verdicts.csv", index=False)
    with pytest.raises(TableError, match="column cases has 'True' in row 2, which is no number"):
        read("verdicts", folder)


def test_a_table_that_a_spreadsheet_saved_is_read(folder: Path) -> None:
    """It begins with a mark of the order of bytes, which no editor shows."""
    before, file = read("verdicts", folder), folder / "verdicts.csv"
    file.write_text(file.read_text(), encoding="utf-8-sig")
    assert read("verdicts", folder).equals(before)


def test_a_folder_is_held_by_one_run_at_a_time(tmp_path: Path) -> None:
    let_go = hold(tmp_path)
    with pytest.raises(NotWritten, match="another run writes there"):
        hold(tmp_path)
    let_go()
    hold(tmp_path)()
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("line", ["ended,interrupted by SIGINT", "seed,7"])
def test_a_setting_that_a_run_says_twice_is_refused(line: str, folder: Path) -> None:
    """As a merge of two runs has it: the last would be taken without a word."""
    file = folder / "run.csv"
    file.write_text(f"{file.read_text()}{line}\n")
    with pytest.raises(TableError, match=f"run.csv: two rows for {line.partition(',')[0]}"):
        read("run", folder)


def test_a_word_that_looks_like_a_number_is_a_word(folder: Path) -> None:
    table = read("verdicts", folder).assign(version="2.10", explained_by="1")
    write(table, folder / "verdicts.csv")
    again = read("verdicts", folder)
    assert set(again["version"]) == {"2.10"}
    assert set(again["explained_by"]) == {"1"}
