"""The case at a point of the space: a pure function of the point, a type and a seed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lazyadam.reference.rounding import round_to
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step
from lazyadam.suites.cases.space import ANEW, IN_OTHER_GROUPS, TOUCHED, Point
from lazyadam.suites.cases.values import gradient_values, weights

OTHERS: tuple[tuple[int, ...], ...] = ((5, 3), (7,), (3, 2, 2), (2, 9))  # shapes beside the first
BACK = 4  # the step, from 0, before which hyperparameters are set back
HYPERPARAMETERS = ("lr", "beta1", "beta2", "epsilon", "weight_decay", "loss_scale", "maximize", "nesterov")


def case_at(point: Point, dtype: str, seed: int) -> Case:
    """The case at a point, in a type: the same for the same seed."""
    rng = np.random.default_rng(seed)
    shapes = _shapes(point)
    groups = tuple(_groups(point))
    parameters = tuple(_parameter(point, shape, dtype, rng) for shape in shapes)
    steps = tuple(_step(point, k, shapes, groups, dtype, rng) for k in range(point["steps"]))
    manner = frozenset([point["manner"]] if point["manner"] else [])
    observed = tuple(range(1, len(steps) + 1))
    return Case(dtype, parameters, groups, steps, observed, point["start"], manner)


def _shapes(point: Point) -> list[tuple[int, ...]]:
    rows, width, rank = point["table_rows"], point["width"], point["rank"]
    half = 2 if width % 2 == 0 else 1
    tails = {1: (), 2: (width,), 3: (half, width // half), 4: (1, width // half, half)}
    first = (rows, *tails[rank])
    others = [first if point["alike"] else OTHERS[i % len(OTHERS)] for i in range(point["parameters"] - 1)]
    return [first, *others]


def _groups(point: Point) -> Iterator[Group]:
    count, differ = point["groups"], point["differ"]
    names = (differ,) if isinstance(differ, str) else differ
    own = Hyperparameters(**{name: point[name] for name in HYPERPARAMETERS})
    for i in range(count):
        others: dict[str, Any] = {name: IN_OTHER_GROUPS[name][(i - 1) % 3] for name in names if i}
        yield Group(tuple(range(i, point["parameters"], count)), replace(own, **others))


def _parameter(point: Point, shape: tuple[int, ...], dtype: str, rng: np.random.Generator) -> Parameter:
    w = weights(point["weights"], _seed(rng), shape, dtype)
    if point["start"] == 0:
        return Parameter(w, np.zeros(shape), np.zeros(shape))
    g = gradient_values("ordinary", _seed(rng), shape, dtype)
    return Parameter(w, round_to(0.1 * g, dtype), round_to(0.01 * g * g, dtype))


def _step(
    point: Point,
    number: int,
    shapes: Sequence[tuple[int, ...]],
    groups: Sequence[Group],
    dtype: str,
    rng: np.random.Generator,
) -> Step:
    later = number == 1 or point["steps"] == 1
    bare = point["touched"] == "none at times" and later
    gradients: list[Gradient | None] = [_gradient(point, shape, dtype, rng, bare) for shape in shapes]
    missing = point["missing"]
    if missing == "the last parameter" or (missing == "the last at first" and number == 0):
        gradients[-1] = None
    elif (missing == "at first" and number == 0) or (missing == "every other step" and number % 2):
        gradients[0] = None
    reloads = point["reloads"]
    reload = reloads == "every step" or (reloads == "once" and later)
    return Step(tuple(gradients), dict(_changes(point, number, groups, later)), reload)


def _changes(
    point: Point, number: int, groups: Sequence[Group], later: bool
) -> Iterator[tuple[str, tuple[float, ...]]]:
    """What is set anew before a step: the learning rate, and others there and back."""
    own = [group.hyperparameters for group in groups]
    how, others = point["lr_changes"], point["others_change"]
    if how == "every step" or (how == "once" and later):
        yield "lr", tuple((number + 2) * 10.0 ** -(i % 3 + 1) for i in range(len(own)))
    elif how == "by a thousandth" and later:
        yield "lr", tuple(h.lr * 1.001 for h in own)
    for name in (others,) if isinstance(others, str) else others:
        before = tuple(getattr(h, name) for h in own)
        if number == BACK:
            yield name, before
        elif later:
            yield (
                name,
                tuple(not x if name == "maximize" else ANEW[name][i % 3] for i, x in enumerate(before)),
            )


def _gradient(
    point: Point, shape: tuple[int, ...], dtype: str, rng: np.random.Generator, bare: bool
) -> Gradient:
    """A gradient of a point. bare: it has no rows, where that is so at times."""
    if point["layout"] == "dense":
        return Gradient(gradient_values(point["regime"], _seed(rng), shape, dtype))
    rows = _rows(point, shape[0], rng)[: 0 if bare else None]
    values = gradient_values(point["regime"], _seed(rng), (len(rows), *shape[1:]), dtype)
    if point["repeats"] == "cancelling" and len(rows):
        once, counts = np.unique(rows, return_counts=True)
        first, second = np.flatnonzero(rows == once[counts.argmax()])
        values[second] = -values[first]
    return Gradient(values, rows)


def _rows(point: Point, count: int, rng: np.random.Generator) -> np.ndarray:
    """The rows of a gradient, in a table of so many."""
    touched, repeats = point["touched"], point["repeats"]
    some = int(rng.integers(1, min(count, 8) + 1))
    sizes = {"all": count, "all but one": count - 1, **TOUCHED}
    number = sizes.get(touched, some)
    rows = rng.permutation(count)[:number]
    if len(rows):
        more = {
            "none": rows[:0],
            "a pair": rows[:1],
            "cancelling": rows[:1],
            "all twice": rows,
            "runs of three": np.repeat(rows, 2),
            "one of fifty": np.repeat(rows[:1], 49),
        }
        rows = np.concatenate((rows, more[repeats]))
    if repeats == "runs of three":
        rows = rows[np.argsort(rows, kind="stable")][:: 1 if rng.integers(2) else -1]
    elif repeats != "none":
        rows = rng.permutation(rows)
    if point["order"] != "shuffled":
        rows = np.sort(rows)[:: 1 if point["order"] == "sorted" else -1]
    return np.ascontiguousarray(rows, np.int64)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**32))
