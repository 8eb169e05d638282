"""The same work done by hand: gather, update, scatter in NumPy and in torch. For orientation only."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Dialect, Power
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.states import as_float64
from lazyadam.suites.backends.torch.optimizer import TorchOptimizer
from lazyadam.suites.cases.case import Case, Group, State, Step


class NumPyByHand(Backend):
    """LazyAdam of one parameter in NumPy, in place."""

    name = "by_hand.numpy"
    framework = "numpy"
    mode = "eager"
    devices = ("cpu",)
    dtypes: ClassVar[tuple[str, ...]] = ("float32", "float64")
    layouts = frozenset({"sparse", "dense"})
    documented = spoken = Dialect()
    promises = ()
    arithmetic = Arithmetic(power=Power.FLOAT64)

    def prepare(self) -> str:
        return np.__version__

    def build(self, case: Case) -> None:
        (p,) = case.parameters
        self.w, self.m, self.v = (x.astype(case.dtype) for x in (p.w, p.m, p.v))
        self.t = case.t

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        (gradient,) = step.gradients
        assert gradient is not None
        h = case.groups[0].hyperparameters
        values = gradient.values.astype(case.dtype)
        rows = gradient.rows
        if rows is None:
            return lambda: self._update(self.w, self.m, self.v, values, h)
        return lambda: self._lazy(rows, values, h)

    def _lazy(self, rows: np.ndarray, values: np.ndarray, h: Hyperparameters) -> None:
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        distinct = ordered[starts]
        w, m, v = self.w[distinct], self.m[distinct], self.v[distinct]
        self._update(w, m, v, np.add.reduceat(values[order], starts), h)
        self.w[distinct], self.m[distinct], self.v[distinct] = w, m, v

    def _update(self, w: np.ndarray, m: np.ndarray, v: np.ndarray, g: np.ndarray, h: Hyperparameters) -> None:
        self.t += 1
        m *= h.beta1
        m += (1 - h.beta1) * g
        v *= h.beta2
        v += (1 - h.beta2) * g * g
        w -= step_size(h, self.t) * m / (np.sqrt(v) + h.epsilon)

    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        raise NotImplementedError

    def reload(self, case: Case) -> None:
        raise NotImplementedError

    def state(self) -> State:
        return as_float64(self.look())

    def look(self) -> State:
        return [self.w], [self.m], [self.v], [self.t]

    def path(self) -> dict[str, str]:
        return {"mode": self.mode, "device": self.device, "dtype": str(self.w.dtype)}

    def kept(self, step: Step) -> bool:
        return True


class TorchByHand(TorchOptimizer):
    """LazyAdam of one parameter in torch's operations, in place."""

    name = "by_hand.torch"
    dtypes = ("float32", "float64")
    layouts = frozenset({"sparse", "dense"})
    manners = frozenset()
    documented = spoken = Dialect()
    promises = ()
    arithmetic = Arithmetic(power=Power.FLOAT64)

    def build(self, case: Case) -> None:
        (p,) = case.parameters
        self.dtype = getattr(self.torch, case.dtype)
        self.w, self.m, self.v = (self._tensor(x) for x in (p.w, p.m, p.v))
        self.t = case.t

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        (gradient,) = step.gradients
        assert gradient is not None
        h = case.groups[0].hyperparameters
        values = self._tensor(gradient.values)
        if gradient.rows is None:
            return lambda: self._update(self.w, self.m, self.v, values, h)
        rows = self.torch.from_numpy(gradient.rows).to(self.device)
        return lambda: self._lazy(rows, values, h)

    def steps_ahead(self, case: Case) -> Callable[[int], Callable[[], object]]:
        return super(TorchOptimizer, self).steps_ahead(case)

    def _lazy(self, rows: Any, values: Any, h: Hyperparameters) -> None:
        distinct, inverse = self.torch.unique(rows, return_inverse=True)
        g = values.new_zeros((len(distinct), *values.shape[1:])).index_add_(0, inverse, values)
        tables = (self.w, self.m, self.v)
        w, m, v = (x.index_select(0, distinct) for x in tables)
        self._update(w, m, v, g, h)
        for table, x in zip(tables, (w, m, v), strict=True):
            table.index_copy_(0, distinct, x)

    def _update(self, w: Any, m: Any, v: Any, g: Any, h: Hyperparameters) -> None:
        self.t += 1
        m.mul_(h.beta1).add_(g, alpha=1 - h.beta1)
        v.mul_(h.beta2).addcmul_(g, g, value=1 - h.beta2)
        w.addcdiv_(m, v.sqrt().add_(h.epsilon), value=-step_size(h, self.t))

    def look(self) -> State:
        w, m, v = ([self.seen(x)] for x in (self.w, self.m, self.v))
        return w, m, v, [self.t]

    def path(self) -> dict[str, str]:
        dtype = str(self.w.dtype).removeprefix("torch.")
        return {"mode": self.mode, "device": self.w.device.type, "dtype": dtype}


def step_size(h: Hyperparameters, t: int) -> float:
    return float(h.lr * np.sqrt(1 - h.beta2**t) / (1 - h.beta1**t))


BACKENDS: tuple[type[Backend], ...] = (NumPyByHand, TorchByHand)
