"""Curves, as SVG."""

import re
from io import StringIO

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("svg")
matplotlib.rcParams["svg.fonttype"] = "none"

from matplotlib import pyplot  # noqa: E402


def _svg(figure: pyplot.Figure, name: str) -> str:
    """The figure as an SVG element in the colours of the text around it, without a background.

    name: of this plot alone, that its parts may be named apart, and the same from the same table.
    """
    if figure.get_layout_engine() is None:
        figure.tight_layout()
    text = StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(text, format="svg", metadata=nothing, transparent=True)
    pyplot.close(figure)
    svg = text.getvalue()
    # Names that nothing refers to: several plots stand in one page, where names are unique.
    svg = re.sub(r' id="[a-zA-Z0-9.]+_\d+"', "", svg[svg.index("<svg") :])
    return svg.replace("#000000", "currentColor")


def drift(tolerance: pd.DataFrame) -> str:
    """How far from the reference w drifts, where it does: a plot for each type, a line for each backend."""
    free = tolerance[
        (tolerance["way"] == "free") & (tolerance["quantity"] == "w") & (tolerance["max_abs"] > 0)
    ]
    dtypes, backends = list(free["dtype"].unique()), list(free["backend"].unique())
    if not dtypes:
        return ""
    size = (5 * len(dtypes), 5)
    figure, axes = pyplot.subplots(1, len(dtypes), figsize=size, squeeze=False, layout="constrained")
    for plot, dtype in zip(axes[0], dtypes, strict=True):
        for backend, points in free[free["dtype"] == dtype].groupby("backend"):
            colour = f"C{backends.index(backend) % 10}"
            style = "-" if backends.index(backend) < 10 else "--"
            plot.plot(
                points["steps"], points["max_abs"], style, color=colour, marker=".", label=_plain(backend)
            )
        plot.set(title=dtype, xlabel="steps", xscale="log", yscale="log")
        plot.grid(alpha=0.3)
    axes[0, 0].set_ylabel("largest distance of w from the reference")
    named = {
        name: line for plot in axes[0] for line, name in zip(*plot.get_legend_handles_labels(), strict=True)
    }
    figure.legend(named.values(), named.keys(), fontsize="xx-small", loc="outside lower center", ncols=4)
    return _svg(figure, "drift")


def sensitivity(curve: pd.DataFrame) -> str:
    """The share of seeds in which an error is found against its size: a plot for each type and regime."""
    dtypes, regimes = list(curve["dtype"].unique()), list(curve["regime"].unique())
    figure, axes = pyplot.subplots(
        len(dtypes), len(regimes), figsize=(4 * len(regimes), 3.2 * len(dtypes)), squeeze=False, sharey=True
    )
    for row, dtype in zip(axes, dtypes, strict=True):
        for plot, regime in zip(row, regimes, strict=True):
            part = curve[(curve["dtype"] == dtype) & (curve["regime"] == regime)]
            for quantity, points in part.groupby("quantity", sort=False):
                plot.plot(np.log2(points["error"]), points["found"], label=quantity, marker=".")
            plot.set(title=f"{dtype}, {regime}", xlabel="log₂ of the relative error", ylim=(-0.03, 1.03))
            plot.grid(alpha=0.3)
        row[0].set_ylabel("found, share of seeds")
    axes[0, -1].legend(loc="lower right", fontsize="x-small")
    return _svg(figure, "sensitivity")


def performance(curves: pd.DataFrame) -> dict[str, str]:
    """Step time along each size that was varied, by its name: a plot for each line and thread count.

    curves: as `reports.performance.curves`. Where a backend diverges its points are hollow, and its name is
    struck through.
    """
    drawn = {}
    for against, part in curves.groupby("against", sort=False):
        lines = list(part.groupby(["held", "threads"]))
        figure, axes = pyplot.subplots(
            1, len(lines), figsize=(5.2 * len(lines), 5), squeeze=False, sharey=True
        )
        for plot, ((held, threads), line) in zip(axes[0], lines, strict=True):
            for backend, points in line.groupby("backend"):
                points = points.sort_values("x")
                _curve(plot, str(backend), points)
            plot.set(title=f"{held}; threads {threads}", xlabel=str(against), xscale="log", yscale="log")
            plot.title.set_fontsize("small")
            plot.grid(alpha=0.3)
            plot.legend(fontsize="xx-small")
        axes[0, 0].set_ylabel("seconds a step")
        drawn[str(against)] = _svg(figure, f"performance {against}")
    return drawn


def _curve(plot: pyplot.Axes, backend: str, points: pd.DataFrame) -> None:
    wrong = points["note"].str.startswith("diverges").to_numpy()
    style = ":" if backend.startswith("floor.") else "--" if backend.startswith("by_hand.") else "-"
    (drawn,) = plot.plot(points["x"], points["seconds_median"], style, label="_")
    name = "".join(f"{c}\N{COMBINING LONG STROKE OVERLAY}" for c in backend) if wrong.any() else backend
    name = _plain(name)
    plot.plot(points["x"][~wrong], points["seconds_median"][~wrong], "o", color=drawn.get_color(), label=name)
    plot.plot(
        points["x"][wrong], points["seconds_median"][wrong], "o", color=drawn.get_color(), fillstyle="none"
    )


def _plain(name: object) -> str:
    """A name that is not read as a formula."""
    return str(name).replace("$", r"\$")
