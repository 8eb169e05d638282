"""Which pins account for what was seen, and by which names.

A pin has to cover backend and version, type, layout, and what was seen. Of several the one is named that
states least beside it: for an axis first the one that states this axis alone, then one that states it beside
others that were seen too. What is left is decided by name, so that a table is the same in every run.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lazyadam.reports.vocabulary import Against, Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.clauses.clause import layouts
from lazyadam.suites.divergences.pin import Pin, axes_of


@dataclass(frozen=True)
class Seen:
    """What there is to account for, beside what a row says.

    layouts: of the gradients at which it was seen; of_axis: those in which an axis makes a difference, where
    these are not all. quantities: in which it diverges.
    """

    layouts: frozenset[str]
    quantities: frozenset[str] = frozenset()
    of_axis: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Account:
    """What accounts for something that was seen: pins, by name, where it needs one."""

    pins: tuple[str, ...] = ()
    needed: bool = True

    @property
    def missing(self) -> bool:
        """Whether it is new: a pin is needed, and there is none."""
        return self.needed and not self.pins

    def __str__(self) -> str:
        """A cell of verdicts.csv."""
        return "; ".join(self.pins)


NOT_NEEDED, MISSING = Account(needed=False), Account()


def account(row: Mapping[str, Any], backend: type[Backend], seen: Seen, covering: list[Pin]) -> Account:
    """What accounts for a row of verdicts.csv.

    A difference from the reference dialect alone needs no pin, nor does the refusal of a layout or type that
    the backend does not claim to take. None accounts for a divergence where something else ran than was asked
    for: of that no axis and no quantity is said.
    """
    verdict, clause, dtype = row["verdict"], CLAUSES.get(row["clause"]), row["dtype"]
    if verdict in (Verdict.CONFORMS, Verdict.NOT_RUN) or row["against"] == Against.REFERENCE:
        return NOT_NEEDED
    if verdict == Verdict.REFUSES and clause and clause.layout:
        usual = (clause.layout,) == layouts(backend)
        claimed = clause.layout in backend.layouts and (dtype == "float32" or usual)
        claimed = claimed and dtype in backend.dtypes
        return MISSING if claimed else NOT_NEEDED
    if axes_of(row["explained_by"]):
        return account_for_axes(row["explained_by"], dtype, seen, covering)
    if verdict == Verdict.DIVERGES and row["explained_by"] != "unexplained":
        return MISSING
    stating = [
        pin
        for pin in covering
        if row["clause"] in pin.clauses and pin.verdict == verdict and seen.quantities <= set(pin.quantities)
    ]

    def rank(pin: Pin) -> tuple[Any, ...]:
        return len(pin.quantities), len(pin.clauses), pin.name

    return Account(_nearest(stating, dtype, seen.layouts, rank))


def account_for_axes(explained_by: str, dtype: str, seen: Seen, covering: list[Pin]) -> Account:
    """What accounts for axes, such as `axes_of` takes: nothing where one is not pinned."""
    axes = axes_of(explained_by)

    def rank(pin: Pin) -> tuple[Any, ...]:
        return len(pin.explained_by.items() - axes.items()), len(pin.explained_by), pin.name

    names: set[str] = set()
    for axis, value in axes.items():
        stating = [pin for pin in covering if pin.explained_by.get(axis) == value]
        found = _nearest(stating, dtype, seen.of_axis.get(axis, seen.layouts), rank)
        if not found:
            return MISSING
        names |= {*found}
    return Account((*sorted(names),))


def known_observation(
    axis: str, observed: str, dtype: str, asked: frozenset[str], covering: list[Pin]
) -> bool:
    """Whether a row of dialects.csv is pinned. observed: a value, or several that can't be told apart.

    asked: the layouts of the gradients by which it was found.
    """
    return any(
        pin.explained_by.get(axis) in observed.split("|")
        and dtype in pin.dtypes
        and bool(asked & set(pin.layouts))
        for pin in covering
    )


def _nearest(
    fitting: list[Pin], dtype: str, seen: frozenset[str], rank: Callable[[Pin], tuple[Any, ...]]
) -> tuple[str, ...]:
    """For each layout the name of the first pin by rank; none at all where one layout has none."""
    names: set[str] = set()
    for layout in seen:
        found = [pin for pin in fitting if dtype in pin.dtypes and layout in pin.layouts]
        if not found:
            return ()
        names.add(min(found, key=rank).name)
    return (*sorted(names),)
