"""One word for what was seen of a clause, and the dialects that it is judged against."""

from collections.abc import Iterator, Sequence

from lazyadam.reference.dialect import Dialect
from lazyadam.reports.vocabulary import LOST, Against, Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Trajectory
from lazyadam.suites.judge.judgement import Judgement

NONE_FITS = "none fits"  # of an axis: what was seen is none of its values


def dialects(backend: type[Backend]) -> Iterator[tuple[Against, Dialect]]:
    """What a backend is judged against: its documentation, LazyAdam, and what its source speaks."""
    yield Against.DOCUMENTED, backend.documented
    yield Against.REFERENCE, Dialect()
    if backend.spoken not in (backend.documented, Dialect()):
        yield Against.EXPLAINED, backend.spoken


def verdict(judgement: Judgement, trajectories: Sequence[Trajectory], path: str | None) -> Verdict:
    """One word for a clause: the worst of what was seen. path: as `wrong_path` says it."""
    kinds = {t.failure.kind for t in trajectories if t.failure}
    for kind in LOST:
        if kind in kinds:
            return kind
    if judgement.worst.max(initial=0.0) > 1 or path is not None:
        return Verdict.DIVERGES
    return Verdict.REFUSES if kinds else Verdict.CONFORMS


def wrong_path(
    backend: type[Backend], device: str, dtype: str, trajectories: Sequence[Trajectory]
) -> str | None:
    """What ran, where that is not what was asked for: None where it is."""
    wanted = {"mode": backend.mode, "device": device, "dtype": dtype}
    if backend.branch:
        wanted["branch"] = backend.branch
    for t in trajectories:
        if lacking := t.path.get("lacking"):
            return f"asked for {lacking}, which did not take place"
        for name, value in wanted.items():
            if t.path and t.path[name] != value:
                return f"asked for {name} {value}, but {t.path[name]} ran"
    return None
