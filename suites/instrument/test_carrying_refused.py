"""Checkpoints that do not carry, or are spoilt: one line and no file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lazyadam.suites.instrument.carried import trained
from lazyadam.suites.instrument.published import lazyadam


def first(saved: dict[str, Any]) -> dict[str, Any]:
    """The state of the first table."""
    state: dict[str, Any] = saved["optimizers"]["tables"]["state"][0]
    return state


def group(saved: dict[str, Any], name: str) -> dict[str, Any]:
    """The first group of an optimizer."""
    found: dict[str, Any] = saved["optimizers"][name]["param_groups"][0]
    return found


def _set(state: dict[str, Any], **values: Any) -> None:
    state.update(values)


SPOILT: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a missing moment": (lambda s: first(s).pop("exp_avg_sq"), "tables: user.weight has no exp_avg_sq"),
    "another shape": (
        lambda s: _set(first(s), exp_avg=torch.zeros(40, 3)),
        "m has the shape [40, 3], w [40, 4]",
    ),
    "another type": (
        lambda s: _set(first(s), exp_avg=torch.zeros(40, 4).double()),
        "m is float64, w float32",
    ),
    "a NaN": (lambda s: first(s)["exp_avg_sq"].view(-1)[3:4].fill_(float("nan")), "user.weight: v has NaN"),
    "an infinite weight": (lambda s: s["model"]["user.weight"][0].fill_(float("inf")), "w has infinities"),
    "a negative v": (lambda s: first(s)["exp_avg_sq"][0].fill_(-1), "user.weight: v is negative"),
    "moments without a step": (lambda s: _set(first(s), step=0), "step 0, but its moments are there"),
    "the state of SGD": (
        lambda s: s["optimizers"]["tables"]["state"].update({0: {"momentum_buffer": torch.zeros(40, 4)}}),
        "user.weight has no step, exp_avg, exp_avg_sq",
    ),
    "a name twice": (
        lambda s: group(s, "tables").update(param_names=["user.weight"] * 2),
        "user.weight is there twice",
    ),
    "a name that is not there": (
        lambda s: group(s, "tables").update(param_names=["usr.weight", "item.weight"]),
        "the model has no usr.weight",
    ),
    "amsgrad": (lambda s: group(s, "tower").update(amsgrad=True), "tower: amsgrad"),
    "a group's own β": (
        lambda s: group(s, "tower").update(betas=(0.8, 0.9)),
        "tower: beta1 differs between groups",
    ),
    "step counts": (
        lambda s: _set(first(s), step=3),
        "with 7 user.weight after 3 steps: its next step would be 15% off; --one-step-count takes it",
    ),
    "an optimizer named as the rest": (
        lambda s: s["optimizers"].update(rest=s["optimizers"].pop("tower")),
        "'rest' is none, or that of the rest",
    ),
    "an optimizer named as a path": (
        lambda s: s["optimizers"].update({"../tower": s["optimizers"].pop("tower")}),
        "'../tower' is none",
    ),
    "no optimizer": (lambda s: s.pop("optimizers"), "optimizers is no dictionary of state_dicts"),
    "no model": (lambda s: s.pop("model"), 'no {"model": …'),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_checkpoint_that_does_not_carry_is_a_line_and_no_file(kind: str, tmp_path: Path) -> None:
    saved = trained(tmp_path / "run.pt")
    spoil, words = SPOILT[kind]
    spoil(saved)
    torch.save(saved, tmp_path / "run.pt")
    ran = lazyadam("carry", tmp_path / "run.pt", f"--out={tmp_path / 'there'}")
    assert ran.returncode == 2, ran.stdout
    (line,) = ran.stderr.splitlines()
    assert words in line
    assert not (tmp_path / "there").exists()


def test_files_that_are_cut_are_lines_and_no_file(tmp_path: Path) -> None:
    trained(tmp_path / "run.pt")
    assert lazyadam("carry", tmp_path / "run.pt", f"--out={tmp_path / 'there'}").returncode == 0
    for source, file, words in (
        (tmp_path / "run.pt", tmp_path / "run.pt", "torch can't load it"),
        (tmp_path / "there", tmp_path / "there" / "tower.ckpt", "MindSpore can't load it"),
        (tmp_path / "there", tmp_path / "there" / "carried.json", "carried.json: "),
    ):
        file.write_bytes(file.read_bytes()[:-40])
        ran = lazyadam("carry", source, f"--out={tmp_path / 'other'}")
        assert ran.returncode == 2
        assert words in ran.stderr.splitlines()[-1]
        assert not (tmp_path / "other").exists()


def test_one_step_count_is_taken_where_that_is_asked_with_what_it_makes(tmp_path: Path) -> None:
    saved = trained(tmp_path / "run.pt")
    first(saved)["step"] = 3
    torch.save(saved, tmp_path / "run.pt")
    ran = lazyadam("carry", tmp_path / "run.pt", "--one-step-count", f"--out={tmp_path / 'there'}")
    assert ran.returncode == 0, ran.stderr
    assert "user.weight after 3 steps: its next step would be 15% off" in ran.stdout
