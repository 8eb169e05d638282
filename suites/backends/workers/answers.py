"""Of which classes the answers of a worker are, and declarations, which are read in a process too."""

from lazyadam.reference import dialect
from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.base import Origin, Promise
from lazyadam.suites.backends.timing.stopwatch import Opened
from lazyadam.suites.cases.case import Failure, Trajectory
from lazyadam.suites.cases.pickled import CASES
from lazyadam.suites.cases.training import Layer, Trained

AXES = (x for x in vars(dialect).values() if isinstance(x, type) and x.__module__ == dialect.__name__)
ANSWERS: tuple[type, ...] = (
    *CASES,
    *AXES,
    Promise,
    Origin,
    Verdict,
    Failure,
    Trajectory,
    Layer,
    Trained,
    Opened,
)
