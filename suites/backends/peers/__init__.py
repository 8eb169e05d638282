"""Other frameworks of the family, each in an environment of its own, which `tox -m peers` makes."""

from pathlib import Path

ENVIRONMENTS = Path(__file__).resolve().parents[3] / ".tox"


def python_of(framework: str) -> str:
    """The interpreter that has a framework, once tox has made it."""
    return str(ENVIRONMENTS / f"peer-{framework}" / "bin" / "python")


def made_by(python: str) -> str:
    """The command that makes an interpreter; '' where none of these does."""
    environment = Path(python).parent.parent
    return f"tox -e {environment.name}" if environment.parent == ENVIRONMENTS else ""


def environment_of(spec: str) -> str:
    """Of which environment an execnet spec names the interpreter; '' where of none of these."""
    python = Path(spec.partition("python=")[2])
    return python.parent.parent.name.removeprefix("peer-") if made_by(str(python)) else ""
