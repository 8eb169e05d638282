"""The rows of a parameter through its recorded steps, and what somebody else changed between two of them."""

from collections.abc import Sequence

import numpy as np

from lazyadam.suites.cases.recording import Taken


class Following:
    """The state of all rows that are recorded at any time.

    rows: of the table, in order. start, table: the state (quantities, rows, …) at first and now; of a row
    that no step has taken yet, as the first that does will find it.
    """

    def __init__(self, taken: Sequence[Taken]) -> None:
        self.rows = np.unique(np.concatenate([x.rows for x in taken]))
        self.start = np.zeros((len(taken[0].before), len(self.rows), *taken[0].before[0].shape[1:]))
        for x in reversed(taken):
            self.start[:, self.at(x)] = x.before
        self.table = self.start.copy()

    def at(self, x: Taken) -> np.ndarray:
        """The places of a step's rows among all."""
        return np.searchsorted(self.rows, x.rows)

    def take(self, x: Taken) -> np.ndarray:
        """Go on by a step: (quantities, its rows), which of them somebody else had changed before it."""
        at, found = self.at(x), np.stack(x.before)
        left = self.table[:, at]
        differs = (left != found) & ~(np.isnan(left) & np.isnan(found))
        self.table[:, at] = x.after
        changed: np.ndarray = differs.any(axis=tuple(range(2, differs.ndim)))
        return changed
