"""Recorded trainings, moved: through another backend or dialect, each axis apart; or on ids alone."""

from pathlib import Path
from typing import Any

import pytest
import torch

from lazyadam.reports.tables import read, records
from lazyadam.suites.backends.torch.recommend import train
from lazyadam.suites.backends.torch.recorder import Recorder
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.instrument.recorded import stepped

torch.set_num_threads(1)


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


@pytest.mark.slow
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
    whole = {key: share for key, share in found.items() if key[1:3] == ("all of it", "backend")}
    assert len(whole) == 3 * 3
    for (name, part, _, count), share in whole.items():
        assert share == pytest.approx(found[name, part, "reference", count], rel=0.05, abs=1e-4), (
            name,
            count,
        )
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


def test_a_largest_second_moment_is_moved_with_the_rest(tmp_path: Path) -> None:
    """torch keeps the largest v, optax the largest v̂: of another size of gradient in each step they part."""
    stepped(
        tmp_path / "run", lambda p: torch.optim.Adam(p, amsgrad=True, foreach=False), sparse=False, count=12
    )
    ran = lazyadam("move", tmp_path / "run", "--to=torch.Adam.amsgrad.loop", f"--out={tmp_path}")
    assert ran.returncode == 0, ran.stderr
    assert set(shares(tmp_path).values()) == {0.0}
    ran = lazyadam("move", tmp_path / "run", "--axis=maximum=of_corrected", f"--out={tmp_path}")
    assert ran.returncode == 0, ran.stderr
    assert shares(tmp_path)["0", "maximum: of_corrected", "reference", 12] > 0.01
    ran = lazyadam("move", tmp_path / "run", "--to=torch.Adam.loop", f"--out={tmp_path}")
    found = shares(tmp_path)
    assert found["0", "maximum: none", "reference", 12] == pytest.approx(
        found["0", "all of it", "backend", 12], rel=0.02
    )


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


def test_a_backend_that_takes_no_other_beta_is_not_moved_to_where_it_changes(tmp_path: Path) -> None:
    p = torch.ones(4, requires_grad=True)
    optimizer = torch.optim.Adam([p])
    with Recorder(optimizer, tmp_path / "run", {"mine": p}):
        for number in range(1, 5):
            p.grad = torch.ones(4)
            if number == 3:
                optimizer.param_groups[0]["betas"] = (0.5, 0.999)
            optimizer.step()
    ran = lazyadam("move", tmp_path / "run", "--to=mindspore.Adam.default.graph", f"--out={tmp_path}")
    assert ran.returncode == 0, ran.stderr
    assert "mine: mindspore.Adam.default.graph takes no beta1 set anew: not run" in ran.stdout
    assert {by for *_, by, _ in shares(tmp_path)} == {"reference"}


class Textbook(torch.optim.Optimizer):  # type: ignore[misc]
    """Adam with ε beside √v̂, by somebody who gave it another name."""

    def __init__(self, params: Any) -> None:
        super().__init__(params, {"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-3})

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                s = self.state[p]
                if not s:
                    s.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
                s["step"] += 1
                s["exp_avg"].mul_(beta1).add_(p.grad, alpha=1 - beta1)
                s["exp_avg_sq"].mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                hat = (s["exp_avg_sq"] / (1 - beta2 ** s["step"])).sqrt() + group["eps"]
                p.sub_(s["exp_avg"] / hat, alpha=group["lr"] / (1 - beta1 ** s["step"]))


def test_the_weights_of_ones_own_optimizer_are_moved_from_what_it_does(tmp_path: Path) -> None:
    """Not from LazyAdam, which it is not: that is told, and --own says what it is."""
    p = torch.ones(5, 2, requires_grad=True)
    optimizer = Textbook([p])
    with Recorder(optimizer, tmp_path / "run"):
        for number in range(4):
            p.grad = 1e-3 * (number + 1) * torch.linspace(-1, 1, 10).reshape(5, 2)
            optimizer.step()
    arguments = "move", tmp_path / "run", "--axis", "epsilon=beside_hat", "--out", tmp_path
    ran = lazyadam(*arguments)
    assert ran.returncode == 125
    assert "apart): the reference does not move it; say with --own AXIS=VALUE" in ran.stdout
    ran = lazyadam(*arguments, "--own", "epsilon=beside_hat")
    assert ran.returncode == 0
    assert "all of it: 0 after 1 step" in ran.stdout
    ran = lazyadam("judge", tmp_path / "run", "--out", tmp_path)
    assert "epsilon: beside hat" in ran.stdout.replace("_", " ")
    assert "is said with --axis" in ran.stdout
