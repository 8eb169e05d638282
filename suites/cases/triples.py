"""Points in which any three values meet that can, by the greedy choice of AETG (Cohen et al. 1997).

No library at hand makes an array of this strength for 28 dimensions and what excludes what: covertable 3.2
had none after ten minutes, and allpairspy 2.5 ends with a part of the triples.
"""

from collections.abc import Iterator
from itertools import combinations, permutations, product

import numpy as np

from lazyadam.suites.cases.space import EXCLUSIONS, Point, Space


def covered(space: Space, seed: int) -> list[Point]:
    """An array of strength 3, made anew: of each three dimensions any values that can meet do."""
    array = _Array(space, seed)
    return [
        {name: values[x] for x, (name, values) in zip(point, space.items(), strict=True)} for point in array
    ]


class _Array:
    """Values are numbered: within their dimension, and (from `first`) through all dimensions.

    left: a cube over all values; whether three of them have yet to meet.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.sizes = [len(values) for values in space.values()]
        self.first = np.cumsum([0, *self.sizes[:-1]])
        self.dimension = np.repeat(np.arange(len(self.sizes)), self.sizes)
        apart = self.dimension[:, None] != self.dimension
        self.left = apart[:, :, None] & apart[:, None] & apart
        self.rules = [*_rules(space)]
        self.of = [[rule for rule in self.rules if d in rule[0]] for d in range(len(self.sizes))]
        self._strike_excluded()

    def __iter__(self) -> Iterator[list[int]]:
        while (counts := self.left.sum(axis=(1, 2))).any():
            three = self._three(counts)
            if (point := self._completed(self._with(three))) is None:
                self._strike(*three)
                continue
            met = self.first + point
            self.left[np.ix_(met, met, met)] = False
            yield point

    def _three(self, counts: np.ndarray) -> tuple[int, int, int]:
        """Three values that have yet to meet: those that have most to meet."""
        x = self._one(counts == counts.max())
        counts = self.left[x].sum(axis=1)
        y = self._one(counts == counts.max())
        return x, y, self._one(self.left[x, y])

    def _one(self, mask: np.ndarray) -> int:
        return int(self.rng.choice(np.flatnonzero(mask)))

    def _with(self, values: tuple[int, ...]) -> list[int]:
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
                gain = self.left[self.first[d] + values][:, there][:, :, there].sum(axis=(1, 2))
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
            for count in (2, 3):
                for axes in combinations(range(len(dimensions)), count):
                    others = tuple({*range(len(dimensions))} - {*axes})
                    first = self.first[[dimensions[axis] for axis in axes]]
                    for values in np.argwhere(~holds.any(axis=others)):
                        self._strike(*map(int, first + values))

    def _strike(self, *values: int) -> None:
        for places in permutations((*values, slice(None))[:3]):
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
