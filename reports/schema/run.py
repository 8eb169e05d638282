"""How a run was made, and which tests failed."""

import pandas as pd

from lazyadam.reports.schema import columns as c
from lazyadam.reports.schema.table import Column, Table
from lazyadam.reports.vocabulary import FailureKind


def _twice(table: pd.DataFrame) -> str:
    """An item with two values."""
    twice = table["item"][table["item"].duplicated()]
    return "" if twice.empty else f"two rows for {twice.iloc[0]}"


RUN = Table(
    "run",
    "how the run was made, and on which machine",
    (
        Column("item", "what is told"),
        Column("value", "what is told of the item"),
    ),
    flaw=_twice,
    may_be_empty=False,
)

FAILURES = Table(
    "failures",
    "the tests that failed",
    (
        Column("test", "its id; pytest takes it"),
        Column(
            "kind", "'not known': a divergence that nothing accounts for; 'failed': another test", FailureKind
        ),
        c.MESSAGE,
    ),
    key=("test", "kind", "message"),
)
