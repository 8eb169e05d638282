"""How an optimizer of torch.optim runs a case."""

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import NotRun
from lazyadam.suites.backends.errors import in_a_line, installing
from lazyadam.suites.backends.states import as_float64, whole
from lazyadam.suites.backends.timing.memory import Memory
from lazyadam.suites.backends.torch.handing import HandsOver
from lazyadam.suites.backends.torch.memory import CudaMemory
from lazyadam.suites.cases.case import Case, Gradient, Group, Manner, State
from lazyadam.suites.cases.training import Layer, Training

STATE, LARGEST = ("step", "exp_avg", "exp_avg_sq"), "max_exp_avg_sq"
QUEUED = 32  # steps that a card is given before one waits for it, where they are timed


def arguments(h: Hyperparameters, further: Iterable[str]) -> dict[str, Any]:
    """Hyperparameters as torch.optim names them. further: those beside the learning rate, β1, β2 and ε."""
    given = {"lr": h.lr, "betas": (h.beta1, h.beta2), "eps": h.epsilon}
    return given | {name: getattr(h, name) for name in further}


class TorchOptimizer(HandsOver):
    """What the torch optimizers share: parameters, gradients, and state by parameter."""

    framework = "torch"
    mode = "eager"
    devices: ClassVar[tuple[str, ...]] = ("cpu", "cuda")
    optimizer_class: ClassVar[str]
    state_names: ClassVar[tuple[str, ...]] = STATE
    options: ClassVar[dict[str, Any]] = {}

    def prepare(self) -> str:
        try:
            import torch
        except ImportError as error:
            raise NotRun(f"torch cannot be imported: {error}{installing(error)}") from None
        if self.device != "cpu":
            try:  # a driver may be too old, a card of a kind that has no kernels, or in use alone
                torch.zeros(1, device=self.device).add_(1).item()
            except Exception as error:
                raise NotRun(f"torch {torch.__version__} has no device {self.device}: {error}") from None
            self.at_once = QUEUED
        torch.set_num_threads(1)
        if hasattr(torch.sparse, "check_sparse_tensor_invariants"):  # from 2.0 on
            torch.sparse.check_sparse_tensor_invariants.disable()
        self.torch = torch
        return str(torch.__version__)

    def build(self, case: Case) -> None:
        torch = self.torch
        self.dtype = getattr(torch, case.dtype)
        self._ready_for(case)
        self._hand_over(case)
        self.optimizer = self._optimizer(case)
        # What a graph captures is there before: it would be made anew in every replay.
        if case.t or Manner.GRAPH in case.manner or any(p.m.any() or p.v.any() for p in case.parameters):
            self._load(case)

    def _load(self, case: Case) -> None:
        """The starting state, as the framework loads one: it puts each part on the device where it goes."""
        saved = self.optimizer.state_dict()
        for number, i in self._numbered(case):
            p = case.parameters[i]
            moments = (p.m, p.v, p.v_max)[: len(self.state_names) - 1]
            kept = (self._count(case.t), *map(self._moment, moments))
            saved["state"][number] = dict(zip(self.state_names, kept, strict=True))
        self.optimizer.load_state_dict(saved)

    def discard(self) -> None:
        """A context that an error has destroyed would refuse whatever comes after it."""
        if self.device != "cpu":
            try:
                self.torch.cuda.synchronize()
            except Exception as error:
                print(
                    f"the context of {self.device} is lost: {in_a_line(error)}", file=sys.stderr, flush=True
                )
                os._exit(1)

    def _count(self, t: int) -> Any:
        return self.torch.tensor(float(t))

    def _moment(self, x: np.ndarray) -> Any:
        """In the type in which the optimizer keeps it."""
        return self._tensor(x)

    def _optimizer(self, case: Case) -> Any:
        groups = [
            {
                "params": [self.parameters[i] for i in group.parameters],
                **self._made_with(group, case),
            }
            for group in case.groups
        ]
        new = self.optimizer_type()
        groups[0]["params"] = [*self.before, *groups[0]["params"], *self.after]
        options = self.options | ({"capturable": True} if Manner.GRAPH in case.manner else {})
        if Manner.ARGUMENTS in case.manner:
            (group,) = groups
            return new(**(options | group))
        return new([{"params": []}, *groups] if Manner.EMPTY in case.manner else groups, **options)

    def optimizer_type(self) -> Any:
        """The optimizer's class."""
        return getattr(self.torch.optim, self.optimizer_class)

    def arguments_of(self, group: Group, case: Case) -> dict[str, Any]:
        """The hyperparameters of a group, by the names that the optimizer gives them."""
        return arguments(group.hyperparameters, self.hyperparameters - {"betas of 0"})

    def _made_with(self, group: Group, case: Case) -> dict[str, Any]:
        """What a new optimizer is given of them: those that have their default are left out."""
        usual = self.arguments_of(Group((), Hyperparameters()), case)
        given = {name: x for name, x in self.arguments_of(group, case).items() if x != usual[name]}
        if Manner.LR_TENSOR in case.manner:
            given["lr"] = self._float64(group.hyperparameters.lr)
        return given

    def _float64(self, x: float) -> Any:
        # So that the tensor holds the value of the number it stands for.
        return self.torch.tensor(x, dtype=self.torch.float64)

    def steps_ahead(self, case: Case) -> Callable[[int], Callable[[], object]]:
        gradients = []
        for step in case.steps:
            call = self.step_function(case, step)
            gradients.append([tensor.grad for tensor in self.parameters])

        def ready(number: int) -> Callable[[], object]:
            for tensor, gradient in zip(self.parameters, gradients[number], strict=True):
                tensor.grad = gradient
            return call

        return ready

    def use_threads(self, count: int) -> None:
        self.torch.set_num_threads(count)

    def synchronize(self) -> None:
        if self.device != "cpu":
            self.torch.cuda.synchronize()

    def seconds(self, call: Callable[[], object]) -> float:
        if self.device == "cpu":
            return super().seconds(call)
        cuda = self.torch.cuda
        start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
        cuda.synchronize()
        start.record()
        call()
        end.record()
        cuda.synchronize()
        return float(start.elapsed_time(end)) / 1000

    def device_memory(self) -> Memory:
        return Memory() if self.device == "cpu" else CudaMemory(self.torch.cuda)

    def training_step(
        self, training: Training, layer: Layer
    ) -> Callable[[np.ndarray, np.ndarray], tuple[float, Gradient]]:
        torch = self.torch
        self.dtype = torch.float32
        self._ready_for(training.start)
        embedding = torch.nn.Embedding.from_pretrained(
            self._tensor(training.table), freeze=False, sparse=layer.sparse
        )
        self.parameters = [embedding.weight]
        self.optimizer = self._optimizer(training.start)

        def take(ids: np.ndarray, targets: np.ndarray) -> tuple[float, Gradient]:
            self.optimizer.zero_grad()
            found = embedding(self._tensor(ids, torch.int64))
            loss = ((found - self._tensor(targets)) ** 2).mean()
            loss.backward()
            gradient = self._delivered(embedding.weight.grad)
            self.optimizer.step()
            return loss.item(), gradient

        return take

    def _delivered(self, gradient: Any) -> Gradient:
        def numbers(x: Any, dtype: Any) -> np.ndarray:
            return x.to("cpu", dtype, copy=True).numpy()

        float64, int64 = self.torch.float64, self.torch.int64
        if not gradient.is_sparse:
            return Gradient(numbers(gradient, float64))
        return Gradient(numbers(gradient._values(), float64), numbers(gradient._indices()[0], int64))

    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        self.graphs.clear()  # numbers are captured with the rest
        for group, now in zip(self.optimizer.param_groups[-len(groups) :], groups, strict=True):
            given = self.arguments_of(now, case)
            if Manner.LR_TENSOR in case.manner:
                group["lr"].fill_(given.pop("lr"))
            group.update(given)

    def state(self) -> State:
        return as_float64(self.look())

    def look(self) -> State:
        names = self.state_names[1:]
        w, t = list[np.ndarray](), list[int]()
        moments: list[list[np.ndarray]] = [[] for _ in names]
        for tensor in self.parameters:
            state = self.optimizer.state.get(tensor) or {}
            w.append(self.seen(tensor))
            for of, name in zip(moments, names, strict=True):
                moment = state[name] if name in state else self.torch.zeros_like(tensor)
                of.append(self.seen(moment.reshape(tensor.shape)))
            t.append(self._steps_of(tensor, state))
        m, v, *v_max = moments
        return (w, m, v, t, *v_max)  # type: ignore[return-value]

    def seen(self, x: Any) -> np.ndarray:
        """A tensor as an array: its own memory, where NumPy has the type and the host the tensor."""
        wide = self.torch.float32 if x.dtype is self.torch.bfloat16 else x.dtype
        array: np.ndarray = x.detach().to("cpu", wide).numpy()
        return array

    def _steps_of(self, tensor: Any, state: dict[str, Any]) -> int:
        """The steps that a parameter has taken. state: what the optimizer keeps of it."""
        return whole(state.get(self.state_names[0], 0))

    def path(self) -> dict[str, str]:
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        return {
            "mode": self.mode,
            "device": self.parameters[0].device.type,
            "dtype": str(self.parameters[0].dtype).removeprefix("torch."),
            "layout": "sparse" if any(g.is_sparse for g in gradients) else "dense",
        }
