"""The numbers in the README files, written from a recorded run: tox -e readme

What stands between `<!-- table: NAME -->` and `<!-- end -->` is written by the function of that name.
"""

import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from lazyadam.reports import equivalence
from lazyadam.reports.glossary import WORDS
from lazyadam.reports.tables import read, records, text_of, write_text
from lazyadam.reports.vocabulary import Agreement
from lazyadam.reports.words import number, percent, spaced

ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = ROOT / "reports" / "published"
RUN = PUBLISHED / "cpu"
PARTS = ("reference", "suites", "reports")
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(?=<!-- end -->)", re.DOTALL)
PAIR = "torch.SparseAdam", "mindspore.LazyAdam.default.graph"
HOSTS = ("numpy", "torch")
SYMBOLS = {"beta1": "β1", "beta2": "β2", "epsilon": "ε"}

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
SIZES = {
    "1,000 × 16, 1,000": (1_000, 16, 1_000, "none"),
    "100,000 × 16, 1,000": (100_000, 16, 1_000, "none"),
    "1,000,000 × 16, 1,000": (1_000_000, 16, 1_000, "none"),
    "100,000 × 16, 10,000": (100_000, 16, 10_000, "none"),
    "the same, by Zipf's law": (100_000, 16, 10_000, "zipf"),
    "10,000 × 512, 1,000": (10_000, 512, 1_000, "none"),
}
TIMED = {
    "torch SparseAdam": "torch.SparseAdam",
    "LazyAdam, target CPU": "mindspore.LazyAdam.target_cpu.graph",
    "LazyAdam, default target": "mindspore.LazyAdam.default.graph",
    "nn.Adam, target CPU": "mindspore.Adam.target_cpu.graph",
    "by hand, torch": "by_hand.torch",
}
DENSE = {
    "torch Adam, fused": "torch.Adam.fused",
    "torch Adam, foreach": "torch.Adam.foreach",
    "torch Adam, loop": "torch.Adam.loop",
    "LazyAdam, target CPU": "mindspore.LazyAdam.target_cpu.graph",
    "nn.Adam, target CPU": "mindspore.Adam.target_cpu.graph",
}


def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """A table in Markdown."""
    cells = list(head)
    yield f"| {' | '.join(cells)} |"
    yield "|---" * len(cells) + "|"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"


def common(values: Iterable[str]) -> str:
    """What all say; where they differ, each."""
    return " / ".join(dict.fromkeys(values))


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
    """Every known divergence."""
    for row in records(read("pins", RUN)):
        yield f"- `{row['pin']}`: {row['sentence']}"


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
    """Each claim of MindSpore's page, with its verdict."""
    yield from table(
        ("", "claim", "verdict"),
        (
            (row["claim"], row["text"], row["verdict"].replace("refuted", "**refuted**"))
            for row in records(read("claims", RUN))
        ),
    )


def detection() -> Iterator[str]:
    """How many of the seeded faults are found."""
    seen, matrix = read("detection", RUN), read("detection_matrix", RUN)
    rows = []
    for host in HOSTS:
        part = seen[seen["host"] == host]
        killed = part["killed"].value_counts()
        rows.append(
            (
                host,
                killed.get("yes", 0) + killed.get("no", 0),
                killed.get("yes", 0),
                killed.get("allowed", 0),
                f"{part['seconds'].median():.2f} s",
            )
        )
    yield from table(("host", "faults", "found", "allowed", "median time to find one"), rows)
    by = matrix[matrix["killed"] == "yes"].groupby(["fault", "host"]).size()
    yield ""
    yield f"Of the {len(by)} that are found, {(by == 1).sum()} are found by one clause or one witness alone"
    yield "(`detection_matrix.csv`)."


def races() -> Iterator[str]:
    """In how many runs a fault that shows at times is found."""
    seen = read("races", RUN)
    yield from table(
        ("fault", *(f"found in runs on {host}" for host in HOSTS)),
        (
            (
                fault,
                *(
                    common(f"{r['killed']} of {r['runs']}" for r in records(part[part["host"] == h]))
                    for h in HOSTS
                ),
            )
            for fault, part in seen.groupby("fault")
        ),
    )


def policies() -> Iterator[str]:
    """What usual tolerances find of the same faults."""
    seen = read("policies", RUN)
    seen = seen[seen["compared"] == "w, m, v"]
    hosts = {host: seen[seen["host"] == host].set_index("policy") for host in HOSTS}
    first = hosts[HOSTS[0]].sort_values("found", ascending=False, kind="stable").index
    total = [of["faults"].iloc[0] for of in hosts.values()]
    clean = sum(of["clean_cases"].iloc[0] for of in hosts.values())
    yield from table(
        (
            "tolerance",
            *(f"found of {count} ({host})" for host, count in zip(HOSTS, total, strict=True)),
            f"flagged of {clean:,} cases without a fault",
        ),
        (
            (
                name if name == "this suite" else f"`{name}`",
                *(of.loc[name, "found"] for of in hosts.values()),
                sum(of.loc[name, "false_alarms"] for of in hosts.values()),
            )
            for name in first
        ),
    )


