"""Hosts without a fault are not flagged, whatever the seed."""

import pytest

from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.cases.strategies import seed_of
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.detection.kill import HOSTS, first_kill, seeded

SEEDS = range(1, 51)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed_given", SEEDS)
def test_clean_host_is_not_flagged(host: str, dtype: str, seed_given: int) -> None:
    assert first_kill(seeded(host), dtype, seed_given) is None


def test_other_seeds_give_other_cases() -> None:
    clause = CLAUSES["update-rule"]
    menu = clause.menu(HOSTS["numpy"])
    digests = {
        tuple(case.digest for case in collect(menu, "float32", 10, seed_of(seed, clause.id, "float32")))
        for seed in SEEDS
    }
    assert len(digests) == len(SEEDS)
