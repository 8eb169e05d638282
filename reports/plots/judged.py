"""Curves of what was judged: how far backends drift, and how small an error is found."""

from typing import Any

import numpy as np
import pandas as pd

from lazyadam.reports.plots.drawing import (
    COLOURS,
    LINES,
    MARKERS,
    Entry,
    Plot,
    Style,
    Styles,
    counted,
    draw,
    empty_axes,
    scientific,
    svg_of,
    swatch,
)


def drift(tolerance: pd.DataFrame, style: Styles) -> Plot | None:
    """How far from the reference w drifts, where it does: a panel for each type, a line for each backend.

    Backends whose lines are the same in every type share one.
    """
    free = tolerance[
        (tolerance["way"] == "free") & (tolerance["quantity"] == "w") & (tolerance["max_abs"] > 0)
    ]
    if free.empty:
        return None
    alike: dict[tuple[Any, ...], list[str]] = {}
    for backend, points in free.groupby("backend"):
        shape = tuple((r.dtype, r.steps, f"{r.max_abs:.3g}") for r in points.itertuples())
        alike.setdefault(shape, []).append(str(backend))
    panels = []
    for dtype, part in free.groupby("dtype", sort=False):
        axes = empty_axes(str(dtype), "steps", (counted, scientific))
        for names in alike.values():
            points = part[part["backend"] == names[0]].sort_values("steps")
            draw(axes, points["steps"], points["max_abs"], style[names[0]])
        panels.append(svg_of(axes, f"drift {dtype}"))
    return Plot(panels, [Entry(tuple(names), swatch(style[names[0]], "drift")) for names in alike.values()])


def sensitivity(curve: pd.DataFrame) -> Plot:
    """The share of seeds in which an error is found against its size: a panel for each type and regime."""
    quantities = list(curve["quantity"].unique())
    style = {
        name: Style(COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)], LINES[i % len(LINES)])
        for i, name in enumerate(quantities)
    }
    panels = []
    for (dtype, regime), part in curve.groupby(["dtype", "regime"], sort=False):
        axes = empty_axes(f"{dtype}, {regime}", "log₂ of the relative error")
        for quantity, points in part.groupby("quantity", sort=False):
            draw(axes, np.log2(points["error"]), points["found"], style[str(quantity)])
        axes.set_ylim(-0.03, 1.03)
        panels.append(svg_of(axes, f"sensitivity {dtype} {regime}"))
    return Plot(panels, [Entry((name,), swatch(style[name], "sensitivity")) for name in quantities])
