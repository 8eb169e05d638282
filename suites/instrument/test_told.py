"""Findings and the last screen: one cause is told once, in its words, and no row is lost."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lazyadam.reports.export import junit, summary
from lazyadam.reports.findings import findings, of_backend
from lazyadam.reports.schema import TABLES
from lazyadam.reports.screen import screen
from lazyadam.reports.tables import frame, read, records
from lazyadam.reports.told import WIDTH
from lazyadam.reports.vocabulary import FAILING, Kind
from lazyadam.suites.instrument.published import RUN
from lazyadam.suites.run import about

ABOUT = {"backend": "mine.LazyAdam", "version": "1", "mode": "eager", "device": "cpu"}


@pytest.fixture(scope="module")
def published() -> dict[str, pd.DataFrame]:
    tables = {name: read(name, RUN) for name in TABLES if (RUN / f"{name}.csv").exists()}
    return tables | {"findings": findings(tables)}


def judged(**changes: Any) -> dict[str, Any]:
    """A row of verdicts.csv."""
    row: dict[str, Any] = {**ABOUT, "dtype": "float32", "clause": "update-rule", "against": "documented"}
    row |= {"verdict": "conforms", "worst_ratio": 0.5, "cases": 30, "steps": 90, "explained_by": ""}
    return row | {"witness": ""} | changes


REFUSED = {"verdict": "refuses", "worst_ratio": None, "steps": 0}


def seen(clause: str, explained_by: str, quantities: str = "w", **changes: Any) -> tuple[dict[str, Any], ...]:
    """A row of verdicts.csv that is not known, and one of evidence.csv."""
    same = {"clause": clause, **changes}
    row = judged(
        **same,
        verdict="diverges",
        worst_ratio=9.0,
        explained_by=explained_by.partition(" | ")[0],
        witness="t",
    )
    least = "w[0, 3] after step 2: 0, should be -0.000744; 1,530,000 × the bound"
    shown = {**ABOUT, "dtype": "float32", "against": "documented", **same, "explained_by": explained_by}
    return row, {**shown, "quantities": quantities, "least": least, "trace": "t", "script": "s.py"}


def tables_of(
    *pairs: tuple[dict[str, Any], ...], observed: dict[str, str] | None = None
) -> dict[str, pd.DataFrame]:
    """Tables of a run with clauses that conform and those given."""
    fine = [judged(clause=clause) for clause in ("gaps", "shapes", "wide-rows", "late-steps", "zero-rows")]
    dialects = [
        {**ABOUT, "axis": axis, "documented": "sum", "observed": value, "agrees": "no"}
        for axis, value in (observed or {}).items()
    ]
    made = {
        "verdicts": frame("verdicts", [*fine, *(row for row, _ in pairs)]),
        "evidence": frame("evidence", [shown for _, shown in pairs]),
        "dialects": frame("dialects", dialects),
        "clauses": frame("clauses", about.clauses()),
        "axes": frame("axes", about.axes()),
        "pins": frame("pins", about.known_divergences()),
        "run": frame("run", about.run({"seed": 0})),
    }
    return made | {"findings": findings(made)}


def test_every_row_that_fails_belongs_to_a_finding(published: dict[str, pd.DataFrame]) -> None:
    for backend, part in published["verdicts"].groupby("backend"):
        failing = {key(row) for row in records(part) if row["verdict"] in FAILING}
        assert {
            key(row) for finding in of_backend(str(backend), part, published) for row in finding.rows
        } == failing


def key(row: dict[str, Any]) -> tuple[str, ...]:
    return row["clause"], row["dtype"], row["against"]


def test_sparse_adam_has_four_findings_and_no_backend_a_new_one(published: dict[str, pd.DataFrame]) -> None:
    found = findings(published)
    assert Kind.NEW not in set(found["kind"])
    of_torch = found[(found["backend"] == "torch.SparseAdam") & (found["kind"] == Kind.KNOWN)]
    of_torchs_own = {"one-buffer-vectors", "two-optimizers"}
    assert set(of_torch["cause"]) == {"epsilon: beside_root", "default-epsilon"} | of_torchs_own
    of_default = found[found["backend"] == "mindspore.LazyAdam.default.graph"]
    causes = of_default[of_default["kind"] == Kind.KNOWN]["cause"]
    assert {"epsilon: beside_root", "duplicates: scattered", "subnormals: varies"} <= set(causes)
    assert causes.is_unique


def test_what_only_w_shows_is_one_finding_with_its_circumstances() -> None:
    made = tables_of(
        *(seen(c, "unexplained") for c in ("learning-rate", "several-parameters", "save-and-load"))
    )
    (found,) = records(made["findings"])
    assert found["sentence"] == (
        "m and v are right everywhere; only w is wrong, where the learning rate changes, the state is saved "
        "and loaded or groups differ. Look at the step size (lr, step count, bias correction) and the "
        "formula of w."
    )
    assert (found["kind"], found["rows"]) == (Kind.NEW, 3)


@pytest.mark.parametrize(
    ("quantities", "said"),
    [
        ("m; v; w", "m and v are wrong alike"),
        ("m; w", "v is right everywhere; m is wrong"),
        ("v; w", "m is right everywhere; v is wrong"),
        ("untouched w", "rows change that the gradient does not name"),
        ("t", "m and v are right everywhere; the step count is wrong"),
        ("t; w", "m and v are right everywhere; the step count is wrong"),
    ],
)
def test_the_quantity_upstream_is_blamed(quantities: str, said: str) -> None:
    (found,) = records(tables_of(seen("update-rule", "unexplained", quantities))["findings"])
    assert found["cause"].startswith(said)


def test_the_clause_that_asks_for_an_axis_is_told_first_with_its_effect_alone() -> None:
    axis = "step_count: optimizer"
    made = tables_of(*(seen(c, axis, "t") for c in ("learning-rate", "missing-gradient", "save-and-load")))
    promised = {**ABOUT, "axis": "step_count", "documented": "parameter", "observed": "optimizer"}
    made["dialects"] = frame("dialects", [promised])
    (found,) = records(findings(made))
    assert found["clauses"].startswith("missing-gradient; ")
    assert found["effect"].endswith("after 1,000 steps with tables in turn")


def test_axes_that_none_explains_alone_are_told_by_the_clauses_that_ask_for_them() -> None:
    """Of two faults the fingerprint sees both. Where no value of an axis fits, it says nothing."""
    clauses = ("duplicates", "missing-gradient", "combinations", "tiny-gradients")
    made = tables_of(*(seen(clause, "unexplained", "m; v; w") for clause in clauses))
    observed = {"duplicates": "last", "step_count": "optimizer", "zero_rows": "ignored|touched"}
    observed["epsilon"] = "none fits"
    agrees = {"duplicates": "no", "step_count": "no", "zero_rows": "not asked", "epsilon": "no"}
    rows = [{**ABOUT, "axis": axis, "documented": "sum", "observed": x} for axis, x in observed.items()]
    made["dialects"] = frame("dialects", [row | {"agrees": agrees[row["axis"]]} for row in rows])
    found = {row["cause"]: row["clauses"] for row in records(findings(made))}
    vague = found.pop("m and v are wrong alike, and w with them")
    assert found == {"duplicates: last": "duplicates", "step_count: optimizer": "missing-gradient"}
    assert vague == "combinations; tiny-gradients"


def test_an_axis_that_is_known_is_no_cause_of_what_is_new() -> None:
    """A regression where ε rules is not told as the epsilon that is pinned."""
    made = tables_of(seen("tiny-gradients", "unexplained", "w"))
    promised = {**ABOUT, "axis": "epsilon", "documented": "beside_hat", "observed": "beside_root"}
    made["dialects"] = frame("dialects", [promised | {"agrees": "no"}])
    (new,) = records(findings(made))
    assert new["cause"] == "epsilon: beside_root"
    pin = next(row for row in records(made["pins"]) if row["pin"] == "torch-sparse-epsilon")
    made["pins"] = frame("pins", [pin | {"backends": ABOUT["backend"]}])
    (new,) = records(findings(made))
    assert new["cause"] == "m and v are right everywhere; only w is wrong"


def test_how_much_an_axis_matters_is_told_of_a_training_that_the_backend_takes() -> None:
    """Of one that refuses sparse gradients, with dense ones."""
    for verdict, dense in (("refuses", True), ("conforms", False)):
        made = tables_of(seen("weight-decay", "weight_decay: decoupled"))
        asked = judged(clause="sparse-gradient", verdict=verdict, witness="a-pin")
        made["verdicts"] = pd.concat([made["verdicts"], frame("verdicts", [asked])])
        promised = {**ABOUT, "axis": "weight_decay", "documented": "coalesced", "observed": "decoupled"}
        made["dialects"] = frame("dialects", [promised])
        found = next(row for row in records(findings(made)) if row["cause"] == "weight_decay: decoupled")
        assert (" with dense gradient, weight decay" in found["effect"]) == dense


def test_the_axis_that_explains_all_is_told_alone() -> None:
    """A clause that two axes explain joins the one that explains the others too."""
    both = "bias_correction: next | epsilon: inside_root"
    made = tables_of(seen("gaps", both), seen("duplicates", "epsilon: inside_root"))
    assert list(made["findings"]["cause"]) == ["epsilon: inside_root"]


def test_the_axis_that_the_fingerprint_saw_goes_first() -> None:
    both = "bias_correction: next | epsilon: inside_root"
    made = tables_of(seen("gaps", both), observed={"epsilon": "inside_root"})
    assert list(made["findings"]["cause"]) == ["epsilon: inside_root"]


def test_what_another_backend_is_known_for_is_not_held_against_one() -> None:
    """State is carried from SparseAdam, whose own ε shows in the row."""
    carried = judged(
        clause="state-carried", verdict="diverges", worst_ratio=9.0, witness="torch-sparse-epsilon"
    )
    made = tables_of()
    made["verdicts"] = pd.concat([made["verdicts"], frame("verdicts", [carried])])
    assert list(findings(made)["kind"]) == [Kind.DOCUMENTED]


def test_screen_summary_and_junit_say_what_the_table_says() -> None:
    made = tables_of(seen("duplicates", "duplicates: last"), observed={"duplicates": "last"})
    (found,) = records(made["findings"])
    (line,) = [x for x in summary(made["verdicts"], made["findings"]) if found["sentence"] in x]
    assert "mine.LazyAdam" in line
    text = junit(made["verdicts"], made["pins"], made["findings"])
    assert text.count(f'<failure message="{found["sentence"]}') == 1
    shown = " ".join(" ".join(screen(made, Path("lazyadam-out"), 1, 1)).split())
    assert found["sentence"] in shown
    assert "documented = Dialect(duplicates=Duplicates.LAST)" in shown


def test_thirty_backends_take_a_line_each(published: dict[str, pd.DataFrame]) -> None:
    lines = list(screen(published | {"evidence": frame("evidence", [])}, Path("lazyadam-out"), 400, 0))
    assert len(lines) <= 40
    assert max(map(len, lines)) <= WIDTH
    assert sum("torch.SparseAdam" in line for line in lines) == 1
    assert any(line.startswith("NOTHING NEW; ") for line in lines)


def of_two(made: dict[str, pd.DataFrame], another: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return made | {"verdicts": pd.concat([another, made["verdicts"]])}
