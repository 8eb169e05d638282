"""Words: numbers, names and messages as reports say them."""

from typing import Any

import pytest

from lazyadam.reports.words import cause, folded, number, once

RULE = "-" * 52
KERNEL = f"RuntimeError: {RULE} - Kernel select failed: {RULE} Unsupported op [SparseGatherV2] on CPU"
STACK = (
    f"ValueError: the var_shape is wrong {RULE} - C++ Call Stack: (For framework developers) {RULE} a.h:330"
)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            KERNEL,
            "RuntimeError: Kernel select failed: Unsupported op [SparseGatherV2] on CPU",
        ),
        (STACK, "ValueError: the var_shape is wrong"),
        (
            "ValueError: lr must be >= 0, but got -1.0 -- or so",
            "ValueError: lr must be >= 0, but got -1.0 -- or so",
        ),
        ("", ""),
    ],
)
def test_a_cause_is_what_the_error_says_without_rules_and_call_stack(message: str, said: str) -> None:
    assert cause(message) == said


def test_a_cause_is_cut_between_words() -> None:
    assert cause("one two three four", 12) == "one two …"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a.B"], "a.B"),
        (["a.B.c", "a.B.d.e"], "a.B (c, d.e)"),
        (["a.B", "a.B.c"], "a.B, a.B.c"),
        (["a.B.c", "x.Y", "a.B.d"], "a.B (c, d), x.Y"),
        (["plain"], "plain"),
    ],
)
def test_names_are_folded_by_what_they_begin_with(names: list[str], said: str) -> None:
    assert folded(names) == said


def test_what_is_said_several_times_is_said_once() -> None:
    assert once("beyond: 8 of 8, 8 of 8, 8 of 8.") == "beyond: 8 of 8 each time."
    assert once("6 of 8, 8 of 8") == "6 of 8, 8 of 8"


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (0.94802, "0.948"),
        (4370.2, "4,370"),
        (53387, "53,387"),
        (7e13, "7e+13"),
        (float("inf"), "∞"),
        (float("nan"), ""),
        (None, ""),
    ],
)
def test_a_number_is_written_in_a_few_digits(x: Any, said: str) -> None:
    assert number(x) == said
