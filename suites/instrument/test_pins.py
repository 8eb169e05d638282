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

from lazyadam.reference.dialect import Arithmetic, Dialect, Duplicates, Epsilon
from lazyadam.suites.backends.base import DEVICES
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Case, Failure, Gradient, Step, Trajectory
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance import examine as examining
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.examine import examine, what_shows
from lazyadam.suites.conformance.tell import run
from lazyadam.suites.conformance.test_dialects import agreement
from lazyadam.suites.divergences.accounting import (
    MISSING,
    NOT_NEEDED,
    Account,
    Seen,
    account,
    known_observation,
)
from lazyadam.suites.divergences.layouts import of_failures
from lazyadam.suites.divergences.pin import PINS, Pin, broken, load, pins
from lazyadam.suites.divergences.reproducer import script
from lazyadam.suites.divergences.witness import cast, cut
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_command_line import pytest_run
from lazyadam.suites.instrument.test_judge import faithful
from lazyadam.suites.instrument.toy import Toy
from lazyadam.suites.judge.explanation import explanation
from lazyadam.suites.judge.trial import Trial, judge

BY_NAME = {pin.name: pin for pin in pins()}
SPARSE, FUSED = BACKENDS["torch.SparseAdam"], BACKENDS["torch.Adam.fused"]


@pytest.mark.parametrize("pin", pins(), ids=lambda pin: pin.name)
def test_pin_is_small_and_says_why(pin: Pin) -> None:
    assert len(pin.case.steps) <= 4
    for parameter in pin.case.parameters:
        assert parameter.w.shape <= (8, 4)
    for dtype in pin.dtypes:
        assert any(dtype in pin.types_of(BACKENDS[name]) for name in pin.backends), "nothing would prove it"
    assert len(pin.sentence.split()) >= 8
    assert pin.backends
    assert bool(pin.explained_by) or bool(pin.clauses)


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=list(BACKENDS))
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
    "an unknown quantity": (lambda d: d["quantities"].append("x"), "unknown quantity 'x'; known: w, m, v, t"),
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


ROW = {
    "verdict": "diverges",
    "against": "documented",
    "clause": "update-rule",
    "dtype": "float32",
    "explained_by": "",
}
EPSILON, STRIDED = BY_NAME["torch-sparse-epsilon"], BY_NAME["torch-fused-strided"]


def accounts(names: str | None) -> Account:
    """What pins of these names make; '' where none is needed, None where one is missing."""
    if not names:
        return MISSING if names is None else NOT_NEEDED
    return Account((*names.split("; "),))


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
        (FUSED, {"clause": "strided-parameters", "explained_by": ""}, "w", None),  # another path ran
        (SPARSE, {"explained_by": "epsilon: beside_root", "dtype": "float8"}, "w", None),
        (FUSED, {"clause": "strided-parameters", "explained_by": "unexplained", "dtype": "x"}, "w", None),
    ],
)  # fmt: skip
def test_what_a_pin_accounts_for(
    backend: Any, changes: dict[str, str], quantities: str, expected: str | None
) -> None:
    covering = [pin for pin in (EPSILON, STRIDED) if backend.name in pin.backends]
    seen = Seen(frozenset({"sparse" if backend is SPARSE else "dense"}), frozenset(quantities))
    assert account({**ROW, **changes}, backend, seen, covering) == accounts(expected)


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

    def not_run_in(self, dtype: str) -> str | None:
        return None

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
    monkeypatch.setattr(examining, "pins_of", lambda process: [EPSILON])
    process: Any = ToyProcess(fails)
    outcome = run(CLAUSES["tiny-gradients"], process, "float32", 0, BUDGETS["ci"], tmp_path)
    (documented,) = (row for row in outcome.verdicts if row["against"] == "documented")
    assert (documented["verdict"], documented["witness"]) == ("diverges", EPSILON.name)
    assert len(outcome.new) == (fails > 0), outcome.new
    written = list((tmp_path / "traces").glob("*.refuses.json"))
    assert len(written) == (fails > 0)
    for path in written:
        about = trace.about(path)
        assert (about["verdict"], about["clauses"], about["layouts"]) == (
            "refuses",
            ["tiny-gradients"],
            ["sparse"],
        )


M_ALONE = replace(
    STRIDED, name="m-alone", clauses=("tiny-gradients",), quantities=("m",), layouts=("sparse",)
)


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

    monkeypatch.setattr(examining, "pins_of", lambda process: pinned)
    process: Any = Spoiled(0)
    seen = examine(CLAUSES["tiny-gradients"], process, "float32", 0, BUDGETS["ci"])
    assert (seen.judged[0].account, seen.new) == (accounts(accounted), accounted is None)


ADAM = BACKENDS["mindspore.Adam.default.graph"]
TWO = "duplicates: squares_apart; epsilon: beside_root"


