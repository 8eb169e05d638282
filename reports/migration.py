"""migration.md: from SparseAdam to LazyAdam and back, as the tables have it."""

from typing import Any

import pandas as pd

from lazyadam.reports.answer import BASE, LAZY, beside, what_to_know, what_to_set
from lazyadam.reports.equivalence import told
from lazyadam.reports.page import Tables, samples
from lazyadam.reports.render import MARKDOWN
from lazyadam.reports.tables import records
from lazyadam.reports.vocabulary import Against, Outcome, Verdict
from lazyadam.reports.words import cause, number, once, spaced

# SparseAdam's argument, LazyAdam's, and the claim of MindSpore's page that speaks of them.
ARGUMENTS = (
    ("params", "params", "C5"),
    ("lr", "learning_rate", "C6"),
    ("betas", "beta1, beta2", "C7"),
    ("eps", "eps", "C8"),
    ("", "use_locking", "C9"),
    ("", "use_nesterov", "C10"),
    ("", "weight_decay", "C11"),
    ("", "loss_scale", "C12"),
)


def text(tables: Tables, pairs: pd.DataFrame, axes: pd.DataFrame, yours: str = "") -> str:
    """The page in Markdown; parts whose tables are missing say so. yours: about a recorded training."""
    claims = {row["claim"]: row for row in tables.rows("claims")}
    dialects = tables.get("dialects")
    forms = [b for b in dict.fromkeys(dialects["backend"]) if b.startswith(LAZY)]
    ends = beside(pairs)
    ran = [form for form in forms if ends and ends.base == BASE and form in ends.ends]
    growth = tables.get("effects_growth")
    return MARKDOWN.get_template("migration.md.j2").render(
        t=tables,
        run={row["item"]: row["value"] for row in tables.rows("run")},
        versions=tables.get("verdicts").groupby("backend")["version"].first().to_dict(),
        left=BASE,
        right=next(iter(forms), ""),
        arguments=[(a, b, claims[c]) for a, b, c in ARGUMENTS if c in claims],
        told={form: "\n".join(told(BASE, form, axes, pairs, growth)) for form in ran},
        what_to_set=what_to_set(ends),
        what_to_know=what_to_know(losses="#mode-target-and-layer", code="#code-for-each-side"),
        accepted=_accepted(tables.get("bad_input"), [BASE, *ran]),
        dialects={(r["axis"], r["backend"]): r for r in records(dialects)},
        forms=[BASE, *ran],
        pins={form: list(_pins(tables, form)) for form in (BASE, *forms)},
        carried=_carried(tables.get("carried")),
        training=_training(tables.get("training")),
        samples=samples(tables.folder),
        yours=yours,
        cause=cause,
        once=once,
        number=number,
        spaced=spaced,
    )


def _accepted(bad_input: pd.DataFrame, forms: list[str]) -> dict[str, list[str]]:
    """Rows out of range and values of wrong shape that are taken all the same, by form."""
    wrong = bad_input[
        bad_input["input"].str.contains("row|values") & (bad_input["outcome"] != Outcome.REFUSES)
    ]
    wrong = wrong[wrong["outcome"] != Outcome.NOT_RUN]
    return {
        form: [
            f"{r['input']} ({r['outcome']}, {r['state']})" for r in records(wrong[wrong["backend"] == form])
        ]
        for form in forms
    }


def _pins(tables: Tables, backend: str) -> Any:
    return (row for row in tables.rows("pins") if backend in row["backends"].split("; "))


def _carried(carried: pd.DataFrame) -> list[dict[str, Any]]:
    """For each lazy optimizer whether every part of a carried training is as its source says."""
    spoken = carried[carried["against"] == Against.EXPLAINED]
    spoken = spoken[spoken["backend"].str.startswith(LAZY)]
    return [
        {
            "backend": key[0],
            "clause": key[1],
            "conforms": (part["verdict"] == Verdict.CONFORMS).all(),
            "distance": part["distance"].max(),
        }
        for key, part in spoken.groupby(["backend", "clause"])
    ]


def _training(training: pd.DataFrame) -> list[dict[str, Any]]:
    """Every way to train through autograd, judged against what the optimizer's source says."""
    rows = records(training[training["backend"].str.startswith((LAZY, BASE))])
    order = {against: place for place, against in enumerate(Against)}
    last: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda r: order[r["against"]]):
        last[row["backend"], row["layer"], row["way"], row["ids"]] = row
    return list(last.values())
