"""One row of gradient for an embedding of gluon, whose weights are dense: which rows move in a later step?"""

import json

import mxnet as mx

embedding = mx.gluon.nn.Embedding(4, 2, sparse_grad=True)
embedding.initialize(mx.init.One())
adam = mx.optimizer.Adam(learning_rate=0.1, lazy_update=True)
trainer = mx.gluon.Trainer(embedding.collect_params(), adam, kvstore=None)
for row in (0, 1):
    before = embedding.weight.data().asnumpy()
    with mx.autograd.record():
        loss = embedding(mx.nd.array([row])).sum()
    loss.backward()
    trainer.step(1)
assert embedding.weight.data().stype == "default"
moved = (embedding.weight.data().asnumpy() != before).any(axis=1).nonzero()[0]
print(json.dumps({"moved": moved.tolist()}))
