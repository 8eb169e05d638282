"""Scripts of divergences: in a fresh process each ends with 1 on a wrong optimizer, with 0 on a right one."""

from importlib.util import find_spec

import pytest

from lazyadam.suites.detection.kill import Here
from lazyadam.suites.instrument.scripted import TORCH, Ended, ended, script_of, told_of, written
from lazyadam.suites.instrument.wrong import WRONG, Wrong

PARTS = {
    "steps": "for k, ",
    "parameters": "for i, ",
    "groups": "hyper = ",
    "rates": "changes = ",
    "state": "optimizer.state[p] = ",
    "reload": "saved and loaded",
    "suite": "ran = backend.run(case)",
}


# Fresh but for the framework: torch takes seconds to be imported, so its scripts run one after another.


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, Ended, Ended]]:
    """Of each wrong optimizer: its script, and how that ends on it and on the right one."""
    texts, files = {}, []
    for wrong in WRONG:
        if wrong.right is TORCH and find_spec("torch") is None:
            continue
        out = tmp_path_factory.mktemp("out")
        assert wrong.edit[0] in wrong.right
        backend = written(wrong.right.replace(*wrong.edit), out)
        file = script_of(told_of(wrong.clause, wrong.case, Here(backend("cpu")), out), out)
        mended = written(wrong.right, out / "right").file
        texts[wrong.id] = file.read_text()
        files += [file, file.with_name("right.py")]
        files[-1].write_text(texts[wrong.id].replace(backend.file, mended))
    results = iter(ended(*files))
    return {id: (text, next(results), next(results)) for id, text in texts.items()}


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_script_ends_with_1_on_a_wrong_optimizer_and_with_0_on_the_right_one(
    wrong: Wrong, ran: dict[str, tuple[str, Ended, Ended]]
) -> None:
    if wrong.id not in ran:
        pytest.skip("torch is not there")
    text, (code, output), (right, fine) = ran[wrong.id]
    assert len(text.splitlines()) <= 60
    assert (code, right) == (1, 0), text + output + fine
    assert wrong.told in output
    assert output.count("a correct one is at most") == fine.count("a correct one is at most") == len("wmv")


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_script_has_no_part_that_its_divergence_does_not_need(
    wrong: Wrong, ran: dict[str, tuple[str, Ended, Ended]]
) -> None:
    if wrong.id not in ran:
        pytest.skip("torch is not there")
    text, _, _ = ran[wrong.id]
    assert [name for name, part in PARTS.items() if part in text] == list(wrong.parts)
