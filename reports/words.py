"""Numbers and names in words."""

import pandas as pd


def spaced(name: str) -> str:
    """A value as words."""
    return name.replace("_", " ").replace("|", " or ")


def percent(share: float) -> str:
    """A share in words that tell rounding from meaning."""
    if pd.isna(share):
        return "not measured"
    if not share:
        return "0"
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}" if share >= 0.001 else f"{share:.0e}"


def after(steps: int) -> str:
    return f"after {steps:,} step{'' if steps == 1 else 's'}"
