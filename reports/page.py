"""The page: one HTML file that says what a run found, from its tables alone."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from lazyadam.reports import answer, matrix, together, views
from lazyadam.reports import performance as speed
from lazyadam.reports.findings import findings
from lazyadam.reports.grid import grid
from lazyadam.reports.growth import Growth, growths
from lazyadam.reports.render import TEMPLATES, breakable, html
from lazyadam.reports.schema import TABLES
from lazyadam.reports.tables import RECORDED, TableError, read, records
from lazyadam.reports.vocabulary import Against, Outcome, Verdict
from lazyadam.reports.words import after, cause, folded, number, percent, plural, spaced

# What other commands write: their absence is said, and no error.
OPTIONAL = {
    "performance": "lazyadam bench",
    "performance_growth": "lazyadam bench",
    "performance_break_even": "lazyadam bench",
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


@dataclass
class Tables:
    """The tables of a folder.

    missing: why one that the run wrote, or should have, can't be read, by name. recorded: those that are of
    the recorded run, for this one has none; of_recorded: what that run was.
    """

    folder: Path
    by_name: dict[str, pd.DataFrame]
    missing: dict[str, str]
    recorded: set[str] = field(default_factory=set)
    of_recorded: str = ""

    def get(self, name: str) -> pd.DataFrame:
        """The table; empty, with its columns, where it is missing."""
        return self.by_name.get(name, pd.DataFrame(columns=list(TABLES[name].names)))

    def rows(self, name: str) -> list[Row]:
        return records(self.get(name))


def load(folder: Path, recorded: Path = RECORDED) -> Tables:
    """Every table of a folder that can be read; what its run left out is taken from a recorded one."""
    tables = Tables(folder, {}, {})
    with suppress(TableError):
        tables.by_name["run"] = read("run", folder)
    settings = {row["item"]: row["value"] for row in tables.rows("run")}
    written = settings["tables"].split(", ") if "tables" in settings else NEEDED
    for name in (*NEEDED, "findings", "space", "history", "campaign", "circumstances", *OPTIONAL):
        if name not in written and not (folder / f"{name}.csv").exists():
            continue
        try:
            tables.by_name[name] = read(name, folder)
        except TableError as error:
            where = " (suites/equivalence writes it)" if name in EQUIVALENCE else ""
            tables.missing[name] = f"{error}{where}"
    if "findings" not in tables.by_name and {"verdicts", "pins"} <= tables.by_name.keys():
        tables.by_name["findings"] = findings(tables.by_name)  # of a run before there were any
    ran = {OPTIONAL[name] for name in (*tables.by_name, *tables.missing) if name in OPTIONAL}
    for name, command in OPTIONAL.items():
        if command not in ran and (recorded / f"{name}.csv").exists():
            tables.by_name[name] = read(name, recorded)
            tables.recorded.add(name)
    if tables.recorded:
        tables.of_recorded = of_run(read("run", recorded), read("verdicts", recorded))
    return tables


def of_run(run: pd.DataFrame, rows: pd.DataFrame) -> str:
    """When a run was, on what, and of which versions. rows: of a table that names backends."""
    said = dict(zip(run["item"], run["value"], strict=True))
    names = rows["backend"].str.split(".").str[0] + " " + rows["version"]
    where = f"{said['processor']}, {said['threads at hand']} threads, {said['device']}"
    return f"{said['date']}; {where}; Python {said['python']}, {', '.join(names.unique())}"


def build(tables: Tables, pairs: pd.DataFrame, axes: pd.DataFrame, yours: str = "") -> str:
    """The page as text. yours: about a recorded training, in Markdown."""
    verdicts, pins, dialects = (tables.get(name) for name in ("verdicts", "pins", "dialects"))
    cells = matrix.cells(verdicts, pins, tables.get("findings"))
    beside = answer.beside(pairs)
    in_a_step = views.in_a_step(tables.get("tolerance"))
    what_to_set = answer.what_to_set(beside)
    return TEMPLATES.get_template("page.html.j2").render(
        t=tables,
        needed=NEEDED,
        optional=OPTIONAL,
        run={row["item"]: row["value"] for row in tables.rows("run")},
        counts=counts(verdicts),
        kinds=tables.get("findings")["kind"].value_counts().to_dict(),
        findings=views.findings(tables.get("findings"), tables.folder),
        beside=beside,
        grids={kind: grid(pairs, axes, kind == "dense") for kind in ("sparse", "dense")},
        what_to_set=html(what_to_set),
        what_to_know=html(answer.what_to_know(losses="#training", code="#code")) if what_to_set else "",
        samples=samples(tables.folder),
        yours=html(yours),
        matrix=matrix,
        together=together,
        space=tables.get("space"),
        cells=cells,
        clauses=list(dict.fromkeys(clause for clause, _ in cells)),
        backends=list(dict.fromkeys(verdicts["backend"])),
        left=views.counted(cells),
        axes_off={axis.split(":")[0] for cell in cells.values() for axis in cell.axes},
        reasons={(r["clause"], r["backend"]): r["reason"] for r in tables.rows("coverage")},
        data=data(tables, pairs, axes),
        pins=list(views.pins(pins, dialects, tables.folder)),
        dialects=views.side_by_side(dialects),
        compared=list(dict.fromkeys(dialects["backend"])),
        axis_meaning={(r["axis"], r["value"]): r["meaning"] for r in tables.rows("axes")},
        plots=plots_of(tables),
        in_a_step=in_a_step,
        starred=any(str(line[2]).endswith("*") for line in in_a_step),
        many_ulps=views.MANY_ULPS,
        training=views.training(tables.get("training"), pins),
        carried=views.carried(tables.get("carried")),
        detected=views.detected(tables.get("detection")),
        policies=views.policies(tables.get("policies")),
        races=views.races(tables.get("races")),
        campaign=views.campaign(tables.get("campaign"), tables.get("circumstances")),
        claims=views.claims(tables.get("claims")),
        fastest=list(views.fastest(tables.get("performance"))),
        went=views.went(tables.get("history")),
        break_even=views.break_even(tables.get("performance_break_even")),
        bad_input=views.bad_input(tables.get("bad_input")),
        not_run=list(not_run(tables)),
        versions=views.versions(verdicts),
        growths=growth_by_words(tables.get("effects_growth")),
        breakable=breakable,
        percent=percent,
        spaced=spaced,
        folded=folded,
        after=after,
        plural=plural,
        number=number,
    )


def plots_of(tables: Tables) -> dict[str, dict[str, Any]]:
    """The plots of each section by what they are drawn against; a backend has one look in all of them."""
    # matplotlib takes as long to import as all the rest
    from lazyadam.reports.plots import judged
    from lazyadam.reports.plots import speed as timed
    from lazyadam.reports.plots.drawing import styles

    tolerance, performance, history = (tables.get(x) for x in ("tolerance", "performance", "history"))
    style = styles([*tolerance["backend"], *performance["backend"], *history["backend"]])
    went = timed.history(history, style) if len(history) else None
    drift = judged.drift(tolerance, style)
    curve = tables.get("sensitivity_curve")
    return {
        "tolerance": {"steps": drift} if drift else {},
        "detection": {"the size of the error": judged.sensitivity(curve)} if len(curve) else {},
        "speed": timed.performance(speed.curves(performance), style) if len(performance) else {},
        "history": {"runs": went} if went else {},
    }


def samples(folder: Path) -> dict[str, str]:
    """Trainings in code, by name."""
    return {path.stem: path.read_text() for path in sorted((folder / "samples").glob("*.py"))}


def growth_by_words(table: pd.DataFrame) -> dict[tuple[str, ...], Growth]:
    """By axis and its two values, in the words and the order that the page has them in."""
    return {
        (spaced(axis), *sorted(map(spaced, values))): grown
        for (axis, values), grown in growths(table).items()
    }


def data(tables: Tables, pairs: pd.DataFrame, axes: pd.DataFrame) -> dict[str, Any]:
    """What the page's script looks up: rows of verdicts by cell, and of pairs."""
    strings: dict[str, int] = {}

    def at(text: Any) -> int:
        return strings.setdefault(str(text), len(strings))

    cells: dict[str, list[list[Any]]] = {}
    for row in tables.rows("verdicts"):
        shown = (row["dtype"], row["against"], row["verdict"], spaced(row["explained_by"]), row["witness"])
        key = f"{at(row['clause'])},{at(row['backend'])}"
        cells.setdefault(key, []).append(
            [*map(at, shown), number(row["worst_ratio"]), int(row["cases"]), int(row["steps"])]
        )
    apart: dict[str, list[list[Any]]] = {}
    for row in records(pairs):
        said = cause(row["message"]) or ("equal" if row["equal"] == "yes" else percent(row["difference"]))
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
                grown.head,
                grown.lines,
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
        "signs": matrix.SIGNS,
        "left": matrix.LEFT,
        "strings": list(strings),
    }


def counts(verdicts: pd.DataFrame) -> dict[str, int]:
    """How much was tried."""
    documented = verdicts[verdicts["against"] == Against.DOCUMENTED]
    return {
        "backends": documented[documented["verdict"] != Verdict.NOT_RUN]["backend"].nunique(),
        "clauses": documented["clause"].nunique(),
        "cases": int(documented["cases"].sum()),
        "steps": int(documented["steps"].sum()),
    }


def not_run(tables: Tables) -> Iterator[views.Line]:
    """What was not run, and why, each reason once."""
    coverage = tables.get("coverage")
    for reason, part in coverage[coverage["cases"] == 0].groupby("reason"):
        first = part.iloc[0]
        yield [str(reason), f"{len(part)} of clause × backend", f"{first['clause']} on {first['backend']}"]
    table = tables.get("bad_input")
    for reason, part in table[table["outcome"] == Outcome.NOT_RUN].groupby("message"):
        first = part.iloc[0]
        yield [str(reason), f"{len(part)} of bad input × backend", f"{first['input']} on {first['backend']}"]
    for name, command in OPTIONAL.items():
        if (name not in tables.by_name or name in tables.recorded) and name not in tables.missing:
            yield [f"{command} was not run", f"{name}.csv", ""]
