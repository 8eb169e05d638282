"""For pytest under mutation: no result of the code before it was mutated, and no shrinking."""

import gc
from functools import lru_cache

import pytest
from hypothesis import Phase, settings

settings.register_profile("mutation", phases=(Phase.explicit, Phase.generate), report_multiple_bugs=False)
settings.load_profile("mutation")

MUTATED = ("lazyadam.reference.", "lazyadam.suites.judge.")


def pytest_sessionstart(session: pytest.Session) -> None:
    """A mutant is tried in a fork of the process that has run the tests on the code as it is."""
    for cached in gc.get_objects():
        if isinstance(cached, type(lru_cache(len))) and cached.__module__.startswith(MUTATED):
            cached.cache_clear()
