"""The NumPy host as a backend."""

import copy
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Dialect, Power
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.own.bases import parts
from lazyadam.suites.backends.torch.optimizer import arguments
from lazyadam.suites.cases.case import IN_BUFFER, Case, Gradient, Group, Manner, State, Step
from lazyadam.suites.detection.hosts import lazy_adam
from lazyadam.suites.detection.hosts.edit import Edits, edited

OTHER = {"float32": "float64", "float64": "float32"}
FURTHER = ("weight_decay", "loss_scale", "maximize", "nesterov")


class NumpyLazyAdam(Backend):
    """hosts/lazy_adam.py with edits."""

    name = "numpy.LazyAdam"
    framework = "numpy"
    mode = "eager"
    devices = ("cpu",)
    dtypes = ("float32", "float64")
    layouts = frozenset({"sparse", "dense", "none"})
    hyperparameters = frozenset({*FURTHER, "betas of 0"})
    grouped = frozenset({"lr", "beta1", "beta2", "epsilon", "weight_decay", "maximize"})
    changing = grouped | {"loss_scale"}
    manners = frozenset(
        {
            Manner.INT32_ROWS,
            Manner.INT64_ROWS,
            Manner.STRIDED,
            Manner.COLUMNS,
            Manner.STRIDED_GRADIENTS,
            *(Manner.EXPANDED, Manner.FROZEN, Manner.EMPTY, Manner.MIXED),
            Manner.LR_TENSOR,
            *(*IN_BUFFER, Manner.OVERWRITTEN, Manner.FORKED, Manner.LOADED_BACK),
            Manner.WATCHED,
        }
    )
    documented = Dialect()
    promises = ()
    spoken = documented
    arithmetic = Arithmetic(power=Power.FLOAT64)

    def __init__(self, device: str, edits: Edits = ()) -> None:
        super().__init__(device)
        self.module: ModuleType
        (self.module,) = edited((lazy_adam,), edits)

    def prepare(self) -> str:
        return np.__version__

    def build(self, case: Case) -> None:
        arrays = [p.w.astype(case.dtype) for p in case.parameters]
        if Manner.STRIDED in case.manner:
            arrays = [np.stack((x, x), axis=-1)[..., 0] for x in arrays]
        if Manner.COLUMNS in case.manner:
            arrays = [np.asfortranarray(x) for x in arrays]
        if case.manner & IN_BUFFER:
            arrays = parts(arrays)
        self.params = [self.module.Parameter(x) for x in arrays]
        self.memory = arrays
        self.before, self.after = self._beside(case)
        self.optimizer = self._optimizer(case)
        if case.t or any(p.m.any() or p.v.any() for p in case.parameters):
            for param, p in zip(self.params, case.parameters, strict=True):
                self.optimizer.state[param] = {
                    "step": case.t,
                    "m": p.m.astype(case.dtype),
                    "v": p.v.astype(case.dtype),
                }

    def _optimizer(self, case: Case) -> Any:
        groups = [
            {"params": [self.params[i] for i in group.parameters], **_made_with(group, case)}
            for group in case.groups
        ]
        groups[0]["params"] = [*self.before, *groups[0]["params"], *self.after]
        return self.module.LazyAdam([{"params": []}, *groups] if Manner.EMPTY in case.manner else groups)

    def _beside(self, case: Case) -> tuple[list[Any], list[Any]]:
        """Parameters of no case: in the first group, before its own and after them."""
        like = self.memory[0]
        if Manner.FROZEN in case.manner:
            return [self.module.Parameter(np.ones_like(like))], []
        if Manner.MIXED in case.manner:
            other = self.module.Parameter(np.ones(like.shape, OTHER[case.dtype]))
            other.grad = np.arange(len(like)), np.ones_like(other.data)
            return [other], []
        if Manner.EMPTY not in case.manner:
            return [], []
        empty = [self.module.Parameter(like[:0].copy()) for _ in range(2)]
        for param in empty:
            param.grad = np.zeros(0, np.int64), like[:0].copy()
        return empty[:1], empty[1:]

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        for param, gradient in zip(self.params, step.gradients, strict=True):
            param.grad = None if gradient is None else _handed_over(gradient, case)
        return self._step

    def _step(self) -> None:
        with np.errstate(all="ignore"):
            self.optimizer.step()

    def kept(self, step: Step) -> bool:
        if any(param.data is not array for param, array in zip(self.params, self.memory, strict=True)):
            return False
        for param, gradient in zip(self.params, step.gradients, strict=True):
            if gradient is None:
                continue
            rows, values = param.grad if isinstance(param.grad, tuple) else (None, param.grad)
            if gradient.rows is not None and not np.array_equal(rows, gradient.rows):
                return False
            if not np.array_equal(values, gradient.values):
                return False
        return True

    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        for group, now in zip(self.optimizer.groups[-len(groups) :], groups, strict=True):
            given = arguments(now.hyperparameters, FURTHER)
            if Manner.LR_TENSOR in case.manner:
                group["lr"].fill(given.pop("lr"))
            group.update(given)

    def reload(self, case: Case) -> None:
        first, params = self.optimizer, self.params
        saved, old = first.state_dict(), first.groups
        if Manner.LOADED_BACK in case.manner:
            self._load_back(copy.deepcopy(saved))  # torch's own hand out what is live
            return
        rates = [group["lr"] for group in old]
        if Manner.FORKED in case.manner:
            self.memory = [x.data.copy() for x in params]
            self.params = [self.module.Parameter(x) for x in self.memory]
        self.optimizer = self._optimizer(case)
        for new, group in zip(self.optimizer.groups, old, strict=True):
            new.update({name: group[name] for name in ("betas", "eps", *FURTHER)})
        self.optimizer.load_state_dict(saved)
        self.optimizer.load_learning_rates(rates)
        if Manner.FORKED in case.manner:
            _go_on(params, first)

    def _load_back(self, saved: Any) -> None:
        """The state and the weights as they were before a step."""
        weights = [param.data.copy() for param in self.params]
        _go_on(self.params, self.optimizer)
        for param, before in zip(self.params, weights, strict=True):
            param.data[...] = before
        self.optimizer.load_state_dict(saved)

    def overwrite(self) -> None:
        for gradient in (param.grad for param in self.params if param.grad is not None):
            rows, values = gradient if isinstance(gradient, tuple) else (None, gradient)
            values.fill(np.nan)
            if rows is not None:
                rows.fill(0)

    def state(self) -> State:
        states = [self.optimizer.state.get(param, {}) for param in self.params]
        return (
            [p.data.astype(np.float64) for p in self.params],
            [self._moment(p, s, "m") for p, s in zip(self.params, states, strict=True)],
            [self._moment(p, s, "v") for p, s in zip(self.params, states, strict=True)],
            [int(s.get("step", 0)) for s in states],
        )

    def _moment(self, param: Any, state: dict[str, Any], key: str) -> np.ndarray:
        return np.array(state.get(key, np.zeros_like(param.data)), np.float64)

    def took_place(self, manner: Manner) -> bool:
        if manner in (Manner.STRIDED, Manner.COLUMNS):
            one = [x.size <= 1 if manner is Manner.STRIDED else x.size == max(x.shape) for x in self.memory]
            return any(a or not x.flags.c_contiguous for a, x in zip(one, self.memory, strict=True))
        return True  # the other methods see to the others

    def path(self) -> dict[str, str]:
        return {"mode": self.mode, "device": self.device, "dtype": str(self.params[0].data.dtype)}


