"""Recorded trainings."""

from lazyadam.reports.schema.table import NUMBER, Column, Table, as_it_is

EXPOSURE = Table(
    "exposure",
    "what in a recorded training touches the axes on which implementations differ",
    (
        Column("parameter", "of the model; empty: the training as a whole"),
        Column("circumstance", "what was met"),
        Column("value", "a share of steps or elements, or a number", NUMBER),
        Column("told", "the same in words"),
    ),
    show=as_it_is("what the training met"),
)
