"""README files: numbers are those of the recorded tables, every command is run by a test or says why not."""

import configparser
import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from lazyadam.reports.blocks.markdown import RUN
from lazyadam.reports.readme import BLOCK, BLOCKS, files, filled
from lazyadam.reports.tables import read
from lazyadam.suites.backends.workers.start import ROOT
from lazyadam.suites.commands import (
    bench,
    campaign,
    judging,
    recording,
    recordings,
    setting_up,
    tables,
    telling,
)
from lazyadam.suites.commands.app import app
from lazyadam.suites.instrument.readme import commands

FILES = (
    bench,
    campaign,
    judging,
    recording,
    recordings,
    setting_up,
    tables,
    telling,
)  # they register their commands
PAGES = [pytest.param(page, id=str(page.relative_to(ROOT))) for page in files()]

# Which test runs a command that begins so: a file of suites/instrument, and what stands there.
RUN_BY = {
    "lazyadam check": ("test_last_screen.py", '"check", "my_optimizer.py"'),
    "lazyadam pair": ("test_commands_tables.py", 'lazyadam("pair"'),
    "lazyadam page": ("test_commands_builds.py", 'lazyadam("page"'),
    "lazyadam devices": ("test_record.py", 'lazyadam("devices"'),
    "lazyadam diff": ("test_commands_tables.py", 'lazyadam("diff"'),
    "lazyadam versions": ("test_pairs_told.py", '"versions"'),
    "lazyadam judge": ("test_recordings.py", 'lazyadam("judge"'),
    "lazyadam move": ("test_recordings_moved.py", 'lazyadam("move"'),
    "lazyadam convert": ("test_recordings_converted.py", 'lazyadam("convert"'),
    "lazyadam carry": ("test_carrying.py", 'lazyadam("carry"'),
    "lazyadam history": ("test_history.py", 'lazyadam("history"'),
    "lazyadam summary": ("test_commands_tables.py", 'lazyadam("summary"'),
    "lazyadam junit": ("test_commands_tables.py", 'lazyadam("junit"'),
    "lazyadam accept": ("test_commands_tables.py", 'lazyadam("accept"'),
    "lazyadam gate": ("test_commands_tables.py", 'lazyadam("gate"'),
    "lazyadam builds": ("test_builds.py", 'lazyadam("builds"'),
    "lazyadam bench": ("test_command.py", 'lazyadam("bench"'),
    "lazyadam show": ("test_show.py", 'lazyadam("show"'),
    "lazyadam explain": ("test_commands_telling.py", 'lazyadam("explain"'),
    "lazyadam list": ("test_commands_telling.py", 'lazyadam("list"'),
    "lazyadam replay": ("test_show.py", 'lazyadam("replay"'),
    "lazyadam init": ("test_commands_starting.py", 'lazyadam("init"'),
    "lazyadam doctor": ("test_commands_telling.py", 'lazyadam("doctor"'),
    "pytest suites/conformance": ("test_command_line.py", '"suites/conformance"'),
    "pytest suites/equivalence": ("test_command_line.py", '"suites/conformance"'),
    "pytest -p": ("../../tox.ini", "pytest -p lazyadam.suites.plugin --pyargs lazyadam.suites.conformance"),
    "pytest suites/instrument": ("../../tox.ini", "pytest suites/instrument"),
    "pytest suites/detection": ("../../tox.ini", "pytest suites/detection"),
    "ruff check": ("../../tox.ini", "ruff check"),
    "ruff format": ("../../tox.ini", "ruff format"),
    "tox -m peers": ("../../tox.ini", "peers = peer-"),
    "tox -e instrument": ("../../tox.ini", "{[testenv:instrument]commands}"),
    "tox -e readme": ("test_readme.py", "filled(text)"),
    # The two lines to paste: CI runs the second in a fresh clone.
    "python3 -m venv": ("../../.ci/run", "python3 -m venv .venv"),
    "pip install tox": ("../../.ci/run", "pip install tox"),
    "tox p -o": ("../../.ci/run", "tox p -o"),
}


@pytest.mark.parametrize("page", PAGES)
def test_numbers_are_those_of_the_recorded_tables(page: Path) -> None:
    text = page.read_text()
    assert text == filled(text), "tox -e readme writes them"


def test_every_block_is_on_one_page() -> None:
    names = [name for page in files() for _, name in BLOCK.findall(page.read_text())]
    assert sorted(names) == sorted(BLOCKS)


def test_a_number_that_is_not_in_the_table_is_seen() -> None:
    page = (ROOT / "suites" / "detection" / "README.md").read_text()
    matrix = read("detection_matrix", RUN)
    found = len(matrix[matrix["killed"] == "yes"].groupby(["fault", "host"]))
    wrong = page.replace(f"Of {found} ", "Of 7 ")
    assert wrong != page == filled(wrong)


def test_the_readme_has_at_most_150_lines_and_the_glossary_40_words() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
    assert len(list(BLOCKS["glossary"]())) - 2 <= 40


ALL = [
    pytest.param(command, why, id=f"{page.relative_to(ROOT)}: {command}")
    for page in files()
    for command, why in dict.fromkeys(commands(page))
]


def bare(command: str) -> str:
    """A command without where it lies, and without what hands it on."""
    return re.sub(r"^(git bisect run )?(\.\S+/bin/)?", "", command)


MARKED = {bare(command) for page in files() for command, why in commands(page) if why}


def known(command: str) -> list[str]:
    """The entries of RUN_BY that a command begins with; one of a single word is a whole command."""
    typed = bare(command)
    return [
        start
        for start in RUN_BY
        if typed == start or (" " in start and re.match(rf"{re.escape(start)}(?![\w-])", typed))
    ]


def test_every_entry_is_of_a_command_that_a_page_gives() -> None:
    assert {start for item in ALL for start in known(str(item.values[0]))} == set(RUN_BY)


@pytest.mark.parametrize(("command", "why"), ALL)
def test_every_command_is_run_by_a_test_or_marked_with_a_reason(command: str, why: str) -> None:
    typed = bare(command)
    if why or any(typed.startswith(marked) for marked in MARKED):
        return
    by = [RUN_BY[start] for start in known(command)]
    assert by, "no test is known to run it: say which in RUN_BY, or mark it: # not run in the tests: …"
    file, text = by[0]
    assert text in (Path(__file__).parent / file).read_text()


@pytest.mark.parametrize(
    "command", [c.values[0] for c in ALL if bare(str(c.values[0])).startswith("lazyadam ")]
)
def test_every_option_is_one_that_the_command_has(command: str) -> None:
    _, name, *arguments = shlex.split(bare(command).replace("…", "x"))
    there = get_command(app).commands  # type: ignore[attr-defined]
    assert name in there
    there[name].make_parser(typer.Context(there[name])).parse_args(arguments)


@pytest.mark.parametrize(
    "command", [c.values[0] for c in ALL if bare(str(c.values[0])).startswith("tox -e ")]
)
def test_every_environment_is_in_tox_ini(command: str) -> None:
    ini = configparser.ConfigParser(interpolation=None)
    ini.read(ROOT / "tox.ini")
    assert f"testenv:{bare(command).split()[2]}" in ini


def test_a_command_that_nobody_runs_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(
        "`lazyadam wash`, and\n\n```sh\ntox -e spin\nlazyadam dry  # not run in the tests: wet\n```\n"
    )
    assert [*commands(page)] == [("tox -e spin", ""), ("lazyadam dry", "wet"), ("lazyadam wash", "")]
    assert [*known("tox -e spin"), *known("lazyadam wash")] == []
