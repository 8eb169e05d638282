"""Parameters in scripts for torch: as usual, and in every manner; those that stand beside them."""

from collections.abc import Iterator

from lazyadam.suites.divergences.source.skeleton import Skeleton


class TorchParameters(Skeleton):
    """Whoever derives from it makes the optimizer of them."""

    def _tensor(self, x: str) -> str:
        return f"torch.tensor({x}, dtype=torch.{self.s.case.dtype})"

    def _parameter(self, x: str) -> str:
        """Of one that autograd follows the step would have to be no leaf."""
        options = getattr(self.backend, "options", {})  # a file's backend is known here by what it declares
        followed = ", requires_grad=False" if "differentiable" in options else ""
        return f"torch.nn.Parameter({x}{followed})"

    def _parameters(self) -> Iterator[str]:
        s = self.s
        w = self._tensor("w")
        if "STRIDED" in s.manner:
            w = f"torch.stack(2 * [{w}], dim=-1)[..., 0]"
        if "COLUMNS" in s.manner:
            w = f"{w}.transpose(0, -1).contiguous().transpose(0, -1)"
        told = "  # not contiguous" if {"STRIDED", "COLUMNS"} & s.manner else ""
        made = self._parameter(w)
        if {"ONE_BUFFER", "VECTORS"} & s.manner:
            yield from self._parts()
        else:
            yield f"p = {made}{told}" if s.count == 1 else f"params = [{made} for w, _, _ in tables]{told}"
        yield from self._beside()

    def _parts(self) -> Iterator[str]:
        """Parameters of one buffer, which has room for what is written too far."""
        s = self.s
        mine = "p" if s.count == 1 else "p, (w, _, _)"
        yield "sizes = [" + ("w.size]" if s.count == 1 else "w.size for w, _, _ in tables]")
        yield f"buffer = torch.zeros(2 * (1 + sum(sizes)), dtype=torch.{s.case.dtype})"
        yield "parts = buffer[1 : 1 + sum(sizes)].split(sizes)"
        if s.count == 1:
            yield f"p = {self._parameter('parts[0].view(w.shape)')}"
            yield f"p.data.copy_({self._tensor('w')})"
        else:
            part = self._parameter("x.view(w.shape)")
            yield f"params = [{part} for x, (w, _, _) in zip(parts, tables)]"
            yield f"for {mine} in zip(params, tables):"
            yield f"    p.data.copy_({self._tensor('w')})"

    def _between(self, params: str) -> str:
        """A list of parameters, and those beside them."""
        beside = {
            "FROZEN": ("frozen, ", ""),
            "EMPTY": ("empty[0], ", ", empty[1]"),
            "MIXED": ("beside, ", ""),
        }
        for manner, (before, after) in beside.items():
            if manner in self.s.manner:
                return f"[{before}{params[1:-1] if params[0] == '[' else f'*{params}'}{after}]"
        return params

    def _beside(self) -> Iterator[str]:
        first = "p" if self.s.count == 1 else "params[0]"
        if "FROZEN" in self.s.manner:
            yield f"frozen = torch.nn.Parameter(torch.ones_like({first}), requires_grad=False)"
        sparse = ".to_sparse(1)" if "sparse" in self.backend.layouts else ""
        if "MIXED" in self.s.manner:
            other = "float32" if self.s.case.dtype == "float64" else "float64"
            yield f"beside = {self._parameter(f'torch.ones_like({first}, dtype=torch.{other})')}"
            yield f"beside.grad = torch.ones_like(beside){sparse}"
        if "EMPTY" in self.s.manner:
            yield f"empty = [{self._parameter(f'{first}.detach()[:0].clone()')} for _ in range(2)]"
            yield "for x in empty:"
            yield f"    x.grad = torch.zeros_like(x){sparse}"

    def _ones(self, name: str, of: str) -> Iterator[str]:
        """Gradients of ones. name: of one parameter; of: of them all."""
        sparse = ".to_sparse(1)" if "sparse" in self.backend.layouts else ""
        ones = f"{name}.grad = torch.ones_like({name}){sparse}"
        yield from [ones] if self.s.count == 1 else [f"for {name} in {of}:", f"    {ones}"]
