"""Backend beside backend: where two are equal, on which axes they differ, and how far they come apart."""

import json
from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from lazyadam.reports.answer import moving
from lazyadam.reports.growth import growths
from lazyadam.reports.tables import frame, records
from lazyadam.reports.words import after, cause, percent, spaced

Row = dict[str, Any]
LAST = 1000  # the steps whose effect is told


def axes_of(
    dialects: pd.DataFrame, effects: pd.DataFrame, sequences: pd.DataFrame, pins: pd.DataFrame
) -> pd.DataFrame:
    """equivalence.csv: the axes on which two backends were seen to differ, and what that does to weights.

    The effect is that of the axis alone, in the reference, where it is the largest: of the trainings that
    both backends took. Empty: none was measured.
    """
    seen: dict[str, dict[str, str]] = {}
    for row in dialects.to_dict("records"):
        seen.setdefault(row["backend"], {})[row["axis"]] = row["observed"]
    device = dialects.groupby("backend")["device"].first()
    taken, pinned = _taken(sequences), records(pins)
    effect_of: dict[tuple[str, frozenset[str]], dict[str, float]] = {}
    for row in effects[effects["steps"] == LAST].to_dict("records"):
        values = frozenset((row["left_value"], row["right_value"]))
        effect_of.setdefault((row["axis"], values), {})[row["sequence"]] = row["effect"]
    rows = []
    for left, right in combinations(seen, 2):
        both = taken.get(left, set()) & taken.get(right, set())
        for axis in (a for a in seen[left] if a in seen[right]):
            x, y = seen[left][axis], seen[right][axis]
            if not _differ(x, y):
                continue
            found = [
                effect
                for i, j in product(x.split("|"), y.split("|"))
                for sequence, effect in effect_of.get((axis, frozenset((i, j))), {}).items()
                if sequence in both
            ]
            rows.append(
                {
                    "left": left,
                    "right": right,
                    "device": device[left],
                    "dtype": "float32",
                    "axis": axis,
                    "left_value": x,
                    "right_value": y,
                    "effect_after_1000_steps": max(found, default=None),
                    "witness": "; ".join(_witnesses(pinned, axis, {left: x, right: y})),
                }
            )
    return frame("equivalence", rows)


def _differ(x: str, y: str) -> bool:
    """Whether two observations exclude each other; one that was not made excludes nothing."""
    if any(value.startswith("not ") for value in (x, y)):
        return False
    return not set(x.split("|")) & set(y.split("|"))


def _witnesses(pins: list[Row], axis: str, values: dict[str, str]) -> list[str]:
    """For each backend the pin that shows its value.

    In float32, by a sparse gradient where there is one, as it was observed; and what states least beside.
    """
    found = set()
    for backend, value in values.items():
        showing = [
            (
                "sparse" not in pin["layouts"].split("; "),
                pin["explained_by"].count("; "),
                pin["pin"],
            )
            for pin in pins
            if backend in pin["backends"].split("; ")
            and f"{axis}: {value}" in pin["explained_by"].split("; ")
            and "float32" in pin["dtypes"].split("; ")
        ]
        found |= {min(showing)[-1]} if showing else set()
    return sorted(found)


def _taken(sequences: pd.DataFrame) -> dict[str, set[str]]:
    """The trainings that each backend took to the end."""
    ended = sequences[(sequences["w"] != "") & (sequences["steps"] == LAST)]
    return {str(backend): set(part["sequence"]) for backend, part in ended.groupby("backend")}


def pairs_of(sequences: pd.DataFrame) -> pd.DataFrame:
    """pairs.csv: how far weights of two backends come apart in a training, as a share of how far any moved.

    equal: whether no two weights differ by more than two LazyAdams may that compute as these do.
    """
    weights, bounds = (
        {
            (row["backend"], row["sequence"], row["steps"]): np.array(json.loads(row[column]), np.float64)
            for row in sequences[sequences[column] != ""].to_dict("records")
        }
        for column in ("w", "bound")
    )
    why = {
        (row["backend"], row["sequence"]): row["message"]
        for row in sequences[sequences["w"] == ""].to_dict("records")
    }
    about = sequences.groupby("backend")[["device", "dtype"]].first()
    rows: list[Row] = []
    for left, right in combinations(about.index, 2):
        for sequence in sequences["sequence"].unique():
            start = weights.get((left, sequence, 0))
            for steps in sorted(sequences["steps"].unique())[1:]:
                row = {"left": left, "right": right, **about.loc[left], "sequence": sequence, "steps": steps}
                x, y = (weights.get((backend, sequence, steps)) for backend in (left, right))
                if x is None or y is None or start is None:
                    said = [f"{b}: {why[b, sequence]}" for b in (left, right) if (b, sequence) in why]
                    rows.append(row | {"steps": LAST, "equal": "not compared", "message": "; ".join(said)})
                    break
                moved = max(np.abs(x - start).max(), np.abs(y - start).max())
                apart = np.abs(x - y)
                within = bool((apart <= bounds[left, sequence, steps] + bounds[right, sequence, steps]).all())
                rows.append(
                    row
                    | {
                        "difference": float(apart.max() / moved) if moved else 0.0,
                        "equal": "yes" if within else "no",
                        "message": "",
                    }
                )
    return frame("pairs", rows)


