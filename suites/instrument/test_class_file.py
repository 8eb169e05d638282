"""A class of torch that is named alone: what it takes is found from its arguments, and a first step."""

from typing import Any

import pytest

from lazyadam.suites.backends.own.class_file import taken


def classes() -> tuple[type, ...]:
    """Optimizers of torch that take a decay and gradients of any layout, of none but dense, and no decay."""
    torch = pytest.importorskip("torch")

    class Decays(torch.optim.SGD):  # type: ignore[name-defined,misc]
        def __init__(
            self, params: Any, lr: float, weight_decay: float = 0.01, nesterov: bool = False
        ) -> None:
            super().__init__(params, lr)
            self.decay, self.nesterov = weight_decay, nesterov

        def step(self) -> None:
            if self.nesterov:
                raise RuntimeError("not yet")

    class Dense(Decays):
        def step(self) -> None:
            (p,) = self.param_groups[0]["params"]
            if p.grad.is_sparse:
                raise RuntimeError("sparse gradients are not taken")

    return Decays, Dense, torch.optim.SparseAdam, torch.optim.SGD  # which refuses nesterov alone


def test_arguments_that_every_layout_takes_are_tried_and_those_with_a_default_kept_out() -> None:
    found = [(set(layouts), set(further), kept) for layouts, further, kept in map(taken, classes())]
    out = {"weight_decay": 0.0}
    assert found == [
        ({"none", "sparse", "dense"}, {"weight_decay"}, out),
        ({"none", "dense"}, {"weight_decay", "nesterov"}, out),
        ({"none", "sparse"}, {"maximize"}, {}),
        ({"none", "sparse", "dense"}, {"maximize"}, out),
    ]


def test_what_is_no_optimizer_of_torch_is_said_to_be_none() -> None:
    pytest.importorskip("torch")
    with pytest.raises(TypeError, match=r"no subclass of torch\.optim\.Optimizer"):
        taken(dict)
