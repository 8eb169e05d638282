"""Views of performance.csv: who is fastest, how cost grows, and from where on dense beats lazy."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy import optimize, stats

from lazyadam.reports.tables import frame, write, write_text
from lazyadam.reports.vocabulary import Verdict
from lazyadam.reports.words import plural

SIZE = ["table_rows", "width", "touched_rows", "duplicates"]
BESIDE = ("floor.", "by_hand.")


def publish(table: pd.DataFrame, out: Path, console: Console) -> None:
    """Every view, as tables and plots beside performance.csv, and printed."""
    show(table, console)
    for name, rows in (("growth", growth(table)), ("break_even", break_even(table))):
        part = frame(f"performance_{name}", rows)
        write(part, out / f"performance_{name}.csv")
        if len(part):
            console.print(part.to_string(index=False, float_format="%.3g"))
    show_control(table, console)
    # matplotlib takes as long to import as all the rest
    from lazyadam.reports.plots.drawing import styles
    from lazyadam.reports.plots.speed import performance

    for against, plot in performance(curves(table), styles(table["backend"])).items():
        write_text(plot.whole(), out / f"performance_{against}.svg")


def is_control(table: pd.DataFrame) -> pd.Series:
    """Rows of A/A pairs."""
    return table["backend"] == table["relative_to"]


def diverging(table: pd.DataFrame) -> pd.Series:
    """Rows of backends that are wrong there."""
    return table["note"].str.startswith(Verdict.DIVERGES)


def in_words(size: tuple[Any, ...]) -> str:
    """A configuration, given its SIZE."""
    n, d, k, kind = size
    rows = {
        "dense": "dense",
        "none": plural(k, "distinct row"),
        "zipf": f"{k:,} rows by Zipf's law",
        "hot": f"{k:,} rows, every second the same",
    }
    return f"{n:,} × {d}, {rows.get(kind, f'{k:,} rows, {kind}')}"


def ranking(part: pd.DataFrame) -> pd.DataFrame:
    """The rows of one configuration, the fastest first; those that diverge come last and have no rank."""
    part = part[~is_control(part)].copy()
    under_test = ~part["backend"].str.startswith(BESIDE) & part["seconds_median"].notna() & ~diverging(part)
    part["rank"] = part["seconds_median"].where(under_test).rank(method="first")
    part["group"] = np.select([diverging(part), part["seconds_median"].isna()], [1, 2], 0)
    return part.sort_values(["group", "seconds_median"], kind="stable")


def show(table: pd.DataFrame, console: Console) -> None:
    """One table for each configuration and number of threads."""
    for key, part in table.groupby(["device", "threads", *SIZE], sort=False):
        device, threads, *size = key
        grid = Table(title=f"{in_words(tuple(size))}; {device}, threads: {threads}")
        for name in ("", "backend", "µs a step", "ratio", "× floor", "first step s", "MB", "worst", "note"):
            grid.add_column(name)
        for row in ranking(part).to_dict("records"):
            name = (
                f"[strike]{row['backend']}[/strike]"
                if row["note"].startswith(Verdict.DIVERGES)
                else row["backend"]
            )
            grid.add_row(
                _number(row["rank"], ".0f"),
                name,
                _number(row["seconds_median"] * 1e6, ".4g"),
                _number(row["ratio"], ".3f"),
                _number(row["floor_multiple"], ".3g"),
                _number(row["first_step_seconds"], ".2g"),
                _number(row["peak_bytes"] / 1e6, ".3g"),
                _number(row["worst_ratio"], ".2g"),
                row["note"],
            )
        console.print(grid)
        console.print(fastest(part), soft_wrap=True)
    console.print(
        "floor.*: what the memory allows. by_hand.*: the step written out by hand, with no optimizer "
        "around it, and so without a rank.\nratio: to the time of the right one without a ratio, in the same "
        "round; the median of these, which differs from the quotient of the times where others use "
        "the processors."
    )


def fastest(part: pd.DataFrame) -> str:
    """Which backend of a configuration is right and the fastest, and of which that is not known, in words."""
    rows = ranking(part)
    ranked = rows[rows["rank"].notna()]
    if ranked.empty:
        return "Right and fastest: none of those measured."
    first = ranked.iloc[0]
    tested = rows[~rows["backend"].str.startswith(BESIDE) & ~diverging(rows)]
    unmeasured = tested[tested["seconds_median"].isna()]
    floor = "" if pd.isna(first["floor_multiple"]) else f", {first['floor_multiple']:.3g} × the floor"
    which = "Right and fastest of those measured" if len(unmeasured) else "Right and fastest"
    said = f"{which}: {first['backend']}, {first['seconds_median'] * 1e6:.4g} µs a step{floor}."
    said += _by_how_much(ranked)
    compared = ranked[ranked["ratio"].notna()]
    untold = compared[~compared["note"].str.startswith(("slower", "faster"))]
    near = untold["note"].map(_near_one).astype(bool)
    if names := ", ".join(untold[near]["backend"]):
        said += f" Not told apart from {compared.iloc[0]['relative_to']}: {names}."
    if names := ", ".join(untold[~near]["backend"]):
        why = untold[~near].iloc[0]["note"].removeprefix("can't tell: ").partition("; 95 %")[0]
        said += f" Nothing is claimed of {names}: {why}."
    for why in unmeasured["note"].unique():
        alike = unmeasured[unmeasured["note"] == why]["backend"].unique()
        said += f" Not measured: {', '.join(alike)} ({why})."
    return said


CLAIM = re.compile(r"(slower|faster); 95 %: ([\d.]+) to ([\d.]+)")
INTERVAL = re.compile(r"95 %: ([\d.]+) to ([\d.]+)")


def _near_one(note: str) -> bool:
    """Whether equal times are possible, by the interval that a note states."""
    found = INTERVAL.search(note)
    return found is None or float(found[1]) <= 1 <= float(found[2])


def _by_how_much(ranked: pd.DataFrame) -> str:
    """How much longer another takes than the fastest: the base, or where that is it, the next told apart."""
    first = ranked.iloc[0]
    for _, row in ranked.iterrows() if pd.isna(first["ratio"]) else [(0, first)]:
        if claim := CLAIM.match(row["note"]):
            low, high = float(claim[2]), float(claim[3])
            times, other = row["ratio"], row["backend"]
            if claim[1] == "faster":
                low, times, high, other = 1 / high, 1 / times, 1 / low, row["relative_to"]
            return f" {other} takes {times:.2f} × as long (95 %: {low:.2f} to {high:.2f})."
    return ""


def _number(x: float, form: str) -> str:
    return "" if pd.isna(x) else format(x, form)


def show_control(table: pd.DataFrame, console: Console) -> None:
    """How near to 1 the A/A pairs are, and how much they leave open."""
    off = (table[is_control(table)]["ratio"] - 1).abs()
    if len(off):
        console.print(
            f"A/A: {(off <= 0.05).sum()} of {len(off)} within 5 % of 1; median {off.median():.1%}, "
            f"largest {off.max():.1%}"
        )
    compared = table["ratio"].notna() & ~is_control(table)
    untold = compared & table["note"].str.startswith("can't tell")
    console.print(f"can't tell: {untold.sum()} of {compared.sum()} comparisons; the notes say why")


def curves(table: pd.DataFrame) -> pd.DataFrame:
    """The measured rows, each once for every line that it lies on.

    A line varies one size and holds the others ('held'); it has three points or more.
    """
    done = table[table["seconds_median"].notna() & ~is_control(table)].copy()
    done["repeats"] = done["touched_rows"] / _distinct(done)
    return pd.concat(
        [part.assign(against=against, held=held, x=part[against]) for against, held, part in _lines(done)]
        or [done.assign(against="", held="", x=0.0).iloc[:0]]
    )


def _lines(done: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    sparse, dense = (done[(done["duplicates"] == "dense") == x] for x in (False, True))
    distinct = sparse[sparse["duplicates"] == "none"]
    for part, against, held in (
        (distinct, "touched_rows", ["table_rows", "width"]),
        (distinct, "table_rows", ["width", "touched_rows"]),
        (distinct, "width", ["table_rows", "touched_rows"]),
        (sparse, "repeats", ["table_rows", "width", "touched_rows"]),
        (dense, "table_rows", ["width"]),
        (dense, "width", ["table_rows"]),
    ):
        for key, line in part.groupby(held):
            if line[against].nunique() >= 3:
                said = ", ".join(f"{name} {x}" for name, x in zip(held, key, strict=True))
                yield against, f"{said}, dense" if part is dense else said, line


def _distinct(done: pd.DataFrame) -> pd.Series:
    """Distinct rows of a gradient, from the bytes of a step."""
    itemsize = done["dtype"].map(lambda name: 2 if "16" in name else int(name[-2:]) // 8)
    dense = done["duplicates"] == "dense"
    gradient = done["touched_rows"] * (done["width"] * itemsize + np.where(dense, 0, 8))
    return (done["bytes"] - gradient) / (6 * done["width"] * itemsize)


def growth(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The exponent of each line: of step time, fitted over its three largest sizes; and what it predicts.

    The prediction is of a size ten times the largest, from the same three. How good it is says what the sizes
    below the largest would have predicted of that.
    """
    rows = []
    keys = ["backend", "threads", "against", "held"]
    for key, line in curves(table).groupby(keys, sort=False):
        line = line.sort_values("x")
        top = line[-3:]
        if len(top) < 3 or diverging(top).any():
            continue
        fit, last = stats.linregress(np.log(top["x"]), np.log(top["seconds_median"])), line.iloc[-1]
        dense = (line["duplicates"] == "dense").all()
        more_to_do = dense or key[keys.index("against")] in ("touched_rows", "width")
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                "smallest": top["x"].min(),
                "largest": last["x"],
                "exponent": fit.slope,
                "error": fit.stderr,
                "seconds_per_million": 1e6 * last["seconds_median"] / last["touched_rows"],
                "predicted_at": 10 * last["x"],
                "predicted_seconds": _predicted(top, 10 * last["x"], more_to_do),
                "missed_by": abs(_predicted(line[-4:-1], last["x"], more_to_do) / last["seconds_median"] - 1),
            }
        )
    return rows


