"""What is declared, and not measured: the words that the other tables use."""

from lazyadam.reports.schema import columns as c
from lazyadam.reports.schema.table import Column, Table

CLAUSES = Table(
    "clauses",
    "every clause, with its source",
    (
        c.CLAUSE,
        c.SENTENCE,
        Column("where", "the circumstances that it tries, in words that follow 'where'"),
        c.SOURCE,
    ),
)

AXES = Table(
    "axes",
    "every axis with its values and what they mean",
    (
        c.AXIS,
        c.VALUE,
        Column("meaning", "what the value stands for"),
    ),
)

PROMISES = Table(
    "promises",
    "where the documentation of each backend promises what",
    (
        c.BACKEND,
        c.AXIS,
        c.VALUE,
        c.SOURCE,
    ),
)

PINS = Table(
    "pins",
    "every known divergence",
    (
        Column("pin", "its name; the file is suites/divergences/pins/NAME.json"),
        c.SENTENCE,
        c.VERDICT,
        c.EXPLAINED_BY,
        c.CLAUSES,
        Column("layouts", "the gradients at which it shows: sparse, dense or none"),
        c.DTYPES,
        Column("devices", "where it shows: cpu, cuda, gpu, ascend"),
        c.OWNER,
        Column("backends", "those that it speaks of"),
        c.VERSIONS,
    ),
)
