"""What the README files give to be copied, for the tests that run it as it stands."""

import re
from collections.abc import Iterator
from pathlib import Path

from lazyadam.suites.backends.workers.start import ROOT

SPOKEN = re.compile(r"(?:git bisect run )?(?:lazyadam|tox|pytest|pip|ruff|mypy|python\S*) .+")


def examples(heading: str) -> list[str]:
    """The Python files in a section of the page on backends, in order."""
    text = (ROOT / "suites" / "backends" / "README.md").read_text()
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def commands(page: Path) -> Iterator[tuple[str, str]]:
    """Every command that a page gives, and its mark: why no test runs it, or ''."""
    text = page.read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    blocks += re.findall(r"(?m)^ {4}(python3.*)$", text)
    for line in (line for block in blocks for line in block.splitlines()):
        command, _, comment = line.partition("  #")
        why = re.search(r"not run in the tests: (.+)", comment)
        yield from ((part.strip(), why[1] if why else "") for part in command.split("&&"))
    for span in re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        for part in re.split("; | && ", " ".join(span.split())):
            if SPOKEN.fullmatch(part):
                yield part, ""


OWN = "How to test your own optimizer"


def picture() -> str:
    """The last screen that the README shows, of a wrong optimizer."""
    return (ROOT / "README.md").read_text().split("<!-- picture -->\n```text\n")[1].split("```")[0]


def as_pictured(screen: str, folder: Path) -> list[str]:
    """The words of a screen, without what differs from run to run: times, the version, and where it ran."""
    masked = re.sub(r"(\d+ min )?\d+ s,", "TIME,", screen.replace(f"{folder}/", ""))
    return re.sub(r"(mine\.\w+ +)[\d.]+", r"\1VERSION", masked).split()
