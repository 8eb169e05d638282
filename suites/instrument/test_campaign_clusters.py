"""Campaigns on clusters: whatever is lost is done again, and the tables are the same."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import venv
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.campaign.crew import Orders
from lazyadam.suites.campaign.running import cluster, done_by
from lazyadam.suites.campaign.store import FILE
from lazyadam.suites.campaign.unit import Result, Unit
from lazyadam.suites.instrument.at_workers import Deadly, tell_who

COMMAND = [sys.executable, "-m", "lazyadam.suites.commands", "campaign", "torch.SparseAdam", "--seed", "3"]
KILLS = 30
ORDERS = Orders(3, "cpu")


def tables(folder: Path) -> dict[str, bytes]:
    """By name, all that a campaign says; not where it ran."""
    files = [*folder.glob("*.csv"), *folder.glob("*.txt"), *folder.glob("traces/*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def ended(folder: Path, workers: int, cases: str, *more: str) -> None:
    """A campaign, to its end."""
    command = [*COMMAND, "--cases", cases, "-n", str(workers), "--out", str(folder), *more]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.slow
def test_the_cases_of_a_run_as_units_come_to_what_the_run_does(tmp_path: Path) -> None:
    """In units on two workers, and in two shards that share nothing: the verdicts of check, to the byte."""
    said = []
    run = [*COMMAND[:3], "check", *COMMAND[4:], "-n", "1", "--out", str(tmp_path / "run")]
    said.append(subprocess.run(run, capture_output=True, timeout=600, check=False).returncode)
    parts = [tmp_path / f"part-{i}" for i in (1, 2)]
    for i, part in enumerate(parts, 1):
        shard = [*COMMAND, "--profile", "ci", "--shard", f"{i}/2", "--out", str(part)]
        said.append(subprocess.run(shard, capture_output=True, timeout=600, check=False).returncode)
    whole = [*COMMAND, *(arg for part in parts for arg in ("--from", str(part))), "--out", str(tmp_path)]
    said.append(subprocess.run(whole, capture_output=True, timeout=600, check=False).returncode)
    assert said == [0, 0, 0, 0]
    assert (tmp_path / "verdicts.csv").read_bytes() == (tmp_path / "run" / "verdicts.csv").read_bytes()


@pytest.mark.slow
def test_killed_again_and_again_and_resumed_the_tables_are_the_same(tmp_path: Path) -> None:
    """Client and scheduler, a worker, a backend's process, at random; beside one worker, undisturbed."""
    cases = "45000"
    ended(tmp_path / "whole", 1, cases)
    chance, out, kills = random.Random(0), tmp_path / "killed", 0
    more: list[str] = []
    client: subprocess.Popen | None = None
    while kills < KILLS and (client is None or client.returncode):  # 0: there was nothing left to do
        command = [*COMMAND, "--cases", cases, "-n", "2", "--out", str(out), *more]
        client = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for depth in (2, 1, 0):  # a backend's process, a worker, the client
            time.sleep(chance.uniform(3, 8))
            with suppress(psutil.NoSuchProcess):
                of = [psutil.Process(client.pid)]
                for _ in range(depth):
                    of = [child for process in of for child in process.children()]
                if of:
                    chance.choice(of).send_signal(signal.SIGKILL)
                    kills += 1
        if client.poll() is None:
            client.kill()
        client.wait()
        more = ["--resume"] if (out / FILE).exists() else []
    assert kills >= KILLS
    ended(out, 4, cases, "--resume")
    assert tables(out) == tables(tmp_path / "whole")


@pytest.mark.slow
def test_a_unit_that_kills_every_worker_dies_and_one_that_cannot_be_done_is_told_and_the_rest_go_on() -> None:
    of = ("torch.SparseAdam", "float32")
    units = [Unit(0, *of, "gaps", 10), Deadly(1, *of, "gaps", 10), Unit(2, *of, "no such", 10)]
    units.append(Unit(3, *of, "gaps", 10))
    with cluster("", 2) as client:
        found: dict[int, Any] = {
            unit.block: result for unit, result in done_by(client, units, ORDERS, BACKENDS)
        }
    assert isinstance(found[2], KeyError)
    verdicts = {block: {row["verdict"] for row in found[block]["verdicts"]} for block in (0, 1, 3)}
    assert verdicts[0] == verdicts[3] == {Verdict.CONFORMS, Verdict.DIVERGES}  # as is known
    assert verdicts[1] == {Verdict.DIES}
    assert "3 workers died of it" in found[1]["new"][0]


