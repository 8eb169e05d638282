"""All that came out of a clause on a backend, in twelve hex digits."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from lazyadam.suites.cases.case import Trajectory
from lazyadam.suites.conformance.examine import Examination


def bits(trajectories: Sequence[Trajectory]) -> str:
    """Where two runs of the same cases have the same, every bit is the same; any two NaN are. '': nothing."""
    digest = hashlib.sha256()
    for trajectory in trajectories:
        for x in (*trajectory.w, *trajectory.m, *trajectory.v):
            digest.update(np.where(np.isnan(x), np.nan, x).tobytes())
        digest.update(np.asarray(trajectory.t, np.int64).tobytes())
        failure = trajectory.failure
        digest.update(f"{failure.kind} {failure.step}".encode() if failure else b"")
    return digest.hexdigest()[:12] if any(t.t.size for t in trajectories) else ""


def row(about: dict[str, Any], seen: Examination) -> dict[str, Any]:
    """A row of bits.csv: what came out, and what is said of it by the dialect that the backend speaks."""
    judged = next(j.row for j in seen.judged if j.dialect == seen.trial.backend.spoken)
    said = {name: judged[name] for name in ("clause", "verdict", "worst_ratio", "cases")}
    return {**about, **said, "bits": bits(seen.trial.trajectories)}
