"""The requirements: a catalogue of clauses, by family."""

from lazyadam.suites.clauses import decay, execution, gradients, parameters, rule, states
from lazyadam.suites.clauses.clause import Clause

CLAUSES: dict[str, Clause] = {
    clause.id: clause
    for family in (rule, gradients, parameters, states, decay, execution)
    for clause in family.CLAUSES
}
