"""The fingerprint finds every dialect of a toy optimizer, and says so where none fits."""

from dataclasses import fields

import pytest

from lazyadam.reference.dialect import Arithmetic, Dialect
from lazyadam.suites.conformance.fingerprint import fingerprint
from lazyadam.suites.instrument.toy import Toy
from lazyadam.suites.judge.step_by_step import step_by_step
from lazyadam.suites.judge.verdict import NONE_FITS

TURNED = {
    "duplicates": ("mean", "first", "last", "scattered", "squares_apart"),
    "epsilon": ("beside_hat", "inside_root", "floor"),
    "bias_correction": ("next", "none"),
    "step_count": ("optimizer", "row"),
    "untouched": ("dense", "dense_beside_root", "moments_decay"),
    "zero_rows": ("ignored",),
    "weight_decay": ("per_occurrence", "decoupled", "none"),
    "empty_gradient": ("skipped",),
    "maximum": ("of_stored", "of_corrected"),
}
SPOKEN = [
    {},
    *({axis: value} for axis, values in TURNED.items() for value in values if value != "dense_beside_root"),
    {"epsilon": "beside_hat", "untouched": "dense_beside_root"},
    {"duplicates": "squares_apart", "untouched": "dense"},
    {"epsilon": "beside_hat", "bias_correction": "next"},
    {"duplicates": "mean", "weight_decay": "decoupled"},
    {"maximum": "of_corrected", "epsilon": "beside_hat"},
    {"maximum": "of_stored", "bias_correction": "next"},
]


# Where one axis has this value, another makes no difference: no result can tell its values apart.
INDISTINCT = {
    ("duplicates", "scattered"): ("weight_decay", "coalesced|per_occurrence"),
    ("bias_correction", "none"): ("epsilon", "beside_hat|beside_root"),
    ("step_count", "optimizer"): ("empty_gradient", "counted|skipped"),
    ("step_count", "row"): ("empty_gradient", "counted|skipped"),
    ("untouched", "dense"): ("zero_rows", "ignored|touched"),
}


def test_every_value_of_every_axis_is_asked_for() -> None:
    """But for what a process in another state does, subnormals kept at times, and what takes two layouts."""
    others = {
        f.name: {value.name.lower() for value in type(getattr(Dialect(), f.name))} for f in fields(Dialect)
    }
    turned = {axis: {*values, getattr(Dialect(), axis).name.lower()} for axis, values in TURNED.items()}
    turned["bias_correction"].add("next_of_sparse")
    assert turned | {"subnormals": {"kept", "varies"}} == others


@pytest.mark.parametrize("speaks", SPOKEN, ids=lambda s: "-".join(f"{k}.{v}" for k, v in s.items()) or "lazy")
def test_every_axis_is_found(speaks: dict[str, str]) -> None:
    found = fingerprint(Toy, Toy(speaks).run_all)
    plain = {axis: getattr(Dialect(), axis).name.lower() for axis in (*TURNED, "subnormals")}
    for (axis, value), (other, alike) in INDISTINCT.items():
        if speaks.get(axis) == value:
            plain[other] = alike
    assert {axis: found.axes[axis] for axis in plain} == plain | speaks
    assert found.witness is None


@pytest.mark.slow
def test_a_difference_on_no_axis_fits_none() -> None:
    found = fingerprint(Toy, Toy(odd=True).run_all)
    assert found.axes["epsilon"] == NONE_FITS
    assert found.witness is not None
    assert max(p.w.size for p in found.witness.parameters) <= 32


@pytest.mark.parametrize("epsilon", ["beside_hat", "inside_root"])
def test_a_witness_of_an_axis_is_far_beyond_the_bound(epsilon: str) -> None:
    """The script that shows it may have to allow more than the judge does."""
    toy = Toy({"epsilon": epsilon})
    witness = fingerprint(Toy, toy.run_all).witness_against("epsilon", Dialect().epsilon)
    assert witness is not None
    assert step_by_step([witness], toy.run_all([witness]), Dialect(), Arithmetic()).worst[0] > 1000
