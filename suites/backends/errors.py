"""What an error of a backend is called: in one line, the same on every machine."""

import re
import sys
import traceback

from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.cases.case import Failure
from lazyadam.suites.cases.printable import printable

NOT_KEPT = "the step changed the gradient that it was given, or moved a parameter"
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


def refusal(error: BaseException, step: int, file: str = "") -> Failure:
    """The failure of a backend that raised. file: its line is named where the error came from it."""
    # Without the folders of this machine, so that tables and scripts are the same on any.
    message = re.sub(r"(?<![\w.:/-])(?:/[\w.+-]+)+/(?=[\w.+-])", "", in_a_line(error))[:300]
    lines = [x.lineno for x in traceback.extract_tb(error.__traceback__) if file and x.filename == file]
    where = f" ({file}:{lines[-1]})" if lines else ""
    kind = str(getattr(error, "kind", Verdict.REFUSES))  # of one that is in another process
    return Failure(kind, step, f"{type(error).__name__}: {message}{where}")
