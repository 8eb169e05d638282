"""The requirements: a catalogue of clauses, by family."""

from suites.clauses import decay, execution, gradients, parameters, rule
from suites.clauses.clause import Clause

CLAUSES: dict[str, Clause] = {
    clause.id: clause
    for family in (rule, gradients, parameters, decay, execution)
    for clause in family.CLAUSES
}
