"""What must hold at the end, whatever went wrong on the way."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import func, select

from reglab.core.storage.models import Array, MetricChunk, Run, StoredCheckpoint
from tests.harness.workers import Delivery

SUCCEEDED = re.compile(r"run (\S+): attempt \d+ succeeded")


@dataclass
class Verdict:
    """Numbers for people, and the faults found: none is right."""

    counts: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def expect(self, name: str, found: int, wanted: int) -> None:
        """Note a number; it is wrong if it is not the one that is wanted."""
        self.counts[name] = found
        if found != wanted:
            self.wrong.append(f"{name}: {found}, not {wanted}")


def judge(delivery: Delivery, undisturbed: list[str], disturbed: list[str]) -> Verdict:
    """Compare the disturbed experiments with their undisturbed twins, and look at every row."""
    verdict = Verdict()
    runs = [run for experiment in disturbed for run in delivery.runs(experiment)]
    verdict.counts["runs"] = len(runs)
    verdict.expect("succeeded", sum(run.state == "succeeded" for run in runs), len(runs))
    verdict.counts["attempts"] = sum(run.attempt for run in runs)
    verdict.counts["attempts lost with their worker"] = sum(len(run.errors) for run in runs)
    kinds = {error["type"] for run in runs for error in run.errors}
    verdict.expect("runs that a fault made fail", len(kinds - {"worker-lost"}), 0)
    pairs = zip(undisturbed, disturbed, strict=True)
    equal = sum(
        mine == theirs
        for one, other in pairs
        for mine, theirs in zip(delivery.bits(one), delivery.bits(other), strict=True)
    )
    verdict.expect("equal to the undisturbed pass, bit by bit", equal, len(runs))
    said = Counter(
        run_id for worker in delivery.workers for run_id in SUCCEEDED.findall(worker.text())
    )
    verdict.expect("runs that succeeded twice", sum(count > 1 for count in said.values()), 0)
    _look_at_rows(delivery, verdict)
    logs = "\n".join(worker.text() for worker in delivery.workers)
    verdict.expect("'database is locked' in logs", logs.count("database is locked"), 0)
    verdict.expect("deadlocks in logs", logs.count("deadlock"), 0)
    return verdict


def _look_at_rows(delivery: Delivery, verdict: Verdict) -> None:
    with delivery.storage.engine.connect() as connection:

        def count(query) -> int:
            return int(connection.scalar(query) or 0)

        orphans = 0
        for table in (Array, MetricChunk, StoredCheckpoint):
            known = select(Run.id).where(Run.id == table.run_id).exists()
            orphans += count(select(func.count()).select_from(table).where(~known))
        verdict.expect("orphan rows", orphans, 0)
        left = count(select(func.count()).select_from(StoredCheckpoint))
        verdict.expect("checkpoints left over", left, 0)
        held = select(func.count()).select_from(Run).where(Run.lease_owner.is_not(None))
        verdict.expect("leases left over", count(held), 0)
