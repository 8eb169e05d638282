"""paddle.optimizer.Adam, in lazy mode and without it (PaddlePaddle 3.3.1)."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from lazyadam.reference.dialect import (
    Arithmetic,
    Average,
    BiasCorrection,
    Dialect,
    EmptyGradient,
    Epsilon,
    Hat,
    Maximum,
    Power,
    StepSize,
    Storage,
    Untouched,
)
from lazyadam.reference.powers import float32_product, float64_product
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.peers import python_of
from lazyadam.suites.backends.states import as_float64
from lazyadam.suites.cases.case import Case, Gradient, Group, Manner, State, Step
from lazyadam.suites.cases.training import Layer, Training

STATE = ("moment1", "moment2", "beta1_pow_acc", "beta2_pow_acc")
LARGEST = "moment2_max"
_PAGE = "paddle.optimizer.Adam documentation, 3.3"
_AMSGRAD = Promise("maximum", f"{_PAGE}, the formulas (amsgrad)")
_FORMULAS = Promise("epsilon", f"{_PAGE}, the formulas ('\\sqrt{{moment_2_out}} + \\epsilon')")


class Adam(Backend):
    """lazy_mode=True. Sparse gradients come from Paddle's own embedding."""

    name = "paddle.Adam.lazy"
    framework = "paddle"
    mode = "dynamic"
    spec = f"popen//python={python_of('paddle')}"
    devices = ("cpu",)
    dtypes = dense_dtypes = ("float32", "float64")
    layouts = frozenset({"sparse", "dense", "none"})
    hyperparameters = frozenset({"betas of 0"})
    # paddle/optimizer/adam.py, 3.3.1: β1, β2 and ε are read from the group in every step; not to be set anew.
    grouped = frozenset({"lr", "beta1", "beta2", "epsilon"})
    manners = possible = frozenset({Manner.INT32_ROWS, Manner.INT64_ROWS, Manner.WATCHED})
    layers: ClassVar[tuple[Layer, ...]] = (
        Layer("nn.Embedding(sparse=True)", "plain"),
        Layer("nn.Embedding(sparse=False)", "plain", sparse=False),
    )
    documented = Dialect()
    promises: ClassVar[tuple[Promise, ...]] = (
        _FORMULAS,
        Promise("untouched", f"{_PAGE} ('The lazy mode only update the element that has gradient …')"),
    )
    # paddle/phi/kernels/selected_rows/cpu/adam_kernel.cc, 02a5e4e: without rows it returns; the powers
    # are multiplied by β, in place, before rows are updated by them. cpu/adam_kernel.cc, for dense gradients,
    # reads them before that. funcs/adam_functors.h, 3.3.1: mom1 / (√mom2 + ε·√(1 − beta2_pow)).
    spoken = Dialect(
        epsilon=Epsilon.BESIDE_HAT,
        bias_correction=BiasCorrection.NEXT_OF_SPARSE,
        empty_gradient=EmptyGradient.SKIPPED,
    )
    # In all three: everything in the tensor's type, β^t multiplied by β once a step,
    # lr *= √(1 − beta2_pow) / (1 − beta1_pow), and 1 − β of the β that is rounded.
    arithmetic = Arithmetic(
        Storage.WORKING,
        Power.WORKING_PRODUCT,
        Average.COMPLEMENT,
        Average.COMPLEMENT,
        Hat.FOLDED,
        step_size=StepSize.QUOTIENT_FIRST,
    )
    lazy: ClassVar[bool] = True

    def prepare(self) -> str:
        import paddle

        self.paddle = paddle
        return str(paddle.__version__)

    def build(self, case: Case) -> None:
        self.dtype = case.dtype
        self._take([self.paddle.nn.Parameter(self._tensor(p.w)) for p in case.parameters], case)
        for i, p in enumerate(case.parameters):
            of = zip(STATE, (p.m, p.v, *self._powers(i, case.t)), strict=True)
            for name, x in (*of, *([(LARGEST, p.v_max)] if self.keeps_largest else [])):
                tensor = self._accumulator(name, i)
                tensor.set_value(self._tensor(np.reshape(x, tensor.shape)))

    def _take(self, parameters: list[Any], case: Case) -> None:
        self.parameters, self.start, self.groups = parameters, case.t, case.groups
        self.given: list[tuple[Gradient | None, ...]] = []
        self.memory = [p.data_ptr() for p in parameters]
        self.of = {i: group.hyperparameters for group in case.groups for i in group.parameters}
        self.optimizer = self._optimizer(case.groups)

    def _optimizer(self, groups: tuple[Group, ...]) -> Any:
        """A new one, with its state named as in a process of its own: so it takes one that was saved."""
        paddle = self.paddle
        if len(groups) == 1:
            given = {"parameters": self.parameters, **self._arguments(groups[0].hyperparameters)}
        else:  # the learning rate of a group is a factor of that of the optimizer
            made = [
                {"params": [self.parameters[i] for i in g.parameters], **self._arguments(g.hyperparameters)}
                for g in groups
            ]
            given = {"parameters": made, "learning_rate": 1.0}
        with paddle.utils.unique_name.guard():
            optimizer = paddle.optimizer.Adam(lazy_mode=self.lazy, amsgrad=self.keeps_largest, **given)
            block = paddle.static.default_main_program().global_block()
            for made in optimizer._param_groups if len(groups) > 1 else [self.parameters]:
                optimizer._create_accumulators(block, made)
        return optimizer

    def _arguments(self, h: Hyperparameters) -> dict[str, Any]:
        given = {"learning_rate": h.lr, "beta1": h.beta1, "beta2": h.beta2, "epsilon": h.epsilon}
        return given | ({"weight_decay": h.weight_decay} if h.weight_decay else {})

    def _tensor(self, x: np.ndarray, dtype: str = "") -> Any:
        return self.paddle.to_tensor(x.astype(dtype or self.dtype))

    def _accumulator(self, name: str, i: int) -> Any:
        return self.optimizer._get_accumulator(name, self.parameters[i])

    def _powers(self, i: int, t: int) -> list[Any]:
        """What is kept after t steps: the powers of the next."""
        power = float32_product if self.dtype == "float32" else float64_product
        kind = np.dtype(self.dtype).type
        return [power(float(kind(beta)), t + 1) for beta in (self.of[i].beta1, self.of[i].beta2)]

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        for parameter, gradient in zip(self.parameters, step.gradients, strict=True):
            parameter.grad = None
            if gradient is not None:
                # or else one of another layout than the last is copied into that, and refused
                kinds = self.paddle.base.core.VarDesc.VarType
                parameter._set_grad_type(kinds.DENSE_TENSOR if gradient.rows is None else kinds.SELECTED_ROWS)
                parameter.grad = self._gradient(gradient, parameter, case)
        self.given.append(step.gradients)
        return self.optimizer.step

    def steps_ahead(self, case: Case) -> Callable[[int], Callable[[], object]]:
        # A gradient that is set is copied into the one before: several can't be kept.
        return lambda number: self.step_function(case, case.steps[number])

    def _gradient(self, g: Gradient, parameter: Any, case: Case) -> Any:
        """Dense; or as Paddle's embedding hands it to the optimizer, which sums rows that repeat."""
        if g.rows is None:
            return self._tensor(g.values, case.values_dtype)
        count, width = parameter.shape[0], int(np.prod(parameter.shape[1:]))
        table = self.paddle.zeros([count, width], self.dtype)
        table.stop_gradient = False
        ids = self._tensor(g.rows, case.rows_dtype("int64"))
        looked_up = self.paddle.nn.functional.embedding(ids, table, sparse=True)
        looked_up.backward(self._tensor(g.values.reshape(len(g.rows), width), case.values_dtype))
        return table.grad

    def training_step(
        self, training: Training, layer: Layer
    ) -> Callable[[np.ndarray, np.ndarray], tuple[float, Gradient]]:
        paddle, self.dtype = self.paddle, "float32"
        table = paddle.nn.initializer.Assign(training.table.astype(np.float32))
        net = paddle.nn.Embedding(*training.table.shape, sparse=layer.sparse, weight_attr=table)
        self._take(net.parameters(), training.start)

        def take(ids: np.ndarray, targets: np.ndarray) -> tuple[float, Gradient]:
            self.optimizer.clear_grad()
            loss = ((net(paddle.to_tensor(ids)) - self._tensor(targets)) ** 2).mean()
            loss.backward()
            gradient = self._delivered(net.weight.grad)
            self.given.append((gradient,))
            self.optimizer.step()
            return float(loss), gradient

        return take

    def _delivered(self, gradient: Any) -> Gradient:
        if not gradient.is_selected_rows():
            return Gradient(gradient.numpy().astype(np.float64))
        values = np.array(gradient.get_selected_rows().get_tensor())
        return Gradient(values.astype(np.float64), np.array(gradient.rows(), np.int64))

    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        self.groups = groups
        if len(groups) == 1:
            self.optimizer.set_lr(groups[0].hyperparameters.lr)
        else:
            for group in groups:
                for i in group.parameters:
                    self.parameters[i].optimize_attr["learning_rate"] = group.hyperparameters.lr

    def reload(self, case: Case) -> None:
        saved = io.BytesIO()
        self.paddle.save(self.optimizer.state_dict(), saved)
        saved.seek(0)
        self.optimizer = self._optimizer(self.groups)
        self.optimizer.set_state_dict(self.paddle.load(saved))

    def look(self) -> State:
        parameters = range(len(self.parameters))
        w = [x.numpy() for x in self.parameters]
        names = (*STATE[:2], *([LARGEST] if self.keeps_largest else []))
        m, v, *v_max = ([self._accumulator(name, i).numpy() for i in parameters] for name in names)
        return (w, m, v, [self._count(i) for i in parameters], *v_max)  # type: ignore[return-value]

    def _count(self, i: int) -> int:
        """The steps that its powers have counted; where they have come to rest, those that named a row."""
        found = [self._accumulator(name, i).item() for name in STATE[2:]]
        counts = range(self.start, self.start + len(self.given) + 1)
        named = self.start + sum(x is not None and x.values.size > 0 for x in (g[i] for g in self.given))
        return min((t for t in counts if self._powers(i, t) == found), key=lambda t: abs(t - named))

    def state(self) -> State:
        return as_float64(self.look())

    def path(self) -> dict[str, str]:
        weight, gradient = self.parameters[0], self.parameters[0].grad
        found = {
            "mode": "dynamic" if self.paddle.in_dynamic_mode() else "static",
            "device": "cpu" if weight.place.is_cpu_place() else str(weight.place),
            "dtype": str(weight.dtype).removeprefix("paddle."),
        }
        if gradient is not None:
            found["layout"] = "sparse" if gradient.is_selected_rows() else "dense"
        return found

    def kept(self, step: Step) -> bool:
        for parameter, given in zip(self.parameters, step.gradients, strict=True):
            now = None if parameter.grad is None else self._delivered(parameter.grad)
            if now is None or given is None:
                same = now is given
            else:
                one, other = (np.empty(0) if g.rows is None else g.rows for g in (now, given))
                same = np.array_equal(one, other) and np.array_equal(
                    now.values.ravel(), given.values.ravel(), equal_nan=True
                )
            if not same:
                return False
        return [p.data_ptr() for p in self.parameters] == self.memory


