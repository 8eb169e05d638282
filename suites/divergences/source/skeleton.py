"""What every script has: numbers, steps, what is documented beside them, and how far apart the two are."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.divergences.source.listing import Listing
from lazyadam.suites.judge.stack import expected_counts


class Skeleton(ABC):
    """A script. Whoever derives from it says how an optimizer is made, takes a step, and is read.

    One step of one parameter stands in a row; more are in a loop, and several parameters in a loop inside.
    """

    def __init__(self, s: Listing, backend: type[Backend], device: str, fails: bool) -> None:
        self.s, self.backend, self.device, self.fails = s, backend, device, fails

    @abstractmethod
    def imports(self) -> Iterator[str]:
        """Imports, and what has to come before any number."""

    @abstractmethod
    def optimizer(self) -> Iterator[str]:
        """Parameters and an optimizer with the state to start from."""

    @abstractmethod
    def step(self) -> Iterator[str]:
        """The step by the gradients, and what comes before it."""

    @abstractmethod
    def got(self) -> Iterator[str]:
        """`got`: the state of a parameter (number i) in float64; and `count`, where counts are compared."""

    def source(self, title: str, about: str) -> str:
        """The script. title: what it shows. about: of what, and how it is run."""
        lines = [*self._head(title, about), *self._inputs()]
        if self.fails:
            lines.append('print("expected: the step is taken")')
        lines += self.optimizer()
        steps = list(self._of_step())
        if self.s.looped and steps:
            if not self.fails:
                lines.append("worst = {}")
            steps = [f"for k, {self.s.each} in enumerate(steps, 1):", *indented(steps)]
        lines += steps
        return "\n".join([*lines, *self._end(), ""])

    def _head(self, title: str, about: str) -> list[str]:
        about += " Exits with 1 where expected and got differ."
        return [f'"""{title}', "", f'{about}"""', *self.imports()]

    def at(self, steps: str, lines: Iterable[str]) -> Iterator[str]:
        """Lines for some of the steps, which an expression holds."""
        yield from [f"if k in {steps}:", *indented(lines)] if self.s.looped else lines

    def _inputs(self) -> Iterator[str]:
        s, case = self.s, self.s.case
        if s.special:
            yield 'np.seterr(all="ignore")'
        if s.arrays:
            yield 'data = np.load(__file__[:-3] + ".npz")'
        t = "" if s.looped else f", {expected_counts(case, s.dialect)[0, 0]}"
        if s.alike:
            yield f"lr, beta1, beta2, eps{', t' if t else ''} = {s.hyper[0]}{t}"
        else:
            yield f"hyper = {s.listed_hyper}  # of each group: {s.names}"
            if s.count > 1:
                yield f"group_of = {s.group_of}"
        if s.changes and s.looped:
            of = "" if len(s.groups) == 1 else " of each group"
            yield f"changes = {s.changes}  # step: {'learning rate' if s.anew == {'lr'} else 'the same'}{of}"
        yield f"{'w, m, v' if s.count == 1 else 'tables'} = {s.tables}"
        if s.kept:
            yield f"{'v_max' if s.count == 1 else 'largest'} = {s.largest}"
        if s.nothing:
            return
        if not s.looped:
            yield f"{s.gradient.strip('()')} = {s.steps}"
            return
        yield f"steps = {s.steps}"
        if s.compared:
            yield f"t = {case.t if s.one_count else [case.t] * s.count}"
            yield f"bounds = {s.bounds}"

    def _of_step(self) -> Iterator[str]:
        yield from self.step()
        if self.fails:
            return
        if self.s.count == 1:
            yield from self._of_parameter()
            return
        if self.s.one_count:
            yield "t += 1"
        yield f"for i, ((w, m, v), {self.s.gradient}) in enumerate(zip(tables, gradients)):"
        yield from indented([*(["v_max = largest[i]"] if self.s.kept else []), *self._of_parameter()])

    def _of_parameter(self) -> Iterator[str]:
        s = self.s
        if not s.alike:
            yield f"{s.names} = hyper[{'group_of[i]' if s.count > 1 else 0}]"
        yield from self.got()
        yield ""
        yield f"# As documented, in float64{': nothing changes' if s.nothing else ''}."
        if s.looped and s.of_optimizer and s.count == 1:
            yield "t += 1"
        lines = [] if s.nothing else s.formula.lines()
        if s.looped and not s.of_optimizer:
            lines = [f"{s.formula.t} += {s.formula.counted()}", *lines]
        if s.guarded:
            yield "if values is not None:"
            lines = list(indented(lines))
        yield from lines
        yield from self._compared()

    def _compared(self) -> Iterator[str]:
        s, bound = self.s, "bound[j]" if self.s.fine else "bound"
        where = (" of parameter {i}" if s.count > 1 else "") + (" after step {k}" if s.looped else "")
        line = (
            f'f"{{name}}{{j}}{where}: expected {{x[j]:.{s.digits}g}}, got {{y[j]:.{s.digits}g}}; '
            f'a correct one is at most {{{bound}}} off"'
        )
        if not s.looped:
            yield "wrong = False"
        names, state = ('("w", "m", "v", "v_max")', "w, m, v, v_max") if s.kept else ('"wmv"', "w, m, v")
        yield f"for name, x, y, bound in zip({names}, ({state}), got, {s.bounds_here}):"
        yield "    error = np.nan_to_num(np.abs(y - x), nan=np.inf)"
        if s.special:
            yield "    error[(y == x) | np.isnan(y) & ~np.isfinite(x)] = 0"
        measure = "error"
        if s.looped or s.fine:
            measure = "ratio"
            yield "    ratio = np.nan_to_num(error / np.maximum(bound, 1e-300))"
        yield f"    j = tuple(map(int, np.unravel_index({measure}.argmax(), x.shape)))"
        if s.looped:
            yield f"    line = {line}"
            yield '    worst[name] = max(worst.get(name, (-1, "")), (ratio[j], line))'
        else:
            yield f"    print({line})"
            yield f"    wrong |= bool({'ratio[j] > 1' if s.fine else 'error[j] > bound'})"
        if s.counts:
            told = f'f"t{where}: expected {{{s.formula.t}}}, got {{count}}"'
            yield f"if count != {s.formula.t}:"
            yield from indented(
                [f'worst["t"] = np.inf, {told}'] if s.looped else ["wrong = True", f"print({told})"]
            )

    def _end(self) -> Iterator[str]:
        if self.fails:
            yield 'print("got: the same")'
        elif self.s.looped:
            yield "for ratio, line in worst.values():"
            yield '    print(line + ": WRONG" * bool(ratio > 1))'
            yield "raise SystemExit(any(ratio > 1 for ratio, _ in worst.values()))"
        else:
            yield "raise SystemExit(wrong)"


def indented(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        for part in line.split("\n"):
            yield f"    {part}" if part else ""
