"""Campaigns: units are done again where they are lost, and come to the same, whoever does them."""

import math
import sys
import time
from dataclasses import replace
from io import StringIO
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reports.tables import read, records
from lazyadam.reports.told import how_often
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.campaign.covered import circumstances, size
from lazyadam.suites.campaign.crew import Orders, batch, leave, work
from lazyadam.suites.campaign.gather import Gathered
from lazyadam.suites.campaign.plan import Shard, planned
from lazyadam.suites.campaign.running import Waiting
from lazyadam.suites.campaign.store import FILE, Store, StoreError, results, settings_of_all
from lazyadam.suites.campaign.unit import Unit
from lazyadam.suites.campaign.watch import Watch
from lazyadam.suites.cases.case import Gradient
from lazyadam.suites.commands.app import run
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_campaign_clusters import tables

COMMAND = [sys.executable, "-m", "lazyadam.suites.commands", "campaign", "torch.SparseAdam", "--seed", "3"]
KILLS = 30
ORDERS = Orders(3, "cpu")


def test_shards_of_a_plan_are_all_of_it_and_share_nothing() -> None:
    these = [BACKENDS["torch.SparseAdam"], BACKENDS["torch.Adam.loop"]]
    whole = [unit.key for unit in planned(these, 50_000, Shard())]
    parts = [[unit.key for unit in planned(these, 50_000, Shard(i, 3))] for i in (1, 2, 3)]
    assert sorted(key for part in parts for key in part) == sorted(whole)
    assert len(set(whole)) == len(whole)


def test_a_plan_without_end_goes_on() -> None:
    units = [*islice(planned([BACKENDS["torch.SparseAdam"]], None, Shard()), 500)]
    assert len({unit.key for unit in units}) == 500
    assert units[-1].block > 0


@pytest.mark.slow
def test_a_unit_comes_to_the_same_whatever_went_before_it() -> None:
    unit, other = (Unit(0, "torch.SparseAdam", dtype, "duplicates", 20) for dtype in ("float32", "float16"))
    first = work(unit, ORDERS)
    work(other, ORDERS)
    again = work(unit, ORDERS)
    leave()
    assert first == again == work(unit, ORDERS)
    leave()
    assert first != work(Unit(1, "torch.SparseAdam", "float32", "duplicates", 20), ORDERS)
    leave()


def test_results_are_put_together_in_the_order_of_their_keys(tmp_path: Path) -> None:
    """Two folders merged are one that has all."""
    units = [Unit(block, "torch.SparseAdam", "float32", "gaps", 10) for block in range(4)]
    found = {unit.key: work(unit, ORDERS) for unit in units}
    leave()
    folders = {"whole": units, "one": units[3::-2], "other": units[::2]}
    for name, mine in folders.items():
        (tmp_path / name).mkdir()
        store = Store(tmp_path / name, {}, again=False)
        for unit in mine:
            store.add(unit.key, found[unit.key])
        store.close()
    texts = []
    for parts in (["whole"], ["one", "other"]):
        gathered = Gathered()
        for _, result in results(*(tmp_path / name for name in parts)):
            gathered.add(result)
        out = tmp_path / "-".join(parts) / "out"
        out.mkdir(parents=True)
        gathered.write_files(out)
        assert gathered.run([BACKENDS["torch.SparseAdam"]], {}).write(out)[1] == []
        texts.append(tables(out))
    assert texts[0] == texts[1]
    assert sum(row["cases"] for row in gathered.verdicts.values() if row["against"] == "documented") >= 40


def test_a_finding_of_a_campaign_says_in_how_many_cases_it_shows(tmp_path: Path) -> None:
    unit = Unit(0, "torch.SparseAdam", "float32", "tiny-gradients", 60)
    gathered = Gathered()
    gathered.add(work(unit, ORDERS))
    leave()
    assert gathered.run([BACKENDS["torch.SparseAdam"]], {}).write(tmp_path)[1] == []
    (finding,) = records(read("findings", tmp_path))
    (row,) = records(read("campaign", tmp_path))
    assert (finding["shown"], finding["tried"]) == (row["shown"], row["cases"])
    assert 0 < finding["shown"] <= finding["tried"]
    assert how_often(finding) == f"{row['shown']:.0f} of {row['cases']:.0f} cases of these clauses"


