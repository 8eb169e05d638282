"""What a table is. How it is read, written, compared, gated, shown and explained follows from this."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table as Grid

from lazyadam.reports.vocabulary import Word


class Cells(Enum):
    """What the cells of a column may be. Those of numbers may be empty."""

    TEXT = "any text"
    NUMBER = "a number"
    COUNT = "a whole number, 0 or more"
    SIZE = "a number, 0 or more"


TEXT, NUMBER, COUNT, SIZE = Cells


@dataclass(frozen=True)
class Column:
    """A column: what it means, and what its cells are, or of which words.

    optional: whether a word may be lacking.
    """

    name: str
    meaning: str
    cells: Cells | type[Word] = TEXT
    optional: bool = False

    @property
    def holds_numbers(self) -> bool:
        return self.cells in (NUMBER, COUNT, SIZE)

    def flaw(self, column: pd.Series) -> str:
        """What stands in it that may not; '' where nothing does."""
        if isinstance(self.cells, type):
            words = [*self.cells, *([""] if self.optional else [])]
            unknown = sorted({*column} - {*words})
            return f"{self.name} {unknown[0]!r} is not one of {', '.join(words)}" if unknown else ""
        if self.cells in (COUNT, SIZE):
            there = column.dropna()
            if (there < 0).any() or (self.cells is COUNT and not (there % 1 == 0).all()):
                return f"column {self.name} has what is no {self.cells.name.lower()}"
        return ""


def nothing(table: pd.DataFrame) -> str:
    return ""


@dataclass(frozen=True)
class Table:
    """A table of a run.

    meaning: of its rows. key: the columns that name a row to the gate, which compares no table without one.
    outcome: the column that says what came of a row. flaw: why it can't be told from, beyond what its columns
    say; '' where it can. show: how it is printed, where it can be asked for.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    outcome: str = ""
    may_be_empty: bool = True
    flaw: Callable[[pd.DataFrame], str] = nothing
    show: Callable[[pd.DataFrame, Console], None] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Of its columns, in order."""
        return tuple(column.name for column in self.columns)

    def flaws(self, table: pd.DataFrame) -> str:
        """Why a table of these columns can't be told from; '' where it can."""
        if table.empty and not self.may_be_empty:
            return "has no rows"
        flaws = (column.flaw(table[column.name]) for column in self.columns)
        return next(filter(None, flaws), "") or self.flaw(table)


def as_it_is(title: str) -> Callable[[pd.DataFrame, Console], None]:
    """Every row and column of a table."""

    def show(table: pd.DataFrame, console: Console) -> None:
        grid = Grid(*map(str, table.columns), title=title)
        for row in table.itertuples(index=False):
            grid.add_row(*map(brief, row))
        console.print(grid)

    return show


def brief(x: Any) -> str:
    """A cell as it is printed."""
    if isinstance(x, float):
        return "" if pd.isna(x) else f"{x:.3g}"
    return str(x)
