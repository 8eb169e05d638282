"""keras.optimizers.Adam of Keras 3.15, on its backend TensorFlow."""

import os
from dataclasses import replace
from typing import Any, ClassVar

from lazyadam.reference.dialect import (
    Arithmetic,
    Average,
    Dialect,
    Duplicates,
    Maximum,
    Power,
    StepCount,
    Storage,
    Subnormals,
    Untouched,
    WeightDecay,
)
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.peers import python_of
from lazyadam.suites.backends.peers.tensorflow import Eager

_ADAM = "keras.optimizers.Adam documentation, 3.15"
AMSGRAD = Promise("maximum", f"{_ADAM}, amsgrad ('On the Convergence of Adam and beyond')")


class Adam(Eager):
    name = "keras.Adam.tensorflow"
    framework = "keras"
    spec = f"popen//python={python_of('keras')}"
    hyperparameters = frozenset({"betas of 0", "weight_decay"})
    grouped = frozenset({"lr", "beta1", "beta2", "epsilon", "weight_decay"})
    changing = frozenset({"lr"})  # the others are numbers, which a tf.function has as they were
    documented = Dialect(step_count=StepCount.OPTIMIZER, untouched=Untouched.DENSE)
    promises: ClassVar[tuple[Promise, ...]] = (
        Promise("epsilon", f"{_ADAM}, epsilon ('\"epsilon hat\" … just before Section 2.1')"),
        Promise("untouched", f"{_ADAM} ('implements the Adam algorithm')"),
        Promise("step_count", "keras/src/optimizers/base_optimizer.py, 3.15, apply ('iteration counter')"),
    )
    # keras/src/backend/tensorflow/sparse.py, 3.15: the square of IndexedSlices is that of each of its values;
    # less a dense moment they are dense. backend/tensorflow/optimizer.py: w -= w·λ·lr, both through float32.
    spoken = Dialect(
        duplicates=Duplicates.SQUARES_APART,
        step_count=StepCount.OPTIMIZER,
        untouched=Untouched.DENSE,
        weight_decay=WeightDecay.DECOUPLED,
        subnormals=Subnormals.VARIES,
    )
    # keras/src/optimizers/adam.py, 3.15: lr of a float32 variable, t and 1 − β are cast to the parameter's
    # type, as is β for its power, through float32 (backend/tensorflow/core.py, cast); β^t and
    # lr·√(1 − β2^t) / (1 − β1^t) are in it; x + (y − x)·(1 − β).
    arithmetic = Arithmetic(*(Storage.RATES, Power.OWN_POWER, Average.OMEGA, Average.OMEGA), power_ulps=1)

    def prepare(self) -> str:
        os.environ["KERAS_BACKEND"] = "tensorflow"
        return super().prepare()

    def version(self) -> str:
        import keras

        self.keras = keras
        return str(keras.__version__)

    def optimizer_class(self) -> Any:
        return self.keras.optimizers.Adam

    def built(self, optimizer: Any, weights: list[Any]) -> Any:
        optimizer.build(weights)
        return optimizer

    def moments(self, optimizer: Any, variable: Any) -> list[Any]:
        return moments_of(optimizer, variable)

    def trained(self, layer: Any) -> list[Any]:
        return [variable.value for variable in layer.trainable_variables]

    def set_hyperparameters(self, optimizer: Any, h: Hyperparameters) -> None:
        super().set_hyperparameters(optimizer, h)
        optimizer.weight_decay = h.weight_decay or None

    def loaded(self, old: Any, weights: list[Any]) -> Any:
        return loaded(old, weights)


def moments_of(optimizer: Any, variable: Any) -> list[Any]:
    """m and v of a variable, and v_max where it is kept, on every backend of Keras."""
    at = optimizer._get_variable_index(variable)
    kept = [optimizer._velocity_hats[at]] if optimizer.amsgrad else []
    return [optimizer._momentums[at], optimizer._velocities[at], *kept]


def loaded(old: Any, variables: list[Any]) -> Any:
    """A new optimizer, of the configuration and the state of an old one."""
    new = type(old).from_config(old.get_config())
    new.build(variables)
    store: dict[str, Any] = {}
    old.save_own_variables(store)
    new.load_own_variables(store)
    return new


class Amsgrad(Adam):
    name = "keras.Adam.tensorflow.amsgrad"
    keeps_largest = True
    layers = ()
    documented = replace(Adam.documented, maximum=Maximum.OF_STORED)
    promises = (*Adam.promises, AMSGRAD)
    spoken = replace(Adam.spoken, maximum=Maximum.OF_STORED)


BACKENDS: tuple[type[Backend], ...] = (Adam, Amsgrad)
