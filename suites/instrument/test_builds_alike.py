"""Builds that fail alike: what was not compared is not the same."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lazyadam.suites.cases.case import Failure
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.equivalence import builds
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.instrument.test_nothing_measured import declared

COMPARED: dict[str, tuple[str, str, int, str]] = {
    "refuse all": ("raise ValueError('no')", "raise ValueError('no')", 2, "not compared in 2"),
    "refuse for different reasons": (
        "raise ValueError('no')", "raise ImportError('no lib')", 2, "ImportError: no lib"
    ),
    "refuse the second step": (
        "if t > 1: raise ValueError('no')", "if t > 1: raise ValueError('yes')", 0, "same bits in 2 of 2"
    ),
    "refuse it for different reasons": (
        "if t > 1: raise ValueError('no')", "if t > 1: raise ImportError('no lib')", 2, "ImportError: no lib"
    ),
    "differ": ("w += 1", "w += 2", 1, "same bits in 0 of 2"),
    "are alike": ("w += 1", "w += 1", 0, "same bits in 2 of 2"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", COMPARED)
def test_builds_that_fail_alike_are_not_the_same(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs, expected, words = COMPARED[kind]
    raises = "import os\n".join(["", f"        if 'CHANGED' in os.environ:\n            {theirs}\n"])
    raises += f"        else:\n            {ours}"
    file, candidate = declared(tmp_path, raises), tmp_path / "python"
    candidate.write_text(f'#!/bin/sh\nCHANGED=1 exec {sys.executable} "$@"\n')
    candidate.chmod(0o755)
    monkeypatch.setattr(builds, "CLAUSES", {"update-rule": CLAUSES["update-rule"]})
    ran = lazyadam("builds", file, f"--candidate={candidate}", f"--out={tmp_path}")
    assert ran.returncode == expected
    assert words in ran.stdout.splitlines()[-1]


@pytest.mark.slow
def test_builds_without_a_clause_are_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "CLAUSES", {})
    ran = lazyadam("builds", "torch.SparseAdam", f"--candidate={sys.executable}", f"--out={tmp_path}")
    assert ran.returncode == 2
    assert "nothing was compared" in ran.stderr
    assert "same bits in 0 of 0 clauses and types; 0 of 0 cases compared" in ran.stdout


def test_builds_that_die_alike_are_not_compared() -> None:
    died = Failure("dies", 1, "the process ended")
    one = SimpleNamespace(failure=died)
    assert builds.not_compared(one, one).startswith("base dies at step 1")  # type: ignore[arg-type]
