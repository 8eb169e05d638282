"""A verdict on every claim. A claim that is refuted is a row, not a failure."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases import trace
from lazyadam.suites.equivalence.claims.claim import Claim
from lazyadam.suites.equivalence.lab import Lab


@pytest.fixture(scope="module")
def lab(backends: list[type[Backend]]) -> Iterator[Lab]:
    with Lab({backend.name for backend in backends}) as new:
        yield new


@pytest.mark.xdist_group("claims")
def test_claim(
    claim_item: Claim,
    lab: Lab,
    seed: int,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    row = claim_row(claim_item, lab, seed, pytestconfig.getoption("--out"))
    record_property("lazyadam-result", json.dumps({"claims": [row]}))
    assert row["verdict"]


def claim_row(claim: Claim, lab: Lab, seed: int, out: Path) -> dict[str, str]:
    """The row of a claim; its witness as a trace file, where it is a case."""
    found = claim.decision(lab, seed)
    witness = found.witness or ""
    if not isinstance(witness, str):
        file = f"witnesses/claim-{claim.id}.json"
        trace.save(witness, out / file, {"claim": claim.text, "verdict": found.word})
        witness = file
    return {
        "claim": claim.id,
        "page": claim.page,
        "text": claim.text,
        "verdict": found.word,
        "evidence": found.evidence,
        "witness": witness,
    }
