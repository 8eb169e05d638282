"""Scripts for other frameworks' optimizers of torch's parameters: one set of hyperparameters, which stays."""

from collections.abc import Iterator

from lazyadam.suites.backends.peers.bitsandbytes import Adam
from lazyadam.suites.backends.peers.pytorch_optimizer import PAdam
from lazyadam.suites.divergences.source.skeleton import Skeleton, indented


class TorchPeerScript(Skeleton):
    """bitsandbytes keeps a count in the state of a parameter, pytorch_optimizer in the group."""

    def _tensor(self, x: str, dtype: str = "") -> str:
        return f"torch.tensor({x}, dtype=torch.{dtype or self.s.case.dtype})"

    @property
    def _bitsandbytes(self) -> bool:
        return issubclass(self.backend, Adam)

    def imports(self) -> Iterator[str]:
        yield f"import {'bitsandbytes' if self._bitsandbytes else 'pytorch_optimizer'}"
        yield "import numpy as np"
        yield "import torch"
        yield ""

    def optimizer(self) -> Iterator[str]:
        s, h, backend = self.s, self.s.groups[0], self.backend
        assert issubclass(backend, Adam | PAdam)
        one = s.count == 1
        parameter = f"torch.nn.Parameter({self._tensor('w')})"
        yield f"params = [{parameter}]" if one else f"params = [{parameter} for w, m, v in tables]"
        made = ("bitsandbytes.optim." if self._bitsandbytes else "") + backend.optimizer_class
        options = "".join(f", {name}={x!r}" for name, x in backend.options.items())
        options = f"lr=lr, betas=(beta1, beta2), eps=eps, weight_decay={h.weight_decay}{options}"
        yield f"optimizer = {made}(params, {options})"
        if h.maximize:
            yield "optimizer.maximize = True"
        first, second = ("state1", "state2") if self._bitsandbytes else ("exp_avg", "exp_avg_sq")
        kind = "float32" if self._bitsandbytes else ""
        count = f'"step": {s.case.t}, ' if self._bitsandbytes else ""
        state = f'{{{count}"{first}": {self._tensor("m", kind)}, "{second}": {self._tensor("v", kind)}}}'
        lines = [f"optimizer.state[p] = {state}"]
        loop = "for p, (w, m, v) in zip(params, tables):"
        yield from ["p = params[0]", *lines] if one else [loop, *indented(lines)]
        if not self._bitsandbytes and s.case.t:
            yield f'optimizer.param_groups[0]["step"] = {s.case.t}'

    def step(self) -> Iterator[str]:
        s = self.s
        absent = "None if values is None else " if s.guarded else ""
        lines = [f"p.grad = {absent}{self._tensor('values')}"]
        loop = "for p, values in zip(params, gradients):"
        yield from lines if s.count == 1 else [loop, *indented(lines)]
        yield "optimizer.step()"

    def got(self) -> Iterator[str]:
        p = "p" if self.s.count == 1 else "params[i]"
        names = ("state1", "state2") if self._bitsandbytes else ("exp_avg", "exp_avg_sq")
        moments = ", ".join(f'optimizer.state[{p}]["{name}"]' for name in names)
        yield f"got = [x.detach().double().numpy() for x in ({p}, {moments})]"
        if self.s.counts:
            where = f"optimizer.state[{p}]" if self._bitsandbytes else "optimizer.param_groups[0]"
            yield f'count = {where}["step"]'
