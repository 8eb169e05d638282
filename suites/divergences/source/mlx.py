"""Scripts for MLX's Adam: of one set of hyperparameters, which stays."""

from collections.abc import Iterator

from lazyadam.suites.backends.peers.mlx import Adam
from lazyadam.suites.divergences.source.skeleton import Skeleton, indented


class MLXScript(Skeleton):
    def _array(self, x: str) -> str:
        return f"mx.array({x}, dtype=mx.{self.s.case.dtype})"

    def imports(self) -> Iterator[str]:
        yield "import mlx.core as mx"
        yield "import mlx.optimizers"
        yield "import numpy as np"
        yield ""
        yield "mx.set_default_device(mx.cpu)"

    def optimizer(self) -> Iterator[str]:
        s, backend = self.s, self.backend
        assert issubclass(backend, Adam)
        more = f", weight_decay={s.groups[0].weight_decay}" if backend.optimizer == "AdamW" else ""
        given = f"lr, [beta1, beta2], eps, bias_correction={backend.corrects}{more}"
        yield f"optimizer = mlx.optimizers.{backend.optimizer}({given})"
        w, kept = self._array("w"), f"m={self._array('m')}, v={self._array('v')}"
        if s.count == 1:
            yield from (f'params = {{"p0": {w}}}', "optimizer.init(params)")
            yield f'optimizer.state["p0"].update({kept})'
        else:
            yield f'params = {{f"p{{i}}": {w} for i, (w, m, v) in enumerate(tables)}}'
            yield from ("optimizer.init(params)", "for i, (w, m, v) in enumerate(tables):")
            yield from indented([f'optimizer.state[f"p{{i}}"].update({kept})'])
        if s.case.t:
            yield f'optimizer.state["step"] = mx.array({s.case.t}, mx.uint64)'

    def step(self) -> Iterator[str]:
        values = self._array("values")
        given = f'{{"p0": {values}}}'
        if self.s.count > 1:
            given = f'{{f"p{{i}}": {values} for i, values in enumerate(gradients)}}'
        yield f"params |= optimizer.apply_gradients({given}, params)"

    def got(self) -> Iterator[str]:
        name = '"p0"' if self.s.count == 1 else 'f"p{i}"'
        yield f'state = optimizer.state[{name}]["m"], optimizer.state[{name}]["v"]'
        seen = "x" if self.s.case.dtype == "float64" else "x.astype(mx.float32)"
        yield f"got = [np.array({seen}).astype(float) for x in (params[{name}], *state)]"
        if self.s.counts:
            yield "count = optimizer.step.item()"
