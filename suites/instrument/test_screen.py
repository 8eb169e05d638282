"""The last screen: what it says, in which order, and in how many lines."""

from pathlib import Path

import pandas as pd

from lazyadam.reports.findings import findings
from lazyadam.reports.schema import TABLES
from lazyadam.reports.screen import screen
from lazyadam.reports.tables import frame, records
from lazyadam.reports.told import WIDTH
from lazyadam.reports.vocabulary import Kind
from lazyadam.suites.backends.own.class_file import DECLARED
from lazyadam.suites.instrument.test_told import ABOUT, REFUSED, judged, of_two, seen, tables_of
from lazyadam.suites.run import compared


def test_what_was_all_refused_is_not_right() -> None:
    """As dense gradients are by who takes none, and may."""
    row = judged(clause="dense-gradient", **REFUSED)
    tables = {name: frame(name, []) for name in TABLES} | {"verdicts": frame("verdicts", [row])}
    said = "\n".join(screen(tables, Path("out"), 1.0, 125))
    assert "NOTHING COMPARED. It refuses whatever it was given" in said
    assert compared.all_refused(compared.seen([{"verdicts": [row]}]))
    assert not compared.all_refused(compared.seen([{"verdicts": [row | {"witness": "a-pin"}]}]))
    assert not compared.all_refused(compared.seen([{"verdicts": [row, judged()]}]))


def test_an_interrupted_run_says_so_before_anything_else() -> None:
    settings = [{"item": "ended", "value": "interrupted after 3 tests"}]
    tables = {name: frame(name, []) for name in TABLES}
    tables |= {"verdicts": frame("verdicts", [judged()]), "run": frame("run", settings)}
    said = "\n".join(screen(tables, Path("out"), 1.0, 130))
    assert "\nInterrupted after 3 tests; of these alone: RIGHT in float32." in said


def test_what_was_not_declared_is_said_not_to_be_tried() -> None:
    made = tables_of()
    reasons = ("does not take: weight_decay, loss_scale", "does not take: no launch goes before", "")
    made["bad_input"] = frame("bad_input", [{**ABOUT, "input": "row-minus-1", "outcome": "dies"}])
    made["coverage"] = frame("coverage", [{**ABOUT, "cases": 0, "reason": reason} for reason in reasons])
    said = " ".join(screen(made, Path("lazyadam-out"), 1, 0))
    assert "Not declared, so not tried: loss_scale, weight_decay. Of bad" in said
    assert "Of bad input it does not survive row-minus-1." in said


def test_of_a_class_it_is_said_where_to_declare_what_else_it_takes(tmp_path: Path) -> None:
    made = tables_of()
    made["coverage"] = frame("coverage", [{**ABOUT, "cases": 0, "reason": "does not take: weight_decay"}])
    file = tmp_path / DECLARED / "shop.RowAdam.py"
    for there in (False, True):
        said = " ".join(" ".join(screen(made, tmp_path, 1, 0, "shop.RowAdam")).split())
        assert (f"weight_decay (to try them, copy {file} and declare them there)." in said) == there
        file.parent.mkdir(exist_ok=True)
        file.touch()


def test_of_what_was_not_run_nothing_else_is_said() -> None:
    made = tables_of()
    row = judged(verdict="not run", worst_ratio=None, cases=0, explained_by="no card")
    made["verdicts"] = frame("verdicts", [row])
    made["coverage"] = frame("coverage", [{**ABOUT, "cases": 0, "reason": "does not take: weight_decay"}])
    assert "NOT RUN: no card." in screen(made, Path("lazyadam-out"), 1, 125)


def test_what_is_wrong_for_sure_is_told_before_what_may_be_meant() -> None:
    meant = [seen(clause, "step_count: optimizer", "t") for clause in ("missing-gradient", "learning-rate")]
    made = tables_of(*meant, seen("save-and-load", "unexplained", "t; w"))
    said = list(screen(made, Path("lazyadam-out"), 1, 1))
    assert "WRONG. 1 of " in said[2]
    assert "2 more differ in what may be meant." in " ".join(said[2:5])
    marks = [line.split()[0] for line in said if line.startswith(("  ✗", "  ?"))]
    assert marks == ["✗", "?", "?"]
    assert any(line.startswith("  see it           lazyadam show save-and-load") for line in said)


def test_what_the_backend_does_not_claim_is_no_finding_that_counts() -> None:
    refused = judged(clause="dense-gradient", verdict="refuses", worst_ratio=None)
    made = tables_of()
    made["verdicts"] = pd.concat([made["verdicts"], frame("verdicts", [refused])])
    assert list(findings(made)["kind"]) == [Kind.DOCUMENTED]
    made["findings"] = findings(made)
    assert "RIGHT in float32. 5 clauses hold, all within 0.50 of the bound." in "\n".join(
        screen(made, Path("lazyadam-out"), 1, 0)
    )