def test_a_store_goes_on_only_with_its_own_campaign(tmp_path: Path) -> None:
    Store(tmp_path, {"seed": "1"}, again=False).close()
    with pytest.raises(StoreError, match="a campaign is there"):
        Store(tmp_path, {"seed": "1"}, again=False)
    with pytest.raises(StoreError, match="of a campaign with seed 1; this has 2"):
        Store(tmp_path, {"seed": "2"}, again=True)
    with pytest.raises(StoreError, match="no such file"):
        Store(tmp_path / "elsewhere", {}, again=True)
    (tmp_path / FILE).write_text("nonsense")
    with pytest.raises(StoreError, match="no results of a campaign"):
        Store(tmp_path, {"seed": "1"}, again=True)


def test_only_parts_of_one_campaign_are_put_together(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abc"]
    for folder, seed in zip(folders, "112", strict=True):
        folder.mkdir()
        Store(folder, {"seed": seed}, again=False).close()
    assert settings_of_all(folders[:2]) == {"seed": "1"}
    with pytest.raises(StoreError, match=r"of a campaign with seed 2; .* has 1"):
        settings_of_all(folders)


def test_circumstances_of_a_case() -> None:
    assert [*circumstances(sample(steps=2))] == ["some rows × ordinary × first step × nothing else"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_size_of_the_largest_number_of_each_type_is_told(dtype: str) -> None:
    p = PRECISIONS[dtype]
    numbers = {0.0: "zeros", p.eta: "subnormal", 4 * p.eta / p.u: "tiny", 1.0: "ordinary"}
    for x, told in {**numbers, p.largest: "square overflows", np.inf: "not finite"}.items():
        assert size(Gradient(np.array([[0.0, -x]])), dtype) == told


def test_a_terminal_is_shown_how_it_goes_and_a_file_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    seen = []
    for terminal in (True, False):
        file = StringIO()
        console = Console(file=file, force_terminal=terminal, width=80)
        with Watch(1000, math.inf, console) as watch:
            for _ in range(3):
                watch.unit(100, True, 2)
        seen.append(file.getvalue())
    assert "300 cases" in seen[0]
    assert seen[1].splitlines() == ["200 cases, 5/s, 2 workers, units with news: 2, 3 min left"]


def test_batches_grow_until_they_take_their_time_and_what_is_left_of_one_waits_again() -> None:
    these = [BACKENDS["torch.SparseAdam"], BACKENDS["torch.Adam.loop"]]
    units = [*islice(planned(these, None, Shard()), 300)]
    waiting, given, sizes = Waiting(units), list[Unit](), list[int]()
    while out := waiting.next():
        assert len({unit.backend for unit in out}) == 1
        done = min(len(out), 5)
        waiting.back(out, done)
        given += out[:done]
        sizes.append(len(out))
    assert given == units
    assert sizes[:5] == [1, 2, 4, 8, 5]
    assert max(sizes) < 11


def test_a_worker_with_another_version_of_the_suite_does_nothing() -> None:
    with pytest.raises(RuntimeError, match="has another lazyadam"):
        batch([Unit(0, "torch.SparseAdam", "float32", "gaps", 10)], replace(ORDERS, suite="another"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "how long? --cases N, or --minutes N"),
        (["--cases", "10", "--shard", "4/3"], "4/3 is no part, such as 3/10"),
        (["--cases", "10", "--profile", "ci"], "--profile says how many cases: it goes without --cases"),
        (["--profile", "cj"], "'cj'"),
        (["--cases", "ten"], "ten is no whole number"),
        (["--cases", "10", "--resume"], "no such file: no campaign was begun there"),
        (["--from", "nowhere"], "no such file: no campaign was begun there"),
        (["--cases", "10", "--seed", "x"], "--seed"),
    ],
)
def test_what_is_asked_wrongly_is_a_line(
    given: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["campaign", "torch.SparseAdam", *given, "--out", str(tmp_path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]
