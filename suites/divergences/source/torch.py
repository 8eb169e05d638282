"""Scripts for torch optimizers, torch's own and others."""

from collections.abc import Iterator
from typing import Any

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend, Origin
from lazyadam.suites.cases.case import Group
from lazyadam.suites.cases.valid import CHANGEABLE
from lazyadam.suites.divergences.source.listing import Listing
from lazyadam.suites.divergences.source.own import loaded, name_of
from lazyadam.suites.divergences.source.skeleton import indented
from lazyadam.suites.divergences.source.torch_parameters import TorchParameters


class TorchScript(TorchParameters):
    def __init__(self, s: Listing, backend: type[Backend], device: str, fails: bool) -> None:
        super().__init__(s, backend, device, fails)
        # Of the suite's own the declaration says it all.
        found: Any = backend
        self.origin = backend.origin or Origin(
            "torch.optim",
            found.optimizer_class,
            "class",
            tuple((name, repr(x)) for name, x in found.options.items()),
            found.state_names,
        )
        self.made = name_of(self.origin) if backend.origin else f"torch.optim.{self.origin.name}"
        # An own optimizer might look at its groups or not.
        self.empty = "EMPTY" in s.manner  # a group goes before the others
        own = backend.origin is not None and "ARGUMENTS" not in s.manner
        self.in_groups = len(s.groups) > 1 or own or self.empty
        self.made_again = s.looped and bool(s.reloads)
        self.has_state = bool(s.case.t) or any(p.m.any() or p.v.any() for p in s.case.parameters)

    def imports(self) -> Iterator[str]:
        needed = {"COPIED": "import copy", "LOADED_BACK": "import copy", "SAVED": "import io"}
        standard = tuple(x for manner, x in needed.items() if manner in self.s.manner)
        yield from loaded(self.backend, "import numpy as np", "import torch", standard=standard)
        yield ""
        if self.device != "cpu":
            yield f'torch.set_default_device("{self.device}")'
        if "THREADS" in self.s.manner:
            yield "torch.set_num_threads(2)"
        if "DETERMINISTIC" in self.s.manner:
            yield "torch.use_deterministic_algorithms(True)"

    def _rate(self, x: object) -> str:
        return f"torch.tensor({x}, dtype=torch.float64)" if "LR_TENSOR" in self.s.manner else str(x)

    def _arguments(self, h: Hyperparameters) -> dict[str, str]:
        """By name, where there is one set of hyperparameters, and it stays."""
        named = self.s.alike and not self.s.changes
        usual = Hyperparameters()
        given = {
            "lr": self._rate("lr" if named else h.lr),
            "betas": "(beta1, beta2)" if named else f"({h.beta1}, {h.beta2})",
            "eps": "eps" if named else str(h.epsilon),
        }
        for name in ("maximize", "weight_decay", "loss_scale", "nesterov"):
            declared = self.backend.origin is not None and name in self.backend.hyperparameters
            if declared or getattr(h, name) != getattr(usual, name):
                given[name] = repr(getattr(h, name))
        return given

    def _new(self) -> str:
        """The optimizer, made."""
        s, said = self.s, self._arguments(self.s.groups[0])
        options = [f"{name}={x}" for name, x in self.origin.options if name not in said]
        if not self.in_groups:
            arguments = [f"{name}={x}" for name, x in self._arguments(s.groups[0]).items()]
            params = self._between("[p]" if s.count == 1 else "params")
            return f"{self.made}({', '.join([params, *arguments, *options])})"
        groups = ['{"params": []}'] * self.empty + [self._group(group) for group in s.case.groups]
        if len(groups) == 1:
            return f"{self.made}({', '.join([f'[{groups[0]}]', *options])})"
        lines = ["[", *indented(f"{group}," for group in groups), "],", *(f"{x}," for x in options)]
        return "\n".join([f"{self.made}(", *indented(lines), ")"])

    def _group(self, group: Group) -> str:
        s = self.s
        params = ["p"] if s.count == 1 else [f"params[{i}]" for i in group.parameters]
        whole = "params" if len(params) == s.count > 1 else f"[{', '.join(params)}]"
        first = self._between(whole) if group is s.case.groups[0] else whole
        given = {"params": first, **self._arguments(group.hyperparameters)}
        return "{" + ", ".join(f'"{name}": {x}' for name, x in given.items()) + "}"

    def optimizer(self) -> Iterator[str]:
        yield from self._parameters()
        if self.made_again:
            yield from ("", "", "def new():", *indented([f"return {self._new()}"]), "", "")
        yield f"optimizer = {'new()' if self.made_again else self._new()}"
        if self.has_state:
            yield from self._state()
        if "SCALER" in self.s.manner:
            yield f'scaler = torch.amp.GradScaler("{self.device}", init_scale=4.0)'
            yield "scaler.scale(torch.zeros(1))  # which makes its scale"

    def _state(self) -> Iterator[str]:
        s, t = self.s, self.s.case.t
        if self.backend.origin:
            yield from self._example()
            count = f"count * 0 + {t}"
        else:
            count = str(t) if self.origin.name == "SparseAdam" else f"torch.tensor({t}.0)"
        moments = f"[{self._tensor('x')} for x in (m, v{', v_max' * s.kept})]"
        names = ", ".join(f'"{name}"' for name in self.origin.state_names)
        state = f"dict(zip(({names}), ({count}, *moments)))"
        lines = [f"moments = {moments}", f"optimizer.state[p] = {state}"]
        loop = "for p, (_, m, v) in zip(params, tables):"
        if s.kept:
            loop = "for p, (_, m, v), v_max in zip(params, tables, largest):"
        yield from lines if s.count == 1 else [loop, *indented(lines)]

    def _example(self) -> Iterator[str]:
        """How an optimizer that is not known counts its steps: in a number, or in a tensor."""
        options = "".join(f", {name}={x}" for name, x in self.origin.options)
        sparse = ".to_sparse(1)" if "sparse" in self.backend.layouts else ""
        one = self._parameter("torch.zeros(2, 1)")
        yield f"one = {one}  # a step of another, to see how it counts them"
        yield f"one.grad, other = torch.ones(2, 1){sparse}, {self.made}([one], lr=1e-3{options})"
        yield "other.step()"
        yield f'count = other.state[one]["{self.origin.state_names[0]}"]'

    def step(self) -> Iterator[str]:
        s = self.s
        if s.changes:
            yield from self._changed()
        if s.reloads:
            yield from self.at(str(s.reloads), self._reloaded())
        given = [f"p.grad = {self._gradient()}"]
        if s.count > 1:
            given = [f"for p, {s.gradient} in zip(params, gradients):", *indented(given)]
        if "CLOSURE" in s.manner:
            given = ["def closure():", *indented([*given, "return torch.tensor(0.0)"])]
        if "SCALER" in s.manner:
            yield from self._scaled(given)
            return
        yield from given
        step = "torch.compile(optimizer.step)" if self.backend.mode == "compiled" else "optimizer.step"
        yield f"{step}({'closure' if 'CLOSURE' in s.manner else ''})"
        if "OVERWRITTEN" in s.manner and not s.nothing:
            lines = ["(p.grad._values() if p.grad.is_sparse else p.grad).fill_(np.nan)"]
            lines = ["if p.grad is not None:", *indented(lines)] if s.guarded else lines
            yield from lines if s.count == 1 else ["for p in params:", *indented(lines)]

    def _scaled(self, given: list[str]) -> Iterator[str]:
        """A step with infinite gradients, which is skipped, and that of the gradients times four."""
        step = ["scaler.step(optimizer)", "scaler.update(4.0)"]
        infinite = "torch.full_like(p, torch.inf)" + (".to_sparse(1)" if self.s.layout != "dense" else "")
        yield from [*given, *self._instead(infinite), *step]
        yield from [*given, *self._instead("4 * p.grad"), *step]

    def _instead(self, gradient: str) -> list[str]:
        lines = [f"p.grad = {gradient}"]
        lines = ["if p.grad is not None:", *indented(lines)] if self.s.guarded else lines
        return lines if self.s.count == 1 else ["for p in params:", *indented(lines)]

    def _reloaded(self) -> Iterator[str]:
        """Saved and loaded, as the manner is."""
        s, again = self.s, "new()" if self.made_again else self._new()
        mine, beside = ("p", "q") if s.count == 1 else ("params", "its")
        goes_on = bool({"COPIED", "FORKED"} & s.manner)
        if "LOADED_BACK" in s.manner:
            yield from self._loaded_back()
            return
        if "COPIED" in s.manner:
            yield f"first, {beside} = optimizer, {mine}"
            yield f"{mine}, optimizer = copy.deepcopy(({mine}, optimizer))"
        else:
            kept = f"first, {beside}, saved = optimizer, {mine}, " if goes_on else "saved = "
            yield f"{kept}optimizer.state_dict()  # saved and loaded"
            if "SAVED" in s.manner:
                yield from ("memory = io.BytesIO()", "torch.save(saved, memory)", "memory.seek(0)")
                yield "saved = torch.load(memory, weights_only=False)"
            if "FORKED" in s.manner:
                copied = self._parameter("p.detach().clone()")
                yield f"{mine} = {copied if s.count == 1 else f'[{copied} for p in params]'}"
            yield f"optimizer = {again}"
            yield "optimizer.load_state_dict(saved)"
        if goes_on:
            yield from self._ones("q", "its")
            yield "first.step()  # it goes on beside"

    def _loaded_back(self) -> Iterator[str]:
        """State and weights as they were, after one more step."""
        one, copied = self.s.count == 1, "p.detach().clone()"
        weights = copied if one else f"[{copied} for p in params]"
        yield f"saved, weights = copy.deepcopy(optimizer.state_dict()), {weights}"
        yield from self._ones("p", "params")
        yield "optimizer.step()"
        back = (
            ["p.detach().copy_(weights)"]
            if one
            else ["for p, x in zip(params, weights):", "    p.detach().copy_(x)"]
        )
        yield from [*back, "optimizer.load_state_dict(saved)  # back to before it"]

    def _changed(self) -> Iterator[str]:
        s, one = self.s, len(self.s.groups) == 1
        if not s.anew <= {"lr"}:
            yield from self.at("changes", self._all_changed())
            return
        at = ("1" if self.empty else "0") if one else ("j + 1" if self.empty else "j")
        rate = f'optimizer.param_groups[{at}]["lr"]'
        mine, new = ("lr", s.new_lr) if one else ("hyper[j][0]", "lr")
        lines = [f"{mine} = {rate} = {new}"]
        if "LR_TENSOR" in s.manner:
            lines = [f"{mine} = {new}", f"{rate}.fill_({mine})"]
        if one:
            yield from self.at("changes", lines)
        else:
            yield "for j, lr in enumerate(changes.get(k, ())):"
            yield from indented(lines)

    def _all_changed(self) -> Iterator[str]:
        s = self.s
        set_anew = {"lr": "lr", "betas": "(beta1, beta2)", "eps": "eps", "maximize": "sign < 0"}
        names = {"beta1": "betas", "beta2": "betas", "epsilon": "eps"}
        wanted = dict.fromkeys(names.get(name, name) for name in CHANGEABLE if name in s.anew)
        given = {name: set_anew.get(name, name) for name in wanted}
        lines = []
        if "lr" in given and "LR_TENSOR" in s.manner:
            del given["lr"]
            lines = ['group["lr"].fill_(lr)']
        if given:
            lines.append(f"group.update({', '.join(f'{name}={x}' for name, x in given.items())})")
        yield "hyper = changes[k]"
        groups = f"optimizer.param_groups{'[1:]' if self.empty else ''}"
        yield f"for group, ({s.names}) in zip({groups}, hyper):"
        yield from indented(lines)

    def _gradient(self) -> str:
        s, values = self.s, self._tensor("values")
        if s.nothing:
            return "None"
        if "STRIDED_GRADIENTS" in s.manner:
            shapes = [g.values.shape for g in s.given if g is not None]
            turns = all(len(x) > 1 and x[0] > 1 and x[-1] > 1 for x in shapes)
            turned = f"{values}.transpose(0, -1).contiguous().transpose(0, -1)"
            values = turned if turns else f"torch.stack(2 * [{values}], dim=-1)[..., 0]"
        if "EXPANDED" in s.manner and all(
            g is None or (g.values.size and (g.values == g.values.flat[0]).all()) for g in s.given
        ):
            values = f"{self._tensor('values.flat[0]')}.expand(values.shape)"
        rows = 'rows[None].astype("int32")' if "INT32_ROWS" in s.manner else "rows[None]"
        text = values if s.layout == "dense" else f"torch.sparse_coo_tensor({rows}, {values}, p.shape)"
        if s.layout == "mixed":
            text = f"{values} if rows is None else {text}"
        return f"None if values is None else {text}" if s.guarded else text

    def got(self) -> Iterator[str]:
        s, (count, *names) = self.s, self.origin.state_names
        p = "p" if s.count == 1 else "params[i]"
        empty = any(g is not None and not g.values.size for g in s.given)
        lazy = s.guarded or s.nothing or empty  # it may have no state yet
        moments = (f'state.get("{x}", 0 * {p})' if lazy else f'state["{x}"]' for x in names)
        cpu = "" if self.device == "cpu" else ".cpu()"
        yield f"state = optimizer.state[{p}]"
        yield f"got = [x.detach(){cpu}.double().numpy() for x in ({p}, {', '.join(moments)})]"
        if s.counts:
            yield f'count = int(state.get("{count}", 0))'
