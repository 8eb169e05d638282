"""Options of pytest, read and checked before anything is collected."""

import re
import secrets
import time
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pytest

from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reports.schema import SHOWN
from lazyadam.reports.told import USUAL
from lazyadam.reports.vocabulary import Against
from lazyadam.suites.backends.base import DEVICES
from lazyadam.suites.backends.own.declaration import BrokenDeclaration
from lazyadam.suites.backends.own.interpreter import refusal
from lazyadam.suites.backends.registry import NAMED
from lazyadam.suites.backends.selecting import UnknownBackend, select
from lazyadam.suites.cases.trace import TraceError
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.divergences import pin
from lazyadam.suites.divergences.accepting import folders_of
from lazyadam.suites.run import interruption
from lazyadam.suites.run.journal import JournalError, Phase, done, phases, settings_of
from lazyadam.suites.run.machine import unsupported
from lazyadam.suites.run.seed import whole_number

BACKENDS = pytest.StashKey[list[Any]]()
PINS_TOLD = pytest.StashKey[list[str]]()
SEED = pytest.StashKey[int]()
STARTED = pytest.StashKey[float]()
BEFORE = pytest.StashKey[list[Phase]]()  # what the run found that this one goes on with
DONE = pytest.StashKey[frozenset[str]]()  # and which tests it has done
CONFORMANCE = "suites/conformance"


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
        default=str(Against.DOCUMENTED),
        choices=[*map(str, Against)],
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
        "--resume",
        action="store_true",
        help="go on with the same run into --out, which was ended: what is done stays",
    )
    group.addoption(
        "--as-it-is",
        action="store_true",
        help="with --resume: do no more, and write the tables of what is done",
    )
    group.addoption("--out", type=Path, default=Path(USUAL), metavar="DIR", help="where the tables go")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "quick: known divergences, the fingerprint, and the update rule")
    config.addinivalue_line("markers", "slow: takes seconds; tox leaves it to tox -e slow and tox -e report")
    if not hasattr(config, "workerinput"):
        interruption.listen()
    if why := unsupported():
        raise pytest.UsageError(why)
    check_options(config)
    config.stash[BEFORE] = []
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
    # xdist workers take what the session has that started them.
    given = getattr(config, "workerinput", {})
    begun = before(config) if config.getoption("--resume") and not given else {}
    config.stash[DONE] = frozenset(given.get("done", done(config.stash[BEFORE]) if begun else ()))
    seed = config.getoption("--seed")
    if seed is None:
        usual = 0 if config.getoption("--profile") == "ci" else secrets.randbits(32)
        seed = given.get("seed", int(begun.get("seed", usual)))
    config.stash[SEED] = seed
    config.stash[STARTED] = time.monotonic()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["seed"] = node.config.stash[SEED]
    node.workerinput["done"] = sorted(node.config.stash[DONE])


def before(config: pytest.Config) -> dict[str, str]:
    """The settings of the run to go on with; what it found is kept."""
    try:
        config.stash[BEFORE] = [*phases(config.getoption("--out"))]
        return settings_of(config.getoption("--out"))
    except JournalError as error:
        raise pytest.UsageError(f"--resume: {error}") from None


def take_pins(config: pytest.Config) -> list[str]:
    """Known divergences: the suite's, and those of `--pins`; lines about those that this run leaves out."""
    own = config.getoption("--backend-file")
    files: dict[str, list[str]] = {}
    for backend in select([], own, config.getoption("--python") or "") if own else ():
        files.setdefault(Path(backend.file).name, []).append(backend.name)
    folders = [*config.getoption("--pins"), *folders_of(str(path.resolve()) for path in own)]
    return pin.use(folders, [*(backend.name for backend in select([])), *NAMED], files)


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
    if config.getoption("--as-it-is") and not config.getoption("--resume"):
        raise pytest.UsageError("--as-it-is goes with --resume")
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
