"""Fixtures that tests of several parts share."""

import shutil
from pathlib import Path

import pytest

from suites.instrument.published import RUN


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The tables of a published run, to be spoilt."""
    for file in RUN.glob("*.csv"):
        shutil.copy(file, tmp_path)
    return tmp_path
