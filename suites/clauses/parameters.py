"""Parameters and their groups: shapes, storage, hyperparameters of their own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.cases.strategies import Menu, Shape
from lazyadam.suites.clauses.clause import (
    ALL_ROWS,
    MINDSPORE_ADAM,
    PAPER,
    TORCH_ADAM,
    TORCH_SPARSE_ADAM,
    Clause,
    H,
    in_manner,
    layouts,
    some_settings,
)

_GROUPS = f"{TORCH_ADAM}, params; {MINDSPORE_ADAM}, params (groups with their own lr and weight_decay)"


# What hyperparameters are set to, beside the learning rate.
ANEW: dict[str, tuple[float, ...]] = {
    "beta1": (0.9, 0.5, 0.99),
    "beta2": (0.999, 0.9, 0.99),
    "epsilon": (1e-8, 1e-3, 0.1),
    "weight_decay": (0.0, 0.1),
    "loss_scale": (1.0, 3.0, 0.25),
    "maximize": (False, True),
}


def _shapes(backend: type[Backend]) -> Menu:
    shapes: tuple[Shape, ...] = ((7,), (3, 1), (5, 2, 3), (1, 33))
    if not backend.compiles:
        shapes = (*shapes, (4, 2, 1, 3), (2, 257), (40, 1), (1, 1), (9, 16))
    return Menu(layouts=layouts(backend), shapes=tuple((shape,) for shape in shapes), rows=ALL_ROWS, steps=4)


def _large(backend: type[Backend]) -> Menu:
    # More rows than 16 bits count.
    return Menu(
        layouts=layouts(backend),
        shapes=(((70_001, 2),),),
        rows=("shuffled",),
        regimes=("ordinary",),
        steps=2,
        most=2,
    )


def _wide(backend: type[Backend]) -> Menu:
    return Menu(layouts=layouts(backend), shapes=(((3, 1031),),), rows=ALL_ROWS, kinds=("ordinary",), most=4)


def _several(backend: type[Backend]) -> Menu:
    """Two groups that differ in everything, and in one thing only."""
    different: dict[str, Any] = {
        "lr": 0.1,
        "beta1": 0.5,
        "beta2": 0.9,
        "epsilon": 1e-2,
        "weight_decay": 0.1,
        "maximize": True,
    }
    taken = {name: value for name, value in different.items() if name in backend.grouped}
    another = replace(H(), **taken)
    alone = [replace(H(), **{name: value}) for name, value in taken.items()]
    return Menu(
        layouts=layouts(backend),
        shapes=(((6, 4), (5, 3), (6, 4)),),
        hyperparameters=((H(), another), (another, H()), *((H(), h) for h in alone)),
        steps=4,
    )


def _alike(backend: type[Backend]) -> Menu:
    return Menu(layouts=layouts(backend), shapes=(((6, 4), (6, 4)),), steps=4)


def _one_buffer(manner: Manner, layout: str, *shapes: Shape) -> Callable[[type[Backend]], Menu]:
    """What is written too far is another parameter's. layout: of some gradients, where a backend takes it."""
    return lambda backend: Menu(
        layouts=(*layouts(backend), *layouts(backend), *({layout} & backend.layouts)),
        shapes=(shapes,),
        rows=ALL_ROWS,
        manner=frozenset({manner}),
        steps=4,
        most=10,
    )


def _expanded(backend: type[Backend]) -> Menu:
    return replace(in_manner(Manner.EXPANDED, 10)(backend), regimes=("ones",), rows=ALL_ROWS)


def _learning_rate(backend: type[Backend]) -> Menu:
    # Several parameters, at times without a gradient: the number of a step says nothing of its learning rate.
    none = {"none"} & backend.layouts
    return Menu(
        layouts=(*layouts(backend), *none),
        shapes=(((6, 4), (5, 3)) if none else ((6, 4),),),
        starts=(0, 1, 7, 20_000),
        changes=(("lr", (1e-3, 0.5, 1e-5, 0.0)),),
    )


def _changed(backend: type[Backend]) -> Menu:
    none = {"none"} & backend.layouts
    return Menu(
        layouts=(*layouts(backend), *none),
        shapes=(((6, 4), (5, 3)) if none else ((6, 4),),),
        starts=(0, 1, 7, 5001),
        changes=tuple((name, values) for name, values in ANEW.items() if name in backend.changing),
        reloads=True,
    )


def _no_learning_rate(backend: type[Backend]) -> Menu:
    return Menu(layouts=layouts(backend), hyperparameters=((H(lr=0.0),),), kinds=("ordinary", "huge"))


def _arguments(backend: type[Backend]) -> Menu:
    return Menu(
        layouts=layouts(backend),
        hyperparameters=some_settings(backend),
        manner=frozenset({Manner.ARGUMENTS}),
        steps=4,
        most=4 if backend.compiles else 10,
    )


def _learning_rate_tensor(backend: type[Backend]) -> Menu:
    return Menu(
        layouts=layouts(backend),
        manner=frozenset({Manner.LR_TENSOR}),
        changes=(("lr", (1e-3, 0.5)),),
        steps=4,
        most=10,
    )


