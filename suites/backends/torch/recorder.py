"""Records what a torch optimizer does in a training: two lines in its script.

    from lazyadam.suites.backends.torch.recorder import Recorder

    recorder = Recorder(optimizer, "run")            # or `with Recorder(optimizer, "run"): …`

It hangs on the optimizer's own hooks (torch.optim.Optimizer documentation, 2.13:
register_step_pre_hook and register_step_post_hook).
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.torch.optimizer import LARGEST, STATE
from lazyadam.suites.cases.case import Gradient
from lazyadam.suites.cases.recording import MOST, Header, Of, Recorded, RecordingError, Taken, Window, Writer

OPTIONS = ("foreach", "fused", "capturable", "differentiable", "amsgrad", "decoupled_weight_decay")
DTYPES = ("float16", "bfloat16", "float32", "float64")
OPTIMIZER = str(sys.modules["torch.optim.optimizer"].__file__)


@dataclass
class _Before:
    """A parameter before a step: the rows that are recorded, w, m and v there, and what it is given.

    given: None where the step itself unscales it.
    """

    number: int
    group: dict[str, Any]
    rows: torch.Tensor
    state: tuple[np.ndarray, ...]
    t: int
    given: tuple[Gradient, int | None, int | None] | None


class Recorder:
    """Records steps of an optimizer into a folder, until it is closed.

    optimizer: any whose state has two moments and a step count for each parameter. names: of parameters, as
    model.named_parameters() has them. first, steps, every: from which step on, how many, and how many apart.
    rows: of a gradient at most, and of a dense parameter, in each step; None for as many as have 2**17
    numbers. watched: rows beside them that are to stay. state_names: of step count, first and second moment,
    and the largest second moment where there is one.

    Raises:
        RecordingError: the folder has a recording already, or nothing of the optimizer can be recorded.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        folder: str | Path,
        names: Mapping[str, torch.Tensor] | None = None,
        first: int = 1,
        steps: int | None = None,
        every: int = 1,
        rows: int | None = None,
        watched: int = 64,
        state_names: tuple[str, ...] = STATE,
    ) -> None:
        largest = any(group.get("amsgrad") for group in optimizer.param_groups) and len(state_names) == 3
        self.optimizer, self.state_names = optimizer, (*state_names, *([LARGEST] if largest else []))
        self.window = Window(first, steps, every)
        self.rows, self.watched = rows, watched
        self.number = 0
        self.said: list[str] = []
        self.before: list[_Before] | None = None
        if not hasattr(optimizer, "register_step_pre_hook"):
            raise RecordingError(
                f"{type(optimizer).__name__} is no torch.optim.Optimizer; record the one that it wraps"
            )
        by_tensor = {id(tensor): name for name, tensor in dict(names or {}).items()}
        self.parameters = {id(p): i for i, p in enumerate(self._all())}
        if not self.parameters:
            raise RecordingError(f"{type(optimizer).__name__} has no parameters")
        self.random = np.random.default_rng(0)
        self.sampled: dict[int, torch.Tensor] = {}  # of dense parameters: the same rows in each step
        options = {name: _plain(optimizer.param_groups[0].get(name)) for name in OPTIONS}
        options["flush_denormal"] = None if (torch.tensor([1e-40]) * 1).any() else True
        kind = type(optimizer)
        self.writer = Writer(
            Path(folder),
            Header(
                framework="torch",
                version=torch.__version__,
                optimizer=f"{kind.__module__}.{kind.__qualname__}",
                step_of=_owner(kind.step),
                options={name: x for name, x in options.items() if x is not None},
                device=next(iter(self._all())).device.type,
                every=every,
                rows=rows or 0,
                watched=watched,
                parameters=[
                    Of(name=by_tensor.get(id(p), str(i)), shape=[*p.shape], dtype=_dtype(p))
                    for i, p in enumerate(self._all())
                ],
            ),
        )
        self.hooks = [
            optimizer.register_step_pre_hook(self._pre),
            optimizer.register_step_post_hook(self._post),
        ]

    def _all(self) -> list[torch.Tensor]:
        return [p for group in self.optimizer.param_groups for p in group["params"]]

    def close(self) -> None:
        """Record no more."""
        for hook in self.hooks:
            hook.remove()
        self.hooks = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _say(self, line: str) -> None:
        """What is not recorded, once."""
        if line not in self.said:
            self.said.append(line)
            self.writer.say(line)
            print(f"lazyadam: not recorded: {line}", file=sys.stderr)

    def _pre(self, optimizer: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if _within_another():
            return None
        self.number += 1
        self.before = None
        if not self.window.has(self.number):
            return None
        # Gradients are there when a closure has been called. The arguments begin with the optimizer itself
        # (torch/optim/optimizer.py, 2.13, profile_hook_step).
        if (closure := named.get("closure")) is not None:
            return arguments, {**named, "closure": self._looking_after(closure)}
        if len(arguments) > 1 and arguments[1] is not None:
            return (arguments[0], self._looking_after(arguments[1]), *arguments[2:]), named
        self.before = self._look()
        return None

    def _looking_after(self, closure: Callable[[], Any]) -> Callable[[], Any]:
        def called() -> Any:
            loss = closure()
            self.before = self._look()
            return loss

        return called

    def _look(self) -> list[_Before]:
        """The parameters that have a gradient, before the step."""
        seen = []
        for group in self.optimizer.param_groups:
            for p in group["params"]:
                if p.grad is None or not p.numel():
                    continue
                number = self.parameters.get(id(p))
                if number is None:
                    self._say("parameters that were added later")
                elif str(p.dtype).removeprefix("torch.") not in DTYPES:
                    self._say(f"parameters of {p.dtype}")
                elif p.grad.is_sparse and p.grad.sparse_dim() != 1:
                    self._say("gradients of several sparse dimensions")
                else:
                    rows = self._rows(number, p)
                    state = self.optimizer.state.get(p, {})
                    t = int(state.get(self.state_names[0], 0))
                    given = None if self._unscales() else _gradient(p.grad, rows)
                    seen.append(_Before(number, {**group}, rows, self._state(p, rows), t, given))
        return seen

    def _rows(self, number: int, p: torch.Tensor) -> torch.Tensor:
        """Those that are recorded: of the gradient, or some of them, and some beside."""
        count = p.shape[0] if p.dim() else 1
        most = self.rows or max(1, MOST * count // p.numel())
        assert p.grad is not None
        if not p.grad.is_sparse:
            if number not in self.sampled:
                self.sampled[number] = self._some(torch.arange(count), most).to(p.device)
            return self.sampled[number]
        touched = torch.unique(p.grad._indices()[0])
        beside = torch.from_numpy(self.random.integers(count, size=self.watched)).to(p.device)
        return torch.unique(torch.cat([self._some(touched, most), beside]))

    def _some(self, rows: torch.Tensor, most: int) -> torch.Tensor:
        if len(rows) <= most:
            return rows
        chosen = np.sort(self.random.choice(len(rows), most, replace=False))
        return rows[torch.from_numpy(chosen).to(rows.device)]

    def _state(self, p: torch.Tensor, rows: torch.Tensor) -> tuple[np.ndarray, ...]:
        """w, m and v in some rows, and v_max where it is kept; what the optimizer has not made yet is 0."""
        state = self.optimizer.state.get(p, {})
        table = p.detach().reshape(p.shape[0] if p.dim() else 1, *p.shape[1:])
        w = _numbers(table[rows])
        moments = [state.get(name) for name in self.state_names[1:]]
        return w, *(
            np.zeros_like(w) if x is None else _numbers(x.reshape(table.shape)[rows]) for x in moments
        )

    def _unscales(self) -> bool:
        """Whether a loss scaler leaves that to the step (torch.amp.GradScaler, of fused optimizers)."""
        return getattr(self.optimizer, "grad_scale", None) is not None

    def _post(self, optimizer: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        if self.before is None or _within_another():
            return
        if self._unscales() and float(self.optimizer.found_inf):
            self._say("steps that a loss scaler skips")
            return
        taken = tuple(filter(None, map(self._taken, self.before)))
        self.before = None
        self.writer.write(Recorded(self.number, taken))

    def _taken(self, seen: _Before) -> Taken | None:
        p = self._all()[seen.number]
        state = self.optimizer.state.get(p, {})
        if any(name not in state for name in self.state_names):
            self._say(
                f"parameter {seen.number}: {type(self.optimizer).__name__} keeps no "
                f"{', '.join(name for name in self.state_names if name not in state)} of it (state_names)"
            )
            return None
        if seen.given is None:
            assert p.grad is not None
        gradient, occurrences, distinct = seen.given or _gradient(p.grad, seen.rows)
        group = seen.group
        return Taken(
            seen.number,
            (seen.t, int(state[self.state_names[0]])),
            _hyperparameters(group),
            gradient,
            seen.rows.cpu().numpy().astype(np.int64),
            seen.state,
            self._state(p, seen.rows),
            occurrences,
            distinct,
        )


def _owner(step: Any) -> str:
    """The class that a step is defined in: hooks around it keep its name."""
    return f"{step.__module__}.{step.__qualname__.rpartition('.')[0]}"


def _within_another() -> bool:
    """Whether a step is part of another: a class whose step calls that of its base has hooks around both."""
    frame, count = sys._getframe(), 0
    while frame.f_back is not None:
        frame = frame.f_back
        count += frame.f_code.co_name == "wrapper" and frame.f_code.co_filename == OPTIMIZER
    return count > 1


def _gradient(given: torch.Tensor, rows: torch.Tensor) -> tuple[Gradient, int | None, int | None]:
    """A gradient in the rows that are recorded, by their place there; how many it has, and distinct ones."""
    if not given.is_sparse:
        table = given.detach().reshape(given.shape[0] if given.dim() else 1, *given.shape[1:])
        return Gradient(_numbers(table[rows])), None, None
    named, values = given._indices()[0], given._values().detach()
    place = torch.searchsorted(rows, named).clamp(max=max(0, len(rows) - 1))
    there = rows[place] == named
    at = place[there].cpu().numpy().astype(np.int64)
    return Gradient(_numbers(values[there]), at), len(named), len(torch.unique(named))


def _numbers(x: torch.Tensor) -> np.ndarray:
    """As NumPy has them: of 16 bits in float32, which holds them."""
    wide = x.detach().float() if x.element_size() == 2 else x.detach()
    return np.array(wide.cpu().numpy())


def _hyperparameters(group: Mapping[str, Any]) -> Hyperparameters:
    beta1, beta2 = (float(x) for x in group.get("betas", (0.9, 0.999)))
    return Hyperparameters(
        lr=float(group["lr"]),
        beta1=beta1,
        beta2=beta2,
        epsilon=float(group.get("eps", 1e-8)),
        weight_decay=float(group.get("weight_decay") or 0.0),
        maximize=bool(group.get("maximize")),
    )


def _dtype(p: torch.Tensor) -> str:
    return str(p.dtype).removeprefix("torch.")


def _plain(x: Any) -> str | bool | int | float | None:
    return x if x is None or isinstance(x, str | bool | int | float) else str(x)
