"""Blocks of what was judged: the run, dialects, pairs, trainings, claims, versions, and the words for it."""

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from lazyadam.reports import equivalence
from lazyadam.reports.blocks.markdown import PEERS, PUBLISHED, RUN, common, table
from lazyadam.reports.glossary import WORDS
from lazyadam.reports.tables import read, records, text_of
from lazyadam.reports.vocabulary import Agreement
from lazyadam.reports.words import number, percent, spaced

PAIR = "torch.SparseAdam", "mindspore.LazyAdam.default.graph"
FORMS = {
    "torch SparseAdam": ("torch.SparseAdam",),
    "torch Adam (loop, foreach, fused)": ("torch.Adam.loop", "torch.Adam.foreach", "torch.Adam.fused"),
    "LazyAdam, default target": ("mindspore.LazyAdam.default.graph", "mindspore.Adam.use_lazy.default.graph"),
    "LazyAdam, target CPU": (
        "mindspore.LazyAdam.target_cpu.graph",
        "mindspore.Adam.use_lazy.target_cpu.graph",
    ),
    "nn.Adam, default target": ("mindspore.Adam.default.graph",),
    "nn.Adam, target CPU": ("mindspore.Adam.target_cpu.graph",),
}
AXES = (
    "epsilon",
    "bias_correction",
    "duplicates",
    "untouched",
    "zero_rows",
    "empty_gradient",
    "step_count",
    "weight_decay",
    "subnormals",
)


def run() -> Iterator[str]:
    """What was run, and where."""
    settings = {row["item"]: row["value"] for row in records(read("run", RUN))}
    of = read("dialects", RUN)[["backend", "version"]].drop_duplicates()
    names = {name.partition(".")[0]: version for name, version in of.itertuples(index=False)}
    versions = ", ".join(f"{name} {version}" for name, version in sorted(names.items(), reverse=True))
    yield f"{versions}, {settings['device']}, profile {settings['profile']}, seed {settings['seed']}, " + (
        f"recorded {settings['date']} in `reports/published/cpu/`."
    )


def dialects() -> Iterator[str]:
    """What each was seen to speak, in float32."""
    seen = {(row["backend"], row["axis"]): row for row in records(read("dialects", RUN))}

    def cell(axis: str, backends: Iterable[str]) -> str:
        rows = [seen[backend, axis] for backend in backends]
        said = common(
            "–" if row["observed"].startswith("not asked") else spaced(row["observed"]) for row in rows
        )
        return f"**{said}**" if any(row["agrees"] == Agreement.NO for row in rows) else said

    head = ("axis", *FORMS)
    yield from table(head, ((spaced(axis), *(cell(axis, of) for of in FORMS.values())) for axis in AXES))


def pair() -> Iterator[str]:
    """What `lazyadam pair` says first: where two are equal, and where they come apart."""
    given = (read(name, RUN) for name in ("dialects", "effects", "sequences", "pins", "effects_growth"))
    dialects, effects, sequences, pins, growth = given
    axes = equivalence.axes_of(dialects, effects, sequences, pins)
    said = "\n".join(equivalence.told(*PAIR, axes, equivalence.pairs_of(sequences), growth))
    yield said.partition("**Equal**")[2].partition("\n\n**Differ on**")[0].join(("**Equal**", ""))


def pins() -> Iterator[str]:
    """Every known divergence: a run lists all that are known when it is recorded."""
    known = {row["pin"]: row["sentence"] for run in (RUN, PEERS) for row in records(read("pins", run))}
    for pin, sentence in sorted(known.items()):
        yield f"- `{pin}`: {sentence}"


def effects_growth() -> Iterator[str]:
    """How far repeated rows take scattered from sum."""
    seen = read("effects_growth", RUN)
    seen = seen[(seen["left_value"] == "sum") & (seen["right_value"] == "scattered")]
    steps = [count for count in sorted(seen["steps"].unique()) if count > 1]

    def cell(row: Any) -> str:
        shares = [percent(row[name]) for name in ("median", "smallest", "largest")]
        return f"{shares[0]} ({shares[1]} to {shares[2]})" if row["median"] else "0"

    def cells(part: pd.DataFrame) -> Iterator[str]:
        for count in steps:
            yield cell(part[part["steps"] == count].iloc[0])

    yield from table(
        ("ids that repeat another of their batch", *(f"after {count:,} steps" for count in steps)),
        ((percent(float(str(share))), *cells(part)) for share, part in seen.groupby("repeats")),
    )
    most = seen[seen["repeats"] == seen["repeats"].max()]
    far = ", ".join(number(most[most["steps"] == count].iloc[0]["distance"]) for count in steps)
    last = most.sort_values("steps").iloc[-1]
    yield ""
    yield f"The distance itself at {percent(last['repeats'])}: {far} learning rates. Beside the movement"
    yield f"where rows are summed, the last is {percent(last['of_sum'])}."


def training() -> Iterator[str]:
    """An embedding trained through autograd in graph mode or eagerly, one row for each form."""
    seen = read("training", RUN)
    seen = seen[(seen["ids"] == 16) & (seen["steps"] > 0) & ~seen["layer"].str.contains("DEVICE")]
    # What its source says has no rows of its own where it is one of the other two: the one that fits.
    seen = seen.sort_values(["backend", "worst_ratio"]).drop_duplicates(["backend", "way"])
    seen = seen[seen["way"] != "jit step"]

    def rows() -> Iterator[tuple[str, ...]]:
        for title, backends in FORMS.items():
            part = seen[seen["backend"].isin(backends)]
            if part.empty:
                continue
            yield (
                title,
                common(f"`{layer}`" for layer in part["layer"]),
                common(part["verdict"]),
                common(number(loss) for loss in part["last_loss"]),
                common(f"{distance:.2g}" for distance in part["distance"]),
            )

    yield from table(("backend", "layer", "each step, as its source says", "last loss", "distance"), rows())


def claims() -> Iterator[str]:
    """Each claim of a framework's page, with its verdict."""
    yield from table(
        ("", "claim", "verdict"),
        (
            (row["claim"], row["text"], row["verdict"].replace("refuted", "**refuted**"))
            for row in records(read("claims", RUN))
        ),
    )


def versions() -> Iterator[str]:
    """What changed across versions, as it was recorded."""
    for line in text_of(PUBLISHED / "versions" / "versions.md").splitlines():
        if line:
            yield f"- {line.removeprefix('## ')}:" if line.startswith("## ") else f"  {line}"


def glossary() -> Iterator[str]:
    """Every word that has a meaning here."""
    yield from table(("word", "meaning"), WORDS.items())


BLOCKS = (run, dialects, pair, pins, effects_growth, training, claims, versions, glossary)
