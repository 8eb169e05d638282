"""How parameters, gradients and states are handed over to torch: as usual, and in every manner."""

import copy
import io
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lazyadam.suites.backends.torch.stepping import SCALE, TakesSteps
from lazyadam.suites.cases.case import IN_BUFFER, Case, Manner, Step

GOES_ON = frozenset({Manner.COPIED, Manner.FORKED})


class HandsOver(TakesSteps):
    """What is handed over: parameters, their gradients, and the state of their optimizer.

    Whoever derives from it sets `torch` and, in `build`, `dtype` and `optimizer`.
    """

    dtype: Any
    before: Sequence[Any] = ()  # those of no case: in the first group, before its own and after them
    after: Sequence[Any] = ()
    manners = frozenset(
        {
            Manner.INT32_ROWS,
            Manner.INT64_ROWS,
            Manner.STRIDED,
            Manner.COLUMNS,
            Manner.STRIDED_GRADIENTS,
            Manner.EXPANDED,
            Manner.LR_TENSOR,
            *IN_BUFFER,
            Manner.FROZEN,
            Manner.EMPTY,
            Manner.MIXED,
            Manner.THREADS,
            Manner.DETERMINISTIC,
            Manner.SCALER,
            Manner.OVERWRITTEN,
            Manner.CLOSURE,
            Manner.SAVED,
            Manner.COPIED,
            Manner.FORKED,
            Manner.LOADED_BACK,
            Manner.WATCHED,
            Manner.ARGUMENTS,
            Manner.FLOAT64_VALUES,
            Manner.FLOAT16_VALUES,
            Manner.INTEGER_VALUES,
            Manner.FLOAT_ROWS,
        }
    )
    possible = manners

    @abstractmethod
    def _optimizer(self, case: Case) -> Any:
        """A new optimizer of the parameters."""

    def _hand_over(self, case: Case) -> None:
        """Make the parameters."""
        torch = self.torch
        weights = [self._tensor(p.w) for p in case.parameters]
        if Manner.STRIDED in case.manner:
            weights = [self._strided(x) for x in weights]
        if Manner.COLUMNS in case.manner:
            weights = [x.transpose(0, -1).contiguous().transpose(0, -1) for x in weights]
        if case.manner & IN_BUFFER:
            weights = self._parts(weights)
        # Of those that were handed over whether they are as it was asked.
        self.strided_gradients: list[bool] = []
        self.expanded: list[bool] = []
        self.before, self.after = (), ()
        if Manner.FROZEN in case.manner:
            self.before = [torch.nn.Parameter(torch.ones_like(weights[0]), requires_grad=False)]
        if Manner.EMPTY in case.manner:
            self.before, self.after = ([self._empty(weights[0])] for _ in range(2))
        if Manner.MIXED in case.manner:
            self.before = [self._of_another_type(weights[0])]
        self._take([self._parameter(x) for x in weights])

    def _parameter(self, x: Any) -> Any:
        return self.torch.nn.Parameter(x)

    def _empty(self, x: Any) -> Any:
        """A parameter of rows as wide as these, of which it has none, with a gradient."""
        empty = self._parameter(x[:0].clone())
        nothing = self.torch.zeros_like(empty)
        empty.grad = nothing.to_sparse(1) if "sparse" in self.layouts else nothing
        return empty

    def _of_another_type(self, x: Any) -> Any:
        """A parameter of this shape in another type, with a gradient of ones."""
        torch = self.torch
        other = torch.float32 if x.dtype is torch.float64 else torch.float64
        beside = self._parameter(torch.ones_like(x, dtype=other))
        ones = torch.ones_like(beside)
        beside.grad = ones.to_sparse(1) if "sparse" in self.layouts else ones
        return beside

    def _numbered(self, case: Case) -> Iterator[tuple[int, int]]:
        """The parameters of a case, by the numbers that a saved state gives them."""
        number = len(self.before)
        for group in case.groups:
            yield from enumerate(group.parameters, number)
            number += len(group.parameters) + (len(self.after) if group is case.groups[0] else 0)

    def _take(self, parameters: list[Any]) -> None:
        self.parameters = parameters
        self.memory = [x.data_ptr() for x in parameters]

    def _parts(self, weights: list[Any]) -> list[Any]:
        """Of one buffer, but for its first number; what is written too far by its offset stays in it."""
        sizes = [x.numel() for x in weights]
        buffer = weights[0].new_zeros(2 * (1 + sum(sizes)))
        used = buffer[1 : 1 + sum(sizes)]
        used.copy_(self.torch.cat([x.reshape(-1) for x in weights]))
        return [part.view(x.shape) for part, x in zip(used.split(sizes), weights, strict=True)]

    def _strided(self, x: Any) -> Any:
        return self.torch.stack((x, x), dim=-1)[..., 0]

    def _tensor(self, x: np.ndarray, dtype: Any = None) -> Any:
        return self.torch.from_numpy(x).to(self.device, dtype or self.dtype, copy=True)

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        rows_dtype, values_dtype = case.rows_dtype("int64"), getattr(self.torch, case.values_dtype)
        for tensor, gradient in zip(self.parameters, step.gradients, strict=True):
            if gradient is None:
                tensor.grad = None
                continue
            values = self._tensor(gradient.values, values_dtype)
            if Manner.SCALER in case.manner:
                values *= SCALE
            if Manner.STRIDED_GRADIENTS in case.manner:
                values = values.transpose(0, -1).contiguous().transpose(0, -1)
                if values.is_contiguous():  # of one dimension, or one row
                    values = self._strided(values)
            if Manner.EXPANDED in case.manner and values.numel():
                one = values.flatten()[0]
                values = one.expand(values.shape) if bool((values == one).all()) else values
            # Of all that are handed over, or a manner that nobody heeded would be seen nowhere.
            self.strided_gradients.append(not values.is_contiguous() or values.numel() <= 1)
            if values.numel():
                self.expanded.append(values.numel() == 1 or 0 in values.stride())
            if gradient.rows is None:
                tensor.grad = values
            else:
                rows = self.torch.from_numpy(gradient.rows[None].astype(rows_dtype)).to(self.device)
                tensor.grad = self.torch.sparse_coo_tensor(rows, values, tensor.shape)
        return self._stepper(case)

    def overwrite(self) -> None:
        for gradient in (x.grad for x in self.parameters if x.grad is not None):
            if gradient.is_sparse:
                gradient._indices().zero_()
            (gradient._values() if gradient.is_sparse else gradient).fill_(self.torch.nan)

    def reload(self, case: Case) -> None:
        first = self.parameters, self.optimizer
        self.graphs.clear()
        if Manner.LOADED_BACK in case.manner:
            self._load_back()
            return
        if Manner.COPIED in case.manner:
            copied, self.optimizer = copy.deepcopy(first)
            self._take(copied)
        else:
            saved = self.optimizer.state_dict()
            if Manner.SAVED in case.manner:
                saved = self._through_bytes(saved)
            if Manner.FORKED in case.manner:
                self._take([self._parameter(x.detach().clone()) for x in self.parameters])
            self.optimizer = self._optimizer(case)
            self.optimizer.load_state_dict(saved)
        if case.manner & GOES_ON:
            self._go_on(*first)

    def _load_back(self) -> None:
        """The state and the weights as they were before a step."""
        saved = copy.deepcopy(self.optimizer.state_dict())
        weights = [x.detach().clone() for x in self.parameters]
        self._go_on(self.parameters, self.optimizer)
        with self.torch.no_grad():
            for tensor, before in zip(self.parameters, weights, strict=True):
                tensor.copy_(before)
        self.optimizer.load_state_dict(saved)

    def _through_bytes(self, saved: dict[str, Any]) -> Any:
        memory = io.BytesIO()
        self.torch.save(saved, memory)
        memory.seek(0)
        return self.torch.load(memory, weights_only=False)

    def _go_on(self, parameters: list[Any], optimizer: Any) -> None:
        """A step of another optimizer: what comes of it is nobody's."""
        for tensor in parameters:
            ones = self.torch.ones_like(tensor)
            tensor.grad = ones.to_sparse(1) if "sparse" in self.layouts else ones
        optimizer.step()

    def took_place(self, manner: Manner) -> bool:
        if manner is Manner.STRIDED:
            return any(not x.is_contiguous() or x.numel() <= 1 for x in self.parameters)
        if manner is Manner.COLUMNS:
            # A single row or column has one order.
            return any(not x.is_contiguous() or x.numel() == max(x.shape) for x in self.parameters)
        if manner is Manner.STRIDED_GRADIENTS:
            return any(self.strided_gradients) or not self.strided_gradients
        if manner is Manner.EXPANDED:
            return any(self.expanded) or not self.expanded
        if manner in IN_BUFFER:
            return any(x.storage_offset() or not x.numel() for x in self.parameters)
        if manner is Manner.THREADS:
            return bool(self.torch.get_num_threads() == 2)
        if manner is Manner.DETERMINISTIC:
            return bool(self.torch.are_deterministic_algorithms_enabled())
        if manner is Manner.GRAPH:
            return self.replayed or all(x.grad is None for x in self.parameters)
        if manner is Manner.SCALER:
            return all(self.skipped)
        if manner is Manner.LR_TENSOR:
            return all(self.torch.is_tensor(group["lr"]) for group in self.optimizer.param_groups)
        return True

    def kept(self, step: Step) -> bool:
        if [tensor.data_ptr() for tensor in self.parameters] != self.memory:
            return False
        for tensor, gradient in zip(self.parameters, step.gradients, strict=True):
            if gradient is None:
                continue
            if gradient.rows is not None:
                rows = tensor.grad._indices()[0].cpu().numpy()
                if not np.array_equal(rows, gradient.rows):
                    return False
            values = tensor.grad if gradient.rows is None else tensor.grad._values()
            if not self.torch.equal(values, self._tensor(gradient.values)):
                return False
        return True
