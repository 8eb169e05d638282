"""Bases for an optimizer of your own, declared in a file: see suites/backends/README.md.

What a subclass does not declare is taken to be little: the two usual types, no hyperparameters beyond lr,
β1, β2 and ε, and LazyAdam as it is in the formulas. It is then held to no more than that.
"""

from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property
from inspect import isfunction, signature
from pkgutil import resolve_name
from typing import Any, ClassVar

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Dialect
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.own.kept import GRADIENT, Kept, find
from lazyadam.suites.backends.states import stack, whole
from lazyadam.suites.backends.torch import optimizer as torch
from lazyadam.suites.cases.case import (
    IN_BUFFER,
    Case,
    Failure,
    Gradient,
    Group,
    Manner,
    State,
    Step,
    Trajectory,
)


class Own(Backend):
    """What is not declared, and the refusal of what is not declared."""

    mode = "eager"
    dtypes: ClassVar[tuple[str, ...]] = ("float32", "float64")
    layouts = frozenset({"sparse", "none"})
    grouped = frozenset({"lr", "beta1", "beta2", "epsilon"})
    # Nobody says whether the power of a β that changes is of the last or of each.
    changing = frozenset({"lr", "epsilon"})
    documented = spoken = Dialect()
    promises: ClassVar[tuple[Promise, ...]] = ()
    arithmetic = Arithmetic()  # not declared: any usual one (suites/judge/fitting.py)
    source_read = False
    lacking: ClassVar[tuple[str, ...]] = ()  # what a subclass has to have, beside its methods
    case_seconds = 20.0

    def __init_subclass__(cls) -> None:
        if "documented" in vars(cls) and "spoken" not in vars(cls):
            cls.spoken = cls.documented

    def run(self, case: Case, report: Callable[[int, Any], None] | None = None) -> Trajectory:
        if undeclared := self._undeclared(case):
            failure = Failure(Verdict.REFUSES, 0, f"{self.name} declares no {undeclared}")
            return stack(case, [], 0.0, failure, {}, len(case.parameters))
        return super().run(case, report)

    def _undeclared(self, case: Case) -> str:
        if case.dtype not in self.dtypes:
            return f"dtype {case.dtype}"
        given = {"dense" if g.rows is None else "sparse" for s in case.steps for g in s.gradients if g}
        return "".join(f"layout {x}" for x in sorted(given - self.layouts)[:1])


GIVEN = ("w", "m", "v", "rows", "values", "t", "h")


class NumpyOptimizer(Own):
    """An update written by hand, on NumPy arrays.

    A subclass has a `name` and an `update`. Where 'dense' is among its layouts, rows is None for a dense
    gradient.
    """

    framework = "numpy"
    devices = ("cpu",)
    manners = possible = frozenset(
        {*(Manner.INT32_ROWS, Manner.INT64_ROWS, Manner.WATCHED), *(*IN_BUFFER, Manner.OVERWRITTEN)}
    )

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        update = vars(cls).get("update")
        if isfunction(update):  # and not bound in a way of its own
            try:
                signature(update).bind("self", *GIVEN)
            except TypeError as error:
                raise TypeError(f"{cls.__name__}.update is given {', '.join(GIVEN)}: {error}") from None

    @abstractmethod
    def update(
        self,
        w: np.ndarray,
        m: np.ndarray,
        v: np.ndarray,
        rows: np.ndarray,
        values: np.ndarray,
        t: int,
        h: Hyperparameters,
    ) -> None:
        """One step of one parameter, in place.

        w, m, v: (n, …), of the type. rows: (k,), in any order, repeated at will. values: (k, …), the
        gradient of each. t: the number of the step, from 1. h: lr, beta1, beta2, epsilon and what else is
        declared, as Python floats.
        """

    def prepare(self) -> str:
        return np.__version__

    def build(self, case: Case) -> None:
        tables: list[list[np.ndarray]] = [
            [getattr(p, q).astype(case.dtype) for p in case.parameters] for q in ("w", "m", "v")
        ]
        self.w, self.m, self.v = map(parts, tables) if case.manner & IN_BUFFER else tables
        self.t = [case.t] * len(case.parameters)
        self.change(case, case.groups)

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        given = [None if g is None else _handed_over(g, case) for g in step.gradients]
        self.given = given

        def take() -> None:
            with np.errstate(all="ignore"):
                for i, gradient in enumerate(given):
                    if gradient is not None:
                        self._take(i, *gradient)

        return take

    def _take(self, i: int, rows: Any, values: np.ndarray) -> None:
        self.t[i] += 1
        tables = self.w[i], self.m[i], self.v[i]
        returned = self.update(*tables, rows, values, self.t[i], self.hyperparameters_of[i])
        if returned is not None:
            raise TypeError(f"update returned a {type(returned).__name__}, but has to work in place")

    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        self.hyperparameters_of = {i: g.hyperparameters for g in groups for i in g.parameters}

    def reload(self, case: Case) -> None:
        self.m, self.v = [x.copy() for x in self.m], [x.copy() for x in self.v]

    def state(self) -> State:
        w, m, v = ([np.array(x, np.float64) for x in xs] for xs in (self.w, self.m, self.v))
        return w, m, v, list(self.t)

    def path(self) -> dict[str, str]:
        return {"mode": self.mode, "device": self.device, "dtype": str(self.w[0].dtype)}

    def kept(self, step: Step) -> bool:
        pairs = zip(self.given, step.gradients, strict=True)
        return all(
            np.array_equal(given[1], g.values) and (g.rows is None or np.array_equal(given[0], g.rows))
            for given, g in pairs
            if given is not None and g is not None
        )

    def took_place(self, manner: Manner) -> bool:
        return manner in self.possible  # `build`, `_handed_over` and `overwrite` see to all of them

    def overwrite(self) -> None:
        for rows, values in (x for x in self.given if x is not None):
            values.fill(np.nan)
            if rows is not None:
                rows.fill(0)


