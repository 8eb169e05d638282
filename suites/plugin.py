"""pytest options, backend selection, and the tables written at the end of a run."""

import json
import re
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from traceback import extract_tb
from typing import Any

import pytest

from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reports import tables
from lazyadam.reports.terminal import SHOWN
from lazyadam.suites.backends.base import DEVICES, Backend
from lazyadam.suites.backends.declaration import BrokenDeclaration
from lazyadam.suites.backends.interpreter import refusal
from lazyadam.suites.backends.process import Process
from lazyadam.suites.backends.registry import UnknownBackend, select
from lazyadam.suites.cases.trace import TraceError
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.replay import NOTHING_COMPARED, replay
from lazyadam.suites.divergences import pin
from lazyadam.suites.divergences.accepting import folders_of
from lazyadam.suites.divergences.reproducer import no_script, only_judged
from lazyadam.suites.equivalence import carried
from lazyadam.suites.run import compared, interruption
from lazyadam.suites.run.machine import unsupported
from lazyadam.suites.run.progress import EXIT, Teller
from lazyadam.suites.run.recording import Run
from lazyadam.suites.run.seed import whole_number

RESULT = "lazyadam-result"
CONFORMANCE = "suites/conformance"
JUDGING = (CONFORMANCE, "suites/equivalence")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lazyadam")
    group.addoption(
        "--backend",
        action="append",
        default=[],
        metavar="NAME",
        help="a backend, or a leading part of names (torch, mindspore.LazyAdam); repeatable; default: all",
    )
    group.addoption(
        "--backend-file",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="a Python file that declares backends of your own, which are then the default; repeatable",
    )
    group.addoption(
        "--python",
        default=None,
        metavar="PYTHON",
        help="the interpreter that has the backends, where that is not this one",
    )
    group.addoption("--device", default="cpu", choices=DEVICES, help="the device of the backends")
    group.addoption("--profile", default="ci", choices=sorted(BUDGETS), help="how much is tried")
    group.addoption(
        "--seed",
        type=whole_number,
        default=None,
        metavar="N",
        help="seed of the cases; default: 0 in ci, else random",
    )
    group.addoption(
        "--replay",
        type=Path,
        metavar="FILE",
        help="judge a trace file with --backend: exit 0 conforms, 1 diverges, 125 can't run",
    )
    group.addoption(
        "--against",
        default="documented",
        choices=("documented", "reference", "explained"),
        help="with --replay: the dialect that decides",
    )
    group.addoption(
        "--examples",
        type=Path,
        metavar="DIR",
        help="where nightly and deep keep cases that failed, to try them again; default: examples/ in --out",
    )
    group.addoption(
        "--pins",
        action="append",
        type=Path,
        default=[],
        metavar="DIR",
        help="a folder of known divergences of your own, beside the suite's; repeatable",
    )
    group.addoption(
        "--only",
        action="append",
        default=[],
        metavar="CLAUSE",
        help="judge this clause, by its exact name; repeatable",
    )
    group.addoption(
        "--show",
        action="append",
        default=[],
        metavar="TABLE",
        help="print this table at the end, or all; repeatable",
    )
    group.addoption(
        "--out", type=Path, default=Path("lazyadam-out"), metavar="DIR", help="where the tables go"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "quick: known divergences, the fingerprint, and the update rule")
    config.addinivalue_line("markers", "slow: takes seconds; tox leaves it to tox -e slow and tox -e report")
    if not hasattr(config, "workerinput"):
        interruption.listen()
    if why := unsupported():
        raise pytest.UsageError(why)
    check_options(config)
    config.option.examples = config.getoption("--examples") or config.getoption("--out") / "examples"
    if asked_of_backends(config) and config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        config.args = [str(config.rootpath / CONFORMANCE)]  # not the tests of our own parts
    try:
        python = config.getoption("--python")
        if python == "":
            raise pytest.UsageError("--python: is empty")
        if python and not hasattr(config, "workerinput") and (why := refusal(python)):
            raise pytest.UsageError(f"--python: {why}")
        chosen = select(config.getoption("--backend"), config.getoption("--backend-file"), python or "")
        config.stash[BACKENDS] = [backend.on(config.getoption("--device")) for backend in chosen]
        config.stash[PINS_TOLD] = take_pins(config)
    except (UnknownBackend, BrokenDeclaration, TraceError) as error:
        raise pytest.UsageError(str(error)) from None
    seed = config.getoption("--seed")
    if seed is None:
        # xdist workers take the seed of the session that started them.
        given = getattr(config, "workerinput", {}).get("seed")
        seed = (
            given
            if given is not None
            else 0
            if config.getoption("--profile") == "ci"
            else secrets.randbits(32)
        )
    config.stash[SEED] = seed
    config.stash[STARTED] = time.monotonic()


def take_pins(config: pytest.Config) -> list[str]:
    """Known divergences: the suite's, and those of `--pins`; lines about those that this run leaves out."""
    own = config.getoption("--backend-file")
    files: dict[str, list[str]] = {}
    for backend in select([], own, config.getoption("--python") or "") if own else ():
        files.setdefault(Path(backend.file).name, []).append(backend.name)
    folders = [*config.getoption("--pins"), *folders_of(str(path.resolve()) for path in own)]
    return pin.use(folders, [backend.name for backend in select([])], files)


