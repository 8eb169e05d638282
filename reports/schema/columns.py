"""Columns that several tables have, in one sense."""

from lazyadam.reports.schema.table import COUNT, NUMBER, SIZE, Column
from lazyadam.reports.vocabulary import Against, Verdict

BACKEND = Column("backend", "the implementation under test, by name")
VERSION = Column("version", "of the framework")
MODE = Column("mode", "how the framework executes it: eager, graph or pynative")
DEVICE = Column("device", "where it ran: cpu, cuda, gpu or ascend")
DTYPE = Column("dtype", "the type of w, m, v and gradients")
CLAUSE = Column("clause", "the requirement (lazyadam list clauses)")
AGAINST = Column("against", "what it is judged against: documented, reference or explained", Against)
VERDICT = Column("verdict", "conforms, diverges, refuses, dies, hangs or not run", Verdict)
WORST_RATIO = Column("worst_ratio", "the largest error / bound, step by step; above 1 is a divergence", SIZE)
CASES = Column("cases", "how many were judged", COUNT)
STEPS = Column("steps", "how many were judged or taken", COUNT)
EXPLAINED_BY = Column(
    "explained_by", "the axes whose values explain a divergence, 'unexplained', or why it was not run"
)
WITNESS = Column("witness", "pins that account for it, or else the trace that shows it")
LEAST = Column("least", "the worst element of the least case, or the message of the failure")
TRACE = Column("trace", "the file beside the table that lazyadam show and lazyadam replay take")
SCRIPT = Column("script", "a file beside the table that shows it by itself")
SENTENCE = Column("sentence", "what it is, in words")
CLAUSES = Column("clauses", "those in which it shows")
DTYPES = Column("dtypes", "the types in which it shows")
OWNER = Column("owner", "who has to mend it: backend, documentation or us")
VERSIONS = Column("versions", "those in which it shows, as pip writes them")
QUANTITY = Column("quantity", "what the error is seeded in: lr, β1, β2, ε, or the update")
WAY = Column("way", "how the training step is run")
AXIS = Column("axis", "a question of meaning (lazyadam list axes)")
MESSAGE = Column("message", "the error, or why it was not tried")
LAYER = Column("layer", "the embedding layer that was trained")
IDS = Column("ids", "how many a batch looks up", NUMBER)
SEQUENCE = Column("sequence", "which training")
LEFT_VALUE = Column("left_value", "the value of the axis on the left side")
RIGHT_VALUE = Column("right_value", "the value of the axis on the right side")
CANDIDATE = Column("candidate", "the version of the changed build")
FAULT = Column("fault", "the name of the seeded fault")
HOST = Column("host", "the optimizer that the fault is seeded into: one in NumPy, or torch's SparseAdam")
STANDS_FOR = Column("stands_for", "the bugs of real optimizers that it is like")
KILLED = Column("killed", "whether the fault is found, as a run of the suite would find it")
REGIME = Column("regime", "the starting weights")
SEEDS = Column("seeds", "how many were tried", COUNT)
TABLE_ROWS = Column("table_rows", "rows of the table that is trained", COUNT)
WIDTH = Column("width", "numbers in a row of the table", COUNT)
TOUCHED_ROWS = Column("touched_rows", "rows of the gradient, repeats counted", NUMBER)
DUPLICATES = Column(
    "duplicates", "of the gradient's rows: none, zipf, hot (every second one the same row), or dense"
)
THREADS = Column("threads", "how many a step may use", COUNT)
SECONDS_MEDIAN = Column("seconds_median", "the median of a step's time", NUMBER)
P_VALUE = Column(
    "p_value", "Mann–Whitney's, corrected for all comparisons of the table (Benjamini–Yekutieli)", NUMBER
)
SOURCE = Column("source", "who demands or promises it")
VALUE = Column("value", "one of the axis")
LEFT = Column("left", "one backend of the pair")
RIGHT = Column("right", "the other backend of the pair")

ABOUT = (BACKEND, VERSION, MODE, DEVICE)  # what ran
TIMED = (DTYPE, TABLE_ROWS, WIDTH, TOUCHED_ROWS, DUPLICATES, THREADS, SECONDS_MEDIAN)
