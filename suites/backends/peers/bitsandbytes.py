"""bitsandbytes.optim.Adam and AdamW with a state of 32 bits, on the CPU (bitsandbytes 0.50.2)."""

from dataclasses import replace
from typing import Any, ClassVar

from lazyadam.reference.dialect import Arithmetic, Dialect, Epsilon, Hat, Power, WeightDecay
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.peers import python_of
from lazyadam.suites.backends.torch.optimizer import TorchOptimizer
from lazyadam.suites.cases.case import Case, Group, Manner
from lazyadam.suites.cases.training import Layer

_PAGE = "bitsandbytes documentation, 0.50, {}"


class Adam(TorchOptimizer):
    name = "bitsandbytes.Adam"
    framework = "bitsandbytes"
    spec = f"popen//python={python_of('bitsandbytes')}"
    devices = ("cpu",)
    # bitsandbytes/functional.py, 0.50.2, optimizer_update_32bit: "32/16-bit gradients/weights".
    dtypes: ClassVar[tuple[str, ...]] = ("float16", "bfloat16", "float32")
    dense_dtypes: ClassVar[tuple[str, ...]] = ("float16", "bfloat16", "float32")
    layouts = frozenset({"dense", "none"})
    layers = (Layer("Embedding(sparse=False)", "plain", sparse=False),)
    hyperparameters = frozenset({"weight_decay", "betas of 0"})
    # bitsandbytes/optim/optimizer.py, 0.50.2, get_config: read from the group at every step.
    grouped = changing = frozenset({"lr", "beta1", "beta2", "epsilon", "weight_decay"})
    # A parameter that is not contiguous is replaced by one that is (update_step); a learning rate is a float.
    manners = possible = TorchOptimizer.manners - {
        *(Manner.STRIDED, Manner.COLUMNS, Manner.LR_TENSOR),
        Manner.MIXED,  # with float64
    }
    state_names = ("step", "state1", "state2")
    optimizer_class = "Adam"
    options: ClassVar[dict[str, Any]] = {"optim_bits": 32}
    documented = Dialect(epsilon=Epsilon.BESIDE_HAT)
    promises: ClassVar[tuple[Promise, ...]] = (
        Promise("epsilon", f"{_PAGE.format('Adam')}, by its link: arXiv:1412.6980, Algorithm 1"),
        Promise(
            "weight_decay", f"{_PAGE.format('AdamW')} ('a variant of the Adam optimizer that separates …')"
        ),
    )
    # bitsandbytes/backends/cpu/ops.py, 0.50.2, _optimizer_update_32bit_cpu: w·(1 − lr·λ) in both classes.
    spoken = replace(documented, weight_decay=WeightDecay.DECOUPLED)
    # There: α·m / (√v + ε·√(1 − β2^t)), of scalars that are Python's floats, in float32 until w is stored.
    arithmetic = Arithmetic(power=Power.FLOAT64, hat=Hat.FOLDED)

    def prepare(self) -> str:
        super().prepare()
        import bitsandbytes

        self.bitsandbytes = bitsandbytes
        return str(bitsandbytes.__version__)

    def optimizer_type(self) -> Any:
        return getattr(self.bitsandbytes.optim, self.optimizer_class)

    def _made_with(self, group: Group, case: Case) -> dict[str, Any]:
        return self.arguments_of(group, case)  # AdamW's default decay is another

    def _count(self, t: int) -> int:
        return t

    def _moment(self, x: Any) -> Any:
        return self._tensor(x, self.torch.float32)


class AdamW(Adam):
    name = "bitsandbytes.AdamW"
    optimizer_class = "AdamW"
    documented = spoken = Adam.spoken


BACKENDS: tuple[type[Backend], ...] = (Adam, AdamW)
