"""What came of bad input."""

import pandas as pd
from rich.console import Console
from rich.table import Table as Grid

from lazyadam.reports.schema import columns as c
from lazyadam.reports.schema.table import Column, Table
from lazyadam.reports.vocabulary import Outcome, StateAfter


def show_bad_input(table: pd.DataFrame, console: Console) -> None:
    """Bad input that was not refused, or that left its mark on the state; and of how many backends."""
    grid = Grid(title="bad input: what was not refused, or not in time")
    names = ["input", "outcome", "state", "message"]
    for name in (*names, "backends"):
        grid.add_column(name)
    tried = table[table["outcome"] != Outcome.NOT_RUN]
    clean = (tried["outcome"] == Outcome.REFUSES) & (tried["state"] == StateAfter.UNTOUCHED)
    for key, part in tried[~clean].groupby(names):
        backends = list(part["backend"])
        if len(backends) > 3:
            backends = [f"{len(backends)} of {(tried['input'] == key[0]).sum()}"]
        grid.add_row(*map(str, key), ", ".join(backends))
    console.print(grid)


BAD_INPUT = Table(
    "bad_input",
    "what came of each kind of bad input, and what became of the state",
    (
        *c.ABOUT,
        Column("input", "the kind of bad input"),
        Column("outcome", "refuses, ignores, accepts, dies, hangs or not run", Outcome),
        Column(
            "state",
            "after it: untouched, partly written, non-finite or updated; empty where it is lost",
            StateAfter,
            optional=True,
        ),
        c.MESSAGE,
    ),
    key=("backend", "input"),
    outcome="outcome",
    show=show_bad_input,
)
