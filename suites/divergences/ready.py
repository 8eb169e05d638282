"""A divergence as a file that is a pin but for its owner and a sentence of somebody's own."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Case
from lazyadam.suites.divergences.pin import axes_of


def ready_to_pin(
    case: Case,
    path: Path,
    process: Process,
    row: Mapping[str, Any],
    sentence: str,
    layouts: Collection[str],
    clauses: Collection[str] = (),
    quantities: Collection[str] = (),
) -> None:
    """Write a trace file that is a pin but for its owner and for a sentence of somebody's own.

    row: of verdicts.csv or dialects.csv, with its verdict and what explains it. layouts: of the gradients
    that show it. An axis is said to show in every type of the backend, which the witness then has to prove;
    what no axis explains in that of the case.
    """
    backend, axes = process.backend, axes_of(row["explained_by"])
    about = {
        "sentence": sentence,
        "verdict": row["verdict"],
        "explained_by": axes,
        "clauses": [*clauses],
        "quantities": [*quantities],
        "layouts": sorted(layouts),
        "dtypes": sorted({case.dtype, *backend.dtypes}) if axes else [case.dtype],
        "devices": [process.device],
        "owner": "?",
        "backends": [backend.name],
        "versions": _versions(process.version),
        # The name is what a pin goes by, wherever the file lies; the path is for a replay of this trace.
        **({"file": Path(backend.file).name, "path": backend.file} if backend.file else {}),
        **({"python": backend.python} if backend.python else {}),
    }
    trace.save(case, path, about)


def _versions(version: str) -> str:
    try:
        return f"=={Version(version)}"
    except InvalidVersion:
        return ""
