"""Two runs of the same cases, on two devices or machines: where they agree to the bit, and where not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from lazyadam.reports.tables import frame, records
from lazyadam.reports.tables import read as table
from lazyadam.reports.vocabulary import Alike, Verdict

Row = dict[str, Any]
KEYS = ("backend", "dtype", "clause")


def beside(base: Path, other: Path) -> pd.DataFrame:
    """devices.csv: a row for each backend, type and clause that both runs tried.

    Raises:
        TableError: a run lacks a table.
    """
    left, right = (_tried(folder) for folder in (base, other))
    return frame("devices", [_row(key, left[key], right[key]) for key in left if key in right])


def _tried(folder: Path) -> dict[tuple[str, ...], Row]:
    return {tuple(row[x] for x in KEYS): row for row in records(table("bits", folder))}


def _row(key: tuple[str, ...], left: Row, right: Row) -> Row:
    return {
        **dict(zip(KEYS, key, strict=True)),
        "base": f"{left['version']}, {left['device']}",
        "other": f"{right['version']}, {right['device']}",
        "alike": _alike(left, right),
        "base_ratio": left["worst_ratio"],
        "other_ratio": right["worst_ratio"],
    }


def _alike(left: Row, right: Row) -> Alike:
    if left["cases"] == right["cases"] and left["bits"] == right["bits"] != "":
        return Alike.BITS
    within = [row["verdict"] == Verdict.CONFORMS for row in (left, right)]
    return Alike.BOUND if all(within) else Alike.APART if any(within) else Alike.NEITHER


def told(rows: pd.DataFrame) -> Iterator[str]:
    """In Markdown: how many clauses and types of each backend are alike, and which are apart."""
    yield "| backend | " + " | ".join(Alike) + " |"
    yield "|---" * (len(Alike) + 1) + "|"
    for backend, part in rows.groupby("backend", sort=False):
        counts = part["alike"].value_counts()
        yield f"| {backend} | " + " | ".join(str(counts.get(word, 0)) for word in Alike) + " |"
    apart = rows[rows["alike"] == Alike.APART]
    for where, part in apart.groupby(apart["backend"] + ", " + apart["clause"], sort=False):
        yield f"- {where}: apart in {', '.join(part['dtype'])}"
