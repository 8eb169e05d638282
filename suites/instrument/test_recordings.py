"""Recorded trainings: what is recorded is what happened, and judged it is found right, or where it is not."""

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pytest
import torch

from lazyadam.reports.tables import read, records
from lazyadam.suites.backends.recorded import of_recording
from lazyadam.suites.backends.torch.backends import SparseAdam
from lazyadam.suites.backends.torch.recommend import train
from lazyadam.suites.backends.torch.recorder import Recorder
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.recording import Recorded, RecordingError, header, steps
from lazyadam.suites.detection.faults import FAULTS
from lazyadam.suites.detection.hosts.torch_host import SeededSparseAdam
from lazyadam.suites.detection.kill import Here
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.judge.step_by_step import step_by_step
from lazyadam.suites.recordings.cases import by_type
from lazyadam.suites.recordings.judging import judged

torch.set_num_threads(1)


def recorded(folder: Path) -> list[Recorded]:
    return list(steps(folder, header(folder)))


def told(folder: Path) -> list[str]:
    """What is said against a recording; nothing where every step is right."""
    of = header(folder)
    backend = of_recording(of)
    parts = by_type(of, steps(folder, of))
    return [line for dtype, part in parts.items() for line in judged(backend, of, dtype, part)[1]]


def stepped(
    folder: Path,
    make: Callable[[list[torch.Tensor]], torch.optim.Optimizer],
    sparse: bool = True,
    dtype: torch.dtype = torch.float32,
    count: int = 6,
    **options: Any,
) -> list[Recorded]:
    """Some steps of an optimizer of two parameters, of which the second has no gradient in step 3."""
    torch.manual_seed(1)
    parameters = [torch.randn(9, 4).to(dtype).requires_grad_(), torch.randn(5, 2).to(dtype).requires_grad_()]
    optimizer = make(parameters)
    with Recorder(optimizer, folder, **options):
        for number in range(1, count + 1):
            for p in parameters:
                rows = torch.randint(len(p), (6,))
                values = torch.randn(6, p.shape[1]).to(dtype)
                given = torch.sparse_coo_tensor(rows[None], values, p.shape)
                p.grad = given if sparse else given.to_dense()
            if number == 3:
                parameters[1].grad = None
            optimizer.step()
    return recorded(folder)


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


def test_what_is_recorded_is_what_the_optimizer_was_given_and_made_of_it(tmp_path: Path) -> None:
    found = stepped(tmp_path, lambda p: torch.optim.SparseAdam(p, lr=0.1))
    assert [(s.number, [x.parameter for x in s.taken]) for s in found] == [
        (number, [0] if number == 3 else [0, 1]) for number in range(1, 7)
    ]
    assert [x.t for s in found for x in s.taken if x.parameter == 1] == [(k, k + 1) for k in range(5)]
    first = found[0].taken[0]
    assert first.gradient is not None
    assert first.gradient.rows is not None
    assert (first.occurrences, len(first.gradient.rows)) == (6, 6)
    assert first.distinct == len(np.unique(first.gradient.rows))
    for before, after in pairwise(found):  # all nine rows are recorded in every step
        if len(after.taken[0].rows) == len(before.taken[0].rows) == 9:
            np.testing.assert_array_equal(before.taken[0].after, after.taken[0].before)
    assert told(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "make", "sparse"),
    [
        ("torch.SparseAdam", torch.optim.SparseAdam, True),
        ("torch.Adam.loop", torch.optim.Adam, False),
        ("torch.Adam.foreach", lambda p: torch.optim.Adam(p, foreach=True), False),
        ("torch.Adam.fused", lambda p: torch.optim.Adam(p, fused=True, weight_decay=0.1), False),
        ("torch.AdamW.loop", lambda p: torch.optim.AdamW(p, weight_decay=0.1), False),
        ("torch.AdamW.foreach", lambda p: torch.optim.AdamW(p, foreach=True, maximize=True), False),
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


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: torch.optim.Adam(p, amsgrad=True), "AMSGrad is not judged"),
        (
            torch.optim.NAdam,
            "torch.optim.nadam.NAdam is not judged: it is none of SparseAdam, Adam and AdamW",
        ),
    ],
)
def test_an_optimizer_of_torch_that_is_none_of_these_is_not_judged(
    make: Any, words: str, tmp_path: Path
) -> None:
    stepped(tmp_path / "run", make, sparse=False)
    ran = lazyadam("judge", tmp_path / "run", f"--out={tmp_path / 'out'}")
    assert ran.returncode == 2
    assert words in ran.stderr
    assert not list((tmp_path / "out").iterdir())


def test_axes_are_for_an_optimizer_of_ones_own(tmp_path: Path) -> None:
    stepped(tmp_path / "run", torch.optim.SparseAdam)
    ran = lazyadam("judge", tmp_path / "run", "--axis=duplicates=first", f"--out={tmp_path}")
    assert ran.returncode == 2
    assert "torch.SparseAdam is held to its documentation; axes are for one's own" in ran.stderr


