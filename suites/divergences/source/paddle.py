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
        if self.s.layout != "dense":
            width = "int(np.prod(shape[1:]))"
            yield from ("", "def looked_up(rows, values, shape):")
            yield from indented(
                [
                    f'table = paddle.zeros([shape[0], {width}], "{self.s.case.dtype}")',
                    "table.stop_gradient = False",
                    "rows_read = paddle.nn.functional.embedding(paddle.to_tensor(rows), table, sparse=True)",
                    f"rows_read.backward({self._tensor('values.reshape(len(rows), -1)')})",
                    "return table.grad",
                ]
            )
            yield from ("", "")

    def optimizer(self) -> Iterator[str]:
        s, h = self.s, self.s.groups[0]
        assert issubclass(self.backend, Adam)
        one = s.count == 1
        parameter = f"paddle.nn.Parameter({self._tensor('w')})"
        yield f"params = [{parameter}]" if one else f"params = [{parameter} for w, m, v in tables]"
        given = ["lr, beta1, beta2, eps, params", f"lazy_mode={self.backend.lazy}"]
        given += [f"weight_decay={h.weight_decay}"] * bool(h.weight_decay)
        yield f"adam = paddle.optimizer.Adam({', '.join(given)})"
        yield "adam._create_accumulators(paddle.static.default_main_program().global_block(), params)"
        t = f"np.full({s.case.t + 1}, {{}}, '{s.case.dtype}')"
        powers = [f"np.multiply.reduce({t.format(beta)})" for beta in ("beta1", "beta2")]
        state = (
            f'("moment1", m), ("moment2", v), ("beta1_pow_acc", {powers[0]}), ("beta2_pow_acc", {powers[1]})'
        )
        lines = [
            f"for name, x in [{state}]:",
            "    tensor = adam._get_accumulator(name, p)",
            f"    tensor.set_value({self._tensor('np.reshape(x, tensor.shape)')})",
        ]
        if one:
            yield "p = params[0]"
        yield from lines if one else ["for p, (w, m, v) in zip(params, tables):", *indented(lines)]

    def step(self) -> Iterator[str]:
        s = self.s
        dense, sparse = self._tensor("values"), "looked_up(rows, values, p.shape)"
        gradient = {"dense": dense, "sparse": sparse, "mixed": f"{dense} if rows is None else {sparse}"}
        kinds, lines = "paddle.base.core.VarDesc.VarType", ["p.grad = None"]
        if s.layout != "dense":
            kind = {
                "sparse": f"{kinds}.SELECTED_ROWS",
                "mixed": f"{kinds}.DENSE_TENSOR if rows is None else {kinds}.SELECTED_ROWS",
            }
            lines.append(f"p._set_grad_type({kind[s.layout]})")
        absent = "None if values is None else " if s.guarded else ""
        lines.append(f"p.grad = {absent}{gradient[s.layout]}")
        loop = f"for p, {s.gradient} in zip(params, gradients):"
        yield from lines if s.count == 1 else [loop, *indented(lines)]
        yield "adam.step()"

    def got(self) -> Iterator[str]:
        p = "p" if self.s.count == 1 else "params[i]"
        read = f'{p}, adam._get_accumulator("moment1", {p}), adam._get_accumulator("moment2", {p})'
        yield f"got = [x.numpy().astype(float).reshape(w.shape) for x in ({read})]"
