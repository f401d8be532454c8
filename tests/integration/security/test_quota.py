"""Quotas hold on both databases when many submit at the same moment."""

from __future__ import annotations

import threading

from reglab.core.spec import parse_spec
from reglab.core.storage import Quota, QuotaExceededError, Submission
from tests.harness.inline import SMALL


def test_submissions_at_once_never_pass_the_same_check(storage):
    start = threading.Barrier(8)
    told = []

    def submit(seed):
        spec = parse_spec({**SMALL, "seeds": [seed, seed + 100]})
        start.wait()
        try:
            storage.experiments.create(
                Submission.of(spec, token_id="t", estimated_seconds=10, quota=Quota(100, 35, 2**40))
            )
            told.append("stored")
        except QuotaExceededError as error:
            told.append(error.name)

    threads = [threading.Thread(target=submit, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["stored"] * 3 + ["token_seconds"] * 5
    assert storage.runs.counts()["queued"] == 6