def test_what_wraps_an_optimizer_is_refused_in_a_line(tmp_path: Path) -> None:
    class Lookahead:
        param_groups: tuple[Any, ...] = ()

    with pytest.raises(RecordingError, match=r"Lookahead is no torch.optim.Optimizer; record the one"):
        Recorder(Lookahead(), tmp_path)


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


def test_gradients_that_a_closure_sets_are_those_that_are_recorded(tmp_path: Path) -> None:
    p = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.Adam([p])

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    for given in ((closure,), ()):
        with Recorder(optimizer, tmp_path / str(len(given))):
            loss = optimizer.step(*given) if given else optimizer.step(closure=closure)
        assert float(loss.detach()) > 0
        (step,) = recorded(tmp_path / str(len(given)))
        (taken,) = step.taken
        assert taken.gradient is not None
        np.testing.assert_array_equal(taken.gradient.values, 2 * taken.before[0])
        assert told(tmp_path / str(len(given))) == []


@pytest.mark.parametrize("fused", [False, True])
def test_steps_through_a_loss_scaler_are_recorded_unscaled_and_skipped_ones_are_not(
    fused: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    p = torch.ones(3, requires_grad=True)
    optimizer, scaler = torch.optim.Adam([p], fused=fused), torch.amp.GradScaler("cpu", init_scale=2.0**10)
    with Recorder(optimizer, tmp_path):
        for gradient in (1.0, float("inf"), 3.0):
            optimizer.zero_grad()
            scaler.scale((gradient * p).sum()).backward()
            scaler.step(optimizer)
            scaler.update()
    found = [step.taken[0] for step in recorded(tmp_path)]
    assert [x.gradient.values.tolist() for x in found if x.gradient] == [[1.0] * 3, [3.0] * 3]
    assert [x.t for x in found] == [(0, 1), (1, 2)]
    assert told(tmp_path) == []
    assert ("steps that a loss scaler skips" in capsys.readouterr().err) == fused


def test_a_window_of_steps_and_some_of_the_rows_are_recorded_where_that_is_asked(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"first": 2, "every": 3, "steps": 2, "rows": 2, "watched": 1}
    found = stepped(tmp_path, torch.optim.SparseAdam, count=10, **asked)
    assert [step.number for step in found] == [2, 5]
    for taken in (x for step in found for x in step.taken):
        assert len(taken.rows) <= 3
        assert taken.occurrences == 6
        assert taken.gradient is not None
        assert set(np.asarray(taken.gradient.rows)) <= set(range(len(taken.rows)))
    assert told(tmp_path) == []


def test_a_row_beside_the_gradient_that_moves_is_seen(tmp_path: Path) -> None:
    class Strays(torch.optim.SparseAdam):  # type: ignore[misc]
        def step(self, closure: Any = None) -> Any:
            loss = super().step(closure)
            with torch.no_grad():
                self.param_groups[0]["params"][0][8] += 1e-3
            return loss

    Strays.__module__, Strays.__qualname__ = "torch.optim.sparse_adam", "SparseAdam"
    stepped(tmp_path, Strays, watched=200)
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
    assert "mine: step count was changed by somebody else before 1 step, the first 3" in ran.stdout
    assert "mine: w was changed by somebody else before 1 step, the first 5" in ran.stdout
    assert "m was changed" not in ran.stdout


def test_what_cannot_be_recorded_is_said_once_and_the_rest_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    p, q = torch.ones(3, requires_grad=True), torch.ones(2, dtype=torch.complex64, requires_grad=True)
    optimizer = torch.optim.Adam([p, q])
    with Recorder(optimizer, tmp_path, {"mine": p}):
        for _ in range(2):
            p.grad, q.grad = torch.ones(3), torch.ones(2, dtype=torch.complex64)
            optimizer.step()
    assert capsys.readouterr().err == "lazyadam: not recorded: parameters of torch.complex64\n"
    assert [x.parameter for step in recorded(tmp_path) for x in step.taken] == [0, 0]
    assert header(tmp_path).parameters[0].name == "mine"


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "no header": (lambda f: (f / "recording.json").unlink(), "no recording: it has no recording.json"),
    "another version": (
        lambda f: _edit(f, '"format_version": 1', '"format_version": 9'),
        "version 9; this suite reads 1",
    ),
    "a word too many": (lambda f: _edit(f, '"device"', '"devise"'), "devise"),
    "no JSON": (lambda f: (f / "recording.json").write_text("{"), "recording.json: Invalid JSON"),
    "a cut step": (lambda f: _cut(_last(f)), ".safetensors: "),
    "another file": (lambda f: _last(f).write_text("hello"), ".safetensors: "),
    "fewer parameters": (
        lambda f: _edit(f, '"shape": [\n    9,', '"shape": [\n    3,'),
        "of a table of 3",
    ),
}


