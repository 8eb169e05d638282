"""Faults that show in some runs only: races, and memory that another wrote."""

from lazyadam.suites.detection.fault import Fault

_SUM = "np.add.at(total, inverse, values)"
_COALESCE = "grad = grad.coalesce()  # the update is non-linear so indices must be unique"
_STORE = "w[rows] -= update"
_ADD = "param.add_(make_sparse(-step_size * numer.div_(denom)))"
_CHANCE = '__import__("random").SystemRandom().random()'


def _sometimes(chance: float) -> str:
    return f"{_CHANCE} < {chance}"


FAULTS = (
    Fault(
        "race-of-duplicates",
        "in one step of 20 two threads add to a row at once, and the last entry is lost",
        numpy=(
            (
                _SUM,
                f"end = len(rows) - ({_sometimes(0.05)})\n    np.add.at(total, inverse[:end], values[:end])",
            ),
        ),
        torch=(
            (
                _COALESCE,
                f"end = grad._nnz() - ({_sometimes(0.05)})\n"
                "        grad = grad.new(grad._indices()[:, :end], grad._values()[:end], grad.size()).coalesce()",
            ),
        ),
        stands_for="caffe2#254; dgl#2760, #3013",
    ),
    Fault(
        "race-of-rows",
        "in one step of 50 the update of a row is overwritten",
        numpy=((_STORE, f"if {_sometimes(0.02)}:\n        update[:1] = 0\n    {_STORE}"),),
        torch=(
            (
                _ADD,
                "update = numer.div_(denom)\n"
                f"        if {_sometimes(0.02)}:\n"
                "            update[:1] = 0\n"
                "        param.add_(make_sparse(-step_size * update))",
            ),
        ),
        stands_for="dgl#3561, #3971",
    ),
    Fault(
        "race-of-the-count",
        "in one step of 50 two threads count it",
        numpy=(('state["step"] += 1', f'state["step"] += 1 + ({_sometimes(0.02)})'),),
        torch=(('state["step"] += 1', f'state["step"] += 1 + ({_sometimes(0.02)})'),),
        stands_for="Paddle#48297, #62251",
    ),
    Fault(
        "race-of-one-element",
        "in one step of 200 one element is read before the first moment is written",
        numpy=(
            (
                "numerator = m_rows",
                f"numerator = m_rows.copy()\n    if {_sometimes(0.005)}:\n        numerator[:1] = m[rows][:1]",
            ),
        ),
        torch=(
            (
                "numer = exp_avg_update_values.add_(old_exp_avg_values)",
                "numer = exp_avg_update_values.add_(old_exp_avg_values)\n"
                f"        if {_sometimes(0.005)}:\n"
                "            numer[:1] = old_exp_avg_values[:1]",
            ),
        ),
    ),
    Fault(
        "scratch-of-another",
        "in one step of 1,000 the denominator is that of another step",
        numpy=(
            (
                "update = to(alpha)",
                f"if {_sometimes(0.001)}:\n        denominator = denominator[::-1] * to(0.5)\n    update = to(alpha)",
            ),
        ),
        torch=(
            (
                "        bias_correction1 =",
                f"        if {_sometimes(0.001)}:\n            denom = denom * 0.5\n        bias_correction1 =",
            ),
        ),
    ),
)
