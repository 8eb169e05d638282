"""Records what nn.LazyAdam or nn.Adam does in a training.

    from lazyadam.suites.backends.mindspore.recorder import RecordingStep

    step = RecordingStep(loss, optimizer, "run")     # in the place of nn.TrainOneStepCell(loss, optimizer)
    step(*inputs)

The gradients of a compiled step, with their rows, are nowhere but in its graph: so it is the step that hands
them out. Where gradient and step are separate calls, the optimizer is wrapped instead:

    optimizer = RecordingOptimizer(optimizer, "run")

    loss, gradients = value_and_grad(*inputs)
    optimizer(gradients)

Every recorded step copies the whole tables.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mindspore
import numpy as np
from mindspore import nn, ops

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.cases.case import Gradient
from lazyadam.suites.cases.recording import MOST, Header, Of, Recorded, Taken, Window, Writer

Tables = list[tuple[np.ndarray, ...]]  # w, m and v, and v_max where it is kept
_handed_out = ops.MultitypeFuncGraph("handed_out")


@_handed_out.register("RowTensor")  # type: ignore[untyped-decorator]
def _sparse(gradient: Any) -> Any:
    return gradient.indices, gradient.values


@_handed_out.register("Tensor")  # type: ignore[untyped-decorator]
def _dense(gradient: Any) -> Any:
    return (gradient,)


class _Step(nn.Cell):  # type: ignore[misc]
    """Loss, gradients and the optimizer's step; the gradients are handed out."""

    def __init__(self, loss: nn.Cell, optimizer: nn.Optimizer) -> None:
        super().__init__(auto_prefix=False)
        self.optimizer = optimizer
        self.map = ops.HyperMap()
        self.loss_and_gradients = mindspore.value_and_grad(loss, None, optimizer.parameters)

    def construct(self, *inputs: Any) -> Any:
        loss, gradients = self.loss_and_gradients(*inputs)
        loss = ops.depend(loss, self.optimizer(gradients))
        return loss, self.map(_handed_out, gradients)


