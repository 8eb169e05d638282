"""AMSGrad: a right optimizer of torch that keeps the largest second moment is green, a faulty one is red."""

from typing import Any

import pytest

from lazyadam.suites.backends.torch.backends import AmsgradLoop
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.examine import examine
from lazyadam.suites.conformance.fingerprint import fingerprint
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.detection.kill import BUDGET, Here, applicable

FEW = ("update-rule", "special-values")  # which are enough

RIGHT = """
class Amsgrad(torch.optim.Adam):
    @torch.no_grad()
    def step(self, closure=None):
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            (beta1, beta2), eps = group["betas"], group["eps"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["step"] = torch.tensor(0.0)
                    for name in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"):
                        state[name] = torch.zeros_like(p)
                m, v, largest = state["exp_avg"], state["exp_avg_sq"], state["max_exp_avg_sq"]
                state["step"] += 1
                t = state["step"].item()
                g = -p.grad if group["maximize"] else p.grad
                if group["weight_decay"]:
                    g = g.add(p, alpha=group["weight_decay"])
                m.lerp_(g, 1 - beta1)
                v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
                torch.maximum(largest, v, out=largest)
                root = (1 - beta2**t) ** 0.5
                p.addcdiv_(m, (largest.sqrt() / root).add_(eps), value=-group["lr"] / (1 - beta1**t))
        return loss
"""
MAXIMUM = "torch.maximum(largest, v, out=largest)"
ROOT = "largest.sqrt()"
FAULTS = {
    "the largest is not kept": (MAXIMUM, "largest = torch.maximum(largest, v)"),
    "the largest is not used": (ROOT, "v.sqrt()"),
    "the largest of the step before is used": (
        MAXIMUM,
        f"before = largest.clone(); {MAXIMUM}",
        ROOT,
        "torch.maximum(before, 0 * v).sqrt()",
    ),
    "the smallest is kept": (MAXIMUM, "torch.minimum(largest, v, out=largest)"),
    "the largest stands for v afterwards": (MAXIMUM, f"{MAXIMUM}; v.copy_(largest)"),
    "the largest fades": (MAXIMUM, "torch.maximum(largest * beta2, v, out=largest)"),
    "the largest is that of a row": (
        MAXIMUM,
        f"{MAXIMUM}; largest.copy_(largest.amax(-1, True).expand_as(v))",
    ),
    "the largest forgets NaN": (
        MAXIMUM,
        "largest.copy_(torch.where(largest > v, largest, v).nan_to_num(0.0))",
    ),
    "the largest is that of the squares": (
        MAXIMUM,
        "torch.maximum(largest, (1 - beta2) * g * g, out=largest)",
    ),
    "the largest is not corrected": (f"{ROOT} / root", ROOT),
    "the largest is that of v before the step": (
        "v.mul_(beta2)",
        "largest.copy_(largest.maximum(v)); v.mul_(beta2)",
        MAXIMUM,
        "pass",
    ),
    "the largest is rounded to bfloat16": (MAXIMUM, f"{MAXIMUM}; largest.copy_(largest.bfloat16())"),
    "the largest is kept of the last 2 steps": (MAXIMUM, "largest.copy_(v if t % 2 else largest.maximum(v))"),
    "the largest is corrected before": (MAXIMUM, "torch.maximum(largest, v / (1 - beta2**t), out=largest)"),
}


def backend(*edits: str) -> Any:
    source = RIGHT
    for old, new in zip(edits[::2], edits[1::2], strict=True):
        assert old in source
        source = source.replace(old, new)

    class Own(AmsgradLoop):
        name = "own.Amsgrad"

        def optimizer_type(self) -> Any:
            names = {"torch": self.torch}
            exec(source, names)
            return names["Amsgrad"]

    return Own


@pytest.mark.parametrize("few", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_right_optimizer_is_green(few: bool) -> None:
    """But that torch loads a state into a second optimizer without copying it."""
    here = Here(backend()("cpu"))
    for clause in applicable(here, "float32"):
        if not clause.free and clause.id != "two-optimizers" and (clause.id in FEW or not few):
            assert not examine(Sample(clause, here.backend, "float32", 0, BUDGET), here).new, clause.id
    assert fingerprint(here.backend, here.run).axes["maximum"] == "of_stored"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_optimizer_is_red(fault: str) -> None:
    here = Here(backend(*FAULTS[fault])("cpu"))
    clauses = [CLAUSES[x] for x in FEW]
    assert any(examine(Sample(x, here.backend, "float32", 0, BUDGET), here).new for x in clauses)


@pytest.mark.parametrize(
    ("edits", "value"),
    [
        ((ROOT, "v.sqrt()"), "none"),
        ((MAXIMUM, FAULTS["the largest is corrected before"][1], f"({ROOT} / root)", ROOT), "of_corrected"),
    ],
    ids=["none", "of_corrected"],
)
def test_what_the_largest_is_of_is_found(edits: tuple[str, ...], value: str) -> None:
    here = Here(backend(*edits)("cpu"))
    assert fingerprint(here.backend, here.run).axes["maximum"] == value
