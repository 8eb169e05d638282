"""Backends of other frameworks: judged where they are named; without their environment they are not run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.bound import State, step
from lazyadam.reference.dialect import Arithmetic, Average, Dialect, Duplicates, Epsilon, Hat, Power, Storage
from lazyadam.reference.gradient import coalesce
from lazyadam.reference.powers import float32_of_text, nearest_power, weights_of_corrected
from lazyadam.reference.rounding import PRECISIONS, round_to
from lazyadam.reference.scalars import Hyperparameters, replayed
from lazyadam.suites.backends.peers import ENVIRONMENTS, python_of
from lazyadam.suites.backends.registry import BACKENDS, PEERS
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.states import checked, stack
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Case, Group, Parameter

TEXT = Arithmetic(Storage.TEXT, Power.FLOAT64, Average.COMPLEMENT, Average.COMPLEMENT)

OF_TENSORS = Arithmetic(Storage.TENSOR, Power.WORKING_POWER, hat=Hat.MOMENTS)


def test_a_peer_is_judged_where_it_is_named_alone() -> None:
    assert [b.name for b in select(["mxnet"])] == [name for name in PEERS if name.startswith("mxnet.")]
    assert {b.name for b in select([])} >= BACKENDS.keys()
    # in one order in every process, or xdist would not spread a run
    assert [b.name for b in select(["mindspore"])] == [x for x in BACKENDS if x.startswith("mindspore.")]
    assert not {b.name for b in select([])} & PEERS.keys()


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_has_an_environment_that_tox_makes(name: str) -> None:
    backend = PEERS[name]
    assert name.split(".")[0] == backend.framework
    python = Path(backend.spec.removeprefix("popen//python="))
    environment = python.parents[1].name.removeprefix("peer-")
    assert python == Path(python_of(environment))
    root = ENVIRONMENTS.parent
    assert f"{environment}: -r .ci/peers/{environment}.txt" in (root / "tox.ini").read_text()
    assert f"{backend.framework}==" in (root / ".ci" / "peers" / f"{environment}.txt").read_text()


def test_a_peer_without_its_environment_is_not_run_and_the_command_that_makes_it_is_told() -> None:
    missing = type("Missing", (PEERS["mxnet.Adam.lazy"],), {"spec": f"popen//python={python_of('nothing')}"})
    with Process(missing) as process:
        assert process.not_run is not None
        assert process.not_run.endswith("bin/python; tox -e peer-nothing makes it")


@pytest.mark.parametrize(
    "counts",
    [np.array([1, 2]), np.array([1.0, 2.0, 3.0]), np.array([[1, 2, 3]])],
    ids=["few", "real", "flat"],
)
def test_step_counts_of_rows_are_whole_numbers_one_a_row(counts: np.ndarray) -> None:
    x = np.zeros((3, 2))
    case = Case("float32", (Parameter(x, x, x),), (Group((0,), Hyperparameters()),), (), ())
    given = np.array([1, 0, 4], np.int32)
    seen = checked(([x], [x], [x], [given]), case)
    trajectory = stack(case, [seen, seen], 0.0, None, {}, 1)
    assert trajectory.row_t is not None
    assert trajectory.row_t[0].tolist() == [[1, 0, 4]] * 2
    assert trajectory.t.tolist() == [[4], [4]]
    with pytest.raises(ValueError, match="step counts of rows are to be 3 integers"):
        checked(([x], [x], [x], [counts]), case)


@pytest.mark.parametrize(
    ("x", "read"),
    [
        (0.9, np.float32(0.9)),
        (1e-8, np.float32(1e-8)),
        (1.1322275641815046e-05, np.nextafter(np.float32(1.1322275641815046e-05), np.float32(0))),
        (1.4788292326570383e-06, np.nextafter(np.float32(1.4788292326570383e-06), np.float32(1))),
        (123456.789, np.float32(123456.789)),
        (0.0, np.float32(0)),
    ],
)
def test_a_number_is_read_from_text_as_mxnet_reads_it(x: float, read: np.float32) -> None:
    """The right-hand sides were seen in its sgd_update(weight=0, grad=-1, lr=x), 1.9.1."""
    assert float32_of_text(x) == read


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scalars_that_are_handed_over_as_text_are_float32_in_every_type(dtype: str) -> None:
    h = Hyperparameters(lr=1e-3, beta1=0.9, beta2=0.999, weight_decay=1.1322275641815046e-05, loss_scale=3.0)
    s = replayed(h, 1, TEXT, PRECISIONS[dtype])
    assert (s.beta1, s.omega1) == (float(np.float32(0.9)), 1 - float(np.float32(0.9)))
    assert (s.beta2, s.omega2) == (float(np.float32(0.999)), 1 - float(np.float32(0.999)))
    assert s.decay == float(float32_of_text(h.weight_decay)) != float(np.float32(h.weight_decay))
    assert s.scale == 1 / float(np.float32(1 / 3))
    exact = 1e-3 * np.sqrt(1 - 0.999) / (1 - 0.9)
    assert s.alpha == float(float32_of_text(float(exact)))


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_scalars_are_rounded_to_the_type_of_the_tensor_where_they_meet_it(dtype: str) -> None:
    """But not ε: what its type takes of it is for the bound to allow."""

    def met(x: float) -> float:
        return float(round_to(round_to(x, p.scalar), dtype))

    h, p = (
        Hyperparameters(lr=0.013, beta1=0.83, beta2=0.9937, epsilon=1e-8, weight_decay=0.017),
        PRECISIONS[dtype],
    )
    s = replayed(h, 1, Arithmetic(Storage.TENSOR, Power.WORKING_POWER), p, (0, 0))
    assert (s.lr, s.beta1, s.omega1) == (met(0.013), met(0.83), met(1 - 0.83))
    assert (s.beta2, s.omega2, s.decay) == (met(0.9937), met(1 - 0.9937), met(0.017))
    assert s.epsilon == float(round_to(1e-8, p.scalar)) != 0
    as_usual = replayed(h, 1, Arithmetic(Storage.FLOAT64, Power.WORKING_POWER), p, (0, 0))
    assert (s == as_usual) is (dtype == p.scalar)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("power", [Power.FLOAT64, Power.WORKING_POWER])
@pytest.mark.parametrize("t", [1, 7, 5000])
def test_moments_are_divided_by_corrections_of_their_type_and_quotients_of_these_not_rounded(
    dtype: str, power: Power, t: int
) -> None:
    h, p = Hyperparameters(lr=0.013, beta1=0.83, beta2=0.9937), PRECISIONS[dtype]
    kind = np.dtype(p.scalar if power is Power.WORKING_POWER else "float64").type
    s = replayed(h, t, replace(OF_TENSORS, power=power), p, (0, 0))
    below, above = (
        float(round_to(round_to(kind(1) - nearest_power(beta, t, 0, kind), p.scalar), dtype))
        for beta in (h.beta1, h.beta2)
    )
    assert (s.rate, s.root_correction) == (s.lr / below, np.sqrt(above))
    assert s.alpha == s.lr * np.sqrt(above) / below
    assert s.folded_epsilon == h.epsilon * np.sqrt(above)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_float32_powers_meet_tensors_of_every_type(dtype: str) -> None:
    """lr is of float32, then of the tensor's type, and divided in the wider of both."""
    f, h, p = np.float32, Hyperparameters(lr=0.013, beta1=0.83, beta2=0.9937), PRECISIONS[dtype]
    arithmetic = Arithmetic(Storage.FLOAT32_RATE, Power.FLOAT32_POWER, hat=Hat.MULTIPLIES)

    def met(x: Any) -> float:
        return float(round_to(round_to(x, p.scalar), dtype))

    s = replayed(h, 7, arithmetic, p, (0, 0))
    below, above = (f(1) - nearest_power(beta, 7) for beta in (h.beta1, h.beta2))
    lr = np.dtype(p.scalar).type(met(float(f(h.lr))))
    assert s.lr == lr
    assert s.beta1 == met(h.beta1)
    assert s.rate == met(lr / np.dtype(p.scalar).type(below))
    assert s.root_correction == met(1 / met(f(1) / np.sqrt(above)))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("beta", [0.0, 0.5, 0.83, 0.9937])
