"""Every table of the suite, a file for each subject; `TABLES` has them by name."""

from lazyadam.reports.schema import (
    bad_input,
    campaign,
    claims,
    declared,
    detection,
    judged,
    performance,
    recorded,
    run,
    training,
    versions,
)
from lazyadam.reports.schema.table import Table

SUBJECTS = (
    judged,
    bad_input,
    campaign,
    training,
    versions,
    claims,
    detection,
    performance,
    declared,
    recorded,
    run,
)
TABLES = {x.name: x for subject in SUBJECTS for x in vars(subject).values() if isinstance(x, Table)}
SHOWN = {name: table.show for name, table in TABLES.items() if table.show}
