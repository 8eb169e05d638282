"""Scripts of failures, and what has none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lazyadam.suites.backends.errors import NOT_KEPT
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Failure, Gradient, Manner, Step
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance import tell
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.detection.kill import Here
from lazyadam.suites.divergences import scripts
from lazyadam.suites.divergences.reproducer import no_script, script
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.scripted import NUMPY, ended, script_of, written

FAILS = {
    "a step that raises": ("raise RuntimeError('no third step')", "got: RuntimeError: no third step"),
    "a step that changes its gradient": ("values[:] = 0", "got: ValueError: the step changed the gradient"),
}


@pytest.mark.parametrize("what", FAILS)
def test_the_script_of_a_failure_shows_it(what: str, tmp_path: Path) -> None:
    line, told = FAILS[what]
    text = NUMPY + f"        if t == 3:\n            {line}\n"
    case = replace(sample(), manner=frozenset({Manner.WATCHED}))
    backend = written(text, tmp_path)
    here = Here(backend("cpu"))
    (seen,) = here.run([case])
    assert seen.failure
    clause = CLAUSES["gradient-kept"]
    file = script_of(scripts.of_failure(clause, case, seen.failure, here, tmp_path, "fails.py"), tmp_path)
    mended = written(NUMPY, tmp_path / "right").file
    other = file.with_name("right.py")
    other.write_text(file.read_text().replace(backend.file, mended))
    (got, output), (code, fine) = ended(file, other)
    assert str(got).startswith(told)
    assert (code, fine) == (0, "expected: the step is taken\ngot: the same\n")
    assert output == "expected: the step is taken\n"


def test_a_script_says_which_interpreter_runs_it(tmp_path: Path) -> None:
    python = "/other/bin/python"
    text = NUMPY.replace(
        'name = "mine.LazyAdam"', f'name = "mine.LazyAdam"\n    spec = "popen//python={python}"'
    )
    backend = written(text, tmp_path)
    pin = scripts.pin_of(CLAUSES["update-rule"], sample(steps=1), "diverges", Here(backend("cpu")))
    assert f"To be run by {python}. Exits with 1" in script(pin, backend).text.split('"""')[1]


@pytest.mark.slow
def test_every_divergence_from_the_documentation_has_a_script_or_a_reason(tmp_path: Path) -> None:
    """Known ones too: torch.SparseAdam's ε shows under most clauses."""
    backend = BACKENDS["torch.SparseAdam"]
    budget, told = replace(BUDGETS["ci"], shrink_explained=True, shrink_tries=0), []
    with Process(backend) as process:
        if process.not_run:
            pytest.skip(process.not_run)
        for clause in ("tiny-gradients", "several-parameters", "large-table"):
            told += tell.run(
                Sample(CLAUSES[clause], process.backend, "float32", 0, budget), process, tmp_path
            ).divergences
    documented = [line for line in told if "against documented" in line]
    assert len(documented) == 3
    files = [script_of("script " + line.split("; script ")[1], tmp_path) for line in documented]
    assert [code for code, _ in ended(*files)] == [1, 1, 1]


def test_what_has_no_script_says_why(tmp_path: Path) -> None:
    backend = written(NUMPY, tmp_path)
    assigned = replace(sample(), manner=frozenset({Manner.ASSIGNED}))
    assert no_script(assigned, backend) == "only the suite itself compares it with itself"
    torch = BACKENDS["torch.SparseAdam"]
    failure = Failure("refuses", 1, f"ValueError: {NOT_KEPT}")
    here = Here(backend("cpu"))
    here.backend = torch
    told = scripts.of_failure(CLAUSES["gradient-kept"], sample(), failure, here, tmp_path, "x.py")
    assert told == "no script: only the suite itself watches the gradient"
    graph = BACKENDS["mindspore.LazyAdam.default.graph"]
    case = sample(steps=2)
    mixed = replace(case, steps=(case.steps[0], Step((Gradient(np.ones((6, 4))),))))
    assert (
        no_script(mixed, graph) == "gradients change their layout from step to step, each a graph of its own"
    )
    unknown = type("Unknown", (torch,), {"framework": "jax"})
    assert no_script(case, unknown) == "nobody has written how a script drives jax"
    assert no_script(case, torch) == no_script(case, graph) == no_script(case, backend) == ""
