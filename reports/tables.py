"""The tables: their columns, their order, and how they are written and printed."""

import csv
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

OUT = Path(__file__).parent / "out"
ABOUT = ("backend", "version", "mode", "device")  # what ran
TIMED = ("dtype", "table_rows", "width", "touched_rows", "duplicates", "threads", "seconds_median")
COLUMNS = {
    "verdicts": (
        *ABOUT,
        "dtype",
        "clause",
        "against",
        "verdict",
        "worst_ratio",
        "cases",
        "steps",
        "explained_by",
        "witness",
    ),
    "tolerance": (
        *ABOUT,
        "dtype",
        "quantity",
        "way",
        "steps",
        "max_ulp",
        "max_abs",
        "max_rel",
        "max_ratio",
        "specification_gap",
    ),
    "dialects": (*ABOUT, "axis", "documented", "observed", "agrees"),
    "coverage": (*ABOUT, "clause", "cases", "steps", "reason"),
    "bad_input": (*ABOUT, "input", "outcome", "state", "message"),
    "training": (
        *ABOUT,
        "layer",
        "way",
        "ids",
        "against",
        "verdict",
        "worst_ratio",
        "steps",
        "repeated",
        "first_loss",
        "last_loss",
        "distance",
        "explained_by",
        "message",
    ),
    "training_losses": (
        *ABOUT,
        "layer",
        "way",
        "ids",
        "step",
        "loss",
        "reference_loss",
    ),
    "carried": (
        *ABOUT,
        "clause",
        "steps",
        "optimizer",
        "against",
        "verdict",
        "worst_ratio",
        "distance",
    ),
    "sequences": (*ABOUT, "dtype", "sequence", "steps", "w", "bound", "message"),
    "effects": ("axis", "left_value", "right_value", "sequence", "steps", "effect"),
    "builds": (
        "backend",
        "mode",
        "device",
        "base",
        "candidate",
        "dtype",
        "clause",
        "quantity",
        "step",
        "max_ulp",
        "base_ratio",
        "candidate_ratio",
        "note",
        "trace",
    ),
    "claims": ("claim", "text", "verdict", "evidence", "witness"),
    "detection": ("fault", "host", "stands_for", "killed", "by_clause", "cases_to_kill", "seconds"),
    "detection_matrix": ("fault", "host", "clause", "killed"),
    "races": ("fault", "host", "stands_for", "runs", "killed", "by_clause"),
    "sensitivity": ("quantity", "dtype", "regime", "seeds", "always", "median"),
    "sensitivity_curve": ("quantity", "dtype", "regime", "seeds", "error", "found"),
    "performance": (
        *ABOUT,
        *TIMED,
        "ci_low",
        "ci_high",
        "first_step_seconds",
        "peak_bytes",
        "rows_per_second",
        "bytes",
        "floor_multiple",
        "relative_to",
        "ratio",
        "p_value",
        "worst_ratio",
        "note",
    ),
    "performance_growth": (
        "backend",
        "threads",
        "against",
        "held",
        "smallest",
        "largest",
        "exponent",
        "error",
    ),
    "performance_break_even": (
        "lazy",
        "dense",
        "table_rows",
        "width",
        "threads",
        "touched_rows",
        "share",
    ),
    "performance_gate": (
        *ABOUT,
        *TIMED,
        "candidate",
        "ratio",
        "ci_low",
        "ci_high",
        "control",
        "p_value",
        "verdict",
        "note",
    ),
    "performance_trials": (
        "backend",
        "configuration",
        "slowdown",
        "trials",
        "slower",
        "faster",
        "least_ratio",
        "largest_ratio",
        "largest_control",
    ),
    "clauses": ("clause", "sentence", "source"),
    "axes": ("axis", "value", "meaning"),
    "promises": ("backend", "axis", "value", "source"),
    "pins": ("pin", "sentence", "verdict", "explained_by", "clauses", "owner", "backends", "versions"),
    "run": ("item", "value"),
    "equivalence": (
        "left",
        "right",
        "device",
        "dtype",
        "axis",
        "left_value",
        "right_value",
        "effect_after_1000_steps",
        "witness",
    ),
    "pairs": ("left", "right", "device", "dtype", "sequence", "steps", "difference", "equal", "message"),
    "versions": ("framework", "table", "row", "said", "versions"),
    "policies": ("policy", "compared", "host", "faults", "found", "clean_cases", "false_alarms"),
}
NUMBERS = (
    *("worst_ratio", "cases", "steps", "max_ulp", "max_abs", "max_rel", "max_ratio", "specification_gap"),
    *("repeated", "first_loss", "last_loss", "distance", "loss", "reference_loss", "effect", "cases_to_kill"),
    *(
        "seconds",
        "runs",
        "seeds",
        "always",
        "median",
        "error",
        "found",
        "table_rows",
        "width",
        "touched_rows",
    ),
    *(
        "threads",
        "seconds_median",
        "ci_low",
        "ci_high",
        "first_step_seconds",
        "peak_bytes",
        "rows_per_second",
    ),
    *("bytes", "floor_multiple", "ratio", "p_value", "smallest", "largest", "exponent", "share", "control"),
    *("difference", "effect_after_1000_steps", "faults", "clean_cases", "false_alarms"),
    *("slowdown", "trials", "slower", "faster", "least_ratio", "largest_ratio", "largest_control"),
)


