"""The update rule: its formula, its hyperparameters, and how long it holds."""

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.strategies import Menu
from lazyadam.suites.clauses.clause import (
    ALL_ROWS,
    MINDSPORE_ADAM,
    MORE_SETTINGS,
    PAPER,
    SHAPES,
    TORCH_ADAM,
    TORCH_SPARSE_ADAM,
    Clause,
    H,
    layouts,
    some_settings,
)


def _update_rule(backend: type[Backend]) -> Menu:
    shapes = SHAPES[:1] if backend.compiles else SHAPES
    return Menu(
        layouts=layouts(backend), shapes=shapes, hyperparameters=some_settings(backend), rows=ALL_ROWS
    )


def _slow_averages(backend: type[Backend]) -> Menu:
    return Menu(layouts=layouts(backend), hyperparameters=MORE_SETTINGS[3:4], starts=(0, 1, 7, 5000))


def _late(backend: type[Backend]) -> Menu:
    return Menu(
        layouts=layouts(backend),
        hyperparameters=some_settings(backend)[:2],
        starts=(100, 828, 829, 1000, 5000, 9999),
    )


def _many(backend: type[Backend]) -> Menu:
    return Menu(
        layouts=layouts(backend),
        shapes=(((16, 4),),),
        starts=(0,),
        observed=(*range(1, 151), 1001, 1002),
        most=2,
    )


def _tiny(backend: type[Backend]) -> Menu:
    return Menu(
        layouts=layouts(backend), hyperparameters=some_settings(backend)[:2], regimes=("tiny", "broad")
    )


def _default_epsilon(backend: type[Backend]) -> Menu:
    return Menu(layouts=layouts(backend), regimes=("nothing", "zeros"), starts=(0,))


def _nesterov(backend: type[Backend]) -> Menu:
    return Menu(
        layouts=layouts(backend),
        hyperparameters=((H(nesterov=True),), (H(nesterov=True, lr=0.3, epsilon=1e-3),)),
    )


def _no_averages(backend: type[Backend]) -> Menu:
    return Menu(
        layouts=layouts(backend),
        hyperparameters=((H(beta1=0.0),), (H(beta2=0.0),), (H(beta1=0.0, beta2=0.0, epsilon=1e-3),)),
    )


def _maximize(backend: type[Backend]) -> Menu:
    return Menu(layouts=layouts(backend), hyperparameters=((H(maximize=True),),))


def _long_run(backend: type[Backend]) -> Menu:
    return Menu(
        layouts=layouts(backend),
        shapes=(((16, 4),),),
        kinds=("ordinary",),
        starts=(0,),
        observed=(10, 100, 1000) if backend.repeats else (10, 100, 1000, 10_000),
    )


def _together(backend: type[Backend]) -> Menu:
    # Beside this one case the points of the space are tried (suites/conformance/combined.py).
    return Menu(layouts=layouts(backend), regimes=("ordinary",), starts=(0,), steps=1, most=1)


CLAUSES = (
    Clause(
        "update-rule",
        "m, v and w follow the update rule",
        "nothing is out of the ordinary",
        PAPER,
        _update_rule,
    ),
    Clause(
        "combinations",
        "what holds in each of two circumstances holds in both of them together",
        "two circumstances meet",
        f"{PAPER}; what fails in two together: Kuhn, Wallace and Gallo, Software fault interactions, IEEE "
        "Trans. Softw. Eng. 30, 2004",
        _together,
    ),
    Clause("slow-averages", "the rule holds for β2 = 0.99999", "β2 is 0.99999", PAPER, _slow_averages),
    Clause(
        "betas-0",
        "with a β of 0 the moment is the gradient, or its square",
        "a β is 0",
        f"{TORCH_ADAM}, betas (0 is allowed)",
        _no_averages,
        needs=("betas of 0",),
    ),
    Clause(
        "late-steps", "the rule holds from any step count and state", "the step count is high", PAPER, _late
    ),
    Clause("many-steps", "the rule holds in every one of many steps", "many steps are taken", PAPER, _many),
    Clause(
        "tiny-gradients",
        "the rule holds where ε rules the denominator",
        "ε rules the denominator",
        PAPER,
        _tiny,
    ),
    Clause(
        "default-epsilon",
        "the default ε survives the type: a gradient of zero moves nothing",
        "ε is the default and the gradient zero",
        f"{PAPER}; default of ε: {TORCH_SPARSE_ADAM}, {MINDSPORE_ADAM}",
        _default_epsilon,
        strict_epsilon=True,
    ),
    Clause(
        "nesterov",
        "Nesterov's form takes β1·m + (1 − β1)·g",
        "Nesterov's form is taken",
        f"{MINDSPORE_ADAM}, use_nesterov",
        _nesterov,
        needs=("nesterov",),
    ),
    Clause(
        "maximize",
        "maximizing negates the gradient",
        "the objective is maximized",
        f"{TORCH_SPARSE_ADAM} and {TORCH_ADAM}, maximize",
        _maximize,
        needs=("maximize",),
    ),
    Clause(
        "long-run",
        "reference and backend stay together over 10,000 steps",
        "thousands of steps are taken",
        PAPER,
        _long_run,
        free=True,
    ),
)
