"""Known divergences: each pinned by a witness, with a sentence, what explains it, its owner and versions.

A pin is a trace file whose `about` says the rest: in `pins/` of the suite's own backends, in a folder of
one's own (`--pins`) of any. The suite is strict both ways: a divergence that is not pinned fails the run, and
so does a witness that no longer shows what is pinned, in every type and layout that is stated.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from lazyadam.reference.dialect import Dialect
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reports.vocabulary import FAILING, Verdict
from lazyadam.suites.backends.base import DEVICES, Backend
from lazyadam.suites.backends.registry import BACKENDS, NAMED
from lazyadam.suites.backends.typed import near
from lazyadam.suites.backends.workers.runs import Runs
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.clauses import CLAUSES, carried
from lazyadam.suites.clauses.clause import layouts
from lazyadam.suites.divergences.layouts import LAYOUTS, layout_of
from lazyadam.suites.divergences.witness import cast
from lazyadam.suites.judge.judgement import QUANTITIES, SIGN
from lazyadam.suites.judge.step_by_step import step_by_step
from lazyadam.suites.judge.verdict import NONE_FITS

PINS = Path(__file__).parent / "pins"
OWNERS = ("backend", "documentation", "us")
# Those of the suites beside conformance have no menu that a witness is looked for in.
PINNABLE = (*CLAUSES, *(clause.id for clause in carried.CLAUSES), "training")
UNTOUCHED = tuple(f"untouched {quantity}" for quantity in QUANTITIES)
SEEN = (*QUANTITIES, "t", *UNTOUCHED, *(f"{quantity}{SIGN}" for quantity in UNTOUCHED))
# What a pin says of itself; path and python are for a replay of it.
SAYS = (
    *("sentence", "verdict", "explained_by", "clauses", "quantities", "layouts", "dtypes", "devices"),
    *("owner", "backends", "versions", "file", "path", "python", "until"),
)
# What an axis was observed to be that is none of its values (suites/conformance/fingerprint.py).
OBSERVED = (NONE_FITS, *FAILING[1:])


@dataclass(frozen=True)
class Pin:
    """A divergence of some backends from their documentation.

    case: the witness. verdict: what comes of it. explained_by: axes with the values
    that explain it; empty where nothing does. clauses: those that show it, where no axis of a `Dialect`
    explains it; quantities: and in which of w, m, v, t alone. layouts, dtypes: the gradients and types in
    which it shows, which the witness, cast to each type, proves; devices: and where. owner: who has to mend
    it: 'backend', 'documentation' or 'us'. versions: of the framework, as a version specifier. file: the name
    of the file that declares the backends; '' where they are the suite's or a package's.
    """

    name: str
    case: Case
    sentence: str
    verdict: str
    explained_by: dict[str, str]
    clauses: tuple[str, ...]
    quantities: tuple[str, ...]
    layouts: tuple[str, ...]
    dtypes: tuple[str, ...]
    owner: str
    backends: tuple[str, ...]
    versions: str
    file: str = ""
    devices: tuple[str, ...] = ("cpu",)

    @property
    def own_script(self) -> Path:
        """A script beside it, where what shows hangs on what lay in memory before: it lays it there."""
        return PINS / f"{self.name}.py"

    def names(self, backend: type[Backend]) -> bool:
        return backend.name in self.backends and self.file == Path(backend.file).name

    def covers(self, backend: type[Backend], version: str, device: str) -> bool:
        if not self.names(backend) or device not in self.devices:
            return False
        try:
            return SpecifierSet(self.versions).contains(Version(version), prereleases=True)
        except InvalidVersion:  # a framework of somebody's own may call its versions what it likes
            return not self.versions

    def explaining(self, backend: type[Backend]) -> Dialect | None:
        """The documented dialect with the axes of this pin turned; None where no dialect explains it."""
        values: dict[str, Any] = {}
        for axis, value in self.explained_by.items():
            kind = type(getattr(backend.documented, axis))
            if value.upper() not in kind.__members__:
                return None
            values[axis] = kind[value.upper()]
        return replace(backend.documented, **values) if values else None

    def beside(self, backend: type[Backend], covering: Iterable["Pin"]) -> Dialect:
        """The documented dialect with the axes turned that other pins state of this type and layout."""
        found = backend.documented
        for other in covering:
            turned = other.explaining(backend)
            same = self.case.dtype in other.dtypes and set(self.layouts) & set(other.layouts)
            if turned is not None and same:
                axes = other.explained_by.keys() - self.explained_by.keys()
                found = replace(found, **{axis: getattr(turned, axis) for axis in axes})
        return found

    def types_of(self, backend: type[Backend]) -> list[str]:
        """The types stated that the backend takes, or all where its clause is tried in all.

        That is where gradients are in another than its usual layout, and of clauses about a layout.
        """
        of_layout = any(CLAUSES[clause].layout for clause in self.clauses if clause in CLAUSES)
        usual = not of_layout and set(layouts(backend)) & set(self.layouts)
        return [dtype for dtype in self.dtypes if dtype in backend.dtypes or not usual]

    def cast(self, dtype: str) -> "Pin":
        """The same of another type: the numbers of the witness, state included, rounded to it."""
        return replace(self, case=cast(self.case, dtype))


def load(path: Path) -> Pin:
    """The pin in a file. Its backends are checked by whoever knows which there are.

    Raises:
        TraceError: it is not a trace, or says something that is not known: one line with the path.
    """
    case, about = trace.load(path), trace.about(path)
    if unknown := sorted(about.keys() - {*SAYS}):
        raise trace.TraceError(f"{path}: unknown key {unknown[0]!r} in about{near(unknown[0], SAYS)}")
    try:
        if (until := about.get("until")) and date.fromisoformat(_text(until)) < date.today():
            raise trace.TraceError(f"{path}: was to be looked at again by {until}")
        pin = Pin(
            name=path.stem,
            case=case,
            sentence=_text(about["sentence"]),
            verdict=_text(about["verdict"]),
            explained_by={_text(axis): _text(x) for axis, x in dict(about["explained_by"]).items()},
            **{name: tuple(map(_text, _list(about[name]))) for name in _LISTS},
            owner=_text(about["owner"]),
            versions=_text(about["versions"]),
            file=_text(about.get("file", "")),
            devices=tuple(map(_text, _list(about.get("devices", ["cpu"])))),
        )
        SpecifierSet(pin.versions)
    except (KeyError, TypeError, ValueError, InvalidSpecifier) as error:
        raise trace.TraceError(f"{path}: malformed pin ({type(error).__name__}: {error})") from None
    values = {f.name: [x.name.lower() for x in f.type] for f in fields(Dialect)}  # type: ignore[union-attr]
    there = {layout_of(g) for step in case.steps for g in step.gradients}
    for what, given, allowed in (
        ("clause", pin.clauses, PINNABLE),
        ("quantity", pin.quantities, SEEN),
        ("axis", pin.explained_by, values),
        *(
            (f"value of {x}", (pin.explained_by[x],), (*values.get(x, ()), *OBSERVED))
            for x in pin.explained_by
        ),
        ("layout", pin.layouts, LAYOUTS),
        ("layout of this witness", pin.layouts, sorted(there)),
        ("dtype", pin.dtypes, tuple(PRECISIONS)),
        ("device", pin.devices, DEVICES),
        ("owner", (pin.owner,), OWNERS),
        ("verdict", (pin.verdict,), FAILING),
    ):
        for name in given:
            if name not in allowed:
                raise trace.TraceError(f"{path}: unknown {what} {name!r}; known: {', '.join(allowed)}")
    for what in ("layouts", "dtypes", "devices", "backends"):
        if not getattr(pin, what):
            raise trace.TraceError(f"{path}: {what} is empty: it would speak of nothing")
    if not pin.explained_by and not pin.clauses:
        raise trace.TraceError(f"{path}: neither an axis explains it nor a clause shows it")
    if case.dtype not in pin.dtypes:
        raise trace.TraceError(f"{path}: dtypes lacks {case.dtype}, the type of the witness")
    return pin


_LISTS = ("clauses", "quantities", "layouts", "dtypes", "backends")


def _text(x: Any) -> str:
    if not isinstance(x, str):
        raise TypeError(f"{x!r} is no text")
    return x


def _list(x: Any) -> list[Any]:
    if not isinstance(x, list):
        raise TypeError(f"{x!r} is no list")
    return x


@lru_cache(maxsize=1)
def _of_the_suite() -> tuple[Pin, ...]:
    found = tuple(load(path) for path in sorted(PINS.glob("*.json")))
    for pin in found:
        told = "; a pin of a backend of your own belongs in a folder of your own: --pins DIR"
        _check_backends(pin, PINS, BACKENDS | NAMED, told)
    return found


_own: list[Pin] = []


def use(
    folders: Iterable[Path], backends: Collection[str], files: Mapping[str, Collection[str]]
) -> list[str]:
    """Take the pins in folders of one's own beside those of the suite, from here on.

    backends: the names of those of the suite and of packages. files: of each file of one's own that was
    given, by its name, the backends that it declares. A pin of another file is about another run: it is left
    out, and the lines that are returned say so.

    Raises:
        TraceError: a pin is malformed, has another's name, or names a backend that there is not.
    """
    _own.clear()
    taken = {pin.name: PINS for pin in _of_the_suite()}
    told = []
    for folder in dict.fromkeys(folders):
        if not folder.is_dir():
            raise trace.TraceError(f"{folder}: no such folder of pins")
        for path in sorted(folder.glob("*.json")):
            pin = load(path)
            if taken.setdefault(pin.name, folder) is not folder:
                raise trace.TraceError(f"{path}: {taken[pin.name]} has a pin of this name")
            if pin.file and pin.file not in files:
                told.append(f"{path}: left out: {pin.file}, of which it speaks, is not given")
                continue
            _check_backends(pin, folder, files[pin.file] if pin.file else backends)
            _own.append(pin)
    return told


def _check_backends(pin: Pin, folder: Path, known: Iterable[str], told: str = "") -> None:
    """Whether there is every backend that a pin names: a misspelt one would be covered by nothing."""
    for name in pin.backends:
        if name not in known:
            where = f" of {pin.file}" if pin.file else ""
            raise trace.TraceError(
                f"{folder / pin.name}.json: unknown backend {name!r}{where}; known: {', '.join(known)}{told}"
            )


def pins() -> tuple[Pin, ...]:
    """All known divergences: of the suite, by name, then those of one's own."""
    return (*_of_the_suite(), *_own)


