"""The page on sizing says what the benchmark found."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from benchmarks import results, sizing
from benchmarks.scaling import FILE
from reglab.core.storage.database import make_engine


def test_the_page_says_what_was_measured():
    found = results.load(FILE)
    page = sizing.PAGE.read_text()
    assert sizing.BEGIN + sizing.block(found) + sizing.END in page


def test_the_arithmetic_by_hand():
    found = {
        "running": 1000,
        "connections": {"postgres_default": 100, "mib_each": 2.0},
        "operations": {name: {"cpu_ms": 1.0} for name in sizing.rates(sizing.DEFAULT)},
    }
    plan = sizing.Plan(100, slots=4, heartbeat=1.0, checkpoint=10.0, reap=5.0, run=50.0)
    # 100 trainings: 2 leases, 2 ends, 100 heartbeats, 90 + 10 writes, 25 workers' 5 + 5 looks.
    assert sizing.rates(plan) == pytest.approx(
        {"lease": 2, "finish": 2, "heartbeat": 100, "record": 90, "record with checkpoint": 10}
        | {"sign of life": 5, "reaping": 5}
    )
    # A look at a tenth of the runs costs a tenth.
    assert sum(sizing.cores(plan, found).values()) == pytest.approx(0.2095)
    assert plan.connections == 225
    assert sizing.most(plan, found) == 44


@pytest.mark.services
def test_statements_are_not_prepared_for_poolers(postgres_server):
    for address, threshold in (
        (postgres_server, 5),
        (f"{postgres_server}?prepare_threshold=none", None),
    ):
        engine = make_engine(address)
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver.prepare_threshold == threshold
            assert connection.execute(text("SHOW lock_timeout")).scalar() == "15s"
        engine.dispose()
