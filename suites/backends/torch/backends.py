"""torch.optim.SparseAdam, and torch.optim.Adam in its loop, foreach and fused forms: what is declared."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from lazyadam.reference.dialect import (
    Arithmetic,
    Average,
    Dialect,
    Epsilon,
    Hat,
    Maximum,
    Power,
    Storage,
    Subnormals,
    WeightDecay,
)
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.torch.optimizer import LARGEST, STATE, TorchOptimizer
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.cases.training import Layer

_SPARSE_ADAM = "torch.optim.SparseAdam documentation, 2.13"
_ADAM = "torch.optim.Adam documentation, 2.13"


class SparseAdam(TorchOptimizer):
    name = "torch.SparseAdam"
    optimizer_class = "SparseAdam"
    layouts = frozenset({"sparse", "none"})
    layers = (Layer("Embedding(sparse=True)", "plain"),)
    hyperparameters = frozenset({"maximize", "betas of 0"})
    # torch/optim/_functional.py and adam.py, 2.13: read from the group at every step, and β^t is of that β.
    grouped = changing = frozenset({"lr", "beta1", "beta2", "epsilon", "maximize"})
    # "a masked version of the Adam algorithm": the algorithm is the one on the page of Adam.
    documented = Dialect(epsilon=Epsilon.BESIDE_HAT)
    promises = (
        Promise("epsilon", f"{_SPARSE_ADAM} ('a masked version of the Adam algorithm') with {_ADAM}"),
        Promise("untouched", f"{_SPARSE_ADAM} ('only updates the moments and parameters …')"),
    )
    # torch/optim/_functional.py, sparse_adam, 2.13: denom = √v + ε, lr·√(1 − β2^t) / (1 − β1^t).
    spoken = Dialect(epsilon=Epsilon.BESIDE_ROOT)
    # Two rows and more are added by index_add_, with atom.add.f32 (Atomic.cuh, 2.13): PTX ISA: it flushes.
    elsewhere = {"cuda": {"spoken": Dialect(subnormals=Subnormals.VARIES)}}
    # torch/optim/_functional.py, sparse_adam, 2.13: old += (1 − β)·(new − old) for both moments.
    arithmetic = Arithmetic(power=Power.FLOAT64, first_average=Average.OMEGA, second_average=Average.OMEGA)

    def _count(self, t: int) -> int:
        return t


class Adam(TorchOptimizer):
    optimizer_class = "Adam"
    layouts = frozenset({"dense", "none"})
    layers: ClassVar[tuple[Layer, ...]] = (Layer("Embedding(sparse=False)", "plain", sparse=False),)
    hyperparameters = frozenset({"maximize", "weight_decay", "betas of 0"})
    grouped = changing = frozenset({"lr", "beta1", "beta2", "epsilon", "maximize", "weight_decay"})
    documented = Dialect(epsilon=Epsilon.BESIDE_HAT)
    promises: ClassVar[tuple[Promise, ...]] = (Promise("epsilon", f"{_ADAM}, the algorithm"),)
    spoken = documented
    # torch/optim/adam.py, 2.13: lerp for the first moment, mul and addcmul for the second.
    arithmetic = Arithmetic(power=Power.FLOAT64, first_average=Average.OMEGA, second_average=Average.BOTH)


class AdamLoop(Adam):
    name = "torch.Adam.loop"
    options = {"foreach": False, "fused": False}


class AdamForeach(Adam):
    name = "torch.Adam.foreach"
    options = {"foreach": True}


class AdamFused(Adam):
    name = "torch.Adam.fused"
    options = {"fused": True}
    # ATen/native/cuda/fused_adam_utils.cuh, 2.13: scalars and their powers in the working precision; both
    # averages as fma(β, x, fma(−β, g, g)). CUDA C++ Programming Guide, mathematical functions: powf 4 ulps.
    elsewhere = {
        "cuda": {
            "arithmetic": Arithmetic(Storage.WORKING, Power.WORKING_POWER, power_ulps=4),
            "manners": TorchOptimizer.manners | {Manner.GRAPH},
            "possible": TorchOptimizer.manners | {Manner.GRAPH},
        },
    }


class AdamDifferentiable(Adam):
    """The step that autograd can follow."""

    name = "torch.Adam.differentiable"
    devices = ("cpu",)
    options = {"differentiable": True}
    # torch/optim/adam.py, 2.13, where "capturable or differentiable": of a step count in float32 come β^t and
    # α in float32, for tensors of every type, and m is divided by √v / (√(1 − β2^t)·α) + ε / α.
    arithmetic = replace(
        Adam.arithmetic, power=Power.FLOAT32_POWER, hat=Hat.INTO_DENOMINATOR, step_size_error=6
    )

    def _parameter(self, x: Any) -> Any:
        # One that autograd follows must be no leaf, for its step changes it in place.
        return self.torch.nn.Parameter(x, requires_grad=False)


class AdamW(Adam):
    """Adam but for its decay (torch/optim/adamw.py, 2.13), which is 0.01 where nothing is said."""

    optimizer_class = "AdamW"
    documented = replace(Adam.documented, weight_decay=WeightDecay.DECOUPLED)
    promises = (
        *Adam.promises,
        Promise("weight_decay", "torch.optim.AdamW documentation, 2.13, the algorithm"),
    )
    spoken = documented


class AdamWLoop(AdamW):
    name = "torch.AdamW.loop"
    options = {**AdamLoop.options, "weight_decay": 0.0}


class AdamWForeach(AdamW):
    name = "torch.AdamW.foreach"
    options = {**AdamForeach.options, "weight_decay": 0.0}


class AdamWFused(AdamW):
    name = "torch.AdamW.fused"
    options = {**AdamFused.options, "weight_decay": 0.0}
    elsewhere = AdamFused.elsewhere


class AdamAmsgrad(Adam):
    """Adam that divides by the largest second moment that there was."""

    documented = replace(Adam.documented, maximum=Maximum.OF_STORED)
    promises = (*Adam.promises, Promise("maximum", f"{_ADAM}, the algorithm (amsgrad)"))
    spoken = documented
    state_names = (*STATE, LARGEST)
    keeps_largest = True
    layers = ()


class AmsgradLoop(AdamAmsgrad):
    name = "torch.Adam.amsgrad.loop"
    options = {**AdamLoop.options, "amsgrad": True}


class AmsgradForeach(AdamAmsgrad):
    name = "torch.Adam.amsgrad.foreach"
    options = {**AdamForeach.options, "amsgrad": True}


class AmsgradFused(AdamAmsgrad):
    name = "torch.Adam.amsgrad.fused"
    options = {**AdamFused.options, "amsgrad": True}
    elsewhere = AdamFused.elsewhere


class AdamWAmsgrad(AdamAmsgrad):
    """The same, but for its decay."""

    optimizer_class = "AdamW"
    documented = replace(AdamAmsgrad.documented, weight_decay=WeightDecay.DECOUPLED)
    promises = (*AdamW.promises, Promise("maximum", "torch.optim.AdamW documentation, 2.13, the algorithm"))
    spoken = documented


class AdamWAmsgradLoop(AdamWAmsgrad):
    name = "torch.AdamW.amsgrad.loop"
    options = {**AdamWLoop.options, "amsgrad": True}


class AdamWAmsgradForeach(AdamWAmsgrad):
    name = "torch.AdamW.amsgrad.foreach"
    options = {**AdamWForeach.options, "amsgrad": True}


class AdamWAmsgradFused(AdamWAmsgrad):
    name = "torch.AdamW.amsgrad.fused"
    options = {**AdamWFused.options, "amsgrad": True}
    elsewhere = AdamFused.elsewhere


BACKENDS: tuple[type[Backend], ...] = (SparseAdam, AdamLoop, AdamForeach, AdamFused)
FURTHER: tuple[type[Backend], ...] = (
    AdamDifferentiable,
    AdamWLoop,
    AdamWForeach,
    AdamWFused,
    AmsgradLoop,
    AmsgradForeach,
    AmsgradFused,
    AdamWAmsgradLoop,
    AdamWAmsgradForeach,
    AdamWAmsgradFused,
)


def recorded(optimizer: str, options: Mapping[str, Any], device: str) -> type[Backend] | None:
    """The backend that a recorded optimizer is, by whose its step is and options; None for somebody's own.

    Raises:
        ValueError: it is one of torch's that is not judged; the message is one line.
    """
    if optimizer == "torch.optim.sparse_adam.SparseAdam":
        return SparseAdam
    if optimizer != "torch.optim.adam.Adam":
        if optimizer.startswith("torch.optim."):
            raise ValueError(f"{optimizer} is not judged: it is none of SparseAdam, Adam and AdamW")
        return None
    form = "foreach" if options.get("foreach", device != "cpu" and not options.get("fused")) else "loop"
    form = "fused" if options.get("fused") else "differentiable" if options.get("differentiable") else form
    kind = "AdamW" if options.get("decoupled_weight_decay") else "Adam"
    kind += ".amsgrad" if options.get("amsgrad") else ""
    known = {backend.name: backend for backend in (*BACKENDS, *FURTHER)}
    if (name := f"torch.{kind}.{form}") not in known:
        raise ValueError(f"{name} is not judged")
    return known[name]
