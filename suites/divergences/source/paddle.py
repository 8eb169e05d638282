"""Scripts for Paddle's Adam: one set of hyperparameters, which stays; its embedding makes what is sparse."""

from collections.abc import Iterator

from lazyadam.suites.backends.peers.paddle import Adam
from lazyadam.suites.divergences.source.skeleton import Skeleton, indented


class PaddleScript(Skeleton):
    def _tensor(self, x: str) -> str:
        return f'paddle.to_tensor({x}, "{self.s.case.dtype}")'

    def imports(self) -> Iterator[str]:
        yield "import numpy as np"
        yield "import paddle"
        yield ""

    def optimizer(self) -> Iterator[str]:
        s, h = self.s, self.s.groups[0]
        assert issubclass(self.backend, Adam)
        one = s.count == 1
        parameter = f"paddle.nn.Parameter({self._tensor('w')})"
        yield f"p = {parameter}" if one else f"params = [{parameter} for w, m, v in tables]"
        params = "[p]" if one else "params"
        given = [f"lr, beta1, beta2, eps, {params}", f"lazy_mode={self.backend.lazy}"]
        given += [f"weight_decay={h.weight_decay}"] * bool(h.weight_decay) + ["amsgrad=True"] * s.kept
        yield f"adam = paddle.optimizer.Adam({', '.join(given)})"
        yield f"adam._create_accumulators(paddle.static.default_main_program().global_block(), {params})"
        t = f"np.full({s.case.t + 1}, {{}}, '{s.case.dtype}')"
        powers = [f"np.multiply.reduce({t.format(beta)})" for beta in ("beta1", "beta2")]
        state = (
            f'("moment1", m), ("moment2", v), ("beta1_pow_acc", {powers[0]}), ("beta2_pow_acc", {powers[1]})'
        )
        if s.kept:
            state += ', ("moment2_max", v_max)'
        lines = [
            f"for name, x in [{state}]:",
            "    tensor = adam._get_accumulator(name, p)",
            f"    tensor.set_value({self._tensor('np.reshape(x, tensor.shape)')})",
        ]
        yield from lines if one else ["for p, (w, m, v) in zip(params, tables):", *indented(lines)]

    def step(self) -> Iterator[str]:
        s = self.s
        kinds, dense = "paddle.base.core.VarDesc.VarType", [f"p.grad = {self._tensor('values')}"]
        sparse = [
            f"p._set_grad_type({kinds}.SELECTED_ROWS)",
            f'table = paddle.nn.Parameter(paddle.zeros([len(w), w[0].size], "{s.case.dtype}"))',
            "paddle.nn.functional.embedding(paddle.to_tensor(rows), table, sparse=True)"
            f".backward({self._tensor('values.reshape(len(rows), w[0].size)')})",
            "p.grad = table.grad",
        ]
        lines = {
            "dense": dense,
            "sparse": sparse,
            "mixed": [
                "if rows is None:",
                *indented([f"p._set_grad_type({kinds}.DENSE_TENSOR)", *dense]),
                "else:",
                *indented(sparse),
            ],
        }[s.layout]
        if s.guarded:
            lines = ["if values is not None:", *indented(lines)]
        if s.layout == "mixed" or s.guarded:
            lines = ["p.grad = None", *lines]
        loop = f"for p, (w, m, v), {s.gradient} in zip(params, tables, gradients):"
        yield from lines if s.count == 1 else [loop, *indented(lines)]
        yield "adam.step()"

    def got(self) -> Iterator[str]:
        p = "p" if self.s.count == 1 else "params[i]"
        names = ("moment1", "moment2", *["moment2_max"] * self.s.kept)
        read = ", ".join([p, *(f'adam._get_accumulator("{name}", {p})' for name in names)])
        yield f"got = [x.numpy().astype(float).reshape(w.shape) for x in ({read})]"
        if self.s.counts:  # it keeps β^t of the next step, and no t
            power = f'adam._get_accumulator("beta1_pow_acc", {p}).item()'
            yield f"count = round(np.log({power}) / np.log(beta1)) - 1"
