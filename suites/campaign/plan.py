"""Which units a campaign has, in which order; every machine that shares it finds the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.campaign.unit import Unit, units_of


@dataclass(frozen=True)
class Shard:
    """A part of a campaign: of every `of` units the `number`-th, from 1."""

    number: int = 1
    of: int = 1


def planned(
    backends: Sequence[type[Backend]], cases: int | None, shard: Shard, profile: str = ""
) -> Iterator[Unit]:
    """Block after block, until there are so many cases; None: without end. profile: one block, its cases."""
    total, position = 0, 0
    for block in [0] if profile else count():
        for backend in backends:
            for unit in units_of(backend, block, profile):
                if cases is not None and total >= cases:
                    return
                total += unit.cases
                if position % shard.of == shard.number - 1:
                    yield unit
                position += 1
