"""What the page shows of each table: rows of cells. A cell is a text, or a text and its kind."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from lazyadam.reports import gate, matrix
from lazyadam.reports import performance as speed
from lazyadam.reports.tables import records, text_of
from lazyadam.reports.vocabulary import Against, Agreement, Kind, Outcome, StateAfter, Verdict
from lazyadam.reports.words import cause, family_and_form, folded, number, once, percent, plural, spaced

Row = dict[str, Any]
Cell = str | tuple[str, str]
Line = list[Cell]


@dataclass(frozen=True)
class Cause:
    """One cause, on all backends that have it. effect: in words, where it was measured."""

    kind: str
    sentence: str
    owner: str
    backends: list[str]
    clauses: list[str]
    dtypes: list[str]
    witnesses: list[str]
    worst_ratio: float
    least: str
    effect: str
    script: str


def findings(table: pd.DataFrame, folder: Path) -> list[Cause]:
    """New ones first, and last what its documentation has to mend."""
    keys = ["kind", "sentence", "owner"]
    found = [
        Cause(
            **dict(zip(keys, map(str, key), strict=True)),
            backends=list(part["backend"]),
            clauses=_all_of(part["clauses"]),
            dtypes=_all_of(part["dtypes"]),
            witnesses=_all_of(part["witness"]),
            worst_ratio=part["worst_ratio"].max(),
            least=part["least"].max(),
            effect=part["effect"].max(),
            script=_script(folder, part["script"]),
        )
        for key, part in table[table["kind"] != Kind.DOCUMENTED].groupby(keys, sort=False)
    ]
    return sorted(found, key=lambda f: (f.kind != Kind.NEW, f.owner == "documentation", -len(f.backends)))


def _all_of(cells: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(x for cell in cells for x in cell.split("; ") if x))


def _script(folder: Path, names: Iterable[str]) -> str:
    """The first script that is there, of the folder of the tables and no other."""
    for name in names:
        path = (folder / name).resolve()
        if name and path.is_relative_to(folder.resolve()):
            try:
                return text_of(path)
            except (OSError, UnicodeDecodeError):
                continue
    return ""


def pins(table: pd.DataFrame, dialects: pd.DataFrame, folder: Path) -> Iterator[Row]:
    """The known divergences of what ran, each with its script and the text of an issue."""
    ran = set(dialects["backend"])
    for row in records(table):
        backends = [b for b in row["backends"].split("; ") if b in ran]
        if backends:
            stem = f"{row['pin']}.{backends[0]}"
            scripts = {name: _script(folder / "reproducers", [f"{stem}.{name}"]) for name in ("py", "md")}
            yield row | {"backends": backends, "script": scripts["py"], "issue": scripts["md"]}


def counted(cells: dict[tuple[str, str], matrix.Cell]) -> dict[str, int]:
    """How many cells have each word of what is left."""
    words = [cell.left for cell in cells.values()]
    return {word: words.count(word) for word in matrix.LEFT if word in words}


def side_by_side(dialects: pd.DataFrame) -> list[Line]:
    """Axis by axis what was seen, and of which backends; the axes that documentation speaks of first."""
    documented = set(dialects[dialects["documented"] != ""]["axis"])
    everyone = dialects["backend"].nunique()
    lines: list[Line] = []
    for axis in sorted(dialects["axis"].unique(), key=lambda axis: (axis not in documented, axis)):
        seen: dict[Cell, list[str]] = {}
        for row in records(dialects[dialects["axis"] == axis]):
            if not row["observed"].startswith("not "):
                said, wrong = spaced(row["observed"]), row["agrees"] == Agreement.NO
                cell = (f"✗ {said}, not {spaced(row['documented'])}", "no") if wrong else said
                seen.setdefault(cell, []).append(row["backend"])
        for cell, backends in seen.items():
            lines.append([spaced(axis), cell, "all" if len(backends) == everyone > 1 else folded(backends)])
    return lines


def in_a_step(tolerance: pd.DataFrame) -> list[Line]:
    """The largest errors of one step, of w alone; backends whose numbers are the same in one row."""
    part = tolerance[(tolerance["way"] == "step") & (tolerance["quantity"] == "w")]
    alike: dict[tuple[str, ...], list[str]] = {}
    for row in records(part):
        shown = ("max_ulp", "max_abs", "max_ratio", "specification_gap")
        many = "*" if row["max_ulp"] > MANY_ULPS and row["max_ratio"] <= 1 else ""
        cells = [row["dtype"], *(number(row[name]) for name in shown)]
        cells[1] += many
        alike.setdefault(tuple(cells), []).append(row["backend"])
    return [[folded(backends), *cells] for cells, backends in alike.items()]


MANY_ULPS = 1000  # which no rounding of a result makes


def training(table: pd.DataFrame, pins: pd.DataFrame) -> list[Line]:
    """Every way to train through autograd, against its documentation; forms that end alike are in one row.

    With each what explains it, or the error that was raised.
    """
    known = {
        (family_and_form(backend)[0], axis)
        for pin in records(pins)
        for backend in pin["backends"].split("; ")
        for axis in matrix.axes_of(pin["explained_by"])
    }
    alike: dict[tuple[Cell, ...], list[Row]] = {}
    for row in records(table[table["against"] == Against.DOCUMENTED]):
        axes, said, kind = matrix.axes_of(row["explained_by"]), row["verdict"], row["verdict"]
        why = cause(row["message"], 160) or ", ".join(map(spaced, axes))
        family = family_and_form(row["backend"])[0]  # whose forms run the same operators, in whichever mode
        if kind == Verdict.DIVERGES and {(family, axis) for axis in axes} <= known:
            said, kind, why = "as documented but for", "but for", ", ".join(map(spaced, axes))
        cell = (f"{said} {why}" if kind == "but for" else f"{said}: {why}" if why else said, kind)
        numbers = (number(row[name]) for name in ("last_loss", "distance"))
        alike.setdefault((row["layer"], str(row["ids"]), cell, *numbers), []).append(row)
    return [
        [
            folded(dict.fromkeys(row["backend"] for row in rows)),
            layer,
            "; ".join(dict.fromkeys(row["way"] for row in rows)),
            *rest,
        ]
        for (layer, *rest), rows in alike.items()
    ]


def carried(table: pd.DataFrame) -> list[Line]:
    """For each lazy optimizer whether every part of a carried training is as its optimizer's source says."""
    rows: list[Line] = []
    spoken = table[table["against"] == Against.EXPLAINED]
    for (backend, clause), part in spoken.groupby(["backend", "clause"], sort=False):
        verdict = matrix.worst(part["verdict"])
        numbers = (number(part[name].max()) for name in ("worst_ratio", "distance"))
        rows.append([str(backend), str(clause), (verdict, verdict), *numbers])
    return rows


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


