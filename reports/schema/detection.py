"""What the suite finds of seeded faults and errors."""

import pandas as pd
from rich.console import Console
from rich.table import Table as Grid

from lazyadam.reports.schema import columns as c
from lazyadam.reports.schema.table import COUNT, NUMBER, Column, Table, as_it_is, brief


def show_detection(table: pd.DataFrame, console: Console) -> None:
    """How many seeded faults were found on each host, how soon, and which were not."""
    grid = Grid(title="detection: seeded faults that fail a run")
    for name in (
        "host",
        "faults",
        "found",
        "allowed",
        "not run",
        "median cases",
        "median seconds",
        "not found",
    ):
        grid.add_column(name)
    for host, part in table.groupby("host"):
        found, missed = part[part["killed"] == "yes"], part[part["killed"] == "no"]
        grid.add_row(
            str(host),
            str(len(part)),
            str(len(found)),
            str((part["killed"] == "allowed").sum()),
            str((part["killed"] == "not run").sum()),
            brief(found["cases_to_kill"].median()),
            brief(found["seconds"].median()),
            ", ".join(missed["fault"]),
        )
    console.print(grid)


DETECTION = Table(
    "detection",
    "each seeded fault: whether the suite finds it, by what, and how soon",
    (
        c.FAULT,
        c.HOST,
        c.STANDS_FOR,
        c.KILLED,
        Column("by_clause", "the clause that found it first"),
        Column("cases_to_kill", "how many cases went until the fault was found", NUMBER),
        Column("seconds", "until the fault was found", NUMBER),
    ),
    show=show_detection,
)

DETECTION_MATRIX = Table(
    "detection_matrix",
    "which clauses find which seeded fault",
    (
        c.FAULT,
        c.HOST,
        c.CLAUSE,
        c.KILLED,
    ),
)

RACES = Table(
    "races",
    "faults that show at times: in how many runs they are found",
    (
        c.FAULT,
        c.HOST,
        c.STANDS_FOR,
        Column("runs", "how many were made", COUNT),
        Column("killed", "in how many runs it was found", NUMBER),
        Column("by_clause", "the clauses that found it first, and in how many runs"),
    ),
    show=as_it_is("races: of runs, those in which a fault that shows at times was found"),
)

SENSITIVITY = Table(
    "sensitivity",
    "the smallest relative error that is found",
    (
        c.QUANTITY,
        c.DTYPE,
        c.REGIME,
        c.SEEDS,
        Column("always", "the smallest relative error that the cases of every seed found", NUMBER),
        Column("median", "the smallest relative error that the median seed found", NUMBER),
    ),
    show=as_it_is("sensitivity: the relative error that every seed found, and the median"),
)

SENSITIVITY_CURVE = Table(
    "sensitivity_curve",
    "the share of seeds in which an error of each size is found",
    (
        c.QUANTITY,
        c.DTYPE,
        c.REGIME,
        c.SEEDS,
        Column("error", "the size of the seeded error, relative", NUMBER),
        Column("found", "the share of seeds in which the error is found", NUMBER),
    ),
)

POLICIES = Table(
    "policies",
    "what usual tolerances find of the same faults",
    (
        Column("policy", "the tolerance"),
        Column("compared", "which of w, m and v the policy looks at"),
        c.HOST,
        Column("faults", "how many were seeded", NUMBER),
        Column("found", "how many faults the policy found", NUMBER),
        Column("clean_cases", "cases on hosts without a fault", NUMBER),
        Column("false_alarms", "clean cases that the policy flagged", NUMBER),
    ),
    show=as_it_is("policies: what other tolerances find of the same faults"),
)

SPREAD = Table(
    "spread",
    "how many cases of a campaign it takes to find rare faults",
    (
        Column("fault", "one that a single clause finds"),
        Column("evenly", "cases to the first find where every clause has as many, on average", NUMBER),
        Column("by_what_they_find", "the same where a clause that finds more has more", NUMBER),
        Column(
            "in_a_campaign", "cases of its first blocks up to the one that shows it; large tables too", NUMBER
        ),
    ),
)
