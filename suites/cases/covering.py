"""Arrays of points that cover pairs of values of a space (covertable 3.2, a greedy algorithm), or triples."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from typing import Any

import covertable

from lazyadam.suites.cases import corpus, triples
from lazyadam.suites.cases import space as space_module
from lazyadam.suites.cases.space import EXCLUSIONS, Point, Space, excluded

Values = frozenset[tuple[str, Any]]
RECORDED = Path(__file__).with_name("arrays.json")  # those of seed 0: to make one takes seconds
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def array(values: Space, seed: int, strength: int = 2) -> tuple[Point, ...]:
    """Points in which any two values, or three, meet that can: the same for the same seed."""
    return _array(tuple(values.items()), seed, strength)


@lru_cache(maxsize=64)
def _array(values: tuple[tuple[str, tuple[Any, ...]], ...], seed: int, strength: int) -> tuple[Point, ...]:
    space = dict(values)
    if strength == 2 and seed == 0 and (rows := recorded().get(name_of(space))):
        return tuple(decoded(space, row) for row in rows)
    make = {2: covered, 3: triples.covered}[strength]
    made_by = f"covertable {version('covertable')}" if strength == 2 else Path(triples.__file__).read_text()
    made_from = (made_by, Path(space_module.__file__).read_text(), values, seed)
    return corpus.kept(made_from, lambda: tuple(make(space, seed)), _are_points)


@lru_cache(maxsize=1)
def recorded() -> dict[str, list[str]]:
    """The arrays that come with the suite: of each space the points, as `encoded` has them."""
    found: dict[str, list[str]] = json.loads(RECORDED.read_text())
    return found


def name_of(space: Space) -> str:
    """What an array is recorded under: all that it depends on, but for what excludes what."""
    return hashlib.sha256(repr([*space.items()]).encode()).hexdigest()[:16]


def encoded(space: Space, point: Point) -> str:
    """A digit for each dimension: the place of its value."""
    return "".join(DIGITS[values.index(point[name])] for name, values in space.items())


def decoded(space: Space, row: str) -> Point:
    return {name: values[DIGITS.index(x)] for x, (name, values) in zip(row, space.items(), strict=True)}


def covered(values: Space, seed: int) -> Sequence[Point]:
    """An array of strength 2, made anew."""
    constraints = [{"operator": "fn", "requires": list(x.fields), "evaluate": x.holds} for x in EXCLUSIONS]
    found = covertable.make(dict(values), strength=2, salt=str(seed), constraints=constraints)
    return [{name: row[name] for name in values} for row in found]


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