def pins_of_name(backend: type[Backend], device: str) -> list[Pin]:
    """The known divergences of a backend on a device, in whatever version."""
    return [p for p in pins() if p.names(backend) and device in p.devices]


def pins_of(process: Runs) -> list[Pin]:
    """The known divergences of a backend in the version that runs."""
    known = (process.backend, process.version, process.device)
    return [p for p in pins() if process.version and p.covers(*known)]


def axes_of(explained_by: str) -> dict[str, str]:
    """The axes and values in a cell such as 'epsilon: beside_root; duplicates: scattered'."""
    if explained_by in ("", "unexplained"):
        return {}
    return dict(part.split(": ") for part in explained_by.split("; "))


def broken(pin: Pin, backend: type[Backend], seen: Trajectory, covering: Iterable[Pin] = ()) -> str:
    """What of a pin its witness no longer shows; '' where it shows all of it.

    covering: other pins, whose axes may explain a part. Scalars in float32 tell in float64 where ε stands,
    whatever the case; what another axis does shows beside that.
    """
    if seen.failure is not None or pin.verdict != Verdict.DIVERGES:
        verdict = seen.failure.kind if seen.failure else "accepted"
        return "" if verdict == pin.verdict else f"pinned as {pin.verdict}, but the witness is now: {verdict}"
    strict = any(CLAUSES[clause].strict_epsilon for clause in pin.clauses)

    def worst(dialect: Dialect) -> float:
        return float(step_by_step([pin.case], [seen], dialect, backend.arithmetic, False, strict).worst.max())

    if worst(backend.documented) <= 1:
        return "the witness no longer diverges"
    turned, beside = pin.explaining(backend), pin.beside(backend, covering)
    if turned is None or worst(turned) <= 1:
        return ""
    if worst(beside) <= 1:
        return "the witness no longer diverges but by what other pins state"
    together = replace(beside, **{axis: getattr(turned, axis) for axis in pin.explained_by})
    if worst(together) > 1:
        return f"no longer explained by {pin.explained_by}: worst ratio {worst(turned):.3g}"
    return ""
