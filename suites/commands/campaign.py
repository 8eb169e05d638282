"""Many cases, on all cores or on a cluster: `campaign`."""

import math
import re
import time
from contextlib import ExitStack
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lazyadam.suites.commands.app import OUT, Device, Out, Python, Seed, app
from lazyadam.suites.commands.judging import Pins, Targets
from lazyadam.suites.commands.options import chosen, number, one_of, pins_in, seed_of
from lazyadam.suites.commands.options import processes as at_once

if TYPE_CHECKING:
    from lazyadam.suites.backends.base import Backend
    from lazyadam.suites.campaign.crew import Orders
    from lazyadam.suites.campaign.plan import Shard
    from lazyadam.suites.campaign.store import Store

NEEDED = "a campaign needs Dask: pip install 'lazyadam[campaign]'"


@app.command(
    epilog="Examples: lazyadam campaign torch.SparseAdam --cases 1e5 · lazyadam campaign --minutes 480 "
    "--shard 3/10 --out shard3 · lazyadam campaign --from shard1 --from shard2 --out all. Ended in whatever "
    "way, --resume goes on with it. Exits with 1 where something is new, 125 where nothing was compared.",
)
def campaign(
    targets: Targets = [],
    cases: Annotated[str | None, typer.Option(metavar="N", help="how many in all, also 1e6")] = None,
    minutes: Annotated[float | None, typer.Option(metavar="N", help="no unit is begun after so many")] = None,
    profile: Annotated[
        str, typer.Option(metavar="NAME", help="those that check tries instead: ci, nightly or deep")
    ] = "",
    workers: Annotated[
        int | None,
        typer.Option("-n", "--workers", metavar="N", parser=at_once, help="processes; default: one a core"),
    ] = None,
    scheduler: Annotated[
        str, typer.Option(metavar="ADDRESS", help="of a Dask cluster that is there: tcp://HOST:8786")
    ] = "",
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="the I-th of N parts, for machines that share nothing")
    ] = "1/1",
    pins: Pins = [],
    device: Device = "cpu",
    seed: Seed = None,
    python: Python = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on with the campaign in --out")] = False,
    of: Annotated[
        list[Path],
        typer.Option("--from", metavar="DIR", help="run nothing: the tables of these campaigns; repeatable"),
    ] = [],
    out: Out = OUT,
) -> int:
    """Judge many more cases than a run does, in units that are done again where they are lost."""
    from lazyadam.reports.tables import NotWritten, hold, try_to_write
    from lazyadam.suites.backends.base import DEVICES
    from lazyadam.suites.campaign.crew import Orders, backends
    from lazyadam.suites.campaign.plan import Shard
    from lazyadam.suites.campaign.store import Store, StoreError
    from lazyadam.suites.cases.trace import TraceError
    from lazyadam.suites.conformance.budget import BUDGETS
    from lazyadam.suites.divergences.accepting import folders_of
    from lazyadam.suites.run.journal import code
    from lazyadam.suites.run.machine import all_threads, cards

    device = one_of(device, DEVICES, "--device")
    these = chosen(targets, out, python=python or "")
    files = tuple(dict.fromkeys(str(Path(b.file).resolve()) for b in these if b.file))
    folders = tuple(str(path.resolve()) for path in [*pins_in(pins), *folders_of(files)])
    orders = Orders(seed_of(seed or "0"), device, python or "", files, folders, code())
    try:
        these = [backends(orders)[b.name] for b in these]
    except TraceError as error:
        raise typer.TyperException(str(error)) from None
    most = None if cases is None else number(cases, option="--cases")
    if profile and cases:
        raise typer.TyperException("--profile says how many cases: it goes without --cases")
    if profile:
        profile = one_of(profile, BUDGETS, "--profile")
    if most is None and minutes is None and not profile and not of:
        raise typer.TyperException("how long? --cases N, or --minutes N")
    if not (part := re.fullmatch(r"(\d+)/(\d+)", shard)) or not 1 <= int(part[1]) <= int(part[2]):
        raise typer.BadParameter(f"{shard} is no part, such as 3/10", param_hint="--shard")
    settings = {
        "campaign": ", ".join(b.name for b in these),
        "cases": str(most or profile or "without end"),
        **{name: str(value) for name, value in asdict(orders).items()},
    }
    begun = time.monotonic()
    with ExitStack() as stack:
        try:
            try_to_write(out)
            stack.callback(hold(out))
            if of:
                return tables(these, of, out, begun)
            store = Store(out, settings, resume)
            stack.callback(store.close)
            extent = most, Shard(int(part[1]), int(part[2])), profile
            on = cards() if device in ("gpu", "cuda") and not scheduler else []
            if on and workers and workers > len(on):
                raise typer.TyperException(f"--workers {workers}: there are cards for {len(on)}, one each")
            count = workers or len(on) or all_threads()
            whole = run(these, orders, store, extent, minutes, (scheduler, count, on[:count]))
            status = tables(these, [out], out, begun)
        except (NotWritten, StoreError) as error:
            raise typer.TyperException(str(error)) from None
    return status if whole is True else 130 if whole is None else 2


def run(
    these: "list[type[Backend]]",
    orders: "Orders",
    store: "Store",
    extent: "tuple[int | None, Shard, str]",
    minutes: float | None,
    where: "tuple[str, int, list[str]]",
) -> bool | None:
    """Do what is left of a campaign, each result kept as it comes; None where it was interrupted.

    False where some unit could not be done for an error of the suite itself: --resume tries it again.
    """
    from lazyadam.suites.backends.errors import in_a_line
    from lazyadam.suites.campaign.plan import planned
    from lazyadam.suites.campaign.watch import Watch

    try:
        from lazyadam.suites.campaign.running import cluster, done_by
    except ImportError:
        raise typer.TyperException(NEEDED) from None
    kept, begun = store.keys(), time.monotonic()
    ends = begun + 60 * (math.inf if minutes is None else minutes)
    planned_units = takewhile(lambda _: time.monotonic() < ends, planned(these, *extent))
    left = (unit for unit in planned_units if unit.key not in kept)
    by_name = {backend.name: backend for backend in these}
    all_done = True
    try:
        with cluster(*where) as client, Watch(extent[0], ends - begun) as watch:
            watch.console.print(f"dashboard: {client.dashboard_link}", highlight=False)
            for unit, result in done_by(client, left, orders, by_name):
                if isinstance(result, Exception):
                    all_done = False
                    watch.console.print(f"{unit.key}: not done: {in_a_line(result)}", highlight=False)
                    continue
                store.add(unit.key, result)
                watch.unit(unit.cases, bool(result.get("new")), len(client.nthreads()))
    except KeyboardInterrupt:
        return None
    except OSError as error:
        raise typer.TyperException(f"--scheduler {where[0]}: {error}") from None
    return all_done


def tables(these: "list[type[Backend]]", folders: list[Path], out: Path, begun: float) -> int:
    """Write the tables of what was done since a time, and say it in short; the exit status."""
    from lazyadam.suites.campaign.gather import Gathered
    from lazyadam.suites.campaign.store import results, settings_of_all

    gathered, settings = Gathered(), settings_of_all(folders)
    for _, result in results(*folders):
        gathered.add(result)
    if not any(row["cases"] for row in gathered.verdicts.values()):
        print("nothing was compared")
        return 125
    status = int(gathered.new)
    run = gathered.run(these, {"seed": settings["seed"], "device": settings["device"], "profile": "campaign"})
    gathered.write_files(out)
    made, lost = run.write(out)
    run.tell(made, out, ["campaign"], time.monotonic() - begun, status)
    for line in lost:
        print(line)
    return 2 if lost else status
