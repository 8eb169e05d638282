"""An optimizer of MindSpore that is kept, with its graphs, and given a new state for each case."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lazyadam.reference.powers import float32_product
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

    def load(self, state: Sequence[Any], t: int, betas: tuple[float, float]) -> None:
        """Give it a state: w, m and v, and v_max where it keeps that."""
        for tensors, new in zip((self.parameters, *self.moments()), state, strict=True):
            for tensor, value in zip(tensors, new, strict=True):
                self.set(tensor, value)
        powers = [float32_product(float(np.float32(beta)), t) for beta in betas]
        for tensor, value in zip(self.counts(), [t, *powers], strict=False):
            kind = np.int32 if tensor.dtype == self.mindspore.int32 else np.float32
            self.set(tensor, self.mindspore.Tensor(np.full(tensor.shape, value, kind)))

    def moments(self) -> tuple[Any, ...]:
        """Of each parameter the first, and of each the second; and of each the largest, where it is kept."""
        kept = [self.optimizer.vhat] if hasattr(self.optimizer, "vhat") else []
        return self.optimizer.moment1, self.optimizer.moment2, *kept

    def counts(self) -> list[Any]:
        """The step count; and where they are kept, the powers of β1 and β2 after so many steps."""
        return [self.optimizer.global_step, self.optimizer.beta1_power, self.optimizer.beta2_power]

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
        moments = [x for of in self.moments() for x in of]
        return [*self.parameters, *moments, *self.counts(), *self.learning_rates()]

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
