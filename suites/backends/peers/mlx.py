"""mlx.optimizers.Adam on the CPU, as it is by default and with bias correction, and AdamW (MLX 0.32.4)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from lazyadam.reference.dialect import (
    Arithmetic,
    BiasCorrection,
    Dialect,
    Epsilon,
    Hat,
    Power,
    StepCount,
    Storage,
    WeightDecay,
)
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.peers import python_of
from lazyadam.suites.backends.states import as_float64
from lazyadam.suites.cases.case import Case, Gradient, Group, State, Step
from lazyadam.suites.cases.training import Layer, Training

_ADAM = "mlx.optimizers.Adam documentation, 0.32.4"
_ADAMW = "mlx.optimizers.AdamW documentation, 0.32.4"


class Adam(Backend):
    """Parameters have names; groups that differ are the optimizers of a MultiOptimizer."""

    name = "mlx.Adam.default"
    framework = "mlx"
    mode = "eager"
    spec = f"popen//python={python_of('mlx')}"
    devices = ("cpu",)
    # mlx/optimizers/optimizers.py, 0.32.4, apply_gradients: the tree of gradients may lack parameters.
    layouts = frozenset({"dense", "none"})
    hyperparameters = frozenset({"betas of 0"})
    # The same: attributes, read in every update.
    grouped = changing = frozenset({"lr", "beta1", "beta2", "epsilon"})
    layers = (Layer("nn.Embedding()", "value_and_grad", sparse=False),)
    documented = spoken = Dialect(bias_correction=BiasCorrection.NONE, step_count=StepCount.OPTIMIZER)
    promises: ClassVar[tuple[Promise, ...]] = (
        Promise("epsilon", f"{_ADAM}, the formulas"),
        Promise("bias_correction", f"{_ADAM} (bias_correction: 'Default: False')"),
        Promise("step_count", "mlx.optimizers.Optimizer documentation, 0.32.4 (one state of a step)"),
    )
    # mlx/optimizers/optimizers.py, 0.32.4: numbers take the type of the array, as the learning rate does, of
    # float32; β^t of a uint64 t is a float32 power of the C library, and √v·rsqrt(1 − β2^t) + ε.
    arithmetic = Arithmetic(Storage.FLOAT32_RATE, Power.FLOAT32_POWER, hat=Hat.MULTIPLIES, power_ulps=1)
    optimizer: ClassVar[str] = "Adam"
    corrects: ClassVar[bool] = False

    def prepare(self) -> str:
        import mlx.core
        import mlx.nn
        import mlx.optimizers
        import mlx.utils

        self.mlx, self.mx = mlx, mlx.core
        self.mx.set_default_device(self.mx.cpu)
        return str(self.mx.__version__)

    def build(self, case: Case) -> None:
        self.dtype = getattr(self.mx, case.dtype)
        self.parameters = {f"p{i}": self._array(p.w) for i, p in enumerate(case.parameters)}
        self.each = [self._of(group.hyperparameters) for group in case.groups]
        self.group_of = {f"p{i}": n for n, group in enumerate(case.groups) for i in group.parameters}
        self.whole = self._together()
        self.whole.init(self.parameters)
        for optimizer in self.each:
            optimizer.state["step"] = self.mx.array(case.t, self.mx.uint64)
        for i, p in enumerate(case.parameters):
            self._state_of(f"p{i}").update(m=self._array(p.m), v=self._array(p.v))

    def _array(self, x: np.ndarray, dtype: Any = None) -> Any:
        dtype = dtype or self.dtype
        given = x.astype(np.float32 if dtype == self.mx.bfloat16 else str(dtype).removeprefix("mlx.core."))
        return self.mx.array(given, dtype=dtype)

    def _of(self, h: Hyperparameters) -> Any:
        more = {name: getattr(h, name) for name in self.hyperparameters - {"betas of 0"}}
        made = getattr(self.mlx.optimizers, self.optimizer)
        return made(h.lr, [h.beta1, h.beta2], h.epsilon, bias_correction=self.corrects, **more)

    def _together(self) -> Any:
        """The one optimizer, or one of several, each of which has the parameters of its group."""
        if len(self.each) == 1:
            return self.each[0]

        def has(group: int) -> Callable[[str, Any], bool]:
            return lambda name, _: self.group_of[name] == group

        filters = [has(n) for n in range(len(self.each) - 1)]
        return self.mlx.optimizers.MultiOptimizer(self.each, filters)

    def _state_of(self, name: str) -> Any:
        return self.each[self.group_of[name]].state[name]

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        given = {}
        for i, gradient in enumerate(step.gradients):
            if gradient is not None:
                if gradient.rows is not None:
                    raise ValueError("a gradient is a dense array")
                given[f"p{i}"] = self._array(gradient.values, getattr(self.mx, case.values_dtype))
        self.given = given

        def take() -> None:
            self.parameters |= self.whole.apply_gradients(given, self.parameters)
            self.mx.eval(self.parameters, self.whole.state)

        return take

    def training_step(
        self, training: Training, layer: Layer
    ) -> Callable[[np.ndarray, np.ndarray], tuple[float, Gradient]]:
        self.dtype = self.mx.float32
        embedding = self.mlx.nn.Embedding(*training.table.shape)
        embedding.weight = self._array(training.table)
        (group,) = training.start.groups
        self.each = [self.whole] = [self._of(group.hyperparameters)]
        self.group_of = {"weight": 0}

        def loss(ids: Any, targets: Any) -> Any:
            return ((embedding(ids) - targets) ** 2).mean()

        differentiated = self.mlx.nn.value_and_grad(embedding, loss)

        def take(ids: np.ndarray, targets: np.ndarray) -> tuple[float, Gradient]:
            value, self.given = differentiated(self.mx.array(ids), self._array(targets))
            self.whole.update(embedding, self.given)
            self.mx.eval(embedding.parameters(), self.whole.state)
            self.parameters = {"weight": embedding.weight}
            return value.item(), Gradient(self._seen(self.given["weight"]).astype(np.float64))

        return take

    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        for optimizer, group in zip(self.each, groups, strict=True):
            h = group.hyperparameters
            optimizer.learning_rate, optimizer.betas, optimizer.eps = h.lr, [h.beta1, h.beta2], h.epsilon
            if "weight_decay" in self.hyperparameters:
                optimizer.weight_decay = h.weight_decay

    def reload(self, case: Case) -> None:
        """Names and arrays of the state, as MLX saves them, for optimizers that know nothing of it."""
        saved = [(name, self.mx.array(x)) for name, x in self.mlx.utils.tree_flatten(self.whole.state)]
        old, self.each = self.each, [self._of(Hyperparameters()) for _ in self.each]
        for new, was in zip(self.each, old, strict=True):
            new.betas, new.eps = was.betas, was.eps  # which are in no state
            if "weight_decay" in self.hyperparameters:
                new.weight_decay = was.weight_decay
        self.whole = self._together()
        self.whole.state = self.mlx.utils.tree_unflatten(saved)

    def _seen(self, x: Any) -> np.ndarray:
        return np.array(x.astype(self.mx.float32) if x.dtype == self.mx.bfloat16 else x)

    def look(self) -> State:
        states = [self._state_of(name) for name in self.parameters]
        w = [self._seen(x) for x in self.parameters.values()]
        m, v = ([self._seen(state[name]) for state in states] for name in "mv")
        return w, m, v, [self.each[self.group_of[name]].step.item() for name in self.parameters]

    def state(self) -> State:
        return as_float64(self.look())

    def path(self) -> dict[str, str]:
        return {
            "mode": self.mode,
            "device": self.mx.default_device().type.name,
            "dtype": str(next(iter(self.parameters.values())).dtype).removeprefix("mlx.core."),
            "layout": "dense",
        }

    def kept(self, step: Step) -> bool:
        return True


class AdamCorrected(Adam):
    name = "mlx.Adam.corrected"
    corrects = True
    documented = spoken = Dialect(epsilon=Epsilon.BESIDE_HAT, step_count=StepCount.OPTIMIZER)
    promises: ClassVar[tuple[Promise, ...]] = (
        Promise("epsilon", f"{_ADAM}, its reference [1], whose algorithm has √v̂ + ε"),
        Promise("bias_correction", f"{_ADAM} ('bias correction is applied')"),
        Adam.promises[-1],
    )


class AdamWCorrected(AdamCorrected):
    name = "mlx.AdamW.corrected"
    optimizer = "AdamW"
    hyperparameters = Adam.hyperparameters | {"weight_decay"}
    grouped = changing = Adam.grouped | {"weight_decay"}
    documented = spoken = replace(AdamCorrected.spoken, weight_decay=WeightDecay.DECOUPLED)
    promises = (
        *(Promise(p.axis, p.source.replace(_ADAM, _ADAMW)) for p in AdamCorrected.promises),
        Promise("weight_decay", f"{_ADAMW}, the formulas"),
    )


BACKENDS: tuple[type[Backend], ...] = (Adam, AdamCorrected, AdamWCorrected)