def policies(table: pd.DataFrame) -> list[Line]:
    """What other tolerances find of the same faults, and flag without one."""
    counts = ("faults", "found", "clean_cases", "false_alarms")
    return [
        [row["policy"], row["compared"], row["host"], *(number(row[name]) for name in counts)]
        for row in records(table)
    ]


def races(table: pd.DataFrame) -> list[Line]:
    return [[row["fault"], row["host"], number(row["runs"]), str(row["killed"])] for row in records(table)]


def campaign(table: pd.DataFrame, circumstances: pd.DataFrame) -> list[Line]:
    """Of each backend how many cases, how many of them show something, how near the bound, and what met."""
    met = circumstances.groupby("backend").size()
    return [
        [
            str(backend),
            number(part["cases"].sum()),
            number(part["steps"].sum()),
            number(part["shown"].sum()),
            number(part["half_up_to"].median()),
            number(part["most_up_to"].max()),
            number(met.get(backend, 0)),
        ]
        for backend, part in table.groupby("backend", sort=False)
    ]


def claims(table: pd.DataFrame) -> list[Row]:
    """Each claim with its verdict in a word, why in a line, and the evidence in sentences."""
    return [_claim(row) for row in records(table)]


def _claim(row: Row) -> Row:
    word, _, reason = row["verdict"].partition(" (")
    evidence = re.split(r"(?<=[.])\s+(?=\S)", once(row["evidence"]))
    decides = [s for s in evidence if re.search(r"refused|\de\+\d|Error: |^Worst[^:]*$", s)]
    why = [reason.removesuffix(")")] if reason else decides if word == "refuted" else []
    return {
        **{name: row[name] for name in ("claim", "page", "text", "witness")},
        "verdict": word,
        "kind": {"refuted": "no", "confirmed": "yes"}.get(word, ""),
        "why": why,
        "evidence": [s for s in evidence if s not in why],
    }


