"""What there is, in short lists."""

from collections.abc import Callable, Iterable, Mapping

from lazyadam.suites.telling.lines import columns, folded


def backends() -> Iterable[str]:
    """Every backend, with the version that is installed, or why it can't run."""
    from lazyadam.suites.backends.own import reader
    from lazyadam.suites.backends.registry import BACKENDS
    from lazyadam.suites.telling.here import install, missing, requirement_of, version_of

    known = [*BACKENDS.values(), *reader.installed()]
    lacking = {backend.framework: backend.no_build() for backend in known if missing(backend)}
    yield from columns(
        [
            (
                backend.name,
                f"{backend.framework} {version_of(backend.framework) or 'is not installed'}",
                backend.mode,
            )
            for backend in known
        ]
    )
    for framework, no_build in lacking.items():
        yield no_build or f"{framework} comes with: {install(requirement_of(framework))}"
    yield "one of your own: lazyadam init numpy"


def clauses() -> Iterable[str]:
    """What is demanded."""
    from lazyadam.suites.clauses import CLAUSES, carried

    return folded_rows({clause.id: clause.sentence for clause in (*CLAUSES.values(), *carried.CLAUSES)})


def axes() -> Iterable[str]:
    """The questions of meaning, with their answers: that of LazyAdam first."""
    from lazyadam.suites.run.about import AXES

    return folded_rows({axis: ", ".join(value.name.lower() for value in kind) for axis, kind in AXES.items()})


def pins() -> Iterable[str]:
    """The known divergences, each with its cause and on how many backends it shows."""
    from lazyadam.suites.divergences.pin import pins

    causes = [
        ", ".join(f"{a}={v}" for a, v in pin.explained_by.items()) or ", ".join(pin.clauses) for pin in pins()
    ]
    counts = [f"{len(pin.backends)} backend{'s' if pin.backends[1:] else ''}" for pin in pins()]
    return columns(
        [(pin.name, count, cause) for pin, count, cause in zip(pins(), counts, causes, strict=True)]
    )


def profiles() -> Iterable[str]:
    """How much is tried."""
    from lazyadam.suites.conformance.budget import BUDGETS
    from lazyadam.suites.telling.meanings import about_profile

    return folded_rows({name: about_profile(name) for name in BUDGETS})


def dimensions() -> Iterable[str]:
    """In what cases differ."""
    from lazyadam.suites.cases.space import DIMENSIONS

    return folded_rows({dimension.name: dimension.why for dimension in DIMENSIONS})


def tables() -> Iterable[str]:
    """What a run writes."""
    from lazyadam.reports.schema import TABLES

    return folded_rows({name: table.meaning for name, table in TABLES.items()})


def folded_rows(meanings: Mapping[str, str]) -> Iterable[str]:
    """Names with what they mean beside them."""
    width = max(map(len, meanings))
    for name, meaning in meanings.items():
        yield from folded(meaning, f"{name:{width}}  ")


LISTS: dict[str, Callable[[], Iterable[str]]] = {
    function.__name__: function for function in (backends, clauses, axes, pins, profiles, dimensions, tables)
}
