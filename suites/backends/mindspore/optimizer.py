"""How an optimizer of mindspore.nn runs a case.

A graph takes a fifth of a second or more to compile for each set of shapes and hyperparameters, so
optimizers are kept, with their graphs, and given a new state for each case. The number of gradient
rows is dynamic and needs no graph of its own. The first launch after a compilation is discarded.
"""

import os
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Power, Storage
from lazyadam.suites.backends.base import Backend, NotRun
from lazyadam.suites.backends.errors import installing
from lazyadam.suites.backends.mindspore import training as mindspore_training
from lazyadam.suites.backends.mindspore.graph import graph
from lazyadam.suites.backends.mindspore.instance import Instance, near_subnormals
from lazyadam.suites.backends.states import as_float64
from lazyadam.suites.cases.case import QUANTITIES, Case, Gradient, Group, Manner, State, Step, Trajectory
from lazyadam.suites.cases.training import Layer, Training

NEWEST_PYTHON = (3, 12)  # that MindSpore 2.7 to 2.10 have a build for
KEPT = 40
_ATTRIBUTES = ("target", "unique")  # the properties of nn.Optimizer that can be assigned (2.10)


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
            reason, *more = [x.strip() for x in str(error).strip().splitlines()]
            if loader := [x for x in more if x.startswith("Load dynamic library")]:
                reason = f"{reason} {' '.join(loader)}"
            if self.device == "gpu" and "CUDA_HOME" not in os.environ:
                reason = f"CUDA_HOME is not set, and without it no plugin is loaded: {reason}"
            if int(np.__version__.partition(".")[0]) > 1:  # which some releases install themselves
                reason = f"it runs with NumPy below 2, and {np.__version__} is there ({reason})"
            raise NotRun(f"mindspore has no device {self.device}: {reason}") from None
        self.mindspore = mindspore
        self.instances: OrderedDict[Any, Instance] = OrderedDict()
        return str(mindspore.__version__)

    def _tensor(self, x: np.ndarray, dtype: str) -> Any:
        mindspore = self.mindspore
        if dtype == "bfloat16":
            return mindspore.Tensor(x.astype(np.float32), mindspore.bfloat16)
        return mindspore.Tensor(x.astype(dtype))

    def discard(self) -> None:
        """After an error in a step a graph refuses every later one (2.10)."""
        self.instances.pop(self.key, None)

    def _instance(self, case: Case, parameters: list[Any]) -> Instance:
        return Instance(self.mindspore, self.mode, parameters, self._new_optimizer(case, parameters))

    def _parameters(self, case: Case) -> list[Any]:
        return [
            self.mindspore.Parameter(self._tensor(p.w, case.dtype), name=f"p{i}")
            for i, p in enumerate(case.parameters)
        ]

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
        if instance is None or Manner.COLD in case.manner or near_subnormals(case):
            instance = self._instance(case, self._parameters(case))
        self.instances[key] = instance
        if len(self.instances) > KEPT:
            self.instances.popitem(last=False)
        self.instance = instance
        h, kept = case.groups[0].hyperparameters, QUANTITIES if self.keeps_largest else QUANTITIES[:3]
        state = [[self._tensor(getattr(p, name), case.dtype) for p in case.parameters] for name in kept]
        instance.load(state, case.t, (h.beta1, h.beta2))
        self.change(case, case.groups)
        self._soil()

    def _soil(self) -> None:
        """Leave numbers in the memory pool, so that scratch memory read before it is written shows.

        It would hold what the cases before have left, and a case would not be a pure function.
        """
        for count in (64, 256, 1024, 4096, 16384):
            self.mindspore.Tensor(np.full(count, 1e9, np.float32)) + 0

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        mindspore = self.mindspore
        if any(g is None for g in step.gradients):
            raise ValueError("a gradient of None: the optimizer takes a gradient for every parameter")
        sparse = tuple(g is not None and g.rows is not None for g in step.gradients)
        if self.mode == "pynative":
            gradients = tuple(self._eager(g, case) for g in step.gradients if g is not None)
            if not self.instance.stepped and Manner.COLD not in case.manner:
                zeros = tuple(self._eager(Gradient(0 * g.values, g.rows), case) for g in step.gradients if g)
                self.instance.undone(lambda: self.instance.optimizer(zeros))
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
        compiled = self.instance.graphs.get(sparse) or self._compile(case, sparse, inputs)
        return lambda: compiled(*inputs)

    def use_threads(self, count: int) -> None:
        _use_threads(count)

    def synchronize(self) -> None:
        self.mindspore.runtime.synchronize()

    def training_step(
        self, training: Training, layer: Layer
    ) -> Callable[[np.ndarray, np.ndarray], tuple[float, Gradient]]:
        net = mindspore_training.net(training.table, layer)
        parameters = list(net.trainable_params())
        self.instance = self._instance(training.start, parameters)
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
        return all((self._seen(x) == y).all() for x, y in zip(self.inputs, given, strict=True))

    def _eager(self, g: Gradient, case: Case) -> Any:
        from mindspore.common.sparse_tensor import RowTensorInner

        values = self._tensor(g.values, case.values_dtype)
        if g.rows is None:
            return values
        shape = (case.parameters[0].w.shape[0], *g.values.shape[1:])
        return RowTensorInner(self.mindspore.Tensor(g.rows.astype(np.int32)), values, shape)

    def _compile(self, case: Case, sparse: tuple[bool, ...], inputs: list[Any]) -> Any:
        """The graph for this layout of gradients, after one launch whose effect is undone."""
        shapes = tuple(p.w.shape for p in case.parameters)
        new, zeros = graph(self.mindspore, self.instance.optimizer, sparse, shapes, inputs)
        self._soil()
        if Manner.COLD not in case.manner:
            self.instance.undone(lambda: new(*zeros))
        self.instance.graphs[sparse] = new
        return new

    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        by_parameter = {p: g.hyperparameters.lr for g in groups for p in g.parameters}
        for i, tensor in enumerate(self.instance.learning_rates()):
            self.instance.set(tensor, self.mindspore.Tensor(by_parameter[i], self.mindspore.float32))

    def reload(self, case: Case) -> None:
        saved = [p.copy() for p in self.instance.everything()]
        parameters = self.instance.parameters
        self.instance = self.instances[self.key] = self._instance(case, parameters)
        for tensor, value in zip(self.instance.everything(), saved, strict=True):
            self.instance.set(tensor, value)

    def state(self) -> State:
        return as_float64(self.look())

    def look(self) -> State:
        parts = (self.instance.parameters, *self.instance.moments())
        w, m, v, *v_max = ([self._seen(x) for x in of] for of in parts)
        counts = [int(self.instance.counts()[0].asnumpy().reshape(-1)[0])] * len(w)
        return (w, m, v, counts, *v_max)  # type: ignore[return-value]

    def _seen(self, tensor: Any) -> np.ndarray:
        if tensor.dtype == self.mindspore.bfloat16:
            tensor = tensor.astype(self.mindspore.float32)
        array: np.ndarray = tensor.asnumpy()
        return array

    def path(self) -> dict[str, str]:
        mindspore = self.mindspore
        in_graph = mindspore.get_context("mode") == mindspore.GRAPH_MODE
        path = {
            "mode": "graph" if in_graph else "pynative",
            "device": str(mindspore.get_context("device_target")).lower(),
            "dtype": str(self.instance.parameters[0].dtype).lower(),
        }
        if self.branch:
            path["branch"] = "operators" if self.instance.optimizer._is_device else "fused"
        return path


@lru_cache(maxsize=1)
def _use_threads(count: int) -> None:
    """Set the pool that kernels are cut up for: OMP_NUM_THREADS does not bind it. Once a process (2.10)."""
    from mindspore.device_context.cpu import op_tuning

    op_tuning.threads_num(count)
