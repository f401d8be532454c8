"""docker-compose.yml without Docker: its services as plain processes on real Postgres and Redis."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest
import redis as client
import yaml
from sqlalchemy import make_url

from reglab.core.engine.warm_up import warm_up
from reglab.core.settings import Settings
from tests.harness.servers import Postgres, Redis, free_port, fresh_database, running
from tests.harness.workers import until

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text()
SHORT = {"training.epochs": 100}
OURS = ("migrate", "api", "worker")
# Characters that have a meaning in addresses.
PASSWORD = "p@ss/w#o%rd:?"
PASSWORDS = ("REGLAB_POSTGRES_PASSWORD", "REGLAB_REDIS_PASSWORD")


def interpolated(text: str, env: dict[str, str]) -> str:
    """Compose's ${NAME}, ${NAME:-default} and ${NAME:?message}."""

    def value(match: re.Match[str]) -> str:
        name, operator, rest = match.group(1, 2, 3)
        if env.get(name):
            return env[name]
        if operator == ":?":
            raise KeyError(f"{name}: {rest}")
        return rest or ""

    return re.sub(r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}", value, text)


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(interpolated(TEXT, dict.fromkeys(PASSWORDS, PASSWORD)))


def dockerfile(word: str) -> list[str]:
    """Arguments of each such instruction, continuation lines joined."""
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    return [line.split(None, 1)[1] for line in lines if line.startswith(f"{word} ")]


def test_the_password_is_asked_for_and_nowhere_written():
    with pytest.raises(KeyError, match="REGLAB_POSTGRES_PASSWORD"):
        interpolated(TEXT, {})
    for line in TEXT.splitlines():
        if re.search(r"password|secret|token", line, re.IGNORECASE) and "#" not in line:
            assert any(f"${{{name}:?" in line for name in PASSWORDS) or "$$" in line, line
    # No address holds one: what it is made of would be read as part of the address.
    assert re.findall(r"://\w*:([^@\n]*)@", TEXT) == []


def test_the_password_reaches_postgres_and_drivers_as_it_is(compose):
    assert compose["services"]["postgres"]["environment"]["POSTGRES_PASSWORD"] == PASSWORD
    for name in OURS:
        environment = compose["services"][name]["environment"]
        assert environment["PGPASSWORD"] == PASSWORD
        address = make_url(environment["REGLAB_DATABASE_URL"])
        assert (address.host, address.username, address.password) == ("postgres", "reglab", None)
        broker = urlsplit(Settings.from_env(environment).broker_url or "")
        assert (broker.hostname, unquote(broker.password or "")) == ("redis", PASSWORD)
    redis = compose["services"]["redis"]
    assert redis["environment"]["REDISCLI_AUTH"] == PASSWORD
    assert redis["command"][-1].endswith('--requirepass "$$REDISCLI_AUTH"')


def test_services_are_ordered_checked_and_confined(compose):
    services = compose["services"]
    assert set(services) == {"postgres", "redis", *OURS}
    for name, service in services.items():
        assert name == "migrate" or "healthcheck" in service, name
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"], volume
    for name in OURS:
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
    assert services["migrate"]["restart"] == "no"
    for name in ("api", "worker"):
        needs = services[name]["depends_on"]
        assert needs["migrate"]["condition"] == "service_completed_successfully"
        assert needs["redis"]["condition"] == "service_healthy"
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    # What would clash when there are several.
    assert not {"container_name", "ports", "hostname"} & set(services["worker"])
    assert services["api"]["ports"] == ["127.0.0.1:8000:8000"]


def test_the_image_runs_as_an_ordinary_user():
    assert dockerfile("USER") == ["reglab"]
    assert "--uid 10001" in (ROOT / "Dockerfile").read_text()


