"""Room: which arms are measured beside each other, and in how many instances, in the memory that is free."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.cases.case import Failure
from lazyadam.suites.cases.configuration import INSTANCES, Configuration
from lazyadam.suites.performance.arms import Arm

KEPT_FREE = 0.1  # of what is free, for others
COPIES = 3  # of its tables that an optimizer needs at most, where nobody has looked
PART = 4  # so many times smaller is the configuration in which an arm's memory is seen


@dataclass(frozen=True)
class Need:
    """Bytes of an arm: while its first instance is made and judged, and of each instance between steps."""

    making: int
    held: int


Known = dict[tuple[str, Configuration], Need]


@dataclass(frozen=True)
class Batch:
    """Arms that are measured in the same rounds."""

    arms: Sequence[Arm]
    instances: int


def guessed(configuration: Configuration) -> Need:
    """What no arm is seen to go beyond."""
    held = COPIES * configuration.instance_bytes
    return Need(held + configuration.instance_bytes + configuration.state_bytes, held)


def seen(arm: Arm, configuration: Configuration) -> Need:
    """So many times what an arm takes in a part of a configuration; a guess where it takes none."""
    part = configuration.part(PART)
    arm.renew()
    arm.open(part, instances=1)
    arm.close()
    if arm.failure is not None or arm.opened.resident is None:
        return guessed(configuration)
    tables = (PART * (x - arm.idle - part.gradient_bytes) for x in arm.opened.resident)
    held, most = (x + configuration.gradient_bytes for x in tables)
    return Need(most, held)


def needs(
    arms: Sequence[Arm], configuration: Configuration, free: float, known: Known | None = None
) -> dict[Arm, Need]:
    """Of each arm. Where there is room for all by any guess no arm is looked at.

    known: what was seen of backends; added to.
    """
    known = {} if known is None else known
    ample = guessed(configuration)
    if _together(arms, dict.fromkeys(arms, ample), INSTANCES) <= free:
        return dict.fromkeys(arms, ample)
    found = {}
    for arm in arms:
        at = arm.backend.name, configuration
        if at not in known:
            known[at] = Need(0, 0) if arm.process.not_run else seen(arm, configuration)
        found[arm] = known[at]
    return found


def batches(
    arms: Sequence[Arm], configuration: Configuration, need: Mapping[Arm, Need], free: float
) -> list[Batch]:
    """All arms together in as many instances as fit; else in turn, each beside the A/A pair and the floors.

    An arm that does not fit so is alone, and one for which there is no room at all fails.
    """
    for instances in range(INSTANCES, 0, -1):
        if _together(arms, need, instances) <= free:
            return [Batch(arms, instances)]
    paired = {arm.backend for arm in arms if arm.twin}
    core = [arm for arm in arms if arm.backend in paired or not arm.judged]
    others = [arm for arm in arms if arm not in core]
    groups = [[*core, arm] for arm in others] or [core]
    found = [Batch(group, 1) for group in groups if _together(group, need, 1) <= free]
    for arm in arms:
        if all(arm not in batch.arms for batch in found):
            fits = _together([arm], need, 1) <= free
            if not fits:
                told = f"needs {need[arm].making / 1e9:.3g} GB of memory, {free / 1e9:.3g} GB are free"
                arm.fail(Failure(Verdict.REFUSES, 0, told))
            found.append(Batch([arm], int(fits)))
    return found


def _together(arms: Sequence[Arm], need: Mapping[Arm, Need], instances: int) -> int:
    """Bytes at most, while arms are made one after another."""
    making = max((need[arm].making - need[arm].held for arm in arms), default=0)
    return sum(need[arm].held for arm in arms) * instances + making
