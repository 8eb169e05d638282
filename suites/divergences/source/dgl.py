"""Scripts for DGL's SparseAdam: of one set of hyperparameters, which stays."""

from collections.abc import Iterator

from lazyadam.suites.divergences.source.skeleton import Skeleton, indented

ROWS = "torch.tensor({}.reshape(len({}), -1), dtype=torch.float32)"  # an embedding's have one dimension


class DGLScript(Skeleton):
    def imports(self) -> Iterator[str]:
        yield "import dgl"
        yield "import numpy as np"
        yield "import torch"
        yield ""

    def optimizer(self) -> Iterator[str]:
        one = self.s.count == 1
        copied = "init_func=lambda table: table.copy_(torch.tensor(w).reshape(table.shape))"
        name = '"table"' if one else 'f"table{i}"'
        made = f"dgl.nn.NodeEmbedding(len(w), w[0].size, {name}, {copied})"
        yield f"p = {made}" if one else f"params = [{made} for i, (w, m, v) in enumerate(tables)]"
        yield f"adam = dgl.optim.SparseAdam({'[p]' if one else 'params'}, lr, (beta1, beta2), eps)"
        if not (self.s.case.t or any(p.m.any() or p.v.any() for p in self.s.case.parameters)):
            return
        yield "saved = adam.state_dict()"
        steps = f"torch.full((len(w),), {self.s.case.t}, dtype=torch.int32)"
        moments = f"{ROWS.format('m', 'm')}, {ROWS.format('v', 'v')}"
        line = f'saved["state"][p.name] = ({steps}, {moments})'
        loop = "for p, (w, m, v) in zip(params, tables):"
        yield from [line] if one else [loop, *indented([line])]
        yield "adam.load_state_dict(saved)"

    def step(self) -> Iterator[str]:
        s = self.s
        lines = [f"p(torch.tensor(rows)).backward({ROWS.format('values', 'rows')})"]
        if s.guarded:
            lines = ["if values is not None:", *indented(lines)]
        loop = f"for p, {s.gradient} in zip(params, gradients):"
        yield from lines if s.count == 1 else [loop, *indented(lines)]
        yield "adam.zero_grad()"
        yield "adam.step()"

    def got(self) -> Iterator[str]:
        p = "p" if self.s.count == 1 else "params[i]"
        yield f"got = [x.numpy().astype(float).reshape(w.shape) for x in ({p}.weight, *{p}.optm_state[1:])]"
        if self.s.counts:  # of each row
            yield f"count = {p}.optm_state[0].max().item()"
