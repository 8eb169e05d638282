"""What differs between builds and versions."""

from lazyadam.reports.schema import columns as c
from lazyadam.reports.schema.table import NUMBER, SIZE, Column, Table, as_it_is
from lazyadam.reports.vocabulary import Alike

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

BITS = Table(
    "bits",
    "all that came out of the cases of a clause, as a digest, and what the backend's own dialect says of it",
    (
        *c.ABOUT,
        c.DTYPE,
        c.CLAUSE,
        c.VERDICT,
        c.WORST_RATIO,
        c.CASES,
        Column("bits", "the same where two runs agree in every bit; empty where nothing came out"),
    ),
)

DEVICES = Table(
    "devices",
    "how backends compare on two devices or machines, where they are judged by what they speak",
    (
        c.BACKEND,
        c.DTYPE,
        c.CLAUSE,
        Column("base", "version and device of the one run"),
        Column("other", "version and device of the other run"),
        Column("alike", "of the two: same bits, within the bound, apart, or neither", Alike),
        Column("base_ratio", "error / bound in the one run at most", SIZE),
        Column("other_ratio", "error / bound in the other run at most", SIZE),
    ),
    show=as_it_is("how backends compare on two devices"),
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
