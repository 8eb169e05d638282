"""Another interpreter: it has NumPy, and nothing of the suite's; what it has besides stays as it is."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from lazyadam.suites.backends.own import environments
from lazyadam.suites.backends.own.declaration import BrokenDeclaration
from lazyadam.suites.backends.own.interpreter import refusal
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.answers import ANSWERS
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.pickled import dumps, loads
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.replay import replayed
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.conformance.tell import run
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.instrument.samples import sample

ALL_TYPES = '    dtypes = ("float32", "bfloat16")\n'


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter that has NumPy alone."""
    folder = tmp_path_factory.mktemp("bare")
    packages = folder / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    packages.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (folder / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    numpy = Path(str(np.__file__)).parent
    for found in (numpy, numpy.with_name("numpy.libs")):
        if found.exists():
            (packages / found.name).symlink_to(found)
    return str(folder / "bin" / "python")


def own(folder: Path, more: str = "", before: str = "") -> Path:
    (folder / "mine.py").write_text(before + TEMPLATES["numpy"] + more)
    return folder / "mine.py"


def test_an_interpreter_needs_numpy_and_nothing_else(python: str, tmp_path: Path) -> None:
    assert refusal(python) == ""
    assert "no Python interpreter that has numpy" in refusal(f"{python} -S")
    loud = tmp_path / "loud"
    loud.write_text(f'#!/bin/sh\necho Loading module\nexec {python} "$@"\n')
    loud.chmod(0o755)
    assert refusal(str(loud)) == f"{loud} prints 'Loading module' before it runs what it is given"


def test_an_own_optimizer_is_judged_there(python: str, tmp_path: Path) -> None:
    (backend,) = select([], [own(tmp_path)], python)
    with Process(backend) as process:
        assert (process.not_run, process.version) == (None, np.__version__)
        outcome = run(
            Sample(CLAUSES["duplicates"], process.backend, "float32", 0, BUDGETS["ci"]), process, tmp_path
        )
    assert {row["verdict"] for row in outcome.verdicts} == {"conforms"}


def test_a_type_that_needs_what_is_not_there_is_not_run_and_says_what(python: str, tmp_path: Path) -> None:
    (backend,) = select([], [own(tmp_path, ALL_TYPES)], python)
    with Process(backend) as process:
        outcome = run(
            Sample(CLAUSES["update-rule"], process.backend, "bfloat16", 0, BUDGETS["ci"]), process, tmp_path
        )
    (row,) = outcome.verdicts
    assert (row["verdict"], outcome.new) == ("not run", [])
    assert row["explained_by"] == f"needs ml_dtypes: {python} -m pip install ml_dtypes"


def test_a_framework_that_is_not_there_is_named_with_the_line_that_installs_it(python: str) -> None:
    (backend,) = select(["torch.SparseAdam"], [], python)
    with Process(backend) as process:
        told = f"torch cannot be imported: No module named 'torch'; {python} -m pip install torch"
        assert process.not_run == told


def test_a_file_that_needs_what_is_not_there_is_a_line_with_the_one_that_installs_it(
    python: str, tmp_path: Path
) -> None:
    with pytest.raises(BrokenDeclaration) as caught:
        select([], [own(tmp_path, before="import torch\n")], python)
    assert str(caught.value).endswith(f"No module named 'torch'; {python} -m pip install torch")


def test_a_trace_names_the_interpreter_and_is_replayed_there(python: str, tmp_path: Path) -> None:
    file, case = own(tmp_path), tmp_path / "case.json"
    trace.save(sample(), case, {"backends": ["mine.LazyAdam"], "path": str(file), "python": python})
    assert replayed(case, [], "cpu", "documented")[0] == 0
    trace.save(sample(), case, {"backends": ["mine.LazyAdam"], "path": str(file), "python": "/no/python"})
    status, (line,) = replayed(case, [], "cpu", "documented")
    assert status == 125
    assert "--python: /no/python does not start" in line


def test_an_interpreter_is_named_once_and_used_by_its_name(
    python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert lazyadam("name", "bare", python).returncode == 0
    assert json.loads(environments.file().read_text()) == {"bare": python}
    assert environments.located("bare") == python
    assert f"--python bare  {python}"[:80] in lazyadam("doctor").stdout
    out = tmp_path / "out"
    ran = lazyadam("check", own(tmp_path), "--only=gaps", "--python=bare", f"--out={out}")
    assert (ran.returncode, "RIGHT in float32, float64" in ran.stdout) == (0, True), ran.stderr
    assert f"interpreter,{python}" in (out / "run.csv").read_text()
    environments.file().write_text("[1]")
    ran = lazyadam("check", own(tmp_path), "--python=bare")
    assert (ran.returncode, len(ran.stderr.splitlines())) == (2, 1)
    assert "holds no names of interpreters" in ran.stderr


def test_a_message_is_the_same_whatever_numpy_wrote_it() -> None:
    """No module of NumPy is named in it: NumPy 1 and 2 call them otherwise."""
    told = (sample(), np.arange(6.0).reshape(2, 3)[:, ::2], np.float32(0.1), np.zeros((0, 3), np.int32))
    message = dumps(told)
    assert b"numpy" not in message
    case, strided, number, empty = loads(message, ANSWERS)
    assert case.digest == told[0].digest
    assert np.array_equal(strided, told[1])
    assert (number, type(number)) == (np.float32(0.1), np.float32)
    assert (empty.shape, empty.dtype) == ((0, 3), np.int32)
