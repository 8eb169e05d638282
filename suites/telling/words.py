"""What a word means: it is looked for as people type it."""

from lazyadam.suites.backends.typed import UnknownName, near, plain
from lazyadam.suites.telling.entry import Entry
from lazyadam.suites.telling.lines import columns
from lazyadam.suites.telling.meanings import entries

MOST = 3  # matches that are told in full
MOST_LISTED = 30


def explained(asked: str) -> list[str]:
    """What a word means, in lines; where it may be several, these.

    Raises:
        UnknownName: nothing is called so.
    """
    every = entries()
    found, exact = matching(asked, every)
    if not found:
        names = dict.fromkeys(name for entry in every for name in (entry.name, *entry.also))
        close = near(asked, names)
        kinds = ", ".join(dict.fromkeys(entry.kind for entry in every))
        told = close if "did you mean" in close else f"; a word may be a {kinds}: lazyadam list"
        raise UnknownName(f"nothing is called {asked!r}{told}")
    if len(found) == 1 or (exact and len(found) <= MOST):
        return "\n\n".join("\n".join(entry.lines()) for entry in found).splitlines()
    listed = columns([(entry.kind, entry.name, entry.meaning) for entry in found[:MOST_LISTED]], "  ")
    more = [f"  … and {len(found) - MOST_LISTED} more"] if found[MOST_LISTED:] else []
    return [f"{asked!r} may be:", *listed, *more, "one of them: lazyadam explain KIND NAME"]


def matching(asked: str, every: list[Entry]) -> tuple[list[Entry], bool]:
    """The entries that a word may mean, and whether it is their whole name. A kind may stand before it."""
    kind, _, rest = asked.strip().partition(" ")
    of_kind = [entry for entry in every if entry.kind == kind.casefold()]
    for word, some in ((asked, every), (rest.strip(), of_kind)):
        text = written(word)
        if not text:
            continue
        exact = [entry for entry in some if text in map(written, (entry.name, *entry.also))]
        if exact:
            return exact, True
        begun = [e for e in some if any(written(name).startswith(text) for name in (e.name, *e.also))]
        if begun:
            return begun, False
    return [], False


def written(word: str) -> str:
    """A word as it is compared: 'epsilon: beside_root', as tables have it, is 'epsilon=beside_root'."""
    return plain(word.replace(": ", "=").replace(" = ", "="))
