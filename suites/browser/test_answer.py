"""The answer of the page: what comes first, and that it is whole."""

from typing import Any

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from lazyadam.suites.browser.test_page import WIDTHS, shown, wide


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
