"""Seeding: small changes to the source of an optimizer, as text, when it is loaded."""

import inspect
from types import ModuleType

Edits = tuple[tuple[str, str], ...]


class NotSeeded(Exception):
    """A text that is to be changed does not stand exactly once in the source."""


def edited(modules: tuple[ModuleType, ...], edits: Edits) -> tuple[ModuleType, ...]:
    """Fresh copies of the modules, with every edit (old text, new text) made in the one that has the old.

    Raises:
        NotSeeded: an old text does not stand exactly once in all the modules together.
    """
    sources = [inspect.getsource(module) for module in modules]
    for old, new in edits:
        if (count := sum(source.count(old) for source in sources)) != 1:
            raise NotSeeded(f"{old!r} stands {count} times in {', '.join(m.__name__ for m in modules)}")
        sources = [source.replace(old, new) for source in sources]
    copies = []
    for module, source in zip(modules, sources, strict=True):
        copy = ModuleType(module.__name__)
        copy.__package__ = module.__package__
        exec(compile(source, f"<seeded {module.__name__}>", "exec"), copy.__dict__)
        copies.append(copy)
    return tuple(copies)
