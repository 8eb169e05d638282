"""What a backend is: an implementation under test, what it promises, and how it runs a case.

The declaration is read where the framework may be missing; `prepare`, `build`, `step_function` and `state`
run in the backend's own process. Only they import the framework.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Dialect
from lazyadam.suites.backends.errors import NOT_KEPT, refusal
from lazyadam.suites.backends.states import checked, stack
from lazyadam.suites.backends.timing.memory import Memory
from lazyadam.suites.cases.case import Case, Gradient, Group, Manner, State, Step, Trajectory
from lazyadam.suites.cases.training import Layer, Trained, Training

DEVICES = ("cpu", "cuda", "gpu", "ascend")
# Manners that show in the framework's own objects: who declares one has to say where.
SHOWN = frozenset(
    {
        *(Manner.STRIDED, Manner.COLUMNS, Manner.STRIDED_GRADIENTS, Manner.EXPANDED, Manner.LR_TENSOR),
        *(Manner.USE_LOCKING, Manner.UNIQUE, Manner.COLD, Manner.OVERWRITTEN, Manner.CLOSURE),
        *(Manner.ONE_BUFFER, Manner.VECTORS, Manner.FROZEN, Manner.EMPTY, Manner.MIXED),
        *(Manner.THREADS, Manner.DETERMINISTIC, Manner.SCALER, Manner.GRAPH),
        *(Manner.SAVED, Manner.COPIED, Manner.FORKED, Manner.LOADED_BACK),
    }
)


class NotRun(Exception):
    """The framework or the device isn't there; the message says why."""


@dataclass(frozen=True)
class Promise:
    """Where the documentation promises an axis value."""

    axis: str
    source: str


@dataclass(frozen=True)
class Origin:
    """Where an optimizer of somebody's own is, and what drives it (suites/backends/own/origin.py).

    module: '' is the file that declares it. by: 'update', a function on NumPy arrays; 'class', a torch
    optimizer, made with options (name and source of each), its state under state_names; 'backend', the
    methods of the backend. folder: from which the module is imported; '' where every interpreter finds it.
    declared: module and name of the class that declares it, whose methods drive it where nothing else can.
    file: what the module was loaded from.
    """

    module: str
    name: str
    by: str = "backend"
    options: tuple[tuple[str, str], ...] = ()
    state_names: tuple[str, ...] = ("step", "exp_avg", "exp_avg_sq")
    folder: str = ""
    declared: tuple[str, str] = ("", "")
    file: str = ""


