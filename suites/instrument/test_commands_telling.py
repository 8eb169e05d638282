"""`show`, `explain`, `replay`, `list`, `doctor`, `init`: what they print is so, and a mistake is one line."""

import re
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import pytest

from lazyadam.reference.dialect import Dialect
from lazyadam.reports.schema import TABLES
from lazyadam.suites.backends.mindspore import optimizer as mindspore_nn
from lazyadam.suites.backends.mindspore.optimizer import MindSporeOptimizer
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.backends.workers.start import ROOT
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.space import DIMENSIONS
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.replay import backend_of
from lazyadam.suites.divergences.pin import PINS
from lazyadam.suites.divergences.ready import ready_to_pin
from lazyadam.suites.instrument.published import Command
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.run.about import AXES
from lazyadam.suites.telling.meanings import entries
from lazyadam.suites.telling.words import matching


def fit(lines: list[str]) -> bool:
    """Whether lines fit a terminal: only a path or a command may be longer."""
    return all(len(line) <= 80 or "/" in line for line in lines)


def words_of(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


# explain and list


def test_everything_that_can_be_explained_is() -> None:
    every = entries()
    for entry in every:
        lines = entry.lines()
        assert lines[0] == f"{entry.kind} {entry.name}"
        assert fit(lines), entry.name
        assert matching(f"{entry.kind} {entry.name}", every)[0] == [entry]
    kinds = {(entry.kind, entry.name) for entry in every}
    assert {("clause", clause) for clause in CLAUSES} <= kinds
    assert {("value", f"{axis}={value.name.lower()}") for axis in AXES for value in AXES[axis]} <= kinds
    assert {("pin", path.stem) for path in PINS.glob("*.json")} <= kinds


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("learning-rate", "a learning rate changed by step acts from that step"),
        ("EPSILON", "beside_hat: torch.optim.Adam documentation, 2.13, the algorithm (torch.Adam.loop"),
        ("epsilon=beside-hat", "declare documented = Dialect(epsilon=Epsilon.BESIDE_HAT)"),
        (
            "epsilon: beside_root",
            "pins mindspore-amsgrad-epsilon-float64, mindspore-epsilon-dense, mindspore-epsilon-sparse, "
            "torch-sparse-epsilon",
        ),
        ("torch-fused-strided-g", "to mend by the backend"),
        ("torch.sparseadam", "look lazyadam check torch.SparseAdam"),
        ("partly", "it raised and yet something changed"),
        ("explained", "is it what its source code says?"),
        ("verdicts.csv", "worst_ratio the largest error / bound"),
        ("performance_gate.ratio", "the median of the paired ratios of the candidate to the base"),
        ("bias correction", "word bias correction the division by 1 − β^t"),
        ("night", "150 cases for each clause and type"),
        ("clause duplicates", "says so torch.sparse documentation, 2.13, uncoalesced tensors"),
    ],
)
def test_a_word_is_explained_with_who_says_so_and_what_shows_it(
    word: str, said: str, lazyadam: Command
) -> None:
    status, lines, _ = lazyadam("explain", word)
    assert status == 0
    assert said in words_of(lines)


def test_of_several_words_that_it_may_be_each_is_a_line(lazyadam: Command) -> None:
    status, lines, _ = lazyadam("explain", "weight")
    assert status == 0
    assert lines[0] == "'weight' may be:"
    assert {"clause", "axis", "value"} <= {line.split()[0] for line in lines[1:-1]}
    assert max(map(len, lines)) <= 80


def test_every_table_column_and_value_has_a_meaning() -> None:
    columns = [column for table in TABLES.values() for column in table.columns]
    words = {word for column in columns if isinstance(column.cells, type) for word in column.cells}
    for meanings in (
        [table.meaning for table in TABLES.values()],
        [column.meaning for column in columns],
        [word.meaning for word in words],
    ):
        assert all(meanings)
    assert {"conforms", "refuses", "known", "undecided", "non-finite"} <= words


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("", BACKENDS),
        ("back", BACKENDS),
        ("CLAUSES", CLAUSES),
        ("axes", vars(Dialect())),
        ("pins", [path.stem for path in PINS.glob("*.json")]),
        ("profiles", BUDGETS),
        ("dimensions", [dimension.name for dimension in DIMENSIONS]),
        ("tables", TABLES),
    ],
)
def test_a_list_has_all_of_its_kind_in_80_columns(what: str, names: Any, lazyadam: Command) -> None:
    status, lines, _ = lazyadam("list", *([what] if what else []))
    assert status == 0
    assert {*names} <= {line.split()[0] for line in lines}
    assert max(map(len, lines)) <= 80


