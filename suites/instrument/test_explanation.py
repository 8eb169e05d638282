"""What explains a divergence is told of the axes that do, and not of one that only widens the bound."""

from dataclasses import replace

from lazyadam.reference.dialect import Arithmetic, BiasCorrection, Dialect, Duplicates, Epsilon
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.campaign.unit import Unit
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.examine import examine
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.detection.kill import BUDGET, Here
from lazyadam.suites.instrument.toy import Toy
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


def test_of_an_unread_optimizer_what_it_declares_explains_how_it_differs_from_lazyadam() -> None:
    """Two axes at once: no single one explains it, whichever way it is turned."""

    class Declared(Toy):
        name = "toy.declared"
        source_read, arithmetic = False, Arithmetic()
        documented = spoken = Dialect(epsilon=Epsilon.BESIDE_HAT, bias_correction=BiasCorrection.NEXT)

    process = Here(Declared({"epsilon": "beside_hat", "bias_correction": "next"}))
    seen = examine(Sample(CLAUSES["update-rule"], Declared, "float32", 0, BUDGET), process)
    assert [j.row["explained_by"] for j in seen.judged] == ["", "epsilon: beside_hat; bias_correction: next"]

    class Silent(Declared):
        documented = spoken = replace(Declared.documented, epsilon=Epsilon.BESIDE_ROOT)

    process = Here(Silent({"epsilon": "beside_hat", "bias_correction": "next"}))
    seen = examine(Sample(CLAUSES["update-rule"], Silent, "float32", 0, BUDGET), process)
    assert [j.row["explained_by"] for j in seen.judged] == ["epsilon: beside_hat", "unexplained"]
