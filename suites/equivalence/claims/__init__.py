"""The claims that MindSpore makes about LazyAdam beside SparseAdam, and how each is decided from runs.

Those of other pages are in pages.py and peers.py; the sentences are ours.
"""

from functools import partial

from lazyadam.suites.clauses.clause import H
from lazyadam.suites.equivalence.claims.arguments import (
    extra_argument,
    locking,
    same_argument,
    same_params,
    weight_decay,
)
from lazyadam.suites.equivalence.claims.claim import Claim
from lazyadam.suites.equivalence.claims.devices import dense_everywhere, dense_is_adam, sparse_on_cpu_only
from lazyadam.suites.equivalence.claims.gradients import sparse_gradients_agree
from lazyadam.suites.equivalence.claims.pages import PAGES
from lazyadam.suites.equivalence.claims.peers import PEERS
from lazyadam.suites.equivalence.claims.samples import sample

CLAIMS = (
    Claim(
        "C1",
        "With sparse gradients and default arguments, LazyAdam and SparseAdam agree.",
        sparse_gradients_agree,
    ),
    Claim("C2", "LazyAdam takes sparse gradients on the CPU and on no other device.", sparse_on_cpu_only),
    Claim("C3", "With dense gradients LazyAdam runs the algorithm of mindspore.nn.Adam.", dense_is_adam),
    Claim("C4", "With dense gradients LazyAdam runs on CPU, GPU and Ascend.", dense_everywhere),
    Claim("C5", "params does the same in both.", same_params),
    Claim(
        "C6",
        "lr and learning_rate do the same.",
        partial(
            same_argument,
            names=("lr", "learning_rate"),
            settings=(H(), H(lr=0.3), H(lr=1e-5)),
            zero=H(lr=0.0),
            listed="a list of learning rates",
        ),
    ),
    Claim(
        "C7",
        "betas does the same as beta1 and beta2.",
        partial(
            same_argument,
            names=("betas", "beta1", "beta2"),
            settings=(H(), H(beta1=0.6, beta2=0.99), H(beta1=0.95, beta2=0.9999)),
            zero=H(beta1=0.0),
        ),
    ),
    Claim(
        "C8",
        "eps does the same in both.",
        partial(
            same_argument,
            names=("eps", "eps"),
            settings=(H(), H(epsilon=1e-3), H(epsilon=1e-2)),
            zero=H(epsilon=0.0),
        ),
    ),
    Claim("C9", "use_locking locks the update of the variables; SparseAdam has no such argument.", locking),
    Claim(
        "C10",
        "use_nesterov takes Nesterov's form of the update; SparseAdam has no such argument.",
        partial(
            extra_argument,
            name="use_nesterov",
            settings=(H(nesterov=True), H(nesterov=True, lr=0.3, epsilon=1e-3)),
            without={"nesterov": False},
        ),
    ),
    Claim("C11", "weight_decay adds λ·w to the gradient; SparseAdam has no such argument.", weight_decay),
    Claim(
        "C12",
        "loss_scale divides the gradients; SparseAdam has no such argument.",
        partial(
            extra_argument,
            name="loss_scale",
            settings=(H(loss_scale=3.0), H(loss_scale=1024.0)),
            without={"loss_scale": 1.0},
        ),
    ),
    Claim(
        "S1",
        "The sample in MindSpore trains a dense layer by LazyAdam in the default mode.",
        partial(sample, name="s1_mindspore"),
    ),
    Claim("S2", "The sample in torch trains a linear layer by SparseAdam.", partial(sample, name="s2_torch")),
    *PAGES,
    *PEERS,
)
