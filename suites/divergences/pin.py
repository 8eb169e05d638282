"""Known divergences: each pinned by a witness, with a sentence, what explains it, its owner and versions.

A pin is a trace file in `pins/` whose `about` says the rest. The suite is strict both ways: a divergence
that is not pinned fails the run, and so does a witness that no longer shows what is pinned.
"""

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from reference.dialect import Dialect
from suites.backends.base import Backend
from suites.backends.process import Process, Runs
from suites.backends.registry import BACKENDS
from suites.case import Case, Trajectory
from suites.cases import trace
from suites.clauses import CLAUSES
from suites.clauses.clause import layouts
from suites.judge.judgement import Judgement
from suites.judge.step_by_step import step_by_step

PINS = Path(__file__).parent / "pins"
OWNERS = ("backend", "documentation", "us")
VERDICTS = ("diverges", "refuses", "dies", "hangs")


@dataclass(frozen=True)
class Pin:
    """A divergence of some backends from their documentation.

    case: the witness. verdict: what comes of it. explained_by: axes with the values
    that explain it; empty where nothing does. clauses: those that show it, where no axis of a `Dialect`
    explains it; quantities: and in which of w, m, v, t alone. owner: who has to mend it: 'backend',
    'documentation' or 'us'. versions: of the framework, as a version specifier.
    """

    name: str
    case: Case
    sentence: str
    verdict: str
    explained_by: dict[str, str]
    clauses: tuple[str, ...]
    quantities: tuple[str, ...]
    owner: str
    backends: tuple[str, ...]
    versions: str

    def covers(self, backend: type[Backend], version: str) -> bool:
        return backend.name in self.backends and SpecifierSet(self.versions).contains(
            version, prereleases=True
        )

    def explaining(self, backend: type[Backend]) -> Dialect | None:
        """The documented dialect with the axes of this pin turned; None where no dialect explains it."""
        values: dict[str, Any] = {}
        for axis, value in self.explained_by.items():
            kind = type(getattr(backend.documented, axis))
            if value.upper() not in kind.__members__:
                return None
            values[axis] = kind[value.upper()]
        return replace(backend.documented, **values) if values else None


def load(path: Path) -> Pin:
    """The pin in a file.

    Raises:
        TraceError: it is not a trace, or says something that is not known: one line with the path.
    """
    case, about = trace.load(path), trace.about(path)
    try:
        pin = Pin(
            name=path.stem,
            case=case,
            sentence=about["sentence"],
            verdict=about["verdict"],
            explained_by=dict(about["explained_by"]),
            clauses=tuple(about["clauses"]),
            quantities=tuple(about["quantities"]),
            owner=about["owner"],
            backends=tuple(about["backends"]),
            versions=about["versions"],
        )
        SpecifierSet(pin.versions)
    except (KeyError, TypeError, ValueError, InvalidSpecifier) as error:
        raise trace.TraceError(f"{path}: malformed pin ({type(error).__name__}: {error})") from None
    axes = [f.name for f in fields(Dialect)]
    for what, given, allowed in (
        ("backend", pin.backends, BACKENDS),
        ("clause", pin.clauses, CLAUSES),
        ("axis", pin.explained_by, axes),
        ("owner", (pin.owner,), OWNERS),
        ("verdict", (pin.verdict,), VERDICTS),
    ):
        for name in given:
            if name not in allowed:
                raise trace.TraceError(f"{path}: unknown {what} {name!r}; known: {', '.join(allowed)}")
    return pin


@lru_cache(maxsize=1)
def pins() -> tuple[Pin, ...]:
    """All known divergences, by name."""
    return tuple(load(path) for path in sorted(PINS.glob("*.json")))


def pins_of(process: Runs) -> list[Pin]:
    """The known divergences of a backend in the version that runs."""
    return [p for p in pins() if process.version and p.covers(process.backend, process.version)]


def axes_of(explained_by: str) -> dict[str, str]:
    """The axes and values in a cell such as 'epsilon: beside_root; duplicates: scattered'."""
    if explained_by in ("", "unexplained"):
        return {}
    return dict(part.split(": ") for part in explained_by.split("; "))


def known(
    row: dict[str, Any], backend: type[Backend], judgement: Judgement, covering: list[Pin]
) -> str | None:
    """The pins that account for a row of verdicts.csv, by name; '' where it needs none, None where none do.

    A difference from the reference dialect alone needs no pin, nor does the refusal of a layout or type that
    the backend does not claim to take.
    """
    verdict, clause = row["verdict"], CLAUSES[row["clause"]]
    if verdict in ("conforms", "not run") or row["against"] == "reference":
        return ""
    if verdict == "refuses" and clause.layout:
        usual = (clause.layout,) == layouts(backend)
        claimed = clause.layout in backend.layouts and (row["dtype"] == "float32" or usual)
        claimed = claimed and row["dtype"] in backend.dtypes
        return None if claimed else ""
    if axes_of(row["explained_by"]):
        return known_axes(row["explained_by"], covering)
    for pin in covering:
        if clause.id in pin.clauses and pin.verdict == verdict:
            seen = {f.quantity for f in judgement.findings} if verdict == "diverges" else set()
            if seen <= set(pin.quantities):
                return pin.name
    return None


def known_axes(explained_by: str, covering: list[Pin]) -> str | None:
    """The pins that account for axes, such as `axes_of` takes, by name; None where one is not pinned."""
    by_axis = {item: p.name for p in covering for item in p.explained_by.items()}
    names = [by_axis.get(item) for item in axes_of(explained_by).items()]
    return None if None in names or not names else "; ".join(sorted({str(n) for n in names}))


def ready_to_pin(
    case: Case,
    path: Path,
    process: Process,
    row: dict[str, Any],
    sentence: str,
    clauses: list[str],
    quantities: list[str],
) -> None:
    """Write a trace file that is a pin but for its owner and for a sentence of somebody's own.

    row: of verdicts.csv or dialects.csv, with its verdict and what explains it.
    """
    axes = axes_of(row["explained_by"])
    about = {
        "sentence": sentence,
        "verdict": row["verdict"],
        "explained_by": axes,
        "clauses": [] if axes else clauses,
        "quantities": [] if axes else quantities,
        "owner": "?",
        "backends": [process.backend.name],
        "versions": f"=={process.version}",
    }
    trace.save(case, path, about)


def broken(pin: Pin, backend: type[Backend], seen: Trajectory) -> str:
    """What of a pin its witness no longer shows; '' where it shows all of it."""
    if seen.failure is not None or pin.verdict != "diverges":
        verdict = seen.failure.kind if seen.failure else "accepted"
        return "" if verdict == pin.verdict else f"pinned as {pin.verdict}, but the witness is now: {verdict}"
    strict = any(CLAUSES[clause].strict_epsilon for clause in pin.clauses)

    def worst(dialect: Dialect) -> float:
        return float(step_by_step([pin.case], [seen], dialect, backend.arithmetic, False, strict).worst.max())

    if worst(backend.documented) <= 1:
        return "the witness no longer diverges"
    turned = pin.explaining(backend)
    if turned is not None and worst(turned) > 1:
        return f"no longer explained by {pin.explained_by}: worst ratio {worst(turned):.3g}"
    return ""
