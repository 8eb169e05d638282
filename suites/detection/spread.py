"""Whether rare faults are found sooner where cases are spread over clauses by what they find."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

MORE = 4.0  # times more, for an error that grows, or where all that meets is new


@dataclass(frozen=True)
class Unit:
    """Some cases of a clause. find: which of them is the first that a fault fails; None: none does.

    worst: their largest error / bound. met: what circumstances meet in them.
    """

    cases: int
    find: int | None
    worst: float
    met: frozenset[str]


Units = Mapping[str, Sequence[Unit]]
Weigh = Callable[[Unit, float, set[str]], float]


def evenly(unit: Unit, worst: float, met: set[str]) -> float:
    """Every clause has as much."""
    return 1.0


def by_what_it_finds(unit: Unit, worst: float, met: set[str]) -> float:
    """More for a clause whose last unit had a larger error than those before, or what had not met yet."""
    return 1 + MORE * (unit.worst > 1.05 * worst) + MORE * len(unit.met - met) / max(1, len(unit.met))


SPREADS: dict[str, Weigh] = {"evenly": evenly, "by what they find": by_what_it_finds}


def first_find(units: Units, weigh: Weigh, order: random.Random) -> int | None:
    """How many cases are tried until a fault is found: every clause once, then by weight; None: it is not."""
    clauses = sorted(units)
    order.shuffle(clauses)
    at, worst = dict.fromkeys(clauses, 0), dict.fromkeys(clauses, 0.0)
    credit, weight = dict.fromkeys(clauses, 0.0), dict.fromkeys(clauses, 1.0)
    met: set[str] = set()
    tried = 0
    while left := [clause for clause in clauses if at[clause] < len(units[clause])]:
        new = [clause for clause in left if not at[clause]]
        for clause in left:
            credit[clause] += weight[clause]
        clause = new[0] if new else max(left, key=lambda clause: credit[clause])
        credit[clause] -= sum(weight[clause] for clause in left)
        unit = units[clause][at[clause]]
        if unit.find is not None:
            return tried + unit.find + 1
        weight[clause] = weigh(unit, worst[clause], met)
        at[clause], worst[clause] = at[clause] + 1, max(worst[clause], unit.worst)
        met |= unit.met
        tried += unit.cases
    return None
