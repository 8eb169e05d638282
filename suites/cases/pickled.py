"""What goes between the suite and a worker, or is kept: pickled, and read as data of known classes alone.

An ordinary unpickler imports whatever a message names, and so would bring a worker's code to the judge.
"""

import io
import pickle
from collections.abc import Iterable
from typing import Any

import numpy as np

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.cases.case import Case, Gradient, Group, Manner, Parameter, Step

CASES = (Hyperparameters, Case, Gradient, Group, Manner, Parameter, Step)


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


class _Data(pickle.Unpickler):
    def __init__(self, content: bytes, known: Iterable[Any]) -> None:
        super().__init__(io.BytesIO(content))
        self.known = {(x.__module__, x.__qualname__): x for x in (*known, array, scalar)}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.known:
            raise Unreadable(f"it holds a {module}.{name}, which is no data")
        return self.known[module, name]


def dumps(message: Any) -> bytes:
    """A message, whatever NumPy and Python are at its other end."""
    written = io.BytesIO()
    _Pickler(written, protocol=5).dump(message)
    return written.getvalue()


def loads(message: bytes, known: Iterable[type]) -> Any:
    """A message, of numbers, texts, arrays and known classes.

    Raises:
        Unreadable: it holds something else, or is none.
    """
    try:
        return _Data(message, known).load()
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(f"{type(error).__name__}: {' '.join(str(error).split())}") from None
