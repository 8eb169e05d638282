"""Known divergences: the files are sound, what is not pinned is not accounted for, scripts can pass."""

import json
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lazyadam.suites.backends.base import DEVICES
from lazyadam.suites.backends.registry import BACKENDS, NAMED
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Trajectory
from lazyadam.suites.conformance.test_dialects import agreement
from lazyadam.suites.divergences.pin import PINS, Pin, broken, load, pins
from lazyadam.suites.divergences.reproducer import script
from lazyadam.suites.divergences.witness import cast, cut
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_command_line import pytest_run
from lazyadam.suites.instrument.test_judge import faithful

BY_NAME = {pin.name: pin for pin in pins()}
SPARSE, FUSED = BACKENDS["torch.SparseAdam"], BACKENDS["torch.Adam.fused"]


@pytest.mark.parametrize("pin", pins(), ids=lambda pin: pin.name)
def test_pin_is_small_and_says_why(pin: Pin) -> None:
    assert len(pin.case.steps) <= 5  # four launches of a graph go well before the one that does not
    for parameter in pin.case.parameters:
        assert parameter.w.shape <= (8, 4)
    for dtype in pin.dtypes:
        assert any(dtype in pin.types_of((BACKENDS | NAMED)[name]) for name in pin.backends), (
            "nothing would prove it"
        )
    assert len(pin.sentence.split()) >= 8
    assert pin.backends
    assert bool(pin.explained_by) or bool(pin.clauses)


@pytest.mark.parametrize("backend", (BACKENDS | NAMED).values(), ids=[*BACKENDS, *NAMED])
def test_what_is_pinned_is_what_the_source_is_said_to_speak(backend: Any) -> None:
    for device, pin in product(DEVICES, pins()):
        here = pin.names(backend) and device in pin.devices
        dialect = pin.explaining(backend) if here else None
        for axis in pin.explained_by if dialect else ():
            assert getattr(dialect, axis) is getattr(backend.on(device).spoken, axis)


