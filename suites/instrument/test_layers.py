"""Imports run one way: whoever reads a folder needs those before it, and none behind it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from lazyadam.suites.backends.workers.start import ROOT

# Each may import those before it. reports/ knows tables alone; the tests of our own parts know everything.
LAYERS = (
    *("reference", "reports", "cases", "backends", "clauses", "judge", "divergences", "run", "conformance"),
    *("campaign", "equivalence", "performance", "recordings", "telling", "detection", "plugin", "commands"),
)
TESTS = {"instrument", "browser", "mutation"}
FILES = [
    *(ROOT / "reference").glob("*.py"),
    *(ROOT / "reports").glob("*.py"),
    *(path for part in ("schema", "blocks", "plots") for path in (ROOT / "reports" / part).glob("*.py")),
    *(path for path in (ROOT / "suites").rglob("*.py") if TESTS.isdisjoint(path.relative_to(ROOT).parts)),
]


def layer(parts: tuple[str, ...]) -> str:
    """Of a file or module below the root."""
    return parts[1] if parts[0] == "suites" else parts[0]


def imported(path: Path) -> Iterator[str]:
    """The layers of ours that a file imports, wherever in it that stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("lazyadam."):
            below = tuple(node.module.split(".")[1:])
            for name in node.names:
                yield layer((*below, name.name))


@pytest.mark.parametrize("name", LAYERS)
def test_a_folder_imports_only_those_before_it(name: str) -> None:
    mine = [path for path in FILES if layer(path.relative_to(ROOT).parts) == name]
    assert mine
    before = {name, *LAYERS[: LAYERS.index(name)]} if name != "reports" else {"reports"}
    if name == "detection":
        before |= {"instrument"}  # its samples
    behind = {f"{path.relative_to(ROOT)}: {to}" for path in mine for to in imported(path) if to not in before}
    assert not behind


def test_every_folder_is_a_layer_and_no_file_lies_beside_them() -> None:
    suites = ROOT / "suites"
    folders = {path.name for path in suites.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders | {"reference", "reports"} == {*LAYERS, *TESTS}
    assert {path.name for path in suites.iterdir() if path.is_file()} == {"README.md", "__init__.py"}


def test_the_map_names_the_folders_in_that_order() -> None:
    text = (ROOT / "suites/README.md").read_text().partition("Imports run one way")[0]
    named = [line.split("/")[0].strip() for line in text.splitlines() if line[:5].strip() and "/  " in line]
    assert named[:-1] == [*LAYERS[2:]]
