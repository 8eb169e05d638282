"""Scripts of the frameworks that have environments of their own, run there."""

from dataclasses import replace
from pathlib import Path

import execnet
import numpy as np
import pytest

from lazyadam.reference.dialect import BiasCorrection, Dialect, EmptyGradient, StepCount, Untouched
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.registry import PEERS
from lazyadam.suites.backends.workers import patience
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Case, Gradient, Step
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.divergences import scripts
from lazyadam.suites.divergences.reproducer import script
from lazyadam.suites.instrument.samples import sample

SECONDS = 120.0


def dense(case: Case) -> Case:
    """The same gradients, of every row."""
    steps = []
    for step in case.steps:
        (g,) = step.gradients
        assert g is not None
        assert g.rows is not None
        values = np.zeros(case.parameters[0].w.shape)
        values[g.rows] = g.values
        steps.append(Step((Gradient(values),)))
    return replace(case, steps=tuple(steps))


def scripted(dialect: Dialect, sparse: bool) -> Dialect:
    """What a script can say of a dialect; on the cases here it is the same."""
    if dialect.step_count is StepCount.ROW:
        dialect = replace(dialect, step_count=StepCount.PARAMETER)
    if dialect.bias_correction is BiasCorrection.NEXT_OF_SPARSE and not sparse:
        dialect = replace(dialect, bias_correction=BiasCorrection.STEP)
    if dialect.untouched is Untouched.DENSE_BESIDE_ROOT:
        dialect = replace(dialect, untouched=Untouched.DENSE)
    if dialect.untouched is not Untouched.FROZEN:
        dialect = replace(dialect, empty_gradient=EmptyGradient.COUNTED)
    return dialect


def run(backend: type[Backend], file: Path) -> tuple[int, str]:
    python = execnet.XSpec(backend.spec).python or ""
    ran = patience.run([python, str(file)], SECONDS, cwd=file.parent)
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", PEERS)
def test_a_script_of_a_peer_passes_as_what_it_is_and_not_with_another_beta(tmp_path: Path, name: str) -> None:
    backend = PEERS[name]
    sparse = "sparse" in backend.layouts
    case = replace(sample(steps=2, shape=(4, 3)), t=2)
    if not sparse:
        case = dense(case)
    else:  # every row in every step: rows that count have then been in as many
        rows = np.arange(4)
        values = np.arange(1.0, 13.0).reshape(4, 3)
        case = replace(
            case, steps=tuple(Step((Gradient(values / k, rows),)) for k in (1, 2)), observed=(1, 2)
        )
    with Process(backend) as process:
        if process.not_run:
            pytest.skip(process.not_run)
        pin = scripts.pin_of(CLAUSES["learning-rate"], case, "diverges", process)
    text = script(pin, type("Spoken", (backend,), {"documented": scripted(backend.spoken, sparse)})).text
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(text)
    wrong.write_text(text.replace("beta1 * m", "0.5 * m"))
    code, said = run(backend, right)
    assert code == 0, said
    code, said = run(backend, wrong)
    assert code == 1, said
    assert "WRONG" in said
