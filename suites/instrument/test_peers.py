"""Backends of other frameworks: judged where they are named; without their environment they are not run."""

from pathlib import Path

import numpy as np
import pytest

from lazyadam.reference.dialect import Arithmetic, Average, Power, Storage
from lazyadam.reference.powers import float32_of_text
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.scalars import Hyperparameters, replayed
from lazyadam.suites.backends.peers import ENVIRONMENTS, python_of
from lazyadam.suites.backends.registry import BACKENDS, PEERS
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.states import checked, stack
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Case, Group, Parameter

TEXT = Arithmetic(Storage.TEXT, Power.FLOAT64, Average.COMPLEMENT, Average.COMPLEMENT)


def test_a_peer_is_judged_where_it_is_named_alone() -> None:
    assert [b.name for b in select(["mxnet"])] == [name for name in PEERS if name.startswith("mxnet.")]
    assert {b.name for b in select([])} >= BACKENDS.keys()
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
