"""How fast the reference is beside torch.optim.SparseAdam, and what verification costs.

Medians of paired ratios over interleaved rounds, with an A/A control. One thread each; the allocator's
thresholds have to be pinned, or the system's page faults are measured:
MALLOC_TRIM_THRESHOLD_=1000000000 MALLOC_MMAP_THRESHOLD_=1000000000 OMP_NUM_THREADS=1.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.blocks import Running, advance, blocks
from lazyadam.reference.bound import State
from lazyadam.reference.bound import step as reference_step
from lazyadam.reference.dialect import Dialect
from lazyadam.reference.gradient import Coalesced
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.scalars import Hyperparameters, Scalars, replayed
from lazyadam.reports.tables import write
from lazyadam.suites.backends.base import Backend, NotRun
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.torch.backends import SparseAdam
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step
from lazyadam.suites.judge.free_running import free_running
from lazyadam.suites.judge.step_by_step import step_by_step
from lazyadam.suites.run.steps import Steps

ROWS, WIDTH, TOUCHED, ROUNDS = 1_000_000, 64, 8192, 31
SMALL_CASES, SMALL_ROUNDS = 32, 31
WARM = 2  # rounds before those that count
PINNED = ("OMP_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")
VERIFIED = (
    "torch.SparseAdam",
    "torch.Adam.fused",
    "mindspore.LazyAdam.default.graph",
    "mindspore.LazyAdam.target_cpu.graph",
)


@dataclass
class Ratios:
    """Paired ratios of one arm to the base: their median and quartiles."""

    what: str
    base: str
    ratios: list[float]
    base_seconds: list[float]

    def row(self) -> dict[str, object]:
        low, median, high = np.percentile(self.ratios, [25, 50, 75])
        return {
            "what": self.what,
            "relative_to": self.base,
            "rounds": len(self.ratios),
            "ratio_median": median,
            "ratio_q1": low,
            "ratio_q3": high,
            "base_seconds_median": float(np.median(self.base_seconds)),
        }


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def bare_step(backend: Backend, case: Case, step: Step) -> float:
    return seconds(backend.step_function(case, step))


def judge_step(state: State, gradient: Coalesced, s: Scalars, rules: Rules) -> None:
    """The reference and its bound as the judge uses them: block by block."""
    for at in blocks(len(gradient.rows), gradient.values.shape[1], rules):
        reference_step(state, gradient.part(at), s.part(at), rules)


def reference_beside_torch(progress: Steps) -> list[Ratios]:
    """float64, 1,000,000 × 64, 8,192 distinct rows, a fresh row set each step.

    Raises:
        NotRun: torch is not there.
    """
    rng = np.random.default_rng(0)
    w, m, v = rng.standard_normal((ROWS, WIDTH)), np.zeros((ROWS, WIDTH)), np.zeros((ROWS, WIDTH))
    h = Hyperparameters()
    case = Case("float64", (Parameter(w, m, v),), (Group((0,), h),), (), ())
    backend = SparseAdam("cpu")
    backend.prepare()
    backend.build(case)
    stepwise = State(w, m, v)
    rules = Rules(PRECISIONS["float64"], Dialect(), backend.arithmetic)
    free, again = Running(stepwise), Running(stepwise)
    everywhere = Coalesced(np.arange(ROWS), np.ones((ROWS, WIDTH)))
    advance(again, everywhere, replayed(h, 1, backend.arithmetic, rules.precision), rules)
    arms: dict[str, list[float]] = {
        "reference, step by step": [],
        "reference, free running": [],
        "reference, free running, every row touched before": [],
        "torch again (A/A)": [],
    }
    base: list[float] = []
    for k in range(1, WARM + ROUNDS + 1):
        progress.begin("reference beside torch")
        rows = rng.choice(ROWS, TOUCHED, replace=False)
        values = rng.standard_normal((TOUCHED, WIDTH))
        s = replayed(h, k, backend.arithmetic, rules.precision)
        gradient = Coalesced(rows, values)

        step = Step((Gradient(values, rows),))
        calls: dict[str, Callable[[], float]] = {
            "torch": partial(bare_step, backend, case, step),
            "torch again (A/A)": partial(bare_step, backend, case, step),
            "reference, step by step": partial(seconds, partial(judge_step, stepwise, gradient, s, rules)),
            "reference, free running": partial(seconds, partial(advance, free, gradient, s, rules)),
            "reference, free running, every row touched before": partial(
                seconds, partial(advance, again, gradient, s, rules)
            ),
        }
        names = list(calls)
        rng.shuffle(names)
        taken = {name: calls[name]() for name in names}
        if k > WARM:
            base.append(taken["torch"])
            for name, x in arms.items():
                x.append(taken[name] / taken["torch"])
    return [Ratios(name, "torch.SparseAdam step", x, base) for name, x in arms.items()]


def small_cases() -> list[Case]:
    """6 × 4, eight steps of three distinct rows each."""
    rng = np.random.default_rng(1)
    zeros = np.zeros((6, 4))
    cases = []
    for _ in range(SMALL_CASES):
        steps = tuple(
            Step(
                (
                    Gradient(
                        rng.standard_normal((3, 4)).astype(np.float32).astype(float), rng.permutation(6)[:3]
                    ),
                )
            )
            for _ in range(8)
        )
        w = rng.standard_normal((6, 4)).astype(np.float32).astype(float)
        cases.append(
            Case(
                "float32",
                (Parameter(w, zeros, zeros),),
                (Group((0,), Hyperparameters()),),
                steps,
                tuple(range(1, 9)),
            )
        )
    return cases


def dense(case: Case) -> Case:
    """The case with dense gradients, for backends that take no others."""
    steps = tuple(
        Step((Gradient(np.resize(s.gradients[0].values, (6, 4))),)) for s in case.steps if s.gradients[0]
    )
    return Case(case.dtype, case.parameters, case.groups, steps, case.observed)


def verification_cost(backend: type[Backend], progress: Steps) -> list[Ratios]:
    """Everything but generation and the bare steps, relative to the bare steps.

    Raises:
        NotRun: the backend can't run, or does not take every step.
    """
    cases = small_cases()
    if "sparse" not in backend.layouts:
        cases = [dense(case) for case in cases]
    step_cost: list[float] = []
    free_cost: list[float] = []
    bare: list[float] = []
    with Process(backend) as process:
        if process.not_run:
            raise NotRun(process.not_run)
        for k in range(1, WARM + SMALL_ROUNDS + 1):
            progress.begin(f"verification on {backend.name}")
            start = time.perf_counter()
            trajectories = process.run(cases)
            ran = time.perf_counter() - start
            if failure := next((t.failure for t in trajectories if t.failure), None):
                raise NotRun(f"{failure.kind} at step {failure.step}: {failure.message}")
            judge = (cases, trajectories, backend.spoken, backend.arithmetic)
            judged = seconds(partial(step_by_step, *judge))
            freed = seconds(partial(free_running, *judge))
            steps = sum(t.seconds for t in trajectories)
            if k > WARM:
                bare.append(steps / len(cases))
                step_cost.append((ran - steps + judged) / steps)
                free_cost.append((ran - steps + judged + freed) / steps)
    base = f"bare steps of {backend.name}"
    return [
        Ratios("verification, step by step", base, step_cost, bare),
        Ratios("verification, with free running", base, free_cost, bare),
    ]


def run(out: Path) -> int:
    """Measure the reference and what verification costs, and write and print it; the exit status."""
    if lacking := [name for name in PINNED if name not in os.environ]:
        print(f"{', '.join(lacking)} not set: page faults, or threads, are measured too", file=sys.stderr)
    parts: dict[str, Callable[[Steps], list[Ratios]]] = {"reference beside torch": reference_beside_torch}
    parts |= {b.name: partial(verification_cost, b) for b in select(list(VERIFIED))}
    results: list[Ratios] = []
    with Steps(WARM + ROUNDS + len(VERIFIED) * (WARM + SMALL_ROUNDS)) as progress:
        for name, part in parts.items():
            try:
                results += part(progress)
            except NotRun as reason:
                progress.say(f"{name}: not run ({reason})")
    if progress.interrupted:
        print(f"interrupted: {len(results)} rows were measured; {out} has what is done", file=sys.stderr)
    if not results:
        print("nothing was measured", file=sys.stderr)
        return 130 if progress.interrupted else 2
    table = pd.DataFrame([r.row() for r in results])
    write(table, out / "reference_speed.csv")
    Console(width=160).print(table.to_string(index=False, float_format=lambda x: f"{x:.3g}"))
    return 130 if progress.interrupted else 0
