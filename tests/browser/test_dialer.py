"""The guide's dialer on another origin: its modules as they are printed, against a real server.

The SDKs connect to their providers, so each is a fake with the methods that the guide uses; everything
between the page and Patchbay is real.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from app import create_app
from app.config import Settings
from app.extensions import db
from devtools.server import ROOT, Server, served
from tests.conftest import NOWHERE
from tests.support.caller import Caller
from tests.support.cast import Cast, assemble, issue

MODULE = re.compile(r"^```javascript\n// (\S+\.js)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TWILIO = {
    "provider": "twilio",
    "twilioAccountSid": "AC" + "0" * 32,
    "twilioAuthToken": "sample-auth-token-of-an-account-01",
    "twilioApiKeySid": "SK" + "0" * 32,
    "twilioApiKeySecret": "sample-secret-of-an-api-key-0001",
    "twilioTwimlAppSid": "AP" + "0" * 32,
}
SINCH = {
    "provider": "sinch",
    "sinchApplicationKey": "sample-application",
    "sinchApplicationSecret": "c2FtcGxlLXNlY3JldC1vZi1zaW5jaA==",
}
PAGE = """<!doctype html><title>Dialer</title>
<script type="importmap">{"imports": {"@twilio/voice-sdk": "/voice-sdk.js"}}</script>
<script src="/sinch-rtc-min.js"></script>
<script type="module">import { startDialer } from "/dialer.js"; window.startDialer = startDialer;</script>"""
VOICE_SDK = """
export class Device {
  constructor(token) { this.tokens = [token]; this.handlers = {}; window.device = this; }
  on(event, handler) { this.handlers[event] = handler; }
  updateToken(token) { this.tokens.push(token); }
  async register() { this.isRegistered = true; }
  async connect({ params }) { return params.To; }
}"""
SINCH_SDK = """
class SinchClient {
  constructor(built) { Object.assign(this, built, { tokens: [] }); window.client = this; }
  callClient = { addListener: (listener) => (this.calls = listener), callPhoneNumber: (number) => number };
  addListener(listener) { this.listener = listener; }
  async setSupportManagedPush() {}
  start() { return this.requireCredentials(); }
  async requireCredentials() {
    await this.listener.onCredentialsRequired(this, {
      register: (token) => this.tokens.push(token),
      registerFailed: () => this.tokens.push(null),
    });
    this.listener.onClientStarted(this);
  }
}
window.Sinch = {
  getSinchClientBuilder() {
    const built = {};
    const setter = (name) => function (value) { built[name] = value; return this; };
    const names = ["applicationKey", "environmentHost", "userId"];
    const setters = Object.fromEntries(names.map((name) => [name, setter(name)]));
    return { ...setters, build: () => new SinchClient(built) };
  },
};"""
FETCH = """async ([url, init]) => {
  try {
    const response = await fetch(url, init);
    const headers = Object.fromEntries(response.headers);
    const body = response.status === 304 ? null : await response.json();
    return { status: response.status, headers, code: body?.code };
  } catch (error) {
    return { status: error.name };
  }
}"""


class Pages(ThreadingHTTPServer):
    """Serves the dialer's files under two origins: its address, and the name localhost."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = {"/": PAGE, "/voice-sdk.js": VOICE_SDK, "/sinch-rtc-min.js": SINCH_SDK}

    def origin(self, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Pages

    def do_GET(self) -> None:
        kind = "text/javascript" if self.path.endswith(".js") else "text/html"
        self.send_response(200 if self.path in self.server.files else 404)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(self.server.files.get(self.path, "").encode())

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Patchbay:
    """The served Patchbay; `dana` configures it in this process."""

    url: str
    app: Flask
    cast: Cast
    dana: Caller
    token: str

    def activate(self, config: dict[str, Any] | None) -> None:
        if config:
            assert self.dana.post("/api/calls/providers/config", config).status_code == 200
        chosen = {"provider": config["provider"] if config else None}
        assert self.dana.post("/api/calls/providers/active", chosen).status_code == 200


@pytest.fixture(scope="module")
def pages() -> Iterator[Pages]:
    with Pages() as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        yield pages
        pages.shutdown()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, pages: Pages) -> Iterator[Server]:
    settings = {"PATCHBAY_UPSTREAMS": NOWHERE, "PATCHBAY_CORS_ORIGINS": pages.origin()}
    with served(tmp_path_factory.mktemp("server"), settings) as server:
        yield server


