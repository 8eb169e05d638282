"""What a campaign tried, how near the bound it came, and what met in its cases."""

from lazyadam.reports.schema import columns as c
from lazyadam.reports.schema.table import COUNT, SIZE, Column, Table

CAMPAIGN = Table(
    "campaign",
    "a row for each backend, type and clause of a campaign",
    (
        *(c.BACKEND, c.VERSION, c.DEVICE, c.DTYPE, c.CLAUSE, c.CASES, c.STEPS, c.WORST_RATIO),
        Column("shown", "how many cases differ from the documentation, or fail", COUNT),
        Column(
            "half_up_to", "half of the cases have at most this error / bound, by the spoken dialect", SIZE
        ),
        Column("most_up_to", "99 of 100 cases have at most this error / bound, by the spoken dialect", SIZE),
    ),
)

CIRCUMSTANCES = Table(
    "circumstances",
    "what met in the cases of a campaign: rows of a gradient × its size × start × event",
    (
        c.BACKEND,
        Column("circumstances", "which met, in some step"),
        c.CASES,
    ),
)
