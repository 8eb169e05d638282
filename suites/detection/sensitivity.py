"""How small an error may be before it hides: relative errors of a known size in one quantity."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from lazyadam.suites.cases.strategies import Menu
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.clauses.clause import SETTINGS, Clause
from lazyadam.suites.conformance.examine import examine
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.detection.hosts.edit import Edits
from lazyadam.suites.detection.kill import BUDGET, seeded

_BETAS = 'group["betas"]\n    if'
_STORE = "w[rows] -= update"

# The edits of the NumPy host that make a quantity wrong by a factor 1 + δ. Written 1 − δ for the betas, so
# that they stay below 1.
ERRORS: dict[str, Callable[[float], Edits]] = {
    "lr": lambda d: (("alpha = lr *", f"alpha = {1 + d!r} * lr *"),),
    "beta1": lambda d: ((_BETAS, f'group["betas"]\n    beta1 *= {1 - d!r}\n    if'),),
    "beta2": lambda d: ((_BETAS, f'group["betas"]\n    beta2 *= {1 - d!r}\n    if'),),
    "epsilon": lambda d: (("to(eps)", f"to(eps * {1 + d!r})"),),
    "weight decay": lambda d: (('to(group["weight_decay"])', f'to(group["weight_decay"] * {1 + d!r})'),),
    "update of one element": lambda d: ((_STORE, f"update.reshape(-1)[:1] *= to({1 + d!r})\n    {_STORE}"),),
    "update of one row": lambda d: ((_STORE, f"update[:1] *= to({1 + d!r})\n    {_STORE}"),),
    "update of one step in 8": lambda d: (
        (_STORE, f"if t % 8 == 0:\n        update *= to({1 + d!r})\n    {_STORE}"),
    ),
}


def _menus() -> Iterator[tuple[str, Menu]]:
    plain = Menu(hyperparameters=SETTINGS, starts=(0, 1, 7), regimes=("ordinary",))
    yield "w = 0", replace(plain, kinds=("nothing",))
    yield "w ~ N(0, 1)", replace(plain, kinds=("ordinary",))
    yield "w = 0, ε rules", replace(plain, kinds=("nothing",), regimes=("tiny",))
    yield "w = 0, late steps", replace(plain, kinds=("nothing",), starts=(1003, 5005))


REGIMES = dict(_menus())


def clause_of(regime: str, quantity: str) -> Clause:
    """The update rule, tried in one regime."""
    menu = REGIMES[regime]
    if quantity == "weight decay":
        decayed = tuple((replace(h, weight_decay=0.1),) for (h,) in menu.hyperparameters)
        menu = replace(menu, hyperparameters=decayed)
    return replace(CLAUSES["update-rule"], menu=lambda _: menu)


def found(quantity: str, exponent: int, dtype: str, regime: str, seed: int) -> bool:
    """Whether a relative error of 2^−exponent is found by the cases of the profile ci in a regime."""
    host = seeded("numpy", ERRORS[quantity](2.0**-exponent))
    return examine(Sample(clause_of(regime, quantity), host.backend, dtype, seed, BUDGET), host).new


def smallest(quantity: str, dtype: str, regime: str, seed: int, exponents: range) -> int | None:
    """The exponent of the smallest error found, by bisection; None where not even the largest is."""
    low, high = exponents.start - 1, exponents.stop
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if found(quantity, middle, dtype, regime, seed) else (low, middle)
    return low if low in exponents else None
