"""The arrays of points that come with the suite, made anew: python -m lazyadam.suites.instrument.arrays"""

import json
from typing import Any

from lazyadam.reports.tables import write_text
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.own import NumpyOptimizer, TorchOptimizer
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.cases.covering import RECORDED, covered, encoded, name_of
from lazyadam.suites.cases.space import EXCLUSIONS, Space
from lazyadam.suites.clauses.region import space_of
from lazyadam.suites.detection.kill import HOSTS


def spaces() -> dict[str, Space]:
    """Of the suite's backends, of the hosts of seeded faults, and of a file that declares nothing else."""
    of: tuple[type[Backend], ...] = (*BACKENDS.values(), *HOSTS.values(), NumpyOptimizer, TorchOptimizer)  # type: ignore[type-abstract]
    return {name_of(space): space for space in (space_of(backend) for backend in of)}


def made(space: Space) -> list[str]:
    """The array of seed 0."""
    return [encoded(space, point) for point in covered(space, 0)]


def completed(space: Space, point: dict[str, Any]) -> bool:
    """Whether a space has a point with these values: values of the other dimensions are tried in turn."""
    lacking = [[name for name in exclusion.fields if name not in point] for exclusion in EXCLUSIONS]
    if not any(lacking):
        return all(exclusion.holds(point) for exclusion in EXCLUSIONS)
    name = min(filter(None, lacking), key=len)[0]  # where most is decided
    return any(
        all(exclusion.holds(more) for exclusion in EXCLUSIONS if more.keys() >= {*exclusion.fields})
        and completed(space, more)
        for more in ({**point, name: value} for value in space[name])
    )


if __name__ == "__main__":
    arrays = {name: made(space) for name, space in sorted(spaces().items())}
    write_text(json.dumps(arrays, indent=0) + "\n", RECORDED)
