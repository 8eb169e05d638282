"""Recorded trainings."""

from lazyadam.reports.schema.table import COUNT, NUMBER, Column, Table, as_it_is

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

MOVED = Table(
    "moved",
    "how far the weights of a recorded training would be elsewhere, by its gradients",
    (
        Column("parameter", "of the model"),
        Column("to", "the backend, or the dialect"),
        Column("part", "all of it, or one axis turned alone"),
        Column("steps", "after how many", COUNT),
        Column("share", "of how far the weight that moved most has moved", NUMBER),
        Column("rounding", "the share that rounding alone explains at most", NUMBER),
        Column("by", "the reference alone, or the backend itself"),
    ),
)
