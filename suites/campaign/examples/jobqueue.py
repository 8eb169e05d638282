"""A Dask cluster of jobs on SLURM, for a campaign: python jobqueue.py JOBS; without JOBS a job is printed."""

import sys
from threading import Event

from dask_jobqueue import SLURMCluster

if __name__ == "__main__":
    with SLURMCluster(cores=1, processes=1, memory="4GB", walltime="08:00:00") as cluster:
        if jobs := sys.argv[1:]:
            cluster.scale(jobs=int(jobs[0]))
            print(
                f"lazyadam campaign torch --cases 1e6 --scheduler {cluster.scheduler_address} --out million"
            )
            Event().wait()  # until Ctrl-C
        else:
            print(cluster.job_script())