CLAUSES = (
    Clause("shapes", "the rule holds for every rank and width", "the shape is unusual", PAPER, _shapes),
    Clause("large-table", "every row of a large table follows the rule", "the table is large", PAPER, _large),
    Clause("wide-rows", "every column of a wide row follows the rule", "rows are wide", PAPER, _wide),
    Clause(
        "several-parameters",
        "every parameter follows the rule of its own group",
        "groups differ",
        _GROUPS,
        _several,
    ),
    Clause(
        "parameters-alike",
        "parameters that share nothing but their shape stay apart",
        "parameters are of one shape",
        _GROUPS,
        _alike,
    ),
    Clause(
        "strided-parameters",
        "a parameter that is not contiguous is updated like any other",
        "the parameter is not contiguous",
        "torch.Tensor.is_contiguous documentation, 2.13; bug class of pytorch#1521",
        in_manner(Manner.STRIDED),
        needs=(Manner.STRIDED,),
    ),
    Clause(
        "column-order",
        "a parameter whose columns lie together in memory is updated like any other",
        "the columns of the parameter lie together",
        "torch.Tensor.stride documentation, 2.13; bug class of pytorch#106951",
        in_manner(Manner.COLUMNS),
        needs=(Manner.COLUMNS,),
    ),
    Clause(
        "strided-gradients",
        "a gradient that is not contiguous acts like any other",
        "the gradient is not contiguous",
        "torch.Tensor.is_contiguous documentation, 2.13; bug class of pytorch#17950",
        in_manner(Manner.STRIDED_GRADIENTS),
        needs=(Manner.STRIDED_GRADIENTS,),
    ),
    Clause(
        "expanded-gradients",
        "a gradient of which one number in memory stands for all acts like any other",
        "the gradient is expanded",
        "torch.Tensor.expand documentation, 2.13 (as the gradient of a sum is)",
        _expanded,
        needs=(Manner.EXPANDED,),
    ),
    Clause(
        "one-buffer",
        "parameters that are parts of one buffer are updated like any other",
        "parameters are parts of one buffer",
        "torch.Tensor.storage_offset documentation, 2.13; bug class of pytorch#59101",
        _one_buffer(Manner.ONE_BUFFER, "none", (6, 4), (5, 2, 3), (6, 4)),
        needs=(Manner.ONE_BUFFER,),
    ),
    Clause(
        "one-buffer-vectors",
        "parameters of rank 1 that are parts of one buffer are updated like any other",
        "parameters of rank 1 are parts of one buffer",
        "torch.Tensor.storage_offset documentation, 2.13; bug class of pytorch#59101",
        _one_buffer(Manner.VECTORS, "sparse", (7,), (9,), (7,)),
        needs=(Manner.VECTORS,),
    ),
    Clause(
        "gradient-overwritten",
        "a gradient acts in its step, whatever becomes of its memory",
        "the memory of gradients is used again",
        "torch.optim.Optimizer.zero_grad documentation, 2.13, set_to_none; bug class of diffGrad#2",
        in_manner(Manner.OVERWRITTEN, 10),
        needs=(Manner.OVERWRITTEN,),
    ),
    Clause(
        "closure",
        "a closure is called once, with gradients recorded, and its loss is returned",
        "gradients come of a closure",
        "torch.optim.Optimizer.step documentation, 2.13, closure",
        in_manner(Manner.CLOSURE, 10),
        needs=(Manner.CLOSURE,),
    ),
    Clause(
        "learning-rate",
        "a learning rate changed by step acts from that step",
        "the learning rate changes",
        f"{TORCH_SPARSE_ADAM}, lr; {MINDSPORE_ADAM}, learning_rate",
        _learning_rate,
    ),
    Clause(
        "changed-hyperparameters",
        "a hyperparameter that is set anew acts from the next step, and is kept when the state is loaded",
        "hyperparameters change",
        "torch.optim.Optimizer documentation, 2.13, param_groups; torch.optim.lr_scheduler.OneCycleLR "
        "documentation, 2.13, cycle_momentum",
        _changed,
        needs=("epsilon set anew",),
    ),
    Clause(
        "learning-rate-0",
        "with a learning rate of 0 the moments move and w does not",
        "the learning rate is 0",
        f"{PAPER}; bug class of pytorch#186444",
        _no_learning_rate,
    ),
    Clause(
        "learning-rate-tensor",
        "a learning rate given as a tensor acts as its value",
        "the learning rate is a tensor",
        f"{TORCH_SPARSE_ADAM}, lr (float or Tensor); {MINDSPORE_ADAM}, learning_rate (Tensor)",
        _learning_rate_tensor,
        needs=(Manner.LR_TENSOR,),
    ),
    Clause(
        "constructor-arguments",
        "hyperparameters given to the constructor, and to no group, act in every step",
        "hyperparameters are arguments of the constructor",
        f"{TORCH_SPARSE_ADAM} and {MINDSPORE_ADAM}, the arguments; torch.optim.Optimizer documentation, "
        "2.13, defaults (of groups that don't specify them)",
        _arguments,
        needs=(Manner.ARGUMENTS,),
    ),
)
