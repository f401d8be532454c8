"""Other ways to train the same workloads: each offers ``prepare(workload)``, an epoch to call."""
