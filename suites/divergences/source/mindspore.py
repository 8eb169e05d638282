"""Scripts for the optimizers of MindSpore."""

from collections.abc import Iterator

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.mindspore.optimizer import MindSporeOptimizer
from lazyadam.suites.divergences.source.listing import Listing
from lazyadam.suites.divergences.source.skeleton import Skeleton, indented

DEVICES = {"cpu": "CPU", "gpu": "GPU", "ascend": "Ascend"}


class MindSporeScript(Skeleton):
    def __init__(self, s: Listing, backend: type[Backend], device: str, fails: bool) -> None:
        super().__init__(s, backend, device, fails)
        assert issubclass(backend, MindSporeOptimizer)
        self.form = backend
        self.graph = backend.mode == "graph"
        self.sparse = [g is not None and g.rows is not None for g in s.case.steps[0].gradients]
        self.jit = self.graph and any(self.sparse)
        self.has_state = bool(s.case.t) or any(p.m.any() or p.v.any() for p in s.case.parameters)

    def imports(self) -> Iterator[str]:
        yield "import mindspore as ms"
        yield "import numpy as np"
        yield "from mindspore import Tensor"
        if any(self.sparse):
            yield "from mindspore.common.sparse_tensor import RowTensorInner"
        yield ""
        mode = "GRAPH" if self.graph else "PYNATIVE"
        yield f'ms.set_context(mode=ms.{mode}_MODE, device_target="{DEVICES[self.device]}")'

    def _tensor(self, x: str) -> str:
        if self.s.case.dtype == "bfloat16":
            return f'Tensor({x}.astype("float32"), ms.bfloat16)'
        return f'Tensor({x}.astype("{self.s.case.dtype}"))'

    @property
    def _rows(self) -> str:
        return f'Tensor(rows.astype("{"int64" if "INT64_ROWS" in self.s.manner else "int32"}"))'

    def _new(self) -> Iterator[str]:
        """The optimizer, made, and what is set on it."""
        s, h, usual = self.s, self.s.groups[0], Hyperparameters()
        named = s.alike and not s.changes
        lr = "lr" if named else str(h.lr)
        given = [f"Tensor({lr}, ms.float32)" if "LR_TENSOR" in s.manner else lr]
        given += ["beta1", "beta2", "eps"] if named else [str(h.beta1), str(h.beta2), str(h.epsilon)]
        given += [
            f"{x}={getattr(h, x)}"
            for x in ("weight_decay", "loss_scale")
            if getattr(h, x) != getattr(usual, x)
        ]
        given += ["use_nesterov=True"] * h.nesterov + ["use_locking=True"] * ("USE_LOCKING" in s.manner)
        given += [f"{name}={x}" for name, x in self.form.options.items()]
        made = f"optimizer = ms.nn.{self.form.optimizer_class}("
        params = "[p]" if s.count == 1 else "params"
        if len(s.groups) == 1:
            yield f"{made}{', '.join([params, *given])})"
        else:
            yield f"{made}["
            for group in s.case.groups:
                of, x = ", ".join(f"params[{i}]" for i in group.parameters), group.hyperparameters
                yield f'    {{"params": [{of}], "lr": {x.lr}, "weight_decay": {x.weight_decay}}},'
            yield '    {"order_params": params},'
            yield f"], {', '.join(given)})"
        if "UNIQUE" in s.manner:
            yield "optimizer.unique = not optimizer.unique"
        if self.form.target:
            yield f'optimizer.target = "{self.form.target}"'

    def _jit(self) -> Iterator[str]:
        s = self.s
        names = ["" if s.count == 1 else str(i) for i in range(s.count)]
        shapes = [p.w.shape for p in s.case.parameters]
        arguments, gradients = [], []
        for i, shape, sparse in zip(names, shapes, self.sparse, strict=True):
            arguments += [f"rows{i}", f"values{i}"] if sparse else [f"values{i}"]
            gradients.append(f"RowTensorInner(rows{i}, values{i}, {shape})" if sparse else f"values{i}")
        yield "@ms.jit"
        yield f"def step({', '.join(arguments)}):"
        yield f"    return optimizer(({', '.join(gradients)},))"

    def optimizer(self) -> Iterator[str]:
        yield from self._parameters()
        if self.s.reloads:
            made = [*self._new(), *(["", *self._jit(), ""] if self.jit else []), f"return {self._made}"]
            yield from ("", "", "def new():", *indented(made), "", "")
            yield from self._kept()
            yield f"{self._made} = new()"
        else:
            yield from self._new()
        if self.has_state:
            yield from self._state()
        if self.jit and not self.s.reloads:
            yield from ("", "", *self._jit(), "", "")

    @property
    def _made(self) -> str:
        return "optimizer, step" if self.jit else "optimizer"

    def _parameters(self) -> Iterator[str]:
        if self.s.count == 1:
            yield f'p = ms.Parameter({self._tensor("w")}, name="p")'
        else:
            one = f'ms.Parameter({self._tensor("w")}, name=f"p{{i}}")'
            yield f"params = [{one} for i, (w, _, _) in enumerate(tables)]"

    def _kept(self) -> Iterator[str]:
        rates = "*optimizer.learning_rate" if len(self.s.groups) > 1 else "optimizer.learning_rate"
        yield "def state():"
        yield "    counts = (optimizer.global_step, optimizer.beta1_power, optimizer.beta2_power)"
        largest = ", *optimizer.vhat" * self.s.kept
        yield f"    return [*optimizer.moment1, *optimizer.moment2{largest}, *counts, {rates}]"
        yield from ("", "")

    def _state(self) -> Iterator[str]:
        s, t = self.s, self.s.case.t
        moments = "(optimizer.moment1[{0}], m), (optimizer.moment2[{0}], v)"
        if s.kept:
            moments += ", (optimizer.vhat[{0}], " + ("v_max)" if s.count == 1 else "largest[i])")
        loop = [f"for tensor, x in ({moments.format(0 if s.count == 1 else 'i')}):"]
        loop.append(f"    tensor.set_data({self._tensor('x')})")
        if s.count > 1:
            loop = ["for i, (_, m, v) in enumerate(tables):", *indented(loop)]
        yield from loop
        if not t:
            return
        betas = "beta1", "beta2"
        if not s.alike:
            betas = str(s.groups[0].beta1), str(s.groups[0].beta2)
        yield f"optimizer.global_step.set_data(Tensor(np.array([{t}], np.int32)))"
        powers = f"(optimizer.beta1_power, {betas[0]}), (optimizer.beta2_power, {betas[1]})"
        yield f"for tensor, beta in ({powers}):"
        yield f"    power = np.multiply.accumulate(np.full({t}, beta, np.float32))[-1]"
        yield "    tensor.set_data(Tensor(np.full(tensor.shape, power)))"

    def step(self) -> Iterator[str]:
        s = self.s
        if s.changes:
            yield from self._changed()
        if s.reloads:
            lines = ["saved = [x.copy() for x in state()]  # saved and loaded", f"{self._made} = new()"]
            lines += ["for tensor, x in zip(state(), saved):", "    tensor.set_data(x)"]
            yield from self.at(str(s.reloads), lines)
        if s.groups[0].nesterov and s.compared:
            # Of the sizes that scratch memory may have (MindSporeOptimizer._soil).
            yield "Tensor(np.full(4096, 1e9, np.float32)) + 0  # leaves numbers in the memory pool"
        yield from self._taken()

    def _changed(self) -> Iterator[str]:
        # A compiled function (2.10) does not see what set_data puts in the place of a learning rate.
        if len(self.s.groups) == 1:
            assign = "ms.ops.assign(optimizer.learning_rate, Tensor(lr, ms.float32))"
            yield from self.at("changes", [f"lr = {self.s.new_lr}", assign])
            return
        yield "for j, lr in enumerate(changes.get(k, ())):"
        yield "    hyper[j][0] = lr"
        yield "for rate, j in zip(optimizer.learning_rate, group_of):"
        yield "    ms.ops.assign(rate, Tensor(hyper[j][0], ms.float32))"

    def _taken(self) -> Iterator[str]:
        """The step itself."""
        s, values = self.s, self._tensor("values")
        dense = f"{values} if rows is None else " if s.layout == "mixed" else ""
        row_tensor = f"{dense}RowTensorInner({self._rows}, {values}, p.shape)"
        if self.jit and s.count == 1:
            yield f"step({self._rows}, {values})"
        elif self.jit:
            given = f"[{values}] if rows is None else " if dense else ""
            given += f"[{self._rows}, {values}]"
            yield f"step(*[x for {s.gradient} in gradients for x in ({given})])"
        elif s.count == 1:
            yield f"optimizer(({row_tensor if self.sparse[0] else values},))"
        elif s.layout == "dense":
            yield f"optimizer(tuple({values} for values in gradients))"
        else:
            yield f"optimizer(tuple({row_tensor} for p, {s.gradient} in zip(params, gradients)))"

    @property
    def _tensors(self) -> str:
        p, i = ("p", "0") if self.s.count == 1 else ("params[i]", "i")
        largest = f", optimizer.vhat[{i}]" * self.s.kept
        return f"({p}, optimizer.moment1[{i}], optimizer.moment2[{i}]{largest})"

    @property
    def _read(self) -> str:
        wider = ".astype(ms.float32)" if self.s.case.dtype == "bfloat16" else ""
        return f"x{wider}.asnumpy()"

    def got(self) -> Iterator[str]:
        yield f"got = [{self._read}.astype(float) for x in {self._tensors}]"
        if self.s.counts:
            yield "count = int(optimizer.global_step.asnumpy()[0])"


