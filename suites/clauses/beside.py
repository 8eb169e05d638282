"""Beside parameters of no case: never given a gradient, without numbers, of another type."""

from lazyadam.suites.cases.case import Manner
from lazyadam.suites.clauses.clause import Clause, in_manner

CLAUSES = (
    Clause(
        "frozen-beside",
        "a parameter that is never given a gradient makes no difference to the others",
        "a parameter beside is never given a gradient",
        "torch.Tensor.requires_grad documentation, 2.13; bug class of pytorch#2647",
        in_manner(Manner.FROZEN, 10),
        needs=(Manner.FROZEN,),
    ),
    Clause(
        "empty-beside",
        "a parameter without numbers, or a group without parameters, makes no difference to the others",
        "parameters beside have no numbers",
        "design of the suite; bug class of pytorch#100701 and TransformerEngine#3207",
        in_manner(Manner.EMPTY, 10),
        needs=(Manner.EMPTY,),
    ),
    Clause(
        "mixed-types",
        "a parameter of another type in the same group makes no difference to the others",
        "a parameter beside is of another type",
        "torch.optim.Optimizer documentation, 2.13, params; bug class of ColossalAI#675",
        in_manner(Manner.MIXED, 10),
        needs=(Manner.MIXED,),
    ),
)
