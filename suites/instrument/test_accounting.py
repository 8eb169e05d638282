"""Which pins account for what was seen."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lazyadam.reference.dialect import Arithmetic, Dialect, Duplicates, Epsilon
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Case, Failure, Gradient, Step, Trajectory
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance import examine as examining
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.examine import examine, shown_of_axes, what_shows
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.conformance.tell import run
from lazyadam.suites.divergences.accounting import (
    MISSING,
    NOT_NEEDED,
    Account,
    Seen,
    account,
    known_observation,
)
from lazyadam.suites.divergences.layouts import of_failures
from lazyadam.suites.divergences.pin import Pin, axes_of, pins
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_judge import faithful
from lazyadam.suites.instrument.test_pins import EPSILON, FUSED, SPARSE, STRIDED
from lazyadam.suites.instrument.toy import Toy
from lazyadam.suites.judge.explanation import explanation
from lazyadam.suites.judge.judgement import QUANTITIES
from lazyadam.suites.judge.trial import Trial, judge

ROW = {
    "verdict": "diverges",
    "against": "documented",
    "clause": "update-rule",
    "dtype": "float32",
    "explained_by": "",
}


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
        self.fails, self.ran, self.shrunk = fails, 0, Counter[tuple[str, ...]]()

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
    outcome = run(
        Sample(CLAUSES["tiny-gradients"], process.backend, "float32", 0, BUDGETS["ci"]), process, tmp_path
    )
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
    seen = examine(Sample(CLAUSES["tiny-gradients"], process.backend, "float32", 0, BUDGETS["ci"]), process)
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
    beyond = frozenset((0, quantity) for quantity in QUANTITIES)
    without = shown_of_axes(*args, judged, axes_of(axes), beyond)
    assert without.layouts == {"dense"}
    assert not without.of_axis
    part = shown_of_axes(*args, judged, axes_of(axes), frozenset({(0, "w")}))
    assert part.of_axis == {"duplicates": {"sparse"}, "epsilon": {"dense"}}


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
