"""Base against candidate: what differs is listed bit for bit, the worst first; what doesn't is not."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lazyadam.reports.schema import TABLES
from lazyadam.suites.backends.own.declaration import declared
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Failure, Trajectory
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.clauses.region import TOGETHER
from lazyadam.suites.detection.kill import Here
from lazyadam.suites.equivalence import builds
from lazyadam.suites.equivalence.builds import parting
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.instrument.readme import OWN, examples
from lazyadam.suites.instrument.samples import sample

ORDERED = "alpha * m[rows] / (np.sqrt(v[rows]) + h.epsilon)"
OTHERWISE = "alpha * (m[rows] / (np.sqrt(v[rows]) + h.epsilon))"
# One file, of which the interpreter decides what it is, as where two builds of a package are installed.
TEXT = (
    examples(OWN)[0]
    .replace(ORDERED, f'{OTHERWISE} if "CHANGED" in os.environ else {ORDERED}')
    .replace("import math\n", "import math\nimport os\n")
)


@pytest.fixture
def trajectory(tmp_path: Path) -> Trajectory:
    path = tmp_path / "my_optimizer.py"
    path.write_text(TEXT)
    (backend,) = declared(path)
    return Here(backend("cpu")).run([sample()])[0]


def test_builds_part_where_the_first_bit_differs(trajectory: Trajectory) -> None:
    case = sample()
    assert parting(case, trajectory, trajectory) is None
    w = trajectory.w[0].copy()
    w[3, 2, 1] += 2 * np.spacing(np.float32(w[3, 2, 1]))
    w[5] += 1
    found = parting(case, trajectory, replace(trajectory, w=[w]))
    assert found is not None
    assert (found.step, found.ulps) == (4, {"w": 2.0})


def test_any_two_nan_are_the_same_and_the_sign_of_zero_is_not(trajectory: Trajectory) -> None:
    case = sample()
    for ours, theirs, expected in (
        (np.nan, -np.nan, None),
        (0.0, -0.0, {"m": 0.0}),
        (1.0, np.inf, {"m": np.inf}),
        (1.0, np.nan, {"m": np.inf}),
    ):
        one, other = (replace(trajectory, m=[np.full_like(trajectory.m[0], x)]) for x in (ours, theirs))
        found = parting(case, one, other)
        assert (found and found.ulps) == expected


def test_step_counts_and_failures_count(trajectory: Trajectory) -> None:
    case = sample()
    found = parting(case, trajectory, replace(trajectory, t=trajectory.t + 1))
    assert found is not None
    assert (found.step, found.ulps) == (1, {"t": np.inf})
    failed = replace(trajectory, failure=Failure("refuses", 8, "why"))
    found = parting(case, trajectory, failed)
    assert found is not None
    assert (found.step, found.ulps) == (8, {"taken": np.inf})


@pytest.mark.parametrize("changed", [True, False])
def test_two_interpreters_are_compared(
    changed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, candidate = tmp_path / "my_optimizer.py", tmp_path / "python"
    file.write_text(TEXT)
    candidate.write_text(f'#!/bin/sh\n{"CHANGED=1 " if changed else ""}exec {sys.executable} "$@"\n')
    candidate.chmod(0o755)
    monkeypatch.setattr(builds, "CLAUSES", {name: CLAUSES[name] for name in ("update-rule", "duplicates")})
    ran = lazyadam("builds", file, f"--candidate={candidate}", f"--out={tmp_path}")
    assert ran.returncode == int(changed)
    assert ("w parts in step" in ran.stderr) == changed
    table = pd.read_csv(tmp_path / "builds.csv")
    assert tuple(table.columns) == TABLES["builds"].names
    assert set(table["clause"]) == ({"update-rule", "duplicates"} if changed else set())
    assert list(table["max_ulp"]) == sorted(table["max_ulp"], reverse=True)
    assert (table[["base_ratio", "candidate_ratio"]] <= 1).all(axis=None)
    for witness in table["trace"]:  # the step in which they part, alone
        assert len(trace.load(tmp_path / witness).steps) == 1


@pytest.mark.slow
def test_a_difference_at_one_width_is_found_at_a_point_of_the_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, candidate = tmp_path / "my_optimizer.py", tmp_path / "python"
    file.write_text(TEXT.replace('"CHANGED" in os.environ', '"CHANGED" in os.environ and w.shape[-1] == 64'))
    candidate.write_text(f'#!/bin/sh\nCHANGED=1 exec {sys.executable} "$@"\n')
    candidate.chmod(0o755)
    monkeypatch.setattr(builds, "CLAUSES", {TOGETHER: CLAUSES[TOGETHER]})
    ran = lazyadam("builds", file, f"--candidate={candidate}", f"--out={tmp_path}")
    assert ran.returncode == 1
    table = pd.read_csv(tmp_path / "builds.csv")
    assert set(table["clause"]) == {TOGETHER}
    for witness in table["trace"]:
        assert 64 in {x.w.shape[-1] for x in trace.load(tmp_path / witness).parameters}


def test_an_interpreter_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "my_optimizer.py"
    file.write_text(TEXT)
    ran = lazyadam("builds", file, "--candidate=/no/such/python")
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert "--candidate: /no/such/python does not start: " in line
