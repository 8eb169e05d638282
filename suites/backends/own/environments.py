"""Interpreters that somebody has named, so as not to type their paths: kept in a file of theirs."""

import json
import os
import shutil
from pathlib import Path

from lazyadam.reports.tables import TableError, write_text


def file() -> Path:
    """Where the names are kept (XDG Base Directory Specification)."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "lazyadam" / "environments.json"


def named() -> dict[str, str]:
    """The interpreters by name.

    Raises:
        TableError: the file is none of ours; the message is one line.
    """
    try:
        names = json.loads(file().read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise TableError(f"{file()}: {error}") from None
    if not isinstance(names, dict) or not all(isinstance(x, str) for x in names.values()):
        raise TableError(f"{file()}: holds no names of interpreters")
    return names


def keep(name: str, python: str) -> None:
    """Name an interpreter. Raises as `named` and `write_text` do."""
    write_text(json.dumps(named() | {name: located(python)}, indent=1) + "\n", file())


def located(text: str) -> str:
    """The interpreter that a name or a path stands for, by a path that is the same from any folder."""
    python = named().get(text, text)
    found = shutil.which(python)
    return str(Path(found).absolute()) if found else python
