"""The page in a real headless Chromium: it works by mouse and by keyboard, and nothing leaves the file.

Needs Chromium and its driver: Debian's packages chromium and chromium-driver.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from reports import equivalence, page
from reports.matrix import AGAINST
from reports.tables import frame, write_text
from suites.instrument.published import RUN

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
    return path


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(page.load(RUN), tmp_path_factory.mktemp("page") / "index.html")


@pytest.fixture
def opened(browser: Any, published: Path) -> Any:
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(published.as_uri())
    return browser


def shown(browser: Any, selector: str) -> list[Any]:
    return [e for e in browser.find_elements(By.CSS_SELECTOR, selector) if e.is_displayed()]


def test_no_errors_and_no_request_leaves_the_file(opened: Any, published: Path) -> None:
    assert opened.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith("data:")} <= {published.as_uri()}


def test_every_link_resolves_and_names_are_unique(opened: Any) -> None:
    links = opened.execute_script("return [...document.links].map(a => a.getAttribute('href'))")
    ids = opened.execute_script("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert links
    assert {link for link in links if not link.startswith("#") or link[1:] not in ids} == set()
    assert [name for name, count in Counter(ids).items() if count > 1] == []


def test_headers_have_a_scope_and_controls_a_name(opened: Any) -> None:
    assert opened.execute_script("return document.querySelectorAll('th:not([scope])').length") == 0
    nameless = "return [...document.querySelectorAll('input, select')].filter(e => !e.labels.length).length"
    assert opened.execute_script(nameless) == 0


def test_matrix_is_filtered_by_name_and_by_verdict(opened: Any) -> None:
    lines = len(shown(opened, "#matrix tbody tr"))
    search = opened.find_element(By.ID, "search")
    search.send_keys("nesterov")
    assert {"nesterov"} <= {e.text for e in shown(opened, "#matrix tbody th")}
    assert len(shown(opened, "#matrix tbody tr")) < lines
    search.clear()
    search.send_keys("fused")
    assert [e.text for e in shown(opened, "#matrix thead th")][1:] == ["torch.Adam.fused"]
    Select(opened.find_element(By.ID, "verdict-filter")).select_by_visible_text("diverges")
    assert "strided-parameters" in {e.text for e in shown(opened, "#matrix tbody th")}
    assert "update-rule" not in {e.text for e in shown(opened, "#matrix tbody th")}


def test_a_cell_opens_by_mouse(opened: Any) -> None:
    shown(opened, "#matrix td")[0].click()
    text = opened.find_element(By.ID, "cell").text
    assert "Source:" in text
    assert "worst error / bound" in text
    opened.find_element(By.ID, "close").click()
    assert not opened.find_element(By.ID, "cell").is_displayed()


def test_a_cell_opens_by_keyboard_and_focus_comes_back(opened: Any) -> None:
    first = opened.find_element(By.CSS_SELECTOR, "#matrix td[tabindex='0']")
    first.send_keys(Keys.ARROW_DOWN)
    opened.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    cell = opened.switch_to.active_element
    at = opened.execute_script("const c = arguments[0]; return [c.parentElement.rowIndex, c.cellIndex]", cell)
    assert at == [2, 2]
    cell.send_keys(Keys.ENTER)
    assert opened.find_element(By.ID, "cell").is_displayed()
    opened.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not opened.find_element(By.ID, "cell").is_displayed()
    assert opened.switch_to.active_element == cell


def test_only_one_cell_is_a_tab_stop(opened: Any) -> None:
    assert len(opened.find_elements(By.CSS_SELECTOR, "#matrix td[tabindex='0']")) == 1


def test_a_known_divergence_leads_to_its_script(opened: Any) -> None:
    opened.find_element(By.ID, "search").send_keys("strided-parameters")
    Select(opened.find_element(By.ID, "verdict-filter")).select_by_visible_text("diverges")
    lines = shown(opened, "#matrix tbody tr")
    next(c for c in lines[0].find_elements(By.CSS_SELECTOR, "td.diverges") if c.is_displayed()).click()
    opened.find_element(By.CSS_SELECTOR, "#detail a").click()
    assert not opened.find_element(By.ID, "cell").is_displayed()
    assert "#pin-" in opened.current_url


def test_any_two_are_compared(opened: Any) -> None:
    Select(opened.find_element(By.ID, "left")).select_by_visible_text("mindspore.LazyAdam.default.graph")
    Select(opened.find_element(By.ID, "right")).select_by_visible_text("mindspore.LazyAdam.target_cpu.graph")
    text = opened.find_element(By.ID, "pair").text
    assert "repeated rows" in text
    assert "scattered" in text
    assert "no forecast of yours" in text
    assert "97% (91% to 103%)" in text  # how it grows with repeats and steps


@pytest.mark.parametrize("width", [360, 1400])
def test_the_page_itself_never_scrolls_sideways(width: int, opened: Any) -> None:
    opened.set_window_size(width, 900)
    inner, content = opened.execute_script(
        "return [document.documentElement.clientWidth, document.documentElement.scrollWidth]"
    )
    assert content <= inner


HOSTILE = "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"


def test_text_of_a_backend_is_not_run(browser: Any, tmp_path: Path) -> None:
    tables = page.load(RUN)
    for name, column in (("verdicts", "explained_by"), ("bad_input", "message"), ("sequences", "message")):
        tables.by_name[name] = tables.by_name[name].assign(**{column: HOSTILE})
    browser.get(built(tables, tmp_path / "index.html").as_uri())
    shown(browser, "#matrix td[data-v]")[0].click()
    assert HOSTILE in browser.find_element(By.ID, "cell").text
    assert browser.title == "LazyAdam conformance"


def test_a_table_of_100_backends_and_300_clauses_opens(browser: Any, tmp_path: Path) -> None:
    """How soon is printed: median of five."""
    rows = [
        {
            **{"backend": f"backend.{b:03}", "version": "1", "mode": "eager", "device": "cpu"},
            **{"dtype": "float32", "clause": f"clause-{c:03}", "against": against, "verdict": "conforms"},
            **{"worst_ratio": 0.5, "cases": 30, "steps": 90, "explained_by": "", "witness": ""},
        }
        for b in range(100)
        for c in range(300)
        for against in AGAINST
    ]
    tables = page.Tables(tmp_path, {"verdicts": frame("verdicts", rows)}, {})
    path = built(tables, tmp_path / "index.html")
    seconds = []
    for _ in range(5):
        browser.get(path.as_uri())
        timing = "const t = performance.timing; return (t.loadEventEnd - t.navigationStart) / 1000"
        seconds.append(browser.execute_script(timing))
    assert len(browser.find_elements(By.CSS_SELECTOR, "#matrix td")) == 100 * 300
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    print(f"100 backends × 300 clauses: open after {sorted(seconds)[2]:.2f} s, {size}")
