"""Standalone scripts: a divergence with NumPy and one framework only, or the file of an optimizer."""

import io
from dataclasses import dataclass
from pathlib import Path

import execnet
import jinja2
import numpy as np

from lazyadam.reference.dialect import (
    BiasCorrection,
    Dialect,
    Duplicates,
    EmptyGradient,
    StepCount,
    Untouched,
    WeightDecay,
    ZeroRows,
)
from lazyadam.reports.tables import write_bytes, write_text
from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.mindspore.experimental import Experimental
from lazyadam.suites.backends.peers import made_by
from lazyadam.suites.backends.peers.keras_dense import Dense
from lazyadam.suites.backends.workers.runs import Runs
from lazyadam.suites.cases.case import Case, Manner
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.divergences.expected import Shown, expected
from lazyadam.suites.divergences.pin import Pin
from lazyadam.suites.divergences.source.dgl import DGLScript
from lazyadam.suites.divergences.source.keras import KerasScript
from lazyadam.suites.divergences.source.listing import Listing
from lazyadam.suites.divergences.source.mindspore import AssignedScript, MindSporeScript
from lazyadam.suites.divergences.source.mindspore_experimental import ExperimentalScript
from lazyadam.suites.divergences.source.mlx import MLXScript
from lazyadam.suites.divergences.source.mxnet import MXNetScript
from lazyadam.suites.divergences.source.optax import OptaxScript
from lazyadam.suites.divergences.source.own import SuiteScript, UpdateScript
from lazyadam.suites.divergences.source.paddle import PaddleScript
from lazyadam.suites.divergences.source.skeleton import Skeleton
from lazyadam.suites.divergences.source.tensorflow import TensorFlowScript
from lazyadam.suites.divergences.source.torch import TorchScript
from lazyadam.suites.divergences.source.torch_peers import HeavyBallScript, TorchPeerScript
from lazyadam.suites.judge.fitting import arithmetics
from lazyadam.suites.judge.judgement import SIGN

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
# Of frameworks in environments of their own; but for torch's parameters of one group, which stays as it is.
OF_PEERS: dict[str, type[Skeleton]] = {
    "bitsandbytes": TorchPeerScript,
    "dgl": DGLScript,
    "heavyball": HeavyBallScript,
    "keras": TensorFlowScript,
    "mlx": MLXScript,
    "mxnet": MXNetScript,
    "optax": OptaxScript,
    "paddle": PaddleScript,
    "pytorch-optimizer": TorchPeerScript,
    "tensorflow-addons": TensorFlowScript,
}
COUNTED = {"step_count", "empty_gradient"}  # axes that show in the step count
SUITE_ALONE = "only the suite itself "  # can see it


@dataclass(frozen=True)
class Script:
    """A script, and the numbers that it loads from a file beside it, where they are too many."""

    text: str
    arrays: dict[str, np.ndarray]

    def write(self, path: Path) -> None:
        """Raises as `write_text` does."""
        if self.arrays:
            file = io.BytesIO()
            np.savez(file, **self.arrays)
            write_bytes(file.getvalue(), path.with_suffix(".npz"))
        write_text(self.text, path)


def script(pin: Pin, backend: type[Backend], device: str = "cpu", how: Shown | None = None) -> Script:
    """A script that prints what the documentation promises and what the backend does.

    It exits with 1 where they differ and with 0 where they don't. how: as `shown` says it; by the largest
    bounds where that was not asked.

    Raises:
        ValueError: none can be made.
    """
    if pin.own_script.is_file():
        return Script(pin.own_script.read_text(), {})
    if why := no_script(pin.case, backend):
        raise ValueError(f"{pin.name}: {why}")
    fails = pin.verdict != Verdict.DIVERGES
    if how is None and not fails and Manner.ASSIGNED not in pin.case.manner:
        ways = arithmetics(backend, backend.documented, pin.case.dtype)
        promised = expected(pin.case, backend.documented, ways, strict_epsilon(pin.clauses))
        how = Shown(promised, counts="t" in pin.quantities or not COUNTED.isdisjoint(pin.explained_by))
    listing, kind = Listing(pin.case, backend.documented, how), _kind(pin.case, backend, fails)
    skeleton = kind(listing, backend, device, fails)
    text = skeleton.source(f"{backend.name}: {pin.sentence}", _about(pin, backend, kind))
    return Script(text, listing.arrays)


def strict_epsilon(clauses: tuple[str, ...]) -> bool:
    """Whether one of the clauses holds that no part of ε is lost."""
    return any(CLAUSES[clause].strict_epsilon for clause in clauses if clause in CLAUSES)


def only_judged(pin: Pin) -> bool:
    """Whether a divergence shows in no number that a script compares with the one that is due.

    A script takes any number where something may overflow, and no notice of the sign of zero.
    """
    signs = [quantity.endswith(SIGN) for quantity in pin.quantities]
    signs_alone = pin.verdict == Verdict.DIVERGES and bool(signs) and all(signs)
    return signs_alone or pin.clauses == ("special-values",)


