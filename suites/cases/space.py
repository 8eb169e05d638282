"""The space that cases are taken from: its dimensions by name, and what excludes what.

A point has a value on every dimension. The first value of each is the ordinary one, at which everything else
is tried by the clauses' own menus; an array of points that covers every pair of values (Cohen et al., The
AETG system, IEEE Trans. Softw. Eng. 23, 1997) has each value together with each of another dimension.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from lazyadam.suites.cases.case import Manner

Point = Mapping[str, Any]
Space = Mapping[str, tuple[Any, ...]]  # of each dimension its values, the ordinary one first
MOST_NUMBERS = 2**15  # in a table whose rows are wider than 1; twice as many in all tables that are alike


@dataclass(frozen=True)
class Dimension:
    """A name, its values, the ordinary one first, and why. few: those where each costs a compilation."""

    name: str
    values: tuple[Any, ...]
    why: str
    few: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Exclusion:
    """Values that can't meet. holds: whether those of the fields can."""

    fields: tuple[str, ...]
    holds: Callable[[Point], bool]
    why: str


FEW_WIDTHS = (4, 1, 7, 8, 17, 64, 257)
TOUCHED = {"one": 1, "9": 9, "65": 65, "257": 257, "1025": 1025}
IN_OTHER_GROUPS: dict[str, tuple[Any, ...]] = {  # hyperparameters, in turn
    "lr": (0.1, 1e-4, 0.02),
    "beta1": (0.5, 0.99, 0.7),
    "beta2": (0.9, 0.9999, 0.97),
    "epsilon": (1e-2, 1e-4, 3e-3),
    "weight_decay": (0.3, 0.01, 0.05),
    "maximize": (True, False, True),
}
ANEW = {  # what they are set to in a run, by group
    **{name: values for name, values in IN_OTHER_GROUPS.items() if name != "lr"},
    "loss_scale": (0.5, 5.0, 64.0),
}

DIMENSIONS = (
    Dimension("layout", ("sparse", "dense"), "most optimizers have a path for each"),
    Dimension(
        "width",
        (4, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 128, 257, 1031),
        "blocks of 4 to 64 numbers, their ends, and what is left over",
        FEW_WIDTHS,
    ),
    Dimension("rank", (2, 1, 3, 4), "rows of none, one, two and three dimensions", (2, 1, 3)),
    Dimension(
        "table_rows",
        (6, 1, 2, 17, 64, 257, 1025, 4096, 65_537),
        "around powers of two, and more than 16 bits count",
        (6, 1, 65, 1025),
    ),
    Dimension(
        "touched",
        ("few", "none at times", "one", "9", "65", "257", "1025", "all but one", "all"),
        "rows of a gradient: around the sizes of buffers, and the whole table",
    ),
    Dimension(
        "repeats",
        ("none", "a pair", "all twice", "runs of three", "one of fifty", "cancelling"),
        "rows that occur more than once: which, how often, and with a sum of zero",
    ),
    Dimension("order", ("shuffled", "sorted", "reversed"), "sums by order, and binary searches"),
    Dimension(
        "regime",
        ("ordinary", "ones", "ramp", "broad", "zeros", "tiny"),
        "values of the gradient",
        ("ordinary", "zeros"),
    ),
    Dimension("weights", ("ordinary", "nothing", "tiny", "huge"), "starting weights", ("ordinary", "huge")),
    Dimension(
        "start",
        (0, 1, 7, 829, 1000, 20_000, 32_766, 65_534),
        "step counts to start from: the first, where powers vanish, and 15 and 16 bits",
        (0, 7, 32_766),
    ),
    Dimension("steps", (3, 1, 6), "how many are taken"),
    Dimension("parameters", (1, 2, 3, 5, 8, 40), "the fourth, and lists of them", (1, 2, 5)),
    Dimension("alike", (False, True), "parameters of one shape may be stacked"),
    Dimension("groups", (1, 2, 3, 4, 9), "the parameters are dealt to them in turn", (1, 3)),
    Dimension("differ", ((), *IN_OTHER_GROUPS), "in which hyperparameters groups differ: all, or one"),
    Dimension("lr", (1e-3, 0.3, 1e-5, 2.0), "the learning rate: usual, small, and above 1"),
    Dimension("beta1", (0.9, 0.6, 0.99), "below and above what is usual"),
    Dimension("beta2", (0.999, 0.99, 0.9999, 0.5), "one is below β1"),
    Dimension("epsilon", (1e-8, 1e-3, 2.0), "the default, and such as rule the denominator"),
    Dimension("weight_decay", (0.0, 0.1), "none, and some"),
    Dimension(
        "loss_scale", (1.0, 3.0, 0.25, 2.0**17), "above and below 1, no power of two, and beyond float16"
    ),
    Dimension("maximize", (False, True), "the sign of the gradient"),
    Dimension("nesterov", (False, True), "another form of the update"),
    Dimension(
        "lr_changes",
        ("never", "once", "every step", "by a thousandth"),
        "when the learning rate changes, and by how much",
    ),
    Dimension(
        "others_change",
        ((), *ANEW, tuple(ANEW)),
        "which hyperparameters beside it are set anew, and later back: one, or all",
    ),
    Dimension("reloads", ("never", "once", "every step"), "when the state is saved and loaded"),
    Dimension(
        "missing",
        ("never", "at first", "the last at first", "every other step", "the last parameter"),
        "gradients that are None",
    ),
    Dimension("manner", (None, *Manner), "how it is handed over"),
)
ELSEWHERE = (Manner.ONE_BUFFER, Manner.VECTORS, Manner.FORKED)
OF_STATES = (Manner.SAVED, Manner.COPIED, Manner.FORKED, Manner.LOADED_BACK)
OF_ROWS = (Manner.INT32_ROWS, Manner.INT64_ROWS)
UNNAMED = "no rows are named"

