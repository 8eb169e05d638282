"""Backends that a file of somebody's own declares: loaded by its path, and checked."""

import hashlib
import importlib.util
import signal
import subprocess
import sys
import traceback
from functools import lru_cache
from pathlib import Path
from typing import Any

from reference.dialect import Arithmetic, Dialect
from reference.rounding import PRECISIONS
from suites.backends.base import DEVICES, Backend
from suites.case import Manner

ROOT = Path(__file__).resolve().parents[2]
HYPERPARAMETERS = ("weight_decay", "loss_scale", "maximize", "nesterov", "betas of 0")
GROUPED = ("lr", "beta1", "beta2", "epsilon", "weight_decay", "maximize")
LAYOUTS = ("sparse", "dense", "none")
# What a declaration has to be, and of what it may consist; None: of anything.
ATTRIBUTES: dict[str, tuple[Any, tuple[Any, ...] | None]] = {
    "name": (str, None),
    "framework": (str, None),
    "mode": (str, None),
    "devices": (tuple, DEVICES),
    "dtypes": (tuple, tuple(PRECISIONS)),
    "layouts": (frozenset, LAYOUTS),
    "hyperparameters": (frozenset, HYPERPARAMETERS),
    "grouped": (frozenset, GROUPED),
    "manners": (frozenset, tuple(Manner)),
    "documented": (Dialect, None),
    "spoken": (Dialect, None),
    "promises": (tuple, None),
    "arithmetic": (Arithmetic, None),
    "spec": (str, None),
    "case_seconds": (int | float, None),
}


class BrokenDeclaration(Exception):
    """A file or a package declares no proper backend; the message is one line that says where."""


LOAD_SECONDS = 60
TRIAL = (
    "import faulthandler, sys; from pathlib import Path; from suites.backends.declaration import declared\n"
    "faulthandler.enable(); faulthandler.dump_traceback_later(float(sys.argv[2]), exit=True)\n"
    "declared(Path(sys.argv[1]))"
)


@lru_cache
def tried(path: Path) -> tuple[type[Backend], ...]:
    """As `declared`, of a file that nobody has loaded yet: it may hang or die, and is loaded elsewhere first.

    Raises:
        BrokenDeclaration: as `declared` does, and where loading takes LOAD_SECONDS or ends the process.
    """
    path = path.resolve()
    command = [sys.executable, "-c", TRIAL, str(path), str(LOAD_SECONDS)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    lines = [line.strip() for line in ran.stderr.splitlines() if f'File "{path}"' in line]
    if "Timeout (" in ran.stderr:
        raise BrokenDeclaration(f"{path}: hangs when loaded, for {LOAD_SECONDS} s: {''.join(lines[:1])}")
    if ran.returncode < 0:
        name = signal.Signals(-ran.returncode).name
        raise BrokenDeclaration(f"{path}: dies when loaded, of {name}: {''.join(lines[:1])}")
    return declared(path)


@lru_cache
def declared(path: Path) -> tuple[type[Backend], ...]:
    """The backends that a file declares: its subclasses of Backend that have a name.

    Raises:
        BrokenDeclaration: the file can't be loaded, declares none, or declares one improperly.
    """
    path = path.resolve()
    module = _loaded(path)
    backends = tuple(
        x
        for x in vars(module).values()
        if isinstance(x, type) and issubclass(x, Backend) and x.__module__ == module.__name__
        if hasattr(x, "name")
    )
    if not backends:
        raise BrokenDeclaration(f"{path}: declares no backend ({_why_none(module)})")
    for backend in backends:
        check(backend, f"{path}: {backend.__name__}")
        backend.file = str(path)
    return backends


def _why_none(module: Any) -> str:
    own = [x for x in vars(module).values() if isinstance(x, type) and x.__module__ == module.__name__]
    nameless = [x.__name__ for x in own if issubclass(x, Backend)]
    if nameless:
        return f"{', '.join(nameless)} has no name: name = 'mine.{nameless[0]}'"
    others = f"; {', '.join(x.__name__ for x in own)} is none" if own else ""
    return f"a subclass of NumpyOptimizer, TorchOptimizer or Backend, with a name{others}"


def _loaded(path: Path) -> Any:
    """The file as a module, which its own modules beside it may import, and frameworks read the source of."""
    name = f"{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise BrokenDeclaration(f"{path}: no such Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise BrokenDeclaration(f"{error.filename}:{error.lineno}: SyntaxError: {error.msg}") from None
    except (Exception, SystemExit) as error:
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = own[-1].lineno if own else 1
        text = " ".join(str(error).split())
        raise BrokenDeclaration(f"{path}:{line}: {type(error).__name__}: {text}") from None
    return module


def check(backend: Any, where: str) -> None:
    """Whether a class declares what a backend has to.

    Raises:
        BrokenDeclaration: it doesn't.
    """

    def need(condition: bool, message: str) -> None:
        if not condition:
            raise BrokenDeclaration(f"{where}: {message}")

    need(isinstance(backend, type) and issubclass(backend, Backend), "not a subclass of Backend")
    lacking = sorted(backend.__abstractmethods__) + [
        x for x in (*ATTRIBUTES, *getattr(backend, "lacking", ())) if not hasattr(backend, x)
    ]
    need(not lacking, f"lacks {', '.join(lacking)}")
    for name, (kind, allowed) in ATTRIBUTES.items():
        value = getattr(backend, name)
        need(isinstance(value, kind), f"{name} is {value!r}, but should be a {_named(kind)}")
        for x in value if allowed is not None else ():
            need(x in (allowed or ()), f"{name} has {x!r}; known: {', '.join(map(str, allowed or ()))}")
    plain = backend.name.replace(".", "").replace("_", "").replace("-", "")
    need(plain.isalnum(), f"name is {backend.name!r}, but should be letters, digits, '.', '_' and '-'")
    need(bool(backend.layouts - {"none"}), "layouts has neither 'sparse' nor 'dense'")
    for promise in backend.promises:
        need(
            hasattr(backend.documented, promise.axis), f"promises an axis {promise.axis!r} that there is not"
        )
    need(bool(backend.dtypes) and bool(backend.devices), "dtypes or devices is empty")


def _named(kind: Any) -> str:
    return "number" if kind == int | float else kind.__name__
