"""What is declared is declared for a device: its arithmetic, its dialect, and the pins that speak of it."""

from dataclasses import replace
from pathlib import Path

import pytest

from lazyadam.reference.dialect import Arithmetic, Dialect, Power, Storage, Subnormals
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.scalars import Hyperparameters, replayed
from lazyadam.suites.backends.own import NumpyOptimizer
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.torch.backends import AdamFused, AdamLoop, SparseAdam
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases import trace
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.examine import examine
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.detection.kill import Here
from lazyadam.suites.divergences.pin import PINS, load, pins, pins_of_name
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.stand_ins import cuda

BUDGET = replace(BUDGETS["ci"], cases=10)
DENSE = ("update-rule", "slow-averages", "late-steps", "dense-gradient", "betas-0")


def red(backend: type[NumpyOptimizer], clause: str, dtype: str, seed: int = 0) -> set[str]:
    """Against what a stand-in diverges under a clause."""
    seen = examine(Sample(CLAUSES[clause], backend, dtype, seed, BUDGET), Here(backend("cpu")))
    return {j.row["against"] for j in seen.judged if j.row["verdict"] != "conforms"} - {"reference"}


@pytest.mark.parametrize("dtype", cuda.Fused.dtypes)
@pytest.mark.parametrize("clause", DENSE)
def test_the_fused_kernel_of_cuda_is_within_the_bound_as_it_is_declared(clause: str, dtype: str) -> None:
    assert red(cuda.Fused, clause, dtype) == set()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_and_so_it_is_whatever_the_seed(seed: int) -> None:
    for dtype in cuda.Fused.dtypes:
        assert red(cuda.Fused, "late-steps", dtype, seed) == set()


@pytest.mark.parametrize("clause", ["update-rule", "slow-averages"])
def test_declared_as_on_the_cpu_it_is_red_and_so_is_a_fault_on_top(clause: str) -> None:
    as_on_cpu = type("AsOnCpu", (cuda.Fused,), {"arithmetic": AdamFused.arithmetic})
    assert red(as_on_cpu, clause, "float32") == {"documented"}
    assert red(cuda.WrongFused, clause, "float32") == {"documented"}


@pytest.mark.parametrize(("dtype", "against"), [("float32", {"documented"}), ("float64", set())])
def test_atomics_that_flush_are_explained_in_the_type_in_which_they_do(dtype: str, against: set[str]) -> None:
    assert red(cuda.Sparse, "subnormal-gradients", dtype) == against
    assert red(cuda.Sparse, "duplicates", dtype) == set()


def test_the_working_precision_is_that_of_the_type() -> None:
    h = Hyperparameters(0.013, 0.83, 0.9937, 3e-7)
    working = Arithmetic(Storage.WORKING, Power.WORKING_POWER)
    for name, storage, power in (
        ("float16", Storage.FLOAT32, Power.FLOAT32_POWER),
        ("float32", Storage.FLOAT32, Power.FLOAT32_POWER),
        ("float64", Storage.FLOAT64, Power.FLOAT64_POWER),
    ):
        for t in (1, 7, 1000):
            assert replayed(h, t, working, PRECISIONS[name]) == replayed(
                h, t, Arithmetic(storage, power), PRECISIONS[name]
            )


def test_a_backend_on_a_device_is_the_same_but_for_what_differs_there() -> None:
    on = AdamFused.on("cuda")
    assert (on.name, on.documented) == (AdamFused.name, AdamFused.documented)
    assert on.arithmetic.storage is Storage.WORKING
    assert on.on("cuda") is on is AdamFused.on("cuda")
    assert AdamFused.on("cpu") is AdamFused
    assert SparseAdam.on("cuda").spoken == Dialect(subnormals=Subnormals.VARIES)
    assert AdamLoop.on("cuda") is AdamLoop


def test_a_pin_speaks_of_its_devices_and_of_no_other(tmp_path: Path) -> None:
    of = {device: {pin.name for pin in pins_of_name(AdamFused, device)} for device in ("cpu", "cuda")}
    strided = {f"torch-fused-strided{x}" for x in ("", "-decay", "-gradient")}
    assert of["cpu"] == {*strided, "torch-fused-column-order", "torch-two-optimizers"}
    refused = ("fused-strided", "fused-strided-gradient", "fused-overflow", "scaler-bfloat16-dense")
    assert of["cuda"] == {"torch-two-optimizers", *(f"torch-cuda-{x}" for x in refused)}
    for pin in pins():
        for backend in BACKENDS.values():
            covered = {device for device in ("cpu", "cuda", "gpu") if pin.covers(backend, "2.11.0", device)}
            assert covered <= set(pin.devices)
    source = PINS / "torch-sparse-epsilon.json"
    for devices, told in ((["tpu"], "unknown device 'tpu'"), ([], "devices is empty")):
        trace.save(trace.load(source), tmp_path / "pin.json", trace.about(source) | {"devices": devices})
        with pytest.raises(trace.TraceError, match=told):
            load(tmp_path / "pin.json")
    older = {name: x for name, x in trace.about(source).items() if name != "devices"}
    trace.save(trace.load(source), tmp_path / "pin.json", older)
    assert load(tmp_path / "pin.json").devices == ("cpu",)


LOST = '''
import torch

from lazyadam.suites.backends.own import TorchOptimizer


class OnCard(TorchOptimizer):
    """Refuses as a kernel does that has read beside its memory: from then on CUDA answers nothing."""

    name = "mine.OnCard"
    optimizer_class = torch.optim.SparseAdam

    def step_function(self, case, step):
        self.device = "cuda"
        raise RuntimeError("an illegal memory access was encountered")
'''


@pytest.mark.slow
def test_a_context_that_is_lost_ends_the_worker_and_the_next_case_has_another(tmp_path: Path) -> None:
    """Without a card torch.cuda.synchronize raises, as it does where the context is lost."""
    (tmp_path / "mine.py").write_text(LOST)
    (backend,) = select([], [tmp_path / "mine.py"])
    with Process(backend) as process:
        first = process.pid
        (seen,) = process.run([sample()])
        assert seen.failure is not None
        assert seen.failure.kind == "dies"
        assert "the context of cuda is lost" in seen.failure.message
        assert process.pid != first
