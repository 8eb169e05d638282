"""Scripts for an optimizer of somebody's own: a function on NumPy arrays, or the methods of a backend."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from suites.backends.base import Backend, Origin
from suites.backends.process import ROOT
from suites.divergences.source.skeleton import Skeleton, indented


def loaded(backend: type[Backend], *imports: str, standard: tuple[str, ...] = ()) -> Iterator[str]:
    """Imports, and the optimizer: a name of another module, or its file as the module `own`.

    standard: imports of the standard library.
    """
    origin = backend.origin
    in_file = origin is not None and not origin.module
    first = ["import importlib.util"] * in_file + ["import sys"] * bool(backend.file) + [*standard]
    yield from ([*first, ""] if first else [])
    yield from imports
    folder = str(Path(backend.file).parent)
    if in_file:
        yield ""
        yield f"sys.path += {[folder, str(ROOT)]}  # what the file imports"
        yield f'spec = importlib.util.spec_from_file_location("own", {backend.file!r})'
        yield 'own = sys.modules["own"] = importlib.util.module_from_spec(spec)'
        yield "spec.loader.exec_module(own)"
    elif origin is not None:
        yield from ["", f"sys.path.append({folder!r})"] * bool(backend.file)
        yield f"from {origin.module} import {origin.name}"


def name_of(origin: Origin) -> str:
    """By which name a script has what was `loaded`."""
    return origin.name if origin.module else f"own.{origin.name}"


class UpdateScript(Skeleton):
    """A function that updates w, m and v of one parameter in place."""

    def imports(self) -> Iterator[str]:
        bfloat16 = ["import ml_dtypes  # NumPy has no bfloat16"] * (self.s.case.dtype == "bfloat16")
        yield from loaded(
            self.backend, *bfloat16, "import numpy as np", standard=("from types import SimpleNamespace",)
        )
        yield ""

    def optimizer(self) -> Iterator[str]:
        origin, s = self.backend.origin, self.s
        assert origin is not None
        typed = f'[x.astype("{s.case.dtype}") for x in '
        yield f'update = {name_of(origin)}("{self.device}").update'
        yield (
            f"own_wmv = {typed}(w, m, v)]"
            if s.count == 1
            else f"all_wmv = [{typed}table] for table in tables]"
        )

    def step(self) -> Iterator[str]:
        s = self.s
        yield from changed(self)
        if s.reloads:
            copied = "own_wmv[1:] = [x.copy() for x in own_wmv[1:]]  # saved and loaded"
            yield f"if k in {s.reloads}:"
            yield from indented([copied] if s.count == 1 else ["for own_wmv in all_wmv:", f"    {copied}"])

    def got(self) -> Iterator[str]:
        s, h = self.s, self.s.groups[0]
        given = {"lr": "lr", "beta1": "beta1", "beta2": "beta2", "epsilon": "eps"}
        given |= {name: repr(x) for name, x in asdict(h).items() if name not in given}
        for name, text in (
            ("weight_decay", "weight_decay"),
            ("loss_scale", "loss_scale"),
            ("maximize", "sign < 0"),
        ):
            if text.split()[0] in s.names.split(", "):
                given[name] = text
        rows = (
            "None"
            if s.layout == "dense"
            else 'rows.astype("int32")'
            if "INT32_ROWS" in s.manner
            else "rows.copy()"
        )
        rows = f"None if rows is None else {rows}" if s.layout == "mixed" else rows
        t = f"{s.formula.t} + 1" if s.looped else "t"
        if s.count > 1:
            yield "own_wmv = all_wmv[i]"
        yield f"h = SimpleNamespace({', '.join(f'{name}={x}' for name, x in given.items())})"
        call = f'update(*own_wmv, {rows}, values.astype("{s.case.dtype}"), {t}, h)'
        yield from ["if values is not None:", f"    {call}"] if s.guarded else [call]
        yield "got = [x.astype(float) for x in own_wmv]"


def changed(script: Skeleton) -> Iterator[str]:
    """The learning rates that the formula has from a step on."""
    s = script.s
    if not s.changes:
        return
    if len(s.groups) == 1:
        yield "lr = changes.get(k, lr)"
    else:
        yield "for j, lr in enumerate(changes.get(k, ())):"
        yield "    hyper[j][0] = lr"


class SuiteScript(Skeleton):
    """A backend that has methods of its own: the suite hands the case over to them."""

    def imports(self) -> Iterator[str]:
        yield from loaded(self.backend, "import numpy as np")
        yield "from reference.scalars import Hyperparameters"
        yield "from suites.case import Case, Gradient, Group, Manner, Parameter, Step"
        yield ""

    def optimizer(self) -> Iterator[str]:
        s, case, origin = self.s, self.s.case, self.backend.origin
        assert origin is not None
        gradient = "Gradient(values)" if s.layout == "dense" else "Gradient(values, rows)"
        gradient = f"None if values is None else {gradient}" if s.guarded else gradient
        one = f"({gradient},)" if s.count == 1 else f"tuple({gradient} for {s.gradient} in gradients)"
        lr = (
            ""
            if not s.changes
            else ", (changes[k],) if k in changes else None"
            if len(s.groups) == 1
            else ", changes.get(k)"
        )
        reload = f", reload=k in {s.reloads}" if s.reloads else ""
        step = f"Step({one}{lr}{reload})"
        yield f'backend = {name_of(origin)}("{self.device}")'
        yield "backend.prepare()"
        yield "case = Case("
        yield f'    "{case.dtype}",'
        yield (
            "    (Parameter(w, m, v),),"
            if s.count == 1
            else "    tuple(Parameter(*table) for table in tables),"
        )
        groups = "".join(f"Group({g.parameters}, {g.hyperparameters}), " for g in case.groups)
        yield f"    ({groups.rstrip()}),"
        yield f"    tuple({step} for k, {s.each} in enumerate(steps, 1))," if s.looped else f"    ({step},),"
        yield f"    observed={'tuple(range(1, len(steps) + 1))' if s.looped else '(1,)'},"
        if case.t:
            yield f"    t={case.t},"
        if s.manner:
            yield f"    manner=frozenset({{{', '.join(f'Manner.{x}' for x in sorted(s.manner))}}}),"
        yield ")"
        yield "ran = backend.run(case)"
        yield "if ran.failure:"
        yield '    raise SystemExit(f"got: {ran.failure.message}")'

    def step(self) -> Iterator[str]:
        if not self.fails:
            yield from changed(self)

    def got(self) -> Iterator[str]:
        k, i = "k - 1" if self.s.looped else "0", "i" if self.s.count > 1 else "0"
        yield f"got = [x[{i}][{k}] for x in (ran.w, ran.m, ran.v)]"
        if self.s.counts:
            yield f"count = ran.t[{k}][{i}]"
