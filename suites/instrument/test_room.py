"""What is measured beside each other in the memory there is. Nothing is timed."""

from itertools import product

import pytest

from lazyadam.suites.backends.timing.by_hand import NumPyByHand
from lazyadam.suites.backends.timing.floor import NumPyFloor
from lazyadam.suites.cases.configuration import INSTANCES, Configuration
from lazyadam.suites.instrument.test_performance import LastWins, Right, arm
from lazyadam.suites.performance.arms import Arm, Arms
from lazyadam.suites.performance.room import Batch, Need, batches, guessed, needs, seen

LARGE = Configuration(400_000, 32, 1000)
BASE, PAIR, OTHER, THIRD = arm(Right), arm(Right, twin="sparse"), arm(NumPyByHand), arm(LastWins)
FLOOR = arm(NumPyFloor, judged=False)
ARMS = [BASE, OTHER, THIRD, FLOOR, PAIR]
NEED = dict.fromkeys(ARMS, Need(making=250, held=100))  # 150 more while one is made


def planned(free: float) -> list[Batch]:
    for each in ARMS:
        each.fail(None)
    return batches(ARMS, LARGE, NEED, free)


@pytest.mark.parametrize(("free", "instances"), [(1650, 3), (1649, 2), (1150, 2), (1149, 1), (650, 1)])
def test_where_they_fit_all_are_measured_together_in_as_many_instances_as_do(
    free: float, instances: int
) -> None:
    assert planned(free) == [Batch(ARMS, instances)]


def test_where_they_do_not_each_is_beside_the_pair_and_the_floor() -> None:
    core = [BASE, FLOOR, PAIR]
    assert planned(649) == planned(550) == [Batch([*core, OTHER], 1), Batch([*core, THIRD], 1)]


def test_what_fits_only_by_itself_is_measured_by_itself_and_nothing_else_fails() -> None:
    assert planned(549) == planned(250) == [Batch([each], 1) for each in ARMS]
    assert all(each.failure is None for each in ARMS)


def test_what_does_not_fit_at_all_is_a_row_that_says_so() -> None:
    assert planned(249) == [Batch([each], 0) for each in ARMS]
    assert all(each.failure and each.failure.message.startswith("needs 2.5e-07 GB") for each in ARMS)


def test_where_there_is_room_by_any_guess_no_arm_is_looked_at() -> None:
    ample = len(ARMS) * guessed(LARGE).held * INSTANCES + guessed(LARGE).making
    assert needs(ARMS, LARGE, ample) == dict.fromkeys(ARMS, guessed(LARGE))


def test_a_backend_that_is_not_there_takes_no_room() -> None:
    absent = arm(NumPyByHand)
    absent.process.not_run = "no such framework"
    assert needs([absent], LARGE, 0) == {absent: Need(0, 0)}


def test_what_was_seen_of_a_backend_is_not_asked_again() -> None:
    known = {(NumPyByHand.name, LARGE): Need(3, 2)}
    twice = [arm(NumPyByHand), arm(NumPyByHand)]
    assert needs(twice, LARGE, 0, known) == dict.fromkeys(twice, Need(3, 2))


def test_a_part_of_a_configuration_shows_what_the_whole_takes() -> None:
    """To within a quarter, and that whatever was opened before."""
    with Arms() as context:
        wanted = [(NumPyByHand, {}), (NumPyFloor, {"judged": False})]
        for each, _ in product(context.start(wanted, "cpu", 1), range(2)):
            told = seen(each, LARGE)
            each.open(LARGE, instances=1)
            assert each.opened.resident is not None
            held, most = (x - each.idle for x in each.opened.resident)
            each.close()
            assert 0.75 < told.held / held < 1.25
            assert 0.75 < told.making / most < 1.3


def test_a_process_that_keeps_much_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with Arms() as context:
        (each,) = context.start([(NumPyByHand, {})], "cpu", 1)
        first = each.process.pid
        each.renew()
        assert each.process.pid == first
        monkeypatch.setattr(Arm, "resident", property(lambda _: each.idle + 2**29))
        each.renew()
        assert each.process.pid != first
