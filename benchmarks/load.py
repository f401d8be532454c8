"""``python -m benchmarks.load``: many clients of a real server while real workers train.

Starts server and workers on a port of this machine and a fresh home, then locust with readers,
watchers of event streams and submitters, for a set time. Tells requests, errors and times by route,
and the memory of server and workers over time; writes ``results/load.json`` and a plot.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks import load_report, machine, results
from benchmarks.load_spec import SHELF, document_of
from reglab.api.stack import Stack
from reglab.core.storage.migrate import upgrade

SAMPLE_SECONDS = 2.0
# Most faults whose lines are kept.
SHOWN = 5
SHELVED, SHELF_SECONDS = 12, 300.0
# Of the time, until what is loaded once has been loaded.
WARM_UP = 0.2
# A process that grows by less than this, from the first third to the last, is flat.
FLAT_SHARE, FLAT_MIB = 0.05, 16.0
SETTINGS = {
    # All clients have one address, which is no client's normal case.
    "REGLAB_MAX_RATE": "0",
    "REGLAB_MAX_CLIENT_STREAMS": "500",
    # Little more than the shelf's figures: what grows after the warm-up is no cache.
    "REGLAB_MAX_FIGURE_CACHE_BYTES": str(16 * 2**20),
}
ROLES = {"server": "reglab.api", "workers": "reglab.worker"}


def main() -> int:
    """Measure, print, write; returns 1 if a request failed or memory grew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="how long (600)")
    parser.add_argument("--readers", type=int, default=180, help="clients that read (180)")
    parser.add_argument("--watchers", type=int, default=20, help="event streams (20)")
    parser.add_argument("--submitters", type=int, default=20, help="clients that submit (20)")
    parser.add_argument("--output", type=Path, default=results.FOLDER, help="folder of results")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reglab-load-") as folder:
        found = measure(wanted, Path(folder))
    path = wanted.output / "load.json"
    results.save(found, path)
    files = load_report.draw(found, wanted.output / "load")
    print(load_report.text(found))
    for line in found["server_faults"]:
        print(f"fault: {line}")
    print(f"Written: {path}, {', '.join(str(file) for file in files)}")
    return 0 if found["passed"] else 1


