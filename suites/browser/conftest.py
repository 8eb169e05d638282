"""The page of a recorded run, opened in a browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from lazyadam.reports import equivalence, migration, page
from lazyadam.reports.findings import findings
from lazyadam.reports.tables import write_text
from lazyadam.suites.instrument.published import RUN

OPTIONS = (
    *(
        "--window-size=1400,1000",
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
    ),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if missing:
        pytest.fail(f"{' and '.join(missing)} not there: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for option in OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def built(tables: page.Tables, path: Path) -> Path:
    pairs = equivalence.pairs_of(tables.get("sequences"))
    axes = equivalence.axes_of(*(tables.get(n) for n in ("dialects", "effects", "sequences", "pins")))
    write_text(page.build(tables, pairs, axes), path)
    write_text(migration.text(tables, pairs, axes), path.with_name("migration.md"))
    return path


def recorded() -> page.Tables:
    """The tables of a published run, with the findings that are seen in them now."""
    tables = page.load(RUN)
    tables.by_name["findings"] = findings(tables.by_name)
    return tables


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(recorded(), tmp_path_factory.mktemp("page") / "index.html")


@pytest.fixture
def opened(browser: Any, published: Path) -> Iterator[Any]:
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(published.as_uri())
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
