"""An accepted run: what of it is compared, and the accepting of another."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from lazyadam.reports.matrix import is_known
from lazyadam.reports.schema import TABLES
from lazyadam.reports.tables import TableError, read, records
from lazyadam.reports.vocabulary import FAILING, Against, Verdict

KEYED = {name: table for name, table in TABLES.items() if table.key}
SPEED = "performance_gate"  # where somebody measured it
SAME = ("profile", "seed", "device", "selection")  # settings without which runs can't be compared
Row = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """The tables of a run, each by the columns that name a row. there: the tables that it wrote."""

    folder: Path
    settings: dict[str, str]
    there: frozenset[str]
    rows: dict[str, dict[tuple[str, ...], Row]]


def load(folder: Path) -> Run:
    """The tables that the gate compares.

    Raises:
        TableError: one can't be read or lacks something, the run was interrupted, or it judged nothing.
    """
    settings = {str(row["item"]): str(row["value"]) for row in records(read("run", folder))}
    if (ended := settings.get("ended", "")).startswith("interrupted"):
        raise TableError(f"{folder}: the run was {ended}, and its tables lack the rest")
    if ended != "whole":
        raise TableError(f"{folder / 'run.csv'}: ended is {ended!r}, and not 'whole'")
    there = {"verdicts", "failures"}
    if "tables" in settings:  # those of an earlier run may lie beside them
        there |= KEYED.keys() & {*settings["tables"].split(", ")}
    else:
        there |= {"tolerance", "dialects"} | {n for n in KEYED if (folder / f"{n}.csv").exists()}
    verdicts, pins = read("verdicts", folder), read("pins", folder)
    tables = {name: read(name, folder) for name in there - {"verdicts"}}
    tables["verdicts"] = verdicts.assign(known=is_known(verdicts, pins))
    if not verdicts["cases"][verdicts["verdict"] != Verdict.NOT_RUN].sum():
        why = next((str(x) for x in verdicts["explained_by"] if x), "")
        raise TableError(f"{folder}: nothing was judged" + (f": {why}" if why else ""))
    return Run(
        folder,
        settings,
        frozenset(there),
        {name: _by_key(tables[name], name, folder) if name in there else {} for name in KEYED},
    )


def _by_key(table: pd.DataFrame, name: str, folder: Path) -> dict[tuple[str, ...], Row]:
    """The rows by what names them."""
    found: dict[tuple[str, ...], Row] = {}
    for row in records(table):
        key = tuple(str(row[column]) for column in KEYED[name].key)
        if found.setdefault(key, row) is not row:
            raise TableError(f"{folder / name}.csv: two rows for {', '.join(key)}")
    return found


def comparable(before: Run, after: Run) -> None:
    for item in SAME:
        if lacking := [x.folder for x in (before, after) if item not in x.settings]:
            raise TableError(f"{lacking[0]}/run.csv: does not say which {item}")
        was, is_now = (x.settings[item] for x in (before, after))
        if was != is_now:
            told = f"{item} {is_now or '(none)'}, but the accepted run had {was or '(none)'}"
            raise TableError(f"{after.folder}/run.csv: {told}")


def seen(row: Row, name: str) -> bool:
    """Whether it was run and asked: what was not is as if it were not there."""
    return not str(row[KEYED[name].outcome]).startswith("not ")


def not_accepted(before: Run, after: Run) -> str:
    """How many verdicts of a run have none accepted beside them, in a line; '' where each has."""
    was, now = before.rows["verdicts"], after.rows["verdicts"]
    lacking = [key for key, row in now.items() if seen(row, "verdicts") and key not in was]
    told = f"{len(lacking)} of {len(now)} verdicts have none accepted beside them, such as"
    return f"{told} {', '.join(lacking[0])}: lazyadam accept takes them up" if lacking else ""


def accept(run: Path, baseline: Path) -> list[str]:
    """Make a run the accepted one; what of it fails and is accepted so, in lines.

    Raises:
        TableError: as `load`; it has a divergence that no pin explains, or a ratio above 1; or there is an
            accepted run that tried something else.
    """
    new = load(run)
    unknown = [
        row
        for row in new.rows["verdicts"].values()
        if row["verdict"] in FAILING and not row["known"] and row["against"] != Against.REFERENCE
    ]
    if unknown:
        first = unknown[0]
        where = f"{first['clause']}, {first['backend']}, {first['dtype']}, against {first['against']}"
        raise TableError(f"{run}: {len(unknown)} divergences that no pin explains can't be accepted: {where}")
    failures = [*new.rows["failures"].values()]
    if unpinned := [row for row in failures if row["kind"] == "not known"]:
        first = unpinned[0]
        raise TableError(
            f"{run}: what no pin explains can't be accepted: {first['test']}: {first['message']}"
        )
    above = [row for row in new.rows["tolerance"].values() if not row["max_ratio"] <= 1]
    if above:
        first = above[0]
        where = f"{first['backend']}, {first['dtype']}, {first['quantity']}, {first['way']}"
        raise TableError(f"{run}: a ratio of {first['max_ratio']:.3g} can't be accepted: {where}")
    if baseline.resolve() == run.resolve():
        raise TableError(f"{baseline} and {run} are the same folder: an accepted run is kept apart")
    if baseline.exists() and not baseline.is_dir():
        raise TableError(f"{baseline} is no folder")
    if (baseline / "run.csv").exists():
        old = load(baseline)
        comparable(old, new)
        if lost := sorted(old.there - new.there):
            raise TableError(f"{run}: has no {lost[0]}.csv, which the accepted run has")
    baseline.mkdir(parents=True, exist_ok=True)
    files = [f"{name}.csv" for name in (*new.there, "pins", "run", SPEED)]
    files = [file for file in files if (run / file).exists()]
    if folders := [file for file in files if (baseline / file).is_dir()]:
        raise TableError(f"{baseline / folders[0]}: is a folder")
    with TemporaryDirectory(dir=baseline, prefix=".") as parts:  # all or none
        for file in files:
            shutil.copyfile(run / file, Path(parts) / file)
        for file in files:
            (Path(parts) / file).replace(baseline / file)
    return [f"accepted though it fails: {row['test']}: {row['message']}" for row in failures]
