"""The columns of every table, and which of them hold numbers."""

ABOUT = "backend version mode device"  # what ran
TIMED = "dtype table_rows width touched_rows duplicates threads seconds_median"

COLUMNS = {
    name: tuple(columns.split())
    for name, columns in {
        "verdicts": f"{ABOUT} dtype clause against verdict worst_ratio cases steps explained_by witness",
        "evidence": f"{ABOUT} dtype clause against explained_by quantities least trace script",
        "findings": (
            f"{ABOUT} kind cause sentence clauses dtypes rows worst_ratio least effect owner versions "
            "witness script"
        ),
        "tolerance": f"{ABOUT} dtype quantity way steps max_ulp max_abs max_rel max_ratio specification_gap",
        "dialects": f"{ABOUT} axis documented observed agrees",
        "coverage": f"{ABOUT} clause cases steps reason",
        "bad_input": f"{ABOUT} input outcome state message",
        "training": (
            f"{ABOUT} layer way ids against verdict worst_ratio steps repeated first_loss last_loss "
            "distance explained_by message"
        ),
        "training_losses": f"{ABOUT} layer way ids step loss reference_loss",
        "carried": f"{ABOUT} clause steps optimizer against verdict worst_ratio distance",
        "sequences": f"{ABOUT} dtype sequence steps w bound message",
        "effects": "axis left_value right_value sequence steps effect",
        "effects_growth": (
            "axis left_value right_value repeats steps trainings smallest median largest of_sum distance"
        ),
        "builds": (
            "backend mode device base candidate dtype clause quantity step max_ulp base_ratio "
            "candidate_ratio note trace"
        ),
        "claims": "claim text verdict evidence witness",
        "detection": "fault host stands_for killed by_clause cases_to_kill seconds",
        "detection_matrix": "fault host clause killed",
        "races": "fault host stands_for runs killed by_clause",
        "sensitivity": "quantity dtype regime seeds always median",
        "sensitivity_curve": "quantity dtype regime seeds error found",
        "performance": (
            f"{ABOUT} {TIMED} ci_low ci_high first_step_seconds peak_bytes rows_per_second bytes "
            "floor_multiple relative_to ratio p_value worst_ratio note"
        ),
        "performance_growth": "backend threads against held smallest largest exponent error",
        "performance_break_even": "lazy dense table_rows width threads touched_rows share",
        "performance_gate": f"{ABOUT} {TIMED} candidate ratio ci_low ci_high control p_value verdict note",
        "performance_trials": (
            "backend configuration slowdown trials slower faster cant_tell least_ratio largest_ratio "
            "largest_control"
        ),
        "clauses": "clause sentence where source",
        "axes": "axis value meaning",
        "promises": "backend axis value source",
        "pins": "pin sentence verdict explained_by clauses layouts dtypes devices owner backends versions",
        "run": "item value",
        "failures": "test kind message",
        "equivalence": "left right device dtype axis left_value right_value effect_after_1000_steps witness",
        "pairs": "left right device dtype sequence steps difference equal message",
        "versions": "framework table row said versions",
        "policies": "policy compared host faults found clean_cases false_alarms",
    }.items()
}
_NUMBERS = (
    "rows worst_ratio cases steps max_ulp max_abs max_rel max_ratio specification_gap repeated first_loss "
    "last_loss distance loss reference_loss effect cases_to_kill seconds runs seeds always median error "
    "found table_rows width touched_rows threads seconds_median ci_low ci_high first_step_seconds "
    "peak_bytes rows_per_second bytes floor_multiple ratio p_value smallest largest exponent share "
    "control difference effect_after_1000_steps faults clean_cases false_alarms slowdown trials slower "
    "faster cant_tell least_ratio largest_ratio largest_control repeats trainings of_sum ids step killed"
)
NUMBERS = frozenset(_NUMBERS.split())
