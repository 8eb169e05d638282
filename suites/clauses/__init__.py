"""The requirements: a catalogue of clauses, by family."""

from lazyadam.suites.clauses import beside, decay, execution, gradients, parameters, rule, states
from lazyadam.suites.clauses.clause import Clause

FAMILIES = (rule, gradients, parameters, beside, states, decay, execution)
CLAUSES: dict[str, Clause] = {clause.id: clause for family in FAMILIES for clause in family.CLAUSES}
