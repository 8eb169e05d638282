"""What the README gives to be copied, for the tests that run it as it stands."""

import re

from suites.backends.process import ROOT


def examples(heading: str) -> list[str]:
    """The Python files in a section of the README, in order."""
    section = (ROOT / "README.md").read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


OWN = "How to test your own optimizer"
