"""What tests have found, gathered over all processes; tables and the last screen, when all is done."""

import hashlib
import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lazyadam.reports import tables
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.combined import tried
from lazyadam.suites.conformance.replay import NOTHING_COMPARED
from lazyadam.suites.plugin.collection import ungrouped
from lazyadam.suites.plugin.options import (
    BACKENDS,
    BEFORE,
    CONFORMANCE,
    PINS_TOLD,
    SEED,
    STARTED,
    hints,
    selection,
)
from lazyadam.suites.run import compared, interruption
from lazyadam.suites.run.journal import ARGUMENTS, BEGUN, Journal, JournalError, Phase, code
from lazyadam.suites.run.progress import EXIT, Teller
from lazyadam.suites.run.recording import Run

RESULT = "lazyadam-result"
JUDGING = (CONFORMANCE, "suites/equivalence")


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    if hasattr(config, "workerinput") or config.getoption("collectonly"):
        return
    try:
        tables.try_to_write(out := config.getoption("--out"))
        if judging(config):
            config.add_cleanup(tables.hold(out))
            journal = Journal(out, settings(config), config.getoption("--resume"))
            config.add_cleanup(journal.close)
            for phase in config.stash[BEFORE]:
                take(phase)
            _journal.append(journal)
            config.add_cleanup(_journal.clear)  # a run may be started from within another
    except (tables.NotWritten, JournalError) as error:
        raise pytest.UsageError(str(error)) from None


def judging(config: pytest.Config) -> list[str]:
    """Which of the suites that judge are asked for."""
    return [part for part in JUDGING if any(Path(part).name in str(given) for given in config.args)]


def settings(config: pytest.Config) -> dict[str, str]:
    """What a run has to have in common with one that it goes on with, and when it began."""
    files = b"".join(Path(file).read_bytes() for file in config.getoption("--backend-file"))
    return {
        ARGUMENTS: json.dumps([*map(str, config.invocation_params.args)]),
        BEGUN: str(datetime.now(UTC).date()),
        "suites": ", ".join(judging(config)),
        "profile": config.getoption("--profile"),
        "seed": str(config.stash[SEED]),
        "device": config.getoption("--device"),
        "interpreter": config.getoption("--python") or "",
        "selection": selection(config),
        "backends": ", ".join(backend.name for backend in config.stash[BACKENDS]),
        "files": ", ".join(str(file) for file in config.getoption("--backend-file")),
        "declarations": hashlib.sha256(files).hexdigest()[:16],
        "pins": ", ".join(str(folder) for folder in config.getoption("--pins")),
        "suite": code(),
    }


