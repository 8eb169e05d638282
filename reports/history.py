"""Recorded runs of `lazyadam bench`, one after another: how the speed of each backend went, by size.

Runs are not paired, so what is followed is the distance from what the memory allowed in the same rounds, and
what is of the same version in both runs shows how far it goes by itself: of that nothing is claimed. From one
machine to another nothing is followed.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lazyadam.reports.performance import SIZE, diverging, in_words, is_control
from lazyadam.reports.tables import TableError, frame, read, records, text_of
from lazyadam.reports.words import percent, plural

Row = dict[str, Any]
KEYS = ("backend", "device", "dtype", *SIZE, "threads")
NEEDED = (*KEYS, "version", "seconds_median", "floor_multiple", "relative_to", "ratio", "note")
LEAST = 0.10
SHARE = 0.95  # of what did not change: its changes are what has to be exceeded
CONTROLS = 20  # at least


def runs_in(folders: Sequence[Path]) -> list[Path]:
    """The runs that folders are, or have in them by name, which is to put them in order.

    Raises:
        TableError: there are none.
    """
    found = [
        run
        for folder in folders
        for run in ([folder] if (folder / "performance.csv").exists() else sorted(folder.iterdir()))
        if (run / "performance.csv").exists()
    ]
    if not found:
        raise TableError(f"{', '.join(map(str, folders))}: no performance.csv; lazyadam bench writes one")
    return found


def machine_of(run: Path) -> dict[str, str]:
    """What machine.txt says, but for the version of Python.

    Raises:
        TableError: it can't be read.
    """
    path = run / "machine.txt"
    try:
        facts = dict(line.split(": ", 1) for line in text_of(path).splitlines())
    except (OSError, ValueError) as error:
        raise TableError(
            f"{path}: {'not there' if isinstance(error, FileNotFoundError) else error}"
        ) from None
    facts.pop("python", None)
    return facts


def across(runs: Sequence[Path]) -> pd.DataFrame:
    """history.csv: a row for each run, backend and size, beside the run before it on the same machine.

    Raises:
        TableError: a run lacks a table, or what its machine was.
    """
    found, before = list[Row](), dict[tuple[Any, ...], Row]()
    machines = list[dict[str, str]]()
    for number, run in enumerate(runs, 1):
        facts = machine_of(run)
        if facts not in machines:
            machines.append(facts)
        table = read("performance", run, NEEDED)
        done = table[table["seconds_median"].notna() & ~is_control(table) & ~diverging(table)]
        done = done.assign(run=number, folder=run.name, machine=machines.index(facts) + 1)
        here = {tuple(row[x] for x in KEYS): row for row in records(done)}
        for key, row in here.items():
            row.update(_beside(before.get(key), row))
        _tell(list(here.values()))
        found += here.values()
        before |= here
    return frame("history", found)


def _beside(before: Row | None, here: Row) -> Row:
    """How a run compares with the one before it: `change`, and what is known without judging that."""
    if before is None:
        return {"change": None, "told": "first"}
    if before["machine"] != here["machine"]:
        return {"change": None, "told": "another machine"}
    change = here["floor_multiple"] / before["floor_multiple"]
    alike = here["version"] and here["version"] == before["version"]
    return {"change": change, "told": "can't tell" if pd.isna(change) else "same version" if alike else ""}


def _tell(rows: list[Row]) -> None:
    """Say of the rows of a run what changed by more than what is of the same version, on as many threads."""
    for threads in {row["threads"] for row in rows}:
        of_it = [row for row in rows if row["threads"] == threads]
        controls = [abs(math.log(row["change"])) for row in of_it if row["told"] == "same version"]
        margin = math.expm1(np.quantile(controls, SHARE)) if len(controls) >= CONTROLS else None
        for row in of_it:
            row["margin"] = margin
            if not row["told"]:
                row["told"] = _word(row["change"], margin)


def _word(change: float, margin: float | None) -> str:
    if margin is None:
        return "can't tell"
    if max(change, 1 / change) - 1 <= max(LEAST, margin):
        return "no change"
    return "slower" if change > 1 else "faster"


def told(table: pd.DataFrame, runs: Sequence[Path]) -> Iterator[str]:
    """In Markdown: the runs, and each backend and size whose speed changed."""
    yield "| run | folder | machine | versions |"
    yield "|---|---|---|---|"
    for number, run in enumerate(runs, 1):
        part = table[table["run"] == number]
        named = part[part["version"] != ""]
        versions = dict.fromkeys(named["backend"].str.partition(".")[0] + " " + named["version"])
        on = ", ".join(f"{x:.0f}" for x in part["machine"].unique())
        yield f"| {number} | {run.name} | {on} | {', '.join(versions)} |"
    yield ""
    words = table["told"].value_counts()
    yield "; ".join(f"{count} × {word}" for word, count in words.items())
    for row in records(table[table["margin"].notna()].drop_duplicates(["run", "threads"])):
        yield (
            f"- run {row['run']}, {plural(row['threads'], 'thread')}: what is of the same version changed by "
            f"up to {percent(row['margin'])} ({SHARE:.0%} of it); less can't be told"
        )
    for row in records(table[table["told"].isin(["slower", "faster"])]):
        size = f"{in_words(tuple(row[x] for x in SIZE))}, {plural(row['threads'], 'thread')}"
        yield (
            f"- run {row['run']}: {row['backend']} {row['version']} {row['told']}, {row['change']:.2f} × its "
            f"distance from the floor ({row['floor_multiple']:.3g} ×): {size}"
        )
