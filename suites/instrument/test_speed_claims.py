"""What may be claimed of two speeds: every combination, and how often it is false of simulated times."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from lazyadam.suites.performance.arms import LOOKS, ROUNDS
from lazyadam.suites.performance.candidate import status, summary, verdict, with_verdicts
from lazyadam.suites.performance.statistics import LEAST, Median, claim, compare, slowdown, spread
from lazyadam.suites.performance.table import Row

SURE, UNSURE = 1e-6, 0.02
SEEN = "and 10 % has to be seen"
NONE = "the A/A pair refuses (needs 9 GB of memory, 1 GB are free)"


def exactly(ratio: float, width: float = 0.01) -> Median:
    return Median(ratio, ratio * (1 - width), ratio * (1 + width))


@pytest.mark.parametrize(
    ("ratio", "p", "margin", "expected"),
    [
        (exactly(1.62), SURE, NONE, f"can't tell: {NONE}"),
        (exactly(1.0), UNSURE, NONE, f"can't tell: {NONE}"),
        (exactly(1.62), SURE, 0.04, "slower"),
        (exactly(0.62), SURE, 0.04, "faster"),
        (exactly(1.62), SURE, 0.3, "slower"),
        (exactly(0.62), SURE, 0.3, "faster"),
        (exactly(1.62), UNSURE, 0.04, "can't tell: 71 % is possible, and the A/A pair shows 4 %"),
        (exactly(1.2), SURE, 0.3, "can't tell: 58 % is possible, and the A/A pair shows 30 %"),
        (exactly(0.8), SURE, 0.3, "can't tell: 65 % is possible, and the A/A pair shows 30 %"),
        (exactly(1.0), UNSURE, 0.3, "can't tell: 32 % is possible, and the A/A pair shows 30 %"),
        (exactly(1.0, 0.2), UNSURE, 0.02, "can't tell: 28 % is possible, and the A/A pair shows 2 %"),
        (exactly(1.0), UNSURE, 0.02, "no difference beyond 4 %"),
        (exactly(1.02), SURE, 0.03, "no difference beyond 7 %"),
        (exactly(1.0), UNSURE, np.nan, "can't tell: anything is possible, and the A/A pair shows anything"),
    ],
    ids=[
        "slow without an A/A pair can't be told",
        "alike without an A/A pair can't be told",
        "slower",
        "faster",
        "slower beyond a wide margin",
        "faster beyond a wide margin",
        "slow but not significant can't be told",
        "slow within a wide margin can't be told",
        "fast within a wide margin can't be told",
        "alike with a wide margin can't be told",
        "a wide interval can't be told",
        "no difference names what it excludes",
        "a difference within the margin is named",
        "a margin that is no number can't be told",
    ],
)  # fmt: skip
def test_a_claim_says_what_the_times_say(ratio: Median, p: float, margin: float | str, expected: str) -> None:
    assert claim(ratio, p, margin) == expected


def possible(most: str, control: str) -> tuple[str, str]:
    return "can't tell", f"a slowdown of {most} is possible: the A/A pair shows {control}"


def gate_row(ratio: Median, p: float, control: float | None) -> Row:
    found = {"ratio": ratio.value, "ci_low": ratio.low, "ci_high": ratio.high, "p_value": p, "note": NONE}
    return found if control is None else found | {"control": control}


@pytest.mark.parametrize(
    ("ratio", "p", "control", "expected"),
    [
        (exactly(1.3), SURE, None, ("can't tell", NONE)),
        (exactly(1.3), SURE, 0.02, ("slower", "")),
        (exactly(1.3), SURE, 0.22, ("slower", "")),
        (exactly(0.7), SURE, 0.22, ("faster", "")),
        (exactly(0.7), SURE, 0.02, ("faster", "")),
        (exactly(1.2), SURE, 0.22, ("can't tell", f"the A/A pair shows 22 %, {SEEN}")),
        (exactly(1.0), UNSURE, 0.22, ("can't tell", f"the A/A pair shows 22 %, {SEEN}")),
        (exactly(0.93), SURE, 0.12, ("can't tell", f"the A/A pair shows 12 %, {SEEN}")),
        (exactly(1.0), UNSURE, np.nan, ("can't tell", f"the A/A pair shows anything, {SEEN}")),
        (exactly(1.3), UNSURE, 0.02, possible("34 %", "2 %")),
        (exactly(1.08), SURE, 0.05, possible("15 %", "5 %")),
        (exactly(1.05), SURE, 0.02, ("not slower", "no slowdown beyond 9 %")),
        (exactly(1.0), UNSURE, 0.09, possible("11 %", "9 %")),
        (exactly(0.93), SURE, 0.09, ("not slower", "no slowdown beyond 3 %")),
        (exactly(0.92), UNSURE, 0.01, ("not slower", "no slowdown beyond 0 %")),
    ],
    ids=[
        "no A/A pair",
        "slower",
        "slower beyond a wide control",
        "faster beyond a wide control",
        "faster",
        "slow within a wide control",
        "alike with a wide control",
        "a little faster with a wide control",
        "a control that is no number",
        "slow but not significant",
        "below the threshold but too near",
        "below the threshold",
        "alike with a control near the threshold",
        "a little faster passes",
        "a little faster and not significant passes",
    ],
)  # fmt: skip
def test_the_gate_passes_only_what_it_sees(
    ratio: Median, p: float, control: float | None, expected: tuple[str, str]
) -> None:
    assert LEAST == 0.10
    assert verdict(gate_row(ratio, p, control)) == expected


def test_nothing_passes_of_which_the_threshold_is_possible() -> None:
    values = product((0.8, 0.95, 1.0, 1.05, 1.09, 1.2), (0.001, 0.05), (SURE, UNSURE), (0.01, 0.09, 0.2))
    for value, width, p, control in values:
        ratio = exactly(value, width)
        word, _ = verdict(gate_row(ratio, p, control))
        too_slow = slowdown(ratio, control) > LEAST
        assert word in ("slower", "can't tell") if too_slow else word != "slower"


WORDS = ("slower", "faster", "not slower", "can't tell", "not run")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), 2),
        (("not run",) * 3, 2),
        (("can't tell",), 2),
        (("not slower", "not run"), 2),
        (("not slower", "can't tell"), 2),
        (("faster", "not slower"), 0),
        *(((word, "slower"), 1) for word in WORDS),
    ],
)  # fmt: skip
def test_the_status_is_1_for_slower_and_2_for_what_is_not_known(
    words: tuple[str, ...], expected: int
) -> None:
    assert status([{"verdict": word} for word in words]) == expected


def test_the_summary_counts_all_rows() -> None:
    words = ("slower", "can't tell", "not run", "not run", "faster", "not slower")
    assert summary([{"verdict": w} for w in words]) == "1 slower, 1 can't tell, 2 not run, 2 fine"


def simulated(shift: float, noise: float, bias: float, trials: int) -> dict[str, float]:
    """The shares of the verdicts, as the gate measures: longer where it can't tell.

    noise: of a sample, lognormal. bias: of a process, which equal processes don't share.
    """
    rng, rows = np.random.default_rng(0), []
    for _ in range(trials):
        level = np.exp(rng.normal(0, bias, 3)) * (1, 1, 1 + shift)
        times = np.empty((3, 0))
        for _ in range(LOOKS):
            more = level[:, None] * rng.lognormal(0, noise, (3, ROUNDS))
            times = np.hstack([times, more])
            other = compare(times[0], times[2])
            row = gate_row(other.ratio, other.p, spread(compare(times[0], times[1])))
            if verdict(row)[0] != "can't tell":
                break
        rows.append(row)
    counts = Counter(row["verdict"] for row in with_verdicts(rows))
    return {word: counts[word] / trials for word in WORDS}


@pytest.mark.parametrize(("noise", "bias"), [(0.03, 0.0), (0.06, 0.01), (0.1, 0.0)])
def test_a_quiet_machine_is_told(noise: float, bias: float) -> None:
    same, slow = simulated(0.0, noise, bias, 60), simulated(0.15, noise, bias, 60)
    assert same["not slower"] >= 0.97
    assert same["slower"] == 0
    assert slow["slower"] >= 0.97
    assert slow["not slower"] == 0


@pytest.mark.parametrize(("noise", "bias"), [(0.1, 0.03), (0.3, 0.0), (0.5, 0.05), (0.05, 0.05)])
def test_a_slowdown_of_15_percent_hardly_ever_passes_under_noise(noise: float, bias: float) -> None:
    found = simulated(0.15, noise, bias, 60)
    # One A/A pair shows one draw of what equal processes differ by, and may happen to show little.
    assert found["not slower"] + found["faster"] <= (0.1 if bias == noise else 0.02)


def test_noise_that_hides_the_threshold_is_not_told() -> None:
    assert simulated(0.0, 0.8, 0.0, 50)["can't tell"] >= 0.9
