"""Recording a device: parts that are not done twice, and where two devices agree to the bit."""

import json
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import typer

from lazyadam.reports import devices
from lazyadam.reports.schema.versions import BITS
from lazyadam.reports.tables import frame, read, records, write
from lazyadam.reports.vocabulary import Alike
from lazyadam.suites.cases.case import Failure, Trajectory
from lazyadam.suites.commands.app import card
from lazyadam.suites.commands.recording import DONE, run
from lazyadam.suites.conformance.bits import bits
from lazyadam.suites.instrument.published import RUN, lazyadam
from lazyadam.suites.run.machine import CARDS

PARTS = {"one": ["list", "axes"], "two": ["list", "profiles"]}


def test_a_part_is_done_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(PARTS, tmp_path, None) == 0
    assert capfd.readouterr().err.count(": lazyadam list") == 2
    assert run(PARTS, tmp_path, None) == 0
    assert capfd.readouterr().err.count(": done before, in ") == 2


def test_what_was_done_before_it_was_ended_is_not_done_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(PARTS, tmp_path, 0) == 75
    assert not (tmp_path / DONE).exists()
    failing = PARTS | {"three": ["list", "nothing"]}
    assert run(failing, tmp_path, None) == 2
    assert [*json.loads((tmp_path / DONE).read_text())["done"]] == ["one", "two"]
    capfd.readouterr()
    assert run(failing, tmp_path, None) == 2
    assert capfd.readouterr().err.count(": done before, in ") == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"parts": {}}', '{"parts": {}, "done": {"one": 3}}'])
def test_a_record_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / DONE).write_text(text)
    with pytest.raises(typer.TyperException, match="is no record of what was done"):
        run(PARTS, tmp_path, None)


def test_another_recording_is_not_gone_on_with(tmp_path: Path) -> None:
    run(PARTS, tmp_path, None)
    with pytest.raises(typer.TyperException, match="is of another recording"):
        run({"one": ["list", "pins"]}, tmp_path, None)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("cpu,cpu", "one device, or two that differ"),
        ("cpu,tpu", "'tpu'"),
        ("cpu,gpu,ascend", "one device, or two"),
    ],
)
def test_devices_that_can_not_be_recorded_are_a_line(typed: str, told: str, tmp_path: Path) -> None:
    ran = lazyadam("record", "torch.SparseAdam", "--device", typed, "--out", tmp_path)
    assert (ran.returncode, told in ran.stderr, len(ran.stderr.splitlines())) == (2, True, 1)


@pytest.mark.slow
def test_a_device_that_is_not_there_is_125_with_its_reason(tmp_path: Path) -> None:
    ran = lazyadam("record", "mindspore.LazyAdam.default.graph", "--device", "ascend", "--out", tmp_path)
    assert ran.returncode == 125
    assert "not run (mindspore has no device ascend" in ran.stdout + ran.stderr
    assert not (tmp_path / DONE).exists()


def test_a_card_is_the_only_one_that_a_run_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CARDS, "4,2")
    assert (card("gpu"), card("GPU:1")) == ("gpu", "GPU")
    monkeypatch.delenv(CARDS)
    assert card("cuda:3") == "cuda"
    monkeypatch.setenv(CARDS, "4,2")
    for wrong in ("gpu:2", "gpu:", "gpu:x", "cpu:0"):
        with pytest.raises(typer.BadParameter):
            card(wrong)


def trajectory(w: list[float], failure: Failure | None = None) -> Trajectory:
    x = np.array([[w]])
    return Trajectory([x], [x], [x], np.array([[1]]), failure=failure)


def test_bits_are_the_same_where_every_bit_is_and_any_two_nan() -> None:
    ours = bits([trajectory([0.0, np.nan])])
    assert ours == bits([trajectory([0.0, -np.nan])])
    others = [trajectory([-0.0, np.nan]), trajectory([5e-324, np.nan]), trajectory([0.0, 1.0])]
    failed = trajectory([0.0, np.nan], Failure("refuses", 2, "why"))
    counted = replace(trajectory([0.0, np.nan]), t=np.array([[2]]))
    assert len({ours, *(bits([x]) for x in (*others, failed, counted))}) == 6
    assert bits([replace(trajectory([]), t=np.zeros((0, 1), int))]) == ""


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """A run twice, each with what came out."""
    tried = read("verdicts", RUN).drop_duplicates(["backend", "dtype", "clause"])
    rows = records(tried.assign(bits="abcdefabcdef")[[*BITS.names]])
    for name in ("left", "right"):
        copytree(RUN, tmp_path / name)
        write(frame("bits", rows), tmp_path / name / "bits.csv")
    return tmp_path / "left", tmp_path / "right"


def test_two_runs_are_alike_to_the_bit_within_the_bound_or_apart(two: tuple[Path, Path]) -> None:
    left, right = two
    assert set(devices.beside(left, right)["alike"]) == {Alike.BITS}
    table = read("bits", right)
    apart = (table["backend"] == "torch.Adam.loop") & (table["clause"] == "shapes")
    verdicts = table["verdict"].mask(apart, "diverges")
    write(table.assign(bits="0123456789ab", verdict=verdicts), right / "bits.csv")
    rows = devices.beside(left, right)
    loop = rows[rows["backend"] == "torch.Adam.loop"]
    assert set(loop["clause"][loop["alike"] == Alike.APART]) == {"shapes"}
    assert set(loop["alike"][loop["clause"] == "update-rule"]) == {Alike.BOUND}
    assert Alike.NEITHER in set(rows["alike"])
    assert "- torch.Adam.loop, shapes: apart in bfloat16, float16, float32, float64" in devices.told(rows)
    ran = lazyadam("devices", left, right, "--out", right)
    assert ran.returncode == 0
    assert len(read("devices", right)) == len(rows)
