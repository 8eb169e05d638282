#!/bin/bash
# A campaign of a million cases on SLURM: ten jobs that share nothing, then the tables of all.
#SBATCH --array=1-10
#SBATCH --cpus-per-task=8
#SBATCH --time=08:00:00
#SBATCH --output=campaign-%a.log

part="part-${SLURM_ARRAY_TASK_ID}"
resume=()
[ -e "$part/campaign.sqlite" ] && resume=(--resume) # of a job that was requeued
lazyadam campaign torch --cases 1e6 --shard "${SLURM_ARRAY_TASK_ID}/10" \
    --workers "$SLURM_CPUS_PER_TASK" --out "$part" "${resume[@]}"
# When all are done: lazyadam campaign torch --from part-1 --from part-2 … --out all
