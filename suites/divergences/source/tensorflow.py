"""Scripts for the Adams of TensorFlow's Keras, of Keras 3 on it, and of TensorFlow Addons.

Of one set of hyperparameters, which stays.
"""

from collections.abc import Iterator

from lazyadam.suites.backends.peers.tensorflow import KerasOptimizer
from lazyadam.suites.divergences.source.skeleton import Skeleton, indented

# Module to import, the class in it, and where a new optimizer's variables are made.
MADE = {
    "keras.Adam.tensorflow": ("keras", "keras.optimizers.Adam", "build"),
    "keras.Adam.legacy": ("", "tf.keras.optimizers.legacy.Adam", "_create_all_weights"),
    "tensorflow-addons.LazyAdam": (
        "tensorflow_addons",
        "tensorflow_addons.optimizers.LazyAdam",
        "_create_all_weights",
    ),
}


class TensorFlowScript(Skeleton):
    @property
    def _of(self) -> tuple[str, str, str]:
        assert issubclass(self.backend, KerasOptimizer)
        return next(made for name, made in MADE.items() if self.backend.name.startswith(name))

    @property
    def _keras(self) -> bool:
        return self._of[0] == "keras"

    def _tensor(self, x: str) -> str:
        return f'tf.cast({x}, "{self.s.case.dtype}")'

    def imports(self) -> Iterator[str]:
        yield "import numpy as np"
        yield "import tensorflow as tf"
        if module := self._of[0]:
            yield f"import {module}"
        yield ""

    def optimizer(self) -> Iterator[str]:
        s, h = self.s, self.s.groups[0]
        _, made, build = self._of
        decay = f", weight_decay={h.weight_decay}" if h.weight_decay else ""
        largest = ", amsgrad=True" * s.kept
        yield f"optimizer = {made}(lr, beta1, beta2, eps{decay}{largest})"
        variable = f"tf.Variable({self._tensor('w')})"
        one = s.count == 1
        yield f"params = [{variable}]" if one else f"params = [{variable} for w, m, v in tables]"
        yield f"optimizer.{build}(params)"
        names = '("m", "v", "vhat")' if s.kept else '"mv"'
        kept = f"[[optimizer.get_slot(p, name) for name in {names}] for p in params]"
        if self._keras:
            hats = ", optimizer._velocity_hats" * s.kept
            kept = f"list(zip(optimizer._momentums, optimizer._velocities{hats}))"
        yield f"moments = {kept}"
        if s.case.t:
            yield f"optimizer.iterations.assign({s.case.t})"
        if any(p.m.any() or p.v.any() for p in s.case.parameters):
            given = "m, v" + ", v_max" * s.kept
            lines = [f"for kept, x in zip(of, ({given})):", f"    kept.assign({self._tensor('x')})"]
            if one:
                yield from (line.replace("(of,", "(moments[0],") for line in lines)
            else:
                yield from ["for of, (w, m, v) in zip(moments, tables):", *indented(lines)]
        if self.backend.mode == "function":
            yield from ("", "", "@tf.function", "def apply(gradients):")
            yield from ("    optimizer.apply_gradients(zip(gradients, params))", "", "")

    def step(self) -> Iterator[str]:
        s = self.s
        dense, shape = self._tensor("values"), "w.shape" if s.count == 1 else "p.shape"
        sparse = f"tf.IndexedSlices({dense}, tf.constant(rows), tf.constant({shape}))"
        gradient = {"dense": dense, "sparse": sparse, "mixed": f"{dense} if rows is None else {sparse}"}[
            s.layout
        ]
        loop = "" if s.count == 1 else f" for p, {s.gradient} in zip(params, gradients)"
        given = f"[{gradient}{loop}]"
        if self.backend.mode == "function":
            yield f"apply({given})"
        else:
            yield f"optimizer.apply_gradients(zip({given}, params))"

    def got(self) -> Iterator[str]:
        i = "0" if self.s.count == 1 else "i"
        yield f"got = [tf.cast(x, tf.float64).numpy() for x in (params[{i}], *moments[{i}])]"
        if self.s.counts:
            yield "count = int(optimizer.iterations.numpy())"
