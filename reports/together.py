"""Which circumstances of the cases were tried together: two dimensions at a time, of all backends."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor

import pandas as pd

from lazyadam.reports.words import folded, plural


@dataclass(frozen=True)
class Meeting:
    """Two dimensions: the share of the pairs that can meet and were tried, where least were, and in words."""

    share: float
    told: str

    @property
    def sign(self) -> str:
        return "✓" if self.share == 1 else f"{floor(100 * self.share)} %"


def dimensions(space: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys([*space["dimension"], *space["other"]]))


def triangle(space: pd.DataFrame) -> Iterator[tuple[str, list[Meeting]]]:
    """Each dimension but the first, beside all those before it."""
    met, names = _meetings(space), dimensions(space)
    for number, name in enumerate(names[1:], 1):
        yield name, [met[frozenset((name, other))] for other in names[:number]]


def _meetings(space: pd.DataFrame) -> dict[frozenset[str], Meeting]:
    counted = space.assign(share=(space["tried"] / space["possible"]).fillna(1.0))  # of none all
    return {
        frozenset(map(str, key)): _meeting(part)
        for key, part in counted.groupby(["dimension", "other"], sort=False)
    }


def _meeting(part: pd.DataFrame) -> Meeting:
    least = float(part["share"].min())
    told = f"{plural(int(part['pairs'].max()), 'pair')} of values, {int(part['possible'].max())} can meet"
    if why := "; ".join(sorted({str(x) for x in part["why"] if x})):
        told += f" ({why})"
    if least < 1:
        fewer = part[part["share"] < 1]["backend"]
        told += f"; {floor(100 * least)} % of them tried at least: {folded(fewer)}"
    return Meeting(least, told)


def whole(space: pd.DataFrame) -> list[str]:
    """The backends on which any two values met that can."""
    fewer = set(space[space["tried"] < space["possible"]]["backend"])
    return [backend for backend in dict.fromkeys(space["backend"]) if backend not in fewer]
