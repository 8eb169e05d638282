"""What an optimizer of a file shows of itself: states, step counts, versions, and what it is called by."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import psutil
import pytest

from lazyadam.suites.backends.errors import NOT_KEPT
from lazyadam.suites.backends.own import interpreter
from lazyadam.suites.backends.own.reader import read
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.conformance.replay import replayed
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_command_line import pytest_run
from lazyadam.suites.instrument.test_own_file import NUMPY, written

SKIPS_EMPTY = """
import torch

from lazyadam.suites.backends.own import TorchOptimizer


class Skipping(torch.optim.SparseAdam):
    def step(self):
        given = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        empty = [p for p in given if not p.grad._nnz()]
        kept = [p.grad for p in empty]
        for p in empty:
            p.grad = None
        super().step()
        for p, gradient in zip(empty, kept):
            p.grad = gradient


class Mine(TorchOptimizer):
    name = "mine.Skipping"
    optimizer_class = Skipping
"""


@pytest.mark.slow
def test_an_optimizer_that_makes_its_state_at_the_first_row_is_taken(tmp_path: Path) -> None:
    (backend,) = read(written(SKIPS_EMPTY, tmp_path))
    with Process(backend) as process:
        if process.not_run:
            pytest.skip(process.not_run)
        (trajectory,) = process.run([replace(sample(), t=7)])
    assert trajectory.failure is None
    assert trajectory.path["layout"] == "sparse"


@pytest.mark.slow
@pytest.mark.parametrize("manner", ["STRIDED", "STRIDED_GRADIENTS", "LR_TENSOR"])
def test_a_manner_that_was_asked_for_and_did_not_take_place_is_no_pass(manner: str, tmp_path: Path) -> None:
    """An own base class that hands everything over in the ordinary way, whatever it declares."""
    text = (
        TEMPLATES["torch"]
        + f"""    manners = frozenset({{Manner.{manner}}})

    def build(self, case):
        super().build(replace(case, manner=frozenset()))

    def step_function(self, case, step):
        return super().step_function(replace(case, manner=frozenset()), step)
"""
    )
    text = text.replace(
        "import torch\n",
        "from dataclasses import replace\n\nimport torch\nfrom lazyadam.suites.cases.case import Manner\n",
    )
    chosen = "float32 and (strided or learning-rate-tensor)"
    result = pytest_run(
        "suites/conformance/test_conformance.py",
        f"--backend-file={written(text, tmp_path)}",
        "-k",
        chosen,
        "--out",
        tmp_path,
    )
    assert result.returncode == 1, result.stdout
    assert f"asked for {Manner[manner].value}, which did not take place" in result.stdout


@pytest.mark.slow
def test_a_file_of_which_nothing_is_named_is_an_error(tmp_path: Path) -> None:
    result = pytest_run("--backend=torch.SparseAdam", f"--backend-file={written(NUMPY, tmp_path)}")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "is given, but mine.LazyAdam, which it declares, is not named" in result.stdout + result.stderr


@pytest.mark.slow
def test_a_refusal_of_the_first_case_hides_no_other(tmp_path: Path) -> None:
    raises = """
        if not len(rows):
            raise ValueError("no rows")
        if len(rows) == 3:
            raise IndexError("three rows")
