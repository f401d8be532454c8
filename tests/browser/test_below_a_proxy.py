"""The pages below a path of nginx: every link, asset, stream and redirect stays below it."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import expect

from reglab.api.access.policy import Policy
from reglab.client import Client
from tests.harness.browser import Watched
from tests.harness.inline import SMALL, Inline
from tests.harness.servers import absent, free_port
from tests.harness.serving import serving

PREFIX = "/user/me/proxy/8000"
SITE = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location {prefix}/ {{
      proxy_pass http://127.0.0.1:{server}{stripped};
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      {header}
    }}
  }}
}}
"""


@contextmanager
def nginx(folder, server: int, strips: bool):
    """The origin of an nginx in front of a server, which takes PREFIX off and says so, or not."""
    path = shutil.which("nginx") or "/usr/sbin/nginx"
    if not shutil.which(path):
        absent("nginx")
    port = free_port()
    header = f"proxy_set_header X-Forwarded-Prefix {PREFIX};" if strips else ""
    text = SITE.format(
        folder=folder, port=port, prefix=PREFIX, server=server, header=header,
        stripped="/" if strips else "",
    )  # fmt: skip
    (folder / "nginx.conf").write_text(text)
    child = subprocess.Popen([path, "-c", folder / "nginx.conf", "-e", folder / "start.log"])
    try:
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/")
                break
            except httpx.ConnectError:
                assert child.poll() is None, (folder / "start.log").read_text()
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait(240)


@contextmanager
def below(tmp_path, strips: bool, mode: str = "open"):
    """A server behind nginx with one finished experiment: its address, its storage."""
    inline = Inline(tmp_path)
    inline.finished(SMALL | {"seeds": [0, 1], "tags": ["course"]})
    policy = Policy(mode=mode, root_path="" if strips else PREFIX)
    port = free_port()
    served = serving(inline.settings, port, policy=policy)
    with served, nginx(tmp_path, port, strips) as origin:
        yield origin + PREFIX, inline
    inline.storage.close()


def route(href: str) -> str:
    """The address without what a path's place does not depend on: which figure, which run."""
    named = re.sub(r"(figures|claims)/[\w-]+\.", r"\1/name.", href)
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "id", named)


def watched(chromium, url):
    return Watched(chromium.new_context(color_scheme="light"), url)


@pytest.mark.parametrize("strips", [True, False])
def test_every_page_stays_below_its_path(chromium, tmp_path, strips):
    with below(tmp_path, strips) as (url, inline), httpx.Client(timeout=240) as http:
        browser = watched(chromium, url)
        asked: set[str] = set()
        seen, waiting = set(), ["/experiments", "/compare", "/playground", "/experiments/new"]
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            page = browser.open(path)
            page.wait_for_load_state("load")
            hrefs = page.eval_on_selector_all(
                "a[href], img[src], link[href], script[src]",
                "all => all.map((one) => one.href || one.src)",
            )
            for href in hrefs:
                assert href.startswith((url + "/", "data:", f"{url}{path}#")), (path, href)
                if route(href) not in asked:
                    assert http.get(href).status_code < 400, href
                asked.add(route(href))
                rest = href.removeprefix(url).partition("#")[0]
                is_page = rest.startswith(("/experiments", "/compare"))
                if is_page and len(seen) < (9 if strips else 5):
                    waiting.append(rest)
            page.close()
        assert any(path.startswith("/experiments/0") for path in seen)
        (made,) = inline.get("/experiments")["items"]
        page = browser.open(f"/experiments/{made['id']}")
        expect(page.locator("#ece td").first).to_be_visible()
        page.locator("#figures").scroll_into_view_if_needed()
        page.wait_for_function("() => document.querySelector('#figures img')?.naturalWidth > 100")
        assert f'Client("{url}")' in page.locator("body").text_content().replace("'", '"')
        browser.context.close()
        assert browser.foreign == []
        assert browser.complaints == []


def test_what_pages_do_stays_below_too(chromium, tmp_path):
    with below(tmp_path, strips=True, mode="tokens") as (url, inline):
        _, token = inline.storage.tokens.create("browser", "submit")
        browser = watched(chromium, url)
        page = browser.open("/experiments/new?preset=l2")
        expect(page).to_have_url(re.compile(re.escape(f"{url}/sign-in?next=")))
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{url}/experiments/new?preset=l2")
        page.get_by_role("button", name="Submit").click()
        expect(page.locator("h1#name")).to_be_visible()
        assert page.url.startswith(f"{url}/experiments/0")
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(f"{url}/sign-in")
        assert browser.foreign == []


def test_the_reference_and_the_client_below_a_path(tmp_path):
    with below(tmp_path, strips=True) as (url, _):
        assert f'url: "{PREFIX}/openapi.json"' in httpx.get(
            f"{url}/docs", timeout=240
        ).text.replace("'", '"')
        assert httpx.get(f"{url}/openapi.json", timeout=240).json()["servers"] == [{"url": PREFIX}]
        with Client(url) as client:
            (found,) = client.list()
            assert client.get(found.id).ece().height == 2


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/lab", "/lab"),
        ("/lab/", "/lab"),
        ("/user/me%20x", ""),
        ("//evil.example", ""),
        ("/a/../b", ""),
        ('/"><script>', ""),
        ("lab", ""),
        ("", ""),
    ],
)
def test_what_a_proxy_may_say(tmp_path, path, told):
    inline = Inline(tmp_path)
    with serving(inline.settings, policy=Policy(mode="open")) as (url, _):
        reply = httpx.get(f"{url}/", headers={"X-Forwarded-Prefix": path}, follow_redirects=False)
        assert reply.headers["location"] == f"{told}/experiments"
    other = Policy(mode="open", proxies=("192.0.2.1",))
    with serving(inline.settings, policy=other) as (url, _):
        reply = httpx.get(f"{url}/", headers={"X-Forwarded-Prefix": path}, follow_redirects=False)
        assert reply.headers["location"] == "/experiments"
    inline.storage.close()
