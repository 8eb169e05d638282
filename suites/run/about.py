"""What the tables speak of, as tables: clauses, axes, promises, known divergences, and the run itself."""

from dataclasses import fields
from enum import Enum
from typing import Any

from lazyadam.reference.dialect import Arithmetic, Dialect
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.clauses import CLAUSES, carried
from lazyadam.suites.divergences.pin import pins
from lazyadam.suites.run.machine import machine

Row = dict[str, Any]
AXES: dict[str, type[Enum]] = {
    f.name: f.type
    for kind in (Dialect, Arithmetic)
    for f in fields(kind)
    if isinstance(f.type, type) and issubclass(f.type, Enum)
}


def clauses() -> list[Row]:
    return [
        {"clause": clause.id, "sentence": clause.sentence, "where": clause.where, "source": clause.source}
        for clause in (*CLAUSES.values(), *carried.CLAUSES)
    ]


def axes() -> list[Row]:
    return [
        {"axis": axis, "value": value.name.lower(), "meaning": value.value}
        for axis, values in AXES.items()
        for value in values
    ]


def promises(backends: list[type[Backend]]) -> list[Row]:
    return [
        {
            "backend": backend.name,
            "axis": promise.axis,
            "value": getattr(backend.documented, promise.axis).name.lower(),
            "source": promise.source,
        }
        for backend in backends
        for promise in backend.promises
    ]


def known_divergences() -> list[Row]:
    return [
        {
            "pin": pin.name,
            "sentence": pin.sentence,
            "verdict": pin.verdict,
            "explained_by": "; ".join(f"{axis}: {value}" for axis, value in pin.explained_by.items()),
            "clauses": "; ".join(pin.clauses),
            "layouts": "; ".join(pin.layouts),
            "dtypes": "; ".join(pin.dtypes),
            "devices": "; ".join(pin.devices),
            "owner": pin.owner,
            "backends": "; ".join(pin.backends),
            "versions": pin.versions,
        }
        for pin in pins()
    ]


def run(settings: dict[str, Any]) -> list[Row]:
    """The settings given, and the machine."""
    return [{"item": item, "value": str(value)} for item, value in (settings | machine()).items()]
