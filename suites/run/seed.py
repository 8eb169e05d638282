"""What is typed for a seed."""

import argparse

MOST_DIGITS = 18


def whole_number(text: str) -> int:
    """A seed."""
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        said = text if len(text) <= MOST_DIGITS else f"{text[:MOST_DIGITS]}…"
        raise argparse.ArgumentTypeError(
            f"{said!r} is no whole number from 0 on, of at most {MOST_DIGITS} digits"
        )
    return int(text)
