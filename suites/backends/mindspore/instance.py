"""An optimizer of MindSpore that is kept, with its graphs, and given a new state for each case."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lazyadam.suites.cases.case import Case


@dataclass
class Instance:
    """An optimizer with its parameters and its compiled graphs, one for each layout of gradients.

    mindspore: the module. stepped: whether it has taken a step.
    """

    mindspore: Any
    mode: str
    parameters: list[Any]
    optimizer: Any
    graphs: dict[tuple[bool, ...], Any] = field(default_factory=dict)
    stepped: bool = False

    def load(self, w: Any, m: Any, v: Any, t: int, powers: tuple[Any, ...]) -> None:
        """Give it a state. powers: of β1 and β2, as they are after t steps."""
        mindspore, optimizer = self.mindspore, self.optimizer
        for tensors, new in ((self.parameters, w), (optimizer.moment1, m), (optimizer.moment2, v)):
            for tensor, value in zip(tensors, new, strict=True):
                self.set(tensor, value)
        self.set(optimizer.global_step, mindspore.Tensor(np.array([t], np.int32)))
        for tensor, power in zip((optimizer.beta1_power, optimizer.beta2_power), powers, strict=True):
            self.set(tensor, mindspore.Tensor(np.full(tensor.shape, power, np.float32)))

    def set(self, tensor: Any, value: Any) -> None:
        """Give a live parameter a new value.

        In PyNative mode (2.10) the compiled step of an optimizer goes on updating the storage that
        set_data has replaced, so the value has to be assigned in place.
        """
        if self.mode == "graph" or not self.stepped:
            tensor.set_data(value)
        else:
            self.mindspore.ops.assign(tensor, value)

    def everything(self) -> list[Any]:
        """All parameters of the optimizer, in an order that doesn't depend on their names.

        Names do not do: a cell that holds the optimizer prefixes them.
        """
        optimizer = self.optimizer
        return [
            *self.parameters,
            *optimizer.moment1,
            *optimizer.moment2,
            optimizer.global_step,
            optimizer.beta1_power,
            optimizer.beta2_power,
            *self.learning_rates(),
        ]

    def learning_rates(self) -> list[Any]:
        """The learning rate of each parameter, or the one that all share."""
        rates = self.optimizer.learning_rate
        return list(rates) if isinstance(rates, tuple) else [rates]

    def undone(self, launch: Callable[[], object]) -> None:
        """A first launch whose effect on the state is undone."""
        saved = [tensor.copy() for tensor in self.everything()]
        launch()
        self.stepped = True
        for tensor, value in zip(self.everything(), saved, strict=True):
            self.set(tensor, value)


def near_subnormals(case: Case) -> bool:
    """Whether subnormal numbers may come up.

    Whether a launch flushes them (2.10, default target) follows from the number of launches of its graph
    and the row counts it has seen; only in a graph of its own is such a case a function of itself.
    """
    gradients = [g.values for s in case.steps for g in s.gradients if g is not None]
    states = [x for p in case.parameters for x in (p.w, p.m, p.v)]
    return any(
        bool(((x != 0) & (np.abs(x) < least)).any())
        for arrays, least in ((gradients, 1e-18), (states, 1e-36))
        for x in arrays
    )
