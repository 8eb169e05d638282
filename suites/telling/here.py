"""What is installed here, by what packages say of themselves: no framework is imported."""

import sys
from contextlib import suppress
from importlib import metadata
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

if TYPE_CHECKING:
    from lazyadam.suites.backends.base import Backend

SUITE = "lazyadam-conformance"


def version_of(distribution: str) -> str:
    """Its version; '' where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def requirement_of(framework: str) -> str:
    """The versions of a framework that the suite is made for, as pip takes them."""
    with suppress(metadata.PackageNotFoundError, InvalidRequirement):
        for text in metadata.requires(SUITE) or ():
            asked = Requirement(text)
            wanted = asked.marker is None or asked.marker.evaluate({"extra": framework})
            if asked.name == framework and wanted:
                return f"{asked.name}{asked.specifier}"
    return framework


def install(*packages: str) -> str:
    """The line that installs packages for this interpreter."""
    return " ".join([sys.executable, "-m", "pip", "install", *(f"'{package}'" for package in packages)])


def missing(backend: "type[Backend]") -> str:
    """Why a backend can't run here; '' where its framework is installed."""
    lacking = backend.no_build() or f"{backend.framework} is not installed"
    return "" if version_of(backend.framework) else lacking