def frame(name: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows of a table, in its columns and in an order that depends on the rows alone."""
    columns = list(COLUMNS[name])
    table = pd.DataFrame(list(rows), columns=columns)
    return table.sort_values(columns, kind="stable", ignore_index=True, key=_order)


def _order(column: pd.Series) -> pd.Series:
    """Claims by their numbers, C2 before C10; other columns as they are."""
    return (
        column.str.replace(r"\d+", lambda number: number[0].zfill(3), regex=True)
        if column.name == "claim"
        else column
    )


class TableError(Exception):
    """A table can't be read; the message is one line that says what and where."""


def read(name: str, folder: Path) -> pd.DataFrame:
    """A table as it was written. Cells that are empty are '', or NaN in columns of numbers.

    Raises:
        TableError: it is not there, cut off, or another table.
    """
    path = folder / f"{name}.csv"
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise TableError(f"{path}: not there") from None
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: {error}") from None
    rows = list(csv.reader(StringIO(text)))
    if not text.endswith("\n"):
        raise TableError(f"{path}: cut off in line {text.count(chr(10)) + 1}")
    if tuple(rows[0]) != COLUMNS[name]:
        raise TableError(f"{path}: another table: its columns are not {', '.join(COLUMNS[name])}")
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise TableError(f"{path}: row {number} has {len(row)} cells, not {len(rows[0])}")
    numbers = {column for column in NUMBERS if column in rows[0] and (name, column) != ("carried", "steps")}
    table = pd.read_csv(StringIO(text), keep_default_na=False, na_values=dict.fromkeys(numbers, ""))
    for column in sorted(numbers):
        if len(table) and not pd.api.types.is_numeric_dtype(table[column]):
            raise TableError(f"{path}: column {column} has something that is no number")
    return table


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, whole or not at all."""
    write_text(table.to_csv(index=False, float_format="%.6g", lineterminator="\n"), path)


def write_text(text: str, path: Path) -> None:
    """Write a text file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


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


def coverage(
    verdicts: Iterable[Mapping[str, Any]], reasons: Mapping[tuple[str, str], str]
) -> list[dict[str, Any]]:
    """How many cases of each clause were judged on each backend, over all types; where none, why.

    reasons: by backend and clause, all of them; '' where the clause applies.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for seen in verdicts:
        if seen["against"] != "documented":
            continue
        for backend, clause in reasons:
            if backend == seen["backend"]:
                rows.setdefault(
                    (backend, clause),
                    {
                        **{name: seen[name] for name in ABOUT},
                        "clause": clause,
                        "cases": 0,
                        "steps": 0,
                        "reason": reasons[backend, clause] or "not selected",
                    },
                )
        row = rows[seen["backend"], seen["clause"]]
        row["cases"] += seen["cases"]
        row["steps"] += seen["steps"]
        row["reason"] = "" if row["cases"] else f"not run: {seen['explained_by']}"
    return list(rows.values())


def show_coverage(table: pd.DataFrame, console: Console) -> None:
    """Cases judged for each clause; where none, on how many backends."""
    grid = Table(title="coverage: cases judged for each clause")
    for name in ("clause", "backends", "cases", "not on"):
        grid.add_column(name)
    for clause, part in table.groupby("clause"):
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