EXCLUSIONS = (
    Exclusion(
        ("table_rows", "width"),
        lambda p: p["width"] == 1 or p["table_rows"] * p["width"] <= MOST_NUMBERS,
        "more numbers than are worth it",
    ),
    Exclusion(
        ("table_rows", "width", "parameters", "alike"),
        lambda p: not p["alike"] or p["table_rows"] * p["width"] * p["parameters"] <= 2 * MOST_NUMBERS,
        "more numbers than are worth it",
    ),
    Exclusion(("rank", "width"), lambda p: p["rank"] > 1 or p["width"] == 1, "a row of rank 1 is a number"),
    Exclusion(
        ("table_rows", "touched"),
        lambda p: p["table_rows"] >= {"all but one": 2, **TOUCHED}.get(p["touched"], 0),
        "there are not so many rows",
    ),
    Exclusion(
        ("touched", "repeats"),
        lambda p: p["touched"] != "none at times" or p["repeats"] == "none",
        "at times there is no row to repeat",
    ),
    Exclusion(("layout", "touched"), lambda p: p["layout"] == "sparse" or p["touched"] == "few", UNNAMED),
    Exclusion(("layout", "repeats"), lambda p: p["layout"] == "sparse" or p["repeats"] == "none", UNNAMED),
    Exclusion(("layout", "order"), lambda p: p["layout"] == "sparse" or p["order"] == "shuffled", UNNAMED),
    Exclusion(("layout", "manner"), lambda p: p["layout"] == "sparse" or p["manner"] not in OF_ROWS, UNNAMED),
    Exclusion(("parameters", "groups"), lambda p: p["parameters"] >= p["groups"], "a group would be empty"),
    Exclusion(
        ("parameters", "alike"), lambda p: p["parameters"] > 1 or not p["alike"], "there is one parameter"
    ),
    Exclusion(
        ("groups", "differ"),
        lambda p: p["groups"] > 1 or isinstance(p["differ"], tuple),
        "there is one group",
    ),
    Exclusion(
        ("parameters", "missing"),
        lambda p: p["parameters"] > 1 or not p["missing"].startswith("the last"),
        "nothing would be left",
    ),
    # A manner doubles what is tried: it is tried at few sizes.
    Exclusion(
        ("width", "manner"),
        lambda p: p["manner"] is None or p["width"] in FEW_WIDTHS,
        "a manner is tried at few widths",
    ),
    Exclusion(
        ("table_rows", "manner"),
        lambda p: p["manner"] is None or p["table_rows"] <= 1025,
        "a manner is tried in no large table",
    ),
    Exclusion(
        ("reloads", "manner"),
        lambda p: p["reloads"] != "never" or p["manner"] not in OF_STATES,
        "no state is saved",
    ),
    Exclusion(
        ("rank", "parameters", "alike", "manner"),
        lambda p: (
            p["manner"] is not Manner.ONE_BUFFER or (p["rank"] > 1 and (p["alike"] or p["parameters"] < 3))
        ),
        "parameters of rank 1 have a manner of their own",
    ),
    Exclusion(
        ("rank", "manner"),
        lambda p: p["rank"] == 1 or p["manner"] is not Manner.VECTORS,
        "only parameters of rank 1 are vectors",
    ),
    Exclusion(
        ("missing", "manner"),
        lambda p: p["missing"] == "never" or p["manner"] not in ELSEWHERE,
        "what is written elsewhere shows in rows that a gradient does not name",
    ),
    Exclusion(
        ("regime", "manner"),
        lambda p: p["regime"] == "ones" or p["manner"] is not Manner.EXPANDED,
        "a number stands for those that are equal",
    ),
    Exclusion(
        ("repeats", "manner"),
        lambda p: p["repeats"] != "cancelling" or p["manner"] is not Manner.EXPANDED,
        "a number stands for those that are equal",
    ),
    Exclusion(
        ("groups", "manner"),
        lambda p: p["groups"] == 1 or p["manner"] is not Manner.ARGUMENTS,
        "arguments are of one group",
    ),
)


INDIRECTLY = "what one asks for the other excludes"


def excluded(space: Space, given: Mapping[str, Any]) -> str:
    """Why these values, which no point of a covering array has, can't meet."""
    for exclusion in EXCLUSIONS:
        choices = [(given[name],) if name in given else space[name] for name in exclusion.fields]
        met = (dict(zip(exclusion.fields, chosen, strict=True)) for chosen in product(*choices))
        if not any(map(exclusion.holds, met)):
            return exclusion.why
    return INDIRECTLY


def unusual(space: Space, point: Point) -> dict[str, Any]:
    """What of a point is out of the ordinary."""
    return {name: value for name, value in point.items() if value != space[name][0]}


def simpler(space: Space, point: Point) -> Iterator[dict[str, Any]]:
    """Points with one value less that is out of the ordinary."""
    for name in unusual(space, point):
        less = {**point, name: space[name][0]}
        if all(exclusion.holds(less) for exclusion in EXCLUSIONS):
            yield less
