"""Arrays of points of a space: any two values that can meet do in some point, or any three."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any

from lazyadam.suites.cases import aetg, corpus
from lazyadam.suites.cases import space as space_module
from lazyadam.suites.cases.space import Point, Space, excluded

Values = frozenset[tuple[str, Any]]


def array(values: Space, seed: int, strength: int = 2) -> tuple[Point, ...]:
    """Points in which any two values, or three, meet that can: the same for the same seed."""
    return _array(tuple(values.items()), seed, strength)


@lru_cache(maxsize=64)
def _array(values: tuple[tuple[str, tuple[Any, ...]], ...], seed: int, strength: int) -> tuple[Point, ...]:
    sources = [Path(str(module.__file__)).read_text() for module in (aetg, space_module)]
    made_from = (*sources, values, seed, strength)
    return corpus.kept(made_from, lambda: aetg.array(dict(values), strength, seed), _are_points)


def _are_points(kept: Any) -> bool:
    return isinstance(kept, tuple) and all(isinstance(x, dict) for x in kept)


def covering(values: Space, points: Sequence[Point], most: int) -> Iterator[dict[str, Any]]:
    """Of each two dimensions how many pairs of values there are, can meet, and do in the first points."""
    possible, tried = met(points), met(points[:most])
    for left, right in combinations(values, 2):
        pairs = {frozenset(((left, x), (right, y))) for x in values[left] for y in values[right]}
        yield {
            "dimension": left,
            "other": right,
            "pairs": len(pairs),
            "possible": len(pairs & possible),
            "tried": len(pairs & tried),
            "why": "; ".join(sorted({excluded(values, dict(pair)) for pair in pairs - possible})),
        }


def met(points: Sequence[Point], count: int = 2) -> set[Values]:
    """The values, two or three, that meet in some point."""
    return {frozenset(some) for point in points for some in combinations(point.items(), count)}
