"""The numbers in the README files, written from a recorded run: tox -e readme

What stands between `<!-- table: NAME -->` and `<!-- end -->` is written by the function of that name.
"""

import re
import sys
from pathlib import Path

from lazyadam.reports.blocks import found, judged, peers, timed
from lazyadam.reports.tables import text_of, write_text

ROOT = Path(__file__).resolve().parent.parent
SUBJECTS = (judged, found, timed, peers)
BLOCKS = {block.__name__: block for subject in SUBJECTS for block in subject.BLOCKS}
PARTS = ("reference", "suites", "reports")
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(?=<!-- end -->)", re.DOTALL)


def files() -> list[Path]:
    """Every page of ours in Markdown; what is recorded is not."""
    below = [file for part in PARTS for file in sorted((ROOT / part).rglob("README.md"))]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *below]


def filled(text: str) -> str:
    """A page with its blocks as the tables have them.

    Raises:
        KeyError: there is no block of a name.
    """
    return BLOCK.sub(lambda found: found[1] + "\n".join(BLOCKS[found[2]]()) + "\n", text)


def main() -> int:
    """Fill every page."""
    for file in files():
        text = text_of(file)
        if (now := filled(text)) != text:
            write_text(now, file)
            print(file.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
