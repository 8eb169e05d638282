"""Text that any file and terminal takes."""


def printable(text: str) -> str:
    """The text with an escape for whatever is no visible character."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
