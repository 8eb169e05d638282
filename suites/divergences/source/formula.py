"""A dialect as a few lines of NumPy in float64: the part of a script that says what is documented.

The lines update w, m and v, and v_max where there is one, of one parameter by a gradient (rows and values, or
values alone), with lr, beta1, beta2 and eps. They share no code with the reference.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lazyadam.reference.dialect import (
    BiasCorrection,
    Dialect,
    Duplicates,
    EmptyGradient,
    Epsilon,
    Maximum,
    Untouched,
    WeightDecay,
    ZeroRows,
)

ALL = "np.arange(len(w))"


@dataclass(frozen=True)
class Formula:
    """What the lines have to do beyond the update itself.

    layout: of the gradients: 'sparse', 'dense', or 'mixed', where rows is None for a dense one. rank: of the
    parameter. t: the number of the step, as an expression. decay, sign, scale: the weight decay, −1 where the
    objective is maximized, and the loss scale, as expressions; '' where there is none.
    """

    dialect: Dialect
    layout: str
    rank: int
    t: str = "t"
    decay: str = ""
    sign: str = ""
    scale: str = ""
    nesterov: bool = False

    @property
    def sparse(self) -> bool:
        return self.layout != "dense"

    @property
    def scattered(self) -> bool:
        return self.sparse and self.dialect.duplicates is Duplicates.SCATTERED

    @property
    def apart(self) -> bool:
        return self.sparse and self.dialect.duplicates is Duplicates.SQUARES_APART

    @property
    def every_row(self) -> bool:
        return not self.sparse or self.dialect.untouched is not Untouched.FROZEN

    @property
    def per_occurrence(self) -> bool:
        return bool(self.decay) and self.dialect.weight_decay is WeightDecay.PER_OCCURRENCE

    @property
    def joins(self) -> bool:
        return self.per_occurrence or (
            bool(self.decay) and self.dialect.weight_decay is WeightDecay.COALESCED
        )

    def lines(self) -> list[str]:
        parts = (self._rows(), self._joined(), self._moments(), self._weights())
        return [line for part in parts for line in part]

    def counted(self) -> str:
        """What a gradient adds to the step count."""
        if self.sparse and self.dialect.empty_gradient is EmptyGradient.SKIPPED:
            return f"{'rows is None or ' if self.layout == 'mixed' else ''}len(rows) > 0"
        return "1"

    def _rows(self) -> Iterator[str]:
        """g of every row, of each occurrence where they are scattered; at: the rows that are updated."""
        if not self.sparse:
            yield "g, at = values, slice(None)"
            return
        if self.layout == "mixed":
            yield "if rows is None:"
            yield f"    rows = {ALL}  # dense"
        how, expanded = self.dialect.duplicates, ", 1" * (self.rank - 1)
        if self.scattered:
            yield "at, g = rows, values  # repeated rows act each for itself"
            if self.every_row:
                yield f"others = np.setdiff1d({ALL}, rows)"
                yield "at, g = np.append(rows, others), np.concatenate([values, np.zeros_like(w[others])])"
        else:
            if self.per_occurrence or how is Duplicates.MEAN or (self.apart and self.joins):
                yield f"n = np.bincount(rows, minlength=len(w)).reshape(-1{expanded})  # of each row"
            yield f"g, at = np.zeros_like(w), {'slice(None)' if self.every_row else 'np.unique(rows)'}"
            yield {
                Duplicates.FIRST: "g[rows[::-1]] = values[::-1]  # of repeated rows the first counts",
                Duplicates.LAST: "g[rows] = values  # of repeated rows the last counts",
            }.get(how, "np.add.at(g, rows, values)  # repeated rows are summed")
            if how is Duplicates.MEAN:
                yield "g = g / np.maximum(n, 1)  # and averaged"
        if self.dialect.zero_rows is ZeroRows.IGNORED:
            yield from self._without_zeros(expanded)

    def _without_zeros(self, expanded: str) -> Iterator[str]:
        named = self._any("g")
        if not self.every_row:
            yield f"named = {named}  # rows of zeros are not there"
            yield "at, g = at[named], g[named]" if self.scattered else "at = at[named[at]]"
        elif not self.scattered and self.per_occurrence:
            yield f"n = n * {named}.reshape(-1{expanded})  # rows of zeros are not there"

    def _any(self, x: str) -> str:
        """Whether a row has something else than zeros."""
        axes = {1: "()", 2: "1"}.get(self.rank, str(tuple(range(1, self.rank))))
        return f"({x} != 0).any({axes})"

    def _joined(self) -> Iterator[str]:
        """The gradient that enters the moments, and its square where that is summed apart."""
        if self.apart:
            each = f"{self.sign}values{self._scaled}"
            if self.joins:
                share = "" if self.per_occurrence else " / np.maximum(n, 1)"
                each += f" + ({self.decay} * w{share})[rows]"
            yield "square = np.zeros_like(w)"
            yield f"np.add.at(square, rows, ({each}) ** 2)  # squares are summed apart"
            if self.joins and not self.per_occurrence and self.every_row:
                yield f"square += ({self.decay} * w * (n == 0)) ** 2"
        if self.sign or self.scale:
            yield f"g = {self.sign}g{self._scaled}"
        if not self.joins:
            return
        if self.scattered:
            one = f" * (np.arange(len(at)) < len(rows)).reshape(-1{', 1' * (self.rank - 1)})"
            apart = one if self.per_occurrence and self.every_row else ""
            yield f"g = g + {self.decay} * w[at]{apart}"
        else:
            yield f"g = g + {self.decay} * {'n * ' if self.per_occurrence and self.sparse else ''}w"

    @property
    def _scaled(self) -> str:
        return f" / {self.scale}" if self.scale else ""

    @property
    def _g(self) -> str:
        return "g" if self.scattered else "g[at]"

    @property
    def _new(self) -> tuple[str, str, str]:
        return ("first", "second", "largest") if self.scattered else ("m[at]", "v[at]", "v_max[at]")

    @property
    def _t(self) -> str:
        """By which the corrections are."""
        correction = self.dialect.bias_correction
        following = correction is BiasCorrection.NEXT or (
            correction is BiasCorrection.NEXT_OF_SPARSE and self.sparse
        )
        return f"({self.t} + 1)" if following else self.t

    def _moments(self) -> Iterator[str]:
        first, second, largest = self._new
        yield f"{first} = beta1 * m[at] + (1 - beta1) * {self._g}"
        yield f"{second} = beta2 * v[at] + (1 - beta2) * {'square[at]' if self.apart else f'{self._g} ** 2'}"
        if self.dialect.maximum is Maximum.OF_STORED:
            yield f"{largest} = np.maximum(v_max[at], {second})"
        if self.dialect.maximum is Maximum.OF_CORRECTED:
            hat = "" if self.dialect.bias_correction is BiasCorrection.NONE else f" / (1 - beta2**{self._t})"
            yield f"{largest} = np.maximum(v_max[at], {second}{hat})"

    def _weights(self) -> Iterator[str]:
        epsilon, correction = self.dialect.epsilon, self.dialect.bias_correction
        t = self._t
        first, second, largest = self._new
        kept = self.dialect.maximum is not Maximum.NONE
        if kept:
            second = largest
        top = f"(beta1 * {first} + (1 - beta1) * {self._g})" if self.nesterov else first
        if correction is BiasCorrection.NONE:
            moved, hat = f"lr * {top}", second
        elif epsilon.of_hat:
            moved, hat = f"lr * {top} / (1 - beta1**{t})", f"{second} / (1 - beta2**{t})"
            if self.dialect.maximum is Maximum.OF_CORRECTED:
                hat = second
        else:
            yield f"alpha = lr * np.sqrt(1 - beta2**{t}) / (1 - beta1**{t})"
            moved, hat = f"alpha * {top}", second
            if self.dialect.maximum is Maximum.OF_CORRECTED:
                hat = f"(1 - beta2**{t}) * {second}"
        inside = epsilon is Epsilon.INSIDE_ROOT
        floor = epsilon is Epsilon.FLOOR
        beside = f"np.maximum(np.sqrt({hat}), eps)" if floor else f"(np.sqrt({hat}) + eps)"
        moved += f" / np.sqrt({hat} + eps)" if inside else f" / {beside}"
        decay = self.decay if self.dialect.weight_decay is WeightDecay.DECOUPLED else ""
        if self.dialect.untouched is Untouched.MOMENTS_DECAY and self.sparse:
            yield from self._weights_of_rows(moved, decay)
            return
        if self.scattered:
            yield f"moved = {moved}"
            more, of_more = (", v_max[at]", ", largest") if kept else ("", "")
            yield f"m[at], v[at]{more} = first, {self._new[1]}{of_more}  # the last of a row stays"
        if decay:
            yield f"w[at] *= 1 - lr * {decay}"
        yield "np.subtract.at(w, at, moved)" if self.scattered else f"w[at] -= {moved}"

    def _weights_of_rows(self, moved: str, decay: str) -> Iterator[str]:
        """Where every moment decays: w of the rows of the gradient alone."""
        yield f"moved = {moved}"
        named = "rows"
        if self.dialect.zero_rows is ZeroRows.IGNORED:
            named = f"rows[{self._any('values')}]"
        yield f"at = np.unique({named})  # w of the others stays"
        if decay:
            yield f"w[at] *= 1 - lr * {decay}"
        yield "w[at] -= moved[at]"
