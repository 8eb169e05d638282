"""The same trajectories under other tolerances: what tests of optimizers usually compare with."""

from dataclasses import dataclass

import numpy as np

from lazyadam.suites.cases.case import Trajectory
from lazyadam.suites.judge.judgement import QUANTITIES


@dataclass(frozen=True)
class Policy:
    """A comparison |seen − expected| ≤ atol + rtol·|expected|, after every observed step."""

    name: str
    rtol: float
    atol: float


# torch.testing documentation, 2.13, default tolerances of float32; numpy.allclose documentation, 1.26.
POLICIES = (
    Policy("torch.testing.assert_close", 1.3e-6, 1e-5),
    Policy("numpy.allclose", 1e-5, 1e-8),
    Policy("rtol 1e-3", 1e-3, 1e-8),
    Policy("rtol 1e-2", 1e-2, 1e-8),
)
COMPARED = {"w": ("w",), "w, m, v": QUANTITIES}


def close(policy: Policy, quantities: tuple[str, ...], seen: Trajectory, expected: Trajectory) -> bool:
    """Whether a trajectory passes; one that failed doesn't."""
    return seen.failure is None and all(
        np.allclose(x, y, rtol=policy.rtol, atol=policy.atol, equal_nan=True)
        for quantity in quantities
        for x, y in zip(getattr(seen, quantity), getattr(expected, quantity), strict=True)
    )