def test_the_example_of_a_cluster_of_jobs_says_what_a_job_would_run() -> None:
    example = Path(__file__).parents[1] / "campaign/examples/jobqueue.py"
    ran = subprocess.run([sys.executable, example], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.startswith("#!")
    assert re.search(r"dask_worker tcp://\S+ .*--nthreads 1 ", ran.stdout)


def test_each_worker_has_a_card_of_its_own_and_one_in_the_place_of_a_lost_one_too() -> None:
    def seen() -> str:
        return os.environ["CUDA_VISIBLE_DEVICES"]

    with cluster("", 2, ["3", "5"]) as client:
        first = client.run(seen)
        (lost, card), _ = first.items()
        client.run(os._exit, 1, workers=[lost], on_error="ignore")
        while lost in client.nthreads():
            time.sleep(0.1)
        client.wait_for_workers(2, timeout=60)
        again = client.run(seen)
    assert sorted(first.values()) == sorted(again.values()) == ["3", "5"]
    assert [place for place, x in again.items() if x == card] != [lost]


class ByHand:
    """Entered, a cluster whose scheduler and workers are processes of their own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])
        self.folder, self.address = folder, f"tcp://127.0.0.1:{self.port}"
        self.started: list[subprocess.Popen] = []

    def __enter__(self) -> "ByHand":
        self.scheduler = self.start(sys.executable, "scheduler", "--host", "127.0.0.1", "--port", self.port)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.started:
            process.kill()
            process.wait()

    def start(self, python: Path | str, what: str, *more: str) -> subprocess.Popen:
        command = [str(python), "-m", f"distributed.cli.dask_{what}", *more, "--no-dashboard"]
        self.started.append(subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd=self.folder))
        return self.started[-1]

    def worker(self, python: Path | str = sys.executable, *more: str) -> subprocess.Popen:
        return self.start(python, "worker", self.address, "--nthreads", "1", *more)

    def client(self, out: Path, cases: str) -> subprocess.Popen:
        command = [*COMMAND, "--cases", cases, "--scheduler", self.address, "--out", str(out)]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_cluster_started_by_hand_with_another_interpreter_finds_the_same(tmp_path: Path) -> None:
    """Scheduler and workers as processes of their own; one of them goes, and another comes."""
    other = tmp_path / "other"
    venv.create(other, with_pip=False)
    (site,) = other.glob("lib/python*/site-packages")
    (site / "here.pth").write_text("\n".join(path for path in sys.path if path))
    with ByHand(tmp_path) as by_hand:
        first = by_hand.worker()
        by_hand.worker(other / "bin/python")
        client = by_hand.client(tmp_path / "found", "15000")
        time.sleep(15)
        first.kill()
        by_hand.worker(other / "bin/python")
        client.communicate(timeout=600)
    assert client.returncode == 0
    ended(tmp_path / "here", 2, "15000")
    assert tables(tmp_path / "found") == tables(tmp_path / "here")


@pytest.mark.slow
def test_units_of_a_backend_that_only_some_workers_have_go_to_these(tmp_path: Path) -> None:
    units = [Unit(i, name, "float32", "gaps", 1) for i in range(9) for name in ("everywhere", "rare")]
    with ByHand(tmp_path) as by_hand, cluster(by_hand.address, 0) as client:
        for name, more in {"one": (), "other": ("--resources", "rare=1")}.items():
            by_hand.worker(sys.executable, "--name", name, *more)
        client.wait_for_workers(2, timeout=60)
        done = [*done_by(client, units, ORDERS, {}, tell_who)]
    assert {unit.key for unit, _ in done} == {unit.key for unit in units}
    assert {cast(Result, result)["by"] for unit, result in done if unit.backend == "rare"} == {"other"}


@pytest.mark.slow
def test_a_scheduler_that_is_lost_is_a_line_and_the_campaign_goes_on_without_it(tmp_path: Path) -> None:
    with ByHand(tmp_path) as by_hand:
        by_hand.worker()
        client = by_hand.client(tmp_path / "found", "5000")
        time.sleep(15)
        by_hand.scheduler.kill()
        said = client.communicate(timeout=120)[1].splitlines()
    assert client.returncode == 2
    assert said[1:] == [
        f"lazyadam: --scheduler {by_hand.address}: the connection to the scheduler is lost; --resume goes on"
    ]
    ended(tmp_path / "found", 2, "5000", "--resume")
    ended(tmp_path / "here", 2, "5000")
    assert tables(tmp_path / "found") == tables(tmp_path / "here")
