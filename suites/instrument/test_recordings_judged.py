"""Recorded trainings, judged: right ones are right, and what is wrong is found, where and why."""

from pathlib import Path
from typing import Any

import pytest
import torch

from lazyadam.reports.tables import read
from lazyadam.suites.backends.recorded import of_recording
from lazyadam.suites.backends.torch.backends import AdamDifferentiable, SparseAdam
from lazyadam.suites.backends.torch.backends import recorded as torch_recorded
from lazyadam.suites.backends.torch.recommend import train
from lazyadam.suites.backends.torch.recorder import Recorder
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.recording import header
from lazyadam.suites.detection.faults import FAULTS
from lazyadam.suites.detection.hosts.torch_host import SeededSparseAdam
from lazyadam.suites.detection.kill import Here
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.instrument.recorded import stepped, told
from lazyadam.suites.judge.step_by_step import step_by_step

torch.set_num_threads(1)


def test_a_small_recommendation_model_is_recorded_and_right_in_every_step(tmp_path: Path) -> None:
    train(tmp_path, steps=30)
    for part, judged_cases in (("tables", 90), ("tower", 120)):
        ran = lazyadam("judge", tmp_path / part, f"--out={tmp_path / 'out'}")
        assert ran.returncode == 0, ran.stdout
        assert f"30 steps of {judged_cases // 30} parameters, {judged_cases} judged" in ran.stdout
    verdicts = read("verdicts", tmp_path / "out")
    assert set(verdicts["clause"]) == {"recorded-training"}
    assert set(verdicts[verdicts["against"] == "documented"]["verdict"]) == {"conforms"}
    exposure = read("exposure", tmp_path / "out")
    assert "learning rate" in set(exposure["circumstance"])


# In the training of the example: what is said of each, an axis or the quantities that are wrong.
FOUND = {
    "betas-swapped": "w, m, v in 40 steps, from step 1 on",
    "weight-of-gradient-missing": "w, m in 40 steps",
    "second-moment-of-the-deviation": "w, v in 40 steps",
    "old-first-moment": "w in 40 steps, from step 1 on",
    "momentum-missing": "w in 40 steps",
    "correction-missing": "bias_correction: none",
    "correction-next": "bias_correction: next",
    "step-never-rises": "w, t in 39 steps, from step 2 on",
    "step-of-all-parameters": "w, t in 40 steps",
    "learning-rate-of-the-step-before": "w in 39 steps, from step 2 on",
    "epsilon-beside-corrected-root": "epsilon: beside_hat",
    "epsilon-inside-root": "epsilon: inside_root",
    "epsilon-missing": "w in 40 steps",
    "duplicates-last": "duplicates: last",
    "duplicates-first": "duplicates: first",
    "duplicates-mean": "duplicates: mean",
    "duplicates-squared-apart": "duplicates: squares_apart",
    "row-first-lost": "w, m, v in 40 steps",
    "dense-update": "untouched: dense",
    "first-moment-in-float16": "m in 40 steps",
    "beta2-in-bfloat16": "w, v in 40 steps",
    "late-after-step-20": "w in 20 steps, from step 21 on",
    "rare-one-step-in-50": "w in 1 step, from step 17 on",
    "root-approximate": "w in 40 steps",
}


@pytest.mark.parametrize("fault", FOUND)
def test_a_fault_in_a_training_is_found_by_its_axis_or_its_quantities(fault: str, tmp_path: Path) -> None:
    seeded = SeededSparseAdam("cpu", FAULTS[fault].torch)
    seeded.prepare()
    train(tmp_path, seeded.seeded, steps=40)
    assert FOUND[fault] in told(tmp_path / "tables")[0]


@pytest.mark.parametrize("fault", ["duplicates-last", "epsilon-inside-root", "dense-update"])
def test_the_first_step_that_is_wrong_is_a_trace_of_a_row_that_shows_it(fault: str, tmp_path: Path) -> None:
    seeded = SeededSparseAdam("cpu", FAULTS[fault].torch)
    seeded.prepare()
    train(tmp_path / "run", seeded.seeded, steps=10)
    ran = lazyadam("judge", tmp_path / "run" / "tables", f"--out={tmp_path}")
    assert ran.returncode == 1
    path = tmp_path / "traces" / "recorded-training.float32.json"
    assert f"in that row: {path}" in ran.stdout
    case = trace.load(path)
    assert len(case.parameters[0].w) <= 2
    wrong, right = (Here(host).run([case]) for host in (seeded, SparseAdam("cpu")))
    spoken = SparseAdam.spoken, SparseAdam.arithmetic
    judgements = [step_by_step([case], seen, *spoken).worst[0] for seen in (wrong, right)]
    assert judgements[0] > 1 >= judgements[1]


