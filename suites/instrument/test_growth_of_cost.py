"""What a larger size is predicted to cost, and how far such a prediction missed the largest measured."""

import pytest

from lazyadam.reports.performance import SIZE, growth
from lazyadam.reports.tables import frame
from lazyadam.suites.cases.configuration import Configuration


def test_a_larger_size_is_predicted_from_a_fixed_cost_and_one_for_each_row() -> None:
    """10 µs and 1 ns a row: exactly; where the sizes below say the same nothing is missed."""
    sizes = [Configuration(100_000, 4, k) for k in (10, 100, 1000, 10_000)]
    rows = frame(
        "performance",
        [
            {
                **{"backend": "mine", "device": "cpu", "dtype": c.dtype, "threads": 1, "bytes": c.step_bytes},
                **{name: getattr(c, name) for name in SIZE},
                **{"seconds_median": 1e-5 + 1e-9 * c.touched_rows, "relative_to": "", "note": ""},
            }
            for c in sizes
        ],
    )
    (found,) = growth(rows)
    assert found["predicted_at"] == 100_000
    assert found["predicted_seconds"] == pytest.approx(1.1e-4)
    assert found["missed_by"] == pytest.approx(0, abs=1e-9)
    assert found["seconds_per_million"] == pytest.approx(2e-3)
    last = rows["touched_rows"] == 10_000
    (found,) = growth(rows.assign(seconds_median=rows["seconds_median"] * (1 + last)))
    assert found["missed_by"] == pytest.approx(0.5)


def test_where_only_the_table_grows_a_power_of_it_predicts() -> None:
    """Four times as much for a hundred times the rows: no fixed cost and one for each says that."""
    sizes = [Configuration(n, 4, 10) for n in (100, 10_000, 1_000_000)]
    rows = frame(
        "performance",
        [
            {
                **{"backend": "mine", "device": "cpu", "dtype": c.dtype, "threads": 1, "bytes": c.step_bytes},
                **{name: getattr(c, name) for name in SIZE},
                **{"seconds_median": 1e-6 * 4.0**i, "relative_to": "", "note": ""},
            }
            for i, c in enumerate(sizes)
        ],
    )
    (found,) = growth(rows)
    assert found["predicted_seconds"] == pytest.approx(1e-6 * 4**2.5)
    assert found["missed_by"] == pytest.approx(0, abs=1e-9)
