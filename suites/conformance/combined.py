"""The points of the space under the clauses: each pair of circumstances together, on a backend."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Case, Manner
from lazyadam.suites.cases.covering import covering, pairs
from lazyadam.suites.cases.points import case_at
from lazyadam.suites.cases.space import Point, Space, simpler, unusual
from lazyadam.suites.cases.strategies import seed_of
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.clauses.region import owner, space_of


@dataclass(frozen=True)
class At:
    """Where in the space a case is. seed: of its numbers."""

    space: Space
    point: Point
    seed: int

    def case(self, dtype: str) -> Case:
        return case_at(self.point, dtype, self.seed)

    def told(self) -> str:
        """What is out of the ordinary, to follow what was seen."""
        said = [
            f"{name.replace('_', ' ')} {word_of(x)}" for name, x in unusual(self.space, self.point).items()
        ]
        return f"; where {', '.join(said)}" if said else ""

    def simpler(self) -> Sequence["At"]:
        """With one value less that is out of the ordinary."""
        return [At(self.space, point, self.seed) for point in simpler(self.space, self.point)]


def word_of(value: Any) -> str:
    """A value of a dimension, as it is told."""
    if isinstance(value, tuple):
        return " and ".join(value)
    if value is None:
        return "as usual"
    return str(value.value if isinstance(value, Manner) else value)


def points_of(clause: Clause, backend: type[Backend], dtype: str, seed: int, most: int) -> Sequence[At]:
    """The points that are tried under a clause in a type, of the first so many of the array."""
    owned = _owned(backend, seed, most).get(clause.id, ())
    return [at for at in owned if dtype in backend.dense_dtypes or at.point["layout"] != "dense"]


def tried(backend: type[Backend], seed: int, most: int) -> Iterator[dict[str, Any]]:
    """Rows of space.csv."""
    values = space_of(backend)
    for row in covering(values, pairs(values, seed), most):
        yield {"backend": backend.name, **row}


@lru_cache(maxsize=64)
def _owned(backend: type[Backend], seed: int, most: int) -> Mapping[str, Sequence[At]]:
    space = space_of(backend)
    applying = {id: x for id, x in CLAUSES.items() if not x.free and not x.layout and not x.missing(backend)}
    owned: dict[str, list[At]] = {}
    counts: Counter[str] = Counter()
    for number, point in enumerate(pairs(space, seed)[:most]):
        clause = owner(space, point, applying, counts)
        counts[clause] += 1
        owned.setdefault(clause, []).append(At(space, point, seed_of(seed, "space", number)))
    return owned
