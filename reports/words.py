"""Numbers, names and messages in words."""

import re
from collections.abc import Iterable
from textwrap import shorten
from typing import Any

import pandas as pd

_RULE = re.compile(r"-{4,}(?:\s+-\s)?")
_CALL_STACK = re.compile(r"\s*-?\s*C\+\+ Call Stack.*", re.DOTALL)


def spaced(name: str) -> str:
    """A value as words."""
    return name.replace("_", " ").replace("|", " or ")


def number(x: Any) -> str:
    """A number in a few digits; '' where there is none."""
    if pd.isna(x):
        return ""
    if abs(x) == float("inf"):
        return "∞"
    whole = (float(x).is_integer() and abs(x) < 1e7) or 1000 <= abs(x) < 1e5
    return f"{x:,.0f}" if whole else f"{x:.3g}"


def percent(share: float) -> str:
    """A share in words that tell rounding from meaning."""
    if pd.isna(share):
        return "not measured"
    if not share:
        return "0"
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}" if share >= 0.001 else f"{share:.0e}"


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def after(steps: int) -> str:
    return f"after {plural(steps, 'step')}"


def cause(message: str, width: int = 200) -> str:
    """What an error says, without the rules and the call stack that MindSpore draws around it."""
    return shorten(_CALL_STACK.sub("", _RULE.sub(" ", message)), width, placeholder=" …")


def once(text: str) -> str:
    """What is said several times on end, said once: 8 of 8, 8 of 8 as 8 of 8 each time."""
    return re.sub(r"\b(\d+ of \d+)(?:, \1\b)+", r"\1 each time", text)


def folded(names: Iterable[str]) -> str:
    """Names of backends, what they begin with said once: mindspore.Adam (default.graph, target_cpu.graph)."""
    forms: dict[str, list[str]] = {}
    for name in names:
        family, form = family_and_form(name)
        forms.setdefault(family, []).append(form)
    return ", ".join(
        f"{family} ({', '.join(of_it)})"
        if len(of_it) > 1 and all(of_it)
        else ", ".join(f"{family}.{form}" if form else family for form in of_it)
        for family, of_it in forms.items()
    )


def family_and_form(name: str) -> tuple[str, str]:
    """mindspore.Adam and target_cpu.graph, of mindspore.Adam.target_cpu.graph."""
    first, second, *form = [*name.split(".", 2), ""]
    return f"{first}.{second}" if second else first, form[0] if form else ""
