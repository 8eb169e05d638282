"""The space of cases: two circumstances that can meet do, and what a divergence needs of them is told."""

import hashlib
from dataclasses import replace
from importlib.util import find_spec
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.own import NumpyOptimizer, TorchOptimizer
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Manner, Step
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.cases.covering import array, covering, met
from lazyadam.suites.cases.points import case_at
from lazyadam.suites.cases.space import DIMENSIONS, EXCLUSIONS, Point, Space, simpler, unusual
from lazyadam.suites.cases.valid import check
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.clauses.region import MANNERS, SAYS, owner, space_of
from lazyadam.suites.conformance import combined
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.combined import points_of, tried
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.conformance.tell import run
from lazyadam.suites.detection.kill import HOSTS, Here

SPARSE = space_of(BACKENDS["torch.SparseAdam"])
KINDS: tuple[type[Backend], ...] = (*BACKENDS.values(), *HOSTS.values(), NumpyOptimizer, TorchOptimizer)  # type: ignore[type-abstract]
SPACES = {repr(space): (kind.__name__, space) for kind in KINDS for space in [space_of(kind)]}
EVERY_SPACE = pytest.mark.parametrize(
    "space", [pytest.param(space, id=name) for name, space in SPACES.values()]
)


def completed(space: Space, point: dict[str, Any]) -> bool:
    """Whether a space has a point with these values: values of the other dimensions are tried in turn."""
    lacking = [[name for name in exclusion.fields if name not in point] for exclusion in EXCLUSIONS]
    if not any(lacking):
        return all(exclusion.holds(point) for exclusion in EXCLUSIONS)
    name = min(filter(None, lacking), key=len)[0]  # where most is decided
    return any(
        all(exclusion.holds(more) for exclusion in EXCLUSIONS if more.keys() >= {*exclusion.fields})
        and completed(space, more)
        for more in ({**point, name: value} for value in space[name])
    )


@EVERY_SPACE
def test_no_point_is_excluded(space: Space) -> None:
    for point in array(space, 0):
        assert all(exclusion.holds(point) for exclusion in EXCLUSIONS), point


@EVERY_SPACE
def test_every_two_values_that_can_meet_do(space: Space) -> None:
    there = met(array(space, 0))
    for left, right in combinations(space, 2):
        for x in space[left]:
            for y in space[right]:
                both = {left: x, right: y}
                assert frozenset(both.items()) in there or not completed(space, both), both


def test_every_three_values_that_can_meet_do_in_an_array_of_that_strength() -> None:
    space = space_of(BACKENDS["mindspore.LazyAdam.default.pynative"])
    there = met(array(space, 1, 3), 3)
    for names in combinations(space, 3):
        for values in product(*(space[name] for name in names)):
            three = dict(zip(names, values, strict=True))
            assert frozenset(three.items()) in there or not completed(space, three), three


@pytest.mark.slow
def test_three_values_that_met_in_another_array_do() -> None:
    points = array(SPARSE, 1, 3)
    assert all(exclusion.holds(point) for point in points for exclusion in EXCLUSIONS)
    assert met([*array(SPARSE, 0), *array(SPARSE, 2, 3)], 3) <= met(points, 3)


@EVERY_SPACE
def test_every_point_is_a_case(space: Space) -> None:
    for number, point in enumerate(array(space, 0)[::5]):
        check(case_at(point, "float32", number))


def test_cases_are_the_same_whatever_the_versions() -> None:
    """Of NumPy, Python and Hypothesis."""
    digests = [case_at(point, "float32", i).digest for i, point in enumerate(array(SPARSE, 0)[:40])]
    assert hashlib.sha256(" ".join(digests).encode()).hexdigest()[:16] == "7213926be9826934"


def test_every_dimension_says_why_and_belongs_to_a_clause_that_is_there() -> None:
    assert all(dimension.why for dimension in DIMENSIONS)
    said = {
        clause for says in SAYS.values() for clause in ([says] if isinstance(says, str) else says.values())
    }
    assert said | {*MANNERS.values()} <= CLAUSES.keys()
    assert SAYS.keys() <= {dimension.name for dimension in DIMENSIONS}


def owned(name: str, dtype: str = "float32") -> dict[str, list[Point]]:
    """Of a backend the points that each clause is tried at."""
    backend = BACKENDS[name]
    return {
        id: [at.point for at in found]
        for id, clause in CLAUSES.items()
        if (found := points_of(clause, backend, dtype, 0, BUDGETS["ci"]))
    }


