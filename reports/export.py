"""Verdicts for other tools: JUnit XML, and Markdown for the summary of a CI job."""

from collections.abc import Iterator
from xml.etree import ElementTree

import pandas as pd

FAILING = ("diverges", "dies", "hangs", "refuses")


def is_known(verdicts: pd.DataFrame, pins: pd.DataFrame) -> pd.Series:
    """Whether each verdict is accounted for, by pins; an empty witness says that it needs none."""
    names = set(pins["pin"])
    return verdicts["witness"].map(lambda witness: witness == "" or set(witness.split("; ")) <= names)


def in_a_line(verdicts: pd.DataFrame, pins: pd.DataFrame) -> Iterator[str]:
    """For each backend how many of its verdicts are not known divergences, and what explains them."""
    documented = verdicts[verdicts["against"] == "documented"]
    for (backend, version), part in documented.groupby(["backend", "version"], sort=False):
        failing = part["verdict"].isin(FAILING)
        new = part[failing & ~is_known(part, pins)]
        words = new["explained_by"].where(new["verdict"] == "diverges", new["verdict"]).value_counts()
        why = "".join(f"; {count} × {word or 'unexplained'}" for word, count in words.items())
        yield f"{backend} {version}: {len(part)} verdicts, {failing.sum()} fail, {len(new)} not known{why}"


def junit(verdicts: pd.DataFrame, pins: pd.DataFrame) -> str:
    """One test case for each clause, backend and type; a divergence that is not known is a failure."""
    documented = verdicts[verdicts["against"] == "documented"].assign(
        known=lambda table: is_known(table, pins)
    )
    suites = ElementTree.Element("testsuites")
    for backend, part in documented.groupby("backend", sort=False):
        failed = part["verdict"].isin(FAILING) & ~part["known"]
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=str(backend),
            tests=str(len(part)),
            failures=str(failed.sum()),
            errors="0",
            skipped=str((part["verdict"] == "not run").sum()),
        )
        for row, fails in zip(part.to_dict("records"), failed, strict=True):
            case = ElementTree.SubElement(
                suite, "testcase", classname=str(backend), name=f"{row['clause']}[{row['dtype']}]"
            )
            said = f"{row['verdict']}, {row['explained_by'] or 'unexplained'}; {row['witness']}"
            if row["verdict"] == "not run":
                ElementTree.SubElement(case, "skipped", message=str(row["explained_by"]))
            elif fails:
                ElementTree.SubElement(case, "failure", message=said)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def summary(verdicts: pd.DataFrame, pins: pd.DataFrame) -> Iterator[str]:
    """A line of a table for each backend, and each divergence that is not known."""
    documented = verdicts[verdicts["against"] == "documented"]
    known = is_known(documented, pins)
    words = ("conforms", "diverges", "refuses", "dies", "hangs", "not run")
    yield "## LazyAdam conformance"
    yield ""
    yield f"| backend | version | {' | '.join(words)} | not known |"
    yield f"|---|---|{'---|' * len(words)}---|"
    for (backend, version), part in documented.groupby(["backend", "version"], sort=False):
        counts = part["verdict"].value_counts()
        new = (part["verdict"].isin(FAILING) & ~known[part.index]).sum()
        cells = " | ".join(str(counts.get(word, 0)) for word in words)
        yield f"| `{backend}` | {version} | {cells} | {f'**{new}**' if new else 0} |"
    yield ""
    unknown = documented[documented["verdict"].isin(FAILING) & ~known]
    for row in unknown.to_dict("records"):
        yield (
            f"- **{row['clause']}** on `{row['backend']}`, {row['dtype']}: {row['verdict']}, "
            f"{row['explained_by'] or 'unexplained'}; witness `{row['witness']}`"
        )
