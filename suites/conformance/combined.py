"""The points of the space under the clauses: each pair of circumstances together, on a backend."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Case, Manner
from lazyadam.suites.cases.covering import array, covering
from lazyadam.suites.cases.points import case_at
from lazyadam.suites.cases.space import Point, Space, simpler, unusual
from lazyadam.suites.cases.strategies import seed_of
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.clauses.region import OWNERS, RULE, owner, said_by, space_of
from lazyadam.suites.conformance.budget import Budget


@dataclass(frozen=True)
class At:
    """Where in the space a case is. seed: of its numbers."""

    space: Space
    point: Point
    seed: int

    def case(self, dtype: str) -> Case:
        return case_at(self.point, dtype, self.seed)

    def told(self) -> str:
        """What is out of the ordinary, and which clauses speak of it, to follow what was seen."""
        found, clauses = unusual(self.space, self.point), said_by(self.space, self.point)
        if not found:
            return ""
        said = [f"{name.replace('_', ' ')} {word_of(value)}" for name, value in found.items()]
        by = ", ".join(dict.fromkeys(clause for clause in clauses.values() if clause != RULE))
        return f"; where {', '.join(said)}" + (f" ({by})" if by else "")

    def simpler(self) -> Sequence["At"]:
        """With one value less that is out of the ordinary."""
        return [At(self.space, point, self.seed) for point in simpler(self.space, self.point)]


def word_of(value: Any) -> str:
    """A value of a dimension, as it is told."""
    if isinstance(value, tuple):
        return " and ".join(value) or "nothing"
    if value is None:
        return "as usual"
    return str(value.value if isinstance(value, Manner) else value)


def points_of(clause: Clause, backend: type[Backend], dtype: str, seed: int, budget: Budget) -> Sequence[At]:
    """The points that are tried under a clause in a type.

    Where each is compiled a third of them is tried in other types than the usual one.
    """
    if clause.id not in OWNERS:
        return []
    owned = _owned(backend, seed, budget).get(clause.id, ())
    if backend.compiles and dtype != backend.usual_dtype():
        owned = owned[: len(owned) // 3]
    return [at for at in owned if dtype in backend.dense_dtypes or at.point["layout"] != "dense"]


def tried(backend: type[Backend], seed: int, budget: Budget) -> Iterator[dict[str, Any]]:
    """Rows of space.csv."""
    values = space_of(backend)
    for row in covering(values, array(values, seed, budget.strength), budget.points_of(backend)):
        yield {"backend": backend.name, **row}


@lru_cache(maxsize=64)
def _owned(backend: type[Backend], seed: int, budget: Budget) -> Mapping[str, Sequence[At]]:
    """By clause the points that are tried."""
    space, most, arrays = space_of(backend), budget.points_of(backend), budget.arrays
    seeds = [seed, *(other for other in range(arrays) if other != seed)][:arrays]  # made once, and kept
    points = [point for each in seeds for point in array(space, each, budget.strength)[:most]]
    applying = {id for id, clause in CLAUSES.items() if not clause.missing(backend)}
    owned: dict[str, list[At]] = {}
    for number, point in enumerate(points):
        owned.setdefault(owner(space, point, applying), []).append(
            At(space, point, seed_of(seed, "space", number))
        )
    return owned
