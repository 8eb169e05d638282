"""Scalars in the tensor's own type, of hyperparameters in float32 variables."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.bound import State, step
from lazyadam.reference.chain import inexact
from lazyadam.reference.dialect import Arithmetic, Average, Hat, Power, Storage
from lazyadam.reference.gradient import Coalesced
from lazyadam.reference.powers import nearest_power
from lazyadam.reference.rounding import PRECISIONS, round_to
from lazyadam.reference.scalars import Hyperparameters, replayed, stored

H = Hyperparameters(0.013, 0.83, 0.9937, 3e-7, 0.017, 3.0)
OWN = Arithmetic(Storage.VARIABLES, Power.OWN_POWER, Average.COMPLEMENT, Average.COMPLEMENT)
STEPS = (1, 2, 7, 333)


def test_variables_hold_the_learning_rate_and_the_betas_in_float32() -> None:
    h = stored(H, OWN)
    lr, beta1, beta2 = (float(np.float32(x)) for x in (H.lr, H.beta1, H.beta2))
    assert h == replace(H, lr=lr, beta1=beta1, beta2=beta2)


def test_of_rates_in_float32_the_betas_are_as_written_but_where_a_power_is_taken() -> None:
    arithmetic = Arithmetic(Storage.RATES, Power.OWN_POWER, Average.OMEGA, Average.OMEGA)
    lr, decay = (float(np.float32(x)) for x in (H.lr, H.weight_decay))
    assert stored(H, arithmetic) == replace(H, lr=lr, weight_decay=decay)
    s, of_variables = (replayed(H, 7, x, PRECISIONS["float64"], (0, 0)) for x in (arithmetic, OWN))
    assert (s.omega1, s.omega2) == (1 - H.beta1, 1 - H.beta2)
    assert s.alpha == of_variables.alpha


def test_of_a_rate_in_float32_a_power_in_float64_is_of_the_betas_as_written() -> None:
    arithmetic = Arithmetic(Storage.RATE, Power.OWN_POWER)
    assert stored(H, arithmetic) == replace(H, lr=float(np.float32(H.lr)))
    s = replayed(H, 7, arithmetic, PRECISIONS["float64"], (0, 0))
    root, below = np.sqrt(1 - H.beta2**7), 1 - H.beta1**7
    assert s.alpha == float(np.float32(H.lr)) * root / below
    in_float32 = replace(H, beta1=float(np.float32(H.beta1)), beta2=float(np.float32(H.beta2)))
    narrow = [replayed(h, 7, arithmetic, PRECISIONS["float32"], (0, 0)) for h in (H, in_float32)]
    assert narrow[0].alpha == narrow[1].alpha


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("t", STEPS)
def test_every_operation_is_rounded_to_the_tensors_own_type(dtype: str, t: int) -> None:
    s, kind = replayed(H, t, OWN, PRECISIONS[dtype], (0, 0)), np.dtype(dtype).type
    lr, beta1, beta2 = (kind(np.float32(x)) for x in (H.lr, H.beta1, H.beta2))
    wide: Any = np.float64 if dtype == "float64" else np.float32
    power1, power2 = (kind(wide(float(beta) ** float(kind(t)))) for beta in (beta1, beta2))
    one = kind(1)
    assert s.alpha == float(lr * np.sqrt(one - power2) / (one - power1))
    assert (s.lr, s.beta1, s.omega1) == (float(lr), float(beta1), float(one - beta1))
    assert (s.beta2, s.omega2) == (float(beta2), float(one - beta2))
    assert s.epsilon == (H.epsilon if dtype == "float64" else float(np.float32(H.epsilon)))
    assert (s.alpha_error, s.rate_error, s.epsilon_error) == (0, 0, 0)


@pytest.mark.parametrize(("t", "taken"), [(2049, 2048.0), (20_001, 20_000.0), (70_000, np.inf)])
def test_the_number_of_a_step_is_rounded_to_the_type_too(t: int, taken: float) -> None:
    h = replace(H, lr=1.0, beta1=0.0, beta2=float(np.float16(0.9995)))
    s = replayed(h, t, OWN, PRECISIONS["float16"], (0, 0))
    assert s.root_correction == float(np.sqrt(np.float16(1) - np.float16(h.beta2**taken)))


def test_a_power_in_a_type_below_float32_is_some_ulps_off_in_float32() -> None:
    """So that it is the nearest in its own type, but beside the middle of two."""
    beta = float(np.float16(0.9))
    power = np.float16(nearest_power(beta, 7, 2))
    assert power == np.float16(beta**7)
    s = replayed(replace(H, lr=1.0, beta1=0.9, beta2=0.0), 7, OWN, PRECISIONS["float16"], (2, 0))
    assert s.alpha == float(np.float16(1) / (np.float16(1) - power))
    assert inexact(OWN)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("lr", [0.3, 1e-3, 1e-5])
@pytest.mark.parametrize("t", STEPS)
def test_the_errors_hold_every_order_of_operations(dtype: str, lr: float, t: int) -> None:
    """In float16 products of a small learning rate are subnormal."""
    for beta1, beta2, off in product((0.9, 0.5), (0.999, 0.5), ((0, 0), (1, -1))):
        h = replace(H, lr=lr, beta1=beta1, beta2=beta2)
        chain = replayed(h, t, OWN, PRECISIONS[dtype], off)
        s: Any = replayed(h, t, replace(OWN, step_size_error=3.0), PRECISIONS[dtype], off)
        kind = np.dtype(dtype).type
        rate, root = kind(chain.rate), kind(chain.root_correction)
        below = _correction(h, t, dtype, off)
        for alpha in (kind(chain.alpha), rate * root, kind(np.float32(lr)) * (root / below)):
            assert abs(float(alpha) - s.alpha) <= s.alpha_error * s.alpha * (1 + 1e-9)
        assert abs(chain.rate - s.rate) <= s.rate_error * s.rate * (1 + 1e-9)


def _correction(h: Hyperparameters, t: int, dtype: str, off: tuple[int, int]) -> Any:
    """1 − β1^t."""
    kind = np.dtype(dtype).type
    wide: Any = np.float64 if dtype == "float64" else np.float32
    beta = float(kind(np.float32(h.beta1)))
    return kind(1) - kind(nearest_power(beta, float(kind(t)), off[0], wide))


def test_a_beta_that_rounds_to_1_stops_its_average_and_the_step_has_a_bound() -> None:
    """In bfloat16 0.999 is 1: the correction is 0, and nothing moves."""
    rules = Rules(PRECISIONS["bfloat16"], arithmetic=OWN)
    s = replayed(Hyperparameters(), 1, OWN, rules.type)
    assert (s.beta2, s.omega2, s.root_correction, s.alpha) == (1, 0, 0, 0)
    state = State(*(np.full((2, 3), x) for x in (1.0, 0.0, 0.0)))
    gradient = Coalesced(np.arange(2), round_to(np.full((2, 3), 0.3), "bfloat16"))
    after = step(state, gradient, s, rules).state
    assert (after.w == 1).all()
    assert (after.v == 0).all()


def _divided(a: Any, b: Any, by_reciprocal: bool) -> Any:
    return a * (np.float32(1) / b) if by_reciprocal else a / b


def test_the_errors_hold_every_order_where_the_step_size_joins_the_denominator() -> None:
    """m is divided by √v·x + e, where x is 1 / (rate·√(1 − β2^t)) and e is ε / rate."""
    arithmetic = Arithmetic(power=Power.FLOAT32_POWER, hat=Hat.INTO_DENOMINATOR, step_size_error=6.0)
    one, largest = np.float32(1), 0.0
    orders = [*product((False, True), repeat=4)]
    for lr, t, ways in product((0.3, 1e-3, 1e-5), STEPS, orders):
        s = replayed(replace(H, lr=lr), t, arithmetic, PRECISIONS["float32"], (0, 0))
        below, above = (one - np.float32(nearest_power(x, t, 0, np.float32)) for x in (H.beta1, H.beta2))
        root, rate = np.sqrt(above), _divided(np.float32(lr), below, ways[0])
        whole, part = _divided(one, rate * root, ways[1]), _divided(one, root, ways[2])
        x = _divided(part, rate, ways[1]) if ways[3] else whole
        e = _divided(np.float32(H.epsilon), rate, ways[2])
        for got, due in ((x, 1 / (s.rate * s.root_correction)), (e, s.epsilon / s.rate)):
            largest = max(largest, abs(float(got) / float(due) - 1) / float(s.rate_error))
    assert 1 / 6 < largest <= 1  # one rounding is not enough
