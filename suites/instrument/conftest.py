"""Fixtures that tests of several parts share."""

import math
import shutil
from pathlib import Path

import pytest

from lazyadam.suites.instrument.published import RUN
from lazyadam.suites.run import steps as progress


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The tables of a published run, to be spoilt."""
    for file in RUN.glob("*.csv"):
        shutil.copy(file, tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def _no_lines_of_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that takes longer on a busy machine says no more than on another."""
    monkeypatch.setattr(progress, "SECONDS", math.inf)
