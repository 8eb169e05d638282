"""The answer: which backends end a training where another ends, how far others come apart, what to set."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from lazyadam.reports.render import MARKDOWN
from lazyadam.reports.tables import records
from lazyadam.reports.vocabulary import Verdict
from lazyadam.reports.words import percent

BASE, LAZY = "torch.SparseAdam", "mindspore.LazyAdam."
# MindSpore counts the steps of all tables together, in every form: what ends there where torch ends is
# an optimizer for each table.
TURNS = "tables in turn"


@dataclass
class End:
    """Where a training ends. kind: equal, apart (by a share), refuses, or not compared (and why)."""

    kind: str = "equal"
    share: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class Beside:
    """How others compare with a base: by name, those that end where it ends first, and by training."""

    base: str
    trainings: list[str]
    ends: dict[str, dict[str, End]]

    def which(self, other: str, kind: str) -> list[str]:
        """The trainings in which another ends so."""
        return [name for name in self.trainings if self.ends[other][name].kind == kind]

    def apart(self, other: str) -> list[str]:
        """The trainings in which another ends apart, whatever is set."""
        return [name for name in self.which(other, "apart") if not self.each(other) or name != TURNS]

    def each(self, other: str) -> str:
        """How far another ends apart with tables in turn, if an optimizer for each mends that; '' if not."""
        if not other.startswith("mindspore.") or not self.base.startswith("torch."):
            return ""
        return percent(self.ends[other][TURNS].share) if TURNS in self.which(other, "apart") else ""


def beside(pairs: pd.DataFrame, base: str = BASE) -> Beside | None:
    """How others compare with one, or with the first backend that any other can be compared with."""
    names = list(dict.fromkeys([*pairs["left"], *pairs["right"]]))
    found = (_beside(pairs, name) for name in sorted(names, key=base.__ne__))
    return next((each for each in found if each.ends), None)


def _beside(pairs: pd.DataFrame, base: str) -> Beside:
    of_base = pairs[(pairs["left"] == base) | (pairs["right"] == base)]
    ends: dict[str, dict[str, End]] = {}
    for row in records(of_base):
        other = row["left"] if row["right"] == base else row["right"]
        end = ends.setdefault(other, {}).setdefault(row["sequence"], End())
        if row["equal"] == "not compared":
            refuses = row["message"].startswith(f"{other}: ") and " at step " in row["message"]
            end.kind, end.message = Verdict.REFUSES if refuses else "not compared", row["message"]
        elif end.kind in ("equal", "apart") and row["equal"] == "no":
            end.kind, end.share = "apart", row["difference"]
    compared = {
        other: end for other, end in ends.items() if any(e.kind != "not compared" for e in end.values())
    }
    # A training that nobody can be compared in says nothing here.
    trainings = [
        name
        for name in of_base["sequence"].unique()
        if any(end[name].kind != "not compared" for end in compared.values())
    ]

    def likeness(other: str) -> tuple[int, int, str]:
        kinds = [compared[other][name].kind for name in trainings]
        return kinds.count("apart"), -kinds.count("equal"), other

    return Beside(base, trainings, {other: compared[other] for other in sorted(compared, key=likeness)})


def what_to_set(beside: Beside | None) -> str:
    """In Markdown, for those who come from torch.SparseAdam; '' where LazyAdam was not compared with it."""
    forms = [form for form in beside.ends if form.startswith(LAZY)] if beside and beside.base == BASE else []
    if not beside or not forms:
        return ""
    equal = [form for form in forms if not beside.apart(form)]
    return MARKDOWN.get_template("what_to_set.md.j2").render(
        recipe=recipe(equal[0]) if equal else "",
        equal={form: beside.which(form, Verdict.REFUSES) for form in equal},
        apart={
            form: [f"{name} ({percent(beside.ends[form][name].share)})" for name in beside.apart(form)]
            for form in forms
            if form not in equal
        },
        ways=ways,
        each=next(filter(None, map(beside.each, forms)), ""),
    )


def what_to_know(losses: str, code: str) -> str:
    """What else differs between the two, in Markdown. losses, code: where trainings and samples are told."""
    return MARKDOWN.get_template("what_to_know.md.j2").render(losses=losses, code=code)


def moving(left: str, right: str, pairs: pd.DataFrame) -> str:
    """In Markdown, what ends a training where the left one ended, if the right one doesn't; '' if it does."""
    compared = beside(pairs, left)
    if compared is None or (compared.base, right in compared.ends) != (left, True):
        return ""
    if not (apart := compared.which(right, "apart")):
        return ""
    if not (apart := compared.apart(right)):
        which = "each table that some batch does not look up"
        return f"**To end where `{left}` ended**, give {which} an optimizer of its own."
    framework = right.partition(".")[0]
    taken = {name for kind in ("equal", "apart") for name in compared.which(right, kind)}
    alike = [
        other
        for other in compared.ends
        if other.partition(".")[0] == framework
        and not compared.apart(other)
        and taken - {TURNS}
        <= {name for kind in ("equal", Verdict.REFUSES) for name in compared.which(other, kind)}
        and compared.which(other, "equal")
    ]
    if alike:
        how = f" ({ways(alike[0])})" if ways(alike[0]) else ""
        refused = compared.which(alike[0], Verdict.REFUSES)
        but = f"; it refuses {', '.join(refused)}" if refused else ""
        if share := compared.each(alike[0]):
            but += ". Tables that are not all looked up by every batch want an optimizer each: "
            but += f"in one they end {share} off"
        return f"**To end where `{left}` ended**, take `{alike[0]}`{how}{but}."
    same = compared.which(right, "equal")
    return (
        f"**Nothing of {framework} here ends where `{left}` ended** with {', '.join(apart)}. A training that "
        f"goes on in `{right}` takes its rule from then on, and comes apart as above; the m and v that you "
        "carry over were made by the old one."
        + (f" With {', '.join(same)} both go on alike." if same else "")
    )


