"""dgl.optim.SparseAdam on dgl.nn.NodeEmbedding (DGL 1.1.3 on torch)."""

import os
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Dialect, Duplicates, Epsilon, Power, StepCount
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.peers import python_of
from lazyadam.suites.backends.states import as_float64
from lazyadam.suites.cases.case import Case, Gradient, Group, Manner, State, Step
from lazyadam.suites.cases.training import Layer, Training

_PAGE = "dgl.optim.SparseAdam documentation, 1.1.3"
_numbers = count()  # an embedding lies in shared memory, under a name that no other process may have


class SparseAdam(Backend):
    """A gradient is of what was looked up; rows of an embedding have one dimension."""

    name = "dgl.SparseAdam"
    framework = "dgl"
    mode = "eager"
    spec = f"popen//python={python_of('dgl')}"
    devices = ("cpu",)
    dtypes = ("float32",)
    dense_dtypes = ()
    layouts = frozenset({"sparse", "none"})
    layers = (Layer("NodeEmbedding", "plain"),)
    hyperparameters = frozenset({"betas of 0"})
    # dgl/optim/pytorch/sparse_optim.py, 1.1.3: attributes, read in every update, and β^t is of that β.
    changing = frozenset({"lr", "beta1", "beta2", "epsilon"})
    manners = possible = frozenset({Manner.INT32_ROWS, Manner.INT64_ROWS, Manner.WATCHED})
    documented = Dialect(epsilon=Epsilon.BESIDE_HAT)
    promises = (
        Promise("epsilon", f"{_PAGE}, the formula, with 'eps': 'The term added to the denominator …'"),
        Promise("untouched", f"{_PAGE} ('only updates the embeddings whose gradients have updates')"),
    )
    # There: the state has a step for each row; "average the gradient here".
    spoken = Dialect(Duplicates.MEAN, Epsilon.BESIDE_HAT, step_count=StepCount.ROW)
    # There: th.pow of a float32 β; m / (1 − β1^t), then lr·m̂: their quotient is never a number.
    arithmetic = Arithmetic(power=Power.FLOAT32_POWER, step_size_error=1.0)

    def prepare(self) -> str:
        os.environ.setdefault("DGLBACKEND", "pytorch")  # else its import writes a file
        import dgl
        import torch

        torch.set_num_threads(1)
        self.dgl, self.torch = dgl, torch
        return str(dgl.__version__)

    def build(self, case: Case) -> None:
        if case.dtype not in self.dtypes:
            raise ValueError(f"dtype {case.dtype}: an embedding is of float32")
        self.shapes = [p.w.shape for p in case.parameters]
        self.embeddings = [self._embedding(p.w) for p in case.parameters]
        self.memory = [e.weight.data_ptr() for e in self.embeddings]
        self.optimizer = self._optimizer(case.groups[0].hyperparameters)
        saved = self.optimizer.state_dict()
        for e, p in zip(self.embeddings, case.parameters, strict=True):
            steps = self.torch.full((len(p.w),), case.t, dtype=self.torch.int32)
            saved["state"][e.name] = (steps, self._rows_of(p.m), self._rows_of(p.v))
        self.optimizer.load_state_dict(saved)

    def _embedding(self, w: np.ndarray) -> Any:
        rows = self._rows_of(w)
        name = f"lazyadam_{os.getpid()}_{next(_numbers)}"
        return self.dgl.nn.NodeEmbedding(*rows.shape, name, init_func=lambda table: table.copy_(rows))

    def _rows_of(self, x: np.ndarray) -> Any:
        return self.torch.from_numpy(x.reshape(len(x), -1)).to(self.torch.float32)

    def _optimizer(self, h: Hyperparameters) -> Any:
        return self.dgl.optim.SparseAdam(self.embeddings, **_arguments(h))

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        self.given = []
        for e, g in zip(self.embeddings, step.gradients, strict=True):
            if g is None:
                continue
            if g.rows is None:
                raise ValueError("a dense gradient: an embedding has those of the rows that were looked up")
            rows = self.torch.from_numpy(g.rows.astype(case.rows_dtype("int64")))
            found = e(rows)
            found.backward(self._rows_of(g.values) if len(g.rows) else self.torch.zeros_like(found))
            self.given.append((rows, found))
        self.optimizer.zero_grad()  # in its step, once that has what was looked up
        step_taken: Callable[[], object] = self.optimizer.step
        return step_taken

    def steps_ahead(self, case: Case) -> Callable[[int], Callable[[], object]]:
        # A step takes what was looked up since the last: it can't be kept.
        return lambda number: self.step_function(case, case.steps[number])

    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        saved = self.optimizer.state_dict()
        self.optimizer.load_state_dict({**saved, "param_groups": [_arguments(groups[0].hyperparameters)]})

    def reload(self, case: Case) -> None:
        saved = self.optimizer.state_dict()
        self.optimizer = self._optimizer(Hyperparameters())
        self.optimizer.load_state_dict(saved)

    def look(self) -> State:
        states = [e.optm_state for e in self.embeddings]
        w = [e.weight.numpy().reshape(x) for e, x in zip(self.embeddings, self.shapes, strict=True)]
        m, v = ([s[q].numpy().reshape(x) for s, x in zip(states, self.shapes, strict=True)] for q in (1, 2))
        return w, m, v, [s[0].numpy().copy() for s in states]

    def state(self) -> State:
        return as_float64(self.look())

    def path(self) -> dict[str, str]:
        weight = self.embeddings[0].weight
        dtype = str(weight.dtype).removeprefix("torch.")
        return {"mode": self.mode, "device": weight.device.type, "dtype": dtype, "layout": "sparse"}

    def kept(self, step: Step) -> bool:
        gradients = [g for g in step.gradients if g is not None]
        return [e.weight.data_ptr() for e in self.embeddings] == self.memory and all(
            np.array_equal(rows.numpy(), g.rows)
            and np.array_equal(found.grad.numpy().ravel(), g.values.ravel())
            for (rows, found), g in zip(self.given, gradients, strict=True)
            if g.rows is not None
        )

    def training_step(
        self, training: Training, layer: Layer
    ) -> Callable[[np.ndarray, np.ndarray], tuple[float, Gradient]]:
        self.build(training.start)
        (embedding,) = self.embeddings

        def take(ids: np.ndarray, targets: np.ndarray) -> tuple[float, Gradient]:
            rows = self.torch.from_numpy(ids.astype(np.int64))
            found = embedding(rows)
            loss = ((found - self._rows_of(targets)) ** 2).mean()
            loss.backward()
            self.optimizer.zero_grad()
            self.optimizer.step()
            return loss.item(), Gradient(found.grad.numpy().astype(np.float64), rows.numpy())

        return take


def _arguments(h: Hyperparameters) -> dict[str, Any]:
    return {"lr": h.lr, "betas": (h.beta1, h.beta2), "eps": h.epsilon}


BACKENDS: tuple[type[Backend], ...] = (SparseAdam,)
