"""Two builds and other long commands: compared from anywhere, and whole where they are interrupted."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lazyadam.reports import page
from lazyadam.reports.tables import read
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.commands.app import OUT
from lazyadam.suites.commands.options import chosen
from lazyadam.suites.equivalence import builds
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.instrument.test_builds import TEXT
from lazyadam.suites.instrument.test_nothing_measured import SMALL, fixed
from lazyadam.suites.performance import arms, trials
from lazyadam.suites.performance import candidate as gate
from lazyadam.suites.performance import measuring as backends
from lazyadam.suites.performance.arms import Arm, measure


@pytest.fixture
def two_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an optimizer, and an interpreter by a relative path; two clauses are compared."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_optimizer.py").write_text(TEMPLATES["numpy"])
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(builds, "CLAUSES", {name: CLAUSES[name] for name in ("update-rule", "duplicates")})
    return tmp_path


def test_builds_are_compared_from_any_folder(two_builds: Path) -> None:
    ran = lazyadam("builds", "my_optimizer.py", "--candidate", "./python")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1].startswith("same bits in 4 of 4 clauses and types; ")
    assert read("builds", two_builds / OUT).empty


@pytest.mark.slow
@pytest.mark.parametrize(("here_first", "loaded"), [(True, "here"), (False, "installed")])
def test_a_class_of_two_builds_is_that_of_each_build(
    here_first: bool, loaded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in the folder where one stands would be both."""
    optimizer = "import torch\n\n\nclass RowAdam(torch.optim.SGD):\n    WHERE = {!r}\n"
    for where in ("here", "installed"):
        (tmp_path / where).mkdir()
        (tmp_path / where / "theirs.py").write_text(optimizer.format(where))
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "installed"))
    chosen(["theirs.RowAdam"], tmp_path, here_first)
    said = f"import runpy; print(runpy.run_path({str(tmp_path / 'declared' / 'theirs.RowAdam.py')!r})"
    command = [sys.executable, "-P", "-c", f"{said}['Optimizer'].WHERE)"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == loaded


def interrupting(call: Callable[..., object], after: int) -> Callable[..., object]:
    """A function that is interrupted when it is called once more than so many times."""
    calls = iter(range(after))

    def interrupted(*arguments: object, **named: object) -> object:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return call(*arguments, **named)

    return interrupted


def test_builds_that_are_interrupted_keep_what_was_compared(
    two_builds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builds, "compare", interrupting(builds.compare, 1))
    ran = lazyadam("builds", "my_optimizer.py", "--candidate", "./python")
    assert ran.returncode == 130
    assert "interrupted: 30 cases were tried" in ran.stdout
    assert "same bits in 1 of 1 clauses and types" in ran.stdout
    assert read("builds", two_builds / OUT).empty


@pytest.mark.slow
def test_a_bench_that_is_interrupted_writes_whole_tables(
    two_builds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "measure", interrupting(measure, 1))
    sizes = ("--threads=1", "--table-rows=10", "--touched-rows=5", "--duplicates=none", "--duplicates=hot")
    ran = lazyadam("bench", "my_optimizer.py", *sizes)
    assert ran.returncode == 130
    assert "rows were measured; the tables in lazyadam-out have what is done" in ran.stdout
    table = read("performance", two_builds / OUT)
    assert set(table["duplicates"]) == {"none"}
    assert "mine.LazyAdam" in set(table["backend"])


def test_a_gate_that_is_interrupted_writes_a_whole_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "start", lambda *arguments: [fixed(1.0), fixed(1.001), fixed(1.002)])
    monkeypatch.setattr(gate, "GATED", (SMALL, SMALL))
    monkeypatch.setattr(gate, "row", interrupting(gate.row, 1))
    ran = lazyadam("bench", "torch.SparseAdam", f"--candidate={sys.executable}", f"--out={tmp_path}")
    assert ran.returncode == 130
    assert f"interrupted: 1 rows were measured; {tmp_path} has what is done" in ran.stdout
    assert len(read("performance_gate", tmp_path)) == 1


@pytest.mark.parametrize("changed", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_releases_are_measured_and_compared_beside_the_first(
    changed: bool, two_builds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arms, "ROUNDS", 8)
    monkeypatch.setattr(arms, "LOOKS", 1)
    Path("my_optimizer.py").write_text(TEXT)
    Path("python").write_text(f'#!/bin/sh\n{"CHANGED=1 " if changed else ""}exec {sys.executable} "$@"\n')
    sizes = ("--table=50x4", "--rows=20", "--zipf", "--threads=1,2", "--threshold=1000%")
    ran = lazyadam("bench", "my_optimizer.py", f"--python={sys.executable}", "--python=./python", *sizes)
    assert ran.returncode == 0, ran.stderr
    table = read("performance_releases", two_builds / OUT)
    assert list(table["threads"]) == [1, 2]
    assert set(table["verdict"]) <= {"not slower", "can't tell"}
    (bits,) = set(table["bits"])
    assert bits.startswith("apart: at most w by " if changed else "same: same bits in 4 of 4")
    assert f"Bits: {bits}." in ran.stdout
    assert read("builds", two_builds / OUT).empty != changed


def test_a_gate_is_asked_at_the_sizes_threads_and_threshold_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """30 % slower is slower than 10 %, and not than 50 %."""
    asked = []

    def started(context: object, backend: object, device: str, question: object, threads: int) -> list[Arm]:
        asked.append(threads)
        return [fixed(1.0), fixed(1.001), fixed(1.3)]

    monkeypatch.setattr(gate, "start", started)
    gated = ("bench", "torch.SparseAdam", f"--candidate={sys.executable}", f"--out={tmp_path}")
    sizes = ("--table=50x4", "--rows=10", "--rows=20", "--threads=1,2")
    for threshold, status in (("10%", 1), ("0.5", 0)):
        ran = lazyadam(*gated, *sizes, f"--threshold={threshold}")
        assert ran.returncode == status, ran.stdout
        table = read("performance_gate", tmp_path)
        assert [*table["touched_rows"]] == [10, 10, 20, 20]
    assert asked == [1, 2] * 2


def test_trials_that_are_interrupted_keep_those_of_a_kind_that_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "start", lambda *arguments: [fixed(1.0), fixed(1.001), fixed(1.002)])
    monkeypatch.setattr(trials, "TRIALS", 1)
    monkeypatch.setattr(trials, "GATED", (SMALL,))
    monkeypatch.setattr(trials, "row", interrupting(gate.row, 1))
    ran = lazyadam("bench", "--trials", f"--out={tmp_path}")
    assert ran.returncode == 130
    assert f"interrupted: {tmp_path} has 1 of 2 rows" in ran.stdout
    assert len(read("performance_trials", tmp_path)) == 1


def test_a_page_that_is_interrupted_leaves_no_half(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "build", interrupting(page.build, 0))
    ran = lazyadam("page")
    assert (ran.returncode, ran.stderr) == (130, "interrupted: what was written is whole\n")
    assert not (here / OUT / "index.html").exists()
    assert not list((here / OUT).glob("*.part"))