def parts(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The same numbers in one buffer, but for its first."""
    buffer = np.concatenate([np.zeros(1, arrays[0].dtype), *(x.ravel() for x in arrays)])
    ends = 1 + np.cumsum([x.size for x in arrays])
    return [buffer[end - x.size : end].reshape(x.shape) for end, x in zip(ends, arrays, strict=True)]


def _handed_over(gradient: Gradient, case: Case) -> tuple[Any, np.ndarray]:
    rows = None if gradient.rows is None else gradient.rows.astype(case.rows_dtype("int64"))
    return rows, gradient.values.astype(case.dtype)


class TorchOptimizer(Own, torch.TorchOptimizer):
    """A subclass of torch.optim.Optimizer.

    A subclass has a `name` and an `optimizer_class`: the class, or 'package.module.Class', which is imported
    where it runs. It is made with groups of params, lr, betas and eps (`arguments_of` says otherwise).
    state_names: of the step count and the two moments in `optimizer.state[parameter]`; where they are not
    there, they are looked for (suites/backends/own/kept.py). With keeps_largest also of the largest second
    moment: 'max_exp_avg_sq', as torch calls it.
    """

    # Not every one takes a tensor or a closure; it is torch that shares what is loaded, or writes beside it.
    manners = torch.TorchOptimizer.manners - {
        *(Manner.LR_TENSOR, Manner.CLOSURE),
        *(Manner.FORKED, Manner.VECTORS),
    }
    optimizer_class: ClassVar[Any]
    lacking = ("optimizer_class",)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.keeps_largest and len(cls.state_names) == len(torch.STATE):
            cls.state_names = (*cls.state_names, torch.LARGEST)
        if not {"float32", "float64"} <= set(cls.dtypes):
            cls.manners -= {Manner.MIXED}

    def build(self, case: Case) -> None:
        self.state_names = self.kept_as.names  # type: ignore[misc]
        super().build(case)

    def optimizer_type(self) -> Any:
        named = isinstance(self.optimizer_class, str)
        return resolve_name(self.optimizer_class) if named else self.optimizer_class

    def _optimizer(self, case: Case) -> Any:
        if Manner.ARGUMENTS not in case.manner:
            return super()._optimizer(case)
        (group,) = case.groups
        given = self.arguments_of(group, case)  # what it has beyond lr, betas and eps need be no argument
        further = {name: given.pop(name) for name in self.hyperparameters & given.keys()}
        groups = [{"params": self.parameters, **further}]
        return self.optimizer_type()(groups, **(self.options | given))

    def _made_with(self, group: Group, case: Case) -> dict[str, Any]:
        return self.arguments_of(group, case)  # its defaults may be others

    def _load(self, case: Case) -> None:
        kept, shape = self.kept_as, (-1,) if self.kept_as.flat else None
        count = kept.counted(case.t)
        saved, others = self.optimizer.state_dict(), self._of_a_first_step(case) if kept.other else {}
        for number, i in self._numbered(case):
            p = case.parameters[i]
            moments = [self._tensor(x) for x in (p.m, p.v, p.v_max)[: len(kept.names) - 1]]
            moments = [x.reshape(shape) if shape else x for x in moments]
            other = {name: others[number][name] for name in kept.other} if others else {}
            saved["state"][number] = {**other, **dict(zip(kept.names[1:], moments, strict=True))}
            if kept.where == "state":
                saved["state"][number][kept.count] = count
        for group in saved["param_groups"] if kept.where == "group" else ():
            group[kept.count] = count
        self.optimizer.load_state_dict(saved)
        if kept.where == "optimizer":
            setattr(self.optimizer, kept.count, count)
        for tensor in self.parameters if kept.where == "state" else ():
            # Loading rounds what is called otherwise than 'step' to the parameter's type.
            self.optimizer.state[tensor][kept.count] = kept.counted(case.t)

    def _of_a_first_step(self, case: Case) -> Any:
        """The state that another optimizer of such parameters has after a step, by their number."""
        mine = self.parameters
        self.parameters = [self.torch.nn.Parameter(x.detach().clone()) for x in mine]
        try:
            optimizer = self._optimizer(case)
            for tensor in self.parameters:
                ones = self.torch.ones_like(tensor)
                tensor.grad = ones.to_sparse(1) if "sparse" in self.layouts else ones
            optimizer.step()
        finally:
            self.parameters = mine
        return optimizer.state_dict()["state"]

    def _steps_of(self, tensor: Any, state: dict[str, Any]) -> int:
        kept = self.kept_as
        if kept.where == "state":
            return super()._steps_of(tensor, state)
        if kept.where == "optimizer":
            return whole(getattr(self.optimizer, kept.count, 0))
        (group,) = (g for g in self.optimizer.param_groups if any(x is tensor for x in g["params"]))
        return whole(group.get(kept.count, 0))

    @cached_property
    def kept_as(self) -> Kept:
        """Where the optimizer keeps its state, from two steps of its own."""
        torch = self.torch
        parameter = torch.nn.Parameter(torch.zeros(2, 3, device=self.device))
        gradient = torch.full_like(parameter, GRADIENT)  # of zeros a sparse one would have no rows
        optimizer = self.optimizer_type()([parameter], lr=1e-3, **self.options)

        def take() -> None:
            parameter.grad = gradient.to_sparse(1) if "sparse" in self.layouts else gradient.clone()
            optimizer.step()

        return find(optimizer, parameter, take, type(self).state_names)
