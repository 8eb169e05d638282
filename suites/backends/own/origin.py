"""Where a script finds an optimizer of one's own, and how little of the suite it takes to drive it."""

import sys
import sysconfig
from ast import literal_eval
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lazyadam.suites.backends.base import Backend, Origin
from lazyadam.suites.backends.own.bases import NumpyOptimizer, TorchOptimizer

# What each base class leaves to its subclasses; who overrides a method beside it is driven by its methods.
BASES: tuple[tuple[type[Backend], str, frozenset[str]], ...] = (
    (NumpyOptimizer, "update", frozenset({"update"})),
    (TorchOptimizer, "class", frozenset()),
)


def origin(backend: type[Backend]) -> Origin:
    """Where the optimizer of a backend is, which is declared in a file or a package."""
    found = _origin(backend)
    declared = _module(backend, backend), backend.__name__
    file = str(getattr(sys.modules.get(found.module), "__file__", None) or "")
    return replace(found, folder=_folder(found.module), declared=declared, file=file)


def _folder(module: str) -> str:
    """The folder from which a module was imported; '' where it belongs to the interpreter, or to a file."""
    package = sys.modules.get(module.partition(".")[0])
    if not module or package is None or not getattr(package, "__file__", None):
        return ""
    path = Path(str(package.__file__)).absolute()
    folder = path.parent.parent if path.stem == "__init__" else path.parent
    installed = {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")}
    return "" if str(folder) in installed else str(folder)


def _origin(backend: type[Backend]) -> Origin:
    for base, by, free in BASES:
        if not issubclass(backend, base) or _overrides(backend, base) - free:
            continue
        if by == "update":
            return Origin(_module(backend, backend), backend.__name__, by)
        assert issubclass(backend, TorchOptimizer)
        options = {name: repr(value) for name, value in backend.options.items()}
        found = _class(backend)
        if found and all(_literal(text) for text in options.values()) and _usual(backend):
            return Origin(*found, by, tuple(options.items()), backend.state_names)
    return Origin(_module(backend, backend), backend.__name__)


def _usual(backend: type[TorchOptimizer]) -> bool:
    """Whether the optimizer keeps its state as torch's own do, as far as can be told here."""
    try:
        here = backend("cpu")
        here.prepare()
        return here.kept_as.usual
    except Exception:  # whatever is wrong with it is told where it runs
        return True


def _overrides(backend: type[Backend], base: type[Backend]) -> set[str]:
    """The methods of a base class that a backend, or what it derives from before that, has changed."""
    return {
        name
        for kind in backend.__mro__[: backend.__mro__.index(base)]
        for name, value in vars(kind).items()
        if hasattr(base, name) and (callable(value) or isinstance(value, _METHODS))
    }


_METHODS = (classmethod, staticmethod, property, cached_property)


def _module(thing: Any, backend: type[Backend]) -> str:
    """The module of a class, '' where that is the file that declares the backend."""
    in_file = backend.file and thing.__module__ == backend.__module__
    return "" if in_file else str(thing.__module__)


def _class(backend: type[TorchOptimizer]) -> tuple[str, str] | None:
    """Module and name of a torch optimizer; None where it has no name by which it can be imported."""
    found = backend.optimizer_class
    if isinstance(found, str):
        module, _, name = found.replace(":", ".").rpartition(".")
        return (module, name) if module else None
    name = getattr(found, "__qualname__", ".")
    return (_module(found, backend), name) if name.isidentifier() else None


def _literal(text: str) -> bool:
    try:
        literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True
