"""The page in a real headless Chromium: it works by mouse and by keyboard, and nothing leaves the file.

Needs Chromium and its driver: Debian's packages chromium and chromium-driver.
"""

import json
import re
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

from lazyadam.reports import equivalence, matrix, migration, page
from lazyadam.reports.findings import findings
from lazyadam.reports.tables import frame, write_text
from lazyadam.reports.vocabulary import Against
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


WIDTHS = pytest.mark.parametrize("width", [360, 390, 1400])
THEMES = pytest.mark.parametrize("theme", ["light", "dark"])


def wide(browser: Any, width: int) -> None:
    """A screen of this width; a window can't be as narrow as a telephone."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.refresh()
    # Two frames: what is observed to be cut has its sign in the second.
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")


def themed(browser: Any, theme: str) -> None:
    feature = {"name": "prefers-color-scheme", "value": theme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


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


def test_it_opens_on_the_answer_and_on_what_to_set(opened: Any) -> None:
    wide(opened, 1400)
    assert opened.find_element(By.CSS_SELECTOR, "main section").get_attribute("id") == "answer"
    at = "return document.querySelector(arguments[0]).getBoundingClientRect().top"
    for selector in ("#answer .lead", "#answer strong", "#answer pre", "#answer table"):
        assert opened.execute_script(at, selector) < 900, selector
    assert "findings known" in opened.find_element(By.CSS_SELECTOR, "#answer .lead").text


def test_after_the_answer_come_the_findings_each_with_what_shows_it(opened: Any) -> None:
    sections = [e.get_attribute("id") for e in opened.find_elements(By.CSS_SELECTOR, "main section")]
    assert sections[:2] == ["answer", "findings"]
    rows = opened.find_elements(By.CSS_SELECTOR, "#findings tbody tr")
    assert any("does not sum the gradients of a repeated row" in row.text for row in rows)
    assert all(row.find_elements(By.CSS_SELECTOR, "a[href^='#pin-'], code") for row in rows)


CUT = """return [...document.querySelectorAll(".scroll")].filter(box => {
  const hint = box.previousElementSibling, told = hint?.className === "hint" && hint.checkVisibility();
  return box.checkVisibility() && box.scrollWidth > box.clientWidth + 1 && !told;
}).map(box => box.getAttribute("aria-label"))"""


@WIDTHS
def test_what_is_cut_at_its_edge_says_that_it_scrolls(width: int, opened: Any) -> None:
    wide(opened, width)
    assert opened.execute_script(CUT) == []


def test_only_what_scrolls_is_a_stop_for_the_keyboard(opened: Any) -> None:
    wide(opened, 390)
    stops = """const boxes = [...document.querySelectorAll(".scroll")].filter(box => box.checkVisibility());
    return boxes.map(box => {
      const scrolls = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
      return [box.tabIndex === 0, scrolls, box.getAttribute("aria-label")];
    })"""
    seen = opened.execute_script(stops)
    assert any(scrolls for _, scrolls, _ in seen)
    assert [label for stop, scrolls, label in seen if stop != scrolls] == []


@WIDTHS
def test_the_table_of_the_answer_is_whole(width: int, opened: Any) -> None:
    wide(opened, width)
    edge = "return document.querySelector('#answer table').getBoundingClientRect().right"
    assert opened.execute_script(edge) <= width


WORDS_IN_TWO_LINES = """const broken = [];
for (const code of document.querySelectorAll("#answer code")) {
  const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) for (const word of node.textContent.matchAll(/[\\w.]+/g)) {
    const range = document.createRange();
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    if (new Set([...range.getClientRects()].map(box => box.top)).size > 1) broken.push(word[0]);
  }
}
return broken"""


@WIDTHS
def test_no_word_of_code_in_the_answer_is_broken(width: int, opened: Any) -> None:
    wide(opened, width)
    assert opened.execute_script(WORDS_IN_TWO_LINES) == []


def test_what_to_set_is_said_once(opened: Any) -> None:
    assert opened.find_element(By.ID, "answer").text.count("set_context") == 1


def test_any_two_keep_the_order_in_which_they_were_chosen(opened: Any) -> None:
    pair = ["torch.SparseAdam", "mindspore.LazyAdam.default.graph"]
    for names, values in ((pair, ["sum", "scattered"]), (pair[::-1], ["scattered", "sum"])):
        for side, name in zip(("left", "right"), names, strict=True):
            Select(opened.find_element(By.ID, side)).select_by_visible_text(name)
        (table,) = [e for e in shown(opened, "#pair table") if e.text.startswith("axis")]
        heads = [e.text for e in table.find_elements(By.CSS_SELECTOR, "thead th")]
        assert heads[1:3] == names
        lines = [
            line.find_elements(By.CSS_SELECTOR, "th, td") for line in table.find_elements(By.TAG_NAME, "tr")
        ]
        (row,) = [[e.text for e in line] for line in lines if line[0].text == "duplicates"]
        assert row[1:3] == values


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


COLOURS = """const colour = e => getComputedStyle(e).color, of = {};
for (const e of document.querySelectorAll(".legend:not([hidden]) span")) of[e.className] = colour(e);
const cells = [...document.querySelectorAll("#matrix td[data-v]")];
const others = cells.filter(e => of[e.className] !== colour(e));
return [...new Set(others.map(e => e.className))]"""


@THEMES
@pytest.mark.parametrize("against", ["left", *Against])
def test_marks_have_the_colours_of_the_legend(against: str, theme: str, opened: Any) -> None:
    themed(opened, theme)
    Select(opened.find_element(By.ID, "against")).select_by_value(against)
    assert opened.execute_script(COLOURS) == []


# By WCAG: 4.5 for text, 3 for curves.
CONTRAST = """const linear = x => (x /= 255) <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4;
const luminance = text => {
  const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map(linear);
  return .2126 * r + .7152 * g + .0722 * b;
};
const ground = luminance(getComputedStyle(document.body).backgroundColor), found = new Set();
const look = (e, colour, least) => {
  const x = luminance(colour);
  if ((Math.max(x, ground) + .05) / (Math.min(x, ground) + .05) < least) found.add(`${e.tagName} ${colour}`);
};
const all = (selector) => document.querySelectorAll(selector);
const text = "td, th, p, li, summary, a, .panels text, .legend span";
for (const e of all(text)) look(e, getComputedStyle(e)[e.closest("svg") ? "fill" : "color"], 4.5);
for (const e of all(".panels path, .panels use, .key path, .key use")) {
  const { stroke, strokeOpacity } = getComputedStyle(e);
  if (stroke !== "none" && strokeOpacity > .5) look(e, stroke, 3);
}
return [...found]"""


@THEMES
def test_text_and_curves_stand_out_from_the_ground(theme: str, opened: Any) -> None:
    themed(opened, theme)
    assert opened.execute_script(CONTRAST) == []


@THEMES
def test_plots_have_no_ground_of_their_own(theme: str, opened: Any) -> None:
    themed(opened, theme)
    grounds = """const body = getComputedStyle(document.body).backgroundColor;
      const marks = [...document.querySelectorAll("figure path, figure use")];
      const fills = marks.map(e => getComputedStyle(e).fill);
      return [...new Set(fills)].filter(fill => fill !== body)"""
    fills = opened.execute_script(grounds)
    assert "rgb(255, 255, 255)" not in fills
    assert opened.execute_script("return document.querySelectorAll('.panels svg').length") > 10


def test_keys_stand_outside_the_plots(opened: Any) -> None:
    names = opened.execute_script(
        "return [...document.querySelectorAll('.panels text')].map(e => e.textContent)"
    )
    assert not [name for name in names if "Adam" in name or "floor" in name]
    for figure in opened.find_elements(By.TAG_NAME, "figure"):
        assert figure.find_elements(By.CSS_SELECTOR, ".key li")


@pytest.mark.parametrize("width", [390, 1400])
def test_the_reason_of_every_refusal_can_be_read(width: int, opened: Any) -> None:
    wide(opened, width)
    cells = [e for e in opened.find_elements(By.CSS_SELECTOR, "#training td.refuses") if "Error" in e.text]
    assert len(cells) > 2
    for cell in cells:
        assert cell.rect["x"] + cell.rect["width"] <= width
        assert cell.rect["width"] > 150


def test_no_cause_is_drawn_in_rules_of_dashes(opened: Any) -> None:
    outside = "const page = document.querySelector('main').cloneNode(true); "
    outside += "page.querySelectorAll('pre').forEach(e => e.remove()); return page.textContent"
    text = opened.execute_script(outside)
    assert "----" not in text
    assert "C++ Call Stack" not in text


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
