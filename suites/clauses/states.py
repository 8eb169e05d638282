"""State that is carried: saved and loaded, copied, and taken over by another optimizer."""

from collections.abc import Callable
from dataclasses import replace

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.cases.strategies import Menu
from lazyadam.suites.clauses.clause import Clause, layouts

_STATE_DICT = (
    "torch.optim.Optimizer.state_dict (state and param_groups) and load_state_dict documentation, 2.13"
)


def _save_and_load(backend: type[Backend]) -> Menu:
    none = {"none"} & backend.layouts  # so that step counts differ
    menu = Menu(
        layouts=(*layouts(backend), *none),
        shapes=(((6, 4), (6, 4)),),
        starts=(0, 0, 1, 7, 5001),
        changes=(("lr", (0.5, 1e-5)),),
        reloads=True,
    )
    # Where a fresh optimizer is a compilation, a few.
    return replace(menu, steps=3, most=4) if backend.compiles else menu


def _saved_in_manner(manner: Manner) -> Callable[[type[Backend]], Menu]:
    return lambda backend: replace(
        _save_and_load(backend),
        layouts=layouts(backend),
        shapes=(((6, 4), (5, 3)),),
        manner=frozenset({manner}),
        steps=5,
        most=10,
    )


def _loaded_back(backend: type[Backend]) -> Menu:
    # A parameter that had no gradient before has no state that is saved, and one afterwards.
    menu = _saved_in_manner(Manner.LOADED_BACK)(backend)
    return replace(menu, layouts=(*menu.layouts, *({"none"} & backend.layouts)))


CLAUSES = (
    Clause(
        "save-and-load",
        "saving and loading the state changes nothing, nor the learning rate that was set",
        "the state is saved and loaded",
        _STATE_DICT,
        _save_and_load,
    ),
    Clause(
        "saved-as-bytes",
        "a state that was written and read changes nothing",
        "the state is written to bytes and read",
        "torch.save documentation, 2.13; PyTorch, Saving and Loading Models, general checkpoint",
        _saved_in_manner(Manner.SAVED),
        needs=(Manner.SAVED,),
    ),
    Clause(
        "copied-optimizer",
        "a copy of an optimizer and its parameters goes on as the first would, and apart from it",
        "optimizer and parameters are copied",
        "copy.deepcopy documentation, Python 3.14; bug class of pytorch#51794",
        _saved_in_manner(Manner.COPIED),
        needs=(Manner.COPIED,),
    ),
    Clause(
        "two-optimizers",
        "an optimizer that a state was loaded into goes on apart from the one that it was taken from",
        "the state is loaded into a second optimizer, and the first goes on",
        f"{_STATE_DICT}; pytorch#196083",
        _saved_in_manner(Manner.FORKED),
        needs=(Manner.FORKED,),
    ),
    Clause(
        "loaded-back",
        "a state that is loaded takes the place of all that the optimizer has done since",
        "the state is loaded back after one more step",
        f"{_STATE_DICT}; bug class of pytorch#147288",
        _loaded_back,
        needs=(Manner.LOADED_BACK,),
    ),
)
