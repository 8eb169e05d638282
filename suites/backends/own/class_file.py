"""Declarations for what is named alone: `package.module.Class`, of torch, a program, and a library."""

import ast
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib.machinery import PathFinder
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

TEXT = '''\
"""Declares {dotted} as it is: copy this file, and say here what else it takes."""

import sys

sys.path.{look}

from {module} import {name} as Optimizer
from lazyadam.suites.backends.own.class_file import taken
from lazyadam.suites.backends.own import TorchOptimizer


class Declared(TorchOptimizer):
    name = "{dotted}"
    optimizer_class = Optimizer
    layouts, hyperparameters, options = taken(Optimizer)
    grouped = TorchOptimizer.grouped | hyperparameters
    changing = TorchOptimizer.changing | hyperparameters
'''

PROGRAM = '''\
"""Declares a program: copy this file, and say here what else it takes."""

from lazyadam.suites.backends.own.program import ProgramOptimizer, taken


class Declared(ProgramOptimizer):
    name = {name!r}
    command = ({path!r},)
    dtypes, layouts = taken(command)
'''
LIBRARY = '''\
"""Declares a library: copy this file, and say here what else it takes."""

from lazyadam.suites.backends.own.library import LibraryOptimizer, taken


class Declared(LibraryOptimizer):
    name = {name!r}
    library = {path!r}
    dtypes = taken(library)
'''

DECLARED = "declared"  # the folder of a run's output in which such a file is
NEAR = 0.75  # of 1: below it a short word is near to some module of any installation


def is_class(dotted: str) -> bool:
    """Whether a name may be that of a class: 'package.module.Class'."""
    parts = dotted.split(".")
    return len(parts) > 1 and all(part.isidentifier() for part in parts) and parts[-1][:1].isupper()


def declaration(dotted: str, folder: Path, first: bool = True) -> str:
    """The text of a file that declares a class. folder: where its module is looked for, first or last."""
    module, _, name = dotted.rpartition(".")
    look = f"insert(0, {str(folder)!r})" if first else f"append({str(folder)!r})"
    return TEXT.format(dotted=dotted, module=module, name=name, look=look)


def of_file(text: str, path: Path) -> tuple[str, str]:
    """The name of a backend that is a file, and the text of a file that declares it.

    text: PROGRAM or LIBRARY.
    """
    name = re.sub(r"[^\w.-]", "_", path.stem).strip(".") or "program"
    return name, text.format(name=name, path=str(path.absolute()))


def like(dotted: str, folder: Path) -> list[str]:
    """What a class's name may be meant for: the first part that isn't there replaced by ones near it.

    Found in files alone: nothing is imported. folder: where its module is looked for first.
    """
    path: Sequence[str] = [str(folder), *sys.path]
    *modules, name = dotted.split(".")
    origin = None
    for i, part in enumerate(modules):
        found = PathFinder.find_spec(part, path)
        if found is None:
            close = get_close_matches(part, [module.name for module in iter_modules(path)], cutoff=NEAR)
            return [".".join([*modules[:i], other, *modules[i + 1 :], name]) for other in close]
        path, origin = found.submodule_search_locations or [], found.origin
    try:
        body = ast.parse(Path(str(origin)).read_bytes()).body
    except (OSError, SyntaxError, ValueError):  # not of Python, or broken, of which the error is told
        return []
    classes = [part.name for part in body if isinstance(part, ast.ClassDef)]
    near = get_close_matches(name, classes, cutoff=NEAR)
    return [".".join([*modules, other]) for other in near if other != name]


def taken(optimizer: Any) -> tuple[frozenset[str], frozenset[str], dict[str, Any]]:
    """What a torch optimizer takes: layouts, hyperparameters beside lr, β and ε, and what keeps those out.

    A hyperparameter is taken if it is an argument of the class by its usual name, and every layout takes it.

    Raises:
        TypeError: it is no optimizer of torch.
    """
    import inspect

    import torch

    if not (isinstance(optimizer, type) and issubclass(optimizer, torch.optim.Optimizer)):
        raise TypeError(f"{optimizer!r} is no subclass of torch.optim.Optimizer: lazyadam init numpy")
    there = inspect.signature(optimizer).parameters
    options: dict[str, Any] = {"weight_decay": 0.0} if "weight_decay" in there else {}

    def takes(gradient: Any, **given: Any) -> bool:
        parameter = torch.nn.Parameter(torch.zeros(2, 1))
        parameter.grad = gradient
        try:
            made = optimizer([parameter], **({"lr": 1e-3} | options | given))
        except ValueError:
            if given:
                return False
            raise  # whatever is wrong with it is told
        try:
            made.step()
        except (RuntimeError, ValueError, NotImplementedError):
            return False
        return True

    dense = torch.ones(2, 1)
    every = {"sparse": dense.to_sparse(1), "dense": dense}
    layouts = {layout for layout, gradient in every.items() if takes(gradient)}
    asked = {"weight_decay": 0.1, "maximize": True, "nesterov": True}
    further = {
        name for name, x in asked.items()
        if name in there and all(takes(every[layout], **{name: x}) for layout in layouts)
    }  # fmt: skip
    return frozenset({"none", *layouts}), frozenset(further), options