"""
    text = NUMPY.replace("        rows, index", f"{raises}        rows, index")
    chosen = ("suites/conformance/test_conformance.py", "-k", "empty-gradient and float32")
    result = pytest_run(*chosen, f"--backend-file={written(text, tmp_path)}", "--out", tmp_path)
    assert "ValueError: no rows" in result.stdout
    assert "IndexError: three rows" in result.stdout
    assert pd.read_csv(tmp_path / "verdicts.csv")["cases"].max() >= 30


@pytest.mark.slow
def test_a_divergence_that_depends_on_the_cases_before_is_said_to(tmp_path: Path) -> None:
    """A step size that is cached by the step alone: the first case is right."""
    text = NUMPY.replace("class LazyAdam", "_alpha = {}\n\n\nclass LazyAdam").replace(
        "        alpha =", "        alpha = _alpha[t] if t in _alpha else"
    )
    text = text.replace("        w[rows] -=", "        _alpha[t] = alpha\n        w[rows] -=")
    chosen = ("suites/conformance/test_conformance.py", "-k", "update-rule and float32")
    result = pytest_run(*chosen, f"--backend-file={written(text, tmp_path)}", "--out", tmp_path)
    assert result.returncode == 1
    assert "not so alone, in a fresh process: it depends on the cases before it" in result.stdout


def test_a_gradient_that_is_not_kept_diverges_in_a_replay_too(tmp_path: Path) -> None:
    text = NUMPY + "        values[:] = 0\n"
    trace.save(replace(sample(), manner=frozenset({Manner.WATCHED})), tmp_path / "case.json")
    result = pytest_run(f"--backend-file={written(text, tmp_path)}", f"--replay={tmp_path}/case.json")
    assert result.returncode == 1
    assert "the step changed the gradient that it was given" in result.stdout


@pytest.mark.parametrize(
    ("t", "told"),
    [
        ("[10**30]", "a step count is no whole number"),
        ("['one']", "a step count is no whole number"),
        ("[1.5]", "a step count is no whole number, but 1.5"),
        ("[float('nan')]", "a step count is no whole number"),
        ("[1, 1]", "t that is no list of 1 step counts"),
        ("7", "t that is no list of 1 step counts"),
    ],
)
def test_step_counts_that_are_none_are_a_refusal(t: str, told: str, tmp_path: Path) -> None:
    text = f"{NUMPY}\n    def state(self):\n        return (*super().state()[:3], {t})\n"
    (backend,) = select([], [written(text, tmp_path)])
    with Process(backend) as process:
        (trajectory,) = process.run([sample()])
        streamed = process.stream(sample())
    for failure in (trajectory.failure, streamed.failure):
        assert failure is not None
        assert (failure.kind, told in failure.message) == ("refuses", True)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("'abcd'", "state() is to return four lists"),
        ("(*super().state()[:2], [])", "state() is to return four lists"),
        ("([], *super().state()[1:])", "w that is no list of 1 arrays"),
        ("(['x'], *super().state()[1:])", "w of parameter 0 is a str, and no array"),
        ("([super().state()[0][0] + 1j], *super().state()[1:])", "w of parameter 0 is of complex128, and"),
        (
            "([super().state()[0][0].astype(object)], *super().state()[1:])",
            "w of parameter 0 is of object, a",
        ),
    ],
)
def test_a_state_that_is_none_is_a_refusal_that_names_it(state: str, told: str, tmp_path: Path) -> None:
    (backend,) = select([], [written(f"{NUMPY}\n    def state(self):\n        return {state}\n", tmp_path)])
    with Process(backend) as process:
        (trajectory,) = process.run([sample()])
    assert trajectory.failure is not None
    assert told in trajectory.failure.message


STYLES = {
    "a partial method": "update = functools.partialmethod(lambda *given, of: of(*given), of=LazyAdam.update)",
    "a static method": "@staticmethod\n    def update(*given):\n        LazyAdam.update(None, *given)",
    "an object that is called": "update = functools.partial(LazyAdam.update, None)",
}


@pytest.mark.parametrize("style", STYLES)
def test_an_update_may_be_whatever_python_calls(style: str, tmp_path: Path) -> None:
    text = f"import functools\n{NUMPY}\n\nclass Mine(LazyAdam):\n    name = 'mine'\n    {STYLES[style]}\n"
    (backend,) = [b for b in select([], [written(text, tmp_path)]) if b.name == "mine"]
    with Process(backend) as process:
        (trajectory,) = process.run([sample()])
    assert trajectory.failure is None


@pytest.mark.parametrize("returned", ["None", "7", "''"])
def test_a_version_that_is_none_is_said_and_nothing_runs(returned: str, tmp_path: Path) -> None:
    """What is known of a backend is known of some versions, and would never apply."""
    text = f"{NUMPY}\n    def prepare(self):\n        return {returned}\n"
    (backend,) = select([], [written(text, tmp_path)])
    with Process(backend) as process:
        assert process.not_run == f"prepare returns the version as text, and returned {returned}"


def test_a_message_as_ours_is_no_verdict(tmp_path: Path) -> None:
    raising = f"        raise RuntimeError('it is not so that {NOT_KEPT}')\n        rows, index = np.unique"
    file = written(NUMPY.replace("        rows, index = np.unique", raising), tmp_path)
    trace.save(sample(), tmp_path / "case.json")
    status, (line,) = replayed(tmp_path / "case.json", [str(file)], "cpu", "documented")
    assert status == 125
    assert "refuses at step 1: RuntimeError: it is not so" in line


def test_a_file_of_which_a_name_begins_others_is_judged_alone(tmp_path: Path) -> None:
    file = written(NUMPY.replace('"mine.LazyAdam"', '"torch"'), tmp_path)
    assert [backend.name for backend in select(["torch"], [file])] == ["torch"]


def test_a_worker_that_can_not_be_started_says_why(tmp_path: Path) -> None:
    spec = 'name = "mine.LazyAdam"\n    spec = "socket=localhost:1"'
    (backend,) = select([], [written(NUMPY.replace('name = "mine.LazyAdam"', spec), tmp_path)])
    with Process(backend) as process:
        assert "no worker starts with socket=localhost:1: AssertionError: " in str(process.not_run)


@pytest.mark.slow
@pytest.mark.parametrize("does", ["yes", "sleep 900"])
def test_an_interpreter_that_does_not_end_is_ended(
    does: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "START_SECONDS", 2)
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{does}\n")
    python.chmod(0o755)
    assert interpreter.refusal(str(python)).startswith(f"{python} does not start: no answer")
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == does.split()]
