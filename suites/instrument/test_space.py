"""The space of cases: two circumstances that can meet do, and what a divergence needs of them is told."""

import hashlib
from itertools import combinations
from pathlib import Path

import pytest

from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.covering import decoded, encoded, met, name_of, pairs, recorded
from lazyadam.suites.cases.points import case_at
from lazyadam.suites.cases.space import DIMENSIONS, EXCLUSIONS, Space, simpler, unusual
from lazyadam.suites.cases.valid import check
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.clauses.region import MANNERS, SAYS, space_of
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.combined import points_of
from lazyadam.suites.conformance.tell import run
from lazyadam.suites.instrument.arrays import completed, made, spaces

SPARSE = space_of(BACKENDS["torch.SparseAdam"])
EVERY_SPACE = pytest.mark.parametrize("space", spaces().values(), ids=[*spaces()])


def test_the_arrays_that_come_are_those_of_the_backends_and_hosts() -> None:
    assert recorded().keys() == spaces().keys()


@pytest.mark.slow
@EVERY_SPACE
def test_an_array_is_as_it_is_made(space: Space) -> None:
    assert recorded()[name_of(space)] == made(space)


@EVERY_SPACE
def test_no_point_is_excluded(space: Space) -> None:
    for point in pairs(space, 0):
        assert all(exclusion.holds(point) for exclusion in EXCLUSIONS), point


@EVERY_SPACE
def test_every_two_values_that_can_meet_do(space: Space) -> None:
    there = met(pairs(space, 0))
    for left, right in combinations(space, 2):
        for x in space[left]:
            for y in space[right]:
                both = {left: x, right: y}
                assert frozenset(both.items()) in there or not completed(space, both), both


@EVERY_SPACE
def test_every_point_is_a_case(space: Space) -> None:
    for number, point in enumerate(pairs(space, 0)[::5]):
        check(case_at(point, "float32", number))


def test_a_point_is_read_as_it_was_written() -> None:
    for point in pairs(SPARSE, 0):
        assert decoded(SPARSE, encoded(SPARSE, point)) == point


def test_cases_are_the_same_whatever_the_versions() -> None:
    """Of NumPy, Python, Hypothesis and covertable."""
    digests = [case_at(point, "float32", i).digest for i, point in enumerate(pairs(SPARSE, 0)[:40])]
    assert hashlib.sha256(" ".join(digests).encode()).hexdigest()[:16] == "21aed07d15759d34"


def test_every_dimension_says_why_and_belongs_to_a_clause_that_is_there() -> None:
    assert all(dimension.why for dimension in DIMENSIONS)
    said = {
        clause for says in SAYS.values() for clause in ([says] if isinstance(says, str) else says.values())
    }
    assert said | {*MANNERS.values()} <= CLAUSES.keys()
    assert SAYS.keys() <= {dimension.name for dimension in DIMENSIONS}


def test_a_simpler_point_has_one_value_less_that_is_out_of_the_ordinary() -> None:
    point = pairs(SPARSE, 0)[3]
    for less in simpler(SPARSE, point):
        assert len(unusual(SPARSE, less)) == len(unusual(SPARSE, point)) - 1


@pytest.mark.slow
def test_what_a_divergence_needs_is_told(tmp_path: Path) -> None:
    text = TEMPLATES["numpy"]
    line = next(x for x in text.splitlines(keepends=True) if x.strip().startswith("w[rows] -="))
    indent = line[: len(line) - len(line.lstrip())]
    moved = line.partition("-=")[2].strip()
    wrong = (
        f"{indent}moved = {moved}\n"
        f"{indent}moved[..., -8:] *= moved.ndim == 1 or moved.shape[-1] != 64\n"
        f"{indent}w[rows] -= moved\n"
    )
    (tmp_path / "mine.py").write_text(text.replace(line, wrong))
    (backend,) = select([], [tmp_path / "mine.py"])
    budget = BUDGETS["ci"]
    clause = next(
        clause
        for clause in CLAUSES.values()
        if any(at.point["width"] == 64 for at in points_of(clause, backend, "float32", 0, 1000))
    )
    with Process(backend) as process:
        seen = run(clause, process, "float32", 0, budget, tmp_path / "out")
    assert any("; where width 64" in row["least"] for row in seen.evidence), seen.divergences
