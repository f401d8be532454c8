"""The image, built by following the Dockerfile on a Debian base; its services run from it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.harness.servers import absent, free_port

pytestmark = [pytest.mark.slow, pytest.mark.services, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
# Where a registry cannot be asked for the image that the Dockerfile begins with: the same release
# of Debian with its own Python.
PACKAGES = "ca-certificates,passwd,python3,python3-venv"
# As slim images are made; and no disk has to be waited for.
LEFT_OUT = ("path-exclude=/usr/share/doc/*", "path-exclude=/usr/share/locale/*")
DPKG = [f"--dpkgopt={option}" for option in (*LEFT_OUT, "force-unsafe-io")]


class Images:
    """buildah without a daemon, with a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        store = {name: folder / name for name in ("graphroot", "runroot")}
        lines = ["[storage]", 'driver = "overlay"']
        lines += [f"{name} = {json.dumps(str(path))}" for name, path in store.items()]
        (folder / "storage.conf").write_text("\n".join(lines))
        trust = {"default": [{"type": "insecureAcceptAnything"}]}
        (folder / "policy.json").write_text(json.dumps(trust))
        self.env = {
            **os.environ,
            "BUILDAH_ISOLATION": "chroot",
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        }

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            ["buildah", *words], env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout.strip()

    def close(self) -> None:
        """Unmounts everything, or the folder could not be removed."""
        for words in (["rm", "--all"], ["rmi", "--all", "--force"]):
            subprocess.run(["buildah", *words], env=self.env, capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Iterator[Images]:
    for program in ("buildah", "mmdebstrap"):
        if shutil.which(program) is None:
            absent(program)
    if os.geteuid() != 0:
        absent("a superuser, as whom alone images can be built here,")
    made = Images(tmp_path_factory.mktemp("images"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def image(images) -> str:
    """Name of the image."""
    base = re.search(r"^FROM (\S+-(\w+)) AS build$", (ROOT / "Dockerfile").read_text(), re.M)
    assert base, "the first stage"
    root = images.folder / "root.tar"
    options = ["--quiet", "--variant=apt", f"--include={PACKAGES}", *DPKG]
    subprocess.run(["mmdebstrap", *options, base[2], root], check=True, capture_output=True)
    container = images("from", "scratch")
    images("add", container, str(root), "/")
    images("run", container, "--", "ln", "-s", "/usr/bin/python3", "/usr/local/bin/python")
    policy = f"--signature-policy={images.folder / 'policy.json'}"
    images("commit", "--quiet", policy, container, f"docker.io/library/{base[1]}")
    # This machine's certificates, should its packages come from a mirror.
    here = ["--network=host", "--volume=/etc/ssl/certs:/etc/ssl/certs:ro"]
    images("build", "--pull=never", "--layers=false", policy, *here, "--tag=reglab", str(ROOT))
    return "reglab"


class Container:
    """Services of the compose file in one container of the image."""

    def __init__(self, images: Images, image: str) -> None:
        self.images = images
        self.name = images("from", "--pull=never", image)
        self.port = free_port()
        self.children: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        settings = {"REGLAB_PORT": self.port, "REGLAB_WORKER_PROCESSES": 1}
        variables = [f"--env={name}={value}" for name, value in settings.items()]
        log = (self.images.folder / f"{command[-1]}.log").open("ab")
        child = subprocess.Popen(
            ["buildah", "run", "--network=host", *variables, self.name, "--", *command],
            env=self.images.env,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.children.append(child)
        return child

    def log(self, command: list[str]) -> str:
        return (self.images.folder / f"{command[-1]}.log").read_text()

    def close(self) -> None:
        for child in self.children:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
                try:
                    child.wait(240)
                except subprocess.TimeoutExpired:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()


@pytest.fixture
def container(images, image) -> Iterator[Container]:
    made = Container(images, image)
    yield made
    made.close()


def test_the_services_of_the_compose_file_run_from_the_image(container):
    command = {name: COMPOSE["services"][name]["command"] for name in ("migrate", "api", "worker")}
    assert container.start(*command["migrate"]).wait(120) == 0, container.log(command["migrate"])
    api, worker = container.start(*command["api"]), container.start(*command["worker"])
    with httpx.Client(base_url=f"http://127.0.0.1:{container.port}", trust_env=False) as http:
        deadline = time.monotonic() + 300
        request = {"preset": "l2", "overrides": {"training.epochs": 10}}
        location = state = None
        while state != "succeeded":
            logs = "\n".join(container.log(command[name])[-3000:] for name in ("api", "worker"))
            assert (api.poll(), worker.poll()) == (None, None), logs
            assert time.monotonic() < deadline, logs
            time.sleep(0.5)
            try:
                if location is None:
                    location = http.post("/v1/experiments", json=request).headers.get("location")
                else:
                    state = http.get(location).json()["state"]
            except httpx.ConnectError:
                continue
            assert state not in ("failed", "cancelled"), logs
        assert http.get("/experiments").status_code == 200
        drawn = http.get(f"{location}/figures/fig02-l2-boundaries.png", timeout=240)
        assert drawn.content.startswith(b"\x89PNG")
        assert http.get("/v1/datasets").json()
    # For backups; and who runs it is no superuser.
    assert container.start("pg_dump", "--version").wait(240) == 0
    assert container.start("id", "-un").wait(240) == 0
    assert "reglab" in (container.images.folder / "-un.log").read_text()
