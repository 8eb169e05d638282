"""mindspore.LazyAdam.default.graph: On a CPU optimizer.target reads 'CPU' before it is set; once it is assigned 'CPU', sparse gradients in float64 are refused, which were taken before.

mindspore >=2.7,<2.11. Exits with 1 where expected and got differ."""
import mindspore as ms
import numpy as np
from mindspore import Tensor
from mindspore.common.sparse_tensor import RowTensorInner

ms.set_context(mode=ms.GRAPH_MODE, device_target="CPU")
lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((3, 2))
rows, values = np.array([1, 1, 2], int), np.array([[1.0, -1.0], [3.0, 0.5], [2.0, 1.0]])


def run(assigned):
    p = ms.Parameter(Tensor(w.astype("float64")), name="p")
    optimizer = ms.nn.LazyAdam([p], lr, beta1, beta2, eps)
    print(f"optimizer.target is {optimizer.target!r}{', and is assigned that' * assigned}")
    if assigned:
        optimizer.target, optimizer.unique = optimizer.target, optimizer.unique

    @ms.jit
    def step(rows, values):
        return optimizer((RowTensorInner(rows, values, (3, 2)),))

    seen = {}
    step(Tensor(rows.astype("int32")), Tensor(values.astype("float64")))
    for name, x in zip("wmv", (p, optimizer.moment1[0], optimizer.moment2[0])):
        seen[name, ''] = np.array(x.asnumpy())
    return seen


print("expected: the step is taken both times")
expected, got = run(assigned=False), run(assigned=True)
differ = [key for key, x in expected.items() if x.tobytes() != got[key].tobytes()]
for name, where in differ:
    x, y = expected[name, where], got[name, where]
    j = tuple(map(int, np.unravel_index(np.abs(y - x).argmax(), x.shape)))
    print(f"{name}{j}{where}: expected {x[j]:.9g}, got {y[j]:.9g}")
raise SystemExit(bool(differ))
