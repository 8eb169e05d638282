"""Whether anything was compared: a run in which nothing was must not look like one that found nothing."""

from collections.abc import Iterable
from typing import Any

from lazyadam.reports.vocabulary import Verdict

Row = dict[str, Any]
# The parts of a test's result that speak of backends, and where a row of each says that nothing ran.
_SAYS = {
    "verdicts": "verdict",
    "training": "verdict",
    "bad_input": "outcome",
    "dialects": "observed",
    "sequences": "w",  # there is none but the message why
    "claims": "evidence",
    "others": "verdict",  # of tests that write no table
}


def other(backend: str, not_run: str | None = None) -> dict[str, list[Row]]:
    """The result of a test that writes no table; not_run: why it compared nothing."""
    return {
        "others": [
            {"backend": backend, "verdict": Verdict.NOT_RUN if not_run else "judged", "message": not_run}
        ]
    }


Seen = list[tuple[Row, bool]]


def all_refused(found: Seen) -> str:
    """Why nothing was compared though all was tried: all was refused, and no pin says so; '' where not so."""
    words = {(row.get("verdict"), row.get("witness")) for row, tried in found if tried}
    refused = words == {(Verdict.REFUSES, "")}
    return "the optimizer refuses whatever it was given, and may" if refused else ""


def seen(results: Iterable[dict[str, Any]]) -> Seen:
    """The rows of tests' results that speak of backends, and whether anything was compared for each."""
    return [
        (row, row.get(column, Verdict.NOT_RUN) not in (Verdict.NOT_RUN, ""))
        for result in results
        for name, column in _SAYS.items()
        for row in result.get(name) or ()
    ]


def nothing_compared(found: Seen) -> bool:
    """Whether there are rows, and nothing was compared for any."""
    return bool(found) and not any(compared for _, compared in found)


def reason(found: Seen) -> str:
    """Why, in the words of the first row that says so."""
    said = (row.get("message") or row.get("explained_by") or row.get("verdict") for row, _ in found)
    return next((str(words) for words in said if words), Verdict.NOT_RUN)


def backends_not_run(found: Seen) -> dict[str, str]:
    """The backends for which nothing was compared, with the reason."""
    of_backend: dict[str, Seen] = {}
    for row, compared in found:
        of_backend.setdefault(row.get("backend", ""), []).append((row, compared))
    return {name: reason(part) for name, part in of_backend.items() if name and nothing_compared(part)}
