"""Curves of speed: against each size, and from run to run.

Two marks stand in each: what the memory allows, and what a compiled loop written by hand takes. The fastest
backends are drawn in colours, the others in grey, with their names at their ends.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import FixedLocator, FuncFormatter

from lazyadam.reports.performance import BESIDE, SIZE, diverging
from lazyadam.reports.performance import in_words as size_in_words
from lazyadam.reports.plots.drawing import (
    FLOOR,
    Entry,
    Plot,
    Style,
    Styles,
    counted,
    draw,
    empty_axes,
    in_seconds,
    in_words,
    name_ends,
    svg_of,
    swatch,
)
from lazyadam.reports.words import number, plural

SIZES = {"repeats": "rows of the gradient to a distinct one"}
ALLOWED, BY_HAND = "what the memory allows", "the step by hand"
INK = "#000000"
MARKS = {ALLOWED: Style(INK, "", FLOOR), BY_HAND: Style(INK, ".", (0, (1, 1)))}
COLOURED = 6  # lines beside the two marks
GREY = Style("#8a8a8a", ".", "-")
PANELS = 6
HOLLOW = " Hollow, and its name struck through: wrong there."


def performance(curves: pd.DataFrame, style: Styles) -> dict[str, Plot]:
    """Step time along each size that was varied, by its name: a panel for each line and thread count.

    curves: as `reports.performance.curves`. Where a backend diverges its points are hollow, and its name is
    struck through.
    """
    drawn = {}
    for against, part in curves.groupby("against", sort=False):
        part = _with_marks(part[part.groupby(["held", "threads", "backend"])["x"].transform("nunique") > 1])
        looks = _looks(part, ["held", "threads", "x"], style)
        limits = part["seconds_median"].min() / 1.5, part["seconds_median"].max() * 1.5
        panels = []
        for key, line in part.groupby(["held", "threads"]):
            held, threads = str(key[0]), int(str(key[1]))
            axes = empty_axes(
                f"{in_words(held)}; {plural(threads, 'thread')}",
                SIZES.get(str(against), in_words(against)),
                (counted, in_seconds),
            )
            axes.set_ylim(limits)
            for backend, points in line.groupby("backend"):
                points = points.sort_values("x")
                draw(axes, points["x"], points["seconds_median"], looks[str(backend)], diverging(points))
            _name_greys(axes, line, ("x", "seconds_median"), looks)
            panels.append(svg_of(axes, f"performance {against} {held} {threads}"))
        struck = set(part[diverging(part)]["backend"])
        drawn[str(against)] = Plot(
            panels,
            _key(looks, str(against), struck),
            f"{_said(part, str(against))}{HOLLOW if struck else ''}",
        )
    return drawn


def history(table: pd.DataFrame, style: Styles) -> Plot | None:
    """How many times what the memory allows a step takes, from run to run: a panel for each size.

    table: history.csv. A line ends where the machine does. None where no size was measured twice.
    """
    table = table[table["floor_multiple"].notna() & ~table["backend"].str.startswith("floor.")]
    sizes = table.groupby([*SIZE, "threads"])["run"].nunique().sort_values(ascending=False, kind="stable")
    sizes = sizes[sizes > 1].head(PANELS)
    if sizes.empty:
        return None
    table = _with_marks(table.set_index([*SIZE, "threads"]).loc[sizes.index].reset_index())
    looks = _looks(table, [*SIZE, "threads", "run"], style)
    runs, panels = sorted(table["run"].unique()), []
    for key in sizes.index:
        *size, threads = key
        axes = empty_axes(
            f"{size_in_words(tuple(size))}; {plural(threads, 'thread')}", "run", (counted, _times)
        )
        axes.set_xscale("linear")
        axes.xaxis.set_major_locator(FixedLocator(runs))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.0f}"))
        of_it = table[(table[[*SIZE, "threads"]] == [*key]).all(axis=1)]
        for (backend, _), points in of_it.groupby(["backend", "machine"]):
            points = points.sort_values("run")
            draw(axes, points["run"], points["floor_multiple"], looks[str(backend)])
        _name_greys(axes, of_it, ("run", "floor_multiple"), looks)
        for run in _first_runs(table)[1:]:
            axes.axvline(run - 0.5, color=INK, linewidth=0.8, linestyle="--")
        panels.append(svg_of(axes, f"history {key}"))
    about = "How many times what the memory allows a step takes, from run to run"
    machines = table["machine"].nunique()
    broken = f"; at a dashed line begins another of {machines:.0f} machines" if machines > 1 else ""
    return Plot(panels, _key(looks, "history", set()), f"{about}{broken}.")


def _name_greys(axes: Any, lines: pd.DataFrame, columns: tuple[str, str], looks: Styles) -> None:
    grey = lines[lines["backend"].map(looks.get) == GREY]
    ends = grey.sort_values(columns[0]).groupby("backend")[columns[1]].last()
    name_ends(axes, {str(name): y for name, y in ends.items()}, GREY.colour)


def _first_runs(table: pd.DataFrame) -> list[int]:
    """Of each stretch of runs on one machine."""
    machines = table.groupby("run")["machine"].first()
    return [int(run) for run in machines.index[machines != machines.shift()]]


def _with_marks(part: pd.DataFrame) -> pd.DataFrame:
    """The fastest floor and the fastest right step by hand as one line each, before the backends."""
    beside = part["backend"].str.startswith(BESIDE)
    where = [x for x in ("held", *SIZE, "threads", "x", "run") if x in part]
    marks = []
    for prefix, name in zip(BESIDE, MARKS, strict=True):
        of_it = part[part["backend"].str.startswith(prefix)]
        of_it = of_it[~diverging(of_it)] if "note" in of_it else of_it
        fastest = of_it.loc[of_it.groupby(where)["seconds_median"].idxmin()]
        marks.append(fastest.assign(backend=name))
    return pd.concat([*marks, part[~beside]])


def _looks(part: pd.DataFrame, where: list[str], style: Styles) -> dict[str, Style]:
    """How each line looks: the fastest of those that are right have their colours, the others are grey."""
    tested = part[~part["backend"].isin([*MARKS])]
    behind = np.log(tested["seconds_median"] / tested.groupby(where)["seconds_median"].transform("min"))
    wrong = diverging(tested) if "note" in tested else pd.Series(False, tested.index)
    order = pd.DataFrame({"backend": tested["backend"], "wrong": wrong, "behind": behind})
    order = order.groupby("backend").mean().sort_values(["wrong", "behind"])
    coloured = {name: style[str(name)] for name in order.index[:COLOURED]}
    grey = dict.fromkeys(order.index[COLOURED:], GREY)
    marks = {name: look for name, look in MARKS.items() if (part["backend"] == name).any()}
    return {str(name): look for name, look in (marks | coloured | grey).items()}


def _key(looks: Styles, plot: str, struck: set[str]) -> list[Entry]:
    shown = {name: look for name, look in looks.items() if look != GREY}
    return [Entry((name,), swatch(look, plot), name in struck) for name, look in shown.items()]


def _said(part: pd.DataFrame, against: str) -> str:
    """What the plot shows, in a sentence: how things stand at the far end of a panel, a sparse one if any."""
    panel = part[part["threads"] == part["threads"].min()]
    dense = panel["held"].str.endswith("dense")
    panel = panel if dense.all() else panel[~dense]
    held = panel["held"].iloc[0]
    panel = panel[panel["held"] == held]
    end = panel[panel["x"] == panel["x"].max()].sort_values("seconds_median")
    tested = end[~end["backend"].isin([*MARKS]) & ~diverging(end)]
    if tested.empty:
        return f"Time of a step against {SIZES.get(against, in_words(against))}."
    first, last = tested.iloc[0], tested.iloc[-1]
    said = f"With {in_words(against)} {number(first['x'])} ({in_words(held)}) the fastest that is right, "
    said += _distance(first)
    if last["backend"] != first["backend"]:
        said += f"; the slowest, {_distance(last)}"
    hand = end[end["backend"] == BY_HAND]
    if len(hand) and pd.notna(hand.iloc[0]["floor_multiple"]):
        said += f"; by hand it is {hand.iloc[0]['floor_multiple']:.1f} ×"
    return f"{said}."


def _distance(row: Any) -> str:
    multiple = row["floor_multiple"]
    times = "" if pd.isna(multiple) else f", {number(multiple)} × {ALLOWED}"
    return f"{row['backend']}, takes {precisely(row['seconds_median'])}{times}"


def precisely(seconds: float) -> str:
    """In three digits, and the unit of the axis."""
    unit = in_seconds(seconds).partition(" ")[2]
    return f"{seconds / {'s': 1, 'ms': 1e-3, 'µs': 1e-6, 'ns': 1e-9}[unit]:.3g} {unit}"


def _times(value: float) -> str:
    return f"{value:,.0f} ×" if value >= 1 else f"{value:g} ×"
