"""What differs between builds and versions."""

from lazyadam.reports.schema import columns as c
from lazyadam.reports.schema.table import NUMBER, SIZE, Column, Table

BUILDS = Table(
    "builds",
    "where two builds of a backend part, the worst difference first",
    (
        c.BACKEND,
        c.MODE,
        c.DEVICE,
        Column("base", "the version of the one build"),
        c.CANDIDATE,
        c.DTYPE,
        c.CLAUSE,
        Column("quantity", "w, m, v, t, or 'taken': a step that only one of the builds takes"),
        Column("step", "the first step in which the two builds part", NUMBER),
        Column(
            "max_ulp",
            "how far the two builds are apart at most, in ulps; infinite where there are none",
            SIZE,
        ),
        Column("base_ratio", "error / bound of the base there"),
        Column("candidate_ratio", "error / bound of the candidate there"),
        Column("note", "of which failure the two builds part, where they do"),
        c.TRACE,
    ),
)

VERSIONS = Table(
    "versions",
    "what backends said on several versions of a framework",
    (
        Column("framework", "the framework that has several versions"),
        Column("table", "the table that has the row"),
        Column("row", "which row of the table"),
        Column("said", "what the row says"),
        c.VERSIONS,
    ),
)
