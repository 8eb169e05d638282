"""The page: one HTML file that says what a run found, from its tables alone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from reports import equivalence, export, plots
from reports import performance as speed
from reports.columns import COLUMNS
from reports.growth import Growth, growths
from reports.tables import TableError, read, records
from reports.words import after, percent, spaced

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# What other commands write: their absence is said, and no error.
OPTIONAL = {
    "performance": "tox -e performance",
    "performance_growth": "tox -e performance",
    "performance_break_even": "tox -e performance",
    "detection": "tox",
    "races": "tox -e detection",
    "policies": "tox -e detection",
    "sensitivity": "tox -e sensitivity",
    "sensitivity_curve": "tox -e sensitivity",
}
NEEDED = (
    *("verdicts", "tolerance", "dialects", "coverage", "bad_input", "training", "carried", "claims"),
    *("sequences", "effects", "effects_growth", "clauses", "axes", "promises", "pins", "run"),
)
EQUIVALENCE = ("training", "carried", "claims", "sequences", "effects", "effects_growth")
Row = dict[str, Any]
AGAINST = ("documented", "reference", "explained")
WORST = ("dies", "hangs", "diverges", "refuses", "conforms", "not run")
SIGNS = {"conforms": "✓", "diverges": "✗", "refuses": "⊘", "dies": "†", "hangs": "∞", "not run": "–", "": "·"}


@dataclass
class Tables:
    """The tables of a folder. missing: why one that is needed can't be read, by name."""

    folder: Path
    by_name: dict[str, pd.DataFrame]
    missing: dict[str, str]

    def get(self, name: str) -> pd.DataFrame:
        """The table; empty, with its columns, where it is missing."""
        return self.by_name.get(name, pd.DataFrame(columns=list(COLUMNS[name])))

    def rows(self, name: str) -> list[Row]:
        return records(self.get(name))


def load(folder: Path) -> Tables:
    """Every table of a folder that can be read."""
    found: dict[str, pd.DataFrame] = {}
    missing: dict[str, str] = {}
    for name in (*NEEDED, *OPTIONAL):
        if name in OPTIONAL and not (folder / f"{name}.csv").exists():
            continue
        try:
            found[name] = read(name, folder)
        except TableError as error:
            where = " (suites/equivalence writes it)" if name in EQUIVALENCE else ""
            missing[name] = f"{error}{where}"
    return Tables(folder, found, missing)


def build(tables: Tables, pairs: pd.DataFrame, axes: pd.DataFrame) -> str:
    """The page as text."""
    seen = counts(tables)
    return TEMPLATES.get_template("page.html.j2").render(
        t=tables,
        optional=OPTIONAL,
        run={row["item"]: row["value"] for row in tables.rows("run")},
        beside=beside(tables, pairs),
        targets=[b for b in tables.get("dialects")["backend"] if ".target_cpu" in b],
        matrix=matrix(tables) | {"new": {(row["clause"], row["backend"]) for row in seen["new"]}},
        signs=SIGNS,
        data=data(tables, pairs, axes),
        counts=seen,
        pins=list(pins(tables)),
        dialects=side_by_side(tables.get("dialects")),
        axis_meaning={(r["axis"], r["value"]): r["meaning"] for r in tables.rows("axes")},
        drift=plots.drift(tables.get("tolerance")),
        in_a_step=in_a_step(tables.get("tolerance")),
        sensitivity=plots.sensitivity(tables.get("sensitivity_curve"))
        if "sensitivity_curve" in tables.by_name
        else "",
        detected=detected(tables.get("detection")),
        ways=equivalence.ways,
        marked=marked,
        fastest=[(title, records(part)) for title, part in fastest(tables.get("performance"))],
        curves=speed_plots(tables.get("performance")),
        bad_input=bad_input(tables.get("bad_input")),
        not_run=list(not_run(tables)),
        percent=percent,
        spaced=spaced,
        after=after,
        growths=growth_by_words(tables.get("effects_growth")),
        number=number,
    )


def growth_by_words(table: pd.DataFrame) -> dict[tuple[str, ...], Growth]:
    """By axis and its two values, in the words and the order that the page has them in."""
    return {
        (spaced(axis), *sorted(map(spaced, values))): grown
        for (axis, values), grown in growths(table).items()
    }


def marked(text: str) -> Markup:
    """A line of Markdown with code and emphasis as HTML."""
    escaped = str(escape(text))
    code = re.sub(r"`(.+?)`", r"<code>\1</code>", escaped)
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", code))


def number(x: Any) -> str:
    """A number in a few digits; '' where there is none."""
    return "" if pd.isna(x) else f"{x:,.0f}" if float(x).is_integer() and abs(x) < 1e9 else f"{x:.3g}"


