"""Fixtures that tests of several parts share."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from reports.command import status_of
from suites.instrument.published import RUN


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The tables of a published run, to be spoilt."""
    for file in RUN.glob("*.csv"):
        shutil.copy(file, tmp_path)
    return tmp_path


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a module's command in this process: its exit status, what it prints, and its errors."""

    def ran(module: ModuleType, *arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments)])
        code = status_of(module.main)
        return int(code or 0), *capsys.readouterr()

    return ran
