"""Names and paths from outside never become names of files, nor parts of headers."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.harness.inline import SMALL, Inline

ODD = [
    "../../../../tmp/reglab-escaped",
    "/etc/reglab-escaped",
    "..\\..\\reglab-escaped",
    "C:reglab-escaped",
    "a/b/c",
    ".",
    "..",
    "~/reglab-escaped",
    "$(touch reglab-escaped)",
    "`touch reglab-escaped`",
    "; touch reglab-escaped",
    "%2e%2e%2freglab-escaped",
    "\u202egnp.exe",
    "e\u0301\u0300\u0301" * 40,
    "\N{PILE OF POO}" * 100,
    "x" * 200,
    'a"; filename="reglab-escaped',
    "a\r\nSet-Cookie: reglab-escaped=1",
    "<script>reglab-escaped</script>",
    "{{ 7 * 7 }}{% raw %}",
    "' OR 1=1; DROP TABLE runs; --",
    "CON",
    "-rf",
]


def files(folder):
    return {path.relative_to(folder) for path in folder.rglob("*")}


def safe(reply):
    given = reply.headers["content-disposition"]
    assert re.fullmatch(r'attachment; filename="[a-z]+-[0-9a-f-]{36}\.[a-z]+"', given)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names") / "a" / "b" / "home"
    folder.mkdir(parents=True)
    made = Inline(folder)
    made.finished(SMALL)
    yield made, folder
    made.storage.close()


@pytest.mark.parametrize("name", ODD)
def test_names_are_kept_as_text_alone(served, name, monkeypatch, tmp_path):
    service, folder = served
    monkeypatch.chdir(tmp_path)
    above = folder.parents[2]
    # The broker keeps a message a run, under names of its own.
    before = {path for path in files(above) if "broker" not in str(path)}
    spec = {**SMALL, "name": name, "tags": [name[:64]]}
    made = service.submit(spec, **{"Idempotency-Key": quote(name)[:200]})
    service.train()
    path = f"/v1/experiments/{made['id']}"
    assert service.get(f"/experiments/{made['id']}")["name"] == name
    assert service.http.get("/v1/experiments", params={"q": name, "tag": name[:64]}).json()["items"]
    safe(service.http.get(f"{path}/curves?format=csv"))
    page = service.http.get(f"/experiments/{made['id']}").text
    assert "<script>reglab" not in page
    assert service.http.patch(path, json={"name": name + "!", "tags": []}).status_code in (200, 422)
    assert service.http.delete(path).status_code == 204
    after = {path for path in files(above) if "broker" not in str(path)}
    assert after == before
    assert files(tmp_path) == set()
    assert not any(Path(place, "reglab-escaped").exists() for place in ("/tmp", "/etc", "/"))


@pytest.mark.parametrize("name", ODD[::6])
def test_names_travel_in_archives(served, name):
    service, _ = served
    made = service.finished({**SMALL, "name": name})
    path = f"/v1/experiments/{made['id']}"
    export = service.http.get(f"{path}/export")
    safe(export)
    assert service.http.delete(path).status_code == 204
    headers = {"Content-Type": "application/zip"}
    back = service.http.post("/v1/experiments/import", content=export.content, headers=headers)
    assert back.status_code == 201
    assert back.json()["name"] == name


@pytest.mark.parametrize("name", [name for name in ODD if name.strip(".")])
def test_names_in_paths_find_nothing(served, name):
    service, _ = served
    made = service.get("/experiments")["items"][0]["id"]
    text = quote(name, safe="")
    for path in (
        f"/v1/experiments/{text}",
        f"/v1/runs/{text}",
        f"/v1/experiments/{text}/export",
        f"/v1/experiments/{made}/figures/{text}.png",
        f"/v1/experiments/{made}/figures/curves.{text}",
        f"/static/{text}",
        f"/static-offline-docs/{text}",
        f"/experiments/{text}",
    ):
        reply = service.http.get(path)
        assert 400 <= reply.status_code < 500, path
        assert "root:" not in reply.text


def test_a_dataset_is_a_word_of_a_list_and_no_path(served):
    service, _ = served
    for name in ODD:
        spec = {**SMALL, "dataset": {"name": name}}
        assert service.http.post("/v1/experiments", json=spec).status_code == 422
        assert service.http.post("/v1/experiments", json={"preset": name}).status_code == 422