def worst(words: Any) -> str:
    """The worst of some verdicts; '' of none."""
    return min(words, key=WORST.index, default="")


def beside(tables: Tables, pairs: pd.DataFrame) -> dict[str, Any] | None:
    """How others compare with torch.SparseAdam, or with the first backend where it is not there."""
    if pairs.empty:
        return None
    names = list(dict.fromkeys([*pairs["left"], *pairs["right"]]))
    base = "torch.SparseAdam" if "torch.SparseAdam" in names else names[0]
    of_base = pairs[(pairs["left"] == base) | (pairs["right"] == base)]
    cells: dict[tuple[str, str], dict[str, Any]] = {}
    for row in records(of_base):
        other = row["left"] if row["right"] == base else row["right"]
        cell = cells.setdefault((row["sequence"], other), {"kind": "equal", "share": 0.0, "message": ""})
        if row["equal"] == "not compared":
            refuses = row["message"].startswith(f"{other}: ") and " at step " in row["message"]
            cell |= {"kind": "refuses" if refuses else "not compared", "message": row["message"]}
        elif cell["kind"] in ("equal", "apart") and row["equal"] == "no":
            cell |= {"kind": "apart", "share": row["difference"]}
    compared = {other for (_, other), cell in cells.items() if cell["kind"] != "not compared"}
    # A training that nobody can be compared in says nothing here.
    sequences = [
        s
        for s in of_base["sequence"].unique()
        if any(cells[s, o]["kind"] != "not compared" for o in compared)
    ]
    alike = {o: sum(cells[s, o]["kind"] == "equal" for s in sequences) for o in compared}
    return {
        "base": base,
        "others": sorted(compared, key=lambda other: (-alike[other], other)),
        "sequences": sequences,
        "cells": cells,
    }


def matrix(tables: Tables) -> dict[str, Any]:
    """Clause by backend: the worst verdict over the types, against each of the three."""
    verdicts = tables.get("verdicts")
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for (clause, backend, against), part in verdicts.groupby(["clause", "backend", "against"])["verdict"]:
        cells.setdefault((str(clause), str(backend)), {})[str(against)] = worst(part)
    reasons = {(r["clause"], r["backend"]): r["reason"] for r in tables.rows("coverage")}
    return {
        "backends": list(dict.fromkeys(verdicts["backend"])),
        "clauses": list(dict.fromkeys(verdicts["clause"])),
        "cells": {
            key: [cell.get(against, cell.get("documented", "")) for against in AGAINST]
            for key, cell in cells.items()
        },
        "reasons": reasons,
    }


def data(tables: Tables, pairs: pd.DataFrame, axes: pd.DataFrame) -> dict[str, Any]:
    """What the page's script looks up: rows of verdicts by cell, and of pairs."""
    strings: dict[str, int] = {}
    ratio: str | None

    def at(text: Any) -> int:
        return strings.setdefault(str(text), len(strings))

    cells: dict[str, list[list[Any]]] = {}
    for row in tables.rows("verdicts"):
        ratio = None if pd.isna(row["worst_ratio"]) else number(row["worst_ratio"])
        words = (at(row[name]) for name in ("dtype", "against", "verdict", "explained_by", "witness"))
        key = f"{at(row['clause'])},{at(row['backend'])}"
        cells.setdefault(key, []).append([*words, ratio, int(row["cases"]), int(row["steps"])])
    apart: dict[str, list[list[Any]]] = {}
    for row in records(pairs):
        said = row["message"] or ("equal" if row["equal"] == "yes" else percent(row["difference"]))
        apart.setdefault(f"{at(row['left'])},{at(row['right'])}", []).append(
            [at(row["sequence"]), int(row["steps"]), at(row["equal"]), at(said)]
        )
    differ: dict[str, list[list[int]]] = {}
    for row in records(axes):
        effect = percent(row["effect_after_1000_steps"])
        words = (at(spaced(row[name])) for name in ("axis", "left_value", "right_value"))
        differ.setdefault(f"{at(row['left'])},{at(row['right'])}", []).append(
            [*words, at(effect), at(row["witness"])]
        )
    return {
        "cells": cells,
        "pairs": apart,
        "axes": differ,
        "growth": {
            ",".join(key): [
                f"{key[0]}: {grown.about}",
                ["ids that repeat", *map(after, grown.steps)],
                [[share, *cells] for share, cells in grown.rows],
                grown.beside,
            ]
            for key, grown in growth_by_words(tables.get("effects_growth")).items()
        },
        "clauses": {row["clause"]: [row["sentence"], row["source"]] for row in tables.rows("clauses")},
        "pins": {row["pin"]: row["sentence"] for row in tables.rows("pins")},
        "known": {
            backend: [row["pin"] for row in tables.rows("pins") if backend in row["backends"].split("; ")]
            for backend in dict.fromkeys(tables.get("dialects")["backend"])
        },
        "signs": SIGNS,
        "strings": list(strings),
    }


