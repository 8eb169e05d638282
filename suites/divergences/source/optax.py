"""Scripts for optax's Adam: of one set of hyperparameters, which stays."""

from collections.abc import Iterator

from lazyadam.suites.backends.peers.optax import Adam
from lazyadam.suites.divergences.source.skeleton import Skeleton


class OptaxScript(Skeleton):
    def _array(self, x: str) -> str:
        return f'jnp.asarray({x}, "{self.s.case.dtype}")'

    def _each(self, x: str) -> str:
        """Of every parameter, from a table or its parts."""
        one = self.s.count == 1
        return f"[{self._array(x)}]" if one else f"[{self._array(x)} for w, m, v in tables]"

    def imports(self) -> Iterator[str]:
        yield "import jax"
        yield "import jax.numpy as jnp"
        yield "import numpy as np"
        yield "import optax"
        yield ""
        if self.s.case.dtype == "float64":
            yield 'jax.config.update("jax_enable_x64", True)'

    def optimizer(self) -> Iterator[str]:
        assert issubclass(self.backend, Adam)
        decay = self.s.groups[0].weight_decay
        more = f", weight_decay={decay}" if self.backend.optimizer == "adamw" else ""
        yield f"optimizer = optax.{self.backend.optimizer}(lr, beta1, beta2, eps{more})"
        yield f"params = {self._each('w')}"
        yield "start, *rest = optimizer.init(params)"
        if self.s.case.t:
            yield f"start = start._replace(count=jnp.asarray({self.s.case.t}, jnp.int32))"
        largest = f", nu_max={self._each('v_max')}" if self.s.kept else ""
        yield f"state = (start._replace(mu={self._each('m')}, nu={self._each('v')}{largest}), *rest)"
        update = "jax.jit(optimizer.update)" if self.backend.mode == "jit" else "optimizer.update"
        yield f"update = {update}"

    def step(self) -> Iterator[str]:
        values = self._array("values")
        given = f"[{values}]" if self.s.count == 1 else f"[{values} for values in gradients]"
        yield f"updates, state = update({given}, state, params)"
        yield "params = optax.apply_updates(params, updates)"

    def got(self) -> Iterator[str]:
        i = "0" if self.s.count == 1 else "i"
        kept = "params, state[0].mu, state[0].nu" + ", state[0].nu_max" * self.s.kept
        yield f"got = [np.asarray(x[{i}]).astype(float) for x in ({kept})]"
        if self.s.counts:
            yield "count = int(state[0].count)"
