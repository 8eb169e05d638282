"""mindspore.nn.LazyAdam and mindspore.nn.Adam (plain, and with use_lazy) on each target and mode.

A graph takes a fifth of a second or more to compile for each set of shapes and hyperparameters, so
optimizers are kept, with their graphs, and given a new state for each case. The number of gradient
rows is dynamic and needs no graph of its own. The first launch after a compilation is discarded.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from lazyadam.reference.dialect import (
    Arithmetic,
    Dialect,
    Duplicates,
    Epsilon,
    Power,
    StepCount,
    Storage,
    Subnormals,
    Untouched,
    WeightDecay,
)
from lazyadam.reference.scalars import float32_product
from lazyadam.suites.backends import mindspore_training
from lazyadam.suites.backends.base import Backend, NotRun, Promise, installing
from lazyadam.suites.cases.case import Case, Gradient, Manner, Step, Trajectory
from lazyadam.suites.cases.training import Layer, Training

_LAZY_ADAM = "mindspore.nn.LazyAdam documentation, 2.10"
_ADAM = "mindspore.nn.Adam documentation, 2.10"
_FUSED = "mindspore.ops.FusedSparseLazyAdam documentation, 2.10"

NEWEST_PYTHON = (3, 12)  # that MindSpore 2.7 to 2.10 have a build for
KEPT = 40
_ATTRIBUTES = ("target", "unique")  # the properties of nn.Optimizer that can be assigned (2.10)


@dataclass
class _Instance:
    """An optimizer with its parameters and its compiled graphs, one for each layout of gradients."""

    parameters: list[Any]
    optimizer: Any
    graphs: dict[tuple[bool, ...], Any] = field(default_factory=dict)
    stepped: bool = False


@lru_cache(maxsize=1)
def _update_cell() -> Any:
    """The cell that turns rows and values into gradients and calls the optimizer, as a graph."""
    from mindspore import nn
    from mindspore.common.sparse_tensor import RowTensorInner

    class Update(nn.Cell):  # type: ignore[misc]
        def __init__(self, optimizer: Any, sparse: tuple[bool, ...], shapes: Any) -> None:
            super().__init__()
            self.optimizer = optimizer
            self.sparse = sparse
            self.shapes = shapes

        def construct(self, *tensors):  # type: ignore[no-untyped-def]
            gradients: Any = ()
            position = 0
            for i in range(len(self.sparse)):
                if self.sparse[i]:
                    rows, values = tensors[position], tensors[position + 1]
                    gradients = gradients + (RowTensorInner(rows, values, self.shapes[i]),)
                    position = position + 2
                else:
                    gradients = gradients + (tensors[position],)
                    position = position + 1
            return self.optimizer(gradients)

    return Update


class MindSporeOptimizer(Backend):
    """What the MindSpore optimizers share: kept instances, gradients, and one state for all."""

    framework = "mindspore"
    devices = ("cpu", "gpu", "ascend")
    layouts = frozenset({"sparse", "dense"})
    hyperparameters = frozenset({"weight_decay", "loss_scale", "nesterov"})
    grouped = frozenset({"lr", "weight_decay"})
    optimizer_class: str
    options: dict[str, Any] = {}
    target: str | None = None
    manners = frozenset(
        {
            Manner.INT64_ROWS,
            Manner.LR_TENSOR,
            Manner.USE_LOCKING,
            Manner.UNIQUE,
            Manner.COLD,
            Manner.ASSIGNED,
            Manner.WATCHED,
            Manner.ARGUMENTS,
            Manner.FLOAT64_VALUES,
            Manner.FLOAT16_VALUES,
            Manner.INTEGER_VALUES,
            Manner.FLOAT_ROWS,
        }
    )
    possible = manners
    # nn/optim/lazyadam.py and adam.py, 2.10: float32 tensors throughout, β^t by multiplication.
    arithmetic = Arithmetic(storage=Storage.FLOAT32, power=Power.FLOAT32_PRODUCT)

    @classmethod
    def no_build(cls) -> str:
        major, minor, *_ = sys.version_info
        return f"MindSpore has no build for Python {major}.{minor}" if (major, minor) > NEWEST_PYTHON else ""

    def prepare(self) -> str:
        try:
            import mindspore
        except ImportError as error:
            if why := self.no_build():
                raise NotRun(why) from None
            raise NotRun(f"mindspore cannot be imported: {error}{installing(error)}") from None
        mode = mindspore.GRAPH_MODE if self.mode == "graph" else mindspore.PYNATIVE_MODE
        names = {"cpu": "CPU", "gpu": "GPU", "ascend": "Ascend"}
        try:
            mindspore.set_context(mode=mode, device_target=names[self.device])
            mindspore.Tensor(np.ones(2, np.float32)) + 1
        except Exception as error:
            reason = str(error).strip().splitlines()[0]
            raise NotRun(f"mindspore has no device {self.device}: {reason}") from None
        self.mindspore = mindspore
        self.instances: OrderedDict[Any, _Instance] = OrderedDict()
        return str(mindspore.__version__)

    def _tensor(self, x: np.ndarray, dtype: str) -> Any:
        mindspore = self.mindspore
        if dtype == "bfloat16":
            return mindspore.Tensor(x.astype(np.float32), mindspore.bfloat16)
        return mindspore.Tensor(x.astype(dtype))

    def discard(self) -> None:
        """After an error in a step a graph refuses every later one (2.10)."""
        self.instances.pop(self.key, None)

    def _new_instance(self, case: Case) -> _Instance:
        mindspore = self.mindspore
        parameters = [
            mindspore.Parameter(self._tensor(p.w, case.dtype), name=f"p{i}")
            for i, p in enumerate(case.parameters)
        ]
        return _Instance(parameters, self._new_optimizer(case, parameters))

    def _new_optimizer(self, case: Case, parameters: list[Any]) -> Any:
        h = case.groups[0].hyperparameters
        groups: list[Any] = parameters
        if len(case.groups) > 1:
            groups = [
                {
                    "params": [parameters[i] for i in group.parameters],
                    "lr": group.hyperparameters.lr,
                    "weight_decay": group.hyperparameters.weight_decay,
                }
                for group in case.groups
            ]
            groups.append({"order_params": parameters})
        optimizer = getattr(self.mindspore.nn, self.optimizer_class)(
            groups,
            learning_rate=self.mindspore.Tensor(h.lr, self.mindspore.float32)
            if Manner.LR_TENSOR in case.manner
            else h.lr,
            beta1=h.beta1,
            beta2=h.beta2,
            eps=h.epsilon,
            weight_decay=h.weight_decay,
            loss_scale=h.loss_scale,
            use_nesterov=h.nesterov,
            use_locking=Manner.USE_LOCKING in case.manner,
            **self.options,
        )
        if Manner.UNIQUE in case.manner:
            optimizer.unique = not optimizer.unique
        if self.target is not None:
            optimizer.target = self.target
        if Manner.ASSIGNED in case.manner:
            for name in _ATTRIBUTES:
                setattr(optimizer, name, getattr(optimizer, name))
        return optimizer

    def run(self, case: Case, report: Callable[[int, Any], None] | None = None) -> Trajectory:
        if Manner.ASSIGNED not in case.manner:
            return super().run(case, report)
        plain = super().run(replace(case, manner=case.manner - {Manner.ASSIGNED}), report)
        again = super().run(case)
        return replace(plain, again=again, failure=plain.failure or again.failure)

    def build(self, case: Case) -> None:
        key = (
            case.dtype,
            tuple(p.w.shape for p in case.parameters),
            tuple((g.parameters, replace(g.hyperparameters, lr=1.0)) for g in case.groups),
            case.manner,
        )
        self.key = key
        instance = self.instances.pop(key, None)
        if instance is None or Manner.COLD in case.manner or _near_subnormals(case):
            instance = self._new_instance(case)
        self.instances[key] = instance
        if len(self.instances) > KEPT:
            self.instances.popitem(last=False)
        self.instance = instance
        h = case.groups[0].hyperparameters
        self._load(
            [self._tensor(p.w, case.dtype) for p in case.parameters],
            [self._tensor(p.m, case.dtype) for p in case.parameters],
            [self._tensor(p.v, case.dtype) for p in case.parameters],
            case.t,
            *(float32_product(float(np.float32(beta)), case.t) for beta in (h.beta1, h.beta2)),
        )
        self.change_lr(case, tuple(g.hyperparameters.lr for g in case.groups))
        self._soil()

    def _soil(self) -> None:
        """Leave numbers in the memory pool, so that scratch memory read before it is written shows.

        It would hold what the cases before have left, and a case would not be a pure function.
        """
        for count in (64, 256, 1024, 4096, 16384):
            self.mindspore.Tensor(np.full(count, 1e9, np.float32)) + 0

    def _load(self, w: Any, m: Any, v: Any, t: int, power1: Any, power2: Any) -> None:
        mindspore, optimizer = self.mindspore, self.instance.optimizer
        for tensors, new in (
            (self.instance.parameters, w),
            (optimizer.moment1, m),
            (optimizer.moment2, v),
        ):
            for tensor, value in zip(tensors, new, strict=True):
                self._set(tensor, value)
        self._set(optimizer.global_step, mindspore.Tensor(np.array([t], np.int32)))
        for tensor, power in ((optimizer.beta1_power, power1), (optimizer.beta2_power, power2)):
            self._set(tensor, mindspore.Tensor(np.full(tensor.shape, power, np.float32)))

    def _set(self, tensor: Any, value: Any) -> None:
        """Give a live parameter a new value.

        In PyNative mode (2.10) the compiled step of an optimizer goes on updating the storage that
        set_data has replaced, so the value has to be assigned in place.
        """
        if self.mode == "graph" or not self.instance.stepped:
            tensor.set_data(value)
        else:
            self.mindspore.ops.assign(tensor, value)

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        mindspore = self.mindspore
        if any(g is None for g in step.gradients):
            raise ValueError("a gradient of None: the optimizer takes a gradient for every parameter")
        sparse = tuple(g is not None and g.rows is not None for g in step.gradients)
        if self.mode == "pynative":
            gradients = tuple(self._eager(g, case) for g in step.gradients if g is not None)
            if not self.instance.stepped and Manner.COLD not in case.manner:
                zeros = tuple(self._eager(Gradient(0 * g.values, g.rows), case) for g in step.gradients if g)
                self._undone(lambda: self.instance.optimizer(zeros))
            self.instance.stepped = True
            self.inputs = list(gradients)
            return lambda: self.instance.optimizer(gradients)
        inputs: list[Any] = []
        for g in step.gradients:
            assert g is not None
            if g.rows is not None:
                inputs.append(mindspore.Tensor(g.rows.astype(case.rows_dtype("int32"))))
            inputs.append(self._tensor(g.values, case.values_dtype))
        self.inputs = inputs
        graph = self.instance.graphs.get(sparse) or self._compile(case, sparse, inputs)
        return lambda: graph(*inputs)

    def use_threads(self, count: int) -> None:
        _use_threads(count)

    def synchronize(self) -> None:
        self.mindspore.runtime.synchronize()

    def training_step(
        self, training: Training, layer: Layer
    ) -> Callable[[np.ndarray, np.ndarray], tuple[float, Gradient]]:
        net = mindspore_training.net(training.table, layer)
        parameters = list(net.trainable_params())
        self.instance = _Instance(parameters, self._new_optimizer(training.start, parameters))
        return mindspore_training.step(net, self.instance.optimizer, layer)

    def took_place(self, manner: Manner) -> bool:
        if manner is Manner.UNIQUE:
            return self.instance.optimizer.unique is False  # it is True where nobody turns it round
        return True  # the rest is handed to the constructor, and leaves nothing to be read

    def kept(self, step: Step) -> bool:
        # A parameter's memory isn't to be seen from outside.
        given = [
            x for g in step.gradients if g for x in ((g.values,) if g.rows is None else (g.rows, g.values))
        ]
        return all((self._numbers(x) == y).all() for x, y in zip(self.inputs, given, strict=True))

    def _eager(self, g: Gradient, case: Case) -> Any:
        from mindspore.common.sparse_tensor import RowTensorInner

        values = self._tensor(g.values, case.values_dtype)
        if g.rows is None:
            return values
        shape = (case.parameters[0].w.shape[0], *g.values.shape[1:])
        return RowTensorInner(self.mindspore.Tensor(g.rows.astype(np.int32)), values, shape)

    def _compile(self, case: Case, sparse: tuple[bool, ...], inputs: list[Any]) -> Any:
        """The graph for this layout of gradients, after one launch whose effect is undone."""
        mindspore = self.mindspore
        shapes = tuple(p.w.shape for p in case.parameters)
        graph = _update_cell()(self.instance.optimizer, sparse, shapes)
        graph.set_inputs(
            *(
                mindspore.Tensor(shape=[None, *x.shape[1:]] if dynamic else list(x.shape), dtype=x.dtype)
                for x, _, dynamic in self._described(sparse, inputs)
            )
        )
        self._soil()
        warm = [
            mindspore.ops.zeros(1, x.dtype)
            if is_rows
            else mindspore.ops.zeros((1, *x.shape[1:]) if dynamic else x.shape, x.dtype)
            for x, is_rows, dynamic in self._described(sparse, inputs)
        ]
        if Manner.COLD not in case.manner:
            self._undone(lambda: graph(*warm))
        self.instance.graphs[sparse] = graph
        return graph

    def _undone(self, launch: Callable[[], object]) -> None:
        """A first launch whose effect on the state is undone."""
        saved = [tensor.copy() for tensor in self._everything()]
        launch()
        self.instance.stepped = True
        for tensor, value in zip(self._everything(), saved, strict=True):
            self._set(tensor, value)

    @staticmethod
    def _described(sparse: tuple[bool, ...], inputs: list[Any]) -> list[tuple[Any, bool, bool]]:
        """Each input with: is it rows, and is its first length dynamic."""
        kinds = [kind for s in sparse for kind in ([(True, True), (False, True)] if s else [(False, False)])]
        return [(x, *kind) for x, kind in zip(inputs, kinds, strict=True)]

    def change_lr(self, case: Case, lr: tuple[float, ...]) -> None:
        tensors = self._learning_rates()
        by_parameter = {p: lr[i] for i, g in enumerate(case.groups) for p in g.parameters}
        for i, tensor in enumerate(tensors):
            value = by_parameter[i]
            self._set(tensor, self.mindspore.Tensor(value, self.mindspore.float32))

    def reload(self, case: Case) -> None:
        saved = [p.copy() for p in self._everything()]
        self.instance = _Instance(
            self.instance.parameters, self._new_optimizer(case, self.instance.parameters)
        )
        self.instances[self.key] = self.instance
        for tensor, value in zip(self._everything(), saved, strict=True):
            self._set(tensor, value)

    def _everything(self) -> list[Any]:
        """All parameters of the optimizer, in an order that doesn't depend on their names.

        Names do not do: a cell that holds the optimizer prefixes them.
        """
        optimizer = self.instance.optimizer
        return [
            *self.instance.parameters,
            *optimizer.moment1,
            *optimizer.moment2,
            optimizer.global_step,
            optimizer.beta1_power,
            optimizer.beta2_power,
            *self._learning_rates(),
        ]

    def _learning_rates(self) -> list[Any]:
        """The learning rate of each parameter, or the one that all share."""
        rates = self.instance.optimizer.learning_rate
        return list(rates) if isinstance(rates, tuple) else [rates]

    def state(self) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray], list[int]]:
        optimizer = self.instance.optimizer
        w, m, v = (
            [self._numbers(tensor) for tensor in tensors]
            for tensors in (self.instance.parameters, optimizer.moment1, optimizer.moment2)
        )
        return w, m, v, [int(optimizer.global_step.asnumpy()[0])] * len(w)

    def _numbers(self, tensor: Any) -> np.ndarray:
        if tensor.dtype == self.mindspore.bfloat16:
            tensor = tensor.astype(self.mindspore.float32)
        return np.array(tensor.asnumpy(), np.float64)

    def path(self) -> dict[str, str]:
        mindspore = self.mindspore
        graph = mindspore.get_context("mode") == mindspore.GRAPH_MODE
        optimizer = self.instance.optimizer
        return {
            "mode": "graph" if graph else "pynative",
            "device": str(mindspore.get_context("device_target")).lower(),
            "dtype": str(self.instance.parameters[0].dtype).lower(),
            "branch": "operators" if optimizer._is_device else "fused",
        }


@lru_cache(maxsize=1)
def _use_threads(count: int) -> None:
    """Set the pool that kernels are cut up for: OMP_NUM_THREADS does not bind it. Once a process (2.10)."""
    from mindspore.device_context.cpu import op_tuning

    op_tuning.threads_num(count)


def _near_subnormals(case: Case) -> bool:
    """Whether subnormal numbers may come up.

    Whether a launch flushes them (2.10, default target) follows from the number of launches of its graph
    and the row counts it has seen; only in a graph of its own is such a case a function of itself.
    """
    gradients = [g.values for s in case.steps for g in s.gradients if g is not None]
    states = [x for p in case.parameters for x in (p.w, p.m, p.v)]
    return any(
        bool(((x != 0) & (np.abs(x) < least)).any())
        for arrays, least in ((gradients, 1e-18), (states, 1e-36))
        for x in arrays
    )


_LAZY_PROMISES = (
    Promise("epsilon", f"{_LAZY_ADAM}, the formulas"),
    Promise("step_count", f"{_LAZY_ADAM} ('t represents the current step')"),
    Promise("untouched", f"{_LAZY_ADAM} ('only updates the current index position')"),
    Promise("duplicates", f"{_FUSED} ('Merges the duplicate value of the gradient')"),
)
_LAZY_DOCUMENTED = Dialect(epsilon=Epsilon.BESIDE_HAT, step_count=StepCount.OPTIMIZER)
_PLAIN_PROMISES = (
    Promise("epsilon", f"{_ADAM}, the formulas"),
    Promise("step_count", f"{_ADAM} ('t represents the current step')"),
    Promise("untouched", f"{_ADAM} (use_lazy False: 'apply normal adam algorithm')"),
)
_PLAIN_DOCUMENTED = replace(_LAZY_DOCUMENTED, untouched=Untouched.DENSE)
_FUSED_SPOKEN = Dialect(
    step_count=StepCount.OPTIMIZER,
    weight_decay=WeightDecay.PER_OCCURRENCE,
    subnormals=Subnormals.VARIES,  # graphs and compiled steps run with subnormals flushed
)


def _dtypes(mode: str, target: str | None) -> tuple[str, ...]:
    """Dense gradients: what ops.Adam takes; sparse ones: what the operators of the target take."""
    if mode == "pynative":
        return ("float16", "float32")
    return ("float32", "float64") if target is None else ("float32",)


def _forms() -> tuple[type[MindSporeOptimizer], ...]:
    """Every optimizer on each target and in each mode."""
    optimizers: tuple[tuple[str, str, dict[str, Any], Dialect, tuple[Promise, ...], Duplicates], ...] = (
        ("LazyAdam", "LazyAdam", {}, _LAZY_DOCUMENTED, _LAZY_PROMISES, Duplicates.SCATTERED),
        ("Adam", "Adam", {}, _PLAIN_DOCUMENTED, _PLAIN_PROMISES, Duplicates.SQUARES_APART),
        (
            "Adam.use_lazy",
            "Adam",
            {"use_lazy": True},
            _LAZY_DOCUMENTED,
            _LAZY_PROMISES,
            Duplicates.SCATTERED,
        ),
    )
    forms: list[type[MindSporeOptimizer]] = []
    for name, optimizer_class, options, documented, promises, duplicates in optimizers:
        for target in (None, "CPU"):
            spoken = replace(_FUSED_SPOKEN, untouched=documented.untouched)
            if target is None:
                spoken = replace(spoken, duplicates=duplicates)
            for mode in ("graph", "pynative"):
                forms.append(
                    type(
                        f"{optimizer_class}_{target}_{mode}",
                        (MindSporeOptimizer,),
                        {
                            "name": f"mindspore.{name}.{'target_cpu' if target else 'default'}.{mode}",
                            "mode": mode,
                            # PyNative cannot hand a RowTensor over: check sparse-gradient shows it.
                            "layouts": frozenset({"sparse", "dense"} if mode == "graph" else {"dense"}),
                            "dtypes": _dtypes(mode, target),
                            "compiles": True,
                            "layers": mindspore_training.LAYERS[mode],
                            "optimizer_class": optimizer_class,
                            "options": options,
                            "target": target,
                            # use_lazy runs LazyAdam's operators, PyNative the graphs' compiled step.
                            "repeats": mode == "pynative" or bool(options),
                            "branch": "fused" if target else "operators",
                            "documented": documented,
                            "promises": promises,
                            "spoken": spoken,
                        },
                    )
                )
    return tuple(forms)


BACKENDS: tuple[type[Backend], ...] = _forms()
