"""What came of judging: verdicts, what shows them, findings, and how far off."""

from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table as Grid

from lazyadam.reports.schema import columns as c
from lazyadam.reports.schema.table import COUNT, NUMBER, SIZE, Column, Table, as_it_is, brief
from lazyadam.reports.vocabulary import Against, Agreement, Kind, Verdict


def show_verdicts(table: pd.DataFrame, console: Console) -> None:
    """Clause by type, one table a backend: what it is against its documentation and LazyAdam."""
    for backend, part in table.groupby("backend", sort=False):
        grid = Grid(title=f"{backend}: verdict (worst ratio) documented | reference | explained")
        dtypes = [d for d in ("float16", "bfloat16", "float32", "float64") if d in set(part["dtype"])]
        grid.add_column("clause")
        for dtype in dtypes:
            grid.add_column(dtype)
        for clause, rows in part.groupby("clause", sort=False):
            cells = []
            for dtype in dtypes:
                of_type = rows[rows["dtype"] == dtype].set_index("against")
                cells.append(
                    " | ".join(
                        verdict_and_ratio(of_type.loc[against])
                        for against in Against
                        if against in of_type.index
                    )
                )
            grid.add_row(str(clause), *cells)
        console.print(grid)


def verdict_and_ratio(row: Any) -> str:
    """A cell of verdicts: of a row of one."""
    word = SHORT.get(row["verdict"], row["verdict"])
    ratio = row["worst_ratio"]
    return word if pd.isna(ratio) or row["verdict"] == Verdict.REFUSES else f"{word} {ratio:.2g}"


def show_tolerance(table: pd.DataFrame, console: Console) -> None:
    """Every row of the tolerance table."""
    grid = Grid(title="tolerance: how far from the reference in the dialect that the backend speaks")
    names = [name for name in TOLERANCE.names if name not in ("version", "mode", "device")]
    for name in names:
        grid.add_column(name, justify="left" if name in ("backend", "dtype", "quantity", "way") else "right")
    for row in table.to_dict("records"):
        grid.add_row(*(brief(row[name]) for name in names))
    console.print(grid)


SHORT = {Verdict.CONFORMS: "✓", Verdict.DIVERGES: "✗", Verdict.REFUSES: "refuses", Verdict.NOT_RUN: "–"}


def show_dialects(table: pd.DataFrame, console: Console) -> None:
    """The axes on which a backend was seen to differ from its documentation."""
    grid = Grid(title="dialects: documented and observed, where they differ")
    names = ("backend", "axis", "documented", "observed")
    for name in names:
        grid.add_column(name)
    for _, row in table[table["agrees"] == Agreement.NO].iterrows():
        grid.add_row(*(str(row[name]) for name in names))
    console.print(grid)


def show_coverage(table: pd.DataFrame, console: Console) -> None:
    """Cases judged for each clause; where none, on how many backends."""
    grid = Grid(title="coverage: cases judged for each clause")
    for name in ("clause", "backends", "cases", "not on"):
        grid.add_column(name)
    for clause, part in table.groupby("clause"):
        if (part["reason"] == "not selected").all():
            continue
        judged = part[part["cases"] > 0]
        why = part[part["cases"] == 0]["reason"].value_counts()
        without = "; ".join(f"{count}: {reason}" for reason, count in why.items())
        grid.add_row(str(clause), str(len(judged)), str(judged["cases"].sum()), without)
    console.print(grid)


def _unjudged(table: pd.DataFrame) -> str:
    """A verdict on what was judged without what it rests on."""
    judged = table["verdict"].isin((Verdict.CONFORMS, Verdict.DIVERGES))
    for column in JUDGED:
        if table[column][judged].isna().any():
            return f"column {column} is empty where something was judged"
    conforms = table[table["verdict"] == Verdict.CONFORMS]
    for why, wrong in (
        ("without a ratio", conforms["worst_ratio"].isna()),
        ("with a ratio above 1", conforms["worst_ratio"] > 1),
        ("of which no case was judged", conforms["cases"] == 0),
    ):
        if wrong.any():
            return f"row {conforms.index[wrong][0] + 2} conforms {why}"
    return ""


def _uncounted(table: pd.DataFrame) -> str:
    """Clauses without a number of cases."""
    return "column cases or steps is empty" if table[[*JUDGED]].isna().any(axis=None) else ""


