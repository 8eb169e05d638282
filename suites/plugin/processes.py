"""What tests are given: the process of a backend, those chosen, and the seed."""

from collections.abc import Iterator

import pytest

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.plugin.options import BACKENDS, SEED


class Processes:
    """The one process alive: tests come backend by backend, and the next backend ends the last."""

    def __init__(self) -> None:
        self.current: Process | None = None

    def get(self, backend: type[Backend], device: str) -> Process:
        current = self.current
        if current is None or (current.backend, current.device) != (backend, device):
            self.close()
            self.current = current = Process(backend, device)
            current.__enter__()
        return current

    def close(self) -> None:
        if self.current is not None:
            self.current.__exit__(None, None, None)
            self.current = None


@pytest.fixture(scope="session")
def processes() -> Iterator[Processes]:
    kept = Processes()
    yield kept
    kept.close()


@pytest.fixture(scope="session")
def backends(pytestconfig: pytest.Config) -> list[type[Backend]]:
    """Those selected on the command line."""
    return pytestconfig.stash[BACKENDS]


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    return pytestconfig.stash[SEED]