def test_a_failure_of_some_cases_is_a_finding_beside_what_the_row_says_of_others() -> None:
    row, shown = seen("copied-optimizer", "step_count: optimizer")
    failed = shown | {"against": "refuses", "least": "AttributeError: no count (mine.py:3)", "trace": "f"}
    made = tables_of((row, shown))
    made["evidence"] = frame("evidence", [shown, failed | {"explained_by": "", "quantities": ""}])
    found = {row["cause"]: row for row in records(findings(made))}
    cause = "refuses: AttributeError: no count (mine.py:3)"
    assert found.keys() == {"step_count: optimizer", cause}
    assert (found[cause]["kind"], found[cause]["witness"]) == (Kind.NEW, "f")
    made["findings"] = findings(made)
    assert f"{cause}, where optimizer and" in " ".join(screen(made, Path("out"), 1, 1))


def test_many_causes_in_many_clauses_are_told_in_forty_lines_what_says_it_plainest_first() -> None:
    """One cause is told whole, of two or three what there is room for; a case of the space in two lines."""
    some = ("learning-rate", "several-parameters", "save-and-load", "copied-optimizer")
    many = [seen(c, "unexplained") for c in some]
    many[0][1]["least"] += "; where width 257, table rows 2, touched one, repeats a pair" * 9
    axes = {
        "epsilon: beside_hat": ("tiny-gradients", "default-epsilon", "slow-averages", "many-steps"),
        "duplicates: last": ("duplicates", "gradient-kept", "index-type"),
        "untouched: dense": ("untouched-rows", "missing-gradient", "all-rows"),
    }
    for causes in range(1, len(axes) + 1):
        made = tables_of(*many, *(seen(c, axis) for axis in [*axes][:causes] for c in axes[axis]))
        said = screen(made, Path("lazyadam-out"), 1, 1, "mine.LazyAdam")
        assert len(said) <= 40
        assert max(len(line) for line in said if not line.strip().startswith("git bisect run")) <= WIDTH
        if causes == 1:
            first = next(line for line in said if line.startswith("  ✗ "))
            assert first.split()[1] != "learning-rate"
        else:  # they may be all that there is
            whole = "\n".join(said)
            assert whole.index("\nepsilon: ") < whole.index("only w is wrong")
    assert "And 1 more: m and v are right everywhere" in "\n".join(said)


def test_a_bisection_is_not_advised_where_a_replay_could_not_say_that_it_diverges() -> None:
    """git bisect run skips what exits with 125, as a replay of a failure does."""
    for verdict, advised in (("diverges", True), ("dies", False), ("hangs", False), ("refuses", False)):
        row, shown = seen("gaps", "unexplained" if verdict == "diverges" else "")
        row["verdict"], shown["trace"] = verdict, "traces/gaps.json"
        said = " ".join(screen(tables_of((row, shown)), Path.cwd() / "lazyadam-out", 1, 1))
        assert ("git bisect run" in said) == advised, verdict


def test_what_is_to_be_pasted_names_the_folder_that_another_command_would_not_take() -> None:
    made = tables_of(seen("duplicates", "duplicates: last"), observed={"duplicates": "last"})
    usual = Path.cwd() / "lazyadam-out"
    pasted = ("lazyadam show duplicates", "lazyadam accept duplicates=last", "known to you lazyadam accept")
    for out, option in ((usual, ""), (usual / "first", f" --out {usual / 'first'}")):
        said = " ".join(" ".join(screen(made, out, 1, 1)).split())
        assert all(f"{part}{option}" in said for part in pasted)
        assert ("--out" in said) == bool(option)


def test_the_first_words_are_words() -> None:
    meant = seen("missing-gradient", "step_count: optimizer", "t")
    as_known = tables_of(meant)
    as_known["findings"] = as_known["findings"].assign(kind=Kind.KNOWN)
    another = frame("verdicts", [judged(backend="other.LazyAdam")])
    for made, words in (
        (tables_of(meant), "NOT AS DOCUMENTED. 1 of 6 clauses differ"),
        (as_known, "AS KNOWN, 1 finding. "),
        (of_two(as_known, another), "NOTHING NEW; 1 finding known"),
        (of_two(tables_of(meant), another), "1 NEW FINDING; 0 findings known"),
    ):
        assert any(line.startswith(words) for line in screen(made, Path("lazyadam-out"), 1, 1)), words
