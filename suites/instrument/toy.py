"""A toy optimizer in plain NumPy float32 that speaks every dialect, for the tests of the fingerprint.

It shares no code with `reference/`: loops over rows and occurrences, one scalar formula for each axis.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Case, Gradient, Group, State, Step, Trajectory

F = np.float32


class Toy(Backend):
    """speaks: axis → the name of its value, where it is not that of LazyAdam. odd: a fault on no axis."""

    name = "toy"
    framework = "numpy"
    mode = "eager"
    devices = ("cpu",)
    layouts = frozenset({"sparse", "none"})
    hyperparameters = frozenset({"weight_decay"})

    def __init__(self, speaks: dict[str, str] | None = None, odd: bool = False) -> None:
        super().__init__("cpu")
        self.speaks, self.odd = speaks or {}, odd
        self.keeps_largest = "maximum" in self.speaks  # type: ignore[misc]

    def run_all(self, cases: list[Case]) -> list[Trajectory]:
        return [self.run(case) for case in cases]

    def prepare(self) -> str:
        return "1"

    def build(self, case: Case) -> None:
        self.w, self.m, self.v, self.v_max = (
            [np.array(getattr(p, q), F) for p in case.parameters] for q in ("w", "m", "v", "v_max")
        )
        self.by_row = self.speaks.get("step_count") == "row"
        self.t: list[Any] = [np.full(len(w), case.t) if self.by_row else case.t for w in self.w]

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        settings = {i: group.hyperparameters for group in case.groups for i in group.parameters}

        def take() -> None:
            for i, g in enumerate(step.gradients):
                if g is None:
                    self.t[i] += self.speaks.get("step_count") == "optimizer"
                    continue
                assert g.rows is not None
                if not len(g.rows) and self.speaks.get("empty_gradient") == "skipped":
                    continue
                if self.by_row:
                    for row in set(g.rows.tolist()):
                        self.t[i][row] += 1
                else:
                    self.t[i] += 1
                self._update(i, g, settings[i])

        return take

    def _update(self, i: int, g: Gradient, h: Any) -> None:
        w, m, v = self.w[i], self.m[i], self.v[i]
        assert g.rows is not None
        values = np.array(g.values, F)
        bias = self.speaks.get("bias_correction")
        by_row: dict[int, list[np.ndarray]] = {}
        for row, value in zip(g.rows.tolist(), values, strict=True):
            by_row.setdefault(row, []).append(value)
        untouched = self.speaks.get("untouched")
        decays = self.speaks.get("weight_decay")
        largest = self.v_max[i]
        start = w.copy(), m.copy(), v.copy(), largest.copy()
        for row in range(len(w)):
            t = int(self.t[i][row] if self.by_row else self.t[i]) + (bias == "next")
            c1, c2 = (1.0, 1.0) if bias == "none" else (1 - h.beta1**t, 1 - h.beta2**t)
            parts = by_row.get(row)
            total, square, many = self._coalesced(parts, w[row])
            if self.speaks.get("zero_rows") == "ignored" and not total.any():
                parts, many = None, 0
            if parts is None and untouched is None:
                continue
            if h.weight_decay and decays != "none":
                if decays == "decoupled":
                    w[row] *= F(1 - h.lr * h.weight_decay)
                else:
                    times = many if decays == "per_occurrence" else 1
                    decay = F(h.weight_decay) * w[row] * F(times)
                    each = decay / F(max(many, 1))  # of each occurrence
                    square = square + 2 * each * total + each * decay
                    total = total + decay
                    if self.speaks.get("duplicates") != "squares_apart":
                        square = total * total
            if self.speaks.get("duplicates") == "scattered" and parts is not None:
                for part in parts:
                    part = part + (F(h.weight_decay) * start[0][row] if decays is None else F(0))
                    m[row] = F(h.beta1) * start[1][row] + F(1 - h.beta1) * part
                    v[row] = F(h.beta2) * start[2][row] + F(1 - h.beta2) * part * part
                    largest[row] = start[3][row]
                    w[row] -= self._moved(m[row], self._below(v[row], largest[row, ...], c2), h, c1, c2)
                continue
            m[row] = F(h.beta1) * m[row] + F(1 - h.beta1) * total
            v[row] = F(h.beta2) * v[row] + F(1 - h.beta2) * square
            below = self._below(v[row], largest[row, ...], c2)
            if parts is not None or untouched == "dense":
                w[row] -= self._moved(m[row], below, h, c1, c2)
            elif untouched == "dense_beside_root":
                w[row] -= F(h.lr * np.sqrt(c2) / c1) * (m[row] / (np.sqrt(v[row]) + F(h.epsilon)))

    def _below(self, v: np.ndarray, largest: np.ndarray, c2: float) -> np.ndarray:
        """What divides; the largest is kept in place."""
        kept = F(c2) if self.speaks.get("maximum") == "of_corrected" else F(1)
        largest[...] = np.where(largest > v / kept, largest, v / kept)
        return largest * kept if "maximum" in self.speaks else v

    def _coalesced(
        self, parts: list[np.ndarray] | None, like: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, int]:
        if parts is None:
            return np.zeros_like(like), np.zeros_like(like), 0
        how = self.speaks.get("duplicates")
        total = {"first": parts[0], "last": parts[-1]}.get(how or "", sum(parts[1:], parts[0]))
        if how == "mean":
            total = total / F(len(parts))
        square = total * total
        if how == "squares_apart":
            square = sum((x * x for x in parts[1:]), parts[0] * parts[0])
        return total, square, len(parts)

    def _moved(self, m: np.ndarray, v: np.ndarray, h: Any, c1: float, c2: float) -> np.ndarray:
        epsilon = self.speaks.get("epsilon")
        if self.odd:
            m = m * F(1 + 2e-5)
        if epsilon == "beside_hat":
            return np.asarray(F(h.lr / c1) * (m / (np.sqrt(v) / F(np.sqrt(c2)) + F(h.epsilon))))
        if epsilon == "floor":
            return np.asarray(F(h.lr / c1) * (m / np.maximum(np.sqrt(v) / F(np.sqrt(c2)), F(h.epsilon))))
        alpha = F(h.lr * np.sqrt(c2) / c1)
        if epsilon == "inside_root":
            return np.asarray(alpha * (m / np.sqrt(v + F(h.epsilon))))
        return np.asarray(alpha * (m / (np.sqrt(v) + F(h.epsilon))))

    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        raise NotImplementedError

    def reload(self, case: Case) -> None:
        raise NotImplementedError

    def state(self) -> State:
        w, m, v = ([np.array(x, np.float64) for x in xs] for xs in (self.w, self.m, self.v))
        counts = [t.copy() if self.by_row else t for t in self.t]
        if not self.keeps_largest:
            return w, m, v, counts
        return w, m, v, counts, [np.array(x, np.float64) for x in self.v_max]

    def path(self) -> dict[str, str]:
        return {}

    def kept(self, step: Step) -> bool:
        return True
