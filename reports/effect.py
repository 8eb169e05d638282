"""How much an axis matters: how far it alone takes the weights, in trainings of the reference."""

from functools import lru_cache
from typing import Any

import pandas as pd

from lazyadam.reports.tables import RECORDED, read, records, rows_of
from lazyadam.reports.vocabulary import Verdict
from lazyadam.reports.words import percent

Row = dict[str, Any]
LAST = 1000  # the steps after which an effect is told


def effect(backend: str, cause: str, tables: dict[str, pd.DataFrame]) -> str:
    """How far an axis alone takes the weights in the reference, where it was measured.

    It is the same in every run, so the recorded one tells it where this one measured none.
    """
    axis, _, value = cause.partition(": ")
    promised = {row["documented"] for row in rows_of(tables, "dialects", backend) if row["axis"] == axis}
    found = [
        (row["effect"], row["sequence"])
        for row in (records(tables["effects"]) if "effects" in tables else _recorded_effects())
        if row["axis"] == axis
        and row["steps"] == LAST
        and value in (row["left_value"], row["right_value"])
        and promised & {row["left_value"], row["right_value"]}
    ]
    if not found:
        return ""
    dense_alone = _takes_dense_alone(backend, tables)
    taken = [pair for pair in found if pair[1].startswith("dense") == dense_alone]
    share, sequence = max(taken or found)
    if not share:
        return f"none in our trainings of {LAST:,} steps"
    return f"{percent(share)} of how far weights move, after {LAST:,} steps with {sequence}"


def _takes_dense_alone(backend: str, tables: dict[str, pd.DataFrame]) -> bool:
    """Whether a backend refuses whatever sparse gradient it is given."""
    asked = {
        row["verdict"] for row in rows_of(tables, "verdicts", backend) if row["clause"] == "sparse-gradient"
    }
    return asked == {Verdict.REFUSES}


@lru_cache(maxsize=1)
def _recorded_effects() -> list[Row]:
    return records(read("effects", RECORDED))
