"""Optimizers of somebody's own; a file of theirs derives from one of these two."""

from lazyadam.suites.backends.own.bases import NumpyOptimizer as NumpyOptimizer
from lazyadam.suites.backends.own.bases import TorchOptimizer as TorchOptimizer
