"""paddle.Adam.standard: rows that a sparse gradient does not name take what an earlier gradient had for them.

paddle ==3.3.1, selected_rows/cpu/adam_kernel.cc: a row is looked for in the gradient's list of rows, and past
its end. Here the memory behind the list still has a row of the gradient before. Exits with 1 where m of a row
that is not named is not β1·m.
"""

import numpy as np
import paddle

w = paddle.nn.Parameter(paddle.ones([4, 2]))
w._set_grad_type(paddle.base.core.VarDesc.VarType.SELECTED_ROWS)
adam = paddle.optimizer.Adam(0.001, 0.9, 0.999, 1e-8, [w], lazy_mode=False)
m = np.zeros((4, 2))
for rows in ([0, 1, 2, 3], [0, 1, 2], [0]):
    table = paddle.nn.Parameter(paddle.zeros([4, 2]))
    read = paddle.nn.functional.embedding(paddle.to_tensor(np.array(rows)), table, sparse=True)
    read.backward(paddle.full([len(rows), 2], 7.0))
    w.grad = table.grad
    adam.step()
    m *= 0.9
    m[rows] += (1 - 0.9) * 7.0
    got = adam._get_accumulator("moment1", w).numpy()
    print(f"rows {rows}: expected m {m[:, 0]}, got {got[:, 0]}")
raise SystemExit(not np.allclose(got, m, rtol=1e-5))
