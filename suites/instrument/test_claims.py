"""Claims: the catalogue is whole, and every claim could have had another verdict."""

import json
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lazyadam.reference.dialect import Arithmetic, Dialect, Epsilon, Power, Untouched, ZeroRows
from lazyadam.reports.tables import frame
from lazyadam.reports.vocabulary import Claimed
from lazyadam.suites.backends.base import Backend, NotRun
from lazyadam.suites.cases.case import Case, Failure, Gradient, Manner, Trajectory
from lazyadam.suites.clauses.clause import H
from lazyadam.suites.equivalence.claims import CLAIMS
from lazyadam.suites.equivalence.claims.arguments import extra_argument
from lazyadam.suites.equivalence.claims.axes import means, step_size
from lazyadam.suites.equivalence.claims.claim import Decision, undecided
from lazyadam.suites.equivalence.claims.pages import AXIS
from lazyadam.suites.equivalence.lab import Lab, Ran
from lazyadam.suites.instrument.toy import Toy

BY_ID = {claim.id: claim for claim in CLAIMS}
TORCH = {"lr": 0.001, "betas": [0.9, 0.999], "eps": 1e-8}
MINDSPORE = {"learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
EXTRA = {"use_locking": False, "use_nesterov": False, "weight_decay": 0.0, "loss_scale": 1.0}
ACTS: dict[str, Any] = {
    "groups": dict.fromkeys(("lr", "betas", "eps"), "acts"),
    "a list of learning rates": "acts",
}
Change = Callable[[str, str, Case, Trajectory], Trajectory]


class OneToy(Toy):
    arithmetic = Arithmetic(power=Power.FLOAT64)


class ToyLab(Lab):
    """Both frameworks are one toy, but for `change` (name, device, case, trajectory) and the scripts.

    without: devices that are not there.
    """

    def __init__(
        self,
        change: Change = lambda name, device, case, trajectory: trajectory,
        without: tuple[str, ...] = (),
        speaks: dict[str, str] | None = None,
        **scripts: Any,
    ) -> None:
        super().__init__(())
        self.change, self.without, self.speaks = change, without, speaks
        arguments = {"arguments_torch": {"arguments": TORCH, **ACTS}}
        arguments["arguments_mindspore"] = {"arguments": MINDSPORE | EXTRA, **ACTS}
        self.documents = {name: json.dumps(x) for name, x in (arguments | scripts).items()}

    def backend(self, name: str) -> type[Backend]:
        return OneToy

    def run(self, name: str, cases: list[Case], device: str = "cpu") -> list[Trajectory]:
        if device in self.without:
            raise NotRun(f"mindspore has no device {device}")
        toy = OneToy(self.speaks if name.startswith("mindspore") else {})
        return [self.change(name, device, case, toy.run(_sparse(case))) for case in cases]

    def script(self, name: str) -> Ran:
        return Ran(self.documents[name], "")


def _sparse(case: Case) -> Case:
    """The toy takes sparse gradients only: dense ones as those of all rows."""
    steps = tuple(
        replace(
            step,
            gradients=tuple(
                Gradient(g.values, np.arange(len(g.values))) if g and g.rows is None else g
                for g in step.gradients
            ),
        )
        for step in case.steps
    )
    return replace(case, steps=steps)


def _nudged(name: str, device: str, case: Case, trajectory: Trajectory) -> Trajectory:
    """The first weight of MindSpore's last observed state is off by a hundredth of what it moved."""
    if name.startswith("mindspore") and len(trajectory.w[0]):
        w = trajectory.w[0][-1]
        w[0] += 0.01 * np.abs(w[0] - case.parameters[0].w[0]) + 1e-5
    return trajectory


def _refused(name: str, device: str, case: Case, trajectory: Trajectory) -> Trajectory:
    return _failed(trajectory) if name.startswith("mindspore") else trajectory


def _refused_off_cpu(name: str, device: str, case: Case, trajectory: Trajectory) -> Trajectory:
    return trajectory if device == "cpu" else _failed(trajectory)


def _refused_at_zero(name: str, device: str, case: Case, trajectory: Trajectory) -> Trajectory:
    h = case.groups[0].hyperparameters
    zero = name.startswith("mindspore") and 0 in (h.lr, h.beta1, h.epsilon)
    return _failed(trajectory) if zero else trajectory


def _changed_by_locking(name: str, device: str, case: Case, trajectory: Trajectory) -> Trajectory:
    return _nudged(name, device, case, trajectory) if Manner.USE_LOCKING in case.manner else trajectory


def _failed(trajectory: Trajectory) -> Trajectory:
    return replace(trajectory, failure=Failure("refuses", 1, "RuntimeError: no"))


def _group_refused(key: str) -> dict[str, Any]:
    return {
        "arguments": MINDSPORE | EXTRA,
        **ACTS,
        "groups": {**ACTS["groups"], key: "is refused (KeyError)"},
    }


HAS_ALL = {"arguments": TORCH | EXTRA, **ACTS}
HAS_NONE = {"arguments": MINDSPORE, **ACTS}
OTHER_DEFAULT = {"arguments": MINDSPORE | EXTRA | {"learning_rate": 0.01, "beta2": 0.99, "eps": 1e-7}, **ACTS}
NO_LIST = {"arguments": MINDSPORE | EXTRA, **ACTS, "a list of learning rates": "is refused (TypeError)"}


@pytest.mark.parametrize(
    ("id", "lab", "word"),
    [
        ("C1", ToyLab(), Claimed.CONFIRMED),
        ("C1", ToyLab(_nudged), Claimed.REFUTED),
        ("C1", ToyLab(_refused), Claimed.REFUTED),
        ("C1", ToyLab(speaks={"duplicates": "last"}), Claimed.REFUTED),
        ("C2", ToyLab(), Claimed.REFUTED),
        ("C2", ToyLab(_refused), Claimed.REFUTED),
        ("C2", ToyLab(_refused_off_cpu), Claimed.CONFIRMED),
        ("C2", ToyLab(_refused_off_cpu, without=("ascend",)), undecided("there is no ascend")),
        ("C3", ToyLab(), Claimed.REFUTED),  # the toy knows neither Nesterov's form nor a loss scale
        ("C4", ToyLab(), Claimed.CONFIRMED),
        ("C4", ToyLab(_refused_off_cpu), Claimed.REFUTED),
        ("C4", ToyLab(without=("gpu", "ascend")), undecided("there is no gpu and no ascend")),
        *((id, ToyLab(), Claimed.CONFIRMED) for id in ("C5", "C6", "C7", "C8")),
        *((id, ToyLab(_nudged), Claimed.REFUTED) for id in ("C5", "C6", "C7", "C8")),
        *((id, ToyLab(_refused_at_zero), Claimed.REFUTED) for id in ("C6", "C7", "C8")),
        *((id, ToyLab(arguments_mindspore=OTHER_DEFAULT), Claimed.REFUTED) for id in ("C6", "C7", "C8")),
        *(
            ("C5", ToyLab(arguments_mindspore=_group_refused(k)), Claimed.REFUTED)
            for k in ("lr", "betas", "eps")
        ),
        ("C6", ToyLab(arguments_mindspore=NO_LIST), Claimed.REFUTED),
        ("C7", ToyLab(arguments_mindspore=_group_refused("betas")), Claimed.CONFIRMED),  # that is for C5
        ("C8", ToyLab(arguments_mindspore=_group_refused("eps")), Claimed.CONFIRMED),
        ("C9", ToyLab(_changed_by_locking), Claimed.REFUTED),
        *((id, ToyLab(arguments_torch=HAS_ALL), Claimed.REFUTED) for id in ("C9", "C11")),
        *((id, ToyLab(arguments_mindspore=HAS_NONE), Claimed.REFUTED) for id in ("C9", "C11")),
        ("C10", ToyLab(), Claimed.REFUTED),
        ("C11", ToyLab(), Claimed.CONFIRMED),
        ("C11", ToyLab(_nudged), Claimed.REFUTED),
        ("C11", ToyLab(speaks={"weight_decay": "none"}), Claimed.REFUTED),
        ("C12", ToyLab(), Claimed.REFUTED),
    ],
)
def test_the_verdict_follows_from_the_runs(id: str, lab: Lab, word: str) -> None:
    assert BY_ID[id].decision(lab, 0).word == word


def test_an_argument_that_nothing_shows_to_act_is_not_confirmed() -> None:
    settings: dict[str, Any] = {"name": "weight_decay", "settings": (H(),), "without": {"weight_decay": 0.0}}
    assert extra_argument(ToyLab(), 0, **settings).word == Claimed.REFUTED


@pytest.mark.parametrize("id", ["S1", "S2"])
@pytest.mark.parametrize(
    ("ran", "word"),
    [
        (Ran("loss 0.5\nloss 0.4\n", ""), Claimed.CONFIRMED),
        (Ran("loss 0.5\nloss 0.5\n", ""), Claimed.REFUTED),
        (Ran("", ""), Claimed.REFUTED),
        (Ran("loss 0.5\nloss 0.4\n", "RuntimeError: no"), Claimed.REFUTED),
    ],
)
def test_a_sample_is_confirmed_where_it_ends_and_trains(
    id: str, ran: Ran, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = ToyLab()
    monkeypatch.setattr(lab, "script", lambda name: ran)
    assert BY_ID[id].decision(lab, 0).word == word


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("print('loss 1')", Ran("loss 1\n", "")),
        ("raise ValueError('a\\nb')", Ran("", "b")),
        ("import no_such_module", NotRun),
    ],
)
def test_a_script_ends_well_or_fails_or_lacks_its_framework(
    text: str, expected: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_torch.py").write_text(text)
    monkeypatch.setattr("lazyadam.suites.equivalence.lab.SAMPLES", tmp_path)
    lab = Lab({"torch.SparseAdam"})
    if expected is NotRun:
        with pytest.raises(NotRun, match="torch cannot be imported: No module named"):
            lab.script("a_torch")
    else:
        assert lab.script("a_torch") == expected


def test_the_catalogue_is_whole() -> None:
    ids = [claim.id for claim in CLAIMS]
    assert ids[:14] == [*(f"C{i}" for i in range(1, 13)), "S1", "S2"]
    assert len(set(ids)) == len(ids)
    assert all(claim.text.endswith(".") and claim.text.count(".") <= 3 for claim in CLAIMS)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_what_may_not_run_leaves_a_claim_undecided(claim: Any) -> None:
    with Lab(()) as lab:
        found: Decision = claim.decision(lab, 0)
    assert found.word.startswith("can't be decided here (")
    assert "selected" in found.word


class Speaker(ToyLab):
    """Every backend is a toy that speaks so."""

    def run(self, name: str, cases: list[Case], device: str = "cpu") -> list[Trajectory]:
        toy = OneToy(self.speaks)
        return [toy.run(_sparse(case)) for case in cases]


@pytest.mark.parametrize(
    "value",
    [Epsilon.BESIDE_HAT, Epsilon.BESIDE_ROOT, Untouched.FROZEN, Untouched.DENSE, ZeroRows.TOUCHED],
    ids=str,
)
def test_what_a_page_says_of_an_axis_is_confirmed_where_it_is_so_and_else_refuted(value: Enum) -> None:
    axis = AXIS[type(value)]
    same = Untouched.DENSE_BESIDE_ROOT  # as DENSE, where ε stands beside the root anyway
    for speaks in (x for x in type(value) if x is not same):
        usual = speaks is getattr(Dialect(), axis)
        lab = Speaker(speaks={} if usual else {axis: speaks.name.lower()})
        found = means(lab, 0, "torch.SparseAdam", axis, value)
        assert found.word == (Claimed.CONFIRMED if speaks is value else Claimed.REFUTED)
        assert isinstance(found.witness, Case)


@pytest.mark.parametrize(("swapped", "word"), [(False, Claimed.CONFIRMED), (True, Claimed.REFUTED)])
def test_a_step_size_is_as_claimed_or_not(swapped: bool, word: str) -> None:
    def claimed(h: H, t: int) -> float:
        first, second = (h.beta2, h.beta1) if swapped else (h.beta1, h.beta2)
        return h.lr * (1 - second**t) ** 0.5 / (1 - first**t)

    assert step_size(Speaker(speaks={}), 0, "torch.SparseAdam", claimed).word == word
    away = Speaker(speaks={"epsilon": "inside_root"})
    assert step_size(away, 0, "torch.SparseAdam", claimed).word.startswith(Claimed.CANT_BE_DECIDED)


@pytest.mark.parametrize(("moved", "word"), [([1], Claimed.REFUTED), ([0, 1], Claimed.CONFIRMED)])
def test_lazy_updates_of_dense_weights_are_seen_in_the_rows_that_move(moved: list[int], word: str) -> None:
    lab = ToyLab(dense_weights_mxnet={"moved": moved})
    assert BY_ID["M6"].decision(lab, 0).word == word


def test_claims_stand_in_the_order_of_their_numbers() -> None:
    rows = [{"claim": id} for id in ("S1", "C10", "C2", "C1")]
    assert list(frame("claims", rows)["claim"]) == ["C1", "C2", "C10", "S1"]
