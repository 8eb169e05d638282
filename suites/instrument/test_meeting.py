"""`lazyadam explain` of two values of the space: where they met, or why they can't."""

import pytest

from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.typed import UnknownName
from lazyadam.suites.telling.meeting import are_values, meeting


def told(*words: str) -> dict[str, str]:
    """What is said of each backend."""
    said, found = "", {}
    for line in meeting(words)[1:]:
        if line.startswith("      "):
            found.update(dict.fromkeys(line.strip().rstrip(",").split(", "), said))
        else:
            said = line.strip()
    return found


def test_every_backend_is_told_and_where_two_values_met() -> None:
    found = told("width=64", "repeats=a pair")
    assert found.keys() == BACKENDS.keys()
    assert found["torch.SparseAdam"].startswith("in ")
    assert not found["torch.SparseAdam"].startswith("in 0 ")
    assert found["torch.Adam.loop"] == "not: it is not tried with repeats a pair"


def test_two_values_that_can_not_meet_are_told_why() -> None:
    assert set(told("rank=1", "width=64").values()) == {"not: a row of rank 1 is a number"}
    found = told("RELOADS=never", "manner=saved")  # names in any case, manners by their short names
    assert found["torch.SparseAdam"] == "not: no state is saved"


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (("widht=64", "order=sorted"), "width"),
        (("width=66", "order=sorted"), "known: 4, 1"),
        (("order=sorted", "repeats=a pear"), "a pair"),
        (("width=64", "WIDTH=8"), "width is given twice"),
    ],
)
def test_what_can_not_be_asked_is_told_with_what_is_near(words: tuple[str, ...], near: str) -> None:
    with pytest.raises(UnknownName, match=near):
        meeting(words)


def test_one_value_or_an_axis_is_another_question() -> None:
    assert not are_values(["duplicates=last"])
    assert not are_values(["the", "bound"])
    assert are_values(["width=64", "order=sorted"])