class Composed:
    """Services as processes: only their own environment, hosts and folders mapped to ours."""

    def __init__(self, compose, folder: Path, database: str, redis: Redis) -> None:
        self.compose, self.folder = compose, folder
        self.port = free_port()
        self.database = database
        self.addresses = {
            "@postgres:5432/reglab": "@" + database.rpartition("@")[2],
            "redis:6379": f"127.0.0.1:{redis.port}",
        }
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def env(self, name: str) -> dict[str, str]:
        image = {}
        for pair in shlex.split(dockerfile("ENV")[0]):
            key, _, value = pair.partition("=")
            image[key] = value
        env = {**image, **self.compose["services"][name]["environment"]}
        for key, value in env.items():
            mapped = value
            for theirs, ours in self.addresses.items():
                mapped = mapped.replace(theirs, ours)
            # Folders of the container become folders of the test.
            env[key] = re.sub(r"^/(data|cache|images)\b", rf"{self.folder}/\1", mapped)
        for place in ("data", "cache", "images"):
            (self.folder / place).mkdir(exist_ok=True)
        bin_folder = Path(sys.executable).parent
        env |= {"PATH": f"{bin_folder}:{os.environ['PATH']}", "HOME": "/nonexistent"}
        # Kernels that are compiled already, so that the test does not wait for them.
        warm_up()
        env["NUMBA_CACHE_DIR"] = os.environ["NUMBA_CACHE_DIR"]
        if "REGLAB_PORT" in env:
            env["REGLAB_PORT"] = str(self.port)
        return env

    def start(self, name: str, label: str | None = None) -> subprocess.Popen[bytes]:
        with self.log(label or name).open("wb") as output:
            child = subprocess.Popen(
                self.compose["services"][name]["command"],
                env={**self.env(name), "REGLAB_WORKER_PROCESSES": "1"},
                cwd=self.folder / "data",
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.children[label or name] = child
        return child

    def log(self, label: str) -> Path:
        return self.folder / f"{label}.log"

    def healthy(self, name: str) -> bool:
        """Run the service's own check."""
        kind, *words = self.compose["services"][name]["healthcheck"]["test"]
        assert kind == "CMD"
        command = [word.replace(":8000/", f":{self.port}/") for word in words]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.run(command, env=self.env(name), check=False, **quiet).returncode == 0

    def close(self) -> None:
        for child in self.children.values():
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


@pytest.fixture
def composed(compose, tmp_path):
    with (
        running(Postgres) as postgres,
        running(Redis) as redis,
        fresh_database(postgres.url) as database,
    ):
        made = Composed(compose, tmp_path, database, redis)
        made.postgres, made.redis = postgres, redis
        with client.Redis(port=redis.port) as open_one:
            open_one.config_set("requirepass", PASSWORD)
        yield made
        made.close()


def check_server(composed, name: str, ours: str) -> int:
    """A server's own health check with the test's port in place of its own."""
    kind, *words = composed.compose["services"][name]["healthcheck"]["test"]
    program, *rest = words if kind == "CMD" else shlex.split(words[0])
    tools = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    env = {**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(composed.postgres.port)}
    env["REDISCLI_AUTH"] = PASSWORD
    env["PATH"] = f"{tools[-1] if tools else ''}:{env['PATH']}"
    found = subprocess.run(
        [program, *shlex.split(ours), *rest], env=env, check=False, capture_output=True
    )
    return found.returncode


def shared(composed, http):
    """Whether both workers have trained; sends more runs for those that have not."""
    http.post("/v1/experiments?force=true", json={"preset": "l2", "overrides": SHORT})
    logs = [composed.log(f"worker-{k}").read_text() for k in (1, 2)]
    time.sleep(1)
    return all("succeeded" in log for log in logs)


@pytest.mark.slow
@pytest.mark.services
def test_the_services_run_a_preset_together(composed):
    assert check_server(composed, "postgres", "") == 0
    assert check_server(composed, "redis", f"-p {composed.redis.port}") == 0
    for name in ("api", "worker"):
        assert not composed.healthy(name)
    migrate = composed.start("migrate")
    assert migrate.wait(240) == 0, composed.log("migrate").read_text()
    api = composed.start("api")
    workers = [composed.start("worker", f"worker-{k}") for k in (1, 2)]
    for name in ("api", "worker"):
        until(lambda name=name: composed.healthy(name), what=f"{name} is healthy")
    with httpx.Client(base_url=f"http://127.0.0.1:{composed.port}", timeout=240) as http:
        ready = http.get("/readyz").json()
        assert (ready["database"], ready["broker"], ready["worker"]) == ("ok", "ok", "ok")
        until(lambda: all(" ready." in composed.log(f"worker-{k}").read_text() for k in (1, 2)))
        request = {"preset": "l2", "overrides": SHORT}
        location = http.post("/v1/experiments", json=request).headers["location"]
        until(lambda: http.get(location).json()["state"] == "succeeded", what="it succeeds")
        picture = http.get(f"{location}/figures/fig02-l2-boundaries.png")
        assert picture.status_code == 200, picture.text
        assert picture.content.startswith(b"\x89PNG")
        # One may have taken all, while the other was still getting ready.
        until(lambda: shared(composed, http), what="both workers share the runs")
    grace = composed.compose["services"]["worker"]["stop_grace_period"]
    for child in (*workers, api):
        child.terminate()
    for child in workers:
        assert child.wait(int(grace.removesuffix("s"))) == 0
    # The server ends in order, then by the signal itself, as is its way.
    assert api.wait(120) in (0, -signal.SIGTERM)
    # Nothing was written but where the containers may write.
    assert list((composed.folder / "images").iterdir()) == []