def fastest(performance: pd.DataFrame) -> Iterator[Row]:
    """Of each configuration its arms, the fastest first, and the fastest of those that are right."""
    for key, part in performance.groupby(["device", "threads", *speed.SIZE], sort=False):
        device, threads, *size = key
        ranked = records(speed.ranking(part))
        first = next((row for row in ranked if row["rank"] == 1), None)
        yield {
            "title": speed.in_words(tuple(size)),
            "where": f"{plural(int(str(threads)), 'thread')}, {device}",
            "first": first,
            "rows": [
                [
                    (row["backend"], "struck" if row["note"].startswith(Verdict.DIVERGES) else ""),
                    number(row["seconds_median"] * 1e6),
                    number(row["floor_multiple"]),
                    number(row["ratio"]),
                    number(row["first_step_seconds"]),
                    number(row["peak_bytes"] / 1e6),
                    number(row["worst_ratio"]),
                    row["note"],
                ]
                for row in ranked
            ],
        }


def went(table: pd.DataFrame) -> list[Line]:
    """What changed from run to run, and from which version to which."""
    lines: list[Line] = []
    for _, part in table.groupby(["backend", "device", "dtype", *speed.SIZE, "threads"], sort=False):
        rows = records(part.sort_values("run"))
        for before, row in pairwise(rows):
            if row["told"] in ("slower", "faster"):
                size = (
                    f"{speed.in_words(tuple(row[x] for x in speed.SIZE))}, {plural(row['threads'], 'thread')}"
                )
                where = (f"run {r['run']}{', ' * bool(r['version'])}{r['version']}" for r in (before, row))
                floor = f"{number(row['floor_multiple'])} ×"
                lines.append([row["backend"], size, *where, row["told"], floor, number(row["change"])])
    return lines


def break_even(table: pd.DataFrame) -> list[Line]:
    """From how many touched rows on a dense step is faster than a lazy one."""
    return [
        [
            row["lazy"],
            row["dense"],
            f"{row['table_rows']:,} × {row['width']}, {plural(row['threads'], 'thread')}",
            f"{row['touched_rows']:,.0f} ({percent(row['share'])})"
            if pd.notna(row["touched_rows"])
            else "never",
        ]
        for row in records(table)
    ]


def bad_input(table: pd.DataFrame) -> dict[str, list[Line]]:
    """Bad input that was not refused, or not in time, by what came of it; the most harm first."""
    tried = table[table["outcome"] != Outcome.NOT_RUN]
    clean = (tried["outcome"] == Outcome.REFUSES) & (tried["state"] == StateAfter.UNTOUCHED)
    rows: dict[str, list[tuple[int, Line]]] = {"harm": [], "gradients": [], "arguments": []}
    for key, part in tried[~clean].groupby(["input", "outcome", "state"], sort=False):
        kind, outcome, state = map(str, key)
        harm = gate.harm({"outcome": outcome, "state": state})
        of = "harm" if harm else "gradients" if re.search("row|value|dense", kind) else "arguments"
        cells: Line = [kind, (outcome, outcome), state, folded(part["backend"]), cause(part["message"].max())]
        rows[of].append((harm, cells))
    return {
        of: [cells for _, cells in sorted(found, key=lambda item: -item[0])]
        for of, found in rows.items()
        if found
    }


def versions(verdicts: pd.DataFrame) -> list[Line]:
    """Each framework's version, and its backends."""
    found: dict[tuple[str, str], list[str]] = {}
    for backend, version in verdicts[["backend", "version"]].drop_duplicates().itertuples(index=False):
        found.setdefault((family_and_form(backend)[0].split(".")[0], version), []).append(backend)
    return [[f"{name} {version}", folded(backends)] for (name, version), backends in found.items()]
