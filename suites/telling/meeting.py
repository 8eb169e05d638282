"""Where two values of the space of cases met: in how many points of profile ci, on which backends."""

from collections.abc import Sequence
from typing import Any

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.typed import UnknownName, one
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.cases.covering import array
from lazyadam.suites.cases.space import DIMENSIONS, excluded
from lazyadam.suites.clauses.region import space_of
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.combined import word_of
from lazyadam.suites.telling.lines import folded


def _typed(value: Any) -> str:
    """A value as one types it."""
    return value.name.lower() if isinstance(value, Manner) else word_of(value)


VALUES = {dimension.name: {_typed(x): x for x in dimension.values} for dimension in DIMENSIONS}


def are_values(words: Sequence[str]) -> bool:
    """Whether two values of dimensions are asked for: NAME=VALUE NAME=VALUE."""
    return len(words) == 2 and all("=" in word for word in words)


def meeting(words: Sequence[str]) -> list[str]:
    """How often two values met on each backend of the suite, or why they don't.

    Raises:
        UnknownName: there is no such dimension or value, or both are of one.
    """
    given: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        dimension = one("dimension", name, VALUES)
        if dimension in given:
            raise UnknownName(f"{dimension} is given twice: a case has one value of it")
        given[dimension] = VALUES[dimension][one(f"value of {dimension}", value, VALUES[dimension])]
    told: dict[str, list[str]] = {}
    for backend in BACKENDS.values():
        told.setdefault(_met(backend, given), []).append(backend.name)
    asked = " and ".join(f"{name} {_typed(value)}" for name, value in given.items())
    lines = [f"{asked}, in the points of the space that profile ci tries:"]
    for met, names in told.items():
        lines += [f"  {met}", *folded(", ".join(names), "      ")]
    return lines


def _met(backend: type[Backend], given: dict[str, Any]) -> str:
    space = space_of(backend)
    for name, value in given.items():
        if value not in space[name]:
            return f"not: it is not tried with {name} {_typed(value)}"
    points = array(space, 0)
    met = [i for i, point in enumerate(points) if all(point[name] == x for name, x in given.items())]
    tried = min(len(points), BUDGETS["ci"].points_of(backend))
    if not met:
        return f"not: {excluded(space, given)}"
    return f"in {sum(i < tried for i in met)} of {tried} points"
