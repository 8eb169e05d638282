"""mindspore.nn.LazyAdam and mindspore.nn.Adam, plain and with use_lazy, on each target and in each mode.

What is declared of them, and nothing that runs.
"""

from dataclasses import replace
from typing import ClassVar

from lazyadam.reference.dialect import (
    Dialect,
    Duplicates,
    Epsilon,
    StepCount,
    Subnormals,
    Untouched,
    WeightDecay,
)
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.mindspore.optimizer import MindSporeOptimizer
from lazyadam.suites.backends.mindspore.training import LAYERS

_LAZY_ADAM = "mindspore.nn.LazyAdam documentation, 2.10"
ADAM = "mindspore.nn.Adam documentation, 2.10"
_FUSED = "mindspore.ops.FusedSparseLazyAdam documentation, 2.10"


class Graph(MindSporeOptimizer):
    mode = "graph"
    layers = LAYERS["graph"]
    compiles = True
    # Dense gradients: what ops.Adam takes; sparse ones: what the operators of the target take.
    dtypes: ClassVar[tuple[str, ...]] = ("float32", "float64")
    dense_dtypes: ClassVar[tuple[str, ...]] = ("float16", "float32")


class PyNative(MindSporeOptimizer):
    mode = "pynative"
    layers = LAYERS["pynative"]
    compiles = True
    repeats = True  # it runs the graphs' compiled step
    layouts = frozenset({"dense"})  # it cannot hand a RowTensor over: the clause sparse-gradient shows it
    dtypes: ClassVar[tuple[str, ...]] = ("float16", "float32")


class Operators(MindSporeOptimizer):
    """The default target: an optimizer of operators."""

    branch = "operators"


class Fused(MindSporeOptimizer):
    """The target CPU: an operator that does it all."""

    branch = "fused"
    target = "CPU"


class LazyAdam(MindSporeOptimizer):
    optimizer_class = "LazyAdam"
    documented = Dialect(epsilon=Epsilon.BESIDE_HAT, step_count=StepCount.OPTIMIZER)
    promises = (
        Promise("epsilon", f"{_LAZY_ADAM}, the formulas"),
        Promise("step_count", f"{_LAZY_ADAM} ('t represents the current step')"),
        Promise("untouched", f"{_LAZY_ADAM} ('only updates the current index position')"),
        Promise("duplicates", f"{_FUSED} ('Merges the duplicate value of the gradient')"),
    )
    spoken = Dialect(
        step_count=StepCount.OPTIMIZER,
        weight_decay=WeightDecay.PER_OCCURRENCE,
        subnormals=Subnormals.VARIES,  # graphs and compiled steps run with subnormals flushed
    )


class Adam(MindSporeOptimizer):
    optimizer_class = "Adam"
    documented = replace(LazyAdam.documented, untouched=Untouched.DENSE)
    promises: ClassVar[tuple[Promise, ...]] = (
        Promise("epsilon", f"{ADAM}, the formulas"),
        Promise("step_count", f"{ADAM} ('t represents the current step')"),
        Promise("untouched", f"{ADAM} (use_lazy False: 'apply normal adam algorithm')"),
    )
    spoken = replace(LazyAdam.spoken, untouched=Untouched.DENSE)


class AdamUseLazy(LazyAdam):
    optimizer_class = "Adam"
    options = {"use_lazy": True}
    repeats = True  # it runs LazyAdam's operators


class LazyAdamOperatorsGraph(Graph, Operators, LazyAdam):
    name = "mindspore.LazyAdam.default.graph"
    spoken = replace(LazyAdam.spoken, duplicates=Duplicates.SCATTERED)


class LazyAdamOperatorsPyNative(PyNative, Operators, LazyAdam):
    name = "mindspore.LazyAdam.default.pynative"
    spoken = replace(LazyAdam.spoken, duplicates=Duplicates.SCATTERED)


class LazyAdamFusedGraph(Graph, Fused, LazyAdam):
    name = "mindspore.LazyAdam.target_cpu.graph"
    dtypes = ("float32",)


class LazyAdamFusedPyNative(PyNative, Fused, LazyAdam):
    name = "mindspore.LazyAdam.target_cpu.pynative"


class AdamOperatorsGraph(Graph, Operators, Adam):
    name = "mindspore.Adam.default.graph"
    spoken = replace(Adam.spoken, duplicates=Duplicates.SQUARES_APART)


class AdamOperatorsPyNative(PyNative, Operators, Adam):
    name = "mindspore.Adam.default.pynative"
    spoken = replace(Adam.spoken, duplicates=Duplicates.SQUARES_APART)


class AdamFusedGraph(Graph, Fused, Adam):
    name = "mindspore.Adam.target_cpu.graph"
    dtypes = ("float32",)


class AdamFusedPyNative(PyNative, Fused, Adam):
    name = "mindspore.Adam.target_cpu.pynative"


class AdamUseLazyOperatorsGraph(Graph, Operators, AdamUseLazy):
    name = "mindspore.Adam.use_lazy.default.graph"
    spoken = replace(AdamUseLazy.spoken, duplicates=Duplicates.SCATTERED)


class AdamUseLazyOperatorsPyNative(PyNative, Operators, AdamUseLazy):
    name = "mindspore.Adam.use_lazy.default.pynative"
    spoken = replace(AdamUseLazy.spoken, duplicates=Duplicates.SCATTERED)


class AdamUseLazyFusedGraph(Graph, Fused, AdamUseLazy):
    name = "mindspore.Adam.use_lazy.target_cpu.graph"
    dtypes = ("float32",)


class AdamUseLazyFusedPyNative(PyNative, Fused, AdamUseLazy):
    name = "mindspore.Adam.use_lazy.target_cpu.pynative"


BACKENDS: tuple[type[Backend], ...] = (
    LazyAdamOperatorsGraph,
    LazyAdamOperatorsPyNative,
    LazyAdamFusedGraph,
    LazyAdamFusedPyNative,
    AdamOperatorsGraph,
    AdamOperatorsPyNative,
    AdamFusedGraph,
    AdamFusedPyNative,
    AdamUseLazyOperatorsGraph,
    AdamUseLazyOperatorsPyNative,
    AdamUseLazyFusedGraph,
    AdamUseLazyFusedPyNative,
)
