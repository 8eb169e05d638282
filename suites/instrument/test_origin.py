"""What drives an optimizer of one's own in a script: its class or function, or else the backend itself."""

from dataclasses import replace
from pathlib import Path

import pytest

from lazyadam.suites.backends.base import Origin
from lazyadam.suites.backends.own.reader import read
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.divergences.source.own import loaded

NUMPY = TEMPLATES["numpy"]
TORCH = """
from collections import OrderedDict

from lazyadam.suites.backends.own import TorchOptimizer


class Lazy:
    pass


class Mine(TorchOptimizer):
    name = "mine.Lazy"
    optimizer_class = Lazy
"""
LOCAL = TORCH.replace(
    "optimizer_class = Lazy", 'optimizer_class = type("Lazy", (), {"__qualname__": "<locals>.Lazy"})'
)
FUNCTION, CLASS = Origin("", "LazyAdam", "update"), Origin("", "Lazy", "class")
CASES = {
    "a function": (NUMPY, FUNCTION),
    "a function with others beside": (NUMPY + "\n    def helper(self, x):\n        return x\n", FUNCTION),
    "a function, and how state is loaded": (
        NUMPY + "\n    def reload(self, case):\n        pass\n",
        Origin("", "LazyAdam"),
    ),
    "a function, and a constructor": (
        NUMPY + "\n    def __init__(self, device):\n        super().__init__(device)\n",
        Origin("", "LazyAdam"),
    ),
    "a class of the file": (TORCH, CLASS),
    "a class of another module": (
        TORCH.replace("optimizer_class = Lazy", "optimizer_class = OrderedDict"),
        Origin("collections", "OrderedDict", "class"),
    ),
    "a class by its name": (
        TORCH.replace("optimizer_class = Lazy", 'optimizer_class = "my.module.Lazy"'),
        Origin("my.module", "Lazy", "class"),
    ),
    "a class with options and names of its own": (
        f'{TORCH}    options = {{"weight_decay": 0.0}}\n    state_names = ("t", "m", "v")\n',
        Origin("", "Lazy", "class", (("weight_decay", "0.0"),), ("t", "m", "v")),
    ),
    "a class with an option that is no literal": (
        f'{TORCH}    options = {{"x": Lazy}}\n',
        Origin("", "Mine"),
    ),
    "a class with arguments of its own": (
        f"{TORCH}\n    def arguments_of(self, group, case):\n        return {{}}\n",
        Origin("", "Mine"),
    ),
    "a class that can't be imported": (LOCAL, Origin("", "Mine")),
}


@pytest.mark.parametrize("what", CASES)
def test_a_script_is_driven_by_the_least_that_does(what: str, tmp_path: Path) -> None:
    text, expected = CASES[what]
    file = tmp_path / "my_optimizer.py"
    file.write_text(text)
    (backend,) = read(file)
    assert backend.origin is not None
    assert replace(backend.origin, declared=("", ""), file="") == expected


def test_a_script_finds_the_class_where_the_file_that_declares_it_did(tmp_path: Path) -> None:
    """lazyadam check package.module.Class writes such a file."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "__init__.py").write_text("class Lazy:\n    pass\n")
    file = tmp_path / "declared" / "theirs.Lazy.py"
    file.parent.mkdir()
    text = TORCH.replace("class Lazy:\n    pass\n", "from theirs import Lazy\n")
    file.write_text(f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n{text}")
    (backend,) = read(file)
    declared = "", backend.__name__
    expected = Origin("theirs", "Lazy", "class", folder=str(tmp_path), declared=declared)
    assert backend.origin == replace(expected, file=str(tmp_path / "theirs" / "__init__.py"))
    lines = [*loaded(backend)]
    assert f"sys.path += {[str(tmp_path), str(file.parent)]}" in lines
    assert lines[0] == "import sys"
