"""keras.optimizers.Adam of Keras 3.15 on its backends torch and JAX, which have no sparse gradients."""

import os
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Average, Maximum, Power, Storage, Subnormals
from lazyadam.suites.backends.base import Backend, NotRun
from lazyadam.suites.backends.errors import in_a_line
from lazyadam.suites.backends.peers import keras as on_tensorflow
from lazyadam.suites.backends.peers import python_of
from lazyadam.suites.backends.states import as_float64
from lazyadam.suites.cases.case import Case, Gradient, Group, State, Step
from lazyadam.suites.cases.training import Layer, Training


class Dense(Backend):
    """By what Keras has for all its backends. An optimizer knows no groups: each has one of its own."""

    framework = "keras"
    mode = "eager"
    spec = f"popen//python={python_of('keras')}"
    devices = ("cpu",)
    layouts = frozenset({"dense"})
    hyperparameters = frozenset({"betas of 0", "weight_decay"})
    # keras/src/optimizers/adam.py, 3.15: a variable and attributes, read at every step.
    grouped = changing = frozenset({"lr", "beta1", "beta2", "epsilon", "weight_decay"})
    layers: ClassVar[tuple[Layer, ...]] = (Layer("Embedding", "plain", sparse=False),)
    documented = on_tensorflow.Adam.documented
    promises = on_tensorflow.Adam.promises
    spoken = replace(on_tensorflow.Adam.spoken, duplicates=documented.duplicates)
    keras_backend: ClassVar[str]

    def prepare(self) -> str:
        os.environ["KERAS_BACKEND"] = self.keras_backend
        try:
            import keras
        except ImportError as error:
            raise NotRun(f"keras cannot be imported on {self.keras_backend}: {in_a_line(error)}") from None
        self.keras = keras
        return str(keras.__version__)

    def _tensor(self, x: np.ndarray) -> Any:
        return self.keras.ops.convert_to_tensor(x, self.dtype)

    def build(self, case: Case) -> None:
        self.dtype = case.dtype
        variables = [self.keras.Variable(self._tensor(p.w), dtype=case.dtype) for p in case.parameters]
        self._optimize(variables, case.groups)
        for p, variable, optimizer in zip(case.parameters, variables, self.optimizers, strict=True):
            optimizer.iterations.assign(case.t)
            moments = on_tensorflow.moments_of(optimizer, variable)
            for moment, x in zip(moments, (p.m, p.v, p.v_max), strict=False):
                moment.assign(self._tensor(x))

    def _optimize(self, variables: list[Any], groups: tuple[Group, ...]) -> None:
        self.variables, of = variables, dict[int, Any]()
        for group in groups:
            h = group.hyperparameters
            new = self.keras.optimizers.Adam(
                h.lr,
                h.beta1,
                h.beta2,
                h.epsilon,
                amsgrad=self.keeps_largest,
                weight_decay=h.weight_decay or None,
            )
            new.build([variables[i] for i in group.parameters])
            of |= dict.fromkeys(group.parameters, new)
        self.optimizers = [of[i] for i in range(len(variables))]

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        given = []
        for gradient in step.gradients:
            if gradient is None or gradient.rows is not None:
                raise ValueError("a gradient is a dense array, and every parameter has one")
            given.append(self.keras.ops.convert_to_tensor(gradient.values, case.values_dtype))
        self.given = given
        return lambda: self._apply(given)

    def _apply(self, given: list[Any]) -> None:
        for optimizer, at in self._groups():
            optimizer.apply([given[i] for i in at], [self.variables[i] for i in at])

    def _groups(self) -> Iterator[tuple[Any, list[int]]]:
        for optimizer in dict.fromkeys(self.optimizers):
            yield optimizer, [i for i, of in enumerate(self.optimizers) if of is optimizer]

    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        for group in groups:
            h, optimizer = group.hyperparameters, self.optimizers[group.parameters[0]]
            optimizer.learning_rate, optimizer.beta_1, optimizer.beta_2 = h.lr, h.beta1, h.beta2
            optimizer.epsilon, optimizer.weight_decay = h.epsilon, h.weight_decay or None

    def reload(self, case: Case) -> None:
        for old, at in list(self._groups()):
            new = on_tensorflow.loaded(old, [self.variables[i] for i in at])
            self.optimizers = [new if of is old else of for of in self.optimizers]

    def _numpy(self, x: Any) -> np.ndarray:
        return np.asarray(self.keras.ops.convert_to_numpy(x))

    def look(self) -> State:
        of = list(zip(self.optimizers, self.variables, strict=True))
        moments = ([self._numpy(x) for x in on_tensorflow.moments_of(*pair)] for pair in of)
        m, v, *v_max = map(list, zip(*moments, strict=True))
        counts = [int(self._numpy(o.iterations)) for o, _ in of]
        return ([self._numpy(x) for _, x in of], m, v, counts, *v_max)  # type: ignore[return-value]

    def state(self) -> State:
        return as_float64(self.look())

    def path(self) -> dict[str, str]:
        return {
            "mode": "eager",
            "device": self.place_of(self.variables[0].value),
            "dtype": str(self.variables[0].dtype),
            "layout": "dense",
        }

    @abstractmethod
    def place_of(self, tensor: Any) -> str:
        """Where a tensor is."""

    def kept(self, step: Step) -> bool:
        return all(
            (self._numpy(x) == g.values).all() for x, g in zip(self.given, step.gradients, strict=True) if g
        )

    def training_step(
        self, training: Training, layer: Layer
    ) -> Callable[[np.ndarray, np.ndarray], tuple[float, Gradient]]:
        self.dtype = "float32"
        embedding = self.keras.layers.Embedding(*training.table.shape)
        embedding.build(())
        embedding.set_weights([training.table])
        self._optimize(embedding.trainable_variables, training.start.groups)
        differentiated = self.differentiated(embedding)

        def take(ids: np.ndarray, targets: np.ndarray) -> tuple[float, Gradient]:
            tensors = (self.keras.ops.convert_to_tensor(ids), self._tensor(targets))
            value, gradient = differentiated(*tensors)
            self._apply([gradient])
            return float(value), Gradient(self._numpy(gradient).astype(np.float64))

        return take

    @abstractmethod
    def differentiated(self, layer: Any) -> Callable[..., tuple[Any, Any]]:
        """The mean square of a layer's rows less their targets, and its gradient by the table."""


