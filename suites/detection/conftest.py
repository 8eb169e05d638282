"""A host whose framework isn't there is not run, which its tests say."""

from collections.abc import Iterator

import pytest

from lazyadam.suites.backends.base import NotRun


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "try first the clause by which a fault was found in the recorded run"
    parser.addoption("--likely", action="store_true", help=told)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    try:
        return (yield)
    except NotRun as reason:
        pytest.skip(f"not run: {reason}")
