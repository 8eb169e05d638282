"""Recordings as trace files and back: the same training, bit for bit."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lazyadam.suites.cases import trace
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.instrument.recorded import recorded, stepped, told


@pytest.mark.slow
def test_a_recording_is_the_traces_that_a_backend_makes_the_same_recording_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a step that the second parameter sits out."""
    monkeypatch.chdir(tmp_path)
    found = stepped(tmp_path / "run", lambda p: torch.optim.SparseAdam(p, lr=0.1))
    made = lazyadam("convert", "run", "--out", "traces")
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines() == [
        "traces/0.json: 6 steps of 9 rows",
        "traces/1.json: 6 steps of 5 rows",
    ]
    for number in range(2):
        again = tmp_path / f"again{number}"
        arguments = f"traces/{number}.json", "--by", "torch.SparseAdam", "--out", again.name
        ran = lazyadam("convert", *arguments)
        assert ran.returncode == 0, ran.stderr
        assert told(again) == []
        (last,) = recorded(again)[-1].taken
        was = next(x for x in found[-1].taken if x.parameter == number)
        assert last.t == was.t
        for now, before in zip(last.after, was.after, strict=True):
            np.testing.assert_array_equal(now[was.rows], before)


def test_rows_that_are_recorded_in_part_are_left_out_of_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stepped(tmp_path / "run", lambda p: torch.optim.SparseAdam(p, lr=0.1), rows=4, watched=0)
    made = lazyadam("convert", "run", "--out", "traces")
    assert made.returncode == 0, made.stderr
    assert "recorded in part left out" in made.stdout
    for line in made.stdout.splitlines():
        path, _, told = line.partition(": ")
        rows = int(told.split(" of ")[1].split()[0])
        assert 0 < len(trace.load(Path(path)).parameters[0].w) == rows < 9


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("every2",), "every step has to be recorded"),
        (("nowhere", "--by", "torch.SparseAdam"), "nowhere: cannot be read"),
        (("run",), "is 12,582,912 numbers; a trace has 1,048,576 at most"),
        (("run", "--by", "torch.SparseAdam"), "goes with a trace, and run is a folder"),
        (("trace.json",), "is needed: which backend is to take the trace"),
        (("trace.json", "--by", "torch.SparseAda"), "torch.SparseAdam"),
        (("trace.json", "--by", "torch.SparseAdam"), "torch.SparseAdam refuses it"),
        (("run/recording.json", "--by", "torch.SparseAdam"), "recording.json"),
    ],
    ids=str,
)
def test_what_cannot_be_converted_is_a_line_and_no_file(
    arguments: tuple[str, ...], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stepped(tmp_path / "every2", lambda p: torch.optim.SparseAdam(p, lr=0.1), every=2)
    stepped(tmp_path / "dense", lambda p: torch.optim.Adam(p, lr=0.1), sparse=False)
    assert lazyadam("convert", "dense", "--out", ".").returncode == 0
    (tmp_path / "0.json").rename(tmp_path / "trace.json")
    if arguments == ("run",):
        from lazyadam.suites.backends.torch.recorder import Recorder

        p = torch.zeros(2**20, 3, requires_grad=True)
        optimizer = torch.optim.Adam([p])
        with Recorder(optimizer, tmp_path / "run", rows=2**20):
            p.grad = torch.ones_like(p)
            optimizer.step()
    else:
        stepped(tmp_path / "run", lambda p: torch.optim.SparseAdam(p, lr=0.1))
    ran = lazyadam("convert", *arguments, "--out", "new")
    assert ran.returncode == 2
    assert words in " ".join(ran.stderr.split())
    assert not list((tmp_path / "new").rglob("*.*"))