def check_options(config: pytest.Config) -> None:
    """Refuse what pytest would take without a word."""
    markers = [line.partition(":")[0].partition("(")[0] for line in config.getini("markers")]
    for word in words(config.getoption("-m")):
        if word not in markers:
            raise pytest.UsageError(f"-m: no marker {word!r}{did_you_mean(word, markers)}")
    for option, known in (("--only", [*CLAUSES]), ("--show", [*SHOWN, "all"])):
        for word in config.getoption(option):
            if word not in known:
                raise pytest.UsageError(f"{option}: no {word!r}{did_you_mean(word, known)}")
    if config.getoption("--against") != "documented" and config.getoption("--replay") is None:
        raise pytest.UsageError("--against goes with --replay")
    examples = config.getoption("--examples")
    if examples and examples.exists() and not examples.is_dir():
        raise pytest.UsageError(f"--examples: {examples} is no folder")


def asked_of_backends(config: pytest.Config) -> bool:
    """Whether the options speak of backends."""
    changed = (config.getoption("--device") != "cpu", config.getoption("--profile") != "ci")
    given = ("--backend", "--backend-file", "--only", "-m")
    seeded = config.getoption("--seed") is not None
    return seeded or any(changed) or any(config.getoption(name) for name in given)


def words(expression: str) -> list[str]:
    """The names in an expression of -m or -k."""
    return [w for w in re.findall(r"[^\s()]+", expression) if w not in ("and", "or", "not")]