class Torch(Dense):
    name = "keras.Adam.torch"
    keras_backend = "torch"
    spoken = replace(Dense.spoken, subnormals=Subnormals.KEPT)
    # keras/src/backend/torch/optimizers/torch_adam.py, 3.15: α of tensors in the parameter's type; moments
    # by torch._foreach_*, of β and 1 − β as Python has them.
    arithmetic = Arithmetic(Storage.RATE, Power.OWN_POWER)

    def prepare(self) -> str:
        version = super().prepare()
        import torch

        torch.set_num_threads(1)
        return version

    def place_of(self, tensor: Any) -> str:
        return str(tensor.device.type)

    def differentiated(self, layer: Any) -> Callable[..., tuple[Any, Any]]:
        def take(ids: Any, targets: Any) -> tuple[Any, Any]:
            (variable,) = layer.trainable_variables
            variable.value.grad = None
            loss = ((layer(ids) - targets) ** 2).mean()
            loss.backward()
            return loss.detach(), variable.value.grad

        return take


class JAX(Dense):
    name = "keras.Adam.jax"
    keras_backend = "jax"
    compiles = True  # each operation, for every new shape
    # keras/src/optimizers/adam.py, 3.15, on jax.numpy: x + (y − x)·(1 − β).
    arithmetic = Arithmetic(*(Storage.RATE, Power.OWN_POWER, Average.OMEGA, Average.OMEGA), power_ulps=1)

    def build(self, case: Case) -> None:
        import jax

        # JAX has float64 where it is told so: float32 is tried as by default, without.
        jax.config.update("jax_enable_x64", case.dtype == "float64")
        super().build(case)

    def synchronize(self) -> None:
        import jax

        jax.block_until_ready([variable.value for o in self.optimizers for variable in o.variables])

    def place_of(self, tensor: Any) -> str:
        return str(tensor.device.platform)

    def differentiated(self, layer: Any) -> Callable[..., tuple[Any, Any]]:
        import jax

        def loss(table: Any, ids: Any, targets: Any) -> Any:
            rows, _ = layer.stateless_call([table], [], ids)
            return ((rows - targets) ** 2).mean()

        of_table = jax.value_and_grad(loss)
        return lambda ids, targets: of_table(layer.trainable_variables[0].value, ids, targets)


class AmsgradTorch(Torch):
    name = "keras.Adam.torch.amsgrad"
    keeps_largest = True
    layers = ()
    documented = replace(Torch.documented, maximum=Maximum.OF_STORED)
    promises = (*Torch.promises, on_tensorflow.AMSGRAD)
    spoken = replace(Torch.spoken, maximum=Maximum.OF_STORED)


class AmsgradJAX(JAX):
    name = "keras.Adam.jax.amsgrad"
    keeps_largest = True
    layers = ()
    documented = replace(JAX.documented, maximum=Maximum.OF_STORED)
    promises = (*JAX.promises, on_tensorflow.AMSGRAD)
    spoken = replace(JAX.spoken, maximum=Maximum.OF_STORED)


BACKENDS: tuple[type[Backend], ...] = (Torch, JAX, AmsgradTorch, AmsgradJAX)
