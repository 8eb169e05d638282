"""performance.csv: the arms of a configuration as rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lazyadam.suites.cases.case import Failure
from lazyadam.suites.cases.configuration import Configuration
from lazyadam.suites.performance.arms import Arm
from lazyadam.suites.performance.correctness import Correctness, correctness
from lazyadam.suites.performance.statistics import claim, compare, corrected, median, spread

Row = dict[str, Any]


def rows(arms: Sequence[Arm], configuration: Configuration) -> list[Row]:
    """A row for each arm. `p_value` is not corrected yet, and nothing claimed: see `with_claims`."""
    right = {id(arm): correctness_of(arm, configuration) for arm in arms}
    done = [arm for arm in arms if arm.failure is None]
    ranked = [arm for arm in done if (c := right[id(arm)]) is not None and not c.divergence]
    base = next((arm for arm in ranked if not arm.twin), None)
    twin = next((arm for arm in arms if arm.twin and base and arm.backend is base.backend), None)
    floors = [arm for arm in done if not arm.judged]
    floor = min(floors, key=lambda arm: float(np.median(arm.seconds)), default=None)
    table = []
    for arm in arms:
        row = {**about(arm, configuration), "note": ""}
        if (c := right[id(arm)]) is not None:
            row |= {"worst_ratio": c.worst_ratio, "note": f"diverges: {c.divergence}" if c.divergence else ""}
        if arm.failure is not None:
            row["note"] = failed(arm.failure)
        else:
            row |= _times(arm, configuration)
            if floor is not None:
                row["floor_multiple"] = compare(floor.seconds, arm.seconds).ratio.value
            if base is not None and arm is not base and arm in (*ranked, twin):
                row |= _beside(base, arm, twin)
        table.append(row)
    return table


def _times(arm: Arm, configuration: Configuration) -> Row:
    """How long its steps take, and what they need."""
    typical = median(arm.seconds)
    return {
        "seconds_median": typical.value,
        "ci_low": typical.low,
        "ci_high": typical.high,
        "alone_seconds": arm.opened.alone,
        "first_step_seconds": float(np.median(arm.opened.first_steps)),
        "peak_bytes": arm.opened.peak_bytes,
        "rows_per_second": configuration.touched_rows / typical.value,
    }


def _beside(base: Arm, arm: Arm, twin: Arm | None) -> Row:
    """How an arm compares with the base, of which the twin is the other half of the A/A pair."""
    found = compare(base.seconds, arm.seconds)
    margin: float | str
    if twin is None:
        margin = f"{base.backend.name} has no A/A pair here"
    elif twin.failure is not None:
        margin = f"of the A/A pair one {failed(twin.failure)}"
    else:
        margin = spread(compare(base.seconds, twin.seconds))
    return {
        "relative_to": base.backend.name,
        "ratio": found.ratio.value,
        "p_value": found.p,
        "claimed": (found.ratio, margin),
        "note": f"95 %: {found.ratio.low:.3f} to {found.ratio.high:.3f}",
    }


def correctness_of(arm: Arm, configuration: Configuration) -> Correctness | None:
    """Of what an arm has opened; None where there is nothing to judge it by."""
    if arm.opened.trajectory is None:
        return None
    return correctness(arm.backend, arm.process.device, configuration.dtype, arm.opened)


def failed(failure: Failure) -> str:
    """Why there is no time, in words."""
    return f"{failure.kind} ({failure.message})"


def about(arm: Arm, configuration: Configuration) -> Row:
    """The first columns of a row."""
    return {
        **arm.process.about,
        "dtype": configuration.dtype,
        "table_rows": configuration.table_rows,
        "width": configuration.width,
        "touched_rows": configuration.touched_rows,
        "duplicates": configuration.duplicates,
        "threads": arm.threads,
        "bytes": configuration.step_bytes,
    }


def with_claims(table: list[Row]) -> list[Row]:
    """The rows with p corrected for all comparisons of the table, and what each says in its note."""
    compared = [row for row in table if "p_value" in row]
    for row, p in zip(compared, corrected([row["p_value"] for row in compared]), strict=True):
        row["p_value"] = float(p)
        ratio, margin = row.pop("claimed")
        said = "A/A" if row["backend"] == row["relative_to"] else claim(ratio, p, margin)
        row["note"] = f"{said}; {row['note']}"
    return table
