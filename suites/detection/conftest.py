"""A host whose framework isn't there is not run, which its tests say."""

from collections.abc import Iterator

import pytest

from lazyadam.suites.backends.base import NotRun


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    try:
        return (yield)
    except NotRun as reason:
        pytest.skip(f"not run: {reason}")
