"""Plots: each backend has one look in all of them, which no other has, on a light and on a dark ground."""

import re
from functools import cache
from xml.etree import ElementTree

import pytest

from lazyadam.reports.performance import curves
from lazyadam.reports.plots import drawing, judged
from lazyadam.reports.plots import speed as timed
from lazyadam.reports.tables import read
from lazyadam.suites.instrument.published import RUN

NAMES = sorted({*read("tolerance", RUN)["backend"], *read("performance", RUN)["backend"]})


@cache
def speed() -> dict[str, drawing.Plot]:
    return timed.performance(curves(read("performance", RUN)), drawing.styles(NAMES))


@cache
def drift() -> drawing.Plot:
    found = judged.drift(read("tolerance", RUN), drawing.styles(NAMES))
    assert found is not None
    return found


def luminance(colour: str) -> float:
    """Of WCAG."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in channels]
    return sum(share * x for share, x in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("ground", ["#ffffff", "#14171b"])
@pytest.mark.parametrize("colour", drawing.COLOURS)
def test_a_colour_stands_out_from_either_ground(colour: str, ground: str) -> None:
    low, high = sorted((luminance(colour), luminance(ground)))
    assert (high + 0.05) / (low + 0.05) >= 3


@pytest.mark.parametrize("count", [20, 60])
def test_no_two_names_look_alike(count: int) -> None:
    names = [*NAMES, *(f"mine{i // 12}.Adam.form{i % 12}" for i in range(count))][:count]
    looks = drawing.styles(names)
    assert len(looks) == count
    assert len({(look.colour, look.marker) for look in looks.values()}) == count


def test_forms_of_an_optimizer_have_one_colour() -> None:
    looks = drawing.styles(NAMES)
    for family in ("torch.Adam.", "mindspore.LazyAdam."):
        assert len({look.colour for name, look in looks.items() if name.startswith(family)}) == 1


def test_a_backend_looks_the_same_in_every_panel_and_in_the_key() -> None:
    looks, drawn = drawing.styles(NAMES) | timed.MARKS, speed()
    assert set(drawn) == {"touched_rows", "table_rows", "width", "repeats"}
    for plot in drawn.values():
        for entry in plot.key:
            (name,) = entry.names
            assert looks[name].colour.replace(timed.INK, "currentColor") in entry.swatch
        colours = {looks[name].colour for entry in plot.key for name in entry.names}
        for panel in plot.panels:
            assert set(re.findall(r"stroke: (#\w{6})", panel)) - {"#b0b0b0", timed.GREY.colour} <= colours


def test_at_most_eight_lines_have_a_colour_and_the_others_are_named_at_their_ends() -> None:
    drawn = speed()["table_rows"]
    assert len(drawn.key) == 2 + timed.COLOURED
    shown = {name for entry in drawn.key for name in entry.names}
    ends = {name for panel in drawn.panels for name in re.findall(r">([a-z_]+\.[\w.]+)</text>", panel)}
    assert ends
    assert ends.isdisjoint(shown)
    assert ends < set(NAMES)


def test_a_plot_says_what_it_shows_in_a_sentence() -> None:
    rows = read("performance", RUN)
    largest = rows[(rows["table_rows"] == 1_000_000) & (rows["backend"] == "torch.SparseAdam")]
    said = speed()["table_rows"].about
    assert said.startswith("With table rows 1,000,000 (width 16, touched rows 1,000) the fastest")
    assert f"{largest['floor_multiple'].min():.3g} × what the memory allows" in said


def test_a_panel_has_neither_a_key_nor_a_ground() -> None:
    for panel in drift().panels:
        assert not [name for name in NAMES if name in panel]
        assert "#ffffff" not in panel.replace("var(--bg, #ffffff)", "")


def test_backends_whose_curves_are_the_same_share_one_and_are_all_named() -> None:
    named = [name for entry in drift().key for name in entry.names]
    assert sorted(named) == sorted(set(read("tolerance", RUN)["backend"]))
    assert ("torch.Adam.foreach", "torch.Adam.fused", "torch.Adam.loop") in [e.names for e in drift().key]


def test_the_name_of_what_is_wrong_is_struck_through() -> None:
    plot = speed()["repeats"]
    struck = sorted(entry.names for entry in plot.key if entry.wrong)
    wrong = ["mindspore.Adam.default.graph", "mindspore.LazyAdam.default.graph"]
    assert struck == [(name,) for name in wrong]
    texts = ElementTree.fromstring(plot.whole()).iter("{http://www.w3.org/2000/svg}text")
    assert sorted(e.text or "" for e in texts if e.get("text-decoration")) == wrong


@pytest.mark.parametrize(
    ("scale", "value", "said"),
    [
        (drawing.in_seconds, 1e-5, "10 µs"),
        (drawing.in_seconds, 2e-3, "2 ms"),
        (drawing.in_seconds, 1.0, "1 s"),
        (drawing.counted, 1e5, "100,000"),
        (drawing.scientific, 1e-6, "10⁻⁶"),
        (drawing.scientific, 5e-17, "5·10⁻¹⁷"),
    ],
)
def test_ticks_are_written_in_units(scale: drawing.Scale, value: float, said: str) -> None:
    assert scale(value) == said