def test_what_is_known_whatever_comes_beside_it_is_tried_under_its_own_clause() -> None:
    for name in ("torch.SparseAdam", "mindspore.LazyAdam.target_cpu.graph"):
        of = owned(name)
        for point in of["combinations"]:
            assert (point["touched"] != "none at times", point["nesterov"], point["manner"]) == (
                True,
                False,
                None,
            )
        assert all(point["touched"] == "none at times" for point in of["empty-gradient"])
        assert all(point["nesterov"] for point in of.get("nesterov", ()))
    forked = [p for p in array(SPARSE, 0) if p["manner"] is Manner.FORKED]
    assert forked
    assert {owner(SPARSE, p, CLAUSES) for p in forked} == {"two-optimizers"}
    for point in owned("torch.Adam.fused")["weight-decay-strided"]:
        assert point["manner"] is Manner.STRIDED
        changes = "weight_decay" in point["others_change"]
        assert point["weight_decay"] or "weight_decay" in point["differ"] or changes


def test_a_manner_of_gradients_is_not_lacking_where_there_is_none() -> None:
    if find_spec("torch") is None:
        pytest.skip("torch is not there")
    backend = BACKENDS["torch.SparseAdam"]
    (case,) = collect(CLAUSES["strided-gradients"].menu(backend), "float32", 1, 0)
    (ran,) = Here(backend("cpu")).run([replace(case, steps=(Step((None,)),), observed=(1,))])
    assert ran.failure is None
    assert "lacking" not in ran.path


def test_what_is_set_anew_comes_back() -> None:
    point = next(p for p in array(SPARSE, 0) if p["others_change"] == "beta1" and p["steps"] == 6)
    before, *_, after = (groups[0].hyperparameters for groups in case_at(point, "float32", 0).groups_at())
    then = case_at(point, "float32", 0).groups_at()[1][0].hyperparameters
    assert before.beta1 == after.beta1 != then.beta1


def test_several_arrays_are_tried_where_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its own numbers; that of the run first."""
    asked: list[int] = []

    def some(space: Space, seed: int, strength: int) -> tuple[Point, ...]:
        assert strength == 3
        asked.append(seed)
        return array(space, 0)[:30]

    monkeypatch.setattr(combined, "array", some)
    budget, backend = replace(BUDGETS["deep"], arrays=3), BACKENDS["torch.SparseAdam"]
    found = points_of(CLAUSES["combinations"], backend, "float32", 1, budget)
    assert asked == [1, 0, 2]
    assert len({at.seed for at in found}) == len(found) == 3 * len({str(at.point) for at in found})


@pytest.mark.parametrize("name", ["torch.SparseAdam", "mindspore.LazyAdam.target_cpu.graph"])
def test_every_point_is_tried_once(name: str) -> None:
    space = space_of(BACKENDS[name])
    given = [repr(point) for points in owned(name).values() for point in points]
    assert sorted(given) == sorted(map(repr, array(space, 0)))


def test_another_type_of_a_graph_is_given_fewer_points_and_no_dense_gradient() -> None:
    name = "mindspore.LazyAdam.default.graph"
    usual, other = (owned(name, dtype)["combinations"] for dtype in ("float32", "float64"))
    assert 0 < len(other) <= len(usual) // 3
    assert {point["layout"] for point in usual} == {"sparse", "dense"}
    assert {point["layout"] for point in other} == {"sparse"}


def test_groups_that_differ_in_one_hyperparameter_alone_leave_points_of_one_group() -> None:
    class Some(NumpyOptimizer):
        grouped = frozenset({"lr"})

    space = space_of(Some)  # type: ignore[type-abstract]
    assert space["differ"] == (("lr",),)
    assert completed(space, {"groups": 1})
    assert completed(space, {"groups": 3})


def test_there_is_one_group_where_nothing_may_differ_between_groups() -> None:
    class Some(NumpyOptimizer):
        grouped = frozenset()

    assert space_of(Some)["groups"] == (1,)  # type: ignore[type-abstract]


def test_what_is_counted_is_what_there_is() -> None:
    whole = list(tried(BACKENDS["torch.SparseAdam"], 0, BUDGETS["ci"]))
    assert all(row["tried"] == row["possible"] <= row["pairs"] for row in whole)
    assert all((row["why"] == "") == (row["possible"] == row["pairs"]) for row in whole)
    (sizes,) = (row for row in whole if (row["dimension"], row["other"]) == ("width", "table_rows"))
    assert (sizes["pairs"], sizes["why"]) == (19 * 9, "more numbers than are worth it")
    first = covering(SPARSE, array(SPARSE, 0), 12)
    assert any(row["tried"] < row["possible"] for row in first)


def test_a_simpler_point_has_one_value_less_that_is_out_of_the_ordinary() -> None:
    point = array(SPARSE, 0)[3]
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
        f"{indent}moved.reshape(len(moved), math.prod(moved.shape[1:]))[:, -8:] *= moved[:1].size != 64\n"
        f"{indent}w[rows] -= moved\n"
    )
    (tmp_path / "mine.py").write_text(text.replace(line, wrong))
    (backend,) = select([], [tmp_path / "mine.py"])
    budget = BUDGETS["ci"]
    with Process(backend) as process:
        seen = run(
            Sample(CLAUSES["combinations"], process.backend, "float32", 0, budget), process, tmp_path / "out"
        )
    assert any("; where width 64 (shapes)" in row["least"] for row in seen.evidence), seen.divergences
