"""The scalars of a step: exact ones against 50 digits, replayed ones against their chain."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from mpmath import mpf, sqrt

from lazyadam.reference.dialect import Arithmetic, Average, Hat, Power, StepSize, Storage
from lazyadam.reference.powers import float32_product, float64_product, nearest_power
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.scalars import Hyperparameters, Scalars, exact, replayed, stored
from lazyadam.suites.instrument import oracle

F = np.float32
H = Hyperparameters(0.013, 0.83, 0.9937, 3e-7, 0.017, 3.0, maximize=True)
STEPS = (1, 2, 7, 8, 1000)
FLOAT32, FLOAT64 = PRECISIONS["float32"], PRECISIONS["float64"]
AVERAGES = list(product((Average.BOTH, Average.OMEGA), Average))


def close(seen: Scalars, true: dict[str, mpf], relative: float) -> None:
    for name, x in true.items():
        value = getattr(seen, name)
        assert abs(mpf(value) - x) <= relative * abs(x), name


def errors_of(s: Scalars) -> tuple[Any, ...]:
    return s.alpha_error, s.rate_error, s.root_error, s.epsilon_error


def truth(h: Hyperparameters, t: int) -> dict[str, mpf]:
    """Every scalar of step t in 50 digits."""
    c1, c2 = 1 - mpf(h.beta1) ** t, 1 - mpf(h.beta2) ** t
    return {
        "lr": mpf(h.lr),
        "alpha": oracle.alpha(h, t),
        "rate": h.lr / c1,
        "beta1": mpf(h.beta1),
        "omega1": 1 - mpf(h.beta1),
        "beta2": mpf(h.beta2),
        "omega2": 1 - mpf(h.beta2),
        "epsilon": mpf(h.epsilon),
        "folded_epsilon": h.epsilon * sqrt(c2),
        "root_correction": sqrt(c2),
        "decay": mpf(h.weight_decay),
        "scale": mpf(h.loss_scale),
        "sign": mpf(-1 if h.maximize else 1),
    }


@pytest.mark.parametrize("t", STEPS)
@pytest.mark.parametrize(
    "h", [H, replace(H, maximize=False, beta1=0.0, beta2=1 - 1e-7), replace(H, beta2=0.3)]
)
def test_exact_scalars_within_3_ulps(h: Hyperparameters, t: int) -> None:
    close(exact(h, t), truth(h, t), 3 * 2.0**-52)


def test_without_bias_correction_only_the_learning_rate_remains() -> None:
    s, plain = exact(H, 5), exact(H, 5).uncorrected()
    assert (plain.alpha, plain.rate, plain.root_correction) == (H.lr, H.lr, 1.0)
    assert plain == s._replace(alpha=H.lr, rate=H.lr, folded_epsilon=H.epsilon, root_correction=1.0)
    bounded = replayed(H, 5, Arithmetic(Storage.FLOAT32, Power.FLOAT32_POWER, step_size_error=3.0), FLOAT32)
    assert 0 not in errors_of(bounded)
    assert errors_of(bounded.uncorrected()) == (0, 0, 0, 0)


def test_storage_in_float64_changes_nothing() -> None:
    assert stored(H, Arithmetic(storage=Storage.FLOAT64)) == H


def test_storage_in_float32_rounds_each_hyperparameter_once() -> None:
    """But λ twice, as λ·loss_scale and as 1/loss_scale, and the loss scale as its reciprocal."""
    h = stored(H, Arithmetic(storage=Storage.FLOAT32))
    for name in ("lr", "beta1", "beta2", "epsilon"):
        assert getattr(h, name) == float(F(getattr(H, name)))
    assert 1 / h.loss_scale == pytest.approx(float(F(1 / 3)), rel=1e-15)
    assert h.weight_decay == float(F(0.017 * 3.0)) * float(F(1 / 3))
    assert (h.nesterov, h.maximize) == (H.nesterov, H.maximize)


@pytest.mark.parametrize("t", STEPS)
@pytest.mark.parametrize("storage", [Storage.FLOAT64, Storage.FLOAT32])
def test_exact_power_is_exact_on_what_was_stored(storage: Storage, t: int) -> None:
    arithmetic = Arithmetic(storage=storage)
    assert replayed(H, t, arithmetic, FLOAT32) == exact(stored(H, arithmetic), t)


@pytest.mark.parametrize("t", STEPS)
@pytest.mark.parametrize(("first", "second"), AVERAGES)
def test_float64_chain_is_near_the_exact_one(first: Average, second: Average, t: int) -> None:
    """1 − β^t loses what its cancellation costs: at most u/(1 − β)."""
    seen = replayed(
        H, t, Arithmetic(power=Power.FLOAT64, first_average=first, second_average=second), FLOAT64
    )
    close(seen, truth(H, t), 4 * 2.0**-53 / (1 - H.beta2))


@pytest.mark.parametrize("power", [Power.FLOAT64, Power.FLOAT32_PRODUCT])
@pytest.mark.parametrize("storage", [Storage.FLOAT64, Storage.FLOAT32])
@pytest.mark.parametrize(("first", "second"), AVERAGES)
def test_scalars_meet_a_float32_tensor_as_float32(
    power: Power, storage: Storage, first: Average, second: Average
) -> None:
    arithmetic = Arithmetic(storage, power, first, second)
    for t in STEPS:
        s = replayed(H, t, arithmetic, FLOAT32)
        others = ("beta1", "beta2", "omega2" if second is Average.ROOT else "", "decay", "scale")
        rounded = [n for n in s._fields if n not in others]
        assert all(getattr(s, n) == float(F(getattr(s, n))) for n in rounded)
        kept = stored(H, arithmetic)
        for form, beta, omega, name in (
            (first, s.beta1, s.omega1, "beta1"),
            (second, s.beta2, s.omega2, "beta2"),
        ):
            written = float(F(getattr(H, name)))
            assert beta == (1 - omega if form is Average.OMEGA else written)
            if form is Average.ROOT:  # √ω is rounded, and ω its square
                assert float(F(np.sqrt(omega))) ** 2 == omega
        # λ is multiplied out again from two float32 numbers, and is not rounded a third time.
        assert s.decay == (kept.weight_decay if storage is Storage.FLOAT32 else float(F(H.weight_decay)))
        assert s.scale == kept.loss_scale


@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("t", STEPS)
def test_float32_chain_is_float32_at_every_operation(t: int, maximize: bool) -> None:
    h = replace(H, maximize=maximize)
    s = replayed(h, t, Arithmetic(Storage.FLOAT32, Power.FLOAT32_PRODUCT), FLOAT32)
    product1 = product2 = F(1)
    for _ in range(t):
        product1, product2 = product1 * F(h.beta1), product2 * F(h.beta2)
    below, root = F(1) - product1, np.sqrt(F(1) - product2)
    expected = {
        "lr": F(h.lr),
        "alpha": F(F(h.lr) * root) / below,
        "rate": F(h.lr) / below,
        "folded_epsilon": F(h.epsilon) * root,
        "beta1": F(h.beta1),
        "omega1": F(1) - F(h.beta1),
        "beta2": F(h.beta2),
        "omega2": F(1) - F(h.beta2),
        "epsilon": F(h.epsilon),
        "root_correction": root,
        "decay": s.decay,
        "scale": s.scale,
        "sign": -1.0 if maximize else 1.0,
        **dict.fromkeys(("alpha_error", "rate_error", "root_error", "epsilon_error"), 0.0),
    }
    assert s._asdict() == expected


def test_products_multiply_one_factor_after_another() -> None:
    running, running64 = F(1), 1.0
    for t in range(40):
        assert float32_product(0.9, t) == running
        assert float64_product(0.9, t) == running64
        running, running64 = running * F(0.9), running64 * 0.9


@pytest.mark.parametrize("beta", [0.9, 0.999, 0.99999])
@pytest.mark.parametrize("t", STEPS)
def test_a_float32_power_is_the_nearest_number_or_so_many_ulps_from_it(beta: float, t: int) -> None:
    true, ulp = mpf(float(F(beta))) ** t, float(np.spacing(F(float(F(beta)) ** t)))
    for ulps in range(-4, 5) if true > 10 * ulp else ():  # where it is 0 there is no other
        assert abs((mpf(float(nearest_power(beta, t, ulps))) - true) / ulp - ulps) <= 0.5 + 1e-6


@pytest.mark.parametrize("ulps", list(product((-2, 0, 1, 2), repeat=2)))
@pytest.mark.parametrize("t", STEPS)
@pytest.mark.parametrize("order", [0.0, 3.0])
def test_the_errors_hold_every_chain_of_powers_some_ulps_off(
    ulps: tuple[int, int], t: int, order: float
) -> None:
    """In any order of float32 operations, and one corner is as far as they say."""
    arithmetic = Arithmetic(Storage.FLOAT32, Power.FLOAT32_POWER, step_size_error=order)
    h = stored(H, arithmetic)
    bounded: Any = replayed(H, t, arithmetic, FLOAT32)
    below = F(1) - nearest_power(h.beta1, t, ulps[0])
    root = np.sqrt(F(1) - nearest_power(h.beta2, t, ulps[1]))
    lr = F(h.lr)
    orders = [F(lr * root) / below] + ([F(lr / below) * root, F(root / below) * lr] if order else [])
    for alpha in orders:
        assert abs(float(alpha) / bounded.alpha - 1) <= bounded.alpha_error * (1 + 1e-6)
    assert abs(float(lr / below) / bounded.rate - 1) <= bounded.rate_error * (1 + 1e-6)
    assert abs(bounded.root_correction / float(root) - 1) <= bounded.root_error + (order > 0) * 2.0**-24
    assert abs(float(F(h.epsilon) * root) / bounded.folded_epsilon - 1) <= bounded.epsilon_error * (1 + 1e-6)
    alone: Any = replayed(H, t, arithmetic, FLOAT32, ulps)
    assert alone.alpha_error == order * 2.0**-24
    assert alone.root_error == 0
    assert abs(alone.alpha / bounded.alpha - 1) <= bounded.alpha_error


@pytest.mark.parametrize("order", [0.0, 1.0, 3.0])
def test_the_errors_are_those_of_the_order_and_of_the_furthest_powers_compounded(order: float) -> None:
    """A quotient of at most one rounding, a product of at most two, the step size of so many."""
    u, most = 2.0**-24, 2
    own = order * u, min(order, 1) * u, 0.0, min(order, 2) * u
    arithmetic = Arithmetic(Storage.FLOAT32, Power.FLOAT32_POWER, step_size_error=order, power_ulps=most)
    assert errors_of(replayed(H, 2, arithmetic, FLOAT32, (0, 0))) == own
    h, seen = stored(H, arithmetic), []
    real: Any = np.float64 if order else F
    for ulps in [(0, 0), *product((-most, most), repeat=2)]:
        below = real(F(1) - nearest_power(h.beta1, 2, ulps[0]))
        root = np.sqrt(real(F(1) - nearest_power(h.beta2, 2, ulps[1])))
        seen.append([real(h.lr) * root / below, real(h.lr) / below, 1 / root, real(F(h.epsilon)) * root])
    centre, *corners = np.array(seen, float)
    furthest = np.abs(corners / centre - 1).max(axis=0)
    due = (1 + np.array(own)) * (1 + furthest) - 1
    np.testing.assert_allclose(errors_of(replayed(H, 2, arithmetic, FLOAT32)), due, rtol=1e-9)


def test_a_learning_rate_of_0_has_the_errors_of_the_order_alone() -> None:
    arithmetic = Arithmetic(Storage.FLOAT32, Power.FLOAT32_POWER, step_size_error=3.0)
    at_rest = replayed(replace(H, lr=0.0, epsilon=0.0), 2, arithmetic, FLOAT32)
    moving = replayed(H, 2, arithmetic, FLOAT32)
    assert (at_rest.alpha_error, at_rest.rate_error) == (3 * 2.0**-24, 2.0**-24)
    assert at_rest.epsilon_error == 2 * 2.0**-24
    assert at_rest.root_error == moving.root_error > 0


def test_a_power_is_the_nearest_where_nothing_is_said_and_never_above_1() -> None:
    assert nearest_power(0.9, 3) == F(float(F(0.9)) ** 3)
    assert nearest_power(1 - 1e-9, 1, 2) == 1


def test_float64_products_are_taken_where_they_are_declared() -> None:
    """After 40 steps they are not the power."""
    h = replace(H, beta1=0.9937)
    of_products = replayed(h, 40, Arithmetic(power=Power.FLOAT64_PRODUCT), FLOAT64)
    of_powers = replayed(h, 40, Arithmetic(power=Power.FLOAT64), FLOAT64)
    assert of_products.rate == h.lr / (1 - float64_product(h.beta1, 40)) != of_powers.rate


@pytest.mark.parametrize("t", STEPS)
@pytest.mark.parametrize(("dtype", "kind"), [("float32", np.float32), ("float64", np.float64)])
def test_products_in_the_working_precision_and_a_step_size_whose_quotient_is_first(
    dtype: str, kind: Any, t: int
) -> None:
    """Each operation rounded to the tensor's type, in that order."""
    h = replace(H, beta1=0.9937)
    arithmetic = Arithmetic(
        Storage.WORKING, Power.WORKING_PRODUCT, hat=Hat.FOLDED, step_size=StepSize.QUOTIENT_FIRST
    )
    s = replayed(h, t, arithmetic, PRECISIONS[dtype])
    product1 = product2 = kind(1)
    for _ in range(t):
        product1, product2 = product1 * kind(h.beta1), product2 * kind(h.beta2)
    below, root = kind(1) - product1, np.sqrt(kind(1) - product2)
    assert s.alpha == kind(h.lr) * (root / below)
    assert (s.rate, s.folded_epsilon) == (kind(h.lr) / below, kind(h.epsilon) * root)
    assert errors_of(s) == (0.0, 0.0, 0.0, 0.0)


def test_the_order_of_a_step_size_is_seen_in_it() -> None:
    for power in (Power.WORKING_PRODUCT, Power.FLOAT64):
        for p in (FLOAT32, FLOAT64):
            orders = [
                [
                    replayed(H, t, Arithmetic(Storage.WORKING, power, step_size=order), p).alpha
                    for t in range(1, 40)
                ]
                for order in StepSize
            ]
            assert orders[0] != orders[1] or (power is Power.FLOAT64 and p is FLOAT32)


def test_scalars_of_some_rows() -> None:
    column = np.array([[1.0], [2.0], [3.0]])
    part = exact(H, 3)._replace(lr=column).part(slice(1, 3))
    np.testing.assert_array_equal(part.lr, column[1:])
    assert part.alpha == exact(H, 3).alpha
