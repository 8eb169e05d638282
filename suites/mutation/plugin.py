"""For pytest under mutation: the mutants are `lazyadam`, nothing is kept from before them, nothing shrunk."""

import gc
import importlib
import sys
from functools import lru_cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pytest
from hypothesis import Phase, settings

settings.register_profile("mutation", phases=(Phase.explicit, Phase.generate), report_multiple_bugs=False)
settings.load_profile("mutation")

MUTATED = ("reference.", "suites.judge.")
PACKAGE = "lazyadam"


class Mutated(MetaPathFinder, Loader):
    """`lazyadam.reference` is `reference`, and so on: a mutant is known by the folder that it lies in."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name.startswith(f"{PACKAGE}.") else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return importlib.import_module(spec.name.removeprefix(f"{PACKAGE}."))

    def exec_module(self, module: ModuleType) -> None:
        pass


sys.meta_path.insert(0, Mutated())
sys.modules[PACKAGE] = ModuleType(PACKAGE)
sys.modules[PACKAGE].__path__ = []


def pytest_sessionstart(session: pytest.Session) -> None:
    """A mutant is tried in a fork of the process that has run the tests on the code as it is."""
    for cached in gc.get_objects():
        if isinstance(cached, type(lru_cache(len))) and cached.__module__.startswith(MUTATED):
            cached.cache_clear()