class AssignedScript(MindSporeScript):
    """The same steps twice: the second time attributes are assigned what they show, and no bit may differ."""

    def source(self, title: str, about: str) -> str:
        lines = [*self._head(title, about), *self._inputs()]
        lines += ["", "", "def run(assigned):", *indented(self._run()), "", ""]
        if self.fails:
            lines.append('print("expected: the step is taken both times")')
        lines += ["expected, got = run(assigned=False), run(assigned=True)", *self._differences(), ""]
        return "\n".join(lines)

    def _run(self) -> Iterator[str]:
        s = self.s
        yield from self._parameters()
        yield from self._new()
        yield "print(f\"optimizer.target is {optimizer.target!r}{', and is assigned that' * assigned}\")"
        yield "if assigned:"
        yield "    optimizer.target, optimizer.unique = optimizer.target, optimizer.unique"
        if self.has_state:
            yield from self._state()
        if self.jit:
            yield from ("", *self._jit(), "")
        yield "seen = {}"
        where = (" of parameter {i}" if s.count > 1 else "") + (" after step {k}" if s.looped else "")
        kept = f"seen[name, {f'f{where!r}' if where else repr('')}] = np.array({self._read})"
        lines = [f'for name, x in zip("wmv", {self._tensors}):', f"    {kept}"]
        if s.count > 1:
            lines = [f"for i in range({s.count}):", *indented(lines)]
        lines = [*self._taken(), *lines]
        yield from [f"for k, {s.each} in enumerate(steps, 1):", *indented(lines)] if s.looped else lines
        yield "return seen"

    def _differences(self) -> Iterator[str]:
        yield "differ = [key for key, x in expected.items() if x.tobytes() != got[key].tobytes()]"
        yield "for name, where in differ:"
        yield "    x, y = expected[name, where], got[name, where]"
        yield "    j = tuple(map(int, np.unravel_index(np.abs(y - x).argmax(), x.shape)))"
        yield '    print(f"{name}{j}{where}: expected {x[j]:.9g}, got {y[j]:.9g}")'
        yield "raise SystemExit(bool(differ))"
