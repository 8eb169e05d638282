"""How much is tried in each profile, and of what."""

from dataclasses import dataclass, replace

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.strategies import Menu
from lazyadam.suites.clauses.clause import Clause

MOST_POINTS = 10_000
FREE_STEPS = 1000  # of a free run in another type than float32


@dataclass(frozen=True)
class Budget:
    """How much is tried: cases for each clause, and tries (of small cases) to shrink a divergence.

    compiled, repeated: cases where the backend compiles them, and where it runs the operators of another; of
    the points of the space (suites/cases/space.py) all are tried, but of another's operators. arrays: how
    many arrays of such points, each of which has every two values that can meet, or three: its strength.
    shrink_explained: also shrink what the dialect that the backend speaks explains. alike: how many
    divergences of one cause are shrunk on a backend.
    """

    cases: int
    compiled: int
    repeated: int
    shrink_tries: float
    shrink_explained: bool = True
    arrays: int = 1
    strength: int = 2
    alike: int = 1_000_000

    def cases_of(self, clause: Clause, menu: Menu, backend: type[Backend]) -> int:
        """How many cases of a clause a backend is given."""
        if clause.free:
            return 1
        usual = self.repeated if backend.repeats else self.compiled if backend.compiles else self.cases
        return min(usual, menu.most)

    def tries_of(self, backend: type[Backend], explained: bool) -> float:
        """How many tries a divergence is shrunk in; a try where the backend compiles takes seconds."""
        tries = self.shrink_tries if self.shrink_explained or not explained else 0
        return tries / 20 if backend.compiles else tries

    def points_of(self, backend: type[Backend]) -> int:
        """How many points of the space a backend is given."""
        return 3 * self.repeated if backend.repeats else MOST_POINTS


BUDGETS = {
    "ci": Budget(30, 10, 4, 60, shrink_explained=False, alike=3),
    "nightly": Budget(150, 150, 150, 1_200, strength=3),
    "deep": Budget(1500, 1500, 1500, 7_200, arrays=4, strength=3),
}


def menu_of(clause: Clause, backend: type[Backend], dtype: str) -> Menu:
    """What the cases of a clause are made of on a backend in a type."""
    menu = clause.menu(backend)
    if clause.free and dtype != "float32":
        return replace(menu, observed=tuple(k for k in menu.observed or () if k <= FREE_STEPS))
    return menu
