"""Verdicts for other tools: JUnit XML, and Markdown for the summary of a CI job."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import pandas as pd

from lazyadam.reports.matrix import is_known
from lazyadam.reports.tables import records
from lazyadam.reports.vocabulary import FAILING, Against, Kind, Verdict

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


def junit(verdicts: pd.DataFrame, pins: pd.DataFrame, findings: pd.DataFrame) -> str:
    """First the findings, of which new ones are failures; then each clause, backend and type.

    There a divergence that is not known is a failure too.
    """
    documented = verdicts[verdicts["against"] == Against.DOCUMENTED].assign(
        known=lambda table: is_known(table, pins)
    )
    suites = ElementTree.Element("testsuites")
    found = findings[findings["kind"] != Kind.DOCUMENTED]
    first = ElementTree.SubElement(
        suites,
        "testsuite",
        name="findings",
        tests=str(len(found)),
        failures=str((found["kind"] == Kind.NEW).sum()),
        errors="0",
        skipped="0",
    )
    for row in records(found):
        case = ElementTree.SubElement(
            first, "testcase", classname=str(row["backend"]), name=f"{row['kind']}: {row['cause']}"
        )
        if row["kind"] == Kind.NEW:
            said = f"{row['sentence']} {row['least']}".strip()
            ElementTree.SubElement(case, "failure", message=said).text = str(row["clauses"])
        else:
            ElementTree.SubElement(case, "system-out").text = str(row["sentence"])
    for backend, part in documented.groupby("backend", sort=False):
        failed = part["verdict"].isin(FAILING) & ~part["known"]
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=str(backend),
            tests=str(len(part)),
            failures=str(failed.sum()),
            errors="0",
            skipped=str((part["verdict"] == Verdict.NOT_RUN).sum()),
        )
        for row, fails in zip(records(part), failed, strict=True):
            case = ElementTree.SubElement(
                suite, "testcase", classname=str(backend), name=f"{row['clause']}[{row['dtype']}]"
            )
            said = f"{row['verdict']}, {row['explained_by'] or 'unexplained'}; {row['witness']}"
            if row["verdict"] == Verdict.NOT_RUN:
                ElementTree.SubElement(case, "skipped", message=str(row["explained_by"]))
            elif fails:
                ElementTree.SubElement(case, "failure", message=said)
    ElementTree.indent(suites)
    text = ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"
    return NO_XML.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def summary(verdicts: pd.DataFrame, findings: pd.DataFrame) -> Iterator[str]:
    """The findings that are new, and a line of a table for each backend."""
    documented = verdicts[verdicts["against"] == Against.DOCUMENTED]
    kinds = findings["kind"].value_counts()
    yield "## LazyAdam conformance"
    yield ""
    yield f"**{kinds.get('new', 0)} new findings**; {kinds.get('known', 0)} known."
    yield ""
    for row in records(findings[findings["kind"] == Kind.NEW]):
        yield f"- **`{row['backend']}`**: {row['sentence']}"
        for name, text in (("least", row["least"]), ("shows in", row["clauses"]), ("script", row["script"])):
            if text:
                yield f"  {name}: {f'`{text}`' if name != 'shows in' else text}  "
    yield ""
    yield "| backend | version | new | known | cases |"
    yield "|---|---|---|---|---|"
    for (backend, version), part in documented.groupby(["backend", "version"], sort=False):
        if (part["verdict"] == Verdict.NOT_RUN).all():
            yield f"| `{backend}` | {version} | not run | {part.iloc[0]['explained_by']} | 0 |"
            continue
        counts = findings[findings["backend"] == backend]["kind"].value_counts()
        new = f"**{counts['new']}**" if "new" in counts else "0"
        yield f"| `{backend}` | {version} | {new} | {counts.get('known', 0)} | {part['cases'].sum():,} |"
