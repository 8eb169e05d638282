"""Replaying a trace: 1 says that the optimizer diverges and nothing else; where none can say so it is 125."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.workers.start import ROOT
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Case, Manner, Trajectory
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.cases.valid import check
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance import replay as replaying
from lazyadam.suites.conformance.budget import BUDGETS, menu_of
from lazyadam.suites.conformance.replay import replay, undeclared
from lazyadam.suites.conformance.replay import replayed as replayed_by_name
from lazyadam.suites.divergences.pin import PINS
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_command_line import pytest_run
from lazyadam.suites.instrument.test_trace import SPOILED, spoil
from lazyadam.suites.instrument.test_trace_files import TEXTS

SPARSE = BACKENDS["torch.SparseAdam"]
Replayed = Callable[[Path], tuple[int, list[str]]]


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Replayed:
    """`pytest --replay`, in this process: its exit status and the lines of both outputs."""
    monkeypatch.chdir(ROOT)

    def run(file: Path, *options: str) -> tuple[int, list[str]]:
        capsys.readouterr()
        code = pytest.main([f"--replay={file}", "--backend=torch.SparseAdam", *options])
        return int(code), "".join(capsys.readouterr()).splitlines()

    return run


@pytest.mark.parametrize("what", SPOILED)
def test_what_is_no_case_is_one_line_and_125(what: str, replayed: Replayed, tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    trace.save(sample(), path)
    spoil(path, SPOILED[what][0])
    code, lines = replayed(path)
    assert (code, len(lines)) == (125, 1)
    assert str(path) in lines[0]


@pytest.mark.parametrize("what", TEXTS)
def test_what_is_not_its_json_is_one_line_and_125(what: str, replayed: Replayed, tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    path.write_bytes(TEXTS[what][0])
    code, lines = replayed(path)
    assert (code, len(lines)) == (125, 1)
    assert str(path) in lines[0]


@pytest.mark.slow
def test_so_it_is_in_a_process_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    for name in ("nested rows", "a t past int64", "nothing observed"):
        trace.save(sample(), path)
        spoil(path, SPOILED[name][0])
        result = pytest_run("--backend", "torch.SparseAdam", f"--replay={path}")
        assert (result.returncode, len((result.stdout + result.stderr).splitlines())) == (125, 1), name


class Standing:
    """Stands for the worker: nothing moves. For what is decided after a run, or without one."""

    def __init__(self, *_: object) -> None:
        self.not_run, self.device = None, "cpu"

    def __enter__(self) -> "Standing":
        return self

    def __exit__(self, *_: object) -> None: ...

    def printed(self) -> list[str]:
        return []

    def run(self, cases: list[Case]) -> list[Trajectory]:
        (case,) = cases
        count = len(case.observed)
        w, m, v = ([np.stack([getattr(p, q)] * count) for p in case.parameters] for q in "wmv")
        return [Trajectory(w, m, v, case.t + np.array(case.observed)[:, None])]


def test_no_step_that_could_be_judged_is_125(
    replayed: Replayed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "Process", Standing)
    path = tmp_path / "case.json"
    for observed, code in (([3], 125), ([2, 4, 8], 125), ([7, 8], 1), ([1], 1)):
        trace.save(sample(), path)
        spoil(path, lambda d, observed=observed: d.update(observed=observed))
        assert replayed(path)[0] == code, observed
    trace.save(sample(), path)
    spoil(path, lambda d: d.update(observed=[3]))
    (line,) = replayed(path)[1]
    assert line.startswith(f"{path}: nothing was compared")


@pytest.mark.slow
def test_numbers_that_are_not_finite_are_told_and_where_all_are_nothing_was_compared(
    replayed: Replayed, tmp_path: Path
) -> None:
    path = tmp_path / "case.json"

    def nan(record: dict[str, Any]) -> None:
        record["values"] = ["nan"] * len(record["values"])

    trace.save(sample(), path)
    spoil(path, lambda d: nan(d["steps"][0]["gradients"][0]["values"]))
    code, lines = replayed(path)
    assert code == 0
    assert re.search(r"\d+ of \d+ numbers of w, m and v are not finite", "".join(lines))
    for quantity in "wmv":
        spoil(path, lambda d, quantity=quantity: nan(d["parameters"][0][quantity]))
    code, lines = replayed(path)
    assert (code, lines) == (125, [f"{path}: nothing was compared: no number of w, m and v is finite"])


def test_an_error_of_the_judge_is_one_line_and_125(
    replayed: Replayed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raising(*_: object, **__: object) -> None:
        raise IndexError("a fault\nof ours")

    monkeypatch.setattr(replaying, "Process", Standing)
    monkeypatch.setattr(replaying, "step_by_step", raising)
    path = tmp_path / "case.json"
    trace.save(sample(), path)
    code, (line,) = replayed(path)
    assert code == 125
    assert line.startswith(f"{path}: cannot be judged: IndexError: a fault of ours (")
    assert "test_replay.py:" in line


@pytest.mark.parametrize(
    ("settings", "manner", "told"),
    [
        ({"nesterov": True}, (), "nesterov"),
        ({"weight_decay": 0.5, "loss_scale": 2.0}, (), "loss_scale, weight_decay"),
        ({}, (Manner.USE_LOCKING,), "use_locking=True"),
    ],
)
def test_what_a_backend_would_not_look_at_is_no_divergence(
    settings: dict[str, Any], manner: tuple[Manner, ...], told: str, replayed: Replayed, tmp_path: Path
) -> None:
    path = tmp_path / "case.json"
    trace.save(sample(**settings), path)
    spoil(path, lambda d: d.update(manner=[m.name for m in manner]))
    line = f"torch.SparseAdam: not run (it does not declare {told})"
    assert replayed(path) == (125, [line])


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=lambda backend: backend.name)
def test_what_the_clauses_ask_of_a_backend_can_be_replayed_on_it(backend: Any) -> None:
    for clause in CLAUSES.values():
        for dtype in () if clause.missing(backend) or clause.free else clause.dtypes(backend):
            for case in collect(menu_of(clause, backend, dtype), dtype, 2, 0):
                assert undeclared(case, backend) == "", clause.id
                check(case)


@pytest.mark.slow
def test_a_witness_that_only_a_strict_clause_shows_diverges() -> None:
    """The default ε is 0 in float16, which the bound of the other clauses allows."""
    file = PINS / "torch-default-epsilon-float16.json"
    code, lines = replay(file, SPARSE, "cpu", "documented")
    if "not run" in lines[0]:
        pytest.skip(lines[0])
    assert code == 1, lines


@pytest.mark.slow
def test_a_file_of_ones_own_that_cannot_run_is_125_and_no_divergence(tmp_path: Path) -> None:
    file, path = tmp_path / "my_optimizer.py", tmp_path / "case.json"
    file.write_text(f"{TEMPLATES['numpy']}    spec = 'popen//python=/no/such/python'\n")
    trace.save(sample(), path)
    for chosen in ((f"--replay={path}",), ("-k", "update-rule", f"--out={tmp_path / 'out'}")):
        result = pytest_run(f"--backend-file={file}", *chosen)
        assert result.returncode == 125, result.stdout
        assert "no worker starts with" in result.stdout.splitlines()[-1]


@pytest.mark.slow
def test_a_kept_case_that_is_broken_fails_a_nightly_run_with_a_line(tmp_path: Path) -> None:
    file, kept = tmp_path / "my_optimizer.py", tmp_path / "update-rule.mine.LazyAdam.float32.json"
    file.write_text(TEMPLATES["numpy"])
    kept.write_text(json.dumps({"format": trace.FORMAT})[:-5])
    assert BUDGETS["nightly"].cases > 0
    given = ("--profile=nightly", f"--examples={tmp_path}", f"--out={tmp_path / 'out'}")
    result = pytest_run(f"--backend-file={file}", *given, "-k", "update-rule and float32")
    assert result.returncode == 1
    assert f"not known: {kept}: not JSON, or truncated" in result.stdout
    assert "Traceback" not in result.stdout
    assert "error:" not in result.stdout.casefold().replace("traceerror", "")


def test_a_file_that_declares_another_now_is_said_to(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(TEMPLATES["numpy"].replace("mine.LazyAdam", "mine.Other"))
    about = {"backends": ["mine.LazyAdam"], "file": "mine.py", "path": str(tmp_path / "mine.py")}
    trace.save(sample(), tmp_path / "case.json", about)
    status, (line,) = replayed_by_name(tmp_path / "case.json", [], "cpu", "documented")
    assert status == 125
    assert f"mine.LazyAdam, which {tmp_path / 'mine.py'} no longer declares" in line


@pytest.mark.parametrize("path", ["a\0b.py", "x" * 10_000, "{loop}"], ids=["zero", "long", "loop"])
@pytest.mark.parametrize("file", ["", "mine.py"])
def test_a_path_that_can_be_none_is_one_line_and_125(path: str, file: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    about = {"backends": ["mine.LazyAdam"], "file": file, "path": path.format(loop=tmp_path / "loop")}
    trace.save(sample(), tmp_path / "case.json", about)
    status, (line,) = replayed_by_name(tmp_path / "case.json", [], "cpu", "documented")
    assert status == 125
    assert "speaks of mine.LazyAdam in " in line
    assert line.endswith("which is no file there; --backend FILE.py")
