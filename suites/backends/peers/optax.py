"""optax.adam and optax.adamw on JAX, operation by operation and as one compiled step (optax 0.2.8)."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np

from lazyadam.reference.dialect import (
    Arithmetic,
    Dialect,
    Epsilon,
    Hat,
    Maximum,
    Power,
    StepCount,
    Storage,
    Subnormals,
    WeightDecay,
)
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.peers import python_of
from lazyadam.suites.backends.states import as_float64
from lazyadam.suites.cases.case import Case, Gradient, Group, State, Step
from lazyadam.suites.cases.training import Layer, Training

_ADAM = "optax.adam documentation, 0.2.8"
_AMSGRAD = "optax.amsgrad documentation, 0.2.8"
_MAXIMUM = Promise("maximum", f"{_AMSGRAD} ('bias correction … before taking the elementwise maximum')")
_ADAMW = "optax.adamw documentation, 0.2.8"


class Adam(Backend):
    """Parameters are a list of arrays; groups that differ are the labels of optax.partition."""

    name = "optax.adam.eager"
    framework = "optax"
    mode = "eager"
    compiles = True  # each operation, for every new shape
    spec = f"popen//python={python_of('optax')}"
    devices = ("cpu",)
    layouts = frozenset({"dense"})
    hyperparameters = frozenset({"betas of 0"})
    # optax/_src/combine.py, 0.2.8: functions of the state alone; others may take the next step of it.
    grouped = changing = frozenset({"lr", "beta1", "beta2", "epsilon"})
    layers: ClassVar[tuple[Layer, ...]] = (
        Layer("jnp.take(table, ids, axis=0)", "value_and_grad", sparse=False),
    )
    documented = Dialect(epsilon=Epsilon.BESIDE_HAT, step_count=StepCount.OPTIMIZER)
    promises: ClassVar[tuple[Promise, ...]] = (
        Promise("epsilon", f"{_ADAM}, the formulas (eps, where eps_root is 0)"),
        Promise("step_count", f"{_ADAM}, the formulas (one t of one state)"),
    )
    # XLA runs on the CPU with subnormals flushed (tsl::port::ScopedFlushDenormal, as in jaxlib 0.10.2).
    spoken = replace(documented, subnormals=Subnormals.VARIES)
    # optax/tree_utils/_tree_math.py, 0.2.8: (1 − β)·g + β·m of numbers that take the type of the array;
    # 1 − β^t of an int32 t, in float32 (jax_enable_x64: float64), then in the type of the moment, which is
    # divided by it. The power is the C library's; by a scalar XLA divides through its reciprocal, which is
    # rounded too.
    arithmetic = Arithmetic(
        Storage.TENSOR, Power.WORKING_POWER, hat=Hat.MOMENTS, division_error=2.0, power_ulps=1
    )
    optimizer: ClassVar[str] = "adam"
    state_class: ClassVar[str] = "ScaleByAdamState"
    moments: ClassVar[dict[str, str]] = {"mu": "m", "nu": "v"}

    def prepare(self) -> str:
        import jax
        import optax

        self.jax, self.optax = jax, optax
        return str(optax.__version__)

    def build(self, case: Case) -> None:
        self._begin(case.dtype)
        self.parameters = [self._array(p.w) for p in case.parameters]
        self._transform(case.groups)
        self._fill(case)

    def _begin(self, dtype: str) -> None:
        """JAX has float64 where it is told so: float32 is tried as by default, without."""
        self.jax.config.update("jax_enable_x64", dtype == "float64")
        self.dtype = dtype

    def _array(self, x: np.ndarray, dtype: str = "") -> Any:
        return self.jax.numpy.asarray(x, dtype or self.dtype)

    def _transform(self, groups: tuple[Group, ...]) -> None:
        """The transformation of some groups, and the step by it."""
        each = {str(n): self._of(group.hyperparameters) for n, group in enumerate(groups)}
        label = {i: str(n) for n, group in enumerate(groups) for i in group.parameters}
        several = len(groups) > 1
        labels = [label[i] for i in range(len(self.parameters))]
        self.transformation = self.optax.partition(each, labels) if several else each["0"]
        self.step = self._stepping()

    def _of(self, h: Hyperparameters) -> Any:
        more = {name: getattr(h, name) for name in self.hyperparameters - {"betas of 0"}}
        return getattr(self.optax, self.optimizer)(h.lr, h.beta1, h.beta2, h.epsilon, **more)

    def _stepping(self) -> Callable[..., Any]:
        return partial(_step, self.optax, self.transformation)

    def _fill(self, case: Case) -> None:
        """The starting state: of a new one the count and the moments, where a group has the parameter."""

        def filled(part: Any) -> Any:
            if not self._of_adam(part):
                return part
            moments = {
                name: [
                    x if self._masked(x) else self._array(getattr(p, q))
                    for x, p in zip(getattr(part, name), case.parameters, strict=True)
                ]
                for name, q in self.moments.items()
            }
            return part._replace(count=self._array(np.array(case.t), "int32"), **moments)

        new = self.transformation.init(self.parameters)
        self.kept_state = self.jax.tree.map(filled, new, is_leaf=self._of_adam)

    def _of_adam(self, part: Any) -> bool:
        return isinstance(part, getattr(self.optax, self.state_class))

    def _masked(self, x: Any) -> bool:
        return isinstance(x, self.optax.MaskedNode)

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        given = []
        for gradient in step.gradients:
            if gradient is None or gradient.rows is not None:
                raise ValueError("a gradient is a dense array, and every parameter has one")
            given.append(self._array(gradient.values, case.values_dtype))
        self.given = given

        def take() -> None:
            new = self.step(given, self.kept_state, self.parameters)
            self.parameters, self.kept_state = self.jax.block_until_ready(new)

        return take

    def training_step(
        self, training: Training, layer: Layer
    ) -> Callable[[np.ndarray, np.ndarray], tuple[float, Gradient]]:
        self.build(training.start)

        def loss(parameters: Any, ids: Any, targets: Any) -> Any:
            return ((self.jax.numpy.take(parameters[0], ids, axis=0) - targets) ** 2).mean()

        differentiated = self.jax.value_and_grad(loss)

        def take(ids: np.ndarray, targets: np.ndarray) -> tuple[float, Gradient]:
            value, self.given = differentiated(self.parameters, ids, self._array(targets))
            self.parameters, self.kept_state = self.step(self.given, self.kept_state, self.parameters)
            return float(value), Gradient(np.asarray(self.given[0]).astype(np.float64))

        return take

    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        self._transform(groups)

    def reload(self, case: Case) -> None:
        """The leaves of the state, as arrays of NumPy, for the structure of a new one."""
        saved = [np.asarray(x) for x in self.jax.tree.leaves(self.kept_state)]
        new = self.jax.tree.structure(self.transformation.init(self.parameters))
        self.kept_state = self.jax.tree.unflatten(new, map(self.jax.numpy.asarray, saved))

    def look(self) -> State:
        w = [np.asarray(x) for x in self.parameters]
        moments, t = [list(w) for _ in self.moments], [0] * len(w)
        for part in self.jax.tree.leaves(self.kept_state, is_leaf=self._of_adam):
            if self._of_adam(part):
                for of, name in zip(moments, self.moments, strict=True):
                    for i, x in enumerate(getattr(part, name)):
                        if not self._masked(x):
                            of[i], t[i] = np.asarray(x), int(part.count)
        m, v, *v_max = moments
        return (w, m, v, t, *v_max)  # type: ignore[return-value]

    def state(self) -> State:
        return as_float64(self.look())

    def path(self) -> dict[str, str]:
        first = self.parameters[0]
        return {
            "mode": "jit" if isinstance(self.step, self.jax.stages.Wrapped) else "eager",
            "device": first.device.platform,
            "dtype": str(first.dtype),
            "layout": "dense",
        }

    def kept(self, step: Step) -> bool:
        return True


def _step(optax: Any, transformation: Any, gradients: Any, state: Any, parameters: Any) -> Any:
    """The parameters and the state after a step, as optax's examples have it."""
    updates, state = transformation.update(gradients, state, parameters)
    return optax.apply_updates(parameters, updates), state


