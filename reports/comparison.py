"""Two runs side by side: what changed between versions or machines."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from lazyadam.reports.tables import TableError, records

# The columns that name a row, and those that say what came of it.
COMPARED: dict[str, tuple[list[str], list[str]]] = {
    "verdicts": (["backend", "dtype", "clause", "against"], ["verdict", "explained_by"]),
    "dialects": (["backend", "axis"], ["observed", "agrees"]),
    "bad_input": (["backend", "input"], ["outcome", "state"]),
    "claims": (["claim"], ["verdict"]),
    "training": (["backend", "layer", "way", "ids", "against"], ["verdict", "explained_by"]),
    "carried": (["backend", "clause", "steps", "optimizer", "against"], ["verdict"]),
    "findings": (["backend", "device", "kind", "cause"], ["clauses", "dtypes"]),
    "coverage": (["backend", "clause"], ["cases", "reason"]),
    "tolerance": (["backend", "dtype", "quantity", "steps"], ["max_abs"]),
    "performance_gate": (
        ["backend", "table_rows", "width", "touched_rows", "duplicates", "threads"],
        ["verdict"],
    ),
}
NEEDED = ("verdicts", "dialects")  # the others are of a whole run alone


def compared(before: Path, after: Path) -> list[str]:
    """The tables that two runs have both, and those that every run has."""
    there = [{path.stem for path in folder.glob("*.csv")} for folder in (before, after)]
    return [name for name in COMPARED if name in NEEDED or (name in there[0] and name in there[1])]


def lacking(before: Path, after: Path) -> list[str]:
    """The tables that one of two runs has alone."""
    there = [{path.stem for path in folder.glob("*.csv")} for folder in (before, after)]
    return [name for name in COMPARED if (name in there[0]) != (name in there[1])]


def changes(name: str, before: pd.DataFrame, after: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table that changed, came or went.

    Raises:
        TableError: two rows of a table have the same name.
    """
    left, right = (_said(name, table) for table in (before, after))
    rows = []
    for key in dict.fromkeys((*left, *right)):
        cells = [said.get(key, "not there") for said in (left, right)]
        if cells[0] != cells[1]:
            rows.append({"table": name, "row": ", ".join(key), "before": cells[0], "after": cells[1]})
    return rows


def _said(name: str, table: pd.DataFrame) -> dict[tuple[str, ...], str]:
    """What came of each row, by what names it."""
    keys, values = COMPARED[name]
    said: dict[tuple[str, ...], str] = {}
    for row in records(in_words(name, table)):
        key = tuple(row[column] for column in keys)
        if key in said:
            raise TableError(f"{name}.csv: two rows for {', '.join(key)}")
        said[key] = "; ".join(row[column] for column in values if row[column])
    return said


def in_words(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A table with what is compared as text: of tolerances the drift of free runs, to two digits."""
    keys, values = COMPARED[name]
    table = table[table["way"] == "free"] if name == "tolerance" else table
    return table.assign(**{column: table[column].map(_text) for column in (*keys, *values)})


def _text(value: object) -> str:
    return f"{value:.1e}" if isinstance(value, float) else str(value)


def told(rows: list[dict[str, Any]], before: pd.DataFrame, after: pd.DataFrame) -> Iterator[str]:
    """The changes in Markdown, with what differs in the settings of the two runs."""
    settings = [dict(zip(table["item"], table["value"], strict=True)) for table in (before, after)]
    yield "| | before | after |"
    yield "|---|---|---|"
    for item in dict.fromkeys((*settings[0], *settings[1])):
        cells = [s.get(item, "") for s in settings]
        if cells[0] != cells[1]:
            yield f"| {item} | {cell(cells[0])} | {cell(cells[1])} |"
    for row in rows:
        yield f"| {row['table']}: {cell(row['row'])} | {cell(row['before'])} | {cell(row['after'])} |"
    yield ""
    yield f"{len(rows)} rows changed." if rows else "Nothing that is compared has changed."


def cell(text: object) -> str:
    """A text as a cell of Markdown."""
    return " ".join(str(text).split()).replace("|", "\\|")
