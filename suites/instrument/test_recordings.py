"""Recorded trainings: what is recorded is what happened; a folder that is spoilt or killed is no trap."""

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

from lazyadam.suites.backends.torch.recorder import Recorder
from lazyadam.suites.cases.recording import RecordingError, header
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.instrument.recorded import recorded, stepped, told

torch.set_num_threads(1)


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


def test_what_wraps_an_optimizer_is_refused_in_a_line(tmp_path: Path) -> None:
    class Lookahead:
        param_groups: tuple[Any, ...] = ()

    with pytest.raises(RecordingError, match=r"Lookahead is no torch.optim.Optimizer; record the one"):
        Recorder(Lookahead(), tmp_path)


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


def test_subnormals_may_be_zero_where_the_process_was_told_to_flush_them(tmp_path: Path) -> None:
    """And a training that was not, in which they are, is wrong."""
    torch.set_flush_denormal(True)
    try:
        p = torch.zeros(64, 4, requires_grad=True)
        optimizer = torch.optim.Adam([p], lr=1.0, eps=1e-30)
        with Recorder(optimizer, tmp_path / "run"):
            p.grad = torch.logspace(-22, -19, 256).reshape(64, 4)
            optimizer.step()
    finally:
        torch.set_flush_denormal(False)
    assert told(tmp_path / "run") == []
    path = tmp_path / "run" / "recording.json"
    path.write_text(path.read_text().replace('"flush_denormal": true', '"flush_denormal": null'))
    assert "subnormals: varies" in told(tmp_path / "run")[0]
