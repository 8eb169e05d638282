"""Blocks of what the suite finds."""

import math
from collections.abc import Iterator

from lazyadam.reports.blocks.markdown import HOSTS, RUN, common, table
from lazyadam.reports.tables import RECORDED, read, records
from lazyadam.reports.vocabulary import Kind

SYMBOLS = {"beta1": "β1", "beta2": "β2", "epsilon": "ε"}


def detection() -> Iterator[str]:
    """How many of the seeded faults are found."""
    seen, matrix = read("detection", RUN), read("detection_matrix", RUN)
    rows = []
    for host in HOSTS:
        part = seen[seen["host"] == host]
        killed = part["killed"].value_counts()
        rows.append(
            (
                host,
                killed.get("yes", 0) + killed.get("no", 0),
                killed.get("yes", 0),
                killed.get("allowed", 0),
                f"{part['seconds'].median():.2f} s",
            )
        )
    yield from table(("host", "faults", "found", "allowed", "median time to find one"), rows)
    by = matrix[matrix["killed"] == "yes"].groupby(["fault", "host"]).size()
    yield ""
    alone = (by == 1).sum()
    yield f"Of {len(by)} that were tried under every clause, {alone} are found by one clause or one"
    yield "witness alone (`detection_matrix.csv`)."


def races() -> Iterator[str]:
    """In how many runs a fault that shows at times is found."""
    seen = read("races", RUN)
    yield from table(
        ("fault", *(f"found in runs on {host}" for host in HOSTS)),
        (
            (
                fault,
                *(
                    common(f"{r['killed']} of {r['runs']}" for r in records(part[part["host"] == h]))
                    for h in HOSTS
                ),
            )
            for fault, part in seen.groupby("fault")
        ),
    )


def policies() -> Iterator[str]:
    """What usual tolerances find of the same faults."""
    seen = read("policies", RUN)
    seen = seen[seen["compared"] == "w, m, v"]
    hosts = {host: seen[seen["host"] == host].set_index("policy") for host in HOSTS}
    first = hosts[HOSTS[0]].sort_values("found", ascending=False, kind="stable").index
    total = [of["faults"].iloc[0] for of in hosts.values()]
    clean = sum(of["clean_cases"].iloc[0] for of in hosts.values())
    yield from table(
        (
            "tolerance",
            *(f"found of {count} ({host})" for host, count in zip(HOSTS, total, strict=True)),
            f"flagged of {clean:,} cases without a fault",
        ),
        (
            (
                name if name == "this suite" else f"`{name}`",
                *(of.loc[name, "found"] for of in hosts.values()),
                sum(of.loc[name, "false_alarms"] for of in hosts.values()),
            )
            for name in first
        ),
    )


def sensitivity() -> Iterator[str]:
    """The smallest relative error that the cases of every seed found."""
    seen = read("sensitivity", RUN)
    where = [(dtype, regime) for dtype in ("float32", "float64") for regime in ("w = 0", "w ~ N(0, 1)")]
    chosen = (
        "lr",
        "beta1",
        "beta2",
        "epsilon",
        "weight decay",
        "update of one element",
        "update of one row",
    )

    def cells(quantity: str) -> Iterator[str]:
        for dtype, regime in where:
            part = seen[
                (seen["quantity"] == quantity) & (seen["dtype"] == dtype) & (seen["regime"] == regime)
            ]
            yield _power(part["always"].iloc[0])

    yield from table(
        ("relative error in", *(f"{dtype}, {regime}" for dtype, regime in where)),
        ((SYMBOLS.get(quantity, quantity), *cells(quantity)) for quantity in chosen),
    )
    yield ""
    yield f"Of {seen['seeds'].max()} seeds each."


def _power(error: float) -> str:
    """An error as a power of 2."""
    if math.isnan(error):
        return "not every seed"
    return f"2{str(round(math.log2(error))).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def spread() -> Iterator[str]:
    """How many cases of a campaign it takes to find rare faults, in two ways."""
    seen = read("spread", RUN)
    found = seen.dropna(subset=["evenly", "by_what_they_find"])
    even, other = found["evenly"], found["by_what_they_find"]
    yield from table(
        ("cases are spread", "median to the first find", "sum", "sooner", "later"),
        (
            ("evenly", f"{even.median():,.0f}", f"{even.sum():,.0f}", "", ""),
            (
                "by what they find",
                f"{other.median():,.0f}",
                f"{other.sum():,.0f}",
                (other < even - 1).sum(),
                (other > even + 1).sum(),
            ),
        ),
    )
    yield ""
    whole = seen["in_a_campaign"]
    yield (
        f"Of {len(seen)} faults that one clause alone finds, {len(found)} were found among these cases. With "
        f"large tables and long runs, as a campaign draws them, {whole.count()} are: half of these "
        f"in {whole.median():,.0f} cases, and all in {whole.max():,.0f}."
    )


def campaigns() -> Iterator[str]:
    """What recorded campaigns came to."""
    rows = []
    for folder in sorted((RECORDED.parent / "campaigns").iterdir()):
        tried, found = read("campaign", folder), read("findings", folder)
        for backend, part in tried.groupby("backend"):
            kinds = found[found["backend"] == backend]["kind"].value_counts()
            cases, steps = part["cases"].sum(), part["steps"].sum()
            rows.append(
                (backend, f"{cases:,}", f"{steps:,}", kinds.get(Kind.NEW, 0), kinds.get(Kind.KNOWN, 0))
            )
    yield from table(("backend", "cases", "steps", "new findings", "known ones"), rows)


BLOCKS = (detection, races, policies, sensitivity, spread, campaigns)