class StandardAdam(Adam):
    """lazy_mode=False, the default: every row is updated, whatever the gradient names."""

    name = "paddle.Adam.standard"
    lazy = False
    documented = Dialect(untouched=Untouched.DENSE)
    promises: ClassVar[tuple[Promise, ...]] = (
        _FORMULAS,
        Promise("untouched", f"{_PAGE} ('updated in both dense mode and sparse mode')"),
    )
    # paddle/phi/kernels/funcs/adam_functors.h, 3.3.1: √mom2 + ε where a row is not named. Whether it is it
    # asks past the end of the rows too, and may find there what some gradient before had: on no axis.
    spoken = replace(Adam.spoken, untouched=Untouched.DENSE_BESIDE_ROOT)


class DecayedAdam(StandardAdam):
    """With weight decay, which is refused beside sparse gradients."""

    name = "paddle.Adam.decayed"
    layouts = frozenset({"dense", "none"})
    hyperparameters = Adam.hyperparameters | {"weight_decay"}
    grouped = Adam.grouped | {"weight_decay"}
    layers = Adam.layers[1:]
    promises = (
        *StandardAdam.promises,
        Promise("weight_decay", "paddle.regularizer.L2Decay documentation, 3.3 ('0.5 * coeff * …')"),
    )


class Amsgrad(StandardAdam):
    name = "paddle.Adam.amsgrad.standard"
    keeps_largest = True
    layers = ()
    documented = replace(StandardAdam.documented, maximum=Maximum.OF_STORED)
    promises = (*StandardAdam.promises, _AMSGRAD)
    spoken = replace(StandardAdam.spoken, maximum=Maximum.OF_STORED)


class AmsgradLazy(Adam):
    name = "paddle.Adam.amsgrad.lazy"
    keeps_largest = True
    layers = ()
    documented = replace(Adam.documented, maximum=Maximum.OF_STORED)
    promises = (*Adam.promises, _AMSGRAD)
    spoken = replace(Adam.spoken, maximum=Maximum.OF_STORED)


BACKENDS: tuple[type[Backend], ...] = (Adam, StandardAdam, DecayedAdam, Amsgrad, AmsgradLazy)
