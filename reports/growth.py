"""How what repeated ids do grows, with their share in a batch and with steps: effects_growth.csv in words."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from lazyadam.reports.words import after, percent, spaced


@dataclass(frozen=True)
class Growth:
    """Of two values of an axis: for each share of ids that repeat a row of cells, by steps; and in words."""

    steps: list[int]
    rows: list[tuple[str, list[str]]]
    about: str
    beside: str

    @property
    def head(self) -> list[str]:
        return ["ids that repeat", *map(after, self.steps)]

    @property
    def lines(self) -> list[list[str]]:
        return [[share, *cells] for share, cells in self.rows]


def growths(table: pd.DataFrame) -> dict[tuple[str, frozenset[str]], Growth]:
    """By axis and its two values."""
    return {
        (str(axis), frozenset((str(left), str(right)))): _growth(part, spaced(str(left)), spaced(str(right)))
        for (axis, left, right), part in table.groupby(["axis", "left_value", "right_value"])
    }


def _growth(part: pd.DataFrame, left: str, right: str) -> Growth:
    by_share = {float(str(x)): of_share.sort_values("steps") for x, of_share in part.groupby("repeats")}
    share, most = max(by_share.items(), key=lambda item: item[0])
    steps = [int(k) for k in most["steps"]]
    apart = ", ".join(f"{x:,.0f}" for x in most["distance"])
    return Growth(
        steps,
        [(f"{x:.0%}", [_cell(row) for _, row in of_x.iterrows()]) for x, of_x in by_share.items()],
        f"{left} against {right}, all else alike, in {part['trainings'].max():.0f} trainings for each share "
        "of ids that repeat another of their batch: the median, and from the least to the most.",
        f"The share grows with the repeats, the distance itself with the steps: with {percent(share)} of "
        f"repeats it is {apart} learning rates after {', '.join(f'{k:,}' for k in steps)} steps. The table "
        "divides by the farthest that a weight moved in either training; by the farthest with "
        f"{left} alone, the last is {percent(most['of_sum'].iloc[-1])}.",
    )


def _cell(row: Any) -> str:
    if not row["largest"]:
        return "0"
    return f"{percent(row['median'])} ({percent(row['smallest'])} to {percent(row['largest'])})"
