"""Files to start from, written where they are to be; what is there is never written over."""

import re
import subprocess
from contextlib import suppress
from pathlib import Path

from lazyadam.reports.tables import NotWritten, write_text
from lazyadam.suites.backends.own.class_file import is_class
from lazyadam.suites.backends.own.template import TEMPLATES, WORKFLOW
from lazyadam.suites.backends.workers.start import ROOT

OWN = Path("my_optimizer.py")
PLACE = Path(".github/workflows/lazyadam.yml")
UNKNOWN = "OWNER/SUITE"
PLAIN = re.compile(r"[\w./][\w./ @+=,-]*")  # a plain scalar of YAML, and nothing to GitHub
FRAMEWORKS = ("torch", "mindspore")


def optimizer(kind: str, file: Path) -> list[str]:
    """Write an optimizer of a kind, and say what is next.

    Raises:
        NotWritten: the file is there, or can't be written.
    """
    _new(file, TEMPLATES[kind])
    compile_first = (
        "its first lines have the C function and how to compile it; then " if kind == "ctypes" else ""
    )
    return [f"{file} written. Next: {compile_first}lazyadam check {file}"]


def workflow(file: Path) -> list[str]:
    """Write the workflow that judges an optimizer, and say what is next. Raises as `optimizer`.

    file: of it, or the name of its class.
    """
    top = _top()
    place = top / PLACE
    named = is_class(str(file)) and not file.is_file()
    inside = str(file) if named else _inside(file, top)
    if not PLAIN.fullmatch(inside):
        raise NotWritten(f"{inside!r} has characters that a workflow would take for its own: rename it")
    text = file.read_text(errors="replace") if file.is_file() else ""
    needed = [name for name in FRAMEWORKS if re.search(rf"\b{name}\b", text)] or [*FRAMEWORKS[:1]]
    suite = _repository()
    _new(place, WORKFLOW.format(file=inside, suite=suite, extras=",".join(needed)))
    lines = [f"{place} written: it judges {inside} at every push"]
    if suite == UNKNOWN:
        lines.append(f"put the suite's repository in the place of {UNKNOWN}")
    if not file.is_file() and not named:
        lines.append(f"{file} is not there yet: lazyadam init numpy")
    return lines


def _new(file: Path, text: str) -> None:
    if file.exists() or file.is_symlink():
        raise NotWritten(f"{file} is there, and is not written over")
    write_text(text, file)


def _top() -> Path:
    """The repository that this folder is in, or else this folder: workflows are looked for nowhere else."""
    here = Path.cwd()
    top = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)
    return Path() if top == here else top


def _inside(file: Path, top: Path) -> str:
    """A file as the workflow names it.

    Raises:
        NotWritten: it is not in that repository.
    """
    with suppress(ValueError):
        return file.absolute().relative_to(top.absolute()).as_posix()
    raise NotWritten(f"{file} is not in {top.absolute()}, where the workflow looks for it")


def _repository() -> str:
    """The suite's own repository, as GitHub names it, where it was cloned from there."""
    with suppress(OSError, subprocess.SubprocessError):
        asked = ["git", "-C", str(ROOT), "remote", "get-url", "origin"]
        url = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
        if found := re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(\.git)?/?$", url):
            return found[1]
    return UNKNOWN
