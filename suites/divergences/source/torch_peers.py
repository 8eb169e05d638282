"""Scripts for other frameworks' optimizers of torch's parameters."""

from collections.abc import Iterator
from typing import Any

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.peers.bitsandbytes import Adam
from lazyadam.suites.divergences.source.listing import Listing
from lazyadam.suites.divergences.source.skeleton import indented
from lazyadam.suites.divergences.source.torch import TorchScript


class TorchPeerScript(TorchScript):
    """bitsandbytes counts in the state of a parameter, pytorch_optimizer in the group."""

    def __init__(self, s: Listing, backend: type[Backend], device: str, fails: bool) -> None:
        super().__init__(s, backend, device, fails)
        self.bitsandbytes = issubclass(backend, Adam)
        self.made = ("bitsandbytes.optim." if self.bitsandbytes else "") + self.origin.name

    def imports(self) -> Iterator[str]:
        first, *rest = super().imports()
        ours = f"import {self.made.partition('.')[0]}"
        standard = first.startswith("import ") and "numpy" not in first
        yield from (first, *rest[:1], ours, *rest[1:]) if standard else (ours, first, *rest)

    def _arguments(self, h: Hyperparameters) -> dict[str, str]:
        given: dict[str, Any] = super()._arguments(h) | {"weight_decay": str(h.weight_decay)}
        given.pop("maximize", None)  # it is the optimizer's
        return given

    def optimizer(self) -> Iterator[str]:
        yield from super().optimizer()
        if self.s.groups[0].maximize:
            yield "optimizer.maximize = True"

    def _state(self) -> Iterator[str]:
        s, t = self.s, self.s.case.t
        _, first, second = self.origin.state_names
        m, v = (
            f"torch.tensor({x}, dtype=torch.float32)" if self.bitsandbytes else self._tensor(x) for x in "mv"
        )
        count = f'"step": {t}, ' if self.bitsandbytes else ""
        line = f'optimizer.state[p] = {{{count}"{first}": {m}, "{second}": {v}}}'
        loop = "for p, (_, m, v) in zip(params, tables):"
        yield from [line] if s.count == 1 else [loop, *indented([line])]
        if not self.bitsandbytes:
            yield from ("for group in optimizer.param_groups:", f'    group["step"] = {t}')

    def step(self) -> Iterator[str]:
        watched = "WATCHED" in self.s.manner
        lines = list(super().step())
        if not watched:
            yield from lines
            return
        assert self.s.count == 1
        yield from (*lines[:-1], "given = p.grad.clone()", lines[-1])
        yield "if not torch.equal(p.grad, given):"
        yield '    raise ValueError("the step changed p.grad")'

    def got(self) -> Iterator[str]:
        *lines, count = [*super().got(), ""]
        if self.s.counts and not self.bitsandbytes:
            i = "group_of[i]" if not self.s.alike and self.s.count > 1 else "0"
            count = f'count = optimizer.param_groups[{i}]["step"]'
            lines.pop()
        yield from filter(None, (*lines, count))


class HeavyBallScript(TorchScript):
    """It keeps moments that are corrected, under names of its own, and counts in the group."""

    def __init__(self, s: Listing, backend: type[Backend], device: str, fails: bool) -> None:
        super().__init__(s, backend, device, fails)
        self.made = f"heavyball.{self.origin.name}"

    def imports(self) -> Iterator[str]:
        yield "import heavyball"
        yield from super().imports()
        yield "heavyball.utils.compile_mode = None"

    def _arguments(self, h: Hyperparameters) -> dict[str, str]:
        wide = {"storage_dtype": '"float64"'} if self.s.case.dtype == "float64" else {}
        return super()._arguments(h) | wide

    def got(self) -> Iterator[str]:
        p = "p" if self.s.count == 1 else "params[i]"
        yield f"state = optimizer.state.get({p}, {{}}).get(0, {{}})"
        yield 'count = int(optimizer.param_groups[0]["step_count"])'
        for name, moment, beta in (("m", "exp_avg", "beta1"), ("v", "exp_avg_sq", "beta2")):
            kept = f'state.get("update_by_adam_{moment}_0", 0 * {p})'
            yield f"{name}_got = {kept}.double() * (1 - {beta}**count)"
        yield f"got = [x.detach().double().numpy() for x in ({p}, m_got, v_got)]"