def measure(wanted: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One run of all clients."""
    home = folder / "home"
    home.mkdir()
    upgrade(f"sqlite:///{home / 'reglab.db'}")
    env = {"REGLAB_HOME": str(home), **SETTINGS}
    with Stack(env=env, logs=folder / "logs") as stack:
        _fill_shelf(stack)
        memory: list[dict[str, float]] = []
        ended = threading.Event()
        sampler = threading.Thread(target=_sample, args=(memory, ended), daemon=True)
        sampler.start()
        began = time.monotonic()
        try:
            code = _locust(wanted, stack, folder)
        finally:
            ended.set()
            sampler.join()
        seconds = time.monotonic() - began
        faults = _faults(folder / "logs")
    if not (folder / "load_stats.csv").exists():
        raise RuntimeError(f"locust ended with {code} and wrote nothing; see its words above.")
    routes = _routes(folder / "load_stats.csv")
    growth = {role: _growth(memory, role) for role in ROLES}
    total = next(row for row in routes if row["name"] == "Aggregated")
    counts = {row["name"]: row["requests"] for row in routes}
    return {
        "readers": wanted.readers,
        "watchers": wanted.watchers,
        "submitters": wanted.submitters,
        "seconds": seconds,
        "settings": SETTINGS,
        "requests": total["requests"],
        "failures": total["failures"],
        "p50": total["p50"],
        "p99": total["p99"],
        "experiments_trained": counts.get("run run", 0),
        "refused": counts.get("run refused", 0),
        "server_faults_logged": len(faults),
        "server_faults": faults[:SHOWN],
        "routes": routes,
        "errors": _rows(folder / "load_failures.csv"),
        "memory": memory,
        "growth": growth,
        "history": _history(folder / "load_stats_history.csv"),
        "passed": not total["failures"] and not faults and all(g["flat"] for g in growth.values()),
        "machine": machine.describe(),
    }


def _fill_shelf(stack: Stack) -> None:
    """Experiments that are finished before anyone looks."""
    with httpx.Client(base_url=f"{stack.url}/v1", timeout=60) as http:
        made = [
            http.post("/experiments", json=document_of(2 * at, SHELF)).raise_for_status().json()
            for at in range(SHELVED)
        ]
        deadline = time.monotonic() + SHELF_SECONDS
        while any(
            http.get(f"/experiments/{one['id']}").json()["state"] != "succeeded" for one in made
        ):
            stack.check()
            if time.monotonic() > deadline:
                raise RuntimeError("The first experiments were not trained in time.")
            time.sleep(0.5)


def _locust(wanted: argparse.Namespace, stack: Stack, folder: Path) -> int:
    users = (wanted.readers, wanted.watchers, wanted.submitters)
    command = [sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("load_users.py"))]
    command += ["--headless", "--host", stack.url, "--users", str(sum(users))]
    command += ["--spawn-rate", "20", "--run-time", f"{wanted.seconds}s", "--stop-timeout", "15"]
    command += ["--csv", str(folder / "load"), "--csv-full-history", "--only-summary"]
    command += ["--loglevel", "WARNING"]
    env = {**os.environ, "REGLAB_LOAD_USERS": ",".join(map(str, users))}
    print(f"{sum(users)} clients of {stack.url} for {wanted.seconds} s ...", flush=True)
    child = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    # Longer than any orderly end: a client that hangs must not hold the measurement.
    deadline = time.monotonic() + wanted.seconds + 120
    told = time.monotonic()
    while child.poll() is None:
        stack.check()
        time.sleep(1)
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"  {deadline - told - 120:.0f} s to go", flush=True)
        if time.monotonic() > deadline:
            child.kill()
            raise RuntimeError("locust did not end in time.")
    return int(child.returncode)


def _sample(memory: list[dict[str, float]], ended: threading.Event) -> None:
    """Resident MiB of server and workers, every few seconds."""
    began = time.monotonic()
    while not ended.wait(SAMPLE_SECONDS):
        row = dict.fromkeys(ROLES, 0.0)
        for process in psutil.Process().children(recursive=True):
            try:
                command = process.cmdline()
                size = process.memory_info().rss
            except psutil.Error:
                continue
            for role, module in ROLES.items():
                if module in command:
                    row[role] += size / 2**20
        memory.append({"at": time.monotonic() - began, **row})


def _growth(memory: list[dict[str, float]], role: str) -> dict[str, Any]:
    """From the mean of the first third to that of the last, warm-up left out."""
    kept = [row[role] for row in memory if row["at"] >= WARM_UP * memory[-1]["at"] and row[role]]
    third = max(1, len(kept) // 3)
    first, last = statistics.mean(kept[:third]), statistics.mean(kept[-third:])
    grown = last - first
    flat = grown <= max(FLAT_MIB, FLAT_SHARE * first)
    return {"first_mib": first, "last_mib": last, "grown_mib": grown, "flat": flat}


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open() as file:
        return list(csv.DictReader(file))


def _routes(path: Path) -> list[dict[str, Any]]:
    return [
        {
            "name": f"{row['Type']} {row['Name']}".strip(),
            "requests": int(row["Request Count"]),
            "failures": int(row["Failure Count"]),
            "p50": _milliseconds(row["50%"]),
            "p99": _milliseconds(row["99%"]),
            "largest": _milliseconds(row["Max Response Time"]),
        }
        for row in _rows(path)
    ]


def _history(path: Path) -> list[dict[str, float]]:
    rows = [row for row in _rows(path) if row["Name"] == "Aggregated" and row["50%"] != "N/A"]
    if not rows:
        return []
    began = float(rows[0]["Timestamp"])
    return [
        {
            "at": float(row["Timestamp"]) - began,
            "requests": float(row["Requests/s"]),
            "p50": _milliseconds(row["50%"]),
            "p99": _milliseconds(row["99%"]),
        }
        for row in rows
    ]


def _milliseconds(text: str) -> float:
    return 0.0 if text in ("", "N/A") else float(text)


def _faults(logs: Path) -> list[str]:
    """Lines in which server or worker have logged a fault."""
    lines = [
        line
        for file in logs.glob("*.log")
        for line in file.read_text("utf-8", "replace").splitlines()
    ]
    return [line for line in lines if '"event": "fault"' in line or "Traceback" in line]


if __name__ == "__main__":
    sys.exit(main())
