"""The mutants that are listed as equivalent are of lines that are there."""

import tomllib

from lazyadam.suites.backends.workers.start import ROOT

LISTED = tomllib.loads((ROOT / "suites" / "mutation" / "equivalent.toml").read_text())["equivalent"]


def test_every_line_that_a_listed_mutant_changes_stands_in_its_file() -> None:
    """Else the entry excuses nothing, and hides that its reason is out of date."""
    for entry in LISTED:
        parts = entry["function"].split(".")
        paths = (ROOT.joinpath(*parts[:n]).with_suffix(".py") for n in range(len(parts) - 1, 0, -1))
        file = next(path for path in paths if path.exists())
        text = " ".join(line.strip() for line in file.read_text().splitlines())
        for before, _ in entry["changes"]:
            assert before in text, (entry["function"], before)
