"""mindspore.experimental.optim.Adam and AdamW, written after torch's, and nn.Adam with use_offload.

They take dense gradients alone. mindspore.mint.optim is for Ascend (its documentation, 2.10); on a CPU in
PyNative mode its Adam leaves w and its step count as they are, and says nothing.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from lazyadam.reference.dialect import (
    Arithmetic,
    Average,
    Dialect,
    Epsilon,
    Power,
    StepCount,
    Storage,
    Subnormals,
    WeightDecay,
)
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.mindspore.backends import Adam, PyNative
from lazyadam.suites.backends.mindspore.instance import Instance
from lazyadam.suites.backends.mindspore.optimizer import MindSporeOptimizer
from lazyadam.suites.cases.case import Case, Group, Manner, Step

EXPERIMENTAL = "mindspore.experimental.optim.{} documentation, 2.10"


class Kept(Instance):
    """An optimizer of mindspore.experimental, which has other names for what it keeps."""

    def moments(self) -> tuple[Any, ...]:
        of = {id(x): i for i, x in enumerate(self.optimizer.parameters)}
        kept = [self.optimizer.exp_avg, self.optimizer.exp_avg_sq]
        if any(group["amsgrad"] for group in self.optimizer.param_groups):
            kept.append(self.optimizer.max_exp_avg_sq)
        return tuple([x[of[id(p)]] for p in self.parameters] for x in kept)

    def counts(self) -> list[Any]:
        return [self.optimizer.state_step]

    def learning_rates(self) -> list[Any]:
        return list(self.optimizer.lrs)


class Experimental(PyNative):
    """Its step is compiled, also in PyNative mode; it takes gradients in the order of its groups."""

    repeats = False
    hyperparameters = frozenset({"weight_decay", "maximize"})
    grouped = frozenset({"lr", "beta1", "beta2", "epsilon", "weight_decay", "maximize"})
    layers = ()
    manners = MindSporeOptimizer.manners - {Manner.USE_LOCKING, Manner.UNIQUE, Manner.ASSIGNED}
    possible = manners

    def _instance(self, case: Case, parameters: list[Any]) -> Instance:
        return Kept(self.mindspore, self.mode, parameters, self._new_optimizer(case, parameters))

    def _new_optimizer(self, case: Case, parameters: list[Any]) -> Any:
        from mindspore.experimental import optim

        groups = [
            {"params": [parameters[i] for i in group.parameters], **self._given(group, case)}
            for group in case.groups
        ]
        return getattr(optim, self.optimizer_class)(groups)

    def _given(self, group: Group, case: Case) -> dict[str, Any]:
        h = group.hyperparameters
        return {
            "lr": self.mindspore.Tensor(h.lr, self.mindspore.float32)
            if Manner.LR_TENSOR in case.manner
            else h.lr,
            "betas": (h.beta1, h.beta2),
            "eps": h.epsilon,
            "weight_decay": h.weight_decay,
            "maximize": h.maximize,
            "amsgrad": self.keeps_largest,
        }

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        order = [i for group in case.groups for i in group.parameters]
        return super().step_function(case, replace(step, gradients=tuple(step.gradients[i] for i in order)))

    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        for tensor, group in zip(self.instance.learning_rates(), groups, strict=True):
            self.instance.set(tensor, self.mindspore.Tensor(group.hyperparameters.lr, self.mindspore.float32))


class ExperimentalAdam(Experimental):
    name = "mindspore.experimental.Adam"
    optimizer_class = "Adam"
    documented = Dialect(epsilon=Epsilon.BESIDE_HAT, step_count=StepCount.OPTIMIZER)
    promises: ClassVar[tuple[Promise, ...]] = (
        Promise("epsilon", f"{EXPERIMENTAL.format('Adam')}, the algorithm"),
        Promise("step_count", f"{EXPERIMENTAL.format('Adam')}, the algorithm ('for t = 1 to …')"),
    )
    # experimental/optim/adam.py, 2.10: ops.Adam, with β^t by ops.Pow.
    spoken = Dialect(step_count=StepCount.OPTIMIZER, subnormals=Subnormals.VARIES)
    arithmetic = Arithmetic(storage=Storage.FLOAT32, power=Power.FLOAT32_POWER)


class ExperimentalAdamW(Experimental):
    name = "mindspore.experimental.AdamW"
    optimizer_class = "AdamW"
    documented = replace(ExperimentalAdam.documented, weight_decay=WeightDecay.DECOUPLED)
    promises: ClassVar[tuple[Promise, ...]] = (
        Promise("epsilon", f"{EXPERIMENTAL.format('AdamW')}, the algorithm"),
        Promise("step_count", f"{EXPERIMENTAL.format('AdamW')}, the algorithm ('for t = 1 to …')"),
        Promise("weight_decay", f"{EXPERIMENTAL.format('AdamW')}, the algorithm"),
    )
    # experimental/optim/adamw.py, 2.10: operators, one after another; a number of a graph is a float32.
    spoken = replace(documented, subnormals=Subnormals.VARIES)
    arithmetic = replace(
        ExperimentalAdam.arithmetic, first_average=Average.COMPLEMENT, second_average=Average.COMPLEMENT
    )


class AdamOffload(Adam, PyNative):
    """nn.Adam, whose operator on the host says by how much the weights move, and another moves them."""

    name = "mindspore.Adam.use_offload"
    repeats = False
    dtypes = ("float32",)
    dense_dtypes = dtypes
    options = {"use_offload": True}
    layers = ()
    manners = MindSporeOptimizer.manners - {Manner.UNIQUE, Manner.ASSIGNED}
    possible = manners


BACKENDS: tuple[type[Backend], ...] = (ExperimentalAdam, ExperimentalAdamW, AdamOffload)
