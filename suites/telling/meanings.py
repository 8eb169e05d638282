"""All that can be explained: what each word demands or stands for, who says so, and what shows it."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from functools import lru_cache
from typing import Any

from lazyadam.reference.dialect import Arithmetic, Dialect
from lazyadam.reports import glossary
from lazyadam.reports.schema import TABLES
from lazyadam.reports.schema.table import Table
from lazyadam.reports.tables import RECORDED, TableError, read, records
from lazyadam.reports.vocabulary import (
    FAILING,
    Against,
    Agreement,
    Claimed,
    FailureKind,
    Kind,
    Outcome,
    Speed,
    StateAfter,
    Verdict,
    Word,
)
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.cases.space import DIMENSIONS, EXCLUSIONS, Dimension
from lazyadam.suites.clauses import CLAUSES, carried
from lazyadam.suites.clauses.region import RULE, SAYS
from lazyadam.suites.conformance.bad_input import KINDS
from lazyadam.suites.conformance.bad_input import Kind as BadInput
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.combined import word_of
from lazyadam.suites.divergences.pin import PINS, Pin, pins
from lazyadam.suites.run.about import AXES
from lazyadam.suites.telling.entry import Entry, labelled
from lazyadam.suites.telling.here import requirement_of, version_of
from lazyadam.suites.telling.lines import folded, shown


def entries() -> list[Entry]:
    """All that can be explained."""
    return [
        *(_clause(clause) for clause in (*CLAUSES.values(), *carried.CLAUSES)),
        *(entry for axis in AXES for entry in _axis(axis)),
        *(_pin(pin) for pin in pins()),
        *(_backend(backend) for backend in BACKENDS.values()),
        *_words("verdict", Verdict, "of a clause on a backend, in verdicts.csv"),
        *_words("outcome", Outcome, "of bad input, in bad_input.csv"),
        *_words("state", StateAfter, "of what bad input leaves, in bad_input.csv"),
        *_words("against", Against, "what a backend is judged against, in verdicts.csv"),
        *_words("finding", Kind, "the kind of a finding, in findings.csv"),
        *_words("agreement", Agreement, "of documented and observed, in dialects.csv"),
        *_words("failure", FailureKind, "the kind of a failed test, in failures.csv"),
        *_words("claim", Claimed, "verdict on a claim, in claims.csv"),
        *_words("speed", Speed, "verdict of the gate, in performance_gate.csv"),
        *(_profile(name) for name in BUDGETS),
        *(_input(kind) for kind in KINDS),
        *(_dimension(dimension) for dimension in DIMENSIONS),
        *(_table(table) for table in TABLES.values()),
        *(_column(name) for name in dict.fromkeys(x for table in TABLES.values() for x in table.names)),
        *(Entry("word", name, meaning) for name, meaning in glossary.WORDS.items()),
    ]


def _words(kind: str, words: type[Word], where: str) -> Iterator[Entry]:
    for word in words:
        yield Entry(kind, word, word.meaning, more=lambda: labelled("used", where))


def _clause(clause: Any) -> Entry:
    def more() -> Iterator[str]:
        yield from labelled("says so", clause.source)
        yield from labelled("tried", f"where {clause.where}")
        needs = ", ".join(x.value if isinstance(x, Manner) else x for x in clause.needs)
        yield from labelled("needs", f"a backend that takes: {needs}" if needs else "")
        failing = [row for row in _recorded() if row["clause"] == clause.id]
        stating = [pin for pin in pins() if clause.id in pin.clauses]
        named = dict.fromkeys(x for row in failing for x in row["witness"].split("; ") if x)
        names = list(dict.fromkeys([*(pin.name for pin in stating), *named]))
        yield from labelled("pins", ", ".join(name for name in names if not name.endswith(".json")))
        backends = dict.fromkeys(f"{row['backend']} ({row['verdict']})" for row in failing)
        yield from labelled("recorded", ", ".join(backends) or "fails on no backend of the suite", 4)
        if clause.id in CLAUSES:
            yield from labelled("look", f"lazyadam check BACKEND --only {clause.id}")
        yield from labelled("" if clause.id in CLAUSES else "look", f"lazyadam show {clause.id}")

    return Entry("clause", clause.id, clause.sentence, more=more)


@lru_cache
def _recorded() -> list[dict[str, Any]]:
    """What fails from its documentation in the run that comes with the suite."""
    with suppress(TableError):
        rows = records(read("verdicts", RECORDED))
        return [r for r in rows if r["against"] == Against.DOCUMENTED and r["verdict"] in FAILING]
    return []


def _axis(axis: str) -> Iterator[Entry]:
    """An axis, and each of its values."""
    kind = AXES[axis]
    declared = Dialect if axis in {f.name for f in fields(Dialect)} else Arithmetic
    default = getattr(declared(), axis)
    word = "documented" if declared is Dialect else "arithmetic"

    def more() -> Iterator[str]:
        names = [f"{value.name.lower()}{' (LazyAdam)' if value is default else ''}" for value in kind]
        for i, (name, value) in enumerate(zip(names, kind, strict=True)):
            yield from labelled("" if i else "values", f"{name}: {value.value}")
        yield from _promises(axis)
        yield from labelled("pins", ", ".join(pin.name for pin in pins() if axis in pin.explained_by))
        yield from labelled("look", f"lazyadam explain {axis}={next(iter(kind)).name.lower()}")

    yield Entry("axis", axis, (kind.__doc__ or "").partition("\n")[0], more=more)
    for value in kind:
        line = f"{word} = {declared.__name__}({axis}={kind.__name__}.{value.name})"
        yield _value(axis, value, line, f"{declared.__name__}, {kind.__name__}")


def _value(axis: str, value: Any, declaration: str, kinds: str) -> Entry:
    name = value.name.lower()

    def more() -> Iterator[str]:
        yield from _promises(axis, value)
        if axis in vars(Dialect()):
            speak = [b.name for b in BACKENDS.values() if getattr(b.spoken, axis) is value]
            yield from labelled("spoken by", ", ".join(speak) or "no backend of the suite", 5)
        stating = [pin.name for pin in pins() if pin.explained_by.get(axis) == name]
        yield from labelled("pins", ", ".join(stating))
        yield from labelled("declare", declaration)
        yield from labelled("with", f"from lazyadam.reference.dialect import {kinds}")

    return Entry("value", f"{axis}={name}", value.value, (name,), more)


def _promises(axis: str, value: Any = None) -> Iterator[str]:
    """Who documents which value, and where."""
    by_source: dict[str, list[str]] = {}
    for backend in BACKENDS.values():
        for promise in backend.promises:
            if promise.axis != axis:
                continue
            documented = getattr(backend.documented, axis)
            if value in (None, documented):
                said = promise.source if value else f"{documented.name.lower()}: {promise.source}"
                by_source.setdefault(said, []).append(backend.name)
    for i, (source, names) in enumerate(by_source.items()):
        more = f", … ({len(names)} in all)" if names[3:] else ""
        yield from labelled("" if i else "says so", f"{source} ({', '.join(names[:3])}{more})")


def _pin(pin: Pin) -> Entry:
    def more() -> Iterator[str]:
        axes = ", ".join(f"{axis}={value}" for axis, value in pin.explained_by.items())
        yield from labelled("it", f"{pin.verdict}{f', explained by {axes}' if axes else ', unexplained'}")
        yield from labelled("clauses", ", ".join(pin.clauses))
        yield from labelled("shows in", ", ".join([*pin.quantities, *pin.layouts, *pin.dtypes]))
        yield from labelled("backends", ", ".join(pin.backends), 4)
        yield from labelled("versions", pin.versions)
        yield from labelled("devices", ", ".join(pin.devices))
        yield from labelled("to mend by", {"us": "this suite"}.get(pin.owner, f"the {pin.owner}"))
        yield f"  witness    {shown(PINS / f'{pin.name}.json')}"
        for script in sorted((RECORDED / "reproducers").glob(f"{pin.name}.*.py"))[:1]:
            yield f"  script     python {shown(script)}"
        yield from labelled("look", f"lazyadam show {pin.name}")

    return Entry("pin", pin.name, pin.sentence, more=more)


def _backend(backend: Any) -> Entry:
    def more() -> Iterator[str]:
        wanted = requirement_of(backend.framework)
        yield from labelled("here", version_of(backend.framework) or f"not installed (wanted: {wanted})")
        yield from labelled("devices", ", ".join(backend.devices))
        yield from labelled("types", ", ".join(backend.dtypes))
        yield from labelled("takes", ", ".join(sorted(backend.layouts) + sorted(backend.hyperparameters)))
        plainly = Dialect()
        differs = [
            f"{axis}={value.name.lower()}"
            for axis, value in vars(backend.documented).items()
            if value is not getattr(plainly, axis)
        ]
        yield from labelled("documented", ", ".join(differs) or "LazyAdam")
        yield from labelled("pins", ", ".join(pin.name for pin in pins() if pin.names(backend)))
        yield from labelled("look", f"lazyadam check {backend.name}")

    return Entry("backend", backend.name, f"{backend.framework}, {backend.mode}", more=more)


def _profile(name: str) -> Entry:
    return Entry(
        "profile",
        name,
        about_profile(name),
        more=lambda: labelled("look", f"lazyadam check --profile {name}"),
    )


def about_profile(name: str) -> str:
    """How much a profile tries."""
    budget = BUDGETS[name]
    few = f" ({budget.compiled} where they are compiled, {budget.repeated} where operators are another's)"
    fewer = few if budget.compiled < budget.cases else ""
    seed = "seed 0" if name == "ci" else "a seed at random"
    return f"{budget.cases:,} cases for each clause and type{fewer}, {seed}"


def _input(kind: BadInput) -> Entry:
    """Of bad input, as bad_input.csv names it."""

    def more() -> Iterator[str]:
        with suppress(TableError):
            rows = [row for row in records(read("bad_input", RECORDED)) if row["input"] == kind.id]
            rows = [row for row in rows if row["outcome"] != Outcome.NOT_RUN]
            came = dict.fromkeys(f"{row['backend']} ({row['outcome']})" for row in rows)
            yield from labelled("recorded", ", ".join(came), 5)

    return Entry("input", kind.id, kind.sentence, more=more)


def _dimension(dimension: Dimension) -> Entry:
    """Of the space of cases. Where each case is compiled it has fewer values."""

    def more() -> Iterator[str]:
        yield from labelled("values", ", ".join(map(word_of, dimension.values)), 8)
        yield from labelled("compiled", ", ".join(map(word_of, dimension.few)))
        says = SAYS.get(dimension.name, RULE)
        clauses = [says] if isinstance(says, str) else dict.fromkeys(says.values())
        yield from labelled("clauses", ", ".join(clauses))
        for exclusion in EXCLUSIONS:
            if dimension.name in exclusion.fields:
                others = " and ".join(name for name in exclusion.fields if name != dimension.name)
                yield from labelled("excludes", f"with {others}: {exclusion.why}")
        yield from labelled("tried", "space.csv of a run: pairs of values that met in some case")
        yield from labelled(
            "look", f"lazyadam explain {dimension.name}=VALUE OTHER=VALUE: where these two met"
        )

    return Entry("dimension", dimension.name, dimension.why, more=more)


def _table(table: Table) -> Entry:
    def more() -> Iterator[str]:
        width = max(map(len, table.names))
        for column in table.columns:
            yield from folded(column.meaning, f"    {column.name:{width}}  ")

    return Entry("table", table.name, table.meaning, (f"{table.name}.csv",), more)


def _column(name: str) -> Entry:
    """A column, as the first table that has it means it, and where another means something else by it."""
    holding = {table.name: x.meaning for table in TABLES.values() for x in table.columns if x.name == name}
    first = next(iter(holding.values()))

    def more() -> Iterator[str]:
        for table, meaning in holding.items():
            if meaning != first:
                yield from labelled(table, meaning)
        yield from labelled("tables", ", ".join(holding), 3)

    also = tuple(x for table in holding for x in (f"{table}.{name}", f"{table}.csv.{name}"))
    return Entry("column", name, first, also, more)
