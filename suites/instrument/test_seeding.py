"""Seeding: a fault is what it says, once, and a change that fits nothing is an error."""

import pytest

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.faults import FAMILIES, FAULTS, RACES, racing
from lazyadam.suites.detection.hosts import lazy_adam
from lazyadam.suites.detection.hosts.edit import NotSeeded, edited


def test_no_two_faults_share_an_id() -> None:
    assert len(FAULTS | RACES) == sum(len(family.FAULTS) for family in (*FAMILIES, racing))


def test_every_fault_has_a_host() -> None:
    assert [fault.id for fault in FAULTS.values() if not fault.numpy and not fault.torch] == []


@pytest.mark.parametrize("fault", [f for f in (FAULTS | RACES).values() if f.numpy], ids=lambda f: f.id)
def test_what_a_fault_changes_stands_once_in_the_numpy_host(fault: Fault) -> None:
    edited((lazy_adam,), fault.numpy)


@pytest.mark.parametrize("old", ["no such text", "to(1 - beta1) * g"], ids=["nowhere", "twice"])
def test_edit_that_does_not_fit_is_refused(old: str) -> None:
    with pytest.raises(NotSeeded, match="times in"):
        edited((lazy_adam,), ((old, "pass"),))


def test_edit_leaves_the_original_alone() -> None:
    (changed,) = edited((lazy_adam,), (("alpha = lr *", "alpha = 2 * lr *"),))
    assert changed.LazyAdam is not lazy_adam.LazyAdam
    assert edited((lazy_adam,), ())[0].__dict__.keys() == changed.__dict__.keys()