JUDGED = ("cases", "steps")

VERDICTS = Table(
    "verdicts",
    "a row for each backend, type, clause and what it is judged against",
    (
        *c.ABOUT,
        c.DTYPE,
        c.CLAUSE,
        c.AGAINST,
        c.VERDICT,
        c.WORST_RATIO,
        c.CASES,
        c.STEPS,
        c.EXPLAINED_BY,
        c.WITNESS,
    ),
    key=("backend", "dtype", "clause", "against"),
    outcome="verdict",
    flaw=_unjudged,
    may_be_empty=False,
    show=show_verdicts,
)

EVIDENCE = Table(
    "evidence",
    "of each verdict that diverges the least case, in a line, with its trace and its script",
    (
        *c.ABOUT,
        c.DTYPE,
        c.CLAUSE,
        Column(
            "against", "as in verdicts.csv; refuses, dies or hangs: of cases that fail beside, what is new"
        ),
        c.EXPLAINED_BY,
        Column("quantities", "which of w, m, v, t and of untouched rows go wrong"),
        c.LEAST,
        c.TRACE,
        c.SCRIPT,
    ),
)

FINDINGS = Table(
    "findings",
    "a row for each cause on each backend; read this one first",
    (
        *c.ABOUT,
        Column("kind", "of a finding: new, known or documented", Kind),
        Column(
            "cause",
            "an axis with its value, the clauses of a pin, which of m, v and w are wrong, or how it ended",
        ),
        c.SENTENCE,
        c.CLAUSES,
        c.DTYPES,
        Column("rows", "how many rows of verdicts.csv show it", COUNT),
        Column("shown", "of a campaign: how many cases of these clauses and types differ", COUNT),
        Column("tried", "of a campaign: how many cases these clauses and types have", COUNT),
        c.WORST_RATIO,
        c.LEAST,
        Column("effect", "how far the axis alone takes the weights, as a share of how far they move"),
        c.OWNER,
        c.VERSIONS,
        c.WITNESS,
        c.SCRIPT,
    ),
    key=("backend", "kind", "cause"),
)

TOLERANCE = Table(
    "tolerance",
    "how far each quantity is from the reference in the dialect that the backend speaks",
    (
        *c.ABOUT,
        c.DTYPE,
        Column("quantity", "w, m or v"),
        Column("way", "step by step, or free running"),
        c.STEPS,
        Column("max_ulp", "the largest error, in ulps of the type", SIZE),
        Column("max_abs", "the largest absolute error", SIZE),
        Column("max_rel", "the largest relative error", SIZE),
        Column("max_ratio", "the largest error / bound", SIZE),
        Column(
            "specification_gap",
            "what storing hyperparameters in float32 costs, as the largest relative change",
            NUMBER,
        ),
    ),
    key=("backend", "dtype", "quantity", "way", "steps"),
    show=show_tolerance,
)

DIALECTS = Table(
    "dialects",
    "for each axis what is documented and what was observed",
    (
        *c.ABOUT,
        c.AXIS,
        Column(
            "documented",
            "the value that the documentation promises, or that of LazyAdam where it says nothing",
        ),
        Column(
            "observed",
            "the value that fits what was seen, several where they can't be told apart, or 'none fits'",
        ),
        Column("agrees", "whether what was observed is what is documented: yes, no or undecided", Agreement),
    ),
    key=("backend", "axis"),
    outcome="observed",
    may_be_empty=False,
    show=show_dialects,
)

SPACE = Table(
    "space",
    "of each two dimensions of the cases how many pairs of their values were tried together",
    (
        c.BACKEND,
        Column("dimension", "one of the two: lazyadam explain lists its values"),
        Column("other", "the other one"),
        Column("pairs", "how many pairs of their values there are", COUNT),
        Column("possible", "how many of them can meet", COUNT),
        Column("tried", "how many some case has", COUNT),
        Column("why", "why the others can't meet"),
    ),
    show=as_it_is("space: pairs of values of two dimensions that were tried together"),
)

COVERAGE = Table(
    "coverage",
    "how many cases of each clause were judged on each backend, or why none",
    (
        *c.ABOUT,
        c.CLAUSE,
        c.CASES,
        c.STEPS,
        Column("reason", "why no case was judged"),
    ),
    key=("backend", "clause"),
    flaw=_uncounted,
    show=show_coverage,
)