def counts(tables: Tables) -> dict[str, Any]:
    """How much was tried, and what of it is not what the documentation says."""
    verdicts = tables.get("verdicts")
    documented = verdicts[verdicts["against"] == "documented"]
    diverging = documented[documented["verdict"].isin(["diverges", "dies", "hangs"])]
    accounted = export.is_known(diverging, tables.get("pins"))
    return {
        "backends": documented[documented["verdict"] != "not run"]["backend"].nunique(),
        "clauses": documented["clause"].nunique(),
        "cases": int(documented["cases"].sum()),
        "steps": int(documented["steps"].sum()),
        "verdicts": len(documented),
        "diverging": len(diverging),
        "new": [] if accounted.all() else records(diverging[~accounted]),
    }


def pins(tables: Tables) -> Iterator[Row]:
    """The known divergences of what ran, each with its script and the text of an issue."""
    ran = set(tables.get("dialects")["backend"])
    for row in tables.rows("pins"):
        backends = [b for b in row["backends"].split("; ") if b in ran]
        if backends:
            stem = tables.folder / "reproducers" / f"{row['pin']}.{backends[0]}"
            texts = [
                path.read_text() if path.exists() else ""
                for path in (stem.with_name(f"{stem.name}.py"), stem.with_name(f"{stem.name}.md"))
            ]
            yield row | {"backends": backends, "script": texts[0], "issue": texts[1]}


def side_by_side(dialects: pd.DataFrame) -> dict[str, Any]:
    """What each backend documents and was seen to do, axis by axis."""
    return {
        "backends": list(dict.fromkeys(dialects["backend"])),
        "axes": list(dict.fromkeys(dialects["axis"])),
        "cells": {(r["axis"], r["backend"]): r for r in records(dialects)},
    }


def in_a_step(tolerance: pd.DataFrame) -> list[Row]:
    """The largest errors of one step, of w alone."""
    part = tolerance[(tolerance["way"] == "step") & (tolerance["quantity"] == "w")]
    return records(part)


def detected(detection: pd.DataFrame) -> list[Row]:
    """What was found of the seeded faults, host by host."""
    rows = []
    for host, part in detection.groupby("host"):
        killed = part["killed"].value_counts()
        rows.append(
            {
                "host": host,
                "faults": len(part),
                **{w: int(killed.get(w, 0)) for w in ("yes", "no", "allowed", "not run")},
                "seconds": part["seconds"].median(),
            }
        )
    return rows


def fastest(performance: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The arms of each configuration, the fastest first."""
    for _, part in performance.groupby(["device", "threads", *speed.SIZE], sort=False):
        first = part.iloc[0]
        n, d, k, kind = (first[name] for name in speed.SIZE)
        yield (
            f"{n:,} × {d}, {k:,} rows, {kind}; {first['device']}, threads: {first['threads']}",
            speed.ranking(part),
        )


def speed_plots(performance: pd.DataFrame) -> dict[str, str]:
    return plots.performance(speed.curves(performance)) if len(performance) else {}


def bad_input(table: pd.DataFrame) -> list[Row]:
    """Bad input that was not refused, or not in time, and by whom."""
    tried = table[table["outcome"] != "not run"]
    clean = (tried["outcome"] == "refuses") & (tried["state"] == "untouched")
    return [
        {
            **dict(zip(("input", "outcome", "state"), key, strict=True)),
            "backends": list(part["backend"]),
            "message": part["message"].max(),
        }
        for key, part in tried[~clean].groupby(["input", "outcome", "state"])
    ]


def not_run(tables: Tables) -> Iterator[tuple[str, str]]:
    """What was not run, and why, each reason once."""
    coverage = tables.get("coverage")
    for reason, part in coverage[coverage["cases"] == 0].groupby("reason"):
        yield (
            str(reason),
            f"{len(part)} of clause × backend, such as {part.iloc[0]['clause']} on {part.iloc[0]['backend']}",
        )
    table = tables.get("bad_input")
    for reason, part in table[table["outcome"] == "not run"].groupby("message"):
        yield (
            str(reason),
            f"{len(part)} of input × backend, such as {part.iloc[0]['input']} on {part.iloc[0]['backend']}",
        )
    for name, command in OPTIONAL.items():
        if name not in tables.by_name and name not in tables.missing:
            yield f"`{command}` was not run", f"{name}.csv"
