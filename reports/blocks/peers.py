"""Blocks of the frameworks that have environments of their own, from the run that is recorded of them."""

from collections.abc import Iterator

from lazyadam.reports.blocks.markdown import PEERS, table
from lazyadam.reports.tables import read, records
from lazyadam.reports.vocabulary import Against, Agreement, Verdict
from lazyadam.reports.words import spaced


def peers() -> Iterator[str]:
    """Each backend: in how many clauses it is as its page says, where not, and what nothing explains."""
    verdicts = read("verdicts", PEERS)
    documented = verdicts[verdicts["against"] == Against.DOCUMENTED]
    seen, known = read("dialects", PEERS), read("pins", PEERS)
    of_no_axis = {*known[known["explained_by"].isna() | (known["explained_by"] == "")]["pin"]}
    rows = []
    for name, part in documented.groupby("backend"):
        judged = part[part["verdict"] != Verdict.NOT_RUN]
        clauses = judged.groupby("clause")["verdict"].agg(lambda words: set(words) == {Verdict.CONFORMS})
        unlike = seen[(seen["backend"] == name) & (seen["agrees"] == Agreement.NO)]
        axes = [f"{spaced(row['axis'])}: **{spaced(row['observed'])}**" for row in records(unlike)]
        others = judged[judged["explained_by"] == "unexplained"]
        pins = sorted({pin for cell in others["witness"] for pin in str(cell).split("; ")} & of_no_axis)
        row = name, f"{clauses.sum()} of {len(clauses)}", "; ".join(axes), ", ".join(f"`{p}`" for p in pins)
        rows.append(row)
    yield from table(("backend", "clauses as documented", "axes that are not", "what no axis explains"), rows)


def peer_claims() -> Iterator[str]:
    """What their pages say, and what came of it."""
    rows = [row for row in records(read("claims", PEERS)) if not str(row["verdict"]).startswith("can't")]
    yield from table(
        ("page", "what it says", "", "seen"),
        ((row["page"], row["text"], f"**{row['verdict']}**", row["evidence"]) for row in rows),
    )


BLOCKS = (peers, peer_claims)
