"""The space as a backend takes it, and which clause says what of it."""

from collections.abc import Collection, Mapping
from typing import Any

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.cases.space import ANEW, DIMENSIONS, IN_OTHER_GROUPS, Point, Space, unusual

MANNERS = {
    Manner.INT32_ROWS: "index-type",
    Manner.INT64_ROWS: "index-type",
    Manner.STRIDED: "strided-parameters",
    Manner.COLUMNS: "column-order",
    Manner.STRIDED_GRADIENTS: "strided-gradients",
    Manner.EXPANDED: "expanded-gradients",
    Manner.LR_TENSOR: "learning-rate-tensor",
    Manner.ONE_BUFFER: "one-buffer",
    Manner.VECTORS: "one-buffer-vectors",
    Manner.FROZEN: "frozen-beside",
    Manner.EMPTY: "empty-beside",
    Manner.MIXED: "mixed-types",
    Manner.THREADS: "threads",
    Manner.DETERMINISTIC: "deterministic",
    Manner.SCALER: "grad-scaler",
    Manner.GRAPH: "cuda-graph",
    Manner.OVERWRITTEN: "gradient-overwritten",
    Manner.CLOSURE: "closure",
    Manner.SAVED: "saved-as-bytes",
    Manner.COPIED: "copied-optimizer",
    Manner.FORKED: "two-optimizers",
    Manner.LOADED_BACK: "loaded-back",
    Manner.ARGUMENTS: "constructor-arguments",
}
# The clause that says what is to come of a value that is out of the ordinary.
SAYS: dict[str, str | dict[Any, str]] = {
    "width": "shapes",
    "rank": "shapes",
    "table_rows": "large-table",
    "touched": {"none at times": "empty-gradient", "all": "all-rows", "all but one": "untouched-rows"},
    "repeats": "duplicates",
    "regime": {"tiny": "tiny-gradients", "zeros": "zero-rows"},
    "start": "late-steps",
    "parameters": "several-parameters",
    "alike": "parameters-alike",
    "groups": "several-parameters",
    "differ": "several-parameters",
    "weight_decay": "weight-decay",
    "loss_scale": "loss-scale",
    "maximize": "maximize",
    "nesterov": "nesterov",
    "lr_changes": "learning-rate",
    "others_change": "changed-hyperparameters",
    "reloads": "save-and-load",
    "missing": "missing-gradient",
    "manner": MANNERS,
}
RULE = "update-rule"  # what is said of everything
TOGETHER = "combinations"
# What is known of these shows whatever else there is: they are tried under their own clause alone.
ALONE = {("touched", "none at times"), ("nesterov", True)}
# The only clauses that points are tried under: for any other no array has to be made.
OWNERS = {TOGETHER, *MANNERS.values(), "weight-decay-strided", "empty-gradient", "nesterov"}


def space_of(backend: type[Backend]) -> Space:
    """The dimensions with the values that a backend takes; fewer where each costs a compilation."""
    taken: dict[str, tuple[Any, ...]] = {}
    for dimension in DIMENSIONS:
        few = backend.compiles and dimension.few
        taken[dimension.name] = dimension.few if few else dimension.values
    taken["layout"] = tuple(layout for layout in taken["layout"] if layout in backend.layouts)
    if "sparse" not in taken["layout"]:
        taken |= {name: taken[name][:1] for name in ("touched", "repeats", "order")}
    for name in ("weight_decay", "loss_scale", "maximize", "nesterov"):
        if name not in backend.hyperparameters:
            taken[name] = taken[name][:1]
    if not backend.grouped:
        taken["groups"] = taken["groups"][:1]  # what is set anew would differ between them
    differ = tuple(name for name in IN_OTHER_GROUPS if name in backend.grouped)
    taken["differ"] = (differ, *(differ if len(differ) > 1 else ()))
    changing = tuple(name for name in ANEW if name in backend.changing)
    taken["others_change"] = ((), *changing, *([changing] if len(changing) > 1 else []))
    if "none" not in backend.layouts:
        taken["missing"] = taken["missing"][:1]
    manners = [] if backend.compiles else [manner for manner in MANNERS if manner in backend.manners]
    taken["manner"] = (None, *manners)
    return taken


def said_by(space: Space, point: Point) -> Mapping[str, str]:
    """Of each dimension in which a point is out of the ordinary the clause that speaks of it."""
    found = {}
    for name, value in unusual(space, point).items():
        says = SAYS.get(name, RULE)
        found[name] = says if isinstance(says, str) else says.get(value, RULE)
    if "weight_decay" in found and "repeats" in found:
        found["weight_decay"] = "weight-decay-duplicates"
    differ = point["differ"] if point["groups"] > 1 else ()
    decays = "weight_decay" in found or "weight_decay" in differ or "weight_decay" in point["others_change"]
    if decays and point["manner"] is Manner.STRIDED:
        found["manner"] = "weight-decay-strided"
    return found


def owner(space: Space, point: Point, clauses: Collection[str]) -> str:
    """The clause that a point is tried under, of those that apply."""
    said = said_by(space, point)
    alone = {name: x for name, x in said.items() if name == "manner" or (name, point[name]) in ALONE}
    first = sorted(alone, key=lambda name: name != "manner")
    return next((alone[name] for name in first if alone[name] in clauses), TOGETHER)
