"""Curves, as SVG, in the colours of the text around them.

Each panel is an SVG of its own, so that a page can put side by side as many as fit; the key stands outside.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from io import StringIO
from textwrap import wrap
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from lazyadam.reports.words import family_and_form

matplotlib.use("svg")
matplotlib.rcParams["svg.fonttype"] = "none"
matplotlib.rcParams["font.size"] = 10

WIDTH, HEIGHT = 360, 270  # of a panel
KEY = 16  # the height of a line of the key
# Each can be told from a white and from a black ground.
COLOURS = ("#2f7ed8", "#d5542a", "#1a9467", "#b0559c", "#b07d12", "#0f8fa3", "#7b61d1", "#6f8a1e")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p", "h")
LINES = ("-", (0, (6, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (2, 1)))
FLOOR = ":"
# Of a plot that stands alone: by the reader's own light or dark.
GROUNDS = (
    "<style>:root{color:#14171b;background:#fff;--bg:#fff}@media(prefers-color-scheme:dark)"
    "{:root{color:#e6e6e6;background:#14171b;--bg:#14171b}}</style>"
)
FOR_NAMES = 0.36  # of the width of a panel
NEAR = 0.05  # of the height: names closer than this are set apart

Scale = Callable[[Any], str]


@dataclass(frozen=True)
class Style:
    colour: str
    marker: str
    line: Any


Styles = Mapping[str, Style]


@dataclass(frozen=True)
class Entry:
    """A line of a key: its names, what it looks like, and whether what it stands for is wrong somewhere."""

    names: tuple[str, ...]
    swatch: str
    wrong: bool = False


@dataclass(frozen=True)
class Plot:
    """about: what it shows, in a sentence."""

    panels: list[str]
    key: list[Entry]
    about: str = ""

    def whole(self) -> str:
        """One SVG: what it shows, three panels to a row, and the key beneath them."""
        across = min(3, len(self.panels))
        lines = wrap(self.about, across * WIDTH // 7)
        head = KEY * len(lines) + 8
        top = head + -(-len(self.panels) // across) * HEIGHT
        height = top + KEY * (len(self.key) + 1)
        parts = [
            f'<text x="8" y="{KEY * i}" font-size="12">{escape(line)}</text>'
            for i, line in enumerate(lines, 1)
        ]
        parts += [
            _placed(panel, i % across * WIDTH, head + i // across * HEIGHT)
            for i, panel in enumerate(self.panels)
        ]
        for i, entry in enumerate(self.key):
            name, y = escape(", ".join(entry.names)), top + KEY * i
            struck = ' text-decoration="line-through"' if entry.wrong else ""
            parts.append(_placed(entry.swatch, 8, y))
            parts.append(f'<text x="52" y="{y + 11}" font-size="11"{struck}>{name}</text>')
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{across * WIDTH}" height="{height}" '
            f'font-family="sans-serif" fill="currentColor">{GROUNDS}{"".join(parts)}</svg>'
        )


def styles(names: Iterable[str]) -> dict[str, Style]:
    """A style for each name that no other has: the colour of its family, the marker and line of its form.

    What is measured beside backends comes last: most plots have marks for it.
    """
    forms: dict[str, list[str]] = {}
    for name in sorted(set(names), key=lambda name: (name.startswith(("floor.", "by_hand.")), name)):
        forms.setdefault(family_and_form(name)[0], []).append(name)
    made: dict[str, Style] = {}
    looks = [(colour, marker) for colour in COLOURS for marker in MARKERS]
    for i, of_it in enumerate(forms.values()):
        own = COLOURS[i % len(COLOURS)]
        for j, name in enumerate(of_it):
            colour, marker = next((look for look in looks if look[0] == own), looks[0])
            if len(looks) > 1:
                looks.remove((colour, marker))
            made[name] = Style(colour, marker, LINES[j % len(LINES)])
    return made


def empty_axes(title: str, x: str, scales: tuple[Scale, Scale] | None = None) -> Any:
    """Empty axes; logarithmic where there are scales, how x and y are written."""
    figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72))
    axes = figure.add_axes((0.15, 0.16, 0.82, 0.74))
    axes.set_title(_plain(title), fontsize="small")
    axes.set_xlabel(_plain(x))
    axes.grid(alpha=0.25)
    for axis, scale in zip(("x", "y"), scales or (), strict=False):
        axes.set(**{f"{axis}scale": "log"})
        ticks = getattr(axes, f"{axis}axis")
        ticks.set_major_formatter(FuncFormatter(lambda value, _, scale=scale: scale(value)))
        ticks.set_minor_locator(NullLocator())
    return axes


def draw(axes: Any, x: Any, y: Any, style: Style, hollow: pd.Series | None = None) -> None:
    look = {"color": style.colour, "marker": style.marker, "markersize": 5}
    axes.plot(x, y, linestyle=style.line, linewidth=1.3, **look)
    if hollow is not None and hollow.any():
        axes.plot(x[hollow], y[hollow], linestyle="", markerfacecolor="white", **look)


def name_ends(axes: Any, ends: Mapping[str, float], colour: str) -> None:
    """Names beside the ends of lines, of which y is given, each apart from the next."""
    if not ends:
        return
    left, bottom, width, height = axes.get_position().bounds
    axes.set_position((left, bottom, width - FOR_NAMES, height))
    top = np.inf
    for name, y in sorted(ends.items(), key=lambda end: -end[1]):
        at = min(float(axes.transAxes.inverted().transform(axes.transData.transform((1, y)))[1]), top)
        top = at - NEAR
        look = {"color": colour, "fontsize": 6.5, "ha": "left", "va": "center"}
        axes.text(1.02, at, _plain(name), transform=axes.transAxes, **look)


def swatch(style: Style, plot: str) -> str:
    figure = Figure(figsize=(36 / 72, 14 / 72))
    look = {"color": style.colour, "linestyle": style.line, "marker": style.marker, "markersize": 5}
    figure.add_artist(Line2D([0.02, 0.5, 0.98], [0.5] * 3, markevery=[1], linewidth=1.3, **look))
    return _written(figure, f"swatch {plot} {style}")


def svg_of(axes: Any, name: str) -> str:
    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        if axis.get_scale() == "log":
            decades = np.floor(np.log10(high)) - np.ceil(np.log10(low)) + 1
            axis.set_major_locator(LogLocator(subs=(1.0,) if decades > 1 else (1.0, 2.0, 5.0)))
    return _written(axes.figure, name)


def _written(figure: Figure, name: str) -> str:
    """The figure as an SVG element in the colours of the text around it, without a background.

    name: of this one alone, that its parts may be named apart, and the same from the same table.
    """
    text = StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(text, format="svg", metadata=nothing, transparent=True)
    svg = text.getvalue()
    # Names that nothing refers to: several plots stand in one page, where names are unique.
    svg = re.sub(r' id="[a-zA-Z0-9.]+_\d+"', "", svg[svg.index("<svg") :])
    svg = re.sub(r'(width|height)="([\d.]+)pt"', r'\1="\2"', svg, count=2)
    return svg.replace("#000000", "currentColor").replace("#ffffff", "var(--bg, #ffffff)")


def _placed(svg: str, x: int, y: int) -> str:
    return svg.replace("<svg ", f'<svg x="{x}" y="{y}" ', 1)


def counted(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def in_seconds(value: float) -> str:
    unit, name = next(((u, n) for u, n in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")) if value >= u), (1e-9, "ns"))
    return f"{value / unit:.0f} {name}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def scientific(value: float) -> str:
    digit, exponent = f"{value:.0e}".split("e")
    return ("" if digit == "1" else f"{digit}·") + f"10{str(int(exponent)).translate(_RAISED)}"


def in_words(text: object) -> str:
    """table_rows 10000 as table rows 10,000."""
    return re.sub(r"\d{4,}", lambda n: f"{int(n[0]):,}", str(text).replace("_", " "))


def _plain(name: object) -> str:
    """A name that is not read as a formula."""
    return str(name).replace("$", r"\$")
