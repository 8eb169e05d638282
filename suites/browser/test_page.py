"""The page in a real headless Chromium: it works by mouse and by keyboard, and nothing leaves the file.

Needs Chromium and its driver: Debian's packages chromium and chromium-driver.
"""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from lazyadam.reports import matrix, page
from lazyadam.reports.findings import findings
from lazyadam.reports.tables import frame
from lazyadam.reports.vocabulary import Against
from lazyadam.suites.browser.conftest import built, recorded
from lazyadam.suites.instrument.published import RUN

WIDTHS = pytest.mark.parametrize("width", [360, 390, 1400])


def wide(browser: Any, width: int) -> None:
    """A screen of this width; a window can't be as narrow as a telephone."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.refresh()
    # Two frames: what is observed to be cut has its sign in the second.
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def shown(browser: Any, selector: str) -> list[Any]:
    return [e for e in browser.find_elements(By.CSS_SELECTOR, selector) if e.is_displayed()]


def test_no_errors_and_no_request_leaves_the_file(opened: Any, published: Path) -> None:
    assert opened.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith("data:")} <= {published.as_uri()}


def test_every_link_resolves_and_names_are_unique(opened: Any, published: Path) -> None:
    links = opened.execute_script("return [...document.links].map(a => a.getAttribute('href'))")
    ids = opened.execute_script("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert links
    assert {link for link in links if link.startswith("#") and link[1:] not in ids} == set()
    beside = {link for link in links if not link.startswith("#")}
    assert beside == {"migration.md"}
    assert published.with_name("migration.md").exists()
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
    Select(opened.find_element(By.ID, "verdict-filter")).select_by_visible_text(matrix.LEFT["known"])
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
    lines = shown(opened, "#matrix tbody tr")
    next(c for c in lines[0].find_elements(By.CSS_SELECTOR, "td.known") if c.is_displayed()).click()
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


@WIDTHS
def test_the_page_itself_never_scrolls_sideways(width: int, opened: Any) -> None:
    wide(opened, width)
    inner, content = opened.execute_script(
        "return [document.documentElement.clientWidth, document.documentElement.scrollWidth]"
    )
    assert inner > width - 20  # less a bar
    assert content <= inner


def test_the_matrix_opens_on_what_is_left_when_known_axes_are_taken_out(opened: Any) -> None:
    cells = opened.find_elements(By.CSS_SELECTOR, "#matrix td[data-v]")
    kinds = Counter(cell.get_attribute("class") for cell in cells)
    assert kinds["conforms"] + kinds["but-for"] > 0.9 * len(cells)
    assert kinds["diverges"] == kinds["new"] == 0
    cell = next(cell for cell in cells if cell.text == "ε")
    assert cell.get_attribute("title") == "as documented but for epsilon: beside root"
    cell.click()
    assert "As documented but for epsilon: beside root." in opened.find_element(By.ID, "cell").text


def test_a_switch_shows_the_verdicts_behind(opened: Any) -> None:
    select = Select(opened.find_element(By.ID, "against"))
    for against, word, sign in (("documented", "diverges", "✗"), ("explained", "conforms", "✓")):
        select.select_by_value(against)
        assert {e.text for e in shown(opened, f"#matrix td.{word}")} == {sign}
    options = [e.text for e in Select(opened.find_element(By.ID, "verdict-filter")).options]
    assert options == ["any", *(word for word in matrix.SIGNS if word)]
    select.select_by_value("left")
    assert {"ε", "Σε"} <= {e.text for e in shown(opened, "#matrix td.but-for")}


def test_an_error_of_many_ulps_has_its_word(opened: Any) -> None:
    text = opened.find_element(By.ID, "tolerance").text
    assert "*" in text
    assert "More than 1,000 ulps, and yet within the bound" in text


def test_a_claim_is_a_verdict_with_its_reason_and_the_evidence_is_folded(opened: Any) -> None:
    rows = opened.find_elements(By.CSS_SELECTOR, "#claims tbody tr")
    assert len(rows) == 14
    for row in rows:
        assert "8 of 8, 8 of 8" not in row.get_attribute("textContent")
        assert row.rect["height"] < 250
    refuted = [row for row in rows if "refuted" in row.text]
    assert all(row.find_elements(By.CSS_SELECTOR, "td > div > p") for row in refuted)


def test_scripts_can_be_copied(opened: Any) -> None:
    without = (
        "return [...document.querySelectorAll('pre')].filter(e => !e.querySelector('button.copy')).length"
    )
    assert opened.execute_script(without) == 0


def test_what_this_run_has_not_measured_is_shown_from_a_recorded_run_that_says_so(
    browser: Any, tmp_path: Path
) -> None:
    measured = {name for name in page.OPTIONAL if (RUN / f"{name}.csv").exists()}
    for file in RUN.glob("*.csv"):
        if file.stem not in measured:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    browser.get(built(page.load(tmp_path), tmp_path / "index.html").as_uri())
    for section, selector in (("speed", "details"), ("detection", "figure")):
        part = browser.find_element(By.ID, section)
        said = part.find_element(By.CSS_SELECTOR, ".recorded").text
        assert re.search(r"Recorded, not of this run \(\d{4}-\d\d-\d\d; .+ threads.*torch \d+\..*\)", said)
        assert "mindspore 2." in said
        assert part.find_elements(By.CSS_SELECTOR, selector)
    assert "Not measured" not in browser.find_element(By.TAG_NAME, "main").text


def test_what_is_new_is_said_first_and_has_a_frame(browser: Any, tmp_path: Path) -> None:
    tables = recorded()
    verdicts = tables.by_name["verdicts"].copy()
    new = (verdicts["backend"] == "torch.SparseAdam") & (verdicts["clause"] == "duplicates")
    new &= (verdicts["against"] == "documented") & (verdicts["dtype"] == "float32")
    verdicts.loc[new, ["verdict", "explained_by", "witness"]] = [
        "diverges",
        "duplicates: last",
        "traces/x.json",
    ]
    tables.by_name["verdicts"] = verdicts
    tables.by_name["findings"] = findings(tables.by_name)
    browser.get(built(tables, tmp_path / "index.html").as_uri())
    assert browser.find_element(By.CSS_SELECTOR, "#answer .lead").text.startswith("1 new; ")
    assert "torch.SparseAdam: duplicates" in browser.find_element(By.ID, "answer").text
    assert browser.find_element(By.CSS_SELECTOR, "#findings tbody tr").text.count("new") == 1
    (framed,) = shown(browser, "#matrix td[data-new]")
    assert framed.get_attribute("class") == "new"


HOSTILE = "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">"


def test_text_of_a_backend_is_not_run(browser: Any, tmp_path: Path) -> None:
    tables = recorded()
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
        for against in Against
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
