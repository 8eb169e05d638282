"""torch.optim.Adam with its step compiled by torch.compile."""

from collections.abc import Callable
from typing import Any

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.torch.backends import Adam, AdamDifferentiable, AdamForeach, AdamLoop
from lazyadam.suites.cases.case import Case, Manner

# What goes another way than step(): no compiled step would be seen.
NOT_COMPILED = {Manner.CLOSURE, Manner.SCALER}


class Compiled(Adam):
    """Every optimizer is compiled anew: numbers are constants of its step."""

    mode = "compiled"
    devices = ("cpu",)
    compiles = True
    repeats = True
    manners = Adam.manners - NOT_COMPILED
    possible = manners
    layers = ()
    # torch/_inductor/codegen/cpp.py, 2.13, and what TORCH_LOGS=output_code shows: 16 bits are computed in
    # float32; β^t, α and what follows from them are float32 for tensors of every type.
    arithmetic = AdamDifferentiable.arithmetic
    of: Any = None  # the optimizer whose step is compiled

    def _ready_for(self, case: Case) -> None:
        super()._ready_for(case)
        self.torch.compiler.reset()
        # Past a limit torch takes a step eagerly, and says so in a log alone.
        limits = self.torch._dynamo.config
        limits.recompile_limit = limits.accumulated_recompile_limit = 1000
        limits.fail_on_recompile_limit_hit = True
        self.graphs_made().clear()

    def graphs_made(self) -> Any:
        """What was captured, by its name, since this was cleared."""
        from torch._dynamo.utils import counters

        return counters

    def _stepper(self, case: Case) -> Callable[[], object]:
        if self.of is not self.optimizer:
            self.of, self.step = self.optimizer, self.torch.compile(self.optimizer.step)
        return self._step

    def _step(self) -> None:
        self.captured = True  # it is only known not to be where a step that was taken left no graph
        self.step()
        nothing = all(x.grad is None for x in self.parameters)
        self.captured = nothing or bool(self.graphs_made()["stats"]["unique_graphs"])

    def path(self) -> dict[str, str]:
        return super().path() | {"mode": "compiled" if self.captured else "eager"}


class CompiledLoop(Compiled):
    name = "torch.Adam.compiled.loop"
    options = AdamLoop.options


class CompiledForeach(Compiled):
    name = "torch.Adam.compiled.foreach"
    options = AdamForeach.options


BACKENDS: tuple[type[Backend], ...] = (CompiledLoop, CompiledForeach)
