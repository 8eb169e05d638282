"""Those optimizers of pytorch_optimizer that are Adam for some setting, and not torch's (4.1.0)."""

from dataclasses import replace
from importlib.metadata import version
from typing import Any, ClassVar

from lazyadam.reference.dialect import Arithmetic, Average, Dialect, Epsilon, Power, StepCount, WeightDecay
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.own.bases import TorchOptimizer
from lazyadam.suites.backends.peers import python_of
from lazyadam.suites.cases.case import Case
from lazyadam.suites.cases.training import Layer


class PAdam(TorchOptimizer):
    """With an exponent of ½ of the second moment, which is Adam's."""

    name = "pytorch-optimizer.PAdam"
    framework = "pytorch-optimizer"
    spec = f"popen//python={python_of('pytorch-optimizer')}"
    devices = ("cpu",)
    dtypes = ("float16", "bfloat16", "float32", "float64")
    layouts = frozenset({"dense", "none"})
    layers = (Layer("Embedding(sparse=False)", "plain", sparse=False),)
    hyperparameters = frozenset({"maximize", "weight_decay", "betas of 0"})
    # pytorch_optimizer/optimizer/padam.py, 4.1.0, step: read from the group at every step, but for maximize.
    grouped = changing = frozenset({"lr", "beta1", "beta2", "epsilon", "weight_decay"})
    optimizer_class = "pytorch_optimizer.PAdam"
    options: ClassVar[dict[str, Any]] = {"partial": 0.5}
    documented = Dialect()
    # There: the group counts, whatever has a gradient.
    spoken = Dialect(step_count=StepCount.OPTIMIZER)
    # There: lerp for the first moment, mul and addcmul for the second; lr·√(1 − β2^t) / (1 − β1^t).
    arithmetic = Arithmetic(power=Power.FLOAT64, first_average=Average.OMEGA)
    source_read = True

    def prepare(self) -> str:
        super().prepare()
        import pytorch_optimizer  # noqa: F401 (it may not be there)

        return version("pytorch_optimizer")

    def _optimizer(self, case: Case) -> Any:
        optimizer = super()._optimizer(case)
        optimizer.maximize = case.groups[0].hyperparameters.maximize  # of all groups; theirs is not read
        return optimizer


class FlashAdamW(PAdam):
    """With moments that are not quantized."""

    name = "pytorch-optimizer.FlashAdamW"
    optimizer_class = "pytorch_optimizer.FlashAdamW"
    options: ClassVar[dict[str, Any]] = {"quantize": False}
    documented = Dialect(epsilon=Epsilon.BESIDE_HAT, weight_decay=WeightDecay.DECOUPLED)
    promises = tuple(
        Promise(axis, "pytorch_optimizer 4.1.0, FlashAdamW ('AdamW with …'): arXiv:1711.05101, Algorithm 2")
        for axis in ("epsilon", "weight_decay")
    )
    # pytorch_optimizer/optimizer/flash_adamw.py, 4.1.0, step: √(v / (1 − β2^t)) + ε; the group counts.
    spoken = replace(documented, step_count=StepCount.OPTIMIZER)


BACKENDS: tuple[type[Backend], ...] = (PAdam, FlashAdamW)
