"""tfa.optimizers.LazyAdam (TensorFlow Addons 0.23), and keras.optimizers.legacy.Adam (Keras 2.15)."""

from dataclasses import replace
from typing import Any, ClassVar

from lazyadam.reference.dialect import (
    Arithmetic,
    Average,
    Dialect,
    Maximum,
    Power,
    StepCount,
    Storage,
    Subnormals,
    Untouched,
)
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.peers.tensorflow import Eager, Function, KerasOptimizer

_LAZY_ADAM = "tfa.optimizers.LazyAdam documentation, 0.23"
_ADAM = "keras.optimizers.legacy.Adam documentation, 2.15"
_ITERATIONS = "keras.optimizers.legacy.Optimizer documentation, 2.15, iterations ('training steps')"


class LazyAdam(KerasOptimizer):
    framework = "tensorflow-addons"
    documented = Dialect(step_count=StepCount.OPTIMIZER)
    promises = (
        Promise("epsilon", f"{_LAZY_ADAM}, epsilon ('\"epsilon hat\" … just before Section 2.1')"),
        Promise("untouched", f"{_LAZY_ADAM} ('sparse variable indices that appear …')"),
        Promise("step_count", _ITERATIONS),
    )
    # TensorFlow 2.15 runs its operators with subnormals flushed (core/platform/denormal.h).
    spoken = Dialect(step_count=StepCount.OPTIMIZER, subnormals=Subnormals.VARIES)
    # optimizers/lazy_adam.py, 0.23, and ApplyAdam (core/kernels/training_ops.cc), TensorFlow 2.15: lr and β
    # of float32 variables, and t, are cast to the parameter's type; β^t, lr·√(1 − β2^t) / (1 − β1^t) and
    # 1 − β are in it.
    arithmetic = Arithmetic(
        *(Storage.VARIABLES, Power.OWN_POWER, Average.COMPLEMENT, Average.COMPLEMENT), power_ulps=1
    )

    def version(self) -> str:
        import tensorflow_addons

        self.addons = tensorflow_addons
        return str(tensorflow_addons.__version__)

    def optimizer_class(self) -> Any:
        return self.addons.optimizers.LazyAdam


class Adam(KerasOptimizer):
    framework = "keras"
    documented = Dialect(step_count=StepCount.OPTIMIZER, untouched=Untouched.DENSE)
    promises: ClassVar[tuple[Promise, ...]] = (
        Promise("epsilon", f"{_ADAM}, epsilon ('\"epsilon hat\" … just before Section 2.1')"),
        Promise("untouched", f"{_ADAM} ('the sparse behavior is equivalent to the dense behavior')"),
        Promise("step_count", _ITERATIONS),
    )
    spoken = Dialect(step_count=StepCount.OPTIMIZER, untouched=Untouched.DENSE, subnormals=Subnormals.VARIES)
    # keras/src/optimizers/legacy/adam.py, 2.15: as above, but lr·(√(1 − β2^t) / (1 − β1^t)) where sparse.
    arithmetic = Arithmetic(
        *(Storage.VARIABLES, Power.OWN_POWER, Average.COMPLEMENT, Average.COMPLEMENT),
        power_ulps=1,
        step_size_error=3.0,
    )

    def version(self) -> str:
        import keras

        return str(keras.__version__)

    def optimizer_class(self) -> Any:
        return self.tf.keras.optimizers.legacy.Adam


class LazyAdamEager(Eager, LazyAdam):
    name = "tensorflow-addons.LazyAdam.eager"


class LazyAdamFunction(Function, LazyAdam):
    name = "tensorflow-addons.LazyAdam.function"


class AdamEager(Eager, Adam):
    name = "keras.Adam.legacy.eager"


class AdamFunction(Function, Adam):
    name = "keras.Adam.legacy.function"


class AmsgradEager(Eager, Adam):
    name = "keras.Adam.legacy.amsgrad"
    keeps_largest = True
    layers = ()
    documented = replace(Adam.documented, maximum=Maximum.OF_STORED)
    promises = (
        *Adam.promises,
        Promise("maximum", f"{_ADAM}, amsgrad ('On the Convergence of Adam and beyond')"),
    )
    spoken = replace(Adam.spoken, maximum=Maximum.OF_STORED)


BACKENDS: tuple[type[Backend], ...] = (
    LazyAdamEager,
    LazyAdamFunction,
    AdamEager,
    AdamFunction,
    AmsgradEager,
)
