"""Scripts of built-in optimizers, and of many steps."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.detection.kill import Here
from lazyadam.suites.divergences import scripts
from lazyadam.suites.divergences.expected import shown
from lazyadam.suites.divergences.reproducer import script
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.scripted import (
    GROUPS,
    NUMPY,
    TAKES,
    ended,
    reloaded,
    several,
    with_none,
    with_rates,
    written,
)


@pytest.mark.slow
def test_a_script_of_several_steps_of_mindspore_ends_with_1_and_as_it_is_with_0(tmp_path: Path) -> None:
    """LazyAdam with its documentation, and with what its source says."""
    backend = BACKENDS["mindspore.LazyAdam.target_cpu.graph"]
    case = replace(with_rates(reloaded(sample(steps=3, shape=(4, 2), epsilon=0.1))), t=7)
    files = []
    with Process(backend) as process:
        if process.not_run:
            pytest.skip(process.not_run)
        pin = scripts.pin_of(CLAUSES["learning-rate"], case, "diverges", process)
    for name, dialect in (("documented", backend.documented), ("spoken", backend.spoken)):
        files.append(tmp_path / f"{name}.py")
        script(pin, type("Lazy", (backend,), {"documented": dialect})).write(files[-1])
    (code, output), (right, fine) = ended(*files)
    assert (code, right) == (1, 0), output + fine
    assert output.count("after step") == len("wmv")


@pytest.mark.slow
def test_a_script_that_a_built_in_optimizer_passes_as_what_it_is(tmp_path: Path) -> None:
    """torch.SparseAdam, by what its documentation says of ε and by what its source does."""
    if find_spec("torch") is None:
        pytest.skip("torch is not there")
    backend, case = BACKENDS["torch.SparseAdam"], with_none(with_rates(several(*GROUPS)))
    pin = scripts.pin_of(CLAUSES["several-parameters"], case, "diverges", Here(backend("cpu")))
    files = [tmp_path / "documented.py", tmp_path / "spoken.py"]
    for file, dialect in zip(files, (backend.documented, backend.spoken), strict=True):
        script(pin, type("Sparse", (backend,), {"documented": dialect})).write(file)
    (code, output), (right, fine) = ended(*files)
    assert (code, right) == (1, 0), output + fine


def test_numbers_of_many_steps_are_in_a_file_beside_the_script(tmp_path: Path) -> None:
    text = NUMPY.replace(TAKES, f"        t = max(t, 2) if t < 60 else 7\n{TAKES}")
    case = sample(steps=70)
    backend, right = written(text, tmp_path), written(NUMPY, tmp_path / "right")
    files = [tmp_path / "wrong.py", tmp_path / "right.py"]
    for file, each in zip(files, (backend, right), strict=True):
        here = Here(each("cpu"))
        (seen,) = here.run([case])
        how = shown(case, backend, False, seen)
        script(scripts.pin_of(CLAUSES["many-steps"], case, "diverges", here), each, how=how).write(file)
    (code, output), (fine, others) = ended(*files)
    assert (code, fine) == (1, 0), output + others
    assert files[0].with_suffix(".npz").exists()
    assert len(files[0].read_text().splitlines()) <= 60
