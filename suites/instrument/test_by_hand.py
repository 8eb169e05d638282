"""Steps by hand are right, and floors move what a step moves. Nothing is timed."""

import numpy as np
import pytest

from lazyadam.suites.backends.base import Backend, NotRun
from lazyadam.suites.backends.timing import by_hand, compiled, floor
from lazyadam.suites.backends.timing.stopwatch import Stopwatch
from lazyadam.suites.cases.configuration import Configuration
from lazyadam.suites.performance.correctness import correctness

SMALL = Configuration(50, 4, 20, "zipf")


@pytest.mark.parametrize("kind", ["none", "zipf", "hot", "dense"])
@pytest.mark.parametrize("backend", by_hand.BACKENDS + compiled.BACKENDS[:1], ids=lambda x: x.name)
def test_what_is_written_by_hand_is_right(backend: type[Backend], kind: str) -> None:
    """In every pattern of repeats, rows of any width, by the bound of its type."""
    for width in (1, 7, 16):
        configuration = Configuration(60, width, 60 if kind == "dense" else 40, kind)
        instance = backend("cpu")
        instance.prepare()
        opened = Stopwatch(instance).open(configuration)
        assert opened.failure is None
        found = correctness(backend, "cpu", "float32", opened)
        assert (found.divergence, found.worst_ratio <= 1) == ("", True)


def test_a_floor_moves_all_that_a_step_moves() -> None:
    """Every touched row of w, m and v changes, and no other."""
    for backend in (*floor.BACKENDS, *compiled.BACKENDS[1:]):
        case = SMALL.case()
        instance = backend("cpu")
        instance.prepare()
        instance.build(case)
        instance.step_function(case, case.steps[0])()
        (gradient,) = case.steps[0].gradients
        assert gradient is not None
        assert gradient.rows is not None
        touched = np.isin(np.arange(SMALL.table_rows), gradient.rows)
        (p,) = case.parameters
        changed = [
            (a[0] != b).any(axis=1) for a, b in zip(instance.state()[:3], (p.w, p.m, p.v), strict=True)
        ]
        if backend.name == "floor.c":  # the others write back what they read
            assert all((x == touched).all() for x in changed)
        assert not any((x & ~touched).any() for x in changed)


def test_without_a_compiler_the_loops_are_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    compiled.library.cache_clear()
    with pytest.raises(NotRun, match="there is no C compiler"):
        compiled.CompiledByHand("cpu").prepare()
