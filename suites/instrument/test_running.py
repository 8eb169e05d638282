"""A state that runs on by itself: against 50 digits, against float32 implementations, and block by block."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from mpmath import mpf

from lazyadam.reference import blocks as blocked
from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.blocks import Running, advance, blocks
from lazyadam.reference.bound import State, step
from lazyadam.reference.dialect import Dialect, Duplicates, Epsilon
from lazyadam.reference.gradient import Coalesced, coalesce
from lazyadam.reference.rounding import CONSTANTS, PRECISIONS
from lazyadam.reference.scalars import Hyperparameters, Scalars, exact, replayed
from lazyadam.suites.instrument import oracle
from lazyadam.suites.instrument.orders import ORDERS, Order, implementation

FLOAT32, FLOAT64 = PRECISIONS["float32"], PRECISIONS["float64"]
ROWS, WIDTH = 9, 3
SETTINGS = [Hyperparameters(0.1, 0.5 + 0.04 * i, 0.9 + 0.01 * i, 10.0 ** -(i + 2)) for i in range(ROWS)]


def start(number: int = 0) -> State:
    rng = np.random.default_rng(number)
    w, m, v = rng.standard_normal((3, ROWS, WIDTH)).astype(np.float32).astype(np.float64)
    return State(w, 0.5 * m, v * v.astype(np.float32))


def gradients(steps: int, number: int = 1) -> list[Coalesced]:
    """Distinct rows; at every step some that were touched before and, at first, some that were not."""
    rng = np.random.default_rng(number)
    return [
        Coalesced(
            np.sort(rng.permutation(ROWS - 1)[: 2 + k % 4]),
            rng.standard_normal((2 + k % 4, WIDTH)).astype(np.float32).astype(np.float64),
        )
        for k in range(steps)
    ]


def columns(rows: np.ndarray, t: int) -> Scalars:
    """Of every row the scalars of its own hyperparameters."""
    return Scalars(*np.array([exact(SETTINGS[r], t) for r in rows]).T[:, :, None])


def run(taken: list[Coalesced], rules: Rules) -> Running:
    running = Running(start())
    for t, g in enumerate(taken, 1):
        advance(running, g, columns(g.rows, t), rules)
    return running


def test_runs_on_as_the_formula_in_50_digits() -> None:
    taken, begun = gradients(6), start()
    running = run(taken, Rules(FLOAT64))
    (w, m, v), errors = running.now()
    for x, y in zip(running.start, begun, strict=True):
        np.testing.assert_array_equal(x, y)
    for row in range(ROWS):
        for i in range(WIDTH):
            true = mpf(begun.w[row, i]), mpf(begun.m[row, i]), mpf(begun.v[row, i])
            for t, g in enumerate(taken, 1):
                for value in g.values[g.rows == row, i]:
                    moved, *moments = oracle.step(*true, [value], SETTINGS[row], t)
                    true = true[0] + moved, *moments
            for seen, error, x in zip((w, m, v), errors, true, strict=True):
                assert abs(mpf(seen[row, i]) - x) <= error[row, i]
                assert error[row, i] <= 1e-12
                assert (error[row, i] == 0) == all(row not in g.rows for g in taken)


@pytest.mark.parametrize("duplicates", [Duplicates.SUM, Duplicates.SCATTERED])
@pytest.mark.parametrize("block", [1, WIDTH, 2 * WIDTH, 2 * WIDTH + 1])
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, block: int, duplicates: Duplicates) -> None:
    rules = Rules(FLOAT32, Dialect(duplicates=duplicates))
    taken = gradients(6)
    if duplicates is Duplicates.SCATTERED:
        taken = [Coalesced(np.repeat(g.rows, 2), np.repeat(g.values, 2, axis=0)) for g in taken]
    state, errors = run(taken, rules).now()
    monkeypatch.setattr(blocked, "BLOCK", block)
    again, errors_again = run(taken, rules).now()
    for x, y in zip((*state, *errors), (*again, *errors_again), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("width", [0, 1, 7, 10**6])
@pytest.mark.parametrize("count", [0, 1, 10, 200_000])
def test_blocks_cover_every_row_once_and_fit(count: int, width: int) -> None:
    for duplicates in (Duplicates.SUM, Duplicates.SCATTERED):
        found = blocks(count, width, Rules(FLOAT32, Dialect(duplicates=duplicates)))
        assert [i for at in found for i in range(*at.indices(count))] == list(range(count))
        if duplicates is Duplicates.SCATTERED:
            assert len(found) == (count > 0)
        elif count:
            most = max(1, blocked.BLOCK // max(1, width))
            assert len(found) == -(-count // most)


@pytest.mark.parametrize("at", [slice(1, 3), [0, 2], np.array([2])])
def test_part_of_a_gradient_cuts_everything_alike(at: Any) -> None:
    rng = np.random.default_rng(0)
    values, error, size, squares = rng.standard_normal((4, 4, 2))
    whole = Coalesced(np.arange(4), values, error, size, squares, np.arange(4.0))
    part = whole.part(at)
    for name, x in vars(whole).items():
        np.testing.assert_array_equal(getattr(part, name), x[at])
    bare = Coalesced(np.arange(4), values).part(at)
    assert (bare.error, bare.size, bare.squares, bare.occurrences) == (None, None, None, None)


VARIANTS: dict[str, tuple[Dialect, dict[str, Any]]] = {
    "plain": (Dialect(), {}),
    "ε beside √v̂": (Dialect(epsilon=Epsilon.BESIDE_HAT), {}),
    "nesterov": (Dialect(), {"nesterov": True}),
    "decayed and unscaled": (Dialect(), {"weight_decay": 0.1, "loss_scale": 3.0}),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_float32_implementations_stay_within_the_bound_that_gathers(order: Order, variant: str) -> None:
    dialect, settings = VARIANTS[variant]
    h = replace(Hyperparameters(0.01, 0.8, 0.97, 1e-6), **settings)
    rules = Rules(FLOAT32, dialect, order.arithmetic, h.nesterov)
    running, seen = Running(start()), [x.copy() for x in start()]
    worst = np.zeros(3)
    for t, g in enumerate(gradients(30), 1):
        s = replayed(h, t, order.arithmetic, FLOAT32)
        repeated = coalesce(np.tile(g.rows, 2), np.concatenate([g.values, g.values]), Duplicates.SUM, FLOAT32)
        advance(running, repeated, s, rules)
        new = implementation(
            seen[0][g.rows],
            seen[1][g.rows],
            seen[2][g.rows],
            np.stack([g.values, g.values]),
            s,
            order,
            "float32",
            dialect.epsilon is Epsilon.BESIDE_HAT,
            h.nesterov,
        )
        for x, y in zip(seen, new, strict=True):
            x[g.rows] = y
        state, errors = running.now()
        for i, (x, y, e) in enumerate(zip(seen, state, errors, strict=True)):
            assert (np.abs(x - y) <= e * (1 + 1e-6)).all()
            worst[i] = max(worst[i], (np.abs(x - y)[e > 0] / e[e > 0]).max())
    assert (worst >= 0.05).all()


@pytest.mark.parametrize("store", [1.0, 2.0])
def test_errors_of_scattered_occurrences_add_up_with_one_rounding_for_each(store: float) -> None:
    """What each moves w by, and with what error, is what it does by itself."""
    constants = replace(CONSTANTS, store=store)
    p, apart = PRECISIONS["bfloat16"], Dialect(duplicates=Duplicates.SCATTERED)
    alone, together = Rules(p, constants=constants), Rules(p, apart, constants=constants)
    w0 = start().w[:1]
    state = State(np.zeros((1, WIDTH)), start().m[:1], start().v[:1])
    rows, values = np.array([0, 0, 0]), start(7).w[:3]
    s = exact(SETTINGS[0], 3)
    moved = errors = np.zeros((1, WIDTH))
    for value in values:
        new = step(state, Coalesced(rows[:1], value[None]), s, alone)
        size = np.abs(new.state.w)
        moved, errors = moved + size, errors + new.errors.w - store * p.u * size
    running = Running(State(w0, *state[1:]))
    advance(running, Coalesced(rows, values), s, together)
    now, first = running.now()
    rounded = 3 * store * p.u * (np.abs(w0) + moved + errors)
    np.testing.assert_allclose(first.w, errors + rounded, rtol=1e-9)
    advance(running, Coalesced(rows, values), s, together)
    again = running.now()[1]
    assert (again.w >= first.w + step(now, Coalesced(rows, values), s, together).errors.w[:1]).all()
