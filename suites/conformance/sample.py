"""The cases that a clause is tried on: of a backend in a type, from a seed, as many as a budget has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Case
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.cases.strategies import Menu, seed_of
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.conformance.budget import Budget, menu_of
from lazyadam.suites.conformance.combined import At, points_of


@dataclass(frozen=True)
class Sample:
    """A clause, to be tried on a backend in a type. seed: of the run."""

    clause: Clause
    backend: type[Backend]
    dtype: str
    seed: int
    budget: Budget

    @property
    def menu(self) -> Menu:
        return menu_of(self.clause, self.backend, self.dtype)

    @property
    def own_seed(self) -> int:
        """Another for every clause and type."""
        return seed_of(self.seed, self.clause.id, self.dtype)

    @property
    def name(self) -> str:
        """Of files."""
        return f"{self.clause.id}.{self.backend.name}.{self.dtype}"

    @property
    def title(self) -> str:
        """Of lines."""
        return f"{self.clause.id}, {self.backend.name}, {self.dtype}"

    def drawn(self) -> list[Case]:
        """Cases of the menu."""
        count = self.budget.cases_of(self.clause, self.menu, self.backend)
        return collect(self.menu, self.dtype, count, self.own_seed)

    def points(self) -> Sequence[At]:
        """Where in the space it is tried beside."""
        return points_of(self.clause, self.backend, self.dtype, self.seed, self.budget)


def cells(backend: type[Backend]) -> Iterator[tuple[Clause, str]]:
    """What a backend is tried in: each clause that applies, in each of its types."""
    for clause in CLAUSES.values():
        if not clause.missing(backend):
            for dtype in clause.dtypes(backend):
                yield clause, dtype


def kept_at(path: Path | None, dtype: str) -> tuple[list[Case], list[str]]:
    """The case that an earlier run kept, if it did; and a line where it can't be tried again."""
    if path is None or not path.exists():
        return [], []
    try:
        case = trace.load(path)
    except trace.TraceError as error:
        return [], [str(error)]
    if case.dtype != dtype:
        return [], [f"{path}: holds a case in {case.dtype}"]
    return [case], []
