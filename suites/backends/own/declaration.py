"""Backends that a file of somebody's own or an installed package declares: loaded, and checked.

`main` says them as data, to suites/backends/own/reader.py, from whatever interpreter has what they import.
"""

import faulthandler
import hashlib
import importlib.util
import os
import signal
import sys
import traceback
from abc import ABC
from collections.abc import Iterator
from dataclasses import fields
from difflib import get_close_matches
from enum import Enum
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from lazyadam.reference.dialect import Arithmetic, Dialect, Maximum
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.suites.backends.base import DEVICES, Backend
from lazyadam.suites.backends.errors import in_a_line, installing
from lazyadam.suites.backends.own.origin import origin
from lazyadam.suites.backends.workers import guard
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.cases.pickled import dumps
from lazyadam.suites.cases.training import Layer
from lazyadam.suites.cases.valid import CHANGEABLE

ENTRY_POINTS = "lazyadam.backends"  # each a subclass of Backend
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
    "dense_dtypes": (tuple, tuple(PRECISIONS)),
    "layouts": (frozenset, LAYOUTS),
    "hyperparameters": (frozenset, HYPERPARAMETERS),
    "grouped": (frozenset, GROUPED),
    "changing": (frozenset, CHANGEABLE),
    "manners": (frozenset, tuple(Manner)),
    "documented": (Dialect, None),
    "spoken": (Dialect, None),
    "promises": (tuple, None),
    "arithmetic": (Arithmetic, None),
    "source_read": (bool, None),
    "branch": (str, None),
    "repeats": (bool, None),
    "compiles": (bool, None),
    "keeps_largest": (bool, None),
    "layers": (tuple, None),
    "elsewhere": (dict, None),
    "spec": (str, None),
    "case_seconds": (int | float, None),
}

MOST_SECONDS = 1e6
LONGEST_NAME = 100  # it stands in the names of files


class BrokenDeclaration(Exception):
    """A file or a package declares no proper backend; the message is one line that says where."""


def installed() -> tuple[type[Backend], ...]:
    """The backends of installed packages.

    Raises:
        BrokenDeclaration: one can't be loaded, or is none.
    """
    found = []
    for point in entry_points(group=ENTRY_POINTS):
        try:
            backend = point.load()
        except (Exception, SystemExit) as error:
            told = f"{type(error).__name__}: {in_a_line(error)}"
            raise BrokenDeclaration(f"entry point {point.value}: {told}") from None
        check(backend, f"entry point {point.value}")
        backend.origin = origin(backend)
        found.append(backend)
    return tuple(found)


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
        backend.origin = origin(backend)
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
    name = f"{path.stem}_{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise BrokenDeclaration(f"{path}: no such Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # nothing is left beside somebody's file
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        where = f"{error.filename or path}:{error.lineno or 1}"  # of bytes that are no text, neither is known
        raise BrokenDeclaration(f"{where}: SyntaxError: {error.msg}") from None
    except (Exception, SystemExit) as error:
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = own[-1].lineno if own else 1
        told = f"{type(error).__name__}: {in_a_line(error)}{installing(error)}"
        raise BrokenDeclaration(f"{path}:{line}: {told}") from None
    finally:
        sys.dont_write_bytecode = writes
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
    need(len(backend.name) <= LONGEST_NAME, f"name has {len(backend.name)} letters; {LONGEST_NAME} at most")
    need(plain.isalnum(), f"name is {backend.name!r}, but should be letters, digits, '.', '_' and '-'")
    for name, meant in _misspelt(backend):
        need(False, f"declares {name!r}, which nothing asks for; is {meant!r} meant?")
    for cannot in sorted(x.value for x in backend.manners - backend.possible):
        need(False, f"manners has {cannot!r}, which {backend.framework}'s base class does not do")
    need(all(isinstance(x, Layer) for x in backend.layers), "layers has something else than a Layer")
    need(0 < backend.case_seconds <= MOST_SECONDS, f"case_seconds is {backend.case_seconds!r}, and no time")
    need(bool(backend.layouts - {"none"}), "layouts has neither 'sparse' nor 'dense'")
    for promise in backend.promises:
        need(
            hasattr(backend.documented, promise.axis), f"promises an axis {promise.axis!r} that there is not"
        )
    need(bool(backend.dtypes) and bool(backend.devices), "dtypes or devices is empty")
    for name in ("dtypes", "devices"):
        twice = [x for x in getattr(backend, name) if getattr(backend, name).count(x) > 1]
        need(not twice, f"{name} has {twice[:1]} more than once")
    for name in ("documented", "spoken", "arithmetic"):
        for field in fields(getattr(backend, name)):
            axis: Any = field.type
            value = getattr(getattr(backend, name), field.name)
            known = ", ".join(map(str, axis)) if issubclass(axis, Enum) else axis.__name__
            need(isinstance(value, axis), f"{name} has {field.name} = {value!r}; known: {known}")
    for name in ("documented", "spoken"):
        maximum = getattr(backend, name).maximum
        kept = maximum is Maximum.NONE or backend.keeps_largest
        need(
            kept,
            f"{name} has maximum = {maximum}, and its state no v_max: keeps_largest, and state() of five",
        )


def _misspelt(backend: type[Backend]) -> Iterator[tuple[str, str]]:
    """Attributes that nearly have a name that is asked for. Those that begin with '_' are anybody's."""
    ours = [kind for kind in backend.__mro__ if kind.__module__.startswith("lazyadam.suites.backends.")]
    asked = {*ATTRIBUTES, *(x for kind in ours for x in vars(kind).get("__annotations__", {}))}
    known = asked.union(*(vars(kind) for kind in ours))
    own = {x for kind in backend.__mro__ if kind not in (*ours, ABC, object) for x in vars(kind)}
    for name in sorted(x for x in own - known if not x.startswith("_")):
        for meant in get_close_matches(name, asked, 1, 0.9):
            yield name, meant


def _named(kind: Any) -> str:
    return "number" if kind == int | float else kind.__name__


def described(backend: type[Backend]) -> tuple[str, dict[str, Any]]:
    """A declaration as data: the name of the class, and its attributes."""
    return backend.__name__, {x: getattr(backend, x) for x in (*ATTRIBUTES, "file", "origin")}


def main() -> None:
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the file prints is no answer
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)
    process, file = os.getpid(), sys.argv[1]
    guard.adopt()
    try:
        backends = declared(Path(file)) if file else installed()
        told: tuple[str, Any] = "declared", [described(backend) for backend in backends]
    except BrokenDeclaration as error:
        told = "broken", str(error)
    if os.getpid() == process:  # and not a fork that the file has left behind
        answer.write(dumps(told))
        answer.flush()
        guard.end_children()
    os._exit(0)  # whatever threads it has started
