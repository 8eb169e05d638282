"""Known divergences: the files are sound, what is not pinned is not accounted for, scripts can pass."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reference.dialect import Arithmetic
from suites import verdicts
from suites.backends.process import Process
from suites.backends.registry import BACKENDS
from suites.case import Case, Failure, Trajectory
from suites.cases import trace
from suites.clauses import CLAUSES
from suites.conformance.test_dialects import agreement
from suites.divergences.pin import PINS, Pin, broken, known, load, pins
from suites.divergences.reproducer import script
from suites.divergences.witness import cut
from suites.instrument.samples import sample
from suites.instrument.test_command_line import pytest_run
from suites.instrument.test_judge import faithful
from suites.instrument.toy import Toy
from suites.judge.judgement import Finding, Judgement
from suites.verdicts import BUDGETS, examine, run

BY_NAME = {pin.name: pin for pin in pins()}
SPARSE, FUSED = BACKENDS["torch.SparseAdam"], BACKENDS["torch.Adam.fused"]


@pytest.mark.parametrize("pin", pins(), ids=lambda pin: pin.name)
def test_pin_is_small_and_says_why(pin: Pin) -> None:
    assert len(pin.case.steps) <= 4
    for parameter in pin.case.parameters:
        assert parameter.w.shape <= (8, 4)
    assert len(pin.sentence.split()) >= 8
    assert pin.backends
    assert bool(pin.explained_by) or bool(pin.clauses)


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=list(BACKENDS))
def test_what_is_pinned_is_what_the_source_is_said_to_speak(backend: Any) -> None:
    for pin in pins():
        dialect = pin.explaining(backend) if backend.name in pin.backends else None
        for axis in pin.explained_by if dialect else ():
            assert getattr(dialect, axis) is getattr(backend.spoken, axis)


SPOILED: dict[str, tuple[Any, str]] = {
    "a misspelt backend": (
        lambda d: d["backends"].append("torch.SparseAdan"),
        "unknown backend 'torch.SparseAdan'",
    ),
    "an unknown clause": (lambda d: d["clauses"].append("update-rul"), "unknown clause 'update-rul'"),
    "an unknown axis": (lambda d: d["explained_by"].update(epsilom="x"), "unknown axis 'epsilom'"),
    "no owner yet": (lambda d: d.update(owner="?"), "unknown owner '?'"),
    "an unknown verdict": (lambda d: d.update(verdict="conforms"), "unknown verdict 'conforms'"),
    "no sentence": (lambda d: d.pop("sentence"), "malformed pin (KeyError: 'sentence')"),
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


def judgement(*quantities: str) -> Judgement:
    findings = [Finding(q, 0, 1, 0, (0, 0), 1.0, 0.0, 0.1, 10.0) for q in quantities]
    return Judgement(np.array([10.0]), 1, findings, {})


ROW = {
    "verdict": "diverges",
    "against": "documented",
    "clause": "update-rule",
    "dtype": "float32",
    "explained_by": "",
}
EPSILON, STRIDED = BY_NAME["torch-sparse-epsilon"], BY_NAME["torch-fused-strided"]


@pytest.mark.parametrize(
    ("backend", "changes", "quantities", "expected"),
    [
        (SPARSE, {"explained_by": "epsilon: beside_root"}, "w", EPSILON.name),
        (SPARSE, {"explained_by": "epsilon: inside_root"}, "w", None),
        (SPARSE, {"explained_by": "epsilon: beside_root; duplicates: last"}, "w", None),
        (SPARSE, {"explained_by": "unexplained"}, "w", None),
        (SPARSE, {"against": "explained", "explained_by": "unexplained"}, "w", None),
        (SPARSE, {"against": "reference", "explained_by": "unexplained"}, "w", ""),
        (SPARSE, {"verdict": "conforms"}, "", ""),
        (SPARSE, {"verdict": "not run"}, "", ""),
        (SPARSE, {"verdict": "refuses"}, "", None),
        (SPARSE, {"verdict": "dies"}, "", None),
        (SPARSE, {"verdict": "refuses", "clause": "dense-gradient"}, "", ""),
        (SPARSE, {"verdict": "refuses", "clause": "sparse-gradient"}, "", None),
        (FUSED, {"clause": "strided-parameters", "explained_by": "unexplained"}, "w", STRIDED.name),
        (FUSED, {"clause": "strided-parameters", "explained_by": "unexplained"}, "wm", None),
        (FUSED, {"clause": "strided-parameters", "verdict": "refuses"}, "", None),
        (FUSED, {"explained_by": "unexplained"}, "w", None),
    ],
)  # fmt: skip
def test_what_a_pin_accounts_for(
    backend: Any, changes: dict[str, str], quantities: str, expected: str | None
) -> None:
    covering = [pin for pin in (EPSILON, STRIDED) if backend.name in pin.backends]
    assert known({**ROW, **changes}, backend, judgement(*quantities), covering) == expected


class Speaks(Toy):
    """Says that ε stands beside √v̂, and puts it beside √v: as SparseAdam does, whose pins it is given."""

    documented, spoken = SPARSE.documented, SPARSE.spoken
    arithmetic = Arithmetic()


class ToyProcess:
    """A toy in place of a worker. fails: the case that it refuses."""

    backend, device, version, not_run = Speaks, "cpu", "1", None
    about: dict[str, str] = {"backend": "toy", "version": "1", "mode": "eager", "device": "cpu"}

    def __init__(self, fails: int) -> None:
        self.fails, self.ran = fails, 0

    def run(self, cases: list[Case]) -> list[Trajectory]:
        done = Speaks().run_all(cases)
        for t in done:
            self.ran += 1
            if self.ran == self.fails:
                t.failure = Failure("refuses", 2, "ValueError: no")
        return done


@pytest.mark.parametrize("fails", [0, 3])
def test_a_failure_does_not_hide_behind_a_known_divergence(
    fails: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "pins_of", lambda process: [EPSILON])
    process: Any = ToyProcess(fails)
    outcome = run(CLAUSES["tiny-gradients"], process, "float32", 0, BUDGETS["ci"], tmp_path)
    (documented,) = (row for row in outcome.verdicts if row["against"] == "documented")
    assert (documented["verdict"], documented["witness"]) == ("diverges", EPSILON.name)
    assert len(outcome.new) == (fails > 0), outcome.new


M_ALONE = replace(STRIDED, name="m-alone", clauses=("tiny-gradients",), quantities=("m",))


@pytest.mark.parametrize(
    ("spoiled", "pinned", "accounted"),
    [
        ("m", [EPSILON, M_ALONE], f"{EPSILON.name}; {M_ALONE.name}"),
        ("mv", [EPSILON, M_ALONE], None),
        ("mw", [EPSILON, M_ALONE], None),
        ("m", [M_ALONE], None),
        ("m", [EPSILON], None),
    ],
    ids=["both are known", "also in v", "also in w", "the axis isn't pinned", "the rest isn't pinned"],
)
def test_a_known_axis_and_a_known_divergence_account_for_themselves_alone(
    spoiled: str, pinned: list[Pin], accounted: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Spoiled(ToyProcess):
        def run(self, cases: list[Case]) -> list[Trajectory]:
            done = super().run(cases)
            for quantity in spoiled:
                getattr(done[0], quantity)[0][-1] *= 1.001
            return done

    monkeypatch.setattr(verdicts, "pins_of", lambda process: pinned)
    process: Any = Spoiled(0)
    seen = examine(CLAUSES["tiny-gradients"], process, "float32", 0, BUDGETS["ci"])
    assert (seen.judged[0].accounted, seen.new) == (accounted, accounted is None)


def test_a_pin_speaks_of_its_versions_alone() -> None:
    assert EPSILON.covers(SPARSE, "2.13.0+cpu")
    assert not EPSILON.covers(SPARSE, "2.16.0")
    assert not EPSILON.covers(FUSED, "2.13.0+cpu")


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


def test_a_script_ends_with_0_where_a_backend_does_as_documented(tmp_path: Path) -> None:
    """The witness of repeated rows, on a backend that sums them."""
    backend = BACKENDS["mindspore.LazyAdam.target_cpu.graph"]
    with Process(backend) as process:
        if process.not_run:
            pytest.skip(process.not_run)
    file = tmp_path / "script.py"
    file.write_text(script(BY_NAME["lazy-adam-duplicates"], backend))
    ran = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("expected") == len("wmv")


def test_a_divergence_that_is_not_pinned_fails_the_run_with_a_file_ready_to_pin(tmp_path: Path) -> None:
    """The real torch.SparseAdam, with the pins of another version."""
    chosen = ("suites/conformance", "--backend", "torch.SparseAdam", "-k", "float32 and tiny-gradients")
    script = tmp_path / "conftest_pins.py"
    script.write_text("import suites.divergences.pin as pin\npin.pins = lambda: ()\n")
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