def sensitivity() -> Iterator[str]:
    """The smallest relative error that the cases of every seed found."""
    seen = read("sensitivity", RUN)
    where = [(dtype, regime) for dtype in ("float32", "float64") for regime in ("w = 0", "w ~ N(0, 1)")]
    chosen = (
        "lr",
        "beta1",
        "beta2",
        "epsilon",
        "weight decay",
        "update of one element",
        "update of one row",
    )

    def cells(quantity: str) -> Iterator[str]:
        for dtype, regime in where:
            part = seen[
                (seen["quantity"] == quantity) & (seen["dtype"] == dtype) & (seen["regime"] == regime)
            ]
            yield _power(part["always"].iloc[0])

    yield from table(
        ("relative error in", *(f"{dtype}, {regime}" for dtype, regime in where)),
        ((SYMBOLS.get(quantity, quantity), *cells(quantity)) for quantity in chosen),
    )
    yield ""
    yield f"Of {seen['seeds'].max()} seeds each."


def _power(error: float) -> str:
    """An error as a power of 2."""
    if math.isnan(error):
        return "not every seed"
    return f"2{str(round(math.log2(error))).translate(str.maketrans('-0123456789', '⁻⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def performance() -> Iterator[str]:
    """µs a step, and how many times what the memory allows."""
    seen = read("performance", RUN)
    seen = seen[(seen["threads"] == 1) & (seen["dtype"] == "float32")]

    def cell(backend: str, size: tuple[Any, ...]) -> str:
        keys = ("table_rows", "width", "touched_rows", "duplicates")
        part = seen[seen["backend"] == backend]
        for key, value in zip(keys, size, strict=True):
            part = part[part[key] == value]
        if part.empty or pd.isna(part.iloc[0]["seconds_median"]):
            return "–"
        row = part.iloc[0]
        told = f"{row['seconds_median'] * 1e6:,.0f}"
        return f"~~{told}~~" if row["worst_ratio"] > 1 else f"{told} ({_times(row['floor_multiple'])})"

    yield from table(
        ("table, rows of the gradient", *TIMED),
        ((size, *(cell(backend, of) for backend in TIMED.values())) for size, of in SIZES.items()),
    )
    yield ""
    dense = (100_000, 16, 100_000, "dense")
    told = (f"{title} {cell(backend, dense)}" for title, backend in DENSE.items())
    yield f"Dense, 100,000 × 16: {'; '.join(told)}."
    row = next(
        row for row in records(read("performance_break_even", RUN)) if row["lazy"] == "torch.SparseAdam"
    )
    yield (
        f"From {row['touched_rows']:,.0f} touched rows of {row['table_rows']:,} on, the dense step of "
        f"`{row['dense']}` is faster than SparseAdam's."
    )


def _times(multiple: float) -> str:
    return f"{multiple:,.0f}" if multiple >= 100 else f"{multiple:.1f}"


def performance_trials() -> Iterator[str]:
    """What the gate sees of a slowdown that is seeded, and of none."""
    rows = records(read("performance_trials", RUN))
    yield from table(
        ("backend", "configuration", "seeded slowdown", "called slower"),
        (
            (
                row["backend"],
                row["configuration"],
                percent(row["slowdown"]),
                f"{row['slower']} of {row['trials']}",
            )
            for row in rows
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


BLOCKS: dict[str, Callable[[], Iterator[str]]] = {
    block.__name__: block
    for block in (
        run,
        dialects,
        pair,
        pins,
        effects_growth,
        training,
        claims,
        detection,
        races,
        policies,
        sensitivity,
        performance,
        performance_trials,
        versions,
        glossary,
    )
}


def files() -> list[Path]:
    """Every page of ours in Markdown; what is recorded is not."""
    below = [file for part in PARTS for file in sorted((ROOT / part).rglob("README.md"))]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *below]


def filled(text: str) -> str:
    """A page with its blocks as the tables have them.

    Raises:
        KeyError: there is no block of a name.
    """
    return BLOCK.sub(lambda found: found[1] + "\n".join(BLOCKS[found[2]]()) + "\n", text)


def main() -> int:
    """Fill every page."""
    for file in files():
        text = text_of(file)
        if (now := filled(text)) != text:
            write_text(now, file)
            print(file.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