def _edit(folder: Path, old: str, new: str) -> None:
    text = (folder / "recording.json").read_text()
    assert old in text
    (folder / "recording.json").write_text(text.replace(old, new))


def _last(folder: Path) -> Path:
    return max((folder / "steps").glob("*.safetensors"))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize("kind", SPOILT)
def test_a_recording_that_is_spoilt_is_a_line(kind: str, tmp_path: Path) -> None:
    stepped(tmp_path / "run", torch.optim.SparseAdam)
    spoil, words = SPOILT[kind]
    spoil(tmp_path / "run")
    ran = lazyadam("judge", tmp_path / "run", f"--out={tmp_path / 'out'}")
    assert ran.returncode == 2, ran.stdout
    (line,) = ran.stderr.splitlines()
    assert words in line
    assert not list((tmp_path / "out").iterdir())


def test_a_folder_that_has_a_recording_takes_no_other(tmp_path: Path) -> None:
    stepped(tmp_path, torch.optim.SparseAdam)
    with pytest.raises(RecordingError, match="has a recording already"):
        stepped(tmp_path, torch.optim.SparseAdam)


KILLED = """
import sys, torch
from pathlib import Path
from lazyadam.suites.backends.torch.backends import SparseAdam
from lazyadam.suites.backends.torch.recommend import train
torch.set_num_threads(1)
print("begun", flush=True)
train(Path(sys.argv[1]), steps=100_000)
"""


@pytest.mark.parametrize("time", [0, pytest.param(1, marks=pytest.mark.slow, id="twenty times")])
def test_a_training_that_is_killed_leaves_a_recording_up_to_a_step(time: int, tmp_path: Path) -> None:
    random = np.random.default_rng(time)
    for number in range(20 if time else 1):
        folder = tmp_path / str(number)
        with subprocess.Popen([sys.executable, "-c", KILLED, folder], stdout=subprocess.PIPE) as training:
            assert training.stdout is not None
            training.stdout.readline()
            while not list(folder.glob("tables/steps/*.safetensors")):
                sleep(0.01)
            sleep(0.2 * random.random())
            training.kill()
        for part in ("tables", "tower"):
            found = recorded(folder / part)
            assert [step.number for step in found] == [*range(1, len(found) + 1)]
            assert not time or told(folder / part) == []
        assert found


def shares(folder: Path) -> dict[tuple[str, str, str, int], float]:
    """moved.csv: by parameter, part, by whom, and steps."""
    return {
        (row["parameter"], row["part"], row["by"], row["steps"]): row["share"]
        for row in records(read("moved", folder))
    }


def test_a_training_is_moved_to_another_dialect_each_axis_apart(tmp_path: Path) -> None:
    train(tmp_path, steps=20)
    asked = ("--axis=duplicates=last", "--axis=epsilon=inside_root")
    ran = lazyadam("move", tmp_path / "tables", *asked, f"--out={tmp_path}")
    assert ran.returncode == 0, ran.stderr
    found = shares(tmp_path)
    parts = {part for _, part, _, _ in found}
    assert parts == {"duplicates: last", "epsilon: inside_root", "all of it"}
    assert {steps for *_, steps in found} == {1, 10, 20}
    # Of 64 ids of 20 shops most are repeated, of 2,000 users few: the share grows with the repeats.
    assert found["shop.weight", "duplicates: last", "reference", 20] > 0.1
    ran = lazyadam("move", tmp_path / "tables", f"--out={tmp_path}")
    assert ran.returncode == 0, ran.stderr
    assert set(shares(tmp_path).values()) == {0.0}  # SparseAdam speaks LazyAdam


def test_a_backend_itself_says_what_the_reference_says_of_it(tmp_path: Path) -> None:
    """SparseAdam's own training through SparseAdam is what was recorded, to the bit; Adam's through Adam."""
    train(tmp_path, steps=12)
    for part, to in (("tables", "torch.SparseAdam"), ("tower", "torch.Adam.loop")):
        ran = lazyadam("move", tmp_path / part, f"--to={to}", f"--out={tmp_path}")
        assert ran.returncode == 0, ran.stderr
        assert {x for (*_, by, _), x in shares(tmp_path).items() if by == "backend"} == {0.0}
    mindspore = "mindspore.LazyAdam.default.graph"
    ran = lazyadam("move", tmp_path / "tables", f"--to={mindspore}", f"--out={tmp_path}")
    assert ran.returncode == 0, ran.stderr
    found = shares(tmp_path)
    for (name, part, by, count), share in found.items():
        if (part, by) == ("all of it", "backend"):
            said = found[name, part, "reference", count]
            assert share == pytest.approx(said, rel=0.05, abs=1e-4), (name, count)
    assert found["shop.weight", "all of it", "backend", 12] > 0.1
    assert "nothing of it with mindspore.LazyAdam.target_cpu.graph" in ran.stdout
    assert "no part of it here: step count, subnormals, weight decay" in ran.stdout


