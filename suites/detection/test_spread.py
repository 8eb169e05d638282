"""Cases of a campaign spread evenly and by what they find: how many it takes to find rare faults."""

import json
import random
from collections.abc import Callable
from functools import cache
from statistics import mean

import numpy as np
import pytest

from lazyadam.reports.tables import RECORDED, read
from lazyadam.suites.campaign.covered import circumstances
from lazyadam.suites.campaign.unit import units_of as campaign_units
from lazyadam.suites.cases.case import Case
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.cases.strategies import seed_of
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.conformance.budget import menu_of
from lazyadam.suites.conformance.examine import examine
from lazyadam.suites.detection.faults import FAULTS
from lazyadam.suites.detection.kill import Here, applicable, first_failing, seeded
from lazyadam.suites.detection.spread import SPREADS, Unit, Units, first_find
from lazyadam.suites.judge.trial import Trial, judge

CASES, TOGETHER, ORDERS = 200, 20, 200
FEW = 60
BLOCKS = 3


def rare() -> list[str]:
    """Faults that the fewest clauses find, by detection_matrix.csv."""
    sought = [name for name in finders() if not FAULTS[name].allowed and not FAULTS[name].is_beyond("numpy")]
    return sorted(sought, key=lambda name: (len(finders()[name]), name))[:FEW]


@cache
def finders() -> dict[str, frozenset[str]]:
    """Of each fault the clauses that find it."""
    matrix = read("detection_matrix", RECORDED)
    found = matrix[(matrix["host"] == "numpy") & (matrix["killed"] == "yes")].groupby("fault")["clause"]
    return {str(fault): frozenset(clauses) for fault, clauses in found}


@cache
def drawn(dtype: str, seed: int) -> dict[Clause, list[Case]]:
    """Of every clause that has so many cases, those without long runs and large tables."""
    host = seeded("numpy")
    menus = {clause: menu_of(clause, host.backend, dtype) for clause in applicable(host, dtype)}
    return {
        clause: collect(menu, dtype, CASES, seed_of(seed, clause.id, dtype))
        for clause, menu in menus.items()
        if not clause.free and not menu.observed and menu.most >= CASES
    }


def tried(host: Here, clause: Clause, cases: list[Case]) -> tuple[np.ndarray, np.ndarray]:
    """Of each case its largest error / bound, and whether it fails."""
    seen = host.run(cases)
    worst = judge(Trial(clause, host.backend, cases, seen), host.backend.spoken).worst
    return worst, (worst > 1) | [x.failure is not None for x in seen]


@cache
def clean(clause: Clause, dtype: str, seed: int) -> np.ndarray:
    """Whether each case fails without a fault."""
    return tried(seeded("numpy"), clause, drawn(dtype, seed)[clause])[1]


def units_of(name: str, seed: int) -> Units:
    """What each unit of a campaign would see of a fault."""
    fault, found = FAULTS[name], {}
    for clause, cases in drawn(fault.dtype, seed).items():
        worst, fails = tried(seeded("numpy", fault.numpy), clause, cases)
        new = fails & ~clean(clause, fault.dtype, seed)
        found[clause.id] = [
            Unit(
                len(at),
                int(new[at].argmax()) if new[at].any() else None,
                float(worst[at].max()),
                frozenset(x for i in at for x in circumstances(cases[i])),
            )
            for at in (range(i, i + TOGETHER) for i in range(0, CASES, TOGETHER))
        ]
    return found


def in_a_campaign(name: str, seed: int) -> int | None:
    """How many cases of a campaign's units it takes; the clauses that find it in a run of ci alone are tried.

    None: it is not among those of the first blocks.
    """
    fault, tried = FAULTS[name], 0
    host = seeded("numpy", fault.numpy)
    finds = finders()[name]
    for block in range(BLOCKS):
        for unit in campaign_units(host.backend, block):
            if unit.dtype == fault.dtype and unit.clause in finds:
                seen = examine(unit.sample(host.backend, seed), host)
                if seen.new:
                    return tried + first_failing(seen) + 1
            tried += unit.cases
    return None


@pytest.mark.parametrize("fault", rare())
def test_cases_to_the_first_find(
    fault: str, seed: int, record_property: Callable[[str, object], None]
) -> None:
    units = units_of(fault, seed)
    row: dict[str, object] = {"fault": fault}
    for name, weigh in SPREADS.items():
        cases = [first_find(units, weigh, random.Random(order)) for order in range(ORDERS)]
        row[name.replace(" ", "_")] = None if None in cases else mean(x for x in cases if x is not None)
    row["in_a_campaign"] = in_a_campaign(fault, seed)
    record_property("lazyadam-result", json.dumps({"spread": [row]}))
