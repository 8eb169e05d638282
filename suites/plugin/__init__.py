"""The suite as a plugin of pytest: its hooks and fixtures, by what they are about."""

from lazyadam.suites.plugin.collection import pytest_collection_modifyitems as pytest_collection_modifyitems
from lazyadam.suites.plugin.collection import pytest_generate_tests as pytest_generate_tests
from lazyadam.suites.plugin.options import pytest_addoption as pytest_addoption
from lazyadam.suites.plugin.options import pytest_configure as pytest_configure
from lazyadam.suites.plugin.options import pytest_configure_node as pytest_configure_node
from lazyadam.suites.plugin.processes import backends as backends
from lazyadam.suites.plugin.processes import processes as processes
from lazyadam.suites.plugin.processes import seed as seed
from lazyadam.suites.plugin.replaying import pytest_cmdline_main as pytest_cmdline_main
from lazyadam.suites.plugin.results import pytest_report_header as pytest_report_header
from lazyadam.suites.plugin.results import pytest_runtest_call as pytest_runtest_call
from lazyadam.suites.plugin.results import pytest_runtest_logreport as pytest_runtest_logreport
from lazyadam.suites.plugin.results import pytest_sessionfinish as pytest_sessionfinish
from lazyadam.suites.plugin.results import pytest_sessionstart as pytest_sessionstart
