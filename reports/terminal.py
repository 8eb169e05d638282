"""Tables as they are printed at the end of a run."""

from collections.abc import Callable
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from lazyadam.reports.columns import COLUMNS

SHORT = {"conforms": "✓", "diverges": "✗", "refuses": "refuses", "not run": "–"}


def show_dialects(table: pd.DataFrame, console: Console) -> None:
    """The axes on which a backend was seen to differ from its documentation."""
    grid = Table(title="dialects: documented and observed, where they differ")
    names = ("backend", "axis", "documented", "observed")
    for name in names:
        grid.add_column(name)
    for _, row in table[table["agrees"] == "no"].iterrows():
        grid.add_row(*(str(row[name]) for name in names))
    console.print(grid)


def show_coverage(table: pd.DataFrame, console: Console) -> None:
    """Cases judged for each clause; where none, on how many backends."""
    grid = Table(title="coverage: cases judged for each clause")
    for name in ("clause", "backends", "cases", "not on"):
        grid.add_column(name)
    for clause, part in table.groupby("clause"):
        if (part["reason"] == "not selected").all():
            continue
        judged = part[part["cases"] > 0]
        why = part[part["cases"] == 0]["reason"].value_counts()
        without = "; ".join(f"{count}: {reason}" for reason, count in why.items())
        grid.add_row(str(clause), str(len(judged)), str(judged["cases"].sum()), without)
    console.print(grid)


def show_bad_input(table: pd.DataFrame, console: Console) -> None:
    """Bad input that was not refused, or that left its mark on the state; and of how many backends."""
    grid = Table(title="bad input: what was not refused, or not in time")
    names = ["input", "outcome", "state", "message"]
    for name in (*names, "backends"):
        grid.add_column(name)
    tried = table[table["outcome"] != "not run"]
    clean = (tried["outcome"] == "refuses") & (tried["state"] == "untouched")
    for key, part in tried[~clean].groupby(names):
        backends = list(part["backend"])
        if len(backends) > 3:
            backends = [f"{len(backends)} of {(tried['input'] == key[0]).sum()}"]
        grid.add_row(*map(str, key), ", ".join(backends))
    console.print(grid)


def show_training(table: pd.DataFrame, console: Console) -> None:
    """The verdict on every training, with its last loss and its distance from LazyAdam trained alone."""
    keys = ["backend", "layer", "way", "ids"]
    grid = Table(title="training: verdict (worst ratio) documented | reference | explained")
    for name in (*keys, "verdict", "last loss", "distance"):
        grid.add_column(name)
    for key, part in table.groupby(keys, sort=False):
        rows = part.set_index("against")
        cells = [_cell(rows.loc[a]) for a in ("documented", "reference", "explained") if a in rows.index]
        first = part.iloc[0]
        grid.add_row(
            *map(str, key), " | ".join(cells), _number(first["last_loss"]), _number(first["distance"])
        )
    console.print(grid)


def show_carried(table: pd.DataFrame, console: Console) -> None:
    """Each part of a training in which state was carried, against the source code of its optimizer."""
    grid = Table(title="state carried: each part against what its optimizer's source says")
    names = ("backend", "clause", "steps", "optimizer", "verdict", "worst_ratio", "distance")
    for name in names:
        grid.add_column(name)
    for row in table[table["against"] == "explained"].to_dict("records"):
        grid.add_row(*(_number(row[name]) for name in names))
    console.print(grid)


def show_claims(table: pd.DataFrame, console: Console) -> None:
    """Every claim with its verdict."""
    grid = Table(title="claims")
    names = ("claim", "text", "verdict")
    for name in names:
        grid.add_column(name)
    for _, row in table.iterrows():
        grid.add_row(*(str(row[name]) for name in names))
    console.print(grid)


def show_detection(table: pd.DataFrame, console: Console) -> None:
    """How many seeded faults were found on each host, how soon, and which were not."""
    grid = Table(title="detection: seeded faults that fail a run")
    for name in (
        "host",
        "faults",
        "found",
        "allowed",
        "not run",
        "median cases",
        "median seconds",
        "not found",
    ):
        grid.add_column(name)
    for host, part in table.groupby("host"):
        found, missed = part[part["killed"] == "yes"], part[part["killed"] == "no"]
        grid.add_row(
            str(host),
            str(len(part)),
            str(len(found)),
            str((part["killed"] == "allowed").sum()),
            str((part["killed"] == "not run").sum()),
            _number(found["cases_to_kill"].median()),
            _number(found["seconds"].median()),
            ", ".join(missed["fault"]),
        )
    console.print(grid)


def show_rows(title: str) -> Callable[[pd.DataFrame, Console], None]:
    """A table as it is."""

    def show(table: pd.DataFrame, console: Console) -> None:
        grid = Table(*map(str, table.columns), title=title)
        for row in table.itertuples(index=False):
            grid.add_row(*map(_number, row))
        console.print(grid)

    return show


def show_verdicts(table: pd.DataFrame, console: Console) -> None:
    """Clause by type, one table a backend: what it is against its documentation and LazyAdam."""
    for backend, part in table.groupby("backend", sort=False):
        grid = Table(title=f"{backend}: verdict (worst ratio) documented | reference | explained")
        dtypes = [d for d in ("float16", "bfloat16", "float32", "float64") if d in set(part["dtype"])]
        grid.add_column("clause")
        for dtype in dtypes:
            grid.add_column(dtype)
        for clause, rows in part.groupby("clause", sort=False):
            cells = []
            for dtype in dtypes:
                of_type = rows[rows["dtype"] == dtype].set_index("against")
                cells.append(
                    " | ".join(
                        _cell(of_type.loc[against])
                        for against in ("documented", "reference", "explained")
                        if against in of_type.index
                    )
                )
            grid.add_row(str(clause), *cells)
        console.print(grid)


def _cell(row: Any) -> str:
    word = SHORT.get(row["verdict"], row["verdict"])
    ratio = row["worst_ratio"]
    return word if pd.isna(ratio) or row["verdict"] == "refuses" else f"{word} {ratio:.2g}"


def show_tolerance(table: pd.DataFrame, console: Console) -> None:
    """Every row of the tolerance table."""
    grid = Table(title="tolerance: how far from the reference in the dialect that the backend speaks")
    names = [c for c in COLUMNS["tolerance"] if c not in ("version", "mode", "device")]
    for name in names:
        grid.add_column(name, justify="left" if name in ("backend", "dtype", "quantity", "way") else "right")
    for row in table.to_dict("records"):
        grid.add_row(*(_number(row[name]) for name in names))
    console.print(grid)


def _number(x: Any) -> str:
    if isinstance(x, float):
        return "" if pd.isna(x) else f"{x:.3g}"
    return str(x)


SHOWN: dict[str, Callable[[pd.DataFrame, Console], None]] = {
    "verdicts": show_verdicts,
    "tolerance": show_tolerance,
    "dialects": show_dialects,
    "bad_input": show_bad_input,
    "coverage": show_coverage,
    "training": show_training,
    "carried": show_carried,
    "claims": show_claims,
    "detection": show_detection,
    "races": show_rows("races: of runs, those in which a fault that shows at times was found"),
    "sensitivity": show_rows("sensitivity: the relative error that every seed found, and the median"),
    "policies": show_rows("policies: what other tolerances find of the same faults"),
}
