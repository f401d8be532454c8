"""Other ways to train the same workloads, each behind a function ``prepare(workload)``."""