def tried_instead(sequences: pd.DataFrame, backend: str) -> str:
    """Another form of a backend that trained; '' where it did itself, or none of its forms did."""
    trained = [*dict.fromkeys(sequences[sequences["message"] == ""]["backend"])]
    forms = [name for name in trained if name.rpartition(".")[0] == backend.rpartition(".")[0]]
    return "" if backend in trained or not forms else forms[0]


def told(
    left: str, right: str, equivalence: pd.DataFrame, pairs: pd.DataFrame, growth: pd.DataFrame
) -> Iterator[str]:
    """What is to be said of a pair, in lines of Markdown.

    Raises:
        KeyError: the tables don't have the pair; the message names it.
    """
    chosen = _of_pair(pairs, left, right)
    if chosen.empty:
        known = sorted({*pairs["left"], *pairs["right"]})
        raise KeyError(f"no pair of {left!r} and {right!r}; known: {', '.join(known)}")
    first = chosen.iloc[0]
    yield f"### `{left}` and `{right}`"
    yield f"On {first['device']}, {first['dtype']}, default hyperparameters."
    equal: list[str] = []
    differing: list[str] = []
    never: list[str] = []
    for sequence, part in chosen.groupby("sequence", sort=False):
        kind = (
            never
            if (part["equal"] == "not compared").any()
            else equal
            if (part["equal"] == "yes").all()
            else differing
        )
        kind.append(str(sequence))
    if equal:
        yield f"\n**Equal**, to rounding, for up to {LAST:,} steps: {', '.join(equal)}."
    if differing:
        steps = sorted(chosen["steps"].unique())
        yield (
            "\n**Apart**, the largest difference, as a share of how far the weight that moved most moved. "
            "It is of one training of ours, and no forecast of yours:\n"
        )
        yield f"| training | {' | '.join(map(after, steps))} |"
        yield f"|---|{'---|' * len(steps)}"
        for sequence in differing:
            part = chosen[chosen["sequence"] == sequence].set_index("steps")
            yield f"| {sequence} | {' | '.join(percent(part.loc[k, 'difference']) for k in steps)} |"
        yield f"\n{moving(left, right, pairs)}"
    axes = _of_pair(equivalence, left, right)
    if len(axes):
        yield (
            f"\n**Differ on**, with what each does alone after {LAST:,} steps, in the training of ours that "
            "shows it most:\n"
        )
        yield f"| axis | `{left}` | `{right}` | effect | witness |"
        yield "|---|---|---|---|---|"
        for row in axes.to_dict("records"):
            effect = percent(row["effect_after_1000_steps"])
            words = (spaced(row[name]) for name in ("axis", "left_value", "right_value"))
            yield f"| {' | '.join(words)} | {effect} | {row['witness']} |"
        grown_by = growths(growth)
        for row in axes.to_dict("records"):
            grown = grown_by.get((row["axis"], frozenset((row["left_value"], row["right_value"]))))
            if grown is not None:
                yield f"\n**How that grows**, {spaced(row['axis'])}: {grown.about}\n"
                yield f"| {' | '.join(grown.head)} |"
                yield f"|{'---|' * len(grown.head)}"
                yield from (f"| {' | '.join(line)} |" for line in grown.lines)
                yield f"\n{grown.beside}"
    why = chosen[chosen["sequence"].isin(never) & (chosen["message"] != "")]
    if len(why):
        yield "\n**Not compared**:\n"
    for message, part in why.groupby("message"):
        yield f"- {'; '.join(part['sequence'])}: {cause(str(message))}."


SWAPPED = {"left": "right", "right": "left", "left_value": "right_value", "right_value": "left_value"}


def _of_pair(table: pd.DataFrame, left: str, right: str) -> pd.DataFrame:
    """The rows of a pair, in the order asked for: tables have each pair in one."""
    for ordered in (table, table.rename(columns=SWAPPED)):
        rows = ordered[(ordered["left"] == left) & (ordered["right"] == right)]
        if len(rows):
            break
    return rows
