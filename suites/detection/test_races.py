"""Faults that show in some runs only: in how many of 100 runs of the profile ci they are found."""

import json
from collections import Counter
from collections.abc import Callable

import pytest

from lazyadam.suites.detection.faults import RACES
from lazyadam.suites.detection.kill import HOSTS, first_kill, seeded

RUNS = 100


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("race", RACES)
def test_race_is_found_in_most_runs(
    race: str, host: str, seed: int, record_property: Callable[[str, object], None]
) -> None:
    fault = RACES[race]
    kills = [first_kill(seeded(host, getattr(fault, host)), fault.dtype, seed) for _ in range(RUNS)]
    clauses = Counter(kill.clause for kill in kills if kill)
    killed = clauses.total()
    row = {
        "fault": race,
        "host": host,
        "stands_for": fault.stands_for,
        "runs": RUNS,
        "killed": killed,
        "by_clause": "; ".join(f"{clause} {count}" for clause, count in clauses.most_common(3)),
    }
    record_property("lazyadam-result", json.dumps({"races": [row]}))
    assert killed > RUNS / 2
