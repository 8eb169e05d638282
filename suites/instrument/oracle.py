"""An independent evaluation of LazyAdam in 50 digits: mpmath, one element at a time, no NumPy."""

from mpmath import mp, mpf, sqrt

from lazyadam.reference.scalars import Hyperparameters

mp.dps = 50


def alpha(h: Hyperparameters, t: int) -> mpf:
    """lr·√(1 − β2^t) / (1 − β1^t)."""
    return mpf(h.lr) * sqrt(1 - mpf(h.beta2) ** t) / (1 - mpf(h.beta1) ** t)


def step(w: float, m: float, v: float, g: list[float], h: Hyperparameters, t: int) -> tuple[mpf, mpf, mpf]:
    """The change of w, and the new m and v, of one element whose row stands len(g) times."""
    total = sum(mpf(x) for x in g)
    if h.maximize:
        total = -total
    total = total / mpf(h.loss_scale) + mpf(h.weight_decay) * mpf(w)
    b1, b2 = mpf(h.beta1), mpf(h.beta2)
    new_m = b1 * mpf(m) + (1 - b1) * total
    new_v = b2 * mpf(v) + (1 - b2) * total**2
    numerator = b1 * new_m + (1 - b1) * total if h.nesterov else new_m
    return -alpha(h, t) * numerator / (sqrt(new_v) + mpf(h.epsilon)), new_m, new_v