@pytest.mark.parametrize(
    ("explained_by", "dtype", "layouts", "expected"),
    [
        ("duplicates: squares_apart", "float32", "sparse", "adam-duplicates"),
        ("weight_decay: per_occurrence", "float32", "sparse", "adam-weight-decay"),
        (TWO, "float64", "sparse", "adam-duplicates; mindspore-epsilon-sparse"),
        ("epsilon: beside_root", "float32", "sparse", "mindspore-epsilon-sparse"),
        ("epsilon: beside_root", "float32", "dense", "mindspore-epsilon-dense"),
        ("epsilon: beside_root", "float16", "dense", "mindspore-epsilon-dense"),
        (
            "epsilon: beside_root",
            "float32",
            "dense sparse",
            "mindspore-epsilon-dense; mindspore-epsilon-sparse",
        ),
        ("epsilon: beside_root", "float16", "sparse", None),
        ("epsilon: beside_root", "float64", "dense", None),
        ("duplicates: squares_apart", "float32", "dense", None),
        ("epsilon: beside_root", "float32", "none", None),
        ("epsilon: beside_root", "float32", "", None),
    ],
)
@pytest.mark.parametrize("order", [1, -1], ids=["files in order", "files in reverse"])
def test_the_pin_named_covers_axis_type_and_layout_and_states_least_beside(
    explained_by: str, dtype: str, layouts: str, expected: str | None, order: int
) -> None:
    row = {**ROW, "dtype": dtype, "explained_by": explained_by}
    covering = [pin for pin in pins() if pin.covers(ADAM, "2.10.0", "cpu")][::order]
    seen = Seen(frozenset(layouts.split()), frozenset("w"))
    assert account(row, ADAM, seen, covering) == accounts(expected)


def test_of_pins_for_two_axes_the_one_with_no_other_goes_first() -> None:
    both = replace(EPSILON, name="a", explained_by={"epsilon": "beside_root", "duplicates": "last"})
    other = replace(EPSILON, name="b", explained_by={"epsilon": "beside_root", "untouched": "dense"})
    seen, row = Seen(frozenset({"sparse"})), {**ROW, "explained_by": "epsilon: beside_root; duplicates: last"}
    assert str(account(row, SPARSE, seen, [both, other])) == "a"
    assert str(account(row, SPARSE, seen, [both, other, EPSILON])) == "a; torch-sparse-epsilon"
    assert str(account({**row, "explained_by": "epsilon: beside_root"}, SPARSE, seen, [other, both])) == "a"


def test_of_pins_for_a_clause_the_narrowest_goes_first() -> None:
    wide = replace(STRIDED, name="a", quantities=("w", "m"))
    row = {**ROW, "clause": "strided-parameters", "explained_by": "unexplained"}
    seen = Seen(frozenset({"dense"}), frozenset("w"))
    for covering in ([wide, STRIDED], [STRIDED, wide]):
        assert str(account(row, FUSED, seen, covering)) == STRIDED.name
    of_both = Seen(frozenset({"dense", "sparse"}), frozenset("w"))
    assert account(row, FUSED, of_both, [STRIDED]) == MISSING


class Mixed(Speaks):
    """Takes both layouts; keeps the last of repeated rows, and puts ε beside √v."""

    layouts = frozenset({"sparse", "dense"})
    documented = Dialect(epsilon=Epsilon.BESIDE_HAT)
    spoken = Dialect(duplicates=Duplicates.LAST)


def test_where_several_layouts_diverge_each_axis_is_pinned_where_it_makes_a_difference() -> None:
    """A dense gradient has no repeated rows: nobody can pin that."""
    one, clause = sample(steps=1, epsilon=0.1), CLAUSES["gradient-kept"]
    ramp = np.arange(24.0).reshape(6, 4) + 1
    gradients = Gradient(ramp[:3], np.array([1, 1, 2])), Gradient(ramp)
    cases = [replace(one, steps=(Step((g,)),)) for g in gradients]
    trajectories = [faithful(case, Mixed.spoken) for case in cases]
    args = Trial(clause, Mixed, cases, trajectories), Mixed.documented
    judged = judge(*args)
    axes = explanation(*args, judged)
    assert axes == "duplicates: last; epsilon: beside_root"
    seen = what_shows(*args, judged, {**ROW, "clause": clause.id, "explained_by": axes})
    assert seen.layouts == {"sparse", "dense"}
    assert seen.of_axis == {"duplicates": {"sparse"}, "epsilon": {"sparse", "dense"}}


def test_a_failure_is_about_the_gradients_of_its_step() -> None:
    dense, sparse = Gradient(np.zeros((6, 4))), Gradient(np.zeros((1, 4)), np.array([0]))
    case = replace(sample(steps=2), steps=(Step((dense, None)), Step((sparse, None)), Step((None, None))))
    for step, expected in ((1, {"dense"}), (2, {"sparse"}), (3, {"none"}), (0, {"dense", "sparse"})):
        seen = Trajectory([], [], [], np.empty((0, 2)), failure=Failure("refuses", step, "no"))
        assert of_failures([case], [seen], "refuses") == expected
        assert of_failures([case], [seen], "dies") == set()


@pytest.mark.parametrize(
    ("observed", "dtype", "asked", "expected"),
    [
        ("beside_root", "float32", "sparse", True),
        ("beside_root|inside_root", "float32", "sparse", True),
        ("inside_root", "float32", "sparse", False),
        ("beside_root", "float32", "dense", False),
        ("beside_root", "float8", "sparse", False),
    ],
)
def test_an_observation_is_pinned_in_its_type_and_layout(
    observed: str, dtype: str, asked: str, expected: bool
) -> None:
    assert known_observation("epsilon", observed, dtype, frozenset({asked}), [EPSILON]) is expected


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_a_witness_cast_to_a_type_holds_its_numbers_and_still_shows_it(dtype: str) -> None:
    pin = EPSILON.cast(dtype)
    (gradient,) = pin.case.steps[0].gradients
    assert gradient
    for x in (*vars(pin.case.parameters[0]).values(), gradient.values):
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