class _Recording:
    """Steps of an optimizer, which are recorded into a folder.

    first, steps, every: from which step on, how many, and how many apart. rows: of a gradient at most, and
    of a dense parameter, in each step; None for as many as have 2**17 numbers. watched: rows beside them that
    are to stay.

    Raises:
        RecordingError: the folder has a recording already.
    """

    def __init__(
        self,
        optimizer: nn.Optimizer,
        folder: str | Path,
        first: int = 1,
        steps: int | None = None,
        every: int = 1,
        rows: int | None = None,
        watched: int = 64,
    ) -> None:
        self.optimizer = optimizer
        self.window = Window(first, steps, every)
        self.rows, self.watched = rows, watched
        self.number, self.random = 0, np.random.default_rng(0)
        kind = type(optimizer)
        graph = mindspore.get_context("mode") == mindspore.GRAPH_MODE
        options = {"graph": graph, "use_lazy": bool(getattr(optimizer, "use_lazy", False))}
        if hasattr(optimizer, "_is_device"):
            options["fused"] = not optimizer._is_device
        if getattr(optimizer, "use_amsgrad", False):
            options["use_amsgrad"] = True
        self.writer = Writer(
            Path(folder),
            Header(
                framework="mindspore",
                version=mindspore.__version__,
                optimizer=f"{kind.__module__}.{kind.__qualname__}",
                options=options,
                device=mindspore.get_context("device_target").lower(),
                every=every,
                rows=rows or 0,
                watched=watched,
                parameters=[
                    Of(name=p.name, shape=[*p.shape], dtype=str(p.dtype).lower())
                    for p in optimizer.parameters
                ],
            ),
        )

    def _recorded(self, step: Callable[[], tuple[Any, Any]]) -> Any:
        """Take a step, which returns a result and the gradients it was taken with; the result."""
        self.number += 1
        if not self.window.has(self.number):
            return step()[0]
        before, t, rates = self._tables(), self._count(), self._rates()
        result, gradients = step()
        after, now = self._tables(), self._count()
        taken = tuple(
            self._taken(i, gradient, before[i], after[i], (t, now), rates[i])
            for i, gradient in enumerate(gradients)
        )
        self.writer.write(Recorded(self.number, taken))
        return result

    def _tables(self) -> Tables:
        o = self.optimizer
        largest = [o.vhat] if getattr(o, "use_amsgrad", False) else []
        return [
            tuple(map(_numbers, arrays))
            for arrays in zip(o.parameters, o.moment1, o.moment2, *largest, strict=True)
        ]

    def _count(self) -> int:
        return int(self.optimizer.global_step.asnumpy().reshape(-1)[0])

    def _rates(self) -> list[float]:
        """The learning rate of each parameter in the next step."""
        rates = self.optimizer.get_lr()
        several = rates if isinstance(rates, Sequence) else [rates] * len(self.optimizer.parameters)
        return [float(rate.asnumpy().reshape(-1)[0]) for rate in several]

    def _taken(
        self, number: int, handed: Any, before: Any, after: Any, t: tuple[int, int], lr: float
    ) -> Taken:
        values = _numbers(handed[-1])
        table = before[0].shape[0] if before[0].ndim else 1
        most = self.rows or max(1, MOST * table // before[0].size)
        occurrences = distinct = None
        if len(handed) == 1:
            rows = np.arange(table) if table <= most else np.sort(_chosen(number, table, most))
            gradient = Gradient(values.reshape(before[0].shape)[rows])
        else:
            named = handed[0].asnumpy().astype(np.int64)
            touched = np.unique(named)
            occurrences, distinct = len(named), len(touched)
            if len(touched) > most:
                touched = self.random.choice(touched, most, replace=False)
            rows = np.unique(np.r_[touched, self.random.integers(table, size=self.watched)])
            there = np.isin(named, rows)
            gradient = Gradient(values[there], np.searchsorted(rows, named[there]))
        start, end = (tuple(x[rows] for x in state) for state in (before, after))
        h = self._hyperparameters(number, lr)
        return Taken(number, t, h, gradient, rows, start, end, occurrences, distinct)

    def _hyperparameters(self, number: int, lr: float) -> Hyperparameters:
        o = self.optimizer
        decay = o.weight_decay if not o.is_group else o.group_weight_decay[number]
        return Hyperparameters(
            lr=lr,
            beta1=float(o.beta1.asnumpy()),
            beta2=float(o.beta2.asnumpy()),
            epsilon=float(o.eps.asnumpy()),
            weight_decay=float(decay),
            loss_scale=float(o.loss_scale),
            nesterov=bool(o.use_nesterov),
        )


class RecordingStep(_Recording):
    """A training step of a loss and an optimizer, recorded as `_Recording` says."""

    def __init__(
        self, loss: nn.Cell, optimizer: nn.Optimizer, folder: str | Path, **options: int | None
    ) -> None:
        super().__init__(optimizer, folder, **options)  # type: ignore[arg-type]
        self.step = _Step(loss, optimizer)

    def __call__(self, *inputs: Any) -> Any:
        """Take a step; its loss."""
        return self._recorded(lambda: self.step(*inputs))


class RecordingOptimizer(_Recording):
    """An optimizer that is called with gradients, recorded as `_Recording` says."""

    def __call__(self, gradients: Sequence[Any]) -> Any:
        """Take a step; what the optimizer returns."""
        handed = [(g.copy(),) for g in gradients]  # dense: of rows the call takes none (2.10)
        return self._recorded(lambda: (self.optimizer(gradients), handed))


def _chosen(number: int, table: int, most: int) -> np.ndarray:
    """Rows of a dense parameter: the same in each step."""
    return np.random.default_rng(number).choice(table, most, replace=False)


def _numbers(x: Any) -> np.ndarray:
    """As NumPy has them: of 16 bits in float32, which holds them."""
    wide = x.astype(mindspore.float32) if x.itemsize == 2 else x
    return np.array(wide.asnumpy())
