"""Names as people type them: a leading part will do, in any case; and what is near one that is nobody's."""

from collections.abc import Iterable
from difflib import get_close_matches


class UnknownName(Exception):
    """A name is nobody's, or may be several; the message is one line that says what is near."""


def plain(name: str) -> str:
    """A name without what nobody remembers: its case, and whether words are joined by '-', '_' or ' '."""
    return name.strip().casefold().replace("-", "_").replace(" ", "_")


def begun(word: str, names: Iterable[str]) -> list[str]:
    """The names that a word may stand for: itself, or those of which it is the first parts, or else begins.

    '.' stands between parts.
    """
    names = list(names)
    if not plain(word):
        return []
    for found in (
        [name for name in names if name == word],
        [name for name in names if f"{name}.".startswith(f"{word}.")],
        [name for name in names if f"{plain(name)}.".startswith(f"{plain(word)}.")],
        [name for name in names if plain(name).startswith(plain(word))],
    ):
        if found:
            return found
    return []


def meant(word: str, names: Iterable[str]) -> str:
    """What may have been meant by a word that is no name, to follow it; '' where nothing is near."""
    known = {plain(name): name for name in names}
    close = get_close_matches(plain(word), known, 3)
    inside = [text for text in known if len(plain(word)) > 3 and plain(word) in text]
    found = [known[text] for text in dict.fromkeys([*close, *inside])][:4]
    if not found:
        return ""
    return f"; did you mean {', '.join(found[:-1])}{' or ' if found[1:] else ''}{found[-1]}?"


def near(word: str, names: Iterable[str]) -> str:
    """What may have been meant by a word that is no name, or else which names there are: to follow it."""
    names = list(names)
    return meant(word, names) or f"; known: {', '.join(names)}"


def one(what: str, word: str, names: Iterable[str]) -> str:
    """The one name that a word stands for.

    Raises:
        UnknownName: there is none, or several.
    """
    names = list(names)
    found = [word] if word in names else begun(word, names)
    if not found:
        raise UnknownName(f"no {what} {word!r}{near(word, names)}")
    if found[1:]:
        raise UnknownName(f"{what} {word!r} may be {', '.join(found[:-1])} or {found[-1]}")
    return found[0]
