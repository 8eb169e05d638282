"""Trace files: the round trip is exact, and what isn't a trace is refused in one line."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reference.scalars import Hyperparameters
from suites.backends.registry import select
from suites.case import Case, Gradient, Group, Parameter, Step
from suites.cases import trace
from suites.cases.strategies import collect
from suites.clauses import CLAUSES
from suites.instrument.samples import sample


def bits(case: Case) -> list[Any]:
    """Everything in a case, arrays by their bits."""

    def of(x: np.ndarray | None) -> Any:
        return None if x is None else (x.dtype.str, x.shape, x.tobytes())

    return [
        (case.dtype, case.t, case.observed, case.groups),
        [(of(p.w), of(p.m), of(p.v)) for p in case.parameters],
        [
            (s.lr, s.reload, [None if g is None else (of(g.rows), of(g.values)) for g in s.gradients])
            for s in case.steps
        ],
    ]


@pytest.mark.parametrize("name", [n for n, c in CLAUSES.items() if not c.free])
def test_round_trip_is_bit_for_bit(name: str, tmp_path: Path) -> None:
    for backend in select(["torch.SparseAdam", "mindspore.LazyAdam.default.graph"]):
        clause = CLAUSES[name]
        for case in collect(clause.menu(backend), "float32", 3, 5) if not clause.missing(backend) else ():
            trace.save(case, tmp_path / "case.json")
            again = trace.load(tmp_path / "case.json")
            assert bits(again) == bits(case)
            assert again.digest == case.digest


def test_round_trip_keeps_every_special_number(tmp_path: Path) -> None:
    payload = np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001], np.uint64).view(
        np.float64
    )
    numbers = np.array([[0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1.7e308, 0.1, *payload]])
    zeros = np.zeros_like(numbers)
    steps = (Step((Gradient(numbers, np.array([0])),), (0.1,), True), Step((None,)))
    case = Case(
        "float64", (Parameter(numbers, zeros, zeros),), (Group((0,), Hyperparameters()),), steps, (1,), 3
    )
    trace.save(case, tmp_path / "case.json")
    assert bits(trace.load(tmp_path / "case.json")) == bits(case)


def spoil(path: Path, change: Any) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


SPOILED = {
    "another version": (lambda d: d.update(version=99), "trace version 99, this suite reads 2"),
    "another format": (lambda d: d.update(format="else"), "not a trace file"),
    "a missing part": (lambda d: d.pop("steps"), "malformed (KeyError: 'steps')"),
    "an unknown type": (lambda d: d.update(dtype="float8"), "dtype 'float8' is not one of"),
    "an unknown hyperparameter": (
        lambda d: d["groups"][0]["hyperparameters"].update(momentum="0x1p0"),
        "momentum",
    ),
    "a parameter in no group": (
        lambda d: d["groups"][0].update(parameters=[]),
        "do not hold every parameter",
    ),
    "values that do not fit": (
        lambda d: d["steps"][0]["gradients"][0]["rows"].append(0),
        "step 1, parameter 0: values of shape",
    ),
    "a number that is none": (
        lambda d: d["parameters"][0]["w"]["values"].__setitem__(0, "one"),
        "invalid hexadecimal",
    ),
    "a step that isn't there": (lambda d: d.update(observed=[99]), "observed is not"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_refuses_in_one_line(what: str, tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    trace.save(sample(), path)
    change, expected = SPOILED[what]
    spoil(path, change)
    with pytest.raises(trace.TraceError) as caught:
        trace.load(path)
    assert str(path) in str(caught.value)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_refuses_a_truncated_file_and_a_missing_one(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    trace.save(sample(), path)
    path.write_text(path.read_text()[:1000])
    with pytest.raises(trace.TraceError, match="not JSON, or truncated"):
        trace.load(path)
    with pytest.raises(trace.TraceError, match="cannot be read"):
        trace.load(tmp_path / "none.json")
