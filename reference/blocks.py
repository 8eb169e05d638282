"""Many rows of many steps in blocks; and a reference that runs on, with the errors that it gathers."""

import numpy as np

from lazyadam.reference.arithmetic import Rules, is_scattered
from lazyadam.reference.bound import State, step, step_in_place
from lazyadam.reference.gradient import Coalesced
from lazyadam.reference.rounding import Errors
from lazyadam.reference.scalars import Scalars

BLOCK = 49152  # elements worked on at a time: the intermediates of a block stay in the cache


class Running:
    """A state that runs on by itself, with the bound on the errors that it gathers.

    Rows stay in `start`, exact, until a gradient touches them. From then on a row is table[slot], and
    slots are given in the order of first touch: table (quantities, slots, elements) holds w, m, v, and v_max
    where there is one, and then their errors.
    """

    def __init__(self, start: State) -> None:
        rows, elements = start.w.shape
        self.start = start
        self.slot = np.full(rows, -1)
        self.touched = 0
        self.table = np.full((2 * len(start), rows, elements), 0.0)

    def now(self) -> tuple[State, Errors]:
        """The state of all rows, and the bounds on its errors."""
        touched = np.flatnonzero(self.slot >= 0)
        result = [*(x.copy() for x in self.start), *(np.zeros_like(x) for x in self.start)]
        for x, latest in zip(result, self.table, strict=True):
            x[touched] = latest[self.slot[touched]]
        return self.parted(result)

    def parted(self, arrays: list[np.ndarray]) -> tuple[State, Errors]:
        """State and errors, in the order of the table."""
        count = len(self.start)
        return State(*arrays[:count]), Errors(*arrays[count:])


def advance(running: Running, gradient: Coalesced, s: Scalars, rules: Rules) -> None:
    """One step in place, errors included: the free-running reference."""
    width, slots = running.table.shape[2], running.slot[gradient.rows]
    first = np.flatnonzero(slots < 0)
    for at in blocks(len(first), width, rules):
        part = gradient.part(first[at])
        new = step(running.start, part, s.part(first[at]), rules)
        once = slice(None)
        if is_scattered(rules):
            _, once = np.unique(part.rows, return_index=True)
        rows = part.rows[once]
        end = running.touched + len(rows)
        for table, x in zip(running.table, (*new.state, *new.errors), strict=True):
            table[running.touched : end] = x[once]
        running.slot[rows] = np.arange(running.touched, end)
        running.touched = end
    again = np.flatnonzero(slots >= 0)
    for at in blocks(len(again), width, rules):
        slot, part = slots[again[at]], gradient.part(again[at])
        now = [x.take(slot, axis=0) for x in running.table]
        new = step_in_place(*running.parted(now), part, s.part(again[at]), rules)
        for table, x in zip(running.table, (*new.state, *new.errors), strict=True):
            table[slot] = x


def blocks(count: int, width: int, rules: Rules) -> list[slice]:
    """Rows of a gradient in blocks whose intermediates stay in the cache.

    Occurrences of one row have to stay together, so a scattered gradient is one block.
    """
    size = max(1, count if is_scattered(rules) else BLOCK // max(1, width))
    return [slice(i, i + size) for i in range(0, count, size)]
