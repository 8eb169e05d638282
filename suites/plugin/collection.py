"""Which tests there are for each backend, and in which order."""

import re

import pytest

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.clauses import CLAUSES, carried
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.conformance.sample import cells
from lazyadam.suites.divergences import pin
from lazyadam.suites.divergences.reproducer import no_script, only_judged
from lazyadam.suites.plugin.options import BACKENDS, DONE, words


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Known divergences first, then backend by backend: each starts its process once."""
    names = "\n".join([*CLAUSES, *(f"{item.nodeid} {' '.join(item.keywords)}" for item in items)]).lower()
    if any(word.lower() not in names for word in words(config.getoption("-k"))):
        items.clear()  # a word that nothing has would be passed over where another fits
    if only := config.getoption("--only"):
        items[:] = [item for item in items if clause_of(item) in only]
    done = config.stash[DONE]
    none = config.getoption("--as-it-is")
    items[:] = [item for item in items if not none and ungrouped(item.nodeid) not in done]
    first: dict[str, int] = {}

    def place(item: pytest.Item) -> tuple[bool, int]:
        group = item.get_closest_marker("xdist_group")
        name = str(group.args[0]) if group else ""
        return item.path.name != "test_pins.py", first.setdefault(name, len(first))

    items.sort(key=place)


def ungrouped(nodeid: str) -> str:
    """The name of a test; xdist appends the group."""
    return re.sub(r"@[^@\]]*$", "", nodeid)


def clause_of(item: pytest.Item) -> str:
    """The clause that a test judges; '' where it is about something else."""
    given = getattr(item, "callspec", None)
    judged = given.params.get("conformance_item") if given else None
    return str(judged[-1].id) if judged else ""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is asked of each backend; the tests of a backend stay together, so that they share its process."""
    config = metafunc.config
    device, backends = config.getoption("--device"), config.stash[BACKENDS]
    placed = [(backend, backend.device_of(device)) for backend in backends]
    once = [(backend, (backend, device), backend.name) for backend, device in placed]
    conformance = [
        (backend, (backend, device, dtype, clause), f"{clause.id}-{backend.name}-{dtype}")
        for backend, device in placed
        for clause, dtype in cells(backend)
    ]
    pinned = [
        (backend, (backend, device, known.cast(dtype)), f"{known.name}-{backend.name}-{dtype}")
        for backend, device in placed
        for known in pin.pins_of_name(backend, device)
        for dtype in known.types_of(backend)
    ]
    # A script takes seconds: in ci one for each pin. One's own may be of cases that have none.
    selected = {backend.name for backend in backends}
    scripts = [
        (backend, (backend, device, known), f"{known.name}-{backend.name}")
        for backend, device in placed
        for known in pin.pins_of_name(backend, device)
        if config.getoption("--profile") != "ci"
        or backend.name == next(name for name in known.backends if name in selected)
        if not only_judged(known) and not (known.file and no_script(known.case, backend))
    ]
    if "claim_item" in metafunc.fixturenames:
        from lazyadam.suites.equivalence.claims import CLAIMS  # with all that they are decided by

        # those of a framework's own page are asked where that runs
        frameworks = {"", *(backend.framework for backend in backends)}
        asked = [claim for claim in CLAIMS if claim.framework in frameworks]
        metafunc.parametrize("claim_item", asked, ids=lambda claim: claim.id)
    for name, items in (
        ("dialect_item", once),
        ("bad_input_item", once),
        ("sequence_item", once),
        ("training_item", [item for item in once if item[0].layers]),
        ("carried_item", [item for item in once if carried.takes_over(item[0])]),
        ("conformance_item", conformance),
        ("pin_item", pinned),
        ("script_item", scripts),
    ):
        if name in metafunc.fixturenames:
            metafunc.parametrize(
                name,
                [
                    pytest.param(
                        item,
                        id=id,
                        marks=[
                            pytest.mark.xdist_group(backend.name),
                            *([pytest.mark.quick] if CLAUSES["update-rule"] in item else []),
                            *([pytest.mark.slow] if takes_long(name, backend, item) else []),
                        ],
                    )
                    for backend, item, id in items
                ],
            )


def takes_long(name: str, backend: type[Backend], item: tuple[object, ...]) -> bool:
    """Whether what is asked takes a graph some twenty seconds."""
    free = any(isinstance(part, Clause) and part.free for part in item)
    return backend.compiles and (free or name == "bad_input_item")
