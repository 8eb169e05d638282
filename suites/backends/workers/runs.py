"""What it takes to judge a backend: something that runs its cases."""

from typing import Protocol

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Case, Trajectory


class Runs(Protocol):
    """Something that runs the cases of a backend: what it takes to judge one."""

    backend: type[Backend]
    device: str
    version: str
    not_run: str | None

    @property
    def about(self) -> dict[str, str]: ...

    def run(self, cases: list[Case]) -> list[Trajectory]: ...


def about(backend: type[Backend], version: str, device: str) -> dict[str, str]:
    """The first columns of every table."""
    return {"backend": backend.name, "version": version, "mode": backend.mode, "device": device}
