"""Where the bound has a short way, it is no tighter than the long one, and hardly looser."""

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from lazyadam.reference import movement
from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.blocks import Running, advance
from lazyadam.reference.bound import Bounded, State, step
from lazyadam.reference.dialect import Arithmetic, Dialect, Epsilon, Hat
from lazyadam.reference.gradient import Coalesced
from lazyadam.reference.rounding import CONSTANTS, PRECISIONS, round_to
from lazyadam.reference.rule import Intermediates
from lazyadam.reference.scalars import Hyperparameters, Scalars, exact

FLOAT32 = PRECISIONS["float32"]
SETTINGS = (
    Hyperparameters(),
    Hyperparameters(beta1=0.3, beta2=0.3, epsilon=1e-3),
    Hyperparameters(beta2=0.9, epsilon=1e-1),
)
ROWS = 500


@dataclass
class Setup:
    """Gradients and moments of all sizes; ran: the state has run on for a step, and has errors."""

    dtype: str
    epsilon: Epsilon
    h: Hyperparameters
    ran: bool

    def bound(self) -> np.ndarray:
        """The bound of w after a step that starts at w = 0."""
        rng = np.random.default_rng(1)

        def numbers(low: float, high: float) -> np.ndarray:
            return rng.standard_normal((ROWS, 4)) * 10 ** rng.uniform(low, high, (ROWS, 1))

        rules = Rules(PRECISIONS[self.dtype], Dialect(epsilon=self.epsilon))
        running = Running(State(np.zeros((ROWS, 4)), numbers(-9, 1), numbers(-9, 1) ** 2))
        for t in range(4, 6 if self.ran else 5):
            advance(running, Coalesced(np.arange(ROWS), numbers(-12, 4)), exact(self.h, t), rules)
        return running.now()[1].w


SETUPS = [
    Setup(*x) for x in product(PRECISIONS, (Epsilon.BESIDE_ROOT, Epsilon.BESIDE_HAT), SETTINGS, (False, True))
]


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_short_ways_are_safe_and_at_most_twice_the_long_one(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: Any) -> None:
        return None

    short = setup.bound()
    monkeypatch.setattr(movement, "_relative_denominator_error", nothing)
    medium = setup.bound()
    monkeypatch.setattr(movement, "SMALL", -1.0)
    long = setup.bound()
    for way, most in ((short, 2.0), (medium, 1.51)):
        assert (way >= long * (1 - 1e-12)).all()
        assert (way <= long * most).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("epsilon", Epsilon)
def test_what_epsilon_loses_in_the_type_is_allowed_and_no_more(dtype: str, epsilon: Epsilon) -> None:
    """Beside a root of nothing ε is the whole denominator."""
    p, nothing = PRECISIONS[dtype], np.zeros((1, 1))

    def taken(value: float, strict: bool) -> Bounded:
        state, g = State(nothing, np.ones((1, 1)), nothing), Coalesced(np.array([0]), nothing)
        rules = Rules(p, Dialect(epsilon=epsilon), strict_epsilon=strict)
        return step(state, g, exact(Hyperparameters(epsilon=value), 3), rules)

    written, rounded = taken(0.1, False), taken(float(round_to(0.1, dtype)), True)
    assert 0 < abs(written.state.w - rounded.state.w) < written.errors.w
    assert written.errors.w <= 1.1 * taken(0.1, True).errors.w


@pytest.mark.parametrize("epsilon", [Epsilon.BESIDE_ROOT, Epsilon.BESIDE_HAT])
def test_the_medium_way_is_safe_up_to_the_largest_error_that_it_takes(epsilon: Epsilon) -> None:
    """Where the inherited error of v' is all that counts, and ε and the other errors are nothing."""
    one, nothing = np.ones((1, 1)), np.zeros((1, 1))
    rules = Rules(replace(PRECISIONS["float64"], eta=0.0), Dialect(epsilon=epsilon))
    s = exact(Hyperparameters(epsilon=1e-30), 3)
    d = one if epsilon is Epsilon.BESIDE_ROOT else one / s.root_correction
    inner = Intermediates(one, d, one)

    def bound(ev: float) -> float:
        error, gain, own = movement._quotient_error(
            nothing, np.full((1, 1), ev), one, one, nothing, inner, s, rules, False
        )
        return (error * gain + own).item()

    true = 1 / np.sqrt(1 - movement.SMALL) - 1
    assert true <= bound(movement.SMALL) <= true * (1 + 1e-12)
    assert true <= bound(movement.SMALL * (1 + 1e-15)) <= true * (1 + 1e-12)


def test_a_learning_rate_of_0_moves_nothing_and_has_a_bound() -> None:
    one = np.ones((1, 1))
    new = step(
        State(one, one, one), Coalesced(np.array([0]), one), exact(Hyperparameters(lr=0.0), 1), Rules(FLOAT32)
    )
    assert new.state.w == 1
    assert new.errors.w <= 2 * FLOAT32.u


def denominator_error(epsilon: Epsilon, s: Scalars, hat: Hat = Hat.DIVIDES, strict: bool = False) -> float:
    """Of a denominator of hardly more than ε, in float16, in which ε is rounded."""
    rules = Rules(PRECISIONS["float16"], Dialect(epsilon=epsilon), Arithmetic(hat=hat), strict_epsilon=strict)
    v = np.full((1, 1), 1e-40)
    root = np.sqrt(v + s.epsilon) if epsilon is Epsilon.INSIDE_ROOT else np.sqrt(v)
    inner = Intermediates(root, root if epsilon is Epsilon.INSIDE_ROOT else root + s.epsilon, v)
    return float(movement._denominator_error(np.zeros((1, 1)), v, inner, s, rules).item())


def test_the_parts_of_the_denominators_error_add_up() -> None:
    """What ε loses in the type, an underflow, the folded correction, and the roundings of root and sum."""
    p, k = PRECISIONS["float16"], CONSTANTS
    s = exact(Hyperparameters(epsilon=1.23e-3), 3)
    lost = abs(s.epsilon - round_to(s.epsilon, "float16"))
    assert lost > 0
    due = lost + k.denominator * p.u * s.epsilon
    assert denominator_error(Epsilon.BESIDE_ROOT, s) == pytest.approx(due)
    assert denominator_error(Epsilon.BESIDE_HAT, s) == pytest.approx(due + k.underflow * p.eta, rel=1e-9)
    folded = s._replace(epsilon_error=1e-3)
    assert denominator_error(Epsilon.BESIDE_HAT, folded, Hat.FOLDED) == pytest.approx(due + 1e-3 * s.epsilon)
    loses, keeps = (denominator_error(Epsilon.INSIDE_ROOT, s, strict=strict) for strict in (False, True))
    assert loses - keeps == pytest.approx(lost / (2 * np.sqrt(s.epsilon)), rel=0.01)