@pytest.hookimpl(optionalhook=True)
def pytest_report_header(config: pytest.Config) -> list[str]:
    header = [f"lazyadam: profile {config.getoption('--profile')}, seed {config.stash[SEED]}"]
    out = config.getoption("--out")
    with suppress(OSError, tables.TableError):
        ended = {row["item"]: row["value"] for row in tables.records(tables.read("run", out))}.get(
            "ended", ""
        )
        if ended.startswith("interrupted"):
            header.append(f"lazyadam: the last run into {out} was {ended}; its tables lack the rest")
    return header


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    """A test that compared nothing has not passed."""
    result = yield
    seen = compared.seen(json.loads(str(value)) for name, value in item.user_properties if name == RESULT)
    if compared.nothing_compared(seen):
        pytest.skip(compared.reason(seen))
    return result


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Results travel with the reports, so that a run spread over processes collects them too."""
    interruption.heed()
    results = [json.loads(str(value)) for name, value in report.user_properties if name == RESULT]
    failed = failure(report, results) if report.failed else None
    phase = Phase(
        ungrouped(report.nodeid), str(report.when), results if report.when == "call" else [], failed
    )
    if _journal and (phase.phase == "call" or failed):
        _journal[0].add(phase)
    take(phase)


def take(phase: Phase) -> None:
    """What a part of a test found, now or in the run that this one goes on with."""
    if phase.failed:
        _failed.append(phase.failed)
    _judging.update(part for part in JUDGING if phase.test.startswith(part))
    if phase.phase == "call":
        _ended.append(phase.test)
        _collected.extend(phase.results)


def failure(report: pytest.TestReport, results: list[dict[str, Any]]) -> dict[str, str]:
    """A row of failures.csv: a divergence that no pin accounts for ('not known'), or another ('failed')."""
    crash = getattr(report.longrepr, "reprcrash", None)
    said = str(crash.message if crash else report.longrepr).removeprefix("Failed: ").strip()
    return {
        "test": ungrouped(report.nodeid),
        "kind": "not known" if any(result.get("new") for result in results) else "failed",
        "message": said.partition("\n")[0][:200],
    }


def _space(config: pytest.Config, whole: bool) -> list[dict[str, Any]]:
    """What of the space was tried, where nothing of it was left out."""
    if not whole or selection(config) != "everything":
        return []
    ran = {row["backend"] for result in _collected for row in result.get("verdicts", ()) if row["cases"]}
    budget, seed = BUDGETS[config.getoption("--profile")], config.stash[SEED]
    backends = [backend for backend in config.stash[BACKENDS] if backend.name in ran]
    return [{"space": [row for b in backends for row in tried(b, seed, budget)]}]


_journal: list[Journal] = []  # of a run that judges: one
_collected: list[dict[str, Any]] = []
_failed: list[dict[str, str]] = []
_ended: list[str] = []
_judging: set[str] = set()


def lacking(config: pytest.Config) -> list[str]:
    """What was asked for and did not come about, in lines."""
    seen = compared.seen(_collected)
    if _judging and not any(tried for _, tried in seen):
        failed = _failed[0]["message"] if _failed else "no test applies to what was chosen"
        why = compared.reason(seen) if seen else failed
        return [f"nothing was compared: {why}"]
    if why := compared.all_refused(seen):
        return [f"nothing was compared: {why}"]
    named = config.getoption("--backend") or config.getoption("--backend-file")
    chosen = {backend.name for backend in config.stash[BACKENDS]} if named else set()
    missing = compared.backends_not_run(seen)
    return [f"{name}: asked for, but not run ({why})" for name, why in missing.items() if name in chosen]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Any:
    """Last of all the tables are written and told; where nothing was compared the run is no success."""
    config = session.config
    stopped = bool(session.shouldfail)  # -x, --maxfail
    result = yield
    if hasattr(config, "workerinput"):
        return result  # they end one after another: what they saw, whoever started them writes
    if config.stash[BEFORE] and session.exitstatus in (
        pytest.ExitCode.OK,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED if _failed else pytest.ExitCode.OK
    if session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and selection(config) != "everything":
        print(f"nothing is selected by {selection(config)}{hints(config)}")
    ended = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    lines = lacking(config) if ended else []
    if lines and (session.exitstatus == pytest.ExitCode.OK or not _collected):
        session.exitstatus = NOTHING_COMPARED
    if session.exitstatus == pytest.ExitCode.INTERRUPTED and not _collected:
        lines = ["interrupted before anything was judged: no table is written"]
    more = config.getoption("--as-it-is") and any(not journal.whole for journal in _journal)
    whole = ended and not stopped and not more
    if whole and _journal:
        _journal[0].end()
    ran = Run(
        backends=config.stash[BACKENDS],
        settings={
            "date": _journal[0].begun if _journal else datetime.now(UTC).date(),
            "profile": config.getoption("--profile"),
            "seed": config.stash[SEED],
            "device": config.getoption("--device"),
            **({"interpreter": config.getoption("--python")} if config.getoption("--python") else {}),
            "selection": selection(config),
            "ended": "whole" if whole else f"interrupted after {len(_ended)} tests",
        },
        results=[*_collected, *_space(config, whole)],
        failed=_failed,
    )
    if _collected:
        out, asked = config.getoption("--out"), config.getoption("--show")
        tables, not_written = ran.write(out)
        if not_written:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        status = int(session.exitstatus)
        if any(isinstance(x, Teller) for x in config.pluginmanager.get_plugins()):
            status = EXIT.get(status, status)
        ran.tell(tables, out, asked, time.monotonic() - config.stash[STARTED], status)
        lines = [*config.stash[PINS_TOLD], *not_written[:1], *lines]
    print("\n".join(lines), end="\n" if lines else "", flush=True)
    return result
