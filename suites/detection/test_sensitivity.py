"""How small an error may be: always found where it is promised, never where there is none, and the limits."""

import json
from collections.abc import Callable
from statistics import median

import pytest

from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.examine import examine
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.detection.kill import BUDGET, first_kill, seeded
from lazyadam.suites.detection.sensitivity import ERRORS, REGIMES, smallest

PROMISED = {
    "float32": {"lr": 20, "epsilon": 20, "beta1": 22, "beta2": 22},
    "float64": {"lr": 48, "epsilon": 48, "beta1": 50, "beta2": 50},
}
SEEDS = 200
CLEAN_SEEDS, BATCH = 2000, 100
CURVE_SEEDS = 50
EXPONENTS = {"float32": range(6, 28), "float64": range(34, 57)}


@pytest.mark.parametrize(
    ("dtype", "quantity", "exponent"),
    [(dtype, *item) for dtype, promised in PROMISED.items() for item in promised.items()],
)
def test_error_is_found_in_every_seed(dtype: str, quantity: str, exponent: int) -> None:
    host = seeded("numpy", ERRORS[quantity](2.0**-exponent))
    missed = [seed for seed in range(SEEDS) if first_kill(host, dtype, seed) is None]
    assert missed == []


@pytest.mark.parametrize("start", range(0, CLEAN_SEEDS, BATCH))
@pytest.mark.parametrize("dtype", PROMISED)
def test_no_clean_seed_is_flagged(dtype: str, start: int) -> None:
    host = seeded("numpy")
    flagged = [
        seed
        for seed in range(start, start + BATCH)
        if examine(Sample(CLAUSES["update-rule"], host.backend, dtype, seed, BUDGET), host).new
    ]
    assert flagged == []


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("quantity", ERRORS)
@pytest.mark.parametrize("dtype", PROMISED)
def test_smallest_error_found(
    dtype: str, quantity: str, regime: str, record_property: Callable[[str, object], None]
) -> None:
    """The limit is a result, not a requirement; an error of the largest size is found."""
    exponents = EXPONENTS[dtype]
    found = [smallest(quantity, dtype, regime, seed, exponents) for seed in range(CURVE_SEEDS)]
    about = {"quantity": quantity, "dtype": dtype, "regime": regime, "seeds": CURVE_SEEDS}
    least = [-1 if x is None else x for x in found]
    row = about | {
        "always": 2.0 ** -min(least) if None not in found else None,
        "median": 2.0 ** -median(least) if median(least) > 0 else None,
    }
    curve = [about | {"error": 2.0**-k, "found": sum(x >= k for x in least) / CURVE_SEEDS} for k in exponents]
    record_property("lazyadam-result", json.dumps({"sensitivity": [row], "sensitivity_curve": curve}))
    assert any(x is not None for x in found)
