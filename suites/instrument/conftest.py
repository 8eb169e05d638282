"""Fixtures that tests of several parts share."""

import math
import shutil
from pathlib import Path

import pytest

from lazyadam.suites.commands.app import OUT, run
from lazyadam.suites.instrument.published import RUN, Command
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


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another folder, in which a run was made."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / OUT).mkdir()
    for file in RUN.glob("*.csv"):
        shutil.copy(file, tmp_path / OUT)
    return tmp_path


@pytest.fixture
def lazyadam(capsys: pytest.CaptureFixture[str]) -> Command:
    """The command, in this process: its exit status, and the lines of both outputs."""

    def ran(*arguments: object) -> tuple[int, list[str], list[str]]:
        capsys.readouterr()
        status = run([*map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()

    return ran
