"""mxnet.optimizer.Adam, with lazy updates and with standard ones (MXNet 1.9.1)."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Average, Dialect, Power, Storage, Untouched
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend, Promise
from lazyadam.suites.backends.peers import python_of
from lazyadam.suites.backends.states import as_float64
from lazyadam.suites.cases.case import Case, Gradient, Group, State, Step
from lazyadam.suites.cases.training import Layer, Training

_PAGE = "mxnet.optimizer.Adam documentation, 1.9.1"


class Adam(Backend):
    """Lazy where weights and gradient are row_sparse. Gradients come from MXNet's own embedding."""

    name = "mxnet.Adam.lazy"
    framework = "mxnet"
    mode = "eager"
    spec = f"popen//python={python_of('mxnet')}"
    devices = ("cpu",)
    dtypes: ClassVar[tuple[str, ...]] = ("float32", "float64")
    dense_dtypes: ClassVar[tuple[str, ...]] = ("float16", "float32", "float64")
    layouts = frozenset({"sparse", "dense"})
    hyperparameters = frozenset({"weight_decay", "loss_scale"})
    # mxnet/optimizer/optimizer.py, 1.9.1: attributes, read in every update.
    grouped = changing = frozenset({"lr", "beta1", "beta2", "epsilon", "weight_decay", "loss_scale"})
    layers = (
        Layer("gluon.nn.Embedding(sparse_grad=True)", "Trainer"),
        Layer("gluon.contrib.nn.SparseEmbedding()", "Trainer"),
        Layer("gluon.nn.Embedding()", "Trainer", sparse=False),
    )
    documented = spoken = Dialect()
    promises: ClassVar[tuple[Promise, ...]] = (
        Promise("epsilon", f"{_PAGE} ('w[row] - lr * m[row] / (sqrt(v[row]) + epsilon)')"),
        Promise("untouched", f"{_PAGE} ('only updates the mean and var for the weights whose row_sparse …')"),
        Promise("weight_decay", f"{_PAGE} ('grad[row] * rescale_grad + wd * weight[row]')"),
    )
    # mxnet/optimizer/optimizer.py, 1.9.1: a float64 power, lr·√(1 − β2^t) / (1 − β1^t), handed over as text;
    # src/operator/optimizer_op-inl.h: β·x + (1.f − β)·y, of the β that is read from it.
    arithmetic = Arithmetic(Storage.TEXT, Power.FLOAT64, Average.COMPLEMENT, Average.COMPLEMENT)
    lazy: ClassVar[bool] = True

    def prepare(self) -> str:
        import mxnet

        self.mx = mxnet
        return str(mxnet.__version__)

    def build(self, case: Case) -> None:
        self.dtype = case.dtype
        self.weights = [self._stored(p.w) for p in case.parameters]
        self.updaters: dict[int, Any] = {}  # of the parameters: one for each group
        for group in case.groups:
            updater = self._updater(group.hyperparameters)
            updater.optimizer.num_update = case.t
            for i in group.parameters:
                p = case.parameters[i]
                updater.states[i] = (self._stored(p.m), self._stored(p.v))
                updater.states_synced[i] = True
                updater.optimizer._index_update_count[i] = case.t
                self.updaters[i] = updater

    def _updater(self, h: Hyperparameters) -> Any:
        given = {"learning_rate": h.lr, "beta1": h.beta1, "beta2": h.beta2, "epsilon": h.epsilon}
        more = {"wd": h.weight_decay, "rescale_grad": 1 / h.loss_scale, "lazy_update": self.lazy}
        return self.mx.optimizer.get_updater(self.mx.optimizer.Adam(**given, **more))

    def _stored(self, x: np.ndarray) -> Any:
        """Weights of a lazy update are row_sparse, with every row; its moments are as they are."""
        if not self.lazy:
            return self.mx.nd.array(x, dtype=self.dtype)
        return self._rows(x.astype(self.dtype), np.arange(len(x)), x.shape)

    def _rows(self, values: Any, rows: Any, shape: tuple[int, ...]) -> Any:
        return self.mx.nd.sparse.row_sparse_array((values, rows), shape=shape, dtype=self.dtype)

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        given = []
        for p, gradient in zip(case.parameters, step.gradients, strict=True):
            if gradient is None:
                raise ValueError("a gradient of None: every parameter that is updated has a gradient")
            given.append(self._gradient(gradient, p.w.shape, case))
        self.given = given

        def take() -> None:
            for i, gradient in enumerate(given):
                self.updaters[i](i, gradient, self.weights[i])
            self.mx.nd.waitall()

        return take

    def _gradient(self, g: Gradient, shape: tuple[int, ...], case: Case) -> Any:
        """Dense; or as MXNet's embedding hands it to the optimizer: rows that repeat are summed there."""
        nd = self.mx.nd
        if g.rows is None:
            return nd.array(g.values, dtype=case.values_dtype)
        if not len(g.rows):
            return nd.sparse.zeros("row_sparse", shape, dtype=self.dtype)
        width = int(np.prod(shape[1:]))
        table = nd.zeros((shape[0], width), dtype=self.dtype)
        # attach_grad would make a gradient of float32, whatever the table is
        self.mx.autograd.mark_variables(
            [table], [nd.sparse.zeros("row_sparse", table.shape, dtype=self.dtype)]
        )
        ids = nd.array(g.rows, dtype=case.rows_dtype("int64"))
        with self.mx.autograd.record():
            looked_up = nd.Embedding(
                ids, table, input_dim=shape[0], output_dim=width, sparse_grad=True, dtype=self.dtype
            )
        looked_up.backward(nd.array(g.values.reshape(len(g.rows), width), dtype=self.dtype))
        data = table.grad.data.reshape((-1, *shape[1:]))
        return self._rows(data, table.grad.indices, shape)

    def training_step(
        self, training: Training, layer: Layer
    ) -> Callable[[np.ndarray, np.ndarray], tuple[float, Gradient]]:
        nd, gluon, whole = self.mx.nd, self.mx.gluon, "SparseEmbedding" in layer.layer
        made = gluon.contrib.nn.SparseEmbedding if whole else gluon.nn.Embedding
        options = {} if whole else {"sparse_grad": layer.sparse}
        net = made(
            *training.table.shape,
            weight_initializer=self.mx.init.Constant(nd.array(training.table)),
            **options,
        )
        net.initialize()
        (group,) = training.start.groups
        # a table of row_sparse is updated where a store keeps it, any other where it is
        trainer = gluon.Trainer(
            net.collect_params(),
            self._updater(group.hyperparameters).optimizer,
            kvstore="local" if whole else None,
        )

        def take(ids: np.ndarray, targets: np.ndarray) -> tuple[float, Gradient]:
            with self.mx.autograd.record():
                loss = ((net(nd.array(ids)) - nd.array(targets)) ** 2).mean()
            loss.backward()
            gradient = net.weight.list_grad()[0]
            self.given = [gradient.copy()]
            trainer.step(1)
            updater = trainer._kvstore._updater if whole else trainer._updaters[0]
            self.updaters = {0: updater}
            self.weights = [
                net.weight.row_sparse_data(nd.arange(len(training.table))) if whole else net.weight.data()
            ]
            return float(loss.asscalar()), self._delivered(self.given[0])

        return take

    def _delivered(self, gradient: Any) -> Gradient:
        if gradient.stype == "default":
            return Gradient(gradient.asnumpy().astype(np.float64))
        return Gradient(gradient.data.asnumpy().astype(np.float64), gradient.indices.asnumpy())

    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        for group in groups:
            h, o = group.hyperparameters, self.updaters[group.parameters[0]].optimizer
            o.lr, o.beta1, o.beta2, o.epsilon = h.lr, h.beta1, h.beta2, h.epsilon
            o.wd, o.rescale_grad = h.weight_decay, 1 / h.loss_scale

    def reload(self, case: Case) -> None:
        for group in case.groups:
            saved = self.updaters[group.parameters[0]].get_states(dump_optimizer=True)
            loaded = self._updater(Hyperparameters())
            loaded.set_states(saved)
            self.updaters |= dict.fromkeys(group.parameters, loaded)

    def look(self) -> State:
        parameters = range(len(self.weights))
        w = [x.asnumpy() for x in self.weights]
        m, v = ([self.updaters[i].states[i][q].asnumpy() for i in parameters] for q in (0, 1))
        return w, m, v, [self.updaters[i].optimizer._index_update_count[i] for i in parameters]

    def state(self) -> State:
        return as_float64(self.look())

    def path(self) -> dict[str, str]:
        weight, gradient = self.weights[0], self.given[0]
        return {
            "mode": self.mode,
            "device": weight.context.device_type,
            "dtype": np.dtype(weight.dtype).name,
            "layout": "sparse" if gradient.stype == "row_sparse" else "dense",
        }

    def kept(self, step: Step) -> bool:
        return True


class StandardAdam(Adam):
    """Every row is updated, whatever the gradient names."""

    name = "mxnet.Adam.standard"
    lazy = False
    documented = spoken = Dialect(untouched=Untouched.DENSE)
    promises = (
        Promise("epsilon", f"{_PAGE} ('w = w - lr * m / (sqrt(v) + epsilon)')"),
        Promise("untouched", f"{_PAGE} ('Otherwise, standard updates')"),
    )


BACKENDS: tuple[type[Backend], ...] = (Adam, StandardAdam)
