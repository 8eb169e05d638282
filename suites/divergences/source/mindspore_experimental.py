"""Scripts for the optimizers of mindspore.experimental, which go by groups and have other names."""

from collections.abc import Iterator

from lazyadam.suites.divergences.source.mindspore import MindSporeScript
from lazyadam.suites.divergences.source.skeleton import indented


class ExperimentalScript(MindSporeScript):
    @property
    def _order(self) -> list[int]:
        """The parameters as the optimizer has them: one group after another."""
        return [i for group in self.s.case.groups for i in group.parameters]

    def imports(self) -> Iterator[str]:
        for line in super().imports():
            if line == "" and not any(self.sparse):
                yield "from mindspore.experimental import optim"
            yield line
            if line.startswith("from mindspore.common"):
                yield "from mindspore.experimental import optim"

    def _new(self) -> Iterator[str]:
        s = self.s
        named = s.alike and not s.changes and not s.reloads
        groups = []
        for group in s.case.groups:
            h = group.hyperparameters
            lr = "lr" if named else str(h.lr)
            given = [
                f'"lr": {f"Tensor({lr}, ms.float32)" if "LR_TENSOR" in s.manner else lr}',
                f'"betas": {"(beta1, beta2)" if named else (h.beta1, h.beta2)}',
                f'"eps": {"eps" if named else h.epsilon}',
                f'"weight_decay": {h.weight_decay}',
                *['"maximize": True'] * h.maximize,
                *['"amsgrad": True'] * s.kept,
            ]
            of = "p" if s.count == 1 else ", ".join(f"params[{i}]" for i in group.parameters)
            groups.append(f'{{"params": [{of}], {", ".join(given)}}}')
        made = f"optimizer = optim.{self.form.optimizer_class}("
        if len(groups) == 1:
            yield f"{made}[{groups[0]}])"
        else:
            yield from (f"{made}[", *indented(f"{group}," for group in groups), "])")

    def _kept(self) -> Iterator[str]:
        yield "def state():"
        kept = "*optimizer.exp_avg, *optimizer.exp_avg_sq" + ", *optimizer.max_exp_avg_sq" * self.s.kept
        yield f"    return [{kept}, optimizer.state_step, *optimizer.lrs]"
        yield from ("", "")

    def _state(self) -> Iterator[str]:
        p, set_data = "tables[i]", f"set_data({self._tensor('{}')})"
        if self.s.count == 1:
            yield f"optimizer.exp_avg[0].{set_data.format('m')}"
            yield f"optimizer.exp_avg_sq[0].{set_data.format('v')}"
            if self.s.kept:
                yield f"optimizer.max_exp_avg_sq[0].{set_data.format('v_max')}"
        else:
            yield f"for j, i in enumerate({self._order}):"
            yield f"    optimizer.exp_avg[j].{set_data.format(f'{p}[1]')}"
            yield f"    optimizer.exp_avg_sq[j].{set_data.format(f'{p}[2]')}"
            if self.s.kept:
                yield f"    optimizer.max_exp_avg_sq[j].{set_data.format('largest[i]')}"
        yield f"optimizer.state_step.set_data(Tensor({self.s.case.t}, ms.int32))"

    def _changed(self) -> Iterator[str]:
        if len(self.s.groups) == 1:
            assign = "ms.ops.assign(optimizer.lrs[0], Tensor(lr, ms.float32))"
            yield from self.at("changes", [f"lr = {self.s.new_lr}", assign])
            return
        yield "for j, lr in enumerate(changes.get(k, ())):"
        yield "    hyper[j][0] = lr"
        yield "    ms.ops.assign(optimizer.lrs[j], Tensor(lr, ms.float32))"

    def _taken(self) -> Iterator[str]:
        if self._order != sorted(self._order):
            yield f"given = [gradients[i] for i in {self._order}]"
            yield from (line.replace(" in gradients)", " in given)") for line in super()._taken())
        else:
            yield from super()._taken()

    @property
    def _tensors(self) -> str:
        if self.s.count == 1:
            largest = ", optimizer.max_exp_avg_sq[0]" * self.s.kept
            return f"(p, optimizer.exp_avg[0], optimizer.exp_avg_sq[0]{largest})"
        j = "i" if self._order == sorted(self._order) else f"{self._order}.index(i)"
        largest = f", optimizer.max_exp_avg_sq[{j}]" * self.s.kept
        return f"(params[i], optimizer.exp_avg[{j}], optimizer.exp_avg_sq[{j}]{largest})"

    def got(self) -> Iterator[str]:
        yield f"got = [{self._read}.astype(float) for x in {self._tensors}]"
        if self.s.counts:
            yield "count = int(optimizer.state_step.asnumpy())"