def _predicted(line: pd.DataFrame, x: float, more_to_do: bool) -> float:
    """Seconds at a size: a fixed cost and one that grows with what there is to do, nearest the measured.

    Where only the table grows there is no more to do but for the caches: then by a power of the size.
    """
    sizes, seconds = line["x"].to_numpy(), line["seconds_median"].to_numpy()
    if not more_to_do:
        fit = stats.linregress(np.log(sizes), np.log(seconds))
        return float(np.exp(fit.intercept + fit.slope * np.log(x)))
    terms = np.column_stack([np.ones(len(line)), sizes]) / seconds[:, None]
    scale = terms.max(axis=0)
    fixed, each = optimize.nnls(terms / scale, np.ones(len(line)))[0] / scale
    return float(fixed + each * x)


def break_even(table: pd.DataFrame) -> list[dict[str, Any]]:
    """From how many distinct rows on the fastest dense update is faster than a lazy one.

    Interpolated between the sizes measured, logarithmically; empty where lazy is faster throughout.
    """
    done = table[table["seconds_median"].notna() & ~is_control(table) & ~diverging(table)]
    done = done[~done["backend"].str.startswith("floor.")]
    rows = []
    for (n, d, threads), part in done.groupby(["table_rows", "width", "threads"]):
        dense = part[(part["duplicates"] == "dense") & ~part["backend"].str.startswith(BESIDE)]
        if dense.empty:
            continue
        best = dense.nsmallest(1, "seconds_median").iloc[0]
        for backend, line in part[part["duplicates"] == "none"].groupby("backend", sort=False):
            line = line.sort_values("touched_rows")
            if len(line) < 3:
                continue
            lead = np.log(line["seconds_median"].to_numpy() / best["seconds_median"])
            touched = _crossing(np.log(line["touched_rows"].to_numpy()), lead)
            rows.append(
                {
                    "lazy": backend,
                    "dense": best["backend"],
                    "table_rows": n,
                    "width": d,
                    "threads": threads,
                    "touched_rows": touched,
                    "share": touched / int(n),  # type: ignore[call-overload]
                }
            )
    return rows


def _crossing(x: np.ndarray, lead: np.ndarray) -> float:
    """exp(x) where `lead` turns positive for good; NaN where it does not."""
    below = np.flatnonzero(lead < 0)
    if not len(below):
        return float(np.exp(x[0]))
    i = int(below[-1])
    if i == len(x) - 1:
        return float("nan")
    return float(np.exp(np.interp(0.0, lead[i : i + 2], x[i : i + 2])))