class AdamJit(Adam):
    """The same, compiled as a whole, with hyperparameters that are constants of it."""

    name = "optax.adam.jit"
    mode = "jit"
    compiles = True

    def _stepping(self) -> Callable[..., Any]:
        compiled: Callable[..., Any] = self.jax.jit(super()._stepping())
        return compiled


class AdamW(Adam):
    name = "optax.adamw.eager"
    optimizer = "adamw"
    hyperparameters = Adam.hyperparameters | {"weight_decay"}
    grouped = changing = Adam.grouped | {"weight_decay"}
    documented = replace(Adam.documented, weight_decay=WeightDecay.DECOUPLED)
    spoken = replace(Adam.spoken, weight_decay=WeightDecay.DECOUPLED)
    promises = (
        *(Promise(p.axis, p.source.replace(_ADAM, _ADAMW)) for p in Adam.promises),
        Promise("weight_decay", f"{_ADAMW}, the formulas"),
    )


class Amsgrad(Adam):
    name = "optax.amsgrad.eager"
    optimizer = "amsgrad"
    keeps_largest = True
    state_class = "ScaleByAmsgradState"
    moments: ClassVar[dict[str, str]] = {**Adam.moments, "nu_max": "v_max"}
    layers = ()
    documented = replace(Adam.documented, maximum=Maximum.OF_CORRECTED)
    promises = (*(Promise(p.axis, f"{_AMSGRAD} with {p.source}") for p in Adam.promises), _MAXIMUM)
    spoken = replace(Adam.spoken, maximum=Maximum.OF_CORRECTED)


BACKENDS: tuple[type[Backend], ...] = (Adam, AdamJit, AdamW, Amsgrad)
