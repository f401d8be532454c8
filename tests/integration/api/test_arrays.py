"""Stored arrays by name: every form holds the same bits, with their checksum as ETag."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pyarrow.parquet
import pytest

from tests.harness.inline import SMALL


@pytest.fixture(scope="module")
def run(trained):
    probes = {"boundary": {"resolution": 9}, "spectrum": {"snapshots": 2}, "weights": {}}
    experiment = trained.finished({**SMALL, "probes": probes})
    return experiment["runs"][0]["id"]


@pytest.fixture(scope="module")
def rows(trained, run):
    return trained.get(f"/runs/{run}/arrays")["items"]


def test_every_array_is_listed_and_given_in_every_form(trained, run, rows):
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)
    assert {"param.W0", "boundary.p", "spectrum.energy", "train.labels"} <= {
        row["name"] for row in rows
    }
    for row in rows:
        path = f"/v1/runs/{run}/arrays/{row['name']}"
        stored = np.load(io.BytesIO(trained.http.get(path, params={"format": "npy"}).content))
        assert (stored.dtype.str, list(stored.shape)) == (row["dtype"], row["shape"])
        assert hashlib.sha256(stored.tobytes()).hexdigest() == row["sha256"]
        assert stored.nbytes == row["bytes"]
        told = trained.http.get(path).json()
        assert {name: told[name] for name in row} == row
        np.testing.assert_array_equal(np.array(told["values"], stored.dtype), stored)
        reply = trained.http.get(path, params={"format": "parquet"})
        table = pyarrow.parquet.read_table(io.BytesIO(reply.content))
        axes = [table[f"axis{axis}"].to_numpy() for axis in range(stored.ndim)]
        np.testing.assert_array_equal(table["value"].to_numpy(), stored[tuple(axes)])
        assert table.num_rows == stored.size


def test_they_are_the_weights(trained, run):
    reply = trained.http.get(f"/v1/runs/{run}/weights", params={"format": "npz"})
    weights = np.load(io.BytesIO(reply.content))
    for name in weights.files:
        path = f"/v1/runs/{run}/arrays/param.{name}"
        stored = np.load(io.BytesIO(trained.http.get(path, params={"format": "npy"}).content))
        np.testing.assert_array_equal(stored, weights[name])


def test_a_known_etag_is_not_sent_again(trained, run):
    path = f"/v1/runs/{run}/arrays/param.W0"
    for form in ("npy", "json", "parquet"):
        first = trained.http.get(path, params={"format": form})
        known = {"If-None-Match": first.headers["etag"]}
        again = trained.http.get(path, params={"format": form}, headers=known)
        assert (again.status_code, again.content) == (304, b"")
    other = trained.http.get(path, params={"format": "npy"}, headers=known)
    assert other.status_code == 200


def test_an_unknown_name_is_told_with_the_known(trained, run, rows):
    reply = trained.http.get(f"/v1/runs/{run}/arrays/param.W9")
    assert reply.status_code == 404
    assert all(row["name"] in reply.json()["errors"][0]["remedy"] for row in rows)
    long = trained.http.get(f"/v1/runs/{run}/arrays/{'a' * 3000}").json()
    assert len(long["detail"]) < 80 + len(long["errors"][0]["remedy"]) + 40
