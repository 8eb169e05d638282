"""Right: LazyAdam in torch: its own optimizer, foreach, vmap, compiled."""

import math
import shutil

import torch

from lazyadam.suites.backends.base import NotRun
from lazyadam.suites.backends.own import TorchOptimizer


class Sparse(TorchOptimizer):
    name = "right.torch_sparse"
    optimizer_class = torch.optim.SparseAdam
    dtypes = ("float16", "bfloat16", "float32", "float64")


class Rowwise(torch.optim.Optimizer):
    """The rows of every gradient, gathered, updated by `self.new`, and put back."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state |= {"step": 0, "exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}
                state["step"] += 1
                g = p.grad.coalesce()
                rows, old = g.indices()[0], (p, state["exp_avg"], state["exp_avg_sq"])
                if len(rows):
                    parts = [x[rows] for x in old]
                    for x, new in zip(old, self.new(*parts, g.values(), state["step"], group), strict=True):
                        x[rows] = new

    def new(self, w, m, v, g, t, group):
        return updated(w, m, v, g, *scalars(t, group))


def scalars(t, group):
    beta1, beta2 = group["betas"]
    alpha = group["lr"] * math.sqrt(1 - beta2**t) / (1 - beta1**t)
    return beta1, 1 - beta1, beta2, 1 - beta2, alpha, group["eps"]


def updated(w, m, v, g, beta1, omega1, beta2, omega2, alpha, epsilon):
    m = beta1 * m + omega1 * g
    v = beta2 * v + omega2 * (g * g)
    return w - alpha * (m / (v.sqrt() + epsilon)), m, v


class ByForeach(Rowwise):
    def new(self, w, m, v, g, t, group):
        beta1, _, beta2, omega2, alpha, epsilon = scalars(t, group)
        ws, ms, vs, gs = ([x[i] for i in range(len(x))] for x in (w, m, v, g))
        torch._foreach_lerp_(ms, gs, 1 - beta1)
        torch._foreach_mul_(vs, beta2)
        torch._foreach_addcmul_(vs, gs, gs, omega2)
        roots = torch._foreach_sqrt(vs)
        torch._foreach_add_(roots, epsilon)
        torch._foreach_addcdiv_(ws, ms, roots, -alpha)
        return [torch.stack(x) for x in (ws, ms, vs)]


class ByVmap(Rowwise):
    def new(self, w, m, v, g, t, group):
        given = scalars(t, group)
        return torch.func.vmap(lambda *row: updated(*row, *given))(w, m, v, g)


class ByIndexAdd(Rowwise):
    """Into a table of the parameter's size, instead of coalescing."""

    @torch.no_grad()
    def step(self):
        given = {}
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    g = given[p] = p.grad
                    total = torch.zeros_like(p).index_add_(0, g._indices()[0], g._values())
                    rows = g._indices()[0].unique()
                    p.grad = torch.sparse_coo_tensor(rows[None], total[rows], p.shape, is_coalesced=True)
        super().step()
        for p, g in given.items():
            p.grad = g


class Foreach(TorchOptimizer):
    name = "right.torch_foreach"
    optimizer_class = ByForeach


class Vmap(TorchOptimizer):
    name = "right.torch_vmap"
    optimizer_class = ByVmap


class IndexAdd(TorchOptimizer):
    name = "right.torch_index_add"
    optimizer_class = ByIndexAdd


class ByCompile(Rowwise):
    """Elements in a row, and scalars in a tensor, so that few shapes are compiled and no numbers are."""

    compiled = None

    def new(self, w, m, v, g, t, group):
        if ByCompile.compiled is None:
            ByCompile.compiled = torch.compile(lambda w, m, v, g, s: updated(w, m, v, g, *s.unbind()))
        parts = [torch.zeros(4096 + w.numel() // 4096 * 4096, dtype=w.dtype) for _ in range(4)]
        for part, x in zip(parts, (w, m, v, g), strict=True):
            part[: x.numel()] = x.flatten()
        new = ByCompile.compiled(*parts, torch.tensor(scalars(t, group), dtype=w.dtype))
        return [x[: w.numel()].reshape(w.shape) for x in new]


class TorchCompiled(TorchOptimizer):
    name = "right.torch_compile"
    optimizer_class = ByCompile

    def prepare(self):
        if shutil.which("g++") is None:
            raise NotRun("g++, which torch.compile needs, is not there")
        return super().prepare()
