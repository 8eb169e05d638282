"""Scripts for MXNet's Adam: of one set of hyperparameters, which stays; gradients have no repeated rows."""

from collections.abc import Iterator

from lazyadam.suites.backends.peers.mxnet import Adam
from lazyadam.suites.divergences.source.skeleton import Skeleton, indented


class MXNetScript(Skeleton):
    @property
    def lazy(self) -> bool:
        assert issubclass(self.backend, Adam)
        return self.backend.lazy

    def imports(self) -> Iterator[str]:
        yield "import mxnet as mx"
        yield "import numpy as np"
        yield ""
        if self.lazy or self.s.layout != "dense":
            made = f'mx.nd.sparse.row_sparse_array((x, rows), shape=shape, dtype="{self.s.case.dtype}")'
            yield from ("", "def of_rows(x, rows, shape):", f"    return {made}", "", "")

    def _stored(self, x: str) -> str:
        if self.lazy:
            return f"of_rows({x}, np.arange(len({x})), {x}.shape)"
        return f'mx.nd.array({x}, dtype="{self.s.case.dtype}")'

    def optimizer(self) -> Iterator[str]:
        s, h = self.s, self.s.groups[0]
        given = ["lr", "beta1", "beta2", "eps", f"lazy_update={self.lazy}"]
        given += [f"wd={h.weight_decay}"] * bool(h.weight_decay)
        given += [f"rescale_grad={1 / h.loss_scale}"] * (h.loss_scale != 1)
        yield f"adam = mx.optimizer.Adam({', '.join(given)})"
        yield "update = mx.optimizer.get_updater(adam)"
        one, i = s.count == 1, "0" if s.count == 1 else "i"
        moments = ", ".join(self._stored(x) for x in "mv")
        lines = [f"params[{i}] = {self._stored('w')}", f"update.states_synced[{i}] = True"]
        lines.append(f"update.states[{i}] = {moments}")
        if s.case.t:
            lines.append(f"adam.num_update = adam._index_update_count[{i}] = {s.case.t}")
        yield "params = {}"
        yield from lines if one else ["for i, (w, m, v) in enumerate(tables):", *indented(lines)]

    def step(self) -> Iterator[str]:
        s, dense = self.s, f'mx.nd.array(values, dtype="{self.s.case.dtype}")'
        i = "0" if s.count == 1 else "i"
        sparse = f"of_rows(values, rows, params[{i}].shape)"
        gradient = {"dense": dense, "sparse": sparse, "mixed": f"{dense} if rows is None else {sparse}"}
        lines = [f"update({i}, {gradient[s.layout]}, params[{i}])"]
        if s.guarded:
            lines = ["if values is not None:", *indented(lines)]
        yield from (
            lines if s.count == 1 else [f"for i, {s.gradient} in enumerate(gradients):", *indented(lines)]
        )

    def got(self) -> Iterator[str]:
        i = "0" if self.s.count == 1 else "i"
        yield f"got = [x.asnumpy().astype(float) for x in (params[{i}], *update.states[{i}])]"
        if self.s.counts:
            yield f"count = adam._index_update_count[{i}]"
