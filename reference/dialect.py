"""What implementations of LazyAdam mean, one axis at a time, and how they compute it.

A `Dialect` is one value on each axis of meaning; its defaults are the reference dialect. An
`Arithmetic` says how a backend obtains its scalars and which of several equal formulas it uses:
differences there are roundings, not meanings, and are replayed rather than judged.
"""

from dataclasses import dataclass
from enum import Enum


class Duplicates(Enum):
    """What several gradient rows with one index become."""

    SUM = "summed before the update"
    MEAN = "averaged before the update"
    FIRST = "the first counts, the others are lost"
    LAST = "the last counts, the others are lost"
    SCATTERED = "each updates from the old state; w takes every update, the moments keep the last"
    SQUARES_APART = "summed for m, and their squares summed apart for v"


class Epsilon(Enum):
    """Where epsilon stands in the denominator."""

    BESIDE_ROOT = "√v + ε, beside the root of the stored second moment"
    BESIDE_HAT = "√(v / (1 − β2^t)) + ε, beside the root of the corrected second moment"
    INSIDE_ROOT = "√(v + ε), inside the root of the stored second moment"
    FLOOR = "max(√(v / (1 − β2^t)), ε), the least that the root of the corrected second moment may be"

    @property
    def of_hat(self) -> bool:
        """Whether it stands beside √v̂, and not beside √v."""
        return self in (Epsilon.BESIDE_HAT, Epsilon.FLOOR)


class BiasCorrection(Enum):
    """Which t the corrections 1 − β^t take."""

    STEP = "the number of this step, from 1"
    NEXT = "the number of the next step"
    NEXT_OF_SPARSE = (
        "the number of the next step where the gradient is sparse, of this step where it is dense"
    )
    NONE = "no correction"


class StepCount(Enum):
    """Whose steps t counts."""

    PARAMETER = "each parameter counts the steps in which it had a gradient"
    OPTIMIZER = "the optimizer counts every step, for all parameters alike"
    ROW = "each row counts the steps in which it had a gradient"


class Untouched(Enum):
    """What happens to rows that a sparse gradient does not name."""

    FROZEN = "w, m and v stay bit for bit"
    DENSE = "updated as with a gradient of zero"
    DENSE_BESIDE_ROOT = "updated as with a gradient of zero, ε beside the root of the stored second moment"
    MOMENTS_DECAY = "m and v as with a gradient of zero, w stays"


class ZeroRows(Enum):
    """What happens to rows that a sparse gradient names with nothing but zeros."""

    TOUCHED = "updated like any row of the gradient"
    IGNORED = "treated as if they were not named"


class WeightDecay(Enum):
    """Where λ·w comes in."""

    COALESCED = "joins the gradient once, on the coalesced row"
    PER_OCCURRENCE = "joins the gradient once for each occurrence of the row"
    DECOUPLED = "lr·λ·w is taken from w, the moments don't see it"
    NONE = "nowhere"


class EmptyGradient(Enum):
    """What a sparse gradient without rows does to the step count."""

    COUNTED = "the step counts, nothing is updated"
    SKIPPED = "nothing happens, the step does not count"


class Maximum(Enum):
    """Whether the largest second moment that there was stands in the denominator (AMSGrad)."""

    NONE = "no: the second moment itself does"
    OF_STORED = "yes, the largest v, which is corrected where v would be"
    OF_CORRECTED = "yes, the largest v̂ = v / (1 − β2^t), as each was corrected in its own step"


class Subnormals(Enum):
    """What becomes of operands and results below the least normal number."""

    KEPT = "they keep their value"
    VARIES = "they may become zero, at times"


@dataclass(frozen=True)
class Dialect:
    """One value on each axis of meaning; the defaults are the reference dialect."""

    duplicates: Duplicates = Duplicates.SUM
    epsilon: Epsilon = Epsilon.BESIDE_ROOT
    bias_correction: BiasCorrection = BiasCorrection.STEP
    step_count: StepCount = StepCount.PARAMETER
    untouched: Untouched = Untouched.FROZEN
    zero_rows: ZeroRows = ZeroRows.TOUCHED
    weight_decay: WeightDecay = WeightDecay.COALESCED
    empty_gradient: EmptyGradient = EmptyGradient.COUNTED
    maximum: Maximum = Maximum.NONE
    subnormals: Subnormals = Subnormals.KEPT


