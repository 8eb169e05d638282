"""What the pages of frameworks that have environments of their own say; the sentences are ours."""

from functools import partial

from lazyadam.reference.dialect import (
    BiasCorrection,
    Duplicates,
    Epsilon,
    StepCount,
    Untouched,
    WeightDecay,
)
from lazyadam.suites.equivalence.claims.axes import first_step
from lazyadam.suites.equivalence.claims.claim import Claim
from lazyadam.suites.equivalence.claims.pages import page

ADDONS = "tfa.optimizers.LazyAdam, docstring, 0.23"
LEGACY = "keras.optimizers.legacy.Adam, docstring, 2.15"
KERAS = "keras.optimizers.Adam, docstring, 3.15"
PADDLE = "paddle.optimizer.Adam, docstring, 3.3"
DGL = "dgl.optim.SparseAdam, docstring, 1.1.3"
OPTAX = "optax.adam, docstring, 0.2.8"
MLX = "mlx.optimizers.Adam, docstring, 0.32"
BITSANDBYTES = "bitsandbytes.optim.AdamW, documentation, 0.50"
EPSILON_HAT = "ε is ε̂ of the paper: it is added to the root of the stored v."


def _defaults(id: str, name: str, address: str, framework: str) -> Claim:
    """In bfloat16, whose nearest number to 0.999 is 1."""
    text = "With default arguments a first gradient enters v by 1 − β2, and moves w; no type is excepted."
    return Claim(id, text, partial(first_step, name=name, dtype="bfloat16"), address, framework)


PEERS = (
    *page(
        "tensorflow-addons",
        ADDONS,
        "A",
        (
            "Of a sparse variable the moments of the rows that appear are updated, not those of all rows.",
            "tensorflow-addons.LazyAdam.eager",
            Untouched.FROZEN,
        ),
        (EPSILON_HAT, "tensorflow-addons.LazyAdam.eager", Epsilon.BESIDE_ROOT),
    ),
    _defaults("A3", "tensorflow-addons.LazyAdam.eager", ADDONS, "tensorflow-addons"),
    *page(
        "keras",
        LEGACY,
        "K",
        (
            "Sparse gradients do what dense ones do: the moments of all rows decay, and move w.",
            "keras.Adam.legacy.eager",
            Untouched.DENSE,
        ),
        (
            "Sparse gradients do what dense ones do: a row that is named twice has the sum.",
            "keras.Adam.legacy.eager",
            Duplicates.SUM,
        ),
        (EPSILON_HAT, "keras.Adam.legacy.eager", Epsilon.BESIDE_ROOT),
    ),
    _defaults("K4", "keras.Adam.legacy.eager", LEGACY, "keras"),
    *page(
        "keras",
        KERAS,
        "N",
        (EPSILON_HAT, "keras.Adam.tensorflow", Epsilon.BESIDE_ROOT),
        (
            "It implements Adam: v is an average of the squared gradient, of rows named twice too.",
            "keras.Adam.tensorflow",
            Duplicates.SUM,
        ),
    ),
    _defaults("N3", "keras.Adam.tensorflow", KERAS, "keras"),
    *page(
        "paddle",
        PADDLE,
        "P",
        ("In lazy mode only what has a gradient is updated.", "paddle.Adam.lazy", Untouched.FROZEN),
        (
            "Without lazy mode sparse gradients update every element as dense ones do.",
            "paddle.Adam.standard",
            Untouched.DENSE,
        ),
        ("ε is added to the root of the stored v.", "paddle.Adam.lazy", Epsilon.BESIDE_ROOT),
        ("The corrections take the number of the step.", "paddle.Adam.lazy", BiasCorrection.STEP),
    ),
    *page(
        "dgl",
        DGL,
        "D",
        ("Only rows that have a gradient are updated.", "dgl.SparseAdam", Untouched.FROZEN),
        ("ε is added to the denominator √v̂.", "dgl.SparseAdam", Epsilon.BESIDE_HAT),
        ("The corrections take the step t, one for all rows.", "dgl.SparseAdam", StepCount.PARAMETER),
        ("Moments take the gradient of a row: the sum of its occurrences.", "dgl.SparseAdam", Duplicates.SUM),
    ),
    *page(
        "optax",
        OPTAX,
        "O",
        ("ε is added outside of the root, to √v̂.", "optax.adam.eager", Epsilon.BESIDE_HAT),
        ("m̂ and v̂ are corrected by the number of the step.", "optax.adam.eager", BiasCorrection.STEP),
    ),
    _defaults("O3", "optax.adam.eager", OPTAX, "optax"),
    *page(
        "mlx",
        MLX,
        "X",
        ("There is no bias correction by default.", "mlx.Adam.default", BiasCorrection.NONE),
        ("bias_correction applies it.", "mlx.Adam.corrected", BiasCorrection.STEP),
        ("ε is added to the root of the stored v.", "mlx.Adam.default", Epsilon.BESIDE_ROOT),
    ),
    _defaults("X4", "mlx.Adam.default", MLX, "mlx"),
    *page(
        "bitsandbytes",
        BITSANDBYTES,
        "B",
        ("AdamW separates weight decay from the gradient.", "bitsandbytes.AdamW", WeightDecay.DECOUPLED),
        ("Adam, of which it is a variant, does not.", "bitsandbytes.Adam", WeightDecay.COALESCED),
    ),
)