def _go_on(params: list[Any], optimizer: Any) -> None:
    """A step of which nothing is to be left."""
    for param in params:
        param.grad = np.ones_like(param.data)
    with np.errstate(all="ignore"):
        optimizer.step()


def _made_with(group: Group, case: Case) -> dict[str, Any]:
    """The hyperparameters of a group; those that have their default are left out."""
    usual = arguments(Hyperparameters(), FURTHER)
    given = {name: x for name, x in arguments(group.hyperparameters, FURTHER).items() if x != usual[name]}
    return given | ({"lr": np.array(group.hyperparameters.lr)} if Manner.LR_TENSOR in case.manner else {})


def _handed_over(gradient: Gradient, case: Case) -> Any:
    values = gradient.values.astype(case.dtype)
    if Manner.STRIDED_GRADIENTS in case.manner:
        # Transposed, with gaps, and from the end: contiguous in no order, with one row or column either.
        values = np.repeat(values[::-1].T, 2, axis=-1)[..., ::2].T[::-1]
    if Manner.EXPANDED in case.manner and values.size and (values == values.flat[0]).all():
        values = np.lib.stride_tricks.as_strided(values.ravel()[:1], values.shape, (0,) * values.ndim)
    if gradient.rows is None:
        return values
    return gradient.rows.astype(case.rows_dtype("int64")), values
