"""Arrays that cover all pairs of values, or all triples, by AETG's greedy choice (Cohen et al. 1997).

Of a few candidates the point is taken that has the most pairs that have yet to meet; a candidate begins with
values that do, and has the best value of each other dimension, in an order at random. covertable 3.2 and
allpairspy 2.5 were tried before: an array of strength 2 is as large by covertable and takes several times as
long, of strength 3 it had none after ten minutes, and allpairspy ends with a part of the triples.
"""

from collections.abc import Iterator
from itertools import combinations, permutations, product

import numpy as np

from lazyadam.suites.cases.space import EXCLUSIONS, Point, Space

CANDIDATES = 5  # more make an array hardly smaller


def array(space: Space, strength: int, seed: int) -> tuple[Point, ...]:
    """Points of a space in which any so many values of as many dimensions meet that can."""
    return tuple(
        {name: values[x] for x, (name, values) in zip(point, space.items(), strict=True)}
        for point in _Array(space, strength, seed)
    )


class _Array:
    """Values are numbered: within their dimension, and (from `first`) through all dimensions.

    left: an array with an axis of all values for each that are to meet; whether they have yet to.
    """

    def __init__(self, space: Space, strength: int, seed: int) -> None:
        self.strength, self.rng = strength, np.random.default_rng(seed)
        self.sizes = [len(values) for values in space.values()]
        self.first = np.cumsum([0, *self.sizes[:-1]])
        self.dimension = np.repeat(np.arange(len(self.sizes)), self.sizes)
        self.left = np.ones((len(self.dimension),) * strength, bool)
        for axes in combinations(np.ix_(*[self.dimension] * strength), 2):
            self.left &= axes[0] != axes[1]
        self.rules = [*_rules(space)]
        self.of = [[rule for rule in self.rules if d in rule[0]] for d in range(len(self.sizes))]
        self._strike_excluded()

    def __iter__(self) -> Iterator[list[int]]:
        while self.left.any():
            candidates = list(filter(None, (self._candidate() for _ in range(CANDIDATES))))
            if candidates:
                best = max(candidates, key=lambda point: self.left[self._all(point)].sum())
                self.left[self._all(best)] = False
                yield best

    def _candidate(self) -> list[int] | None:
        """A point with values that have yet to meet; they are struck where there is none."""
        if not self.left.any():
            return None
        some = self._some()
        point = self._completed(self._with(some))
        if point is None:
            self._strike(*some)
        return point

    def _all(self, point: list[int]) -> tuple[np.ndarray, ...]:
        """Where those that meet in a point are."""
        return np.ix_(*[self.first + point] * self.strength)

    def _some(self) -> list[int]:
        """Values that have yet to meet: those that have most to meet."""
        left, some = self.left, []
        while left.ndim > 1:
            counts = left.sum(axis=tuple(range(1, left.ndim)))
            some.append(self._one(counts == counts.max()))
            left = left[some[-1]]
        return [*some, self._one(left)]

    def _one(self, mask: np.ndarray) -> int:
        return int(self.rng.choice(np.flatnonzero(mask)))

    def _with(self, values: list[int]) -> list[int]:
        """A point that has these values alone; -1 where it is open."""
        point = [-1] * len(self.sizes)
        for x in values:
            point[self.dimension[x]] = int(x - self.first[self.dimension[x]])
        return point

    def _completed(self, point: list[int]) -> list[int] | None:
        """A point with these values, by most triples that have yet to meet; None where there is none."""
        if any(not self._allowed(point, d)[x] for d, x in enumerate(point) if x >= 0):
            return None
        return self._chosen([*point]) or self._searched(point)

    def _chosen(self, point: list[int]) -> list[int] | None:
        """The dimensions in some order, and of each the best value; None where one has none left."""
        for d in map(int, self.rng.permutation(len(point))):
            if point[d] < 0:
                values = np.flatnonzero(self._allowed(point, d))
                if not len(values):
                    return None
                there = [int(first + x) for first, x in zip(self.first, point, strict=True) if x >= 0]
                met = self.left[np.ix_(self.first[d] + values, *[there] * (self.strength - 1))]
                gain = met.sum(axis=tuple(range(1, self.strength)))
                point[d] = int(values[self._one(gain == gain.max())])
        return point

    def _searched(self, point: list[int]) -> list[int] | None:
        """Whatever point there is: the dimension that has the fewest values left is decided first."""
        values = {d: np.flatnonzero(self._allowed(point, d)) for d, x in enumerate(point) if x < 0}
        if not values:
            return point
        d = min(values, key=lambda d: len(values[d]))
        tries = (self._searched([*point[:d], int(x), *point[d + 1 :]]) for x in values[d])
        return next((found for found in tries if found is not None), None)

    def _allowed(self, point: list[int], d: int) -> np.ndarray:
        """Which values of a dimension agree with those that a point has, by each rule alone."""
        allowed = np.ones(self.sizes[d], bool)
        for dimensions, holds in self.of[d]:
            still = [e for e in dimensions if e == d or point[e] < 0]
            part = holds[tuple(slice(None) if e in still else point[e] for e in dimensions)]
            allowed &= part.any(axis=tuple(i for i, e in enumerate(still) if e != d))
        return allowed

    def _strike_excluded(self) -> None:
        """Two values, or three, that a rule keeps apart whatever else there is."""
        for dimensions, holds in self.rules:
            for count in range(2, min(self.strength, len(dimensions)) + 1):
                for axes in combinations(range(len(dimensions)), count):
                    others = tuple({*range(len(dimensions))} - {*axes})
                    first = self.first[[dimensions[axis] for axis in axes]]
                    for values in np.argwhere(~holds.any(axis=others)):
                        self._strike(*map(int, first + values))

    def _strike(self, *values: int) -> None:
        for places in permutations([*values, *[slice(None)] * (self.strength - len(values))]):
            self.left[places] = False


def _rules(space: Space) -> Iterator[tuple[list[int], np.ndarray]]:
    """Of each exclusion that excludes something here the dimensions, and which of their values can meet."""
    names = [*space]
    for exclusion in EXCLUSIONS:
        values = [space[name] for name in exclusion.fields]
        met = (dict(zip(exclusion.fields, chosen, strict=True)) for chosen in product(*values))
        holds = np.array([*map(exclusion.holds, met)]).reshape([len(x) for x in values])
        if not holds.all():
            yield [names.index(name) for name in exclusion.fields], holds