class Storage(Enum):
    """The precision in which hyperparameters are kept."""

    FLOAT64 = "float64, as written"
    FLOAT32 = "rounded to float32"
    TEXT = "float64, and handed over as text, which is read as float32 for tensors of every type"
    TENSOR = "float64, and rounded to the tensor's own type where they meet it, that of 16 bits too"
    FLOAT32_RATE = "so too, but the learning rate rounded to float32 before"
    WORKING = "rounded to the working precision: to float32 for tensors of at most 32 bits"
    RATE = "lr rounded to float32, for tensors of every type, and the others as written"
    RATES = "lr and λ rounded to float32, for tensors of every type, and the others as written"
    VARIABLES = "lr and β rounded to float32, for tensors of every type, and ε as written"


class Power(Enum):
    """How β^t is obtained, and in which precision the step size follows from it."""

    EXACT = "1 − β^t without cancellation, in float64"
    FLOAT64 = "a float64 power and float64 scalars, the step size rounded to the working precision"
    FLOAT64_PRODUCT = "a float64 running product and float64 scalars, as in TensorFlow"
    FLOAT32_PRODUCT = "a float32 running product and float32 scalars"
    FLOAT32_PRODUCT_CAST = "a float32 running product, and scalars in the working precision"
    FLOAT32_POWER = "a float32 power, which may be some ulps off, and float32 scalars"
    FLOAT64_POWER = "a float64 power, which may be some ulps off, and float64 scalars"
    WORKING_POWER = "a power in the working precision, which may be some ulps off, and scalars in it"
    OWN_POWER = (
        "a power in the tensor's own type, of t rounded to it and of β, of a float32 one unless lr alone is "
        "kept so, and scalars in that type"
    )
    WORKING_PRODUCT = "a running product in the working precision, and scalars in it"
    OF_CORRECTED = (
        "x / (1 − β^t) is kept of each moment, and averaged with weights that sum to 1, of which one is "
        "1 − (1 − β) / (1 − β^t) in the working precision, and may be some of its u off; lr·t / t in float32"
    )


class StepSize(Enum):
    """In which order α = lr·√(1 − β2^t) / (1 − β1^t) is computed."""

    PRODUCT_FIRST = "(lr·√(1 − β2^t)) / (1 − β1^t)"
    QUOTIENT_FIRST = "lr·(√(1 − β2^t) / (1 − β1^t))"


class Average(Enum):
    """How a moving average is written, which decides what its β really is."""

    BOTH = "β·x + ω·y, with β and ω = 1 − β each rounded to the working precision"
    COMPLEMENT = "β·x + ω·y, with β as it meets the tensor, and ω = 1 − that number"
    OMEGA = "x + ω·(y − x), with ω rounded to the working precision, so that its β is 1 − ω"
    ROOT = "β·x + (√ω·y)², of a second moment, with √ω rounded, so that its ω is that number's square"


class Hat(Enum):
    """Where √(1 − β2^t) goes, if ε stands beside √v̂."""

    DIVIDES = "√v is divided by it"
    MULTIPLIES = "√v is multiplied by its reciprocal, a scalar"
    MOMENTS = "into v / (1 − β2^t), as m / (1 − β1^t) has its own, before the root and the learning rate"
    INTO_DENOMINATOR = "beside the step size, into √v and ε, so that m is divided by √v̂/α + ε/α"
    FOLDED = "into α and ε, as in the last lines of the paper's section 2, with ε̂ = ε·√(1 − β2^t)"


@dataclass(frozen=True)
class Arithmetic:
    """How a backend computes: its scalar chain, and the error of its root and its division.

    root_error, division_error: in units of u, 1 for IEEE operations. power_ulps: how far a power that may be
    some ulps off may be from the number nearest to it (powf of glibc: 1, of CUDA: 4). step_size_error: of a
    step size that follows from the powers in float32, or in the tensor's own type, in units of that type's u:
    0 for the order of step_size with each operation rounded, which is replayed; 3 for a root, a product and a
    quotient in any order; 6 where ε has a quotient of its own, which it and two reciprocals enter too.
    """

    storage: Storage = Storage.FLOAT64
    power: Power = Power.EXACT
    first_average: Average = Average.BOTH
    second_average: Average = Average.BOTH
    hat: Hat = Hat.DIVIDES
    root_error: float = 1.0
    division_error: float = 1.0
    power_ulps: int = 2
    step_size_error: float = 0.0
    step_size: StepSize = StepSize.PRODUCT_FIRST
