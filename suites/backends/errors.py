"""What an error of a backend is called: in one line, the same on every machine."""

import re
import sys
import sysconfig
import traceback
from pathlib import Path

from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.cases.case import Failure
from lazyadam.suites.cases.printable import printable

NOT_KEPT = "the step changed the gradient that it was given, or moved a parameter"
HERE = str(Path(__file__).parents[2])
LONGEST = 10_000  # characters of a message that are looked at
# That an optimizer may lack. Whatever else is missing may be private, and its name in a registry somebody's.
PACKAGES = ("numpy", "torch", "mindspore", "ml_dtypes", "scipy")


def not_kept(failure: Failure) -> bool:
    """Whether a step did what no step may, and so diverges."""
    return failure.message == f"{ValueError.__name__}: {NOT_KEPT}"


def in_a_line(error: BaseException) -> str:
    """The message of an error in one line, of characters that any file and terminal takes."""
    try:
        text = " ".join(str(error)[:LONGEST].split())
    except Exception:
        text = "its message can't be read"
    return printable(text)


def installing(error: BaseException) -> str:
    """The line that installs what an error says is not there, to follow it; '' of another error."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    package = (name or "").partition(".")[0]
    return f"; {sys.executable} -m pip install {package}" if name == package and name in PACKAGES else ""


def _is_somebodys(file: str) -> bool:
    """Whether a file is neither of this suite, nor installed, nor of Python."""
    path = Path(file)
    installed = {"site-packages", "dist-packages"} & set(path.parts)
    ours = (HERE, sysconfig.get_path("stdlib"), "<")
    return not installed and not file.startswith(ours)


def refusal(error: BaseException, step: int, file: str = "") -> Failure:
    """The failure of a backend that raised; the line is named where it came from its file, or its package."""
    # Without the folders of this machine, so that tables and scripts are the same on any.
    message = re.sub(r"(?<![\w.:/-])(?:/[\w.+-]+)+/(?=[\w.+-])", "", in_a_line(error))[:300]
    frames = traceback.extract_tb(error.__traceback__)
    own = [f"{file}:{x.lineno}" for x in frames if file and x.filename == file]
    other = [f"{Path(x.filename).name}:{x.lineno}" for x in frames if _is_somebodys(x.filename)]
    where = next((f" ({lines[-1]})" for lines in (own, other if file else []) if lines), "")
    kind = str(getattr(error, "kind", Verdict.REFUSES))  # of one that is in another process
    return Failure(kind, step, f"{type(error).__name__}: {message}{where}")
