"""Speed."""

from lazyadam.reports.schema import columns as c
from lazyadam.reports.schema.table import COUNT, NUMBER, Column, Table, as_it_is

PERFORMANCE = Table(
    "performance",
    "how long a step takes, for each backend, configuration and number of threads",
    (
        *c.ABOUT,
        *c.TIMED,
        Column("ci_low", "the lower end of the 95 % interval of the median", NUMBER),
        Column("ci_high", "the upper end of the 95 % interval of the median", NUMBER),
        Column(
            "alone_seconds", "seconds of a step that an idle device is given; of devices that queue", NUMBER
        ),
        Column("first_step_seconds", "seconds of the first step, compilation included", NUMBER),
        Column("peak_bytes", "the memory of one instance, its first step included", NUMBER),
        Column("rows_per_second", "touched rows / seconds", NUMBER),
        Column(
            "bytes", "what a step has to move: w, m and v read and written, gradient and rows read", NUMBER
        ),
        Column("floor_multiple", "how many times what the memory allows", NUMBER),
        Column(
            "relative_to",
            "the first backend that is right there; where it is the same one, the row is an A/A pair",
        ),
        Column("ratio", "the median of the paired ratios to `relative_to`", NUMBER),
        c.P_VALUE,
        c.WORST_RATIO,
        Column("note", "what is claimed of the ratio with its interval, or why there is none"),
    ),
)

PERFORMANCE_GROWTH = Table(
    "performance_growth",
    "how that grows with each size",
    (
        c.BACKEND,
        c.THREADS,
        Column("against", "the size that grows"),
        Column("held", "the sizes that stay the same"),
        Column("smallest", "the smallest size measured", NUMBER),
        Column("largest", "the largest size measured", NUMBER),
        Column("exponent", "cost grows as size to this power", NUMBER),
        Column("error", "the standard error of the exponent", NUMBER),
        Column("seconds_per_million", "seconds for a million rows of gradients, at the largest size", NUMBER),
        Column("predicted_at", "a size that was not measured: ten times the largest", NUMBER),
        Column("predicted_seconds", "what a step is predicted to take there", NUMBER),
        Column(
            "missed_by",
            "by how much the sizes below the largest would have missed that one, as a share",
            NUMBER,
        ),
    ),
)

PERFORMANCE_BREAK_EVEN = Table(
    "performance_break_even",
    "from how many touched rows on a dense step is faster than a lazy one",
    (
        Column("lazy", "the lazy backend that is compared"),
        Column("dense", "the dense backend that is compared"),
        c.TABLE_ROWS,
        c.WIDTH,
        c.THREADS,
        Column("touched_rows", "from how many rows of the gradient on dense is faster", NUMBER),
        Column("share", "these touched rows as a share of the table", NUMBER),
    ),
)

GATED = (
    *c.ABOUT,
    *c.TIMED,
    c.CANDIDATE,
    Column("ratio", "the median of the paired ratios of the candidate to the base", NUMBER),
    Column("ci_low", "the lower end of the 95 % interval of the ratio", NUMBER),
    Column("ci_high", "the upper end of the 95 % interval of the ratio", NUMBER),
    Column("control", "how far the A/A pair is from 1", NUMBER),
    c.P_VALUE,
    Column("verdict", "slower, not slower, faster, can't tell or not run"),
    Column("note", "what there is to say to the verdict"),
)

PERFORMANCE_GATE = Table("performance_gate", "a backend beside a changed one: whether it got slower", GATED)

PERFORMANCE_RELEASES = Table(
    "performance_releases",
    "a backend from release to release: whether it got slower, and whether its results are the same",
    (
        *GATED,
        Column("bits", "same, apart or not compared: of all clauses and types, with the worst difference"),
    ),
)

HISTORY = Table(
    "history",
    "the speed of each backend and size from run to run",
    (
        Column("run", "which run, in the order given", COUNT),
        Column("folder", "the name of the run's folder"),
        Column("machine", "which machine: runs of the same number are of one", COUNT),
        *c.ABOUT[:2],
        c.DEVICE,
        *c.TIMED,
        Column("floor_multiple", "how many times what the memory allows", NUMBER),
        Column("margin", "by how much changed what is of the same version, as a share: 95 % of it", NUMBER),
        Column(
            "change", "this distance from what the memory allows, to that of the run before it there", NUMBER
        ),
        Column("told", "slower, faster, no change, same version, can't tell, first or another machine"),
    ),
    show=as_it_is("the speed from run to run"),
)

PERFORMANCE_TRIALS = Table(
    "performance_trials",
    "what the gate sees of slowdowns that are seeded, and of none",
    (
        c.BACKEND,
        Column("configuration", "sizes of the table, of its rows and of the gradient"),
        Column("slowdown", "what was seeded: 0.15, or none", NUMBER),
        Column("trials", "how many were made", COUNT),
        Column("slower", "trials in which the gate said slower", NUMBER),
        Column("faster", "trials in which the gate said faster", NUMBER),
        Column("cant_tell", "trials in which the gate could not tell", NUMBER),
        Column("least_ratio", "the least ratio of the trials", NUMBER),
        Column("largest_ratio", "the largest ratio of the trials", NUMBER),
        Column("largest_control", "how far the A/A pair was from 1 at most", NUMBER),
    ),
)

SUITE_SPEED = Table(
    "suite_speed",
    "where the time of the suite's own runs goes",
    (
        c.BACKEND,
        Column("phase", "what was done"),
        Column("seconds", "how long, in the process that judges; waiting for workers included", NUMBER),
        Column("share", "of the whole run", NUMBER),
    ),
)
