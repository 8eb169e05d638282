"""Trace files: the round trip is exact, and what isn't a trace is refused in one line."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.reports.tables import MOST_BYTES
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.instrument.samples import sample


def bits(case: Case) -> list[Any]:
    """Everything in a case, arrays by their bits."""

    def of(x: np.ndarray | None) -> Any:
        return None if x is None else (x.dtype.str, x.shape, x.tobytes())

    return [
        (case.dtype, case.t, case.observed, case.groups),
        [(of(p.w), of(p.m), of(p.v)) for p in case.parameters],
        [
            (s.changes, s.reload, [None if g is None else (of(g.rows), of(g.values)) for g in s.gradients])
            for s in case.steps
        ],
    ]


@pytest.mark.slow
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
    steps = (
        Step((Gradient(numbers, np.array([0])),), {"lr": (0.1,), "beta1": (0.5,), "maximize": (True,)}, True),
        Step((None,)),
    )
    case = Case(
        "float64", (Parameter(numbers, zeros, zeros),), (Group((0,), Hyperparameters()),), steps, (1,), 3
    )
    trace.save(case, tmp_path / "case.json")
    assert bits(trace.load(tmp_path / "case.json")) == bits(case)


def spoil(path: Path, change: Any) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def hyperparameters(document: Any) -> Any:
    return document["groups"][0]["hyperparameters"]


def weights(document: Any) -> Any:
    return document["parameters"][0]["w"]["values"]


def gradient(document: Any) -> Any:
    return document["steps"][0]["gradients"][0]


def set_(**values: Any) -> Any:
    return lambda document: document.update(values)


def set_hyperparameter(name: str, value: Any) -> Any:
    return lambda document: hyperparameters(document).update({name: value})


def set_rows(rows: list[Any]) -> Any:
    return lambda document: gradient(document).update(rows=rows)


def two_groups(**changes: Any) -> Any:
    """A second parameter, in a group of its own."""

    def change(document: Any) -> None:
        document["parameters"] *= 2
        for step in document["steps"]:
            step["gradients"] *= 2
        second = {"parameters": [1], "hyperparameters": {**hyperparameters(document), **changes}}
        document["groups"].append(second)

    return change


HUGE, SMALL, MINUS = (2.0**127).hex(), (2.0**-127).hex(), (-1.0).hex()
SPOILED = {
    "another version": (set_(version=99), "trace version 99, this suite reads 2"),
    "a version that is a float": (set_(version=2.0), "version: Input should be a valid integer"),
    "another format": (set_(format="else"), "not a trace file"),
    "a missing part": (lambda d: d.pop("steps"), "malformed (steps: Field required"),
    "a shape that no array has": (
        lambda d: d["parameters"][0]["w"].update(shape=[0, 2**62], values=[]),
        "malformed (array is too big",
    ),
    "a shape beyond any number": (
        lambda d: d["parameters"][0]["w"].update(shape=[10**30, 0], values=[]),
        "malformed (",
    ),
    "a part too many": (set_(step=1), "malformed (step: Extra inputs are not permitted"),
    "an unknown type": (set_(dtype="float8"), "dtype 'float8' is not one of"),
    "a type that is none": (set_(dtype=["float32"]), "dtype: Input should be a valid string"),
    "a type that breaks the line": (set_(dtype="a\nb\u2028\udc80"), "not one of"),
    "an unknown hyperparameter": (set_hyperparameter("momentum", "0x1p0"), "momentum"),
    "a hyperparameter that is left out": (lambda d: hyperparameters(d).pop("lr"), "lr: Field required"),
    "a parameter in no group": (lambda d: d["parameters"].append(d["parameters"][0]), "every parameter once"),
    "a group without parameters": (
        lambda d: d["groups"].append({**d["groups"][0], "parameters": []}),
        "groups[1].parameters",
    ),
    "a parameter in two groups": (lambda d: d["groups"].append(d["groups"][0]), "every parameter once"),
    "a parameter that is a flag": (
        lambda d: d["groups"][0].update(parameters=[False]),
        "groups[0].parameters[0]: Input should be a valid integer",
    ),
    "values that do not fit": (
        lambda d: gradient(d)["rows"].append(0),
        "step 1, parameter 0: values of shape",
    ),
    "a number that is none": (lambda d: weights(d).__setitem__(0, "one"), "'one' is no hexadecimal number"),
    "a number as a decimal": (lambda d: weights(d).__setitem__(0, "0.1"), "not as float.hex() writes it"),
    "a number of more digits than float64": (
        lambda d: weights(d).__setitem__(0, "0x1.00000000000001p+0"),
        "not as float.hex() writes it",
    ),
    "a number that is not quoted": (lambda d: weights(d).__setitem__(0, 0.5), "no hexadecimal number"),
    "a NaN of bits that are no NaN": (
        lambda d: weights(d).__setitem__(0, "nan:3ff0000000000000"),
        "not as float.hex() writes it",
    ),
    "a w that is no float32": (
        lambda d: weights(d).__setitem__(0, (0.1).hex()),
        "w holds 0x1.999999999999ap-4, no number",
    ),
    "a w past the largest float32": (
        lambda d: weights(d).__setitem__(0, (1e300).hex()),
        "no number of float32",
    ),
    "a gradient that is no float32": (
        lambda d: gradient(d)["values"]["values"].__setitem__(0, (0.1).hex()),
        "step 1, parameter 0: values holds 0x1.999999999999ap-4, no number",
    ),
    "a negative v": (lambda d: d["parameters"][0]["v"]["values"].__setitem__(0, MINUS), "v, an average"),
    "more values than the shape has": (lambda d: weights(d).append("0x0.0p+0"), "do not fill the shape"),
    "a shape with a float": (lambda d: d["parameters"][0]["w"].update(shape=[6.0, 4]), "w.shape[0]"),
    "a shape of too many axes": (
        lambda d: d["parameters"][0]["w"].update(shape=[24, *[1] * 40]),
        "w.shape",
    ),
    "an enormous shape": (lambda d: d["parameters"][0]["w"].update(shape=[10**30, 0]), "do not fill"),
    "a shape without axes": (
        lambda d: [x.update(shape=[], values=["0x0.0p+0"]) for x in d["parameters"][0].values()],
        "holds no row of numbers",
    ),
    "rows of no width": (
        lambda d: [x.update(shape=[6, 0], values=[]) for x in d["parameters"][0].values()],
        "holds no row of numbers",
    ),
    "no parameters": (set_(parameters=[], groups=[]), "parameters: List should have at least 1"),
    "no steps": (set_(steps=[]), "there are no steps"),
    "nothing observed": (set_(observed=[]), "observed: List should have at least 1"),
    "a step that isn't there": (set_(observed=[99]), "observed has step [99] of "),
    "an observed step that is a float": (
        set_(observed=[1.0]),
        "observed[0]: Input should be a valid integer",
    ),
    "an observed step that is a flag": (
        set_(observed=[True]),
        "observed[0]: Input should be a valid integer",
    ),
    "observed steps out of order": (set_(observed=[2, 1]), "observed is not an increasing list"),
    "nested rows": (set_rows([[0], [1], [2]]), "rows[0]: Input should be a valid integer"),
    "a row that is a fraction": (set_rows([0.5, 1, 2]), "rows[0]: Input should be a valid integer"),
    "a row that is a text": (set_rows(["0", 1, 2]), "rows[0]: Input should be a valid integer"),
    "a row past the end": (set_rows([6, 1, 2]), "row [6] of 6 rows"),
    "a negative row": (set_rows([-1, 1, 2]), "rows[0]: Input should be greater than or equal to 0"),
    "a row past int64": (set_rows([2**63, 1, 2]), "rows[0]: Input should be less than"),
    "a t past int64": (set_(t=2**63), "the steps go on to"),
    "a t with which the steps go too far": (set_(t=2**24 - 7), "the steps go on to 16777217"),
    "a t that is negative": (set_(t=-1), "t: Input should be greater than or equal to 0"),
    "a t that is a float": (set_(t=1.0), "t: Input should be a valid integer"),
    "a flag that is a number": (
        set_hyperparameter("nesterov", 1),
        "nesterov: Input should be a valid boolean",
    ),
    "a flag that is a hexadecimal number": (set_hyperparameter("nesterov", (1.0).hex()), "nesterov"),
    "a reload that is null": (lambda d: d["steps"][0].update(reload=None), "reload: Input should be"),
    "nesterov in one group": (two_groups(nesterov=True), "nesterov differs between groups"),
    "a loss scale of 0": (
        set_hyperparameter("loss_scale", (0.0).hex()),
        "loss_scale: Input should be greater",
    ),
    "a loss scale too large": (set_hyperparameter("loss_scale", HUGE), "loss_scale: Input should be less"),
    "a loss scale too small": (
        set_hyperparameter("loss_scale", SMALL),
        "loss_scale: Input should be greater",
    ),
    "a β of 1": (set_hyperparameter("beta1", (1.0).hex()), "beta1: Input should be less"),
    "a β that is 1 in float32": (set_hyperparameter("beta2", (1 - 2.0**-53).hex()), "beta2: Input should be"),
    "a β that is NaN": (set_hyperparameter("beta1", "nan"), "beta1: Input should be"),
    "a negative β": (set_hyperparameter("beta1", MINUS), "beta1: Input should be greater"),
    "an infinite learning rate": (set_hyperparameter("lr", "inf"), "lr: Input should be less"),
    "a negative learning rate later": (lambda d: d["steps"][1].update(lr=[MINUS]), "steps[1].lr[0]: Input"),
    "a learning rate too many": (lambda d: d["steps"][1].update(lr=["0x0.0p+0"] * 2), "lr does not fit"),
    "an ε that is NaN": (set_hyperparameter("epsilon", "nan"), "epsilon: Input should be"),
    "a negative weight decay": (set_hyperparameter("weight_decay", MINUS), "weight_decay: Input should be"),
    "an unknown manner": (set_(manner=["COLT"]), "manner[0]: 'COLT' is not one of INT32_ROWS, "),
    "a manner that is a list": (set_(manner=[["COLD"]]), "manner[0]: ['COLD'] is not one of"),
    "a manner of bad input": (set_(manner=["FLOAT_ROWS"]), "manner asks for bad input"),
    "two manners that exclude each other": (set_(manner=["INT32_ROWS", "INT64_ROWS"]), "rows of two types"),
    "an about that is a list": (set_(about=[]), "about: Input should be"),
}


def refused(path: Path) -> str:
    """The line with which a file is refused."""
    with pytest.raises(trace.TraceError) as caught:
        trace.load(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert line.isprintable()
    return line


@pytest.mark.parametrize("what", SPOILED)
def test_refuses_in_one_line(what: str, tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    trace.save(sample(), path)
    change, expected = SPOILED[what]
    spoil(path, change)
    assert expected in refused(path)


def test_refuses_a_file_too_large_to_judge(tmp_path: Path) -> None:
    path = tmp_path / "case.json"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    assert "more than 256 MiB" in refused(path)


def test_refuses_a_name_that_breaks_the_line_in_one_line(tmp_path: Path) -> None:
    for name in ("a\nb.json", os.fsdecode(b"\xff.json")):
        with pytest.raises(trace.TraceError) as caught:
            trace.load(tmp_path / name)
        assert str(caught.value).isprintable()
