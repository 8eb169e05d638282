"""Where an optimizer of torch keeps its step count and its moments: found from two steps of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

GRADIENT = 2.0
NEAR = 0.05  # of their first values, relatively: in any order of evaluation, with the usual β
WHERE = ("state", "group", "optimizer")


@dataclass(frozen=True)
class Kept:
    """Names of the count and the two moments; and of the largest second moment, where it is kept.

    where: the count is in the state of each parameter, in its group, or an attribute of the optimizer.
    example: its value after a step, of whatever type. flat: the moments lack the parameter's shape. other:
    names of what else is in the state of a parameter.
    """

    count: str
    where: str
    example: Any
    first: str
    second: str
    flat: bool
    other: tuple[str, ...] = ()
    largest: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the count, and of all moments."""
        return self.count, self.first, self.second, *([self.largest] if self.largest else [])

    @property
    def usual(self) -> bool:
        """Whether it is as torch's own optimizers keep it."""
        return self.where == "state" and not self.flat and not self.other

    def counted(self, t: int) -> Any:
        """A count of t steps, of the optimizer's own type."""
        return self.example * 0 + t if hasattr(self.example, "dtype") else type(self.example)(t)


def find(optimizer: Any, parameter: Any, take: Callable[[], object], names: tuple[str, ...]) -> Kept:
    """Take two steps of a new optimizer with a gradient of `GRADIENT`, and look what they left where.

    names: those to be looked for first; of the largest second moment, the fourth, only that.

    Raises:
        LookupError: something is nowhere; the message is a line that says what there is.
    """
    take()
    state: Mapping[Any, Any] = optimizer.state.get(parameter) or {}
    beta1, beta2 = optimizer.param_groups[0].get("betas", (0.9, 0.999))
    averages = ((1 - beta1) * GRADIENT, (1 - beta2) * GRADIENT**2)
    moments = {x: y for x, y in state.items() if getattr(y, "numel", int)() == parameter.numel()}
    first, second = (
        name if name in moments else next((x for x, y in moments.items() if _is(y, due)), "")
        for name, due in zip(names[1:3], averages, strict=True)
    )
    largest = [name if name in moments else "" for name in names[3:]]
    once = {(where, name): x for where, name, x in _numbers(optimizer, parameter) if float(x) == 1}
    examples = {place: x.clone() if hasattr(x, "clone") else x for place, x in once.items()}
    take()
    twice = {(where, name) for where, name, x in _numbers(optimizer, parameter) if float(x) == 2}
    counts = sorted(once.keys() & twice, key=lambda at: (at[1] != names[0], WHERE.index(at[0]), at[1]))
    if lacking := [
        name for name, found in zip(names, (counts, first, second, *largest), strict=True) if not found
    ]:
        has = ", ".join(map(str, state)) or "nothing"
        raise LookupError(
            f"it keeps no {' and no '.join(lacking)}: its state has {has}, and none of it is what a first "
            f"step of an Adam leaves there; by which names it keeps them: state_names"
        )
    flat = state[first].shape != parameter.shape
    where, count = counts[0]
    known = {first, second, *largest, *([count] if where == "state" else [])}
    other = tuple(name for name in state if name not in known)
    return Kept(count, where, examples[counts[0]], first, second, flat, other, *largest)


def _is(x: Any, due: float) -> bool:
    return bool((abs(x.double() - due) <= NEAR * due).all())


def _numbers(optimizer: Any, parameter: Any) -> list[tuple[str, str, Any]]:
    """Single numbers: in the parameter's state, in its group, and among the optimizer's attributes."""
    places = (optimizer.state.get(parameter) or {}, optimizer.param_groups[0], vars(optimizer))
    return [
        (where, str(name), x)
        for where, place in zip(WHERE, places, strict=True)
        for name, x in place.items()
        if (isinstance(x, int | float) and not isinstance(x, bool)) or getattr(x, "numel", int)() == 1
    ]