def no_script(case: Case, backend: type[Backend]) -> str:
    """Why no script can be made of a case; '' where one can."""
    d, given = (
        backend.documented,
        [[g is not None and g.rows is not None for g in s.gradients] for s in case.steps],
    )
    if backend.origin is None and backend.framework not in ("torch", "mindspore"):
        of_torch = backend.framework in ("bitsandbytes", "heavyball", "pytorch-optimizer")
        moves = not of_torch and (len(case.groups) > 1 or any(s.changes or s.reload for s in case.steps))
        if moves or backend.framework not in OF_PEERS:
            so = " so" if backend.framework in OF_PEERS else ""
            return f"nobody has written how a script drives {backend.framework}{so}"
    if backend.framework == "heavyball" and (case.t or len(case.groups) > 1):
        return "nobody has written how a script gives HeavyBall a state, or reads that of several groups"
    if backend.origin and Manner.ASSIGNED in case.manner:
        return f"{SUITE_ALONE}compares it with itself"
    if backend.framework == "mindspore" and backend.origin is None and any(x != given[0] for x in given):
        return "gradients change their layout from step to step, each a graph of its own"
    if Manner.GRAPH in case.manner:
        return "a graph that is replayed once shows nothing"
    if Manner.SCALER in case.manner and any(all(g is None for g in step.gradients) for step in case.steps):
        return "a loss scaler is given a gradient in every step"
    several = len(case.parameters) > 1 and backend.framework not in ("torch", "mindspore")
    if backend.keeps_largest and several:
        return "nobody has written how a script has the largest second moments of several parameters"
    if d.step_count is StepCount.ROW:
        return "nobody has written how a script counts the steps of rows"
    if d.duplicates is Duplicates.SCATTERED and (
        d.untouched is Untouched.MOMENTS_DECAY or d.weight_decay is WeightDecay.DECOUPLED
    ):
        return "scattered rows go with no decay that is decoupled, nor with moments that decay"
    if d.zero_rows is ZeroRows.IGNORED and any(
        g is not None and g.rows is None for s in case.steps for g in s.gradients
    ):
        return "nobody says what rows of zeros are in a dense gradient"
    mixed = any(x != given[0] or len(set(x)) > 1 for x in given)
    if d.untouched is Untouched.DENSE_BESIDE_ROOT or (
        d.bias_correction is BiasCorrection.NEXT_OF_SPARSE and mixed
    ):
        return "nobody has written what an ε of some rows, or a correction of some gradients, is in a script"
    if d.empty_gradient is EmptyGradient.SKIPPED and d.untouched is not Untouched.FROZEN:
        return "nobody says what an empty gradient that does not count does to the other rows"
    return ""


def _kind(case: Case, backend: type[Backend], fails: bool) -> type[Skeleton]:
    origin, usual = backend.origin, Dialect()
    if origin is None:
        if issubclass(backend, Dense):
            return KerasScript
        if backend.framework in OF_PEERS:
            return OF_PEERS[backend.framework]
        if backend.framework == "torch":
            return TorchScript
        if issubclass(backend, Experimental):
            return ExperimentalScript
        return AssignedScript if Manner.ASSIGNED in case.manner else MindSporeScript
    # What failed may have failed in what the suite's base class does about it.
    counts = (backend.documented.step_count, backend.documented.empty_gradient)
    if origin.by == "update" and not fails and counts == (usual.step_count, usual.empty_gradient):
        return UpdateScript
    return TorchScript if origin.by == "class" and not fails else SuiteScript


def _about(pin: Pin, backend: type[Backend], kind: type[Skeleton]) -> str:
    """What a script is of, and how it is run."""
    spec, told = execnet.XSpec(backend.spec), f"{backend.framework} {pin.versions}."
    if backend.origin:
        told = f"Of {backend.file or backend.origin.module}; {told}"
    if kind is SuiteScript:
        told += " Needs this suite, which hands the case over."
    if spec.python and (made := made_by(spec.python)):
        told += f" To be run by the python of an environment that {made} makes."
    elif spec.python or spec.ssh:
        host = f" on {spec.ssh}" if spec.ssh else ""
        told += f" To be run{host} by {spec.python or 'python'}."
    return told


def issue(pin: Pin, process: Runs, output: str) -> str:
    """The text of an issue for those who have to mend a divergence, in Markdown.

    process: where it was seen. output: what the script printed, or the last line of its error.
    """
    backend = process.backend
    turned = pin.explaining(backend)
    documented = {axis: getattr(backend.documented, axis) for axis in pin.explained_by if turned}
    if pin.verdict != Verdict.DIVERGES:
        wanted, got = "the step is taken", f"it {pin.verdict}"
    elif Manner.ASSIGNED in pin.case.manner:
        wanted, got = "the same bits as without the assignment", "other numbers"
    elif turned:
        wanted = "; ".join(f"{value.value}" for value in documented.values())
        got = "; ".join(getattr(turned, axis).value for axis in documented)
    else:
        wanted, got = "the update rule, as in the script", "other numbers"
    return TEMPLATES.get_template("issue.md.j2").render(
        pin=pin,
        backend=backend,
        version=process.version,
        device=process.device.upper(),
        case=pin.case,
        dtypes=[dtype for dtype in pin.types_of(backend) if dtype != pin.case.dtype],
        others=[name for name in pin.backends if name != backend.name],
        sources=[promise.source for promise in backend.promises if promise.axis in documented],
        expected=wanted,
        got=got,
        output=output,
        script=script(pin, backend, process.device).text,
    )
