"""The claims of frameworks' pages."""

import pandas as pd
from rich.console import Console
from rich.table import Table as Grid

from lazyadam.reports.schema.table import Column, Table
from lazyadam.reports.vocabulary import Claimed


def show_claims(table: pd.DataFrame, console: Console) -> None:
    """Every claim with its verdict."""
    grid = Grid(title="claims")
    names = ("claim", "text", "verdict")
    for name in names:
        grid.add_column(name)
    for _, row in table.iterrows():
        grid.add_row(*(str(row[name]) for name in names))
    console.print(grid)


def _undecided(table: pd.DataFrame) -> str:
    """A verdict that is none; a reason may follow one."""
    told = table["verdict"].str.startswith(tuple(Claimed))
    if told.all():
        return ""
    return f"verdict {table['verdict'][~told].iloc[0]!r} is neither confirmed nor refuted nor undecided"


CLAIMS = Table(
    "claims",
    "what frameworks' own pages claim of these optimizers, with verdict and evidence",
    (
        Column("claim", "its number in suites/equivalence/README.md"),
        Column("page", "where it is claimed"),
        Column("text", "the claim in words"),
        Column("verdict", "confirmed, refuted or can't be decided"),
        Column("evidence", "the numbers of the run that decide it"),
        Column("witness", "a trace or a sample that shows it"),
    ),
    key=("claim",),
    outcome="verdict",
    flaw=_undecided,
    show=show_claims,
)
