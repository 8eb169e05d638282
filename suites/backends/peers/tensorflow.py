"""How an optimizer of TensorFlow 2.15's Keras runs a case: eagerly, and in a tf.function."""

import os
from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend, NotRun
from lazyadam.suites.backends.errors import in_a_line
from lazyadam.suites.backends.peers import python_of
from lazyadam.suites.backends.states import as_float64
from lazyadam.suites.cases.case import Case, Gradient, Group, Manner, State, Step
from lazyadam.suites.cases.training import Layer, Training

ENVIRONMENT = "tensorflow-addons"
KEPT = 64  # instances
Layouts = tuple[str, ...]  # of each parameter: dense, or the type of the gradient's rows


@dataclass(eq=False)
class Instance:
    """Variables and the optimizer of each, kept from case to case with the functions traced for them."""

    weights: list[Any]
    optimizers: list[Any]
    functions: dict[Layouts, Any] = field(default_factory=dict)

    def apply(self, gradients: list[Any]) -> None:
        for optimizer in dict.fromkeys(self.optimizers):
            mine = [i for i, of in enumerate(self.optimizers) if of is optimizer]
            optimizer.apply_gradients([(gradients[i], self.weights[i]) for i in mine])


class KerasOptimizer(Backend):
    """An optimizer knows no groups: each group has one of its own."""

    devices = ("cpu",)
    spec = f"popen//python={python_of(ENVIRONMENT)}"
    # keras/src/optimizers/legacy/optimizer_v2.py, 2.15: that no variable has a gradient is an error.
    layouts = frozenset({"sparse", "dense"})
    hyperparameters = frozenset({"betas of 0"})
    grouped = frozenset({"lr", "beta1", "beta2", "epsilon"})
    # ibid.: variables, read at every step; adam.py: ε is a number.
    changing = frozenset({"lr", "beta1", "beta2"})
    manners = possible = frozenset({Manner.WATCHED})

    def prepare(self) -> str:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        try:
            import tensorflow as tf
        except ImportError as error:
            raise NotRun(f"tensorflow cannot be imported: {in_a_line(error)}") from None
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self.tf = tf
        self.instances: dict[Any, Instance] = {}
        return self.version()

    @abstractmethod
    def version(self) -> str:
        """The framework's."""

    @abstractmethod
    def optimizer_class(self) -> Any:
        """The optimizer's class."""

    def built(self, optimizer: Any, weights: list[Any]) -> Any:
        """The optimizer with its variables made."""
        optimizer._create_all_weights(weights)
        return optimizer

    def moments(self, optimizer: Any, variable: Any) -> list[Any]:
        """m and v of a variable, and v_max where it is kept."""
        names = ("m", "v", *(["vhat"] if self.keeps_largest else []))
        return [optimizer.get_slot(variable, name) for name in names]

    def set_hyperparameters(self, optimizer: Any, h: Hyperparameters) -> None:
        optimizer.learning_rate, optimizer.beta_1, optimizer.beta_2 = h.lr, h.beta1, h.beta2

    def loaded(self, old: Any, weights: list[Any]) -> Any:
        """A new optimizer, of the configuration and the weights of an old one."""
        new = self.built(type(old).from_config(old.get_config()), weights)
        new.set_weights(old.get_weights())
        return new

    def trained(self, layer: Any) -> list[Any]:
        """A layer's variables, as tf.Variable."""
        return list(layer.trainable_variables)

    def build(self, case: Case) -> None:
        self.dtype = case.dtype
        of = {i: group.hyperparameters.epsilon for group in case.groups for i in group.parameters}
        groups = tuple(group.parameters for group in case.groups)
        self.key = case.dtype, groups, tuple((p.w.shape, of[i]) for i, p in enumerate(case.parameters))
        if self.key not in self.instances:
            if len(self.instances) >= KEPT:
                self.instances.clear()
            weights = [self.tf.Variable(p.w.astype(self._numpy), dtype=case.dtype) for p in case.parameters]
            self.instances[self.key] = self._new(weights, case.groups)
        self.instance = self.instances[self.key]
        self.change(case, case.groups)
        for p, variable, optimizer in zip(
            case.parameters, self.instance.weights, self.instance.optimizers, strict=True
        ):
            optimizer.iterations.assign(case.t)
            variable.assign(p.w.astype(self._numpy))
            for moment, x in zip(self.moments(optimizer, variable), (p.m, p.v, p.v_max), strict=False):
                moment.assign(x.astype(self._numpy))

    @property
    def _numpy(self) -> Any:
        return self.tf.as_dtype(self.dtype).as_numpy_dtype

    def _new(self, weights: list[Any], groups: tuple[Group, ...]) -> Instance:
        optimizers: dict[int, Any] = {}
        for group in groups:
            h = group.hyperparameters
            new = self.optimizer_class()(
                learning_rate=h.lr,
                beta_1=h.beta1,
                beta_2=h.beta2,
                epsilon=h.epsilon,
                amsgrad=self.keeps_largest,
            )
            self.built(new, [weights[i] for i in group.parameters])
            optimizers |= dict.fromkeys(group.parameters, new)
        return Instance(weights, [optimizers[i] for i in range(len(weights))])

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        layouts: list[str] = []
        given: list[Any] = []
        for g in step.gradients:
            if g is None:
                raise ValueError("a gradient of None: an optimizer is given one for each of its parameters")
            layouts.append("dense" if g.rows is None else case.rows_dtype("int64"))
            if g.rows is not None:
                given.append(self.tf.constant(g.rows, layouts[-1]))
            given.append(self.tf.constant(g.values.astype(self._numpy), case.values_dtype))
        self.given, apply = given, self._applying(tuple(layouts))
        return lambda: apply(*given)

    def _applying(self, layouts: Layouts) -> Callable[..., object]:
        """Hands gradients to the optimizers, as the backward pass of tf.gather has them."""
        instance, tf = self.instance, self.tf

        def apply(*given: Any) -> None:
            self.ran = "function" if tf.inside_function() else "eager"
            parts, gradients = iter(given), []
            for variable, layout in zip(instance.weights, layouts, strict=True):
                rows = None if layout == "dense" else next(parts)
                values = next(parts)
                if rows is not None:
                    values = tf.IndexedSlices(values, rows, tf.shape(variable))
                gradients.append(values)
            instance.apply(gradients)

        return self.run_as(apply, layouts)

    def run_as(self, apply: Callable[..., None], layouts: Layouts) -> Callable[..., object]:
        """What is called in a step."""
        return apply

    def kept(self, step: Step) -> bool:
        # A variable's memory isn't to be seen from outside.
        given: Iterable[np.ndarray] = (
            x for g in step.gradients if g for x in ((g.values,) if g.rows is None else (g.rows, g.values))
        )
        return all((x.numpy() == y).all() for x, y in zip(self.given, given, strict=True))

    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        for group in groups:
            self.set_hyperparameters(self.instance.optimizers[group.parameters[0]], group.hyperparameters)

    def reload(self, case: Case) -> None:
        instance, loaded = self.instance, {}
        for group in case.groups:
            old = instance.optimizers[group.parameters[0]]
            loaded[old] = self.loaded(old, [instance.weights[i] for i in group.parameters])
        self.instance = Instance(instance.weights, [loaded[old] for old in instance.optimizers])
        self.instances[self.key] = self.instance

    def look(self) -> State:
        of = list(zip(self.instance.optimizers, self.instance.weights, strict=True))
        moments = zip(*([x.numpy() for x in self.moments(*pair)] for pair in of), strict=True)
        m, v, *v_max = map(list, moments)
        counts = [int(o.iterations.numpy()) for o, _ in of]
        return ([x.numpy() for _, x in of], m, v, counts, *v_max)  # type: ignore[return-value]

    def state(self) -> State:
        return as_float64(self.look())

    def path(self) -> dict[str, str]:
        variable = self.instance.weights[0]
        return {
            "mode": self.ran,
            "device": variable.device.rpartition("device:")[2].partition(":")[0].lower(),
            "dtype": variable.dtype.name,
        }

    def training_step(
        self, training: Training, layer: Layer
    ) -> Callable[[np.ndarray, np.ndarray], tuple[float, Gradient]]:
        tf = self.tf
        self.dtype = "float32"
        embedding = tf.keras.layers.Embedding(*training.table.shape)
        embedding.build(())
        embedding.set_weights([training.table])
        self.instance = self._new(self.trained(embedding), training.start.groups)

        def take(ids: Any, targets: Any) -> tuple[Any, Any, Any]:
            self.ran = "function" if tf.inside_function() else "eager"
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((embedding(ids) - targets) ** 2)
            gradients = tape.gradient(loss, self.instance.weights)
            self.instance.apply(gradients)
            return loss, gradients[0].indices, gradients[0].values

        run = tf.function(take) if self.mode == "function" else take

        def trained(ids: np.ndarray, targets: np.ndarray) -> tuple[float, Gradient]:
            loss, rows, values = run(tf.constant(ids), tf.constant(targets, tf.float32))
            return float(loss), Gradient(np.array(values, np.float64), np.array(rows, np.int64))

        return trained


class Eager(KerasOptimizer):
    mode = "eager"
    layers: ClassVar[tuple[Layer, ...]] = (Layer("Embedding", "plain"),)


class Function(KerasOptimizer):
    """In a tf.function, which is traced once for each set of parameters and layouts."""

    mode = "function"
    compiles = True
    repeats: ClassVar[bool] = True  # it runs the operators of the eager form
    layers = (Layer("Embedding", "tf.function"),)

    def run_as(self, apply: Callable[..., None], layouts: Layouts) -> Callable[..., object]:
        functions = self.instance.functions
        if layouts not in functions:
            tf, signature = self.tf, []
            for variable, layout in zip(self.instance.weights, layouts, strict=True):
                shape = variable.shape
                if layout != "dense":
                    signature.append(tf.TensorSpec([None], layout))
                    shape = [None, *shape[1:]]
                signature.append(tf.TensorSpec(shape, variable.dtype))
            functions[layouts] = tf.function(apply, input_signature=signature)
        return functions[layouts]
