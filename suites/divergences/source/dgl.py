"""Scripts for DGL's SparseAdam: of one set of hyperparameters, which stays."""

from collections.abc import Iterator

from lazyadam.suites.divergences.source.skeleton import Skeleton, indented

ROWS = "torch.tensor({}.reshape(len({}), -1), dtype=torch.float32)"  # an embedding's have one dimension


class DGLScript(Skeleton):
    def imports(self) -> Iterator[str]:
        yield "import os"
        yield ""
        yield "import numpy as np"
        yield "import torch"
        yield ""
        yield 'os.environ.setdefault("DGLBACKEND", "pytorch")'
        yield "import dgl"
        yield ""
        yield ""
        yield "def embedding(w, name):"
        yield f"    rows = {ROWS.format('w', 'w')}"
        yield "    return dgl.nn.NodeEmbedding(*rows.shape, name, init_func=lambda table: table.copy_(rows))"
        yield ""
        yield ""

    def optimizer(self) -> Iterator[str]:
        one = self.s.count == 1
        made = 'embedding(w, "table0")'
        many = 'embedding(w, f"table{i}") for i, (w, m, v) in enumerate(tables)'
        yield f"params = [{made if one else many}]"
        yield "adam = dgl.optim.SparseAdam(params, lr, (beta1, beta2), eps)"
        yield "saved = adam.state_dict()"
        steps = f"torch.full((len(w),), {self.s.case.t}, dtype=torch.int32)"
        moments = f"{ROWS.format('m', 'm')}, {ROWS.format('v', 'v')}"
        line = f'saved["state"][p.name] = ({steps}, {moments})'
        loop = "for p, (w, m, v) in zip(params, tables):"
        yield from ["p = params[0]", line] if one else [loop, *indented([line])]
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
        yield f"state = {p}.optm_state"
        yield f"got = [x.numpy().astype(float).reshape(w.shape) for x in ({p}.weight, state[1], state[2])]"