@pytest.fixture(scope="module")
def patchbay(server: Server, pages: Pages) -> Iterator[Patchbay]:
    printed = MODULE.findall((ROOT / "docs/guides/dialer.md").read_text())
    for name, source in printed:
        pages.files[f"/{name}"] = source.replace("https://patchbay.example.com", server.url)
    app = create_app(Settings.from_environment(server.environment))
    cast = assemble(app)
    dana = Caller(app, issue(app, cast.dana).jwt)
    yield Patchbay(server.url, app, cast, dana, issue(app, cast.mo).jwt)
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(autouse=True)
def stays_here() -> None:
    """Unlike the portal's pages, these load from two hosts."""


@pytest.fixture
def page(browser: Browser, patchbay: Patchbay, pages: Pages) -> Iterator[Page]:
    """The dialer's page, loaded."""
    with browser.new_context() as context:
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.goto(pages.origin())
        yield page


def start(page: Page, token: str) -> Any:
    """Starts the dialer and calls a number; returns what the SDK was called with, or the error."""
    script = """async (token) => {
      try {
        const dialer = await startDialer(token, () => {});
        return { called: await dialer.call("+15551234567") };
      } catch (error) {
        return { status: error.status, code: error.code, message: error.message };
      }
    }"""
    return page.evaluate(script, token)


def identity(patchbay: Patchbay) -> str:
    return f"user_{patchbay.cast.mo.id.replace('-', '')}"


def test_twilio_dialer_registers_and_renews_its_token_or_shows_why_not(
    page: Page, patchbay: Patchbay
) -> None:
    patchbay.activate(None)
    state = start(page, patchbay.token)
    assert (state["status"], state["code"]) == (409, "NO_VOICE_PROVIDER")
    assert state["message"].endswith(".")
    assert start(page, "wrong")["status"] == 401
    patchbay.activate(TWILIO)
    assert start(page, patchbay.token) == {"called": "+15551234567"}
    page.evaluate("device.handlers.tokenWillExpire()")
    state = page.evaluate("({ registered: device.isRegistered, tokens: device.tokens })")
    assert state["registered"]
    assert [token.count(".") for token in state["tokens"]] == [2, 2]


def test_sinch_dialer_registers_each_time_with_another_token(page: Page, patchbay: Patchbay) -> None:
    patchbay.activate(SINCH)
    assert start(page, patchbay.token) == {"called": "+15551234567"}
    page.wait_for_function("() => client.tokens.length === 1")
    page.evaluate("client.requireCredentials()")
    state = page.evaluate("({ key: client.applicationKey, user: client.userId, tokens: client.tokens })")
    assert (state["key"], state["user"]) == ("sample-application", identity(patchbay))
    assert len(set(state["tokens"])) == 2
    assert None not in state["tokens"]


def test_browser_allows_what_is_shared_and_nothing_else(page: Page, patchbay: Patchbay, pages: Pages) -> None:
    bearer = {"Authorization": f"Bearer {patchbay.token}"}

    def request(path: str, **init: Any) -> Any:
        return page.evaluate(FETCH, [patchbay.url + path, {"headers": bearer} | init])

    providers = request("/api/calls/providers")
    assert providers["status"] == 200
    again = bearer | {"If-None-Match": providers["headers"]["etag"]}
    assert request("/api/calls/providers", headers=again, cache="no-store")["status"] == 304
    resolve = "/api/settings/endpoints/resolve?phone_number=%2B15551234567"
    assert [request(path)["status"] for path in (resolve, "/api/me")] == [200, 200]
    assert request("/api/calls/providers", headers={})["code"] == "NO_TOKEN"
    refused = [
        request("/api/settings/endpoints")["status"],
        request("/api/calls/providers", credentials="include")["status"],
        request("/api/calls/token", method="PUT")["status"],
    ]
    page.goto(pages.origin("localhost"))
    refused.append(request("/api/calls/providers")["status"])
    assert refused == ["TypeError"] * 4
