"""heavyball.AdamW, operation by operation (heavyball 3.2.1)."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Dialect, Epsilon, Power, StepCount, Storage, WeightDecay
from lazyadam.reference.powers import one_minus_power
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.peers import python_of
from lazyadam.suites.backends.states import whole
from lazyadam.suites.backends.torch.optimizer import TorchOptimizer
from lazyadam.suites.cases.case import Case, Gradient, Group, Manner, State, Step
from lazyadam.suites.cases.training import Layer, Training

_DOCSTRING = "heavyball 3.2.1, AdamW, docstring: arXiv:1711.05101, Algorithm 2"


class AdamW(TorchOptimizer):
    """It keeps m / (1 − β1^t) and v / (1 − β2^t), of which m and v are reckoned in float64.

    t: the count of the group when the parameter last had a gradient.
    """

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
    # heavyball/utils.py, 3.2.1, eps_sqrt: √v̂, where it is at least ε, and else ε.
    spoken = Dialect(
        epsilon=Epsilon.FLOOR, weight_decay=WeightDecay.DECOUPLED, step_count=StepCount.OPTIMIZER
    )
    # There, scalar_guard: scalars of the tensor's type, float32 for those of 16 bits; beta_debias, _lerp.
    # chainable.py, _step_inner: the learning rate times an int64 tensor, and divided by it, is of float32.
    arithmetic = Arithmetic(storage=Storage.WORKING, power=Power.OF_CORRECTED, power_ulps=1)

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

    def build(self, case: Case) -> None:
        self.corrected_at = [case.t] * len(case.parameters)
        self.given: dict[tuple[int, str], tuple[np.ndarray, np.ndarray]] = {}
        super().build(case)

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        for i, gradient in enumerate(step.gradients):
            if gradient is not None:
                self.corrected_at[i] = self._count_of(self.parameters[i])[1] + 1
        return super().step_function(case, step)

    def steps_ahead(self, case: Case) -> Callable[[int], Callable[[], object]]:
        # Which correction is due is noted before each step.
        return lambda number: self.step_function(case, case.steps[number])

    def _count_of(self, tensor: Any) -> tuple[Any, int]:
        """The group of a parameter, and the steps that it has counted."""
        (group,) = (g for g in self.optimizer.param_groups if any(x is tensor for x in g["params"]))
        return group, whole(group.get("step_count", 0))

    def _load(self, case: Case) -> None:
        if not case.t and any(p.m.any() or p.v.any() for p in case.parameters):
            raise ValueError("before the first step there is nothing that moments could be divided by")
        # Loading would round what is kept in float32 to the type of a parameter of 16 bits.
        for group in self.optimizer.param_groups:
            group["step_count"] = case.t
        for group, of in zip(self._groups(case), case.groups, strict=True):
            for i in of.parameters if case.t else ():
                p = case.parameters[i]
                moments = zip(self._names(), (p.m, p.v), self._corrections(group, case.t), strict=True)
                kept = {name: self._tensor(x / by, self._kept_in) for name, x, by in moments}
                for (name, x), of_case in zip(kept.items(), (p.m, p.v), strict=True):
                    self.given[i, name] = self.seen(x).copy(), of_case
                self.optimizer.state[self.parameters[i]] = {0: {**kept, "is_initialized": {0}}}

    def training_step(
        self, training: Training, layer: Layer
    ) -> Callable[[np.ndarray, np.ndarray], tuple[float, Gradient]]:
        self.corrected_at, self.given = [], {}
        return super().training_step(training, layer)

    def _names(self) -> tuple[str, str]:
        return self.optimizer._find_val_name("exp_avg"), self.optimizer._find_val_name("exp_avg_sq")

    def _groups(self, case: Case) -> list[Any]:
        """The optimizer's groups of the case, in their order."""
        return list(self.optimizer.param_groups[-len(case.groups) :])

    def _corrections(self, group: Any, t: int) -> list[float]:
        """1 − β^t of its β, which are rounded to the type of the moments."""
        kind = np.float64 if self.dtype is self.torch.float64 else np.float32
        return [one_minus_power(float(kind(beta)), t) for beta in group["betas"]]

    def look(self) -> State:
        w, m, v, t = (list[Any]() for _ in range(4))
        for i, tensor in enumerate(self.parameters):
            group, count = self._count_of(tensor)
            # What it keeps of a parameter stays where there is no gradient, though the group counts.
            at = self.corrected_at[i] if self.corrected_at else count
            state = self.optimizer.state.get(tensor, {}).get(0, {})
            w.append(self.seen(tensor))
            for of, name, by in zip((m, v), self._names(), self._corrections(group, at), strict=True):
                kept = self.seen(state[name]) if name in state else np.zeros(tensor.shape)
                given, of_case = self.given.get((i, name), (None, kept))
                # What was given and stays is what it was, and not what two roundings make of it.
                same = given is not None and np.array_equal(kept, given, equal_nan=True)
                of.append(of_case if same else kept.astype(np.float64) * by)
            t.append(count)
        return w, m, v, t


BACKENDS: tuple[type[Backend], ...] = (AdamW,)
