"""The command `lazyadam`: a file for each subject, and what each imports it imports when it is called."""

import os
import sys

from lazyadam.reports.ending import open_streams, status_of
from lazyadam.suites.run.interruption import listen, listen_no_more


def main() -> None:
    """Run what was typed. Imports nothing that is not ours before it can say that it fails."""
    open_streams()
    if given := os.environ.get("PYTHONPATH"):  # workers start in other folders
        os.environ["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, given.split(os.pathsep)))
    listen()
    bisects = sys.argv[1:2] == ["replay"]  # git bisect run takes 2 for a bad commit
    status = status_of(_typed, failed=125 if bisects else 2)
    listen_no_more()
    sys.exit(status)


def _typed() -> int:
    from lazyadam.suites.commands.app import run

    return run(sys.argv[1:])