@pytest.mark.parametrize("t", [1, 2, 50])
def test_weights_of_corrected_moments_are_those_of_the_moments_but_for_their_rounding(
    kind: type[np.floating], beta: float, t: int
) -> None:
    b, u = float(kind(beta)), float(np.finfo(kind).epsneg)
    of_m, of_g = weights_of_corrected(beta, t, 0, kind)
    correction = 1 - b**t
    assert of_g == pytest.approx(1 - b, abs=8 * u * correction)
    if t > 1:
        assert of_m == pytest.approx(b, abs=8 * u * correction / (1 - b ** (t - 1)))
        assert weights_of_corrected(beta, t, 1, kind)[1] == pytest.approx(of_g - u * correction, abs=u / 2)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("t", [1, 2, 50])
def test_moments_that_are_each_divided_stay_within_the_bound(dtype: str, t: int) -> None:
    """m̂ = m / (1 − β1^t), v̂ = v / (1 − β2^t), lr·(m̂ / (√v̂ + ε)), every operation rounded to the type."""

    def r(x: Any) -> Any:
        return round_to(round_to(x, "float32"), dtype)

    rng, p, h = np.random.default_rng(t), PRECISIONS[dtype], Hyperparameters(lr=0.3, beta2=0.9, epsilon=1e-3)
    w, m, g = (r(rng.standard_normal((500, 4))) for _ in range(3))
    v = r(rng.random((500, 4)) + 0.1)
    rules = Rules(p, Dialect(epsilon=Epsilon.BESIDE_HAT), OF_TENSORS)
    s = replayed(h, t, OF_TENSORS, p, (0, 0))
    gradient = coalesce(np.arange(500), g, Duplicates.SUM, p)
    bounded = step(State(w, m, v), gradient, s, rules)
    below, above = (r(np.float32(1) - nearest_power(beta, t)) for beta in (h.beta1, h.beta2))
    m = r(r(r(1 - h.beta1) * g) + r(r(h.beta1) * m))
    v = r(r(r(1 - h.beta2) * r(g * g)) + r(r(h.beta2) * v))
    q = r(r(m / below) / r(r(np.sqrt(r(v / above))) + r(h.epsilon)))
    ratios = [
        np.max(np.abs(seen - x) / e)
        for seen, x, e in zip((r(w - r(r(h.lr) * q)), m, v), bounded.state, bounded.errors, strict=True)
    ]
    assert max(ratios) <= 1
    assert ratios[0] > 0.3
