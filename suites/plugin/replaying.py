"""A trace file judged in the place of tests."""

import sys
from traceback import extract_tb

import pytest

from lazyadam.suites.backends.own.declaration import BrokenDeclaration
from lazyadam.suites.backends.selecting import UnknownBackend, select
from lazyadam.suites.cases.trace import TraceError
from lazyadam.suites.conformance.replay import NOTHING_COMPARED, replay


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    file = config.getoption("--replay")
    if file is None:
        return None
    try:
        names, files = config.getoption("--backend"), config.getoption("--backend-file")
        backends = select(names, files)
        if not (names or files) or len(backends) != 1:
            raise UnknownBackend("--replay needs --backend with the full name of one backend")
        code, lines = replay(file, backends[0], config.getoption("--device"), config.getoption("--against"))
    except (TraceError, UnknownBackend, BrokenDeclaration) as error:
        code, lines = NOTHING_COMPARED, [str(error)]
    except Exception as error:  # 1 would say that the optimizer diverges
        at = extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__}: {error} ({at.filename}:{at.lineno})"
        code, lines = NOTHING_COMPARED, [f"{file}: cannot be judged: {' '.join(told.split())}"]
    encoding = sys.stdout.encoding or "utf-8"
    print("\n".join(lines).encode(encoding, "backslashreplace").decode(encoding), flush=True)
    return code