def in_brief(beside: Beside | None) -> Iterator[str]:
    """The answer for a screen: who ends a training where the base ends, who doesn't, and what to set."""
    if beside is None:
        return
    equal = [form for form in beside.ends if not beside.apart(form)]
    for form in equal:
        refused = beside.which(form, Verdict.REFUSES)
        but = f", but refuses: {', '.join(refused)}" if refused else ""
        if share := beside.each(form):
            but += f", and wants an optimizer for each table ({share} apart with one for two)"
        yield f"{form} ends a training where {beside.base} ends{but}."
    for form in (form for form in beside.ends if form not in equal and form.startswith(LAZY)):
        worst = max(beside.apart(form), key=lambda name: beside.ends[form][name].share)
        share = percent(beside.ends[form][worst].share)
        yield f"{form} ends apart: by {share} of how far weights move, with {worst}."
    if lazy := [form for form in equal if form.startswith(LAZY)]:
        code = [line for line in recipe(lazy[0]).splitlines() if "set_context" in line or ".target" in line]
        yield f"So set: {'; '.join(line.partition('  #')[0] for line in code)}, before the first step."


# How a form of a MindSpore optimizer is asked for, by the parts of its name.
WAYS = {
    "default": '`optimizer.target` never assigned, though it reads `"CPU"`',
    "target_cpu": '`optimizer.target = "CPU"` assigned',
    "pynative": "in PyNative mode, with the whole training step under `mindspore.jit`",
}


def ways(form: str) -> str:
    """How a form is asked for; '' where its name says nothing."""
    return ", ".join(WAYS[part] for part in form.split(".") if part in WAYS)


def recipe(form: str) -> str:
    """How a form of LazyAdam is asked for, in Python."""
    graph, target = form.endswith(".graph"), ".target_cpu." in form
    return "\n".join(
        [
            "import mindspore",
            "from mindspore import nn",
            "",
            "mindspore.set_context(mode=mindspore.GRAPH_MODE)" if graph else "# the step under mindspore.jit",
            "optimizer = nn.LazyAdam([table])  # one for each table that some batch leaves out",
            *(['optimizer.target = "CPU"  # before the first step'] if target else []),
        ]
    )
