"""migration.md: from SparseAdam to LazyAdam and back, as the tables have it."""

from typing import Any

import jinja2
import pandas as pd

from reports.equivalence import told, ways
from reports.page import TEMPLATES, Tables, number
from reports.tables import records
from reports.words import spaced

MARKDOWN: jinja2.Environment = TEMPLATES.overlay(autoescape=False)
LEFT = "torch.SparseAdam"
RIGHT = "mindspore.LazyAdam."
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


def text(tables: Tables, pairs: pd.DataFrame, axes: pd.DataFrame) -> str:
    """The page in Markdown; parts whose tables are missing say so."""
    claims = {row["claim"]: row for row in tables.rows("claims")}
    dialects = tables.get("dialects")
    forms = [b for b in dict.fromkeys(dialects["backend"]) if b.startswith(RIGHT)]
    compared = [b for b in forms if ((pairs["left"] == b) & (pairs["right"] == LEFT)).any()]
    samples, growth = tables.folder / "samples", tables.get("effects_growth")
    ran = [form for form in compared if _ran(pairs, form)]
    return MARKDOWN.get_template("migration.md.j2").render(
        t=tables,
        run={row["item"]: row["value"] for row in tables.rows("run")},
        versions=tables.get("verdicts").groupby("backend")["version"].first().to_dict(),
        left=LEFT,
        right=next(iter(forms), ""),
        arguments=[(a, b, claims[c]) for a, b, c in ARGUMENTS if c in claims],
        told={form: "\n".join(told(LEFT, form, axes, pairs, growth)) for form in ran},
        equal=[form for form in ran if not _apart(pairs, form)],
        apart={form: _apart(pairs, form) for form in ran if _apart(pairs, form)},
        refused={form: _refused(pairs, form) for form in ran},
        ways=ways,
        accepted=_accepted(tables.get("bad_input"), [LEFT, *ran]),
        dialects={(r["axis"], r["backend"]): r for r in records(dialects)},
        forms=[LEFT, *ran],
        pins={form: list(_pins(tables, form)) for form in (LEFT, *forms)},
        carried=_carried(tables.get("carried")),
        training=_training(tables.get("training")),
        samples={path.stem: path.read_text() for path in sorted(samples.glob("*.py"))},
        number=number,
        spaced=spaced,
    )


def _accepted(bad_input: pd.DataFrame, forms: list[str]) -> dict[str, list[str]]:
    """Rows out of range and values of wrong shape that are taken all the same, by form."""
    wrong = bad_input[bad_input["input"].str.contains("row|values") & (bad_input["outcome"] != "refuses")]
    wrong = wrong[wrong["outcome"] != "not run"]
    return {
        form: [
            f"{r['input']} ({r['outcome']}, {r['state']})" for r in records(wrong[wrong["backend"] == form])
        ]
        for form in forms
    }


def _ran(pairs: pd.DataFrame, form: str) -> bool:
    of_form = pairs[(pairs["left"] == form) & (pairs["right"] == LEFT)]
    return bool((of_form["equal"] != "not compared").any())


def _apart(pairs: pd.DataFrame, form: str) -> list[str]:
    """The trainings in which a form comes apart from SparseAdam."""
    of_form = pairs[(pairs["left"] == form) & (pairs["right"] == LEFT)]
    return list(of_form[of_form["equal"] == "no"]["sequence"].unique())


def _refused(pairs: pd.DataFrame, form: str) -> list[str]:
    """The trainings in which a form raises an error."""
    of_form = pairs[(pairs["left"] == form) & (pairs["right"] == LEFT)]
    at_step = of_form["message"].str.contains(f"{form}: ", regex=False) & of_form["message"].str.contains(
        " at step "
    )
    return list(of_form[at_step]["sequence"].unique())


def _pins(tables: Tables, backend: str) -> Any:
    return (row for row in tables.rows("pins") if backend in row["backends"].split("; "))


def _carried(carried: pd.DataFrame) -> list[dict[str, Any]]:
    """For each lazy optimizer whether every part of a carried training is as its source says."""
    spoken = carried[carried["against"] == "explained"]
    spoken = spoken[spoken["backend"].str.startswith(RIGHT)]
    return [
        {
            "backend": key[0],
            "clause": key[1],
            "conforms": (part["verdict"] == "conforms").all(),
            "distance": part["distance"].max(),
        }
        for key, part in spoken.groupby(["backend", "clause"])
    ]


def _training(training: pd.DataFrame) -> list[dict[str, Any]]:
    """Every way to train through autograd, judged against what the optimizer's source says."""
    rows = records(training[training["backend"].str.startswith((RIGHT, LEFT))])
    order = {"documented": 0, "reference": 1, "explained": 2}
    last: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda r: order[r["against"]]):
        last[row["backend"], row["layer"], row["way"], row["ids"]] = row
    return list(last.values())