@pytest.mark.parametrize(
    ("name", "make", "sparse"),
    [
        ("torch.SparseAdam", torch.optim.SparseAdam, True),
        ("torch.Adam.loop", torch.optim.Adam, False),
        ("torch.Adam.foreach", lambda p: torch.optim.Adam(p, foreach=True), False),
        ("torch.Adam.fused", lambda p: torch.optim.Adam(p, fused=True, weight_decay=0.1), False),
        ("torch.AdamW.loop", lambda p: torch.optim.AdamW(p, weight_decay=0.1), False),
        ("torch.AdamW.foreach", lambda p: torch.optim.AdamW(p, foreach=True, maximize=True), False),
        ("torch.Adam.amsgrad.loop", lambda p: torch.optim.Adam(p, amsgrad=True), False),
        ("torch.Adam.amsgrad.foreach", lambda p: torch.optim.Adam(p, amsgrad=True, foreach=True), False),
        (
            "torch.AdamW.amsgrad.fused",
            lambda p: torch.optim.AdamW(p, amsgrad=True, fused=True, weight_decay=0.1),
            False,
        ),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_optimizers_of_torch_are_right_in_a_training(
    name: str, make: Any, sparse: bool, dtype: torch.dtype, tmp_path: Path
) -> None:
    stepped(tmp_path, make, sparse, dtype)
    assert of_recording(header(tmp_path)).name == name
    assert told(tmp_path) == []


def test_decay_that_joins_the_gradient_is_told_from_decay_of_the_weights(tmp_path: Path) -> None:
    class Joins(torch.optim.AdamW):  # type: ignore[misc]
        def step(self, closure: Any = None) -> Any:
            self.param_groups[0]["decoupled_weight_decay"] = False
            return super().step(closure)

    Joins.step.__module__, Joins.step.__qualname__ = "torch.optim.adam", "Adam.step"
    stepped(tmp_path, lambda p: Joins(p, weight_decay=0.1), sparse=False)
    assert "weight_decay: coalesced" in told(tmp_path)[0]


def test_a_class_that_has_the_step_of_its_base_is_judged_as_that(tmp_path: Path) -> None:
    class Named(torch.optim.Adam):  # type: ignore[misc]
        pass

    stepped(tmp_path, Named, sparse=False)
    assert of_recording(header(tmp_path)).name == "torch.Adam.loop"
    assert told(tmp_path) == []


def test_an_optimizer_of_torch_that_is_none_of_these_is_not_judged(tmp_path: Path) -> None:
    stepped(tmp_path / "run", torch.optim.NAdam, sparse=False)
    ran = lazyadam("judge", tmp_path / "run", f"--out={tmp_path / 'out'}")
    assert ran.returncode == 2
    assert "NAdam is not judged: it is none of SparseAdam, Adam and AdamW" in ran.stderr
    assert not list((tmp_path / "out").iterdir())


def test_a_differentiable_step_is_judged_as_one_of_adam_and_of_adamw_not() -> None:
    name, options = "torch.optim.adam.Adam", {"differentiable": True}
    assert torch_recorded(name, options, "cpu") is AdamDifferentiable
    with pytest.raises(ValueError, match=r"torch.AdamW.differentiable is not judged"):
        torch_recorded(name, {**options, "decoupled_weight_decay": True}, "cpu")


def test_axes_are_for_an_optimizer_of_ones_own(tmp_path: Path) -> None:
    stepped(tmp_path / "run", torch.optim.SparseAdam)
    ran = lazyadam("judge", tmp_path / "run", "--axis=duplicates=first", f"--out={tmp_path}")
    assert ran.returncode == 2
    assert "torch.SparseAdam is held to its documentation; axes are for one's own" in ran.stderr


def test_steps_and_parameters_without_a_record_are_told(tmp_path: Path) -> None:
    stepped(tmp_path / "run", torch.optim.SparseAdam)
    files = sorted((tmp_path / "run" / "steps").iterdir())
    files[3].unlink()
    ran = lazyadam("judge", tmp_path / "run", f"--out={tmp_path}")
    assert "1 step without a record, the first 4" in ran.stdout
    files[1].replace(files[3])
    ran = lazyadam("judge", tmp_path / "run", f"--out={tmp_path}")
    assert ran.returncode == 2
    assert "000000004.safetensors: is step 2 by what it says" in ran.stderr

    p, q, late = (torch.ones(3, requires_grad=True) for _ in range(3))
    optimizer = torch.optim.Adam([p, q])
    with Recorder(optimizer, tmp_path / "other", {"mine": p, "left": q}, every=2):
        optimizer.add_param_group({"params": [late]})
        for _ in range(4):
            p.grad = late.grad = torch.ones(3)
            optimizer.step()
    ran = lazyadam("judge", tmp_path / "other", f"--out={tmp_path}")
    assert "2 steps, one in 2, of 2 parameters" in ran.stdout
    assert "never recorded: left" in ran.stdout
    assert "not recorded: parameters that were added later" in ran.stdout
    assert "✓ every recorded step is what it is held to" in ran.stdout


class Mine(torch.optim.Optimizer):  # type: ignore[misc]
    """Somebody's own, which keeps its moments under names of its own; ε inside the root."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, {"lr": 0.01, "betas": (0.9, 0.99), "eps": 1e-3})

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, closure: Any = None) -> Any:
        loss = closure() if closure else None
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(k=0, first=torch.zeros_like(p), second=torch.zeros_like(p))
                state["k"] += 1
                state["first"].mul_(beta1).add_(p.grad, alpha=1 - beta1)
                state["second"].mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                size = group["lr"] * (1 - beta2 ** state["k"]) ** 0.5 / (1 - beta1 ** state["k"])
                p.sub_(size * state["first"] / (state["second"] + group["eps"]).sqrt())
        return loss


def test_an_optimizer_of_ones_own_is_judged_by_what_it_is_meant_to_do(tmp_path: Path) -> None:
    stepped(tmp_path / "run", Mine, sparse=False, state_names=("k", "first", "second"))
    ran = lazyadam("judge", tmp_path / "run", f"--out={tmp_path}")
    assert ran.returncode == 1
    assert "epsilon: inside_root" in ran.stdout
    assert "nobody has read its source" in ran.stdout
    ran = lazyadam("judge", tmp_path / "run", "--axis=epsilon=inside-root", f"--out={tmp_path}")
    assert ran.returncode == 0, ran.stdout
    ran = lazyadam("judge", tmp_path / "run", "--axis=epsilon=inside_rot", f"--out={tmp_path}")
    assert ran.returncode == 2
    assert "did you mean inside_root" in ran.stderr


def test_a_gradient_is_recorded_as_it_came_and_not_as_the_step_leaves_it(tmp_path: Path) -> None:
    class Doubles(torch.optim.Adam):  # type: ignore[misc]
        def step(self, closure: Any = None) -> Any:
            for p in self.param_groups[0]["params"]:
                if p.grad is not None:
                    p.grad.mul_(2)
            return super().step(closure)

    stepped(tmp_path, Doubles, sparse=False)
    assert told(tmp_path)[0].startswith("✗ not what it is held to: w, m, v in 6 steps, from step 1 on")


def test_a_row_beside_the_gradient_that_moves_is_seen(tmp_path: Path) -> None:
    class Strays(torch.optim.SparseAdam):  # type: ignore[misc]
        def step(self, closure: Any = None) -> Any:
            loss = super().step(closure)
            with torch.no_grad():
                self.param_groups[0]["params"][0][8] += 1e-3
            return loss

    torch.optim.SparseAdam([torch.ones(2, 2, requires_grad=True)])  # from here on its step has hooks, too
    found = stepped(tmp_path, Strays, watched=200)
    assert [step.number for step in found] == [*range(1, 7)]
    assert "w[8, " in " ".join(told(tmp_path))


def test_what_changes_between_steps_is_told(tmp_path: Path) -> None:
    """Weights that are clamped from outside, a state that is loaded: no step of the optimizer is wrong."""
    p = torch.ones(4, requires_grad=True)
    optimizer = torch.optim.Adam([p])
    with Recorder(optimizer, tmp_path / "run", {"mine": p}):
        for number in range(1, 6):
            p.grad = torch.ones(4)
            optimizer.step()
            saved = optimizer.state_dict() if number == 2 else None
            if saved:
                saved["state"][0]["step"] = torch.tensor(40.0)
                optimizer.load_state_dict(saved)
            if number == 4:
                p.data.clamp_(max=0.9)
    ran = lazyadam("judge", tmp_path / "run", f"--out={tmp_path}")
    assert ran.returncode == 0, ran.stdout
    assert "mine: step count was changed by somebody else, first before step 3" in ran.stdout
    assert "mine: w is not what the last step left that recorded the row: first before step 5" in ran.stdout
    assert "m is not what" not in ran.stdout


def test_what_a_training_does_that_no_step_is_wrong_for_is_told(tmp_path: Path) -> None:
    """A gradient that is stepped on twice, a β that changes, updates that bfloat16 does not hold."""
    p, q = torch.ones(4, requires_grad=True), torch.ones(4, dtype=torch.bfloat16, requires_grad=True)
    optimizer = torch.optim.Adam([{"params": [p]}, {"params": [q], "lr": 1e-5}])
    with Recorder(optimizer, tmp_path / "run" / "tower", {"mine": p, "small": q}):
        for number in range(1, 5):
            p.grad, q.grad = torch.full((4,), float(max(2, number))), torch.ones(4, dtype=torch.bfloat16)
            if number == 3:
                optimizer.param_groups[0]["betas"] = (0.5, 0.999)
            optimizer.step()
    ran = lazyadam("judge", tmp_path / "run" / "tower", f"--out={tmp_path}")
    assert ran.returncode == 0, ran.stdout
    for line in (
        "mine: its gradient is that of the step before in 1",
        "small: w stays as it is in 100% of the updated elements",
        "beta1 has several values: 0.9, 0.5",
    ):
        assert line in ran.stdout
    assert "mine: w stays" not in ran.stdout
    ran = lazyadam("judge", tmp_path / "run", f"--out={tmp_path}")
    assert ran.returncode == 2
    assert "it has no recording.json; in it are tower" in ran.stderr
