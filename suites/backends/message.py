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
from lazyadam.suites.cases.case import Case, Failure, Gradient, Group, Manner, Parameter, Step, Trajectory
from lazyadam.suites.cases.training import Layer, Trained
from lazyadam.suites.performance.stopwatch import Opened

CLASSES = (
    *(x for x in vars(dialect).values() if isinstance(x, type) and x.__module__ == dialect.__name__),
    *(Hyperparameters, Promise, Origin, Case, Failure, Gradient, Group, Manner, Parameter, Step, Trajectory),
    *(Layer, Trained, Opened),
)


class Unreadable(Exception):
    """A message is no data that the suite knows; the message of the error is one line."""


class _Pickler(pickle.Pickler):
    """Arrays go as bytes: NumPy's own pickles name modules that NumPy 1 and 2 call otherwise."""

    def reducer_override(self, x: Any) -> Any:
        if type(x) is np.ndarray and x.dtype != object:
            return array, (x.dtype.str, x.shape, x.tobytes())
        if isinstance(x, np.generic):
            return scalar, (x.dtype.str, x.tobytes())
        return NotImplemented


def array(dtype: str, shape: tuple[int, ...], content: bytes) -> np.ndarray:
    """The array of a type and shape that these bytes are, in C order."""
    return np.frombuffer(content, dtype).reshape(shape).copy()


def scalar(dtype: str, content: bytes) -> Any:
    """The number of a type that these bytes are."""
    return np.frombuffer(content, dtype)[0]


DATA: tuple[Any, ...] = (*CLASSES, array, scalar)
KNOWN = {(x.__module__, x.__qualname__): x for x in DATA}


class _Data(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in KNOWN:
            raise Unreadable(f"it holds a {module}.{name}, which is no data")
        return KNOWN[module, name]


def dumps(message: Any) -> bytes:
    """A message, whatever NumPy and Python are at its other end."""
    written = io.BytesIO()
    _Pickler(written, protocol=5).dump(message)
    return written.getvalue()


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
