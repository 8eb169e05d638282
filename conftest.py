"""pytest in the repository: with the options, fixtures and tables of the suite."""

pytest_plugins = ["lazyadam.suites.plugin"]
