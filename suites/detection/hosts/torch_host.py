"""The real torch.optim.SparseAdam as a host: its source is changed at run time."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from lazyadam.suites.backends.torch.backends import SparseAdam
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.detection.hosts.edit import Edits, edited


class SeededSparseAdam(SparseAdam):
    """Declares and promises what SparseAdam does; its source is edited."""

    def __init__(self, device: str, edits: Edits = ()) -> None:
        super().__init__(device)
        self.edits = edits

    def prepare(self) -> str:
        version = super().prepare()
        from torch.optim import _functional, sparse_adam

        functional, module = edited((_functional, sparse_adam), self.edits)
        module.F = functional  # type: ignore[attr-defined]
        self.seeded = module.SparseAdam
        return version

    def run(self, case: Case, report: Callable[[int, Any], None] | None = None) -> Trajectory:
        with patch.object(self.torch.optim, "SparseAdam", self.seeded):
            return super().run(case, report)
