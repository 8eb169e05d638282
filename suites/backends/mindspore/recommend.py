"""The recommendation model of backends/torch/recommend.py, trained in MindSpore from the same weights.

    python recommend.py START.npz BATCHES.npz TARGET END.npz     TARGET: default or CPU

START: user, item and shop (rows, width), and the tower's four arrays; BATCHES: ids of each table (steps,
batch) and liked; END: the tables after the last step.
"""

import sys

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

TABLES = ("user", "item", "shop")
RATE, TOWER_RATE, WARM_UP = 0.02, 0.01, 50
ms.set_context(mode=ms.GRAPH_MODE)  # PyNative, the default, loses the rows of a sparse gradient


class Loss(nn.Cell):  # type: ignore[misc]
    """Binary cross entropy of the tower's answer to what three tables look up."""

    def __init__(self, layers: list[nn.EmbeddingLookup], tower: nn.Cell) -> None:
        super().__init__()
        self.user, self.item, self.shop = layers
        self.tower = tower

    def construct(self, user: Tensor, item: Tensor, shop: Tensor, liked: Tensor) -> Tensor:
        looked_up = ops.concat((self.user(user), self.item(item), self.shop(shop)), 1)
        logits = self.tower(looked_up).squeeze(1)
        ones = ops.ones_like(logits)
        return ops.binary_cross_entropy_with_logits(logits, liked, ones, ones)


class Step(nn.Cell):  # type: ignore[misc]
    """A training step: tables by LazyAdam, the tower by Adam."""

    def __init__(self, loss: Loss, of_tables: nn.LazyAdam, of_tower: nn.Adam) -> None:
        super().__init__(auto_prefix=False)
        self.of_tables, self.of_tower = of_tables, of_tower
        self.count = len(of_tables.parameters)
        parameters = ms.ParameterTuple([*of_tables.parameters, *of_tower.parameters])
        self.loss_and_gradients = ms.value_and_grad(loss, None, parameters)

    def construct(self, user: Tensor, item: Tensor, shop: Tensor, liked: Tensor) -> Tensor:
        loss, gradients = self.loss_and_gradients(user, item, shop, liked)
        self.of_tables(gradients[: self.count])
        self.of_tower(gradients[self.count :])
        return loss


start, batches, target = np.load(sys.argv[1]), np.load(sys.argv[2]), sys.argv[3]
layers = [
    nn.EmbeddingLookup(*start[name].shape, param_init=Tensor(start[name]), target="CPU", sparse=True)
    for name in TABLES
]
for name, layer in zip(TABLES, layers, strict=True):
    layer.embedding_table.name = name


def dense(name: str) -> nn.Dense:
    """A layer of the tower, from its start."""
    weight, bias = (Tensor(start[f"{name}.{x}"]) for x in ("weight", "bias"))
    return nn.Dense(*weight.shape[::-1], weight, bias)


tower = nn.SequentialCell(dense("tower.0"), nn.ReLU(), dense("tower.2"))
steps = len(batches["liked"])
warm_up = [min(1.0, (k + 1) / WARM_UP) for k in range(steps)]
of_tables = nn.LazyAdam([x.embedding_table for x in layers], learning_rate=[RATE * x for x in warm_up])
if target == "CPU":  # before the first step, and although it reads so already
    of_tables.target = "CPU"
of_tower = nn.Adam(tower.trainable_params(), learning_rate=[TOWER_RATE * x for x in warm_up])
step = Step(Loss(layers, tower), of_tables, of_tower)
for k in range(steps):
    step(*(Tensor(batches[name][k], ms.int32) for name in TABLES), Tensor(batches["liked"][k]))
np.savez(sys.argv[4], **{name: x.embedding_table.asnumpy() for name, x in zip(TABLES, layers, strict=True)})