def test_what_is_recorded_in_part_is_left_out_of_a_move_or_refused(tmp_path: Path) -> None:
    stepped(tmp_path / "apart", torch.optim.SparseAdam, every=2)
    ran = lazyadam("move", tmp_path / "apart", f"--out={tmp_path}")
    assert ran.returncode == 2
    assert "every step has to be recorded" in ran.stderr
    stepped(tmp_path / "some", torch.optim.SparseAdam, rows=2, watched=2, count=12)
    ran = lazyadam("move", tmp_path / "some", f"--out={tmp_path}")
    assert ran.returncode == 0, ran.stderr
    assert "recorded in part" in ran.stdout


def test_two_backends_are_compared_on_ids_with_gradients_that_are_made_up(tmp_path: Path) -> None:
    """On ids that never repeat nothing is apart; else LazyAdam's default target is, by its duplicates."""
    pair = ("pair", "torch.sparse", "mindspore.lazyadam.default.graph")
    for name, ids in (("once", "1,4\n2,5\n3,6\n"), ("twice", "1,4\n1, 5\n3\n")):
        (tmp_path / f"{name}.csv").write_text(ids)
        ran = lazyadam(*pair, f"--ids={tmp_path / name}.csv", "--steps=20", "--lr=0.01")
        assert ran.returncode == 0, ran.stderr
        assert "**The gradients are made up**" in ran.stdout
        assert f"of which {'50%' if name == 'twice' else '0'} repeat some, for 20 steps" in ran.stdout
        assert ("| duplicates: scattered |" in ran.stdout) == (name == "twice")
        assert ("| all of it | 0 | 0 | 0 |" in ran.stdout) == (name == "once")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n", "no ids in columns"),
        ("1.5\n", "whole numbers"),
        ("-1\n", "whole numbers"),
        ("", "no ids in col"),
    ],
)
def test_ids_that_are_none_are_a_line(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_text(text)
    ran = lazyadam("pair", "torch.sparse", "torch.Adam.loop", f"--ids={tmp_path / 'ids.csv'}")
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert words in line


IN_MINDSPORE = """
import sys

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn

from lazyadam.suites.backends.mindspore.recorder import RecordingStep

ms.set_context(mode=ms.GRAPH_MODE)


class Loss(nn.Cell):
    def __init__(self, user, item, tower):
        super().__init__()
        self.user, self.item, self.tower = user, item, tower

    def construct(self, i, j, factors):
        return (self.tower(self.user(i) + self.item(j)) * factors).sum()


folder, target = sys.argv[1:]
layers = [nn.EmbeddingLookup(rows, 4, target="CPU", sparse=True) for rows in (20, 6)]
loss = Loss(*layers, nn.Dense(4, 4))
optimizer = nn.LazyAdam(loss.trainable_params(), learning_rate=[0.01 * (k + 1) for k in range(12)])
if target == "CPU":
    optimizer.target = "CPU"
step = RecordingStep(loss, optimizer, folder, first=2)
rng = np.random.default_rng(0)
for k in range(12):
    ids = (Tensor(rng.integers(rows, size=8).astype(np.int32)) for rows in (20, 6))
    step(*ids, Tensor(rng.standard_normal((8, 4)).astype(np.float32)))
"""


@pytest.mark.parametrize(
    ("target", "documented"), [("default", "duplicates: scattered; epsilon: beside_root"), ("CPU", "epsilon")]
)
def test_a_training_in_mindspore_is_recorded_in_its_compiled_step(
    target: str, documented: str, tmp_path: Path
) -> None:
    """Tables by their rows, a dense layer beside them, from the second step on; what it speaks is known."""
    (tmp_path / "train.py").write_text(IN_MINDSPORE)
    command = [sys.executable, str(tmp_path / "train.py"), str(tmp_path / "run"), target]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    found = recorded(tmp_path / "run")
    assert [step.number for step in found] == [*range(2, 13)]
    assert [x.t for x in found[0].taken] == [(1, 2)] * 4
    assert [x.gradient.rows is None for x in found[0].taken if x.gradient] == [False, False, True, True]
    assert [round(step.taken[0].hyperparameters.lr, 6) for step in found[:2]] == [0.02, 0.03]
    ran = lazyadam("judge", tmp_path / "run", f"--out={tmp_path}")
    assert ran.returncode == 0, ran.stdout
    assert f"against documented: diverges ({documented}" in ran.stdout
    assert "against explained: conforms" in ran.stdout
