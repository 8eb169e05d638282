"""How torch takes a step: as it is called, through a closure, through a loss scaler, as a CUDA graph."""

from collections.abc import Callable
from typing import Any

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Case, Manner

OFTEN = "step called its closure {} times"
NO_LOSS = "step did not return the loss of its closure"
NO_GRADIENTS = "step called its closure where gradients are not recorded"
LOSS = 0.75
SCALE = 4.0  # a power of two: no gradient is rounded by it


class TakesSteps(Backend):
    """Whoever derives from it sets `torch`, `parameters` and `optimizer`."""

    torch: Any
    optimizer: Any
    parameters: list[Any]

    def _ready_for(self, case: Case) -> None:
        """Nothing of an earlier case is left. Called before the first step."""
        self.torch.use_deterministic_algorithms(Manner.DETERMINISTIC in case.manner)
        self.graphs: dict[tuple[bool, ...], tuple[Any, list[Any]]] = {}
        self.replayed = False
        self.skipped: list[bool] = []  # of those that were to be, whether the scaler did
        if Manner.SCALER in case.manner:
            self.scaler = self.torch.amp.GradScaler(self.device, init_scale=SCALE)
            self.scaler.scale(self.torch.zeros(1, device=self.device))  # which makes its scale

    def _stepper(self, case: Case) -> Callable[[], object]:
        """The step of the gradients that are there."""
        given = tuple(x.grad is not None for x in self.parameters)
        if Manner.CLOSURE in case.manner:
            return self._by_closure
        if Manner.SCALER in case.manner and any(given):
            self._skip()
            return self._scaled
        if Manner.GRAPH in case.manner and any(given):
            return self._graph(given)
        step: Callable[[], object] = self.optimizer.step
        return step

    def _by_closure(self) -> None:
        """The step, with gradients that are not there before it calls for them."""
        torch, calls, gradients = self.torch, 0, [x.grad for x in self.parameters]
        self.optimizer.zero_grad()

        def closure() -> Any:
            nonlocal calls
            calls += 1
            if not torch.is_grad_enabled():
                raise ValueError(NO_GRADIENTS)
            for tensor, gradient in zip(self.parameters, gradients, strict=True):
                tensor.grad = gradient
            return torch.tensor(LOSS)

        returned = self.optimizer.step(closure)
        if calls != 1:
            raise ValueError(OFTEN.format(calls))
        if returned is None or float(returned) != LOSS:
            raise ValueError(NO_LOSS)

    def _scaled(self) -> None:
        self.scaler.step(self.optimizer)
        self.scaler.update(SCALE)

    def _skip(self) -> None:
        """A step with infinite gradients goes before, which is not to take place."""
        gradients = [x.grad for x in self.parameters]
        for tensor, gradient in zip(self.parameters, gradients, strict=True):
            if gradient is not None:
                infinite = self.torch.full_like(tensor, self.torch.inf)
                tensor.grad = infinite.to_sparse(1) if gradient.is_sparse else infinite
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.skipped.append(self.scaler.get_scale() < SCALE)
        self.scaler.update(SCALE)
        for tensor, gradient in zip(self.parameters, gradients, strict=True):
            tensor.grad = gradient

    def _graph(self, given: tuple[bool, ...]) -> Callable[[], object]:
        """The step as it was captured for parameters that are given gradients, of these gradients."""
        gradients = [x.grad for x in self.parameters]
        if given not in self.graphs:
            for tensor, gradient in zip(self.parameters, gradients, strict=True):
                tensor.grad = None if gradient is None else gradient.clone()
            graph = self.torch.cuda.CUDAGraph()
            with self.torch.cuda.graph(graph):
                self.optimizer.step()
            self.graphs[given] = graph, [x.grad for x in self.parameters]
        self.replayed = True
        graph, read = self.graphs[given]
        for to, gradient in zip(read, gradients, strict=True):
            if to is not None:
                to.copy_(gradient)
        replay: Callable[[], object] = graph.replay
        return replay
