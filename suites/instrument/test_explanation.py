"""What explains a divergence is told of the axes that do, and not of one that only widens the bound."""

from lazyadam.reference.dialect import Duplicates
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.campaign.unit import Unit
from lazyadam.suites.conformance.examine import examine
from lazyadam.suites.judge.explanation import turned
from lazyadam.suites.judge.trial import judge


def test_of_two_axes_that_leave_nothing_that_which_leaves_less_explains() -> None:
    """One case in 3,575 of a campaign was 1.01 × the bound off, for its ε.

    Scattered duplicates, of which it has none, have one rounding more, and would do as well.
    """
    backend = BACKENDS["mindspore.LazyAdam.default.pynative"]
    unit = Unit(130, backend.name, "float16", "late-steps", 25)
    with Process(backend) as process:
        seen = examine(unit.sample(backend, 2003), process)
    row = seen.judged[0].row
    assert (row["explained_by"], row["witness"]) == ("epsilon: beside_root", "mindspore-epsilon-dense")
    widened = turned(backend.documented, {"duplicates": Duplicates.SCATTERED.name})
    assert judge(seen.trial, widened).worst.max() <= 1
    assert not seen.new
