"""Optimizer states as they are carried from one framework to another, and what may not be."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lazyadam.reference.scalars import Hyperparameters

MOMENTS = ("w", "m", "v")
REST = "rest"  # the file of what no optimizer has


class CheckpointError(Exception):
    """A checkpoint that can't be carried; the message is one line that says what and where."""


@dataclass(frozen=True, eq=False)
class Held:
    """A parameter of an optimizer: its weights and moments, of one shape, its step count, and its group.

    group: its number.
    """

    name: str
    w: np.ndarray
    m: np.ndarray
    v: np.ndarray
    t: int
    hyperparameters: Hyperparameters
    group: int = 0


@dataclass(frozen=True)
class Optimizer:
    """name: in the checkpoint. lazy: it moves the rows of a gradient alone. held: its parameters.

    groups: what else each group has, as its own framework has it.
    """

    name: str
    lazy: bool
    held: tuple[Held, ...]
    groups: tuple[Mapping[str, Any], ...] = ()

    def rates(self) -> dict[int, float]:
        """The learning rate of each group that has parameters, by its number."""
        return dict(sorted({x.group: x.hyperparameters.lr for x in self.held}.items()))


@dataclass(frozen=True)
class Checkpoint:
    """rest: what of the model no optimizer has, by name."""

    optimizers: tuple[Optimizer, ...]
    rest: Mapping[str, np.ndarray] = field(default_factory=dict)


def check(optimizers: Sequence[Optimizer]) -> None:
    """Refuse what is no state of such optimizers.

    Raises:
        CheckpointError: the first thing that is wrong.
    """
    if not optimizers or not any(x.held for x in optimizers):
        raise CheckpointError("it has no optimizer with a state")
    for name in (x.name for x in optimizers):
        if not name or name == REST or name != Path(name).name or name.startswith("."):
            raise CheckpointError(
                f"an optimizer's name is a file's, and {name!r} is none, or that of the rest"
            )
    twice = [name for name, n in Counter(x.name for o in optimizers for x in o.held).items() if n > 1]
    if twice:
        raise CheckpointError(f"{twice[0]} is there twice")
    for flaw in (flaw for o in optimizers for x in o.held for flaw in _flaws(x)):
        raise CheckpointError(flaw)


def _flaws(x: Held) -> Iterator[str]:
    for name in MOMENTS:
        array = getattr(x, name)
        if array.shape != x.w.shape:
            yield f"{x.name}: {name} has the shape {[*array.shape]}, w {[*x.w.shape]}"
        if array.dtype != x.w.dtype or array.dtype.kind != "f":
            yield f"{x.name}: {name} is {array.dtype}, w {x.w.dtype}"
        if not np.isfinite(array).all():
            yield f"{x.name}: {name} has {'NaN' if np.isnan(array).any() else 'infinities'}"
    if (x.v < 0).any():
        yield f"{x.name}: v is negative"
    if x.t < 0 or (x.t == 0 and (x.m.any() or x.v.any())):
        yield f"{x.name}: step {x.t}, but its moments are there"
