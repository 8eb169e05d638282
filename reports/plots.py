"""Curves, as SVG."""

from io import StringIO
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from reports.tables import write_text

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "lazyadam"  # the same file for the same table

from matplotlib import pyplot  # noqa: E402


def sensitivity(curve: pd.DataFrame, path: Path) -> None:
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
    figure.tight_layout()
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    pyplot.close(figure)
    write_text(text.getvalue(), path)


def performance(curves: pd.DataFrame, out: Path) -> None:
    """Step time along each size that was varied: a file for each, a plot for each line and thread count.

    curves: as `reports.performance.curves`. Where a backend diverges its points are hollow, and its name is
    struck through.
    """
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
        figure.tight_layout()
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
        pyplot.close(figure)
        write_text(text.getvalue(), out / f"performance_{against}.svg")


def _curve(plot: pyplot.Axes, backend: str, points: pd.DataFrame) -> None:
    wrong = points["note"].str.startswith("diverges").to_numpy()
    style = ":" if backend.startswith("floor.") else "--" if backend.startswith("by_hand.") else "-"
    (drawn,) = plot.plot(points["x"], points["seconds_median"], style, label="_")
    name = "".join(f"{c}\N{COMBINING LONG STROKE OVERLAY}" for c in backend) if wrong.any() else backend
    name = name.replace("$", r"\$")  # or it would be read as a formula
    plot.plot(points["x"][~wrong], points["seconds_median"][~wrong], "o", color=drawn.get_color(), label=name)
    plot.plot(
        points["x"][wrong], points["seconds_median"][wrong], "o", color=drawn.get_color(), fillstyle="none"
    )
