"""S1, S2: the samples of the page."""

from lazyadam.reports.vocabulary import Claimed
from lazyadam.suites.equivalence.claims.claim import Decision
from lazyadam.suites.equivalence.lab import Lab


def sample(lab: Lab, seed: int, *, name: str) -> Decision:
    """Whether the sample runs to its end, and what it trains gets better."""
    ran = lab.script(name)
    losses = [float(line.split()[1]) for line in ran.output.splitlines() if line.startswith("loss ")]
    witness = f"suites/equivalence/samples/{name}.py"
    if ran.error:
        return Decision(Claimed.REFUTED, f"After {len(losses)} steps: {ran.error}", witness)
    falls = len(losses) > 1 and losses[-1] < losses[0]
    evidence = f"It runs to its end; the loss by step: {', '.join(f'{x:.4g}' for x in losses)}."
    return Decision(Claimed.CONFIRMED if falls else Claimed.REFUTED, evidence, witness)