class Backend(ABC):
    """An implementation under test.

    name: dotted, unique, the framework first; `--backend` takes it or a leading part of it.
    framework: what is installed under this name, whose version is that of the backend.
    mode: how the framework executes it.
    devices: what it can be asked for.
    dtypes: the types that it takes, of sparse gradients where it takes any; the clauses about layouts try
        the others too.
    dense_dtypes: those of dense gradients, where it takes sparse ones in others too.
    layouts: the gradients it takes: 'sparse', 'dense', 'none' (no gradient for a parameter).
    hyperparameters: those it has beyond lr, beta1, beta2 and epsilon.
    grouped: those that may differ between parameter groups. changing: those that may be set anew.
    manners: the ways a case may be handed over beyond the ordinary. possible: those that this class has.
    branch: which of the framework's implementations it is, as `path` reports it; empty: not reported.
    repeats: it runs the operators of another backend; long runs are shorter, and in ci cases fewer.
    compiles: whether every new shape and hyperparameter set costs a compilation.
    keeps_largest: the largest v is part of its state (AMSGrad), used or not. layers: that it is trained with.
    documented, promises: the dialect its documentation promises, and where. An axis without a
    promise has the reference dialect's value.
    spoken: the dialect that its source code speaks, where that differs from the documented one.
    arithmetic: how it computes, read from its source code.
    source_read: whether those two are known. Where not, any usual arithmetic that fits will do.
    elsewhere: what is declared otherwise on a device: its name, and the attributes that differ there.
    spec: where it runs, as execnet says it: 'popen//python=…', 'ssh=…//python=…'. case_seconds: how long a
    case may take. at_once: steps handed over before one waits, when timed. python: the interpreter that was
    asked for, where it is not this one. file: what declares it, if no part of the suite; origin: where then.
    """

    name: ClassVar[str]
    framework: ClassVar[str]
    mode: ClassVar[str]
    devices: ClassVar[tuple[str, ...]]
    dtypes: ClassVar[tuple[str, ...]] = ("float16", "bfloat16", "float32", "float64")
    dense_dtypes: ClassVar[tuple[str, ...]] = ("float16", "bfloat16", "float32", "float64")
    layouts: ClassVar[frozenset[str]]
    hyperparameters: ClassVar[frozenset[str]] = frozenset()
    grouped: ClassVar[frozenset[str]] = frozenset()
    changing: ClassVar[frozenset[str]] = frozenset({"lr"})
    manners: ClassVar[frozenset[Manner]] = frozenset()
    possible: ClassVar[frozenset[Manner]] = frozenset(Manner)
    branch: ClassVar[str] = ""
    repeats: ClassVar[bool] = False
    compiles: ClassVar[bool] = False
    keeps_largest: ClassVar[bool] = False
    layers: ClassVar[tuple[Layer, ...]] = ()
    documented: ClassVar[Dialect]
    promises: ClassVar[tuple[Promise, ...]]
    spoken: ClassVar[Dialect]
    arithmetic: ClassVar[Arithmetic]
    source_read: ClassVar[bool] = True
    elsewhere: ClassVar[dict[str, dict[str, Any]]] = {}
    spec: ClassVar[str] = "popen"
    case_seconds: ClassVar[float] = 60.0
    at_once: int = 1
    python: ClassVar[str] = ""
    file: ClassVar[str] = ""
    origin: ClassVar[Origin | None] = None

    def __init__(self, device: str) -> None:
        self.device = device

    @classmethod
    def device_of(cls, asked: str) -> str:
        """What the framework calls a device that is asked for: a gpu is CUDA for torch."""
        return "cuda" if asked == "gpu" and "gpu" not in cls.devices and "cuda" in cls.devices else asked

    @classmethod
    def on(cls, device: str) -> "type[Backend]":
        """The backend as it is declared on a device."""
        return _declared_on(cls, cls.device_of(device))

    @classmethod
    def usual_dtype(cls) -> str:
        """The type for what is tried in one alone."""
        return "float32" if "float32" in cls.dtypes else cls.dtypes[0]

    @classmethod
    def run_by(cls, python: str) -> "type[Backend]":
        """The backend in another interpreter."""
        return type(cls.__name__, (cls,), {"spec": f"popen//python={python}", "python": python})

    @classmethod
    def no_build(cls) -> str:
        """Why its framework can't be had for the Python that runs this; '' where it can."""
        return ""

    @abstractmethod
    def prepare(self) -> str:
        """Import the framework, select the device, and return the framework's version.

        Raises NotRun where the framework or the device isn't there."""

    @abstractmethod
    def build(self, case: Case) -> None:
        """Make the parameters and the optimizer of a case, with their starting state."""

    @abstractmethod
    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        """Everything up to the optimizer's step, which the returned call takes."""

    @abstractmethod
    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        """Set the hyperparameters of every group to what they are from the next step on."""

    @abstractmethod
    def reload(self, case: Case) -> None:
        """Save the optimizer's state and load it into a fresh optimizer of the same parameters."""

    @abstractmethod
    def state(self) -> State:
        """Of every parameter w, m and v as float64, its step count or its rows', and v_max if kept."""

    def look(self) -> State:
        """The state in the types it is kept in, to be read before the next step: uncopied where it can be."""
        return self.state()

    @abstractmethod
    def path(self) -> dict[str, str]:
        """What really ran, read from the framework's own objects: mode, device, dtype, layout or branch."""

    def took_place(self, manner: Manner) -> bool:
        """Whether a manner that was asked for did, where the framework's own objects show it."""
        return manner not in SHOWN

    @abstractmethod
    def kept(self, step: Step) -> bool:
        """Whether gradients are those of the step, bit for bit, and parameters in the memory they were in."""

    def overwrite(self) -> None:  # noqa: B027 (some don't take it)
        """Fill the memory of the gradients of the step with what no later one may read."""

    def discard(self) -> None:  # noqa: B027 (most have nothing to drop)
        """Drop what an error may have spoilt, so that the next case starts afresh."""

    def steps_ahead(self, case: Case) -> Callable[[int], Callable[[], object]]:
        """Everything up to the steps of a case, done ahead; the call returns the bare step of a number."""
        calls = [self.step_function(case, step) for step in case.steps]
        return lambda number: calls[number]

    def use_threads(self, count: int) -> None:  # noqa: B027 (some know no more than one)
        """How many threads a step may use: one, if not called; after `prepare`."""

    def synchronize(self) -> None:  # noqa: B027 (most do nothing behind the caller's back)
        """Wait until the device has done what it was given."""

    def seconds(self, call: Callable[[], object]) -> float:
        """Seconds that a call takes, the device's work included."""
        self.synchronize()
        start = time.perf_counter()
        call()
        self.synchronize()
        return time.perf_counter() - start

    def device_memory(self) -> Memory:
        """The memory that tables live in."""
        return Memory()

    def training_step(
        self, training: Training, layer: Layer
    ) -> Callable[[np.ndarray, np.ndarray], tuple[float, Gradient]]:
        """Make the layer and its optimizer; the call trains on ids and targets.

        It returns the loss, and the gradient as autograd hands it to the optimizer."""
        raise NotImplementedError(f"{self.name} has no embedding layer")

    def train(self, training: Training, layer: Layer) -> Trained:
        """Train a layer, with the gradient and the state of every step."""
        seen: list[State] = []
        steps: list[Step] = []
        losses: list[float] = []
        failure = None
        try:
            take = self.training_step(training, layer)
            for ids, targets in training.batches:
                loss, gradient = take(ids, targets)
                seen.append(self.state())
                steps.append(Step((gradient,)))
                losses.append(loss)
        except (Exception, KeyboardInterrupt) as error:
            failure = refusal(error, len(seen) + 1, self.file)
        case = replace(training.start, steps=tuple(steps), observed=tuple(range(1, len(steps) + 1)))
        return Trained(case, stack(case, seen, 0.0, failure, self.path() if seen else {}, 1), losses)

    def run(self, case: Case, report: Callable[[int, Any], None] | None = None) -> Trajectory:
        """The trajectory of a case. report: called with the number and the state of each step."""
        seen: list[Any] = []
        seconds, failure, left, done = 0.0, None, None, 0
        observed, groups = set(case.observed), case.groups_at()
        if Manner.THREADS in case.manner:
            self.use_threads(2)
        try:
            self.build(case)
            for done, step in enumerate(case.steps, 1):
                if report is not None:
                    report(done, None)
                if step.changes:
                    self.change(case, groups[done - 1])
                if step.reload:
                    self.reload(case)
                call = self.step_function(case, step)
                start = time.perf_counter()
                call()
                seconds += time.perf_counter() - start
                if Manner.WATCHED in case.manner and not self.kept(step):
                    raise ValueError(NOT_KEPT)
                if Manner.OVERWRITTEN in case.manner:
                    self.overwrite()
                if done in observed:
                    seen.append(checked(self.state(), case, self.keeps_largest))
                    if report is not None:
                        report(done, seen[-1])
        except (Exception, KeyboardInterrupt) as error:  # a worker hears no Ctrl-C
            failure = refusal(error, done, self.file)
            if done:
                with suppress(Exception):
                    left = checked(self.state(), case, self.keeps_largest)
        path = self.path() if done else {}
        if lacking := [x.value for x in case.manner if done and not self.took_place(x)]:
            path["lacking"] = ", ".join(sorted(lacking))
        if Manner.THREADS in case.manner:
            self.use_threads(1)
        if failure is not None:
            self.discard()
        return replace(stack(case, seen, seconds, failure, path, len(case.parameters)), left=left)


@cache
def _declared_on(backend: type[Backend], device: str) -> type[Backend]:
    differs = backend.elsewhere.get(device, {})
    return type(backend.__name__, (backend,), {**differs, "elsewhere": {}}) if differs else backend
