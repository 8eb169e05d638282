"""Scripts for an optimizer of somebody's own: a function on NumPy arrays, or the methods of a backend."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lazyadam.suites.backends.base import Backend, Origin
from lazyadam.suites.backends.workers.start import ROOT
from lazyadam.suites.divergences.source.skeleton import Skeleton, indented

ONE_BUFFER = (
    "buffer = np.concatenate([np.zeros(1, arrays[0].dtype), *(x.ravel() for x in arrays)])",
    "ends = 1 + np.cumsum([x.size for x in arrays])",
    "return [buffer[end - x.size : end].reshape(x.shape) for end, x in zip(ends, arrays)]",
)


def loaded(
    backend: type[Backend], *imports: str, standard: tuple[str, ...] = (), by: Origin | None = None
) -> Iterator[str]:
    """Imports, and the optimizer: a name of another module, or its file as the module `own`.

    standard: imports of the standard library. by: what is loaded, where that is not the optimizer itself.
    """
    origin = by or backend.origin
    in_file = origin is not None and not origin.module
    folder = str(Path(backend.file).parent) if backend.file else ""
    paths = list(dict.fromkeys(filter(None, (origin.folder if origin else "", folder))))
    first = ["import importlib.util"] * in_file + ["import sys"] * bool(paths) + [*standard]
    yield from ([*first, ""] if first else [])
    yield from imports
    if in_file:
        yield ""
        yield f"sys.path += {[folder, str(ROOT)]}  # what the file imports"
        yield f'spec = importlib.util.spec_from_file_location("own", {backend.file!r})'
        yield 'own = sys.modules["own"] = importlib.util.module_from_spec(spec)'
        yield "spec.loader.exec_module(own)"
    elif origin is not None:
        yield from ["", f"sys.path += {paths}"] * bool(paths)
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
        origin, dtype = self.backend.origin, self.s.case.dtype
        assert origin is not None
        yield f'update = {name_of(origin)}("{self.device}").update'
        array = f'x.astype("{dtype}")'
        if {"ONE_BUFFER", "VECTORS"} & self.s.manner:
            yield from ("", "", "def parts(arrays):", *indented(ONE_BUFFER), "", "")
            yield from self._parts(array)
            return
        if self.s.count == 1:
            yield f"own_wmv = [{array} for x in (w, m, v)]"
        else:
            yield f"all_wmv = [[{array} for x in table] for table in tables]"

    def _parts(self, array: str) -> Iterator[str]:
        if self.s.count == 1:
            yield f"own_wmv = [parts([{array}])[0] for x in (w, m, v)]"
        else:
            yield f"all_wmv = [*zip(*(parts([{array} for x in xs]) for xs in zip(*tables)))]"

    def step(self) -> Iterator[str]:
        s = self.s
        yield from changed(self)
        if s.reloads:
            lines = ["own_wmv[1:] = [x.copy() for x in own_wmv[1:]]  # saved and loaded"]
            lines = lines if s.count == 1 else ["for own_wmv in all_wmv:", *indented(lines)]
            yield from self.at(str(s.reloads), lines)

    def got(self) -> Iterator[str]:
        s = self.s
        if s.count > 1:
            yield "own_wmv = all_wmv[i]"
        if not s.nothing:
            yield "h = dict(lr=lr, beta1=beta1, beta2=beta2, epsilon=eps)"
            yield f"h |= dict({', '.join(f'{name}={x}' for name, x in self._further().items())})"
            rows = {"dense": "None", "sparse": self._rows, "mixed": f"None if rows is None else {self._rows}"}
            t = f"{s.formula.t} + 1" if s.looped else "t"
            values = f'values.astype("{s.case.dtype}")'
            lines = [f"update(*own_wmv, {rows[s.layout]}, {values}, {t}, SimpleNamespace(**h))"]
            if "OVERWRITTEN" in s.manner:
                taken = lines[0].replace(values, "given")
                lines = [f"given = {values}", taken, "given.fill(np.nan)  # its memory is used again"]
            yield from ["if values is not None:", *indented(lines)] if s.guarded else lines
        yield "got = [x.astype(float) for x in own_wmv]"

    @property
    def _rows(self) -> str:
        return 'rows.astype("int32")' if "INT32_ROWS" in self.s.manner else "rows.copy()"

    def _further(self) -> dict[str, str]:
        """The hyperparameters beside those that every one has."""
        h, names = self.s.groups[0], self.s.names.split(", ")
        return {
            "weight_decay": "weight_decay" if "weight_decay" in names else repr(h.weight_decay),
            "loss_scale": "loss_scale" if "loss_scale" in names else repr(h.loss_scale),
            "nesterov": repr(h.nesterov),
            "maximize": "sign < 0" if "sign" in names else repr(h.maximize),
        }


def changed(script: Skeleton) -> Iterator[str]:
    """The hyperparameters that the formula has from a step on."""
    s = script.s
    if not s.anew <= {"lr"}:
        yield from script.at("changes", ["hyper = changes[k]"])
    elif s.changes and len(s.groups) == 1:
        yield from script.at("changes", [f"lr = {s.new_lr}"])
    elif s.changes:
        yield "for j, lr in enumerate(changes.get(k, ())):"
        yield "    hyper[j][0] = lr"


class SuiteScript(Skeleton):
    """A backend that has methods of its own: the suite hands the case over to them."""

    def imports(self) -> Iterator[str]:
        yield from loaded(self.backend, "import numpy as np", by=self._origin)
        yield "from lazyadam.reference.scalars import Hyperparameters"
        yield "from lazyadam.suites.cases.case import Case, Gradient, Group, Manner, Parameter, Step"
        yield ""

    @property
    def _origin(self) -> Origin:
        """The class that declares the backend."""
        assert self.backend.origin is not None
        module, name = self.backend.origin.declared
        return replace(self.backend.origin, module=module, name=name)

    def optimizer(self) -> Iterator[str]:
        s, case = self.s, self.s.case
        yield f'backend = {name_of(self._origin)}("{self.device}")'
        yield "backend.prepare()"
        yield "case = Case("
        yield f'    "{case.dtype}",'
        one = s.count == 1
        yield "    (Parameter(w, m, v),)," if one else "    tuple(Parameter(*table) for table in tables),"
        groups = ", ".join(f"Group({g.parameters}, {g.hyperparameters})" for g in case.groups)
        yield f"    ({groups},),"
        step = self._step()
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

    def _step(self) -> str:
        s = self.s
        gradient = "Gradient(values)" if s.layout == "dense" else "Gradient(values, rows)"
        gradient = (
            "None" if s.nothing else f"None if values is None else {gradient}" if s.guarded else gradient
        )
        parts = [f"({gradient},)" if s.count == 1 else f"tuple({gradient} for {s.gradient} in gradients)"]
        if not s.anew <= {"lr"}:
            parts.append(
                f"{ {k: dict(x.changes) for k, x in enumerate(s.case.steps, 1) if x.changes} }.get(k, {{}})"
            )
        elif s.changes and len(s.groups) == 1:
            one = '{"lr": (changes[k],)} if k in changes else {}'
            parts.append(one if s.looped else f'{{"lr": ({s.new_lr},)}}')
        elif s.changes:
            parts.append('{"lr": changes[k]} if k in changes else {}')
        if s.reloads:
            parts.append(f"reload={f'k in {s.reloads}' if s.looped else True}")
        return f"Step({', '.join(parts)})"

    def step(self) -> Iterator[str]:
        if not self.fails:
            yield from changed(self)

    def got(self) -> Iterator[str]:
        k, i = "k - 1" if self.s.looped else "0", "i" if self.s.count > 1 else "0"
        yield f"got = [x[{i}][{k}] for x in (ran.w, ran.m, ran.v)]"
        if self.s.counts:
            yield f"count = ran.t[{k}][{i}]"