@pytest.fixture
def without_mindspore(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where MindSpore is not installed."""
    version = metadata.version

    def lacking(name: str) -> str:
        if name == "mindspore":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", lacking)


@pytest.mark.usefixtures("without_mindspore")
def test_a_framework_that_lacks_is_told_with_the_line_that_installs_it(
    lazyadam: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MindSporeOptimizer, "no_build", lambda: "")
    for command in ("list", "doctor"):
        status, lines, _ = lazyadam(command)
        assert status == 0
        assert sum("not installed" in line for line in lines) >= 1, command
        (line,) = (line for line in lines if "pip install" in line)
        assert re.search(rf"{re.escape(sys.executable)} -m pip install 'mindspore[<>=.,\d]*'$", line)


@pytest.mark.usefixtures("without_mindspore")
def test_a_framework_that_has_no_build_for_this_python_is_told_without_such_a_line(
    lazyadam: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mindspore_nn, "NEWEST_PYTHON", (3, 10))
    told = f"MindSpore has no build for Python 3.{sys.version_info.minor}"
    for command in ("list", "doctor"):
        _, lines, _ = lazyadam(command)
        assert told in " ".join(" ".join(lines).split()), command
        assert not [line for line in lines if "pip install" in line]


# doctor


def test_doctor_says_what_is_here_and_imports_no_framework() -> None:
    said = "import sys; from lazyadam.suites.commands.app import run; print(run(['doctor']), *sys.modules)"
    ran = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    *lines, last = ran.stdout.splitlines()
    status, *modules = last.split()
    assert status == "0"
    assert not {"torch", "mindspore"} & {*modules}
    told = words_of(lines)
    for what in (
        "Python 3.",
        "NumPy ",
        "torch ",
        "mindspore ",
        "cuda ",
        "ascend ",
        "threads ",
        "memory ",
        "can run: ",
    ):
        assert what in told
    assert fit(lines)


def test_doctor_never_fails_whatever_the_machine_is_like(
    tmp_path: Path, lazyadam: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("no memory here")

    programs = {
        "nvidia-smi": "echo 'A Card'",
        "python3.11": "sleep 60 & wait",
        "python3.12": "exit 3",
        "python3.13": "",
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "python3.14").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}:/no/such/folder:/usr/bin:/bin")
    monkeypatch.setattr(psutil, "virtual_memory", broken)
    start = time.monotonic()
    status, lines, _ = lazyadam("doctor")
    assert time.monotonic() - start < 30  # and not until what a program has started is done
    assert status == 0
    told = words_of(lines)
    assert "machine: can't be told (OSError: no memory here)" in told
    assert f"{tmp_path}/python3.11" in told
    assert "A Card" in told or "here, as far as can be told" in told
    assert "can run: " in told


# init


# what is typed wrongly


def test_help_takes_no_library_of_numbers() -> None:
    said = "import sys; from lazyadam.suites.commands.app import run; run(['--help']); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = ran.stdout.splitlines()[-1].split()  # what goes before it is the help, in words
    assert not {"numpy", "pandas", "torch", "mindspore", "hypothesis"} & {*loaded}


def test_a_trace_says_the_whole_path_of_a_file_and_a_pin_its_name(tmp_path: Path) -> None:
    """So that a replay finds it from anywhere, and a pin holds wherever the file lies."""
    file = tmp_path / "mine.py"
    file.write_text(TEMPLATES["numpy"])
    (backend,) = select([], [file])
    process = Process(backend)
    row = {"verdict": "diverges", "explained_by": ""}
    ready_to_pin(sample(), tmp_path / "case.json", process, row, "so it is", ["sparse"], ["update-rule"])
    about = trace.about(tmp_path / "case.json")
    assert (about["file"], about["path"]) == ("mine.py", str(file))
    assert backend_of(tmp_path / "case.json") == (backend, "")
