"""The catalogue of clauses: every clause has a source and a test, every test a clause."""

import re
from dataclasses import replace

import pytest

from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.clauses import CLAUSES, FAMILIES
from lazyadam.suites.conformance.bad_input import KINDS
from lazyadam.suites.conformance.examine import examine
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.detection.kill import BUDGET, seeded
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_command_line import pytest_run


@pytest.mark.parametrize("clause", CLAUSES.values(), ids=list(CLAUSES))
def test_clause_is_a_sentence_with_a_source(clause: object) -> None:
    text = vars(clause)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text["id"])
    assert len(text["sentence"].split()) >= 3
    assert not text["sentence"].endswith(".")
    assert len(text["source"]) > 20


def test_no_two_clauses_share_an_id() -> None:
    assert len(CLAUSES) == sum(len(family.CLAUSES) for family in FAMILIES)


def test_every_clause_has_a_test_and_every_test_a_clause() -> None:
    """From what pytest itself collects."""
    listed = ("suites/conformance/test_conformance.py", "--collect-only", "--device")
    lines = "\n".join(pytest_run(*listed, device).stdout for device in ("cpu", "gpu")).splitlines()
    tests = [match.group(1) for line in lines if (match := re.search(r"\[(.+)\]$", line))]
    clause_of = {f"{clause}-{backend}": clause for clause in CLAUSES for backend in BACKENDS}
    assert {clause_of.get(test.rsplit("-", 1)[0], test) for test in tests} == set(CLAUSES)


@pytest.mark.parametrize("manner", Manner)
def test_every_manner_is_tried_by_a_clause_or_a_bad_input(manner: Manner) -> None:
    backends = [backend.on(device) for backend in BACKENDS.values() for device in backend.devices]
    menus = [clause.menu(b) for clause in CLAUSES.values() for b in backends if not clause.missing(b)]
    cases = [k.case(b) for k in KINDS for b in BACKENDS.values() if k.applies(b)]
    assert any(manner in tried for tried in (*(m.manner for m in menus), *(c.manner for c in cases)))


def test_a_case_kept_from_an_earlier_run_is_tried_once() -> None:
    """Cases are generated once for all who take the same: what is tried beside them is not theirs."""
    host, clause, budget = seeded("numpy"), CLAUSES["update-rule"], replace(BUDGET, cases=3)
    kept = sample(steps=1)
    assert kept in examine(Sample(clause, host.backend, "float32", 0, budget), host, [kept]).trial.cases
    assert kept not in examine(Sample(clause, host.backend, "float32", 0, budget), host).trial.cases
    menu = clause.menu(host.backend)
    collect(menu, "float32", 3, 1).append(kept)
    assert kept not in collect(menu, "float32", 3, 1)
