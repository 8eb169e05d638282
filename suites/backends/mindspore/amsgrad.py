"""MindSpore's Adam with AMSGrad: nn.Adam(use_amsgrad=True) and mindspore.experimental (amsgrad=True)."""

from dataclasses import replace
from typing import ClassVar

from lazyadam.reference.dialect import Average, Dialect, Maximum, Power, StepCount, Subnormals, Untouched
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.mindspore.backends import ADAM, Adam, Graph, PyNative
from lazyadam.suites.backends.mindspore.experimental import (
    EXPERIMENTAL,
    ExperimentalAdam,
    ExperimentalAdamW,
)
from lazyadam.suites.backends.mindspore.optimizer import MindSporeOptimizer
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.cases.training import Layer

REDDI = "S. J. Reddi, S. Kale and S. Kumar, arXiv:1904.09237, algorithm 2"


class ExperimentalAmsgrad(ExperimentalAdam):
    name = "mindspore.experimental.Adam.amsgrad"
    keeps_largest = True
    documented = replace(ExperimentalAdam.documented, maximum=Maximum.OF_CORRECTED)
    promises = (
        *ExperimentalAdam.promises,
        Promise("maximum", f"{EXPERIMENTAL.format('Adam')}, the algorithm (amsgrad)"),
    )
    # experimental/optim/adam.py, 2.10: nothing reads the option: v_max stays what it is.


class ExperimentalAmsgradW(ExperimentalAdamW):
    name = "mindspore.experimental.AdamW.amsgrad"
    keeps_largest = True
    documented = replace(ExperimentalAdamW.documented, maximum=Maximum.OF_CORRECTED)
    spoken = replace(ExperimentalAdamW.spoken, maximum=Maximum.OF_STORED)
    promises = (
        *ExperimentalAdamW.promises,
        Promise("maximum", f"{EXPERIMENTAL.format('AdamW')}, the algorithm (amsgrad)"),
    )


class Amsgrad(Adam):
    """nn.Adam with use_amsgrad, which takes dense gradients alone and no other form of it beside."""

    keeps_largest = True
    layouts = frozenset({"dense"})
    dtypes: ClassVar[tuple[str, ...]] = ("float32", "float64")  # a graph hands β and ε over as float32
    dense_dtypes = dtypes
    options = {"use_amsgrad": True}
    layers: ClassVar[tuple[Layer, ...]] = ()
    manners = MindSporeOptimizer.manners - {Manner.UNIQUE, Manner.ASSIGNED, Manner.INT64_ROWS}
    possible = manners
    documented = replace(Adam.documented, untouched=Untouched.FROZEN, maximum=Maximum.OF_STORED)
    promises = (
        *(x for x in Adam.promises if x.axis != "untouched"),
        Promise("maximum", f"{ADAM} (use_amsgrad) with {REDDI}"),
    )
    # plugin/device/cpu/kernel/apply_adam_with_amsgradv2_cpu_kernel.cc: all in the tensor's type, by one − β;
    # with use_nesterov it is the same operator.
    arithmetic = replace(
        Adam.arithmetic,
        power=Power.FLOAT32_PRODUCT_CAST,
        first_average=Average.OMEGA,
        second_average=Average.OMEGA,
    )
    spoken = Dialect(step_count=StepCount.OPTIMIZER, subnormals=Subnormals.VARIES, maximum=Maximum.OF_STORED)


class AmsgradGraph(Amsgrad, Graph):
    name = "mindspore.Adam.amsgrad.graph"


class AmsgradPyNative(Amsgrad, PyNative):
    name = "mindspore.Adam.amsgrad.pynative"


BACKENDS: tuple[type[Backend], ...] = (
    ExperimentalAmsgrad,
    ExperimentalAmsgradW,
    AmsgradGraph,
    AmsgradPyNative,
)
