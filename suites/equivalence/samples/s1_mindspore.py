"""Sample S1: a dense layer with mean absolute error, trained by LazyAdam in MindSpore's default mode."""

import mindspore
import numpy as np
from mindspore import nn

mindspore.set_seed(0)
net = nn.Dense(2, 3)
loss_function = nn.MAELoss()
optimizer = nn.LazyAdam(net.trainable_params())
x = mindspore.Tensor(np.array([[1, 2], [3, 4]], np.float32))
target = mindspore.Tensor(np.zeros((2, 3), np.float32))


def forward(x: mindspore.Tensor, target: mindspore.Tensor) -> tuple[mindspore.Tensor, mindspore.Tensor]:
    output = net(x)
    return loss_function(output, target), output


gradient_function = mindspore.value_and_grad(forward, None, optimizer.parameters, has_aux=True)
for _ in range(3):
    (loss, _), gradients = gradient_function(x, target)
    optimizer(gradients)
    print("loss", float(loss))
