"""Clause by backend: what is left when known axes are taken out, and the worst verdict over the types."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from lazyadam.reports.tables import records
from lazyadam.reports.vocabulary import FAILING, LOST, Against, Kind, Verdict

SIGNS: dict[str, str] = {**dict(zip(Verdict, "✓✗⊘†∞–", strict=True)), "": "·"}
_WORST = (*LOST, Verdict.DIVERGES, Verdict.REFUSES, Verdict.CONFORMS, Verdict.NOT_RUN)
# What is left of a verdict against the documentation, the worst first.
LEFT = {
    "new": "new: not known",
    "known": "known, and on no axis",
    "but for": "as documented but for a known axis",
    Verdict.CONFORMS: "as documented",
    "not taken": "refused, as it may be",
    Verdict.NOT_RUN: "not run",
}
# How a cell says which axes its backend is off by.
SYMBOLS = {
    "epsilon": "ε",
    "duplicates": "Σ",
    "weight_decay": "λ",
    "subnormals": "s",
    "empty_gradient": "∅",
    "untouched": "u",
    "zero_rows": "0",
    "step_count": "n",
    "bias_correction": "t",
    "maximum": "↑",
}


@dataclass
class Cell:
    """Of a clause and a backend.

    left: a word of LEFT. sign: what shows it. axes: what known axes it is off by, as 'epsilon: beside_root'.
    verdicts: the worst against each of Against.
    """

    left: str = Verdict.NOT_RUN
    sign: str = ""
    axes: list[str] = field(default_factory=list)
    verdicts: dict[str, str] = field(default_factory=dict)


def is_known(verdicts: pd.DataFrame, pins: pd.DataFrame) -> pd.Series:
    """Whether each verdict is accounted for, by pins; an empty witness says that it needs none."""
    names = set(pins["pin"])
    return verdicts["witness"].map(lambda witness: witness == "" or set(witness.split("; ")) <= names)


def worst(verdicts: Iterable[str]) -> str:
    """The worst of some verdicts; '' of none."""
    return min(verdicts, key=_WORST.index, default="")


def cells(verdicts: pd.DataFrame, pins: pd.DataFrame, findings: pd.DataFrame) -> dict[tuple[str, str], Cell]:
    """By clause and backend."""
    on_no_axis = {
        (clause, row["backend"])
        for row in records(findings)
        if row["kind"] == Kind.KNOWN and ": " not in row["cause"]
        for clause in row["clauses"].split("; ")
    }
    on_axis = set(pins[(pins["explained_by"] != "") & (pins["verdict"] == Verdict.DIVERGES)]["pin"])
    known = is_known(verdicts, pins)
    found: dict[tuple[str, str], Cell] = {}
    lefts: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for row, is_so in zip(records(verdicts), known, strict=True):
        key = (row["clause"], row["backend"])
        cell, against = found.setdefault(key, Cell()), row["against"]
        cell.verdicts[against] = worst({row["verdict"], cell.verdicts.get(against, row["verdict"])})
        if against == Against.DOCUMENTED:
            word = left(row["verdict"], is_so, row["explained_by"], set(row["witness"].split("; ")), on_axis)
            if word == "not taken" and key in on_no_axis:
                word = "known"
            lefts.setdefault(key, []).append((word, row["verdict"]))
            if word == "but for":
                cell.axes += [axis for axis in axes_of(row["explained_by"]) if axis not in cell.axes]
    for key, words in lefts.items():
        cell = found[key]
        cell.left = min((word for word, _ in words), key=list(LEFT).index)
        verdict = worst(verdict for word, verdict in words if word == cell.left)
        cell.sign = "".join(map(symbol, cell.axes)) if cell.left == "but for" else SIGNS[verdict]
    _fill_explained(found)
    return found


def _fill_explained(found: dict[tuple[str, str], Cell]) -> None:
    """What a source says has no rows where it is what LazyAdam does, and known axes part it from its page."""
    of_its_own = {backend for (_, backend), cell in found.items() if Against.EXPLAINED in cell.verdicts}
    turned = {backend for (_, backend), cell in found.items() if cell.left == "but for"}
    for (_, backend), cell in found.items():
        if backend in turned - of_its_own and Against.REFERENCE in cell.verdicts:
            cell.verdicts[Against.EXPLAINED] = cell.verdicts[Against.REFERENCE]


def left(verdict: str, known: bool, explained_by: str, witness: set[str], on_axis: set[str]) -> str:
    """What is left of a verdict against the documentation when known axes are taken out: a word of LEFT.

    on_axis: the pins that an axis explains.
    """
    if verdict not in FAILING:
        return verdict
    if not known:
        return "new"
    if witness == {""}:
        return "not taken"
    explained = verdict == Verdict.DIVERGES and explained_by != "unexplained"
    return "but for" if explained and witness <= on_axis else "known"


def axes_of(explained_by: str) -> list[str]:
    """'epsilon: beside_root' of each axis that explains a verdict; in a training of two, of whichever."""
    return list(dict.fromkeys(": ".join(part.split(": ")[-2:]) for part in explained_by.split("; ")))


def symbol(axis: str) -> str:
    name = axis.split(":")[0]
    return SYMBOLS.get(name, name[:1])
