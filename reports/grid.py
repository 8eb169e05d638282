"""Any two backends at once: equal, equal but for what they differ on, or how far apart."""

from dataclasses import dataclass

import pandas as pd

from lazyadam.reports.answer import TURNS
from lazyadam.reports.equivalence import LAST
from lazyadam.reports.matrix import SYMBOLS
from lazyadam.reports.words import percent, spaced


@dataclass(frozen=True)
class Between:
    """What is between two backends: a sign, and the same in words. kind: as the page colours it."""

    kind: str
    sign: str
    words: str


@dataclass(frozen=True)
class Grid:
    """The backends that some other can be compared with, and what is between any two of them."""

    names: list[str]
    cells: dict[tuple[str, str], Between]


def grid(pairs: pd.DataFrame, equivalence: pd.DataFrame, dense: bool) -> Grid:
    """Of trainings by dense gradients, or by sparse ones. pairs, equivalence: these tables."""
    chosen = pairs[(pairs["steps"] == LAST) & (pairs["sequence"].str.startswith("dense") == dense)]
    compared = chosen[chosen["equal"] != "not compared"]
    differ = {key: list(part["axis"]) for key, part in equivalence.groupby(["left", "right"])}
    cells: dict[tuple[str, str], Between] = {}
    for key, part in compared.groupby(["left", "right"], sort=False):
        left, right = map(str, key)
        axes = [axis for axis in differ.get((left, right), ()) if axis in SYMBOLS]
        cells[left, right] = cells[right, left] = _between(part, axes)
    names = [
        name for name in dict.fromkeys([*pairs["left"], *pairs["right"]]) if any(name in key for key in cells)
    ]
    return Grid(names, cells)


def _between(part: pd.DataFrame, axes: list[str]) -> Between:
    """part: the trainings that both took to the end."""
    apart = part[part["equal"] == "no"]
    if TURNS in set(apart["sequence"]) and "step_count" not in axes:
        axes = [*axes, "step_count"]  # which the fingerprint asks of who goes without a gradient alone
    if apart.empty:
        return Between("equal", "=", "equal")
    most = percent(apart["difference"].max())
    why = f" ({', '.join(map(spaced, axes))})" if axes else ""
    if len(apart) == len(part):
        return Between("apart", most, f"{most} apart{why}")
    signs = "".join(SYMBOLS[axis] for axis in axes)
    trainings = ", ".join(apart["sequence"])
    return Between(
        "but-for", f"= {signs} {most}".replace("  ", " "), f"equal but for {trainings}: {most} apart{why}"
    )
