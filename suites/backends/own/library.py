"""A backend that is a function in a shared library, whose signature suites/backends/PROGRAM.md states."""

import ctypes
import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.own.bases import NumpyOptimizer

FUNCTION = "lazyadam_step_{}"  # float32, float64


class LibraryOptimizer(NumpyOptimizer):
    """A shared library. A subclass has a `name` and a `library`: its path."""

    library: ClassVar[str]
    lacking = ("library",)
    framework = "library"

    def prepare(self) -> str:
        return hashlib.sha256(Path(self.library).read_bytes()).hexdigest()[:8]

    @cached_property
    def _loaded(self) -> Any:
        return ctypes.CDLL(self.library)

    def update(
        self,
        w: np.ndarray,
        m: np.ndarray,
        v: np.ndarray,
        rows: np.ndarray,
        values: np.ndarray,
        t: int,
        h: Hyperparameters,
    ) -> None:
        function = getattr(self._loaded, FUNCTION.format(w.dtype))
        indices = np.ascontiguousarray(rows, np.int64)
        sizes = (ctypes.c_int64(x) for x in (len(w), int(np.prod(w.shape[1:])), len(rows), t))
        scalars = (ctypes.c_double(x) for x in (h.lr, h.beta1, h.beta2, h.epsilon))
        arrays = (x.ctypes.data_as(ctypes.c_void_p) for x in (w, m, v, indices, np.ascontiguousarray(values)))
        if status := function(*arrays, *sizes, *scalars):
            raise ValueError(f"{FUNCTION.format(w.dtype)} returned {status}")


def taken(library: str) -> tuple[str, ...]:
    """The types for which a library has the function.

    Raises:
        ValueError: it is no library, or has none; the message is a line.
    """
    try:
        loaded = ctypes.CDLL(library)
    except OSError as error:
        raise ValueError(f"{library} can't be loaded: {' '.join(str(error).split())}") from None
    dtypes = tuple(x for x in ("float32", "float64") if hasattr(loaded, FUNCTION.format(x)))
    if not dtypes:
        raise ValueError(f"{library} has neither lazyadam_step_float32 nor lazyadam_step_float64")
    return dtypes
