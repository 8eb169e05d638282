"""Numbers and lists as source."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Context, Decimal
from typing import Any

import numpy as np

WIDTH = 90  # of what stands in one line


class Text(str):
    """A text that is its own source."""

    def __repr__(self) -> str:
        return str(self)


def nested(x: np.ndarray, kind: Any) -> Any:
    """Nested lists of the numbers as they are written in a type."""
    if x.ndim == 0:
        return Text(written(float(x)) if kind is float or not np.isfinite(x) else _shortest(kind(x)))
    return [nested(part, kind) for part in x]


def _shortest(x: Any) -> str:
    small = x != 0 and abs(x) < 1e-4
    return np.format_float_scientific(x, trim="-") if small else np.format_float_positional(x, trim="0")


def written(x: float) -> str:
    """A number as source."""
    return repr(x) if np.isfinite(x) else f"np.{x}" if x >= 0 or x != x else "-np.inf"


def rounded_up(x: float) -> float:
    """To two digits, and never below."""
    if not np.isfinite(x) or not x:
        return float(x)
    up = float(Context(prec=2, rounding=ROUND_CEILING).create_decimal(Decimal(float(x))))
    return up if up >= x else float(np.nextafter(up, np.inf))


def listed(parts: Iterable[str]) -> str:
    """A list, in one line where it fits."""
    texts: Sequence[str] = list(parts)
    one = f"[{', '.join(texts)}]"
    return one if len(one) <= WIDTH else "[\n" + "".join(f"    {text},\n" for text in texts) + "]"
