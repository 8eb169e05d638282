"""heavyball.AdamW, operation by operation (heavyball 3.2.1)."""

from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Dialect, Epsilon, Power, StepCount, Storage, WeightDecay
from lazyadam.reference.powers import one_minus_power
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.peers import python_of
from lazyadam.suites.backends.states import whole
from lazyadam.suites.backends.torch.optimizer import TorchOptimizer
from lazyadam.suites.cases.case import Case, Group, Manner, State
from lazyadam.suites.cases.training import Layer

_DOCSTRING = "heavyball 3.2.1, AdamW, docstring: arXiv:1711.05101, Algorithm 2"


class AdamW(TorchOptimizer):
    """It keeps m / (1 − β1^t) and v / (1 − β2^t), of which m and v are reckoned in float64."""

    name = "heavyball.AdamW"
    framework = "heavyball"
    spec = f"popen//python={python_of('heavyball')}"
    devices = ("cpu",)
    # heavyball/utils.py, 3.2.1, copy_stochastic_: what is stored in bfloat16 is rounded at random.
    dtypes: ClassVar[tuple[str, ...]] = ("float16", "float32", "float64")
    dense_dtypes: ClassVar[tuple[str, ...]] = ("float16", "float32", "float64")
    layouts = frozenset({"dense", "none"})
    layers = (Layer("Embedding(sparse=False)", "plain", sparse=False),)
    hyperparameters = frozenset({"weight_decay", "betas of 0"})
    grouped = frozenset({"lr", "beta1", "beta2", "epsilon", "weight_decay"})
    # Read from the group at every step; but what is kept was corrected by the β of its own step.
    changing = frozenset({"lr", "epsilon", "weight_decay"})
    # A learning rate is a float. Scalars have the type of the first parameter of a group.
    manners = possible = TorchOptimizer.manners - {Manner.LR_TENSOR, Manner.MIXED}
    optimizer_class = "AdamW"
    # README, 3.2.1, Quick Start: where gradients are to remain.
    options: ClassVar[dict[str, Any]] = {"consume_grad": False}
    documented = Dialect(epsilon=Epsilon.BESIDE_HAT, weight_decay=WeightDecay.DECOUPLED)
    promises = tuple(Promise(axis, _DOCSTRING) for axis in ("epsilon", "weight_decay"))
    # heavyball/chainable.py, 3.2.1, _step_inner: the group counts, whatever has a gradient.
    spoken = Dialect(
        epsilon=Epsilon.BESIDE_HAT, weight_decay=WeightDecay.DECOUPLED, step_count=StepCount.OPTIMIZER
    )
    # heavyball/utils.py, 3.2.1, scalar_guard: scalars of the tensor's type, float32 for those of 16 bits.
    arithmetic = Arithmetic(storage=Storage.WORKING, power=Power.EXACT)

    def prepare(self) -> str:
        super().prepare()
        import heavyball

        heavyball.utils.compile_mode = None  # as they are written, and not what a compiler makes of them
        self.heavyball = heavyball
        return version("heavyball")

    def optimizer_type(self) -> Any:
        return getattr(self.heavyball, self.optimizer_class)

    def _made_with(self, group: Group, case: Case) -> dict[str, Any]:
        # Moments are of float32, of parameters of float64 too, unless it is said.
        return self.arguments_of(group, case) | {"storage_dtype": str(self._kept_in).removeprefix("torch.")}

    @property
    def _kept_in(self) -> Any:
        return self.torch.float64 if self.dtype is self.torch.float64 else self.torch.float32

    def _load(self, case: Case) -> None:
        if not case.t and any(p.m.any() or p.v.any() for p in case.parameters):
            raise ValueError("before the first step there is nothing that moments could be divided by")
        saved = self.optimizer.state_dict()
        for (number, i), group in zip(self._numbered(case), self._group_of(case), strict=True):
            p, names = case.parameters[i], self._names()
            moments = zip(names, (p.m, p.v), self._corrections(group, case.t), strict=True)
            kept = {name: self._tensor(x / by, self._kept_in) for name, x, by in moments} if case.t else {}
            saved["state"][number] = {0: {**kept, "is_initialized": {0}}} if kept else {}
        for kept_group in saved["param_groups"]:
            kept_group["step_count"] = case.t
        self.optimizer.load_state_dict(saved)

    def _names(self) -> tuple[str, str]:
        return self.optimizer._find_val_name("exp_avg"), self.optimizer._find_val_name("exp_avg_sq")

    def _group_of(self, case: Case) -> list[Any]:
        """The optimizer's group of each parameter, in their order there."""
        groups = self.optimizer.param_groups[-len(case.groups) :]
        return [g for g, of in zip(groups, case.groups, strict=True) for _ in of.parameters]

    def _corrections(self, group: Any, t: int) -> list[float]:
        """1 − β^t of its β, which are rounded to the type of the moments."""
        kind = np.float64 if self.dtype is self.torch.float64 else np.float32
        return [one_minus_power(float(kind(beta)), t) for beta in group["betas"]]

    def look(self) -> State:
        w, m, v, t = (list[Any]() for _ in range(4))
        for tensor in self.parameters:
            (group,) = (g for g in self.optimizer.param_groups if any(x is tensor for x in g["params"]))
            count = whole(group.get("step_count", 0))
            state = self.optimizer.state.get(tensor, {}).get(0, {})
            w.append(self.seen(tensor))
            for of, name, by in zip((m, v), self._names(), self._corrections(group, count), strict=True):
                kept = self.seen(state[name]) if name in state else np.zeros(tensor.shape)
                of.append(kept.astype(np.float64) * by)
            t.append(count)
        return w, m, v, t


BACKENDS: tuple[type[Backend], ...] = (AdamW,)