SPOILED: dict[str, tuple[Any, str]] = {
    "an unknown clause": (lambda d: d["clauses"].append("update-rul"), "unknown clause 'update-rul'"),
    "an unknown axis": (lambda d: d["explained_by"].update(epsilom="x"), "unknown axis 'epsilom'"),
    "no owner yet": (lambda d: d.update(owner="?"), "unknown owner '?'"),
    "an unknown verdict": (lambda d: d.update(verdict="conforms"), "unknown verdict 'conforms'"),
    "no sentence": (lambda d: d.pop("sentence"), "malformed pin (KeyError: 'sentence')"),
    "a sentence that is a number": (
        lambda d: d.update(sentence=3),
        "malformed pin (TypeError: 3 is no text)",
    ),
    "a list that is a text": (lambda d: d.update(clauses="duplicates"), "'duplicates' is no list"),
    "a backend that is a list": (lambda d: d.update(backends=[["x"]]), "['x'] is no text"),
    "axes that are a list": (lambda d: d.update(explained_by=["epsilon"]), "malformed pin (ValueError"),
    "a misspelt value": (
        lambda d: d["explained_by"].update(epsilon="beside_rot"),
        "unknown value of epsilon 'beside_rot'; known: beside_root",
    ),
    "an unknown quantity": (
        lambda d: d["quantities"].append("x"),
        "unknown quantity 'x'; known: w, m, v, v_max, t",
    ),
    "an unknown layout": (lambda d: d.update(layouts=["spars"]), "unknown layout 'spars'; known: sparse"),
    "a layout that the witness lacks": (
        lambda d: d["layouts"].append("dense"),
        "unknown layout of this witness 'dense'; known: sparse",
    ),
    "no layout": (lambda d: d.update(layouts=[]), "layouts is empty"),
    "no layouts stated": (lambda d: d.pop("layouts"), "malformed pin (KeyError: 'layouts')"),
    "an unknown type": (lambda d: d["dtypes"].append("float8"), "unknown dtype 'float8'; known: float16"),
    "not the type of the witness": (lambda d: d.update(dtypes=["float64"]), "dtypes lacks float32"),
    "no types stated": (lambda d: d.pop("dtypes"), "malformed pin (KeyError: 'dtypes')"),
    "no backend": (lambda d: d.update(backends=[]), "backends is empty"),
    "neither axis nor clause": (lambda d: d.update(explained_by={}), "neither an axis explains it nor"),
    "versions that are none": (lambda d: d.update(versions="about 2"), "malformed pin (InvalidSpecifier"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_refuses_a_pin_in_one_line(what: str, tmp_path: Path) -> None:
    document = json.loads((PINS / "torch-sparse-epsilon.json").read_text())
    change, expected = SPOILED[what]
    change(document["about"])
    path = tmp_path / "pin.json"
    path.write_text(json.dumps(document))
    with pytest.raises(trace.TraceError) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


EPSILON, STRIDED = BY_NAME["torch-sparse-epsilon"], BY_NAME["torch-fused-strided"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_a_witness_cast_to_a_type_holds_its_numbers_and_still_shows_it(dtype: str) -> None:
    pin = EPSILON.cast(dtype)
    (gradient,) = pin.case.steps[0].gradients
    assert gradient
    start = pin.case.parameters[0]
    for x in (start.w, start.m, start.v, gradient.values):
        np.testing.assert_array_equal(x, x.astype(dtype).astype(np.float64))
    assert broken(pin, SPARSE, faithful(pin.case, SPARSE.spoken)) == ""
    assert broken(pin, SPARSE, faithful(pin.case, SPARSE.documented)) == "the witness no longer diverges"
    assert cast(pin.case, "float32").dtype == "float32"


def test_a_pin_speaks_of_its_versions_alone() -> None:
    assert EPSILON.covers(SPARSE, "2.13.0+cpu", "cpu")
    assert not EPSILON.covers(SPARSE, "2.16.0", "cpu")
    assert not EPSILON.covers(FUSED, "2.13.0+cpu", "cpu")


def test_a_witness_that_no_longer_diverges_is_told() -> None:
    """What the reference dialect gives, which SparseAdam speaks, and what its page promises."""
    spoken, promised = (faithful(EPSILON.case, d) for d in (SPARSE.spoken, SPARSE.documented))
    assert broken(EPSILON, SPARSE, spoken) == ""
    assert broken(EPSILON, SPARSE, promised) == "the witness no longer diverges"
    wrong = replace(spoken, w=[1.001 * x for x in spoken.w])
    assert broken(EPSILON, SPARSE, wrong).startswith("no longer explained")
    refusal = BY_NAME["mindspore-empty-gradient"]
    assert "accepted" in broken(refusal, BACKENDS[refusal.backends[0]], spoken)


@pytest.mark.parametrize(
    ("documented", "observed", "expected"),
    [
        ("sum", "sum", "yes"),
        ("sum", "mean|sum", "undecided"),
        ("sum", "scattered", "no"),
        ("sum", "none fits", "no"),
        ("sum", "refuses", "no"),
        ("sum", "not asked: does not take: sparse", "undecided"),
        ("", "float32", "undecided"),
    ],
)
def test_agreement(documented: str, observed: str, expected: str) -> None:
    assert agreement(documented, observed) == expected


def test_the_cut_step_starts_where_the_backend_was() -> None:
    case = sample(lr=0.5)
    whole = faithful(case)
    for k in (2, 5, 8):
        one = cut(case, whole, k)
        assert (len(one.steps), one.t) == (1, k - 1)
        alone = faithful(one)
        for quantity in ("w", "m", "v"):
            np.testing.assert_array_equal(getattr(alone, quantity)[0][0], getattr(whole, quantity)[0][k - 1])


def test_a_step_without_a_state_before_it_keeps_what_went_before() -> None:
    case = sample()
    nothing = Trajectory([], [], [], np.empty((0, 1)))
    assert len(cut(case, nothing, 3).steps) == 3
    assert len(cut(case, faithful(case), 1).steps) == 1


@pytest.mark.slow
def test_a_script_ends_with_0_where_a_backend_does_as_documented(tmp_path: Path) -> None:
    """The witness of repeated rows, on a backend that sums them."""
    backend = BACKENDS["mindspore.LazyAdam.target_cpu.graph"]
    with Process(backend) as process:
        if process.not_run:
            pytest.skip(process.not_run)
    file = tmp_path / "script.py"
    script(BY_NAME["lazy-adam-duplicates"], backend).write(file)
    ran = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("expected") == len("wmv")


@pytest.mark.slow
def test_a_divergence_that_is_not_pinned_fails_the_run_with_a_file_ready_to_pin(tmp_path: Path) -> None:
    """The real torch.SparseAdam, with the pins of another version."""
    chosen = ("suites/conformance", "--backend", "torch.SparseAdam", "-k", "float32 and tiny-gradients")
    script = tmp_path / "conftest_pins.py"
    script.write_text("import lazyadam.suites.divergences.pin as pin\npin.pins = lambda: ()\n")
    result = pytest_run(*chosen, "-p", "conftest_pins", "--out", tmp_path, path=tmp_path)
    if "not run" in result.stdout:
        pytest.skip("torch is not there")
    assert result.returncode == 1, result.stdout
    assert "not known: tiny-gradients, torch.SparseAdam, float32, against documented" in result.stdout
    assert (tmp_path / "verdicts.csv").exists()
    (file,) = (tmp_path / "traces").glob("*.json")
    document = json.loads(file.read_text())
    document["about"].update(owner="documentation")
    file.write_text(json.dumps(document))
    pin = load(file)
    assert pin.explained_by == {"epsilon": "beside_root"}
    assert len(pin.case.steps) <= 4