def did_you_mean(word: str, known: list[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f", did you mean {close[0]}?" if close else f"; known: {', '.join(sorted(known))}"


BACKENDS = pytest.StashKey[list[Any]]()
PINS_TOLD = pytest.StashKey[list[str]]()
SEED = pytest.StashKey[int]()
STARTED = pytest.StashKey[float]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["seed"] = node.config.stash[SEED]


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    file = config.getoption("--replay")
    if file is None:
        return None
    try:
        names, files = config.getoption("--backend"), config.getoption("--backend-file")
        backends = select(names, files)
        if not (names or files) or len(backends) != 1:
            raise UnknownBackend("--replay needs --backend with the full name of one backend")
        code, lines = replay(file, backends[0], config.getoption("--device"), config.getoption("--against"))
    except (TraceError, UnknownBackend, BrokenDeclaration) as error:
        code, lines = NOTHING_COMPARED, [str(error)]
    except Exception as error:  # 1 would say that the optimizer diverges
        at = extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__}: {error} ({at.filename}:{at.lineno})"
        code, lines = NOTHING_COMPARED, [f"{file}: cannot be judged: {' '.join(told.split())}"]
    encoding = sys.stdout.encoding or "utf-8"
    print("\n".join(lines).encode(encoding, "backslashreplace").decode(encoding), flush=True)
    return code


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Known divergences first, then backend by backend: each starts its process once."""
    names = "\n".join([*CLAUSES, *(f"{item.nodeid} {' '.join(item.keywords)}" for item in items)]).lower()
    if any(word.lower() not in names for word in words(config.getoption("-k"))):
        items.clear()  # a word that nothing has would be passed over where another fits
    if only := config.getoption("--only"):
        items[:] = [item for item in items if clause_of(item) in only]
    first: dict[str, int] = {}

    def place(item: pytest.Item) -> tuple[bool, int]:
        group = item.get_closest_marker("xdist_group")
        name = str(group.args[0]) if group else ""
        return item.path.name != "test_pins.py", first.setdefault(name, len(first))

    items.sort(key=place)


def clause_of(item: pytest.Item) -> str:
    """The clause that a test judges; '' where it is about something else."""
    given = getattr(item, "callspec", None)
    judged = given.params.get("conformance_item") if given else None
    return str(judged[-1].id) if judged else ""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is asked of each backend; the tests of a backend stay together, so that they share its process."""
    config = metafunc.config
    device, backends = config.getoption("--device"), config.stash[BACKENDS]
    once = [(backend, (backend, device), backend.name) for backend in backends]
    conformance = [
        (backend, (backend, device, dtype, clause), f"{clause.id}-{backend.name}-{dtype}")
        for backend in backends
        for clause in CLAUSES.values()
        for dtype in clause.dtypes(backend)
        if not clause.missing(backend)
    ]
    pinned = [
        (backend, (backend, device, known.cast(dtype)), f"{known.name}-{backend.name}-{dtype}")
        for backend in backends
        for known in pin.pins_of_name(backend, device)
        for dtype in known.types_of(backend)
    ]
    # A script takes seconds: in ci one for each pin. One's own may be of cases that have none.
    selected = {backend.name for backend in backends}
    scripts = [
        (backend, (backend, device, known), f"{known.name}-{backend.name}")
        for backend in backends
        for known in pin.pins_of_name(backend, device)
        if config.getoption("--profile") != "ci"
        or backend.name == next(name for name in known.backends if name in selected)
        if not only_judged(known) and not (known.file and no_script(known.case, backend))
    ]
    for name, items in (
        ("dialect_item", once),
        ("bad_input_item", once),
        ("sequence_item", once),
        ("training_item", [item for item in once if item[0].layers]),
        ("carried_item", [item for item in once if carried.takes_over(item[0])]),
        ("conformance_item", conformance),
        ("pin_item", pinned),
        ("script_item", scripts),
    ):
        if name in metafunc.fixturenames:
            metafunc.parametrize(
                name,
                [
                    pytest.param(
                        item,
                        id=id,
                        marks=[
                            pytest.mark.xdist_group(f"{backend.name}-{device}"),
                            *([pytest.mark.quick] if CLAUSES["update-rule"] in item else []),
                            *([pytest.mark.slow] if takes_long(name, backend, item) else []),
                        ],
                    )
                    for backend, item, id in items
                ],
            )


def takes_long(name: str, backend: type[Backend], item: tuple[object, ...]) -> bool:
    """Whether what is asked takes a graph some twenty seconds."""
    free = any(isinstance(part, Clause) and part.free for part in item)
    return backend.compiles and (free or name == "bad_input_item")


class Processes:
    """The one process alive: tests come backend by backend, and the next backend ends the last."""

    def __init__(self) -> None:
        self.current: Process | None = None

    def get(self, backend: type[Backend], device: str) -> Process:
        current = self.current
        if current is None or (current.backend, current.device) != (backend, device):
            self.close()
            self.current = current = Process(backend, device)
            current.__enter__()
        return current

    def close(self) -> None:
        if self.current is not None:
            self.current.__exit__(None, None, None)
            self.current = None


@pytest.fixture(scope="session")
def processes() -> Iterator[Processes]:
    kept = Processes()
    yield kept
    kept.close()


@pytest.fixture(scope="session")
def backends(pytestconfig: pytest.Config) -> list[type[Backend]]:
    """Those selected on the command line."""
    return pytestconfig.stash[BACKENDS]


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    return pytestconfig.stash[SEED]


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput") and not session.config.getoption("collectonly"):
        try:
            tables.try_to_write(out := session.config.getoption("--out"))
            if any(Path(part).name in str(given) for given in session.config.args for part in JUDGING):
                session.config.add_cleanup(tables.hold(out))
        except tables.NotWritten as error:
            raise pytest.UsageError(str(error)) from None


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
    if report.failed:
        _failed.append(failure(report, results))
    _judging.update(part for part in JUDGING if report.nodeid.startswith(part))
    if report.when == "call":
        _ended.append(report.nodeid)
        _collected.extend(results)


def failure(report: pytest.TestReport, results: list[dict[str, Any]]) -> dict[str, str]:
    """A row of failures.csv: a divergence that no pin accounts for ('not known'), or another ('failed')."""
    crash = getattr(report.longrepr, "reprcrash", None)
    said = str(crash.message if crash else report.longrepr).removeprefix("Failed: ").strip()
    return {
        "test": re.sub(r"@[^@\]]*$", "", report.nodeid),  # xdist appends the group
        "kind": "not known" if any(result.get("new") for result in results) else "failed",
        "message": said.partition("\n")[0][:200],
    }


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
    if session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and selection(config) != "everything":
        print(f"nothing is selected by {selection(config)}{hints(config)}")
    ended = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    lines = lacking(config) if ended else []
    if lines and (session.exitstatus == pytest.ExitCode.OK or not _collected):
        session.exitstatus = NOTHING_COMPARED
    if session.exitstatus == pytest.ExitCode.INTERRUPTED and not _collected:
        lines = ["interrupted before anything was judged: no table is written"]
    whole = ended and not stopped
    ran = Run(
        backends=config.stash[BACKENDS],
        settings={
            "date": datetime.now(UTC).date(),
            "profile": config.getoption("--profile"),
            "seed": config.stash[SEED],
            "device": config.getoption("--device"),
            **({"interpreter": config.getoption("--python")} if config.getoption("--python") else {}),
            "selection": selection(config),
            "ended": "whole" if whole else f"interrupted after {len(_ended)} tests",
        },
        results=_collected,
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


def selection(config: pytest.Config) -> str:
    """What --only, -m and -k left of the tests."""
    chosen = [(name, config.getoption(name)) for name in ("-m", "-k")]
    said = [f"{name} '{expression}'" for name, expression in chosen if expression]
    return " ".join([*(f"--only {clause}" for clause in config.getoption("--only")), *said]) or "everything"


def hints(config: pytest.Config) -> str:
    """What may have been meant by the words of -k that are in no clause, backend or type."""
    known = [*CLAUSES, *(backend.name for backend in config.stash[BACKENDS]), *PRECISIONS]
    unknown = [word for word in words(config.getoption("-k")) if not any(word in name for name in known)]
    told = [f"; {word}{did_you_mean(word, known)}" for word in unknown if get_close_matches(word, known)]
    return "".join(told) or f"; clauses: {', '.join(CLAUSES)}"
