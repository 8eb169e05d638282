"""How the page looks: colours, contrast, plots, and words that are not broken."""

from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from lazyadam.reports.vocabulary import Against
from lazyadam.suites.browser.test_page import wide

THEMES = pytest.mark.parametrize("theme", ["light", "dark"])


def themed(browser: Any, theme: str) -> None:
    feature = {"name": "prefers-color-scheme", "value": theme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


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
