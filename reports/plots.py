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
