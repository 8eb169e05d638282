"""What goes between the suite and a worker: pickled, and of known classes alone where the suite reads it.

An ordinary unpickler imports whatever a message names, and so would bring a worker's code to the judge.
"""

import io
import pickle
from typing import Any

import numpy as np

from lazyadam.reference import dialect
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Origin, Promise
from lazyadam.suites.case import Case, Failure, Gradient, Group, Manner, Parameter, Step, Trajectory
from lazyadam.suites.cases.training import Layer, Trained
from lazyadam.suites.performance.stopwatch import Opened

CLASSES = (
    *(x for x in vars(dialect).values() if isinstance(x, type) and x.__module__ == dialect.__name__),
    *(Hyperparameters, Promise, Origin, Case, Failure, Gradient, Group, Manner, Parameter, Step, Trajectory),
    *(Layer, Trained, Opened),
)
ARRAYS = {"_reconstruct": np.empty(0).__reduce__()[0], "scalar": np.float64(0).__reduce__()[0]}
KNOWN: dict[tuple[str, str], Any] = (
    {(x.__module__, x.__qualname__): x for x in CLASSES}
    | {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }
    | {  # NumPy 2 names other modules than NumPy 1
        (f"numpy.{core}.multiarray", name): function
        for core in ("core", "_core")
        for name, function in ARRAYS.items()
    }
)


class Unreadable(Exception):
    """A message is no data that the suite knows; the message of the error is one line."""


class _Data(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in KNOWN:
            raise Unreadable(f"it holds a {module}.{name}, which is no data")
        return KNOWN[module, name]


def dumps(message: Any) -> bytes:
    """A message, whatever NumPy is at its other end: protocol 5 would name modules of this one."""
    return pickle.dumps(message, protocol=4)


def loads(message: bytes) -> Any:
    """A message from a worker.

    Raises:
        Unreadable: it holds something else than data of known classes, or is none.
    """
    try:
        return _Data(io.BytesIO(message)).load()
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(f"{type(error).__name__}: {' '.join(str(error).split())}") from None
