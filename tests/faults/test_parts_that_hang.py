"""Whatever part hangs, /healthz answers at once; a broker that hangs is nobody's wait."""

from __future__ import annotations

import statistics
import threading
import time

import httpx
import pytest

from reglab.core.settings import Settings
from reglab.core.settings.limits import Limits
from reglab.core.storage.migrate import upgrade
from tests.harness.inline import SMALL
from tests.harness.servers import Postgres, Redis, fresh_database, running
from tests.harness.serving import serving

pytestmark = pytest.mark.services
HEALTHY_SECONDS = 0.5
# A busy machine may hold up single requests.
SLOWEST_SECONDS = 10.0
POSTS = 8


@pytest.fixture
def parts(tmp_path):
    with (
        running(Postgres) as postgres,
        running(Redis) as redis,
        fresh_database(postgres.url) as database,
    ):
        upgrade(database)
        settings = Settings(home=tmp_path, database_url=database, broker_url=redis.url)
        with serving(settings, limits=Limits(rate=0)) as (url, app):
            yield {"postgres": postgres, "redis": redis, "url": url, "app": app}


def health(url, count=15):
    seconds = []
    with httpx.Client(base_url=url, timeout=240) as http:
        for _ in range(count):
            began = time.monotonic()
            assert http.get("/healthz").status_code == 200
            seconds.append(time.monotonic() - began)
            time.sleep(0.02)
    return seconds


def posts(url, found):
    def post():
        began = time.monotonic()
        with httpx.Client(base_url=url, timeout=240) as http:
            code = http.post("/v1/experiments", json=SMALL).status_code
        found.append((code, time.monotonic() - began))

    threads = [threading.Thread(target=post) for _ in range(POSTS)]
    for thread in threads:
        thread.start()
    return threads


def test_a_broker_that_hangs_is_nobody_s_wait(parts):
    found: list[tuple[int, float]] = []
    with httpx.Client(base_url=parts["url"]) as http:
        assert http.post("/v1/experiments", json=SMALL).status_code == 202
    with parts["redis"].frozen():
        threads = posts(parts["url"], found)
        seconds = health(parts["url"])
        for thread in threads:
            thread.join()
        assert [code for code, _ in found] == [202] * POSTS
        assert max(taken for _, taken in found) < SLOWEST_SECONDS
        assert statistics.median(seconds) < HEALTHY_SECONDS
        assert max(seconds) < SLOWEST_SECONDS
    with httpx.Client(base_url=parts["url"], timeout=240) as http:
        assert http.get("/readyz").json()["broker"] == "ok"
        assert http.post("/v1/experiments", json=SMALL).status_code == 202


def test_a_database_that_hangs_leaves_health_alone(parts):
    found: list[tuple[int, float]] = []
    with parts["postgres"].frozen():
        threads = posts(parts["url"], found)
        time.sleep(0.2)
        seconds = health(parts["url"])
        assert statistics.median(seconds) < HEALTHY_SECONDS
        assert max(seconds) < SLOWEST_SECONDS
    for thread in threads:
        thread.join()
    assert [code for code, _ in found] == [202] * POSTS
