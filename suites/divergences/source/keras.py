"""Scripts for Keras 3's Adam on torch and JAX: of one set of hyperparameters, which stays."""

from collections.abc import Iterator

from lazyadam.suites.backends.peers.keras_dense import JAX, Dense
from lazyadam.suites.divergences.source.skeleton import Skeleton, indented


class KerasScript(Skeleton):
    def _tensor(self, x: str) -> str:
        return f'keras.ops.convert_to_tensor({x}, "{self.s.case.dtype}")'

    def imports(self) -> Iterator[str]:
        assert issubclass(self.backend, Dense)
        yield "import os"
        yield ""
        yield f'os.environ["KERAS_BACKEND"] = "{self.backend.keras_backend}"'
        wide = self.s.case.dtype == "float64" and self.backend is JAX
        if wide:
            yield 'os.environ["JAX_ENABLE_X64"] = "1"'
        yield "import keras"
        yield "import numpy as np"
        yield ""

    def optimizer(self) -> Iterator[str]:
        s, h = self.s, self.s.groups[0]
        decay = f", weight_decay={h.weight_decay}" if h.weight_decay else ""
        largest = ", amsgrad=True" * s.kept
        yield f"optimizer = keras.optimizers.Adam(lr, beta1, beta2, eps{decay}{largest})"
        variable = f'keras.Variable({self._tensor("w")}, dtype="{s.case.dtype}")'
        one = s.count == 1
        yield f"params = [{variable}]" if one else f"params = [{variable} for w, m, v in tables]"
        yield "optimizer.build(params)"
        kept = "optimizer._momentums, optimizer._velocities" + ", optimizer._velocity_hats" * s.kept
        yield f"moments = list(zip({kept}))"
        if s.case.t:
            yield f"optimizer.iterations.assign({s.case.t})"
        if any(p.m.any() or p.v.any() for p in s.case.parameters):
            given = "m, v" + ", v_max" * s.kept
            lines = [f"for kept, x in zip(of, ({given})):", f"    kept.assign({self._tensor('x')})"]
            if one:
                yield from (line.replace("(of,", "(moments[0],") for line in lines)
            else:
                yield from ["for of, (w, m, v) in zip(moments, tables):", *indented(lines)]

    def step(self) -> Iterator[str]:
        values = self._tensor("values")
        given = f"[{values}]" if self.s.count == 1 else f"[{values} for values in gradients]"
        yield f"optimizer.apply({given}, params)"

    def got(self) -> Iterator[str]:
        i = "0" if self.s.count == 1 else "i"
        yield "to_numpy = keras.ops.convert_to_numpy"
        yield f"got = [to_numpy(x).astype(float) for x in (params[{i}], *moments[{i}])]"
        if self.s.counts:
            yield "count = int(to_numpy(optimizer.iterations))"
