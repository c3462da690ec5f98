"""Where Patchbay calls, whom it trusts there, and what it makes of providers that misbehave."""

from __future__ import annotations

import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete

from app import create_app
from app.config import Settings
from app.extensions import db
from app.models import Throttle
from app.providers import PROVIDERS
from app.services.providers import credentials
from devtools.server import served
from tests.security.conftest import SECURE_HOST, WORKERS, Clients, World
from tests.support.caller import Caller
from tests.support.cast import Cast, assemble, issue
from tests.support.full_organization import good_values, scope_as
from tests.support.gate import GOSSIP, faults, sends
from tests.support.names import Names
from tests.support.pages import Portal
from tests.support.remote import remote

HOST = "api.twilio.com"
PUBLIC = "93.184.216.34"
ACME = "/o/acme-support"
VERIFY = "/api/settings/providers/{}/verify"
SLOW = ("hangs", "one byte a second")
PRIVATE = [
    *["127.0.0.1", "127.255.255.254", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255"],
    *["192.168.0.1", "192.168.255.255", "169.254.169.254", "100.64.0.1", "100.127.255.255", "0.0.0.0"],  # noqa: S104
    *["0.1.2.3", "192.0.0.1", "192.0.0.192", "198.18.0.1", "198.19.255.255", "224.0.0.1", "239.255.255.255"],
    *["240.0.0.1", "255.255.255.255", "168.63.129.16", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8"],
    *["::127.0.0.1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "ff0e::1"],
    *["64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "2002:7f00:1::", "2002:808:808::1", "2001::1", "2001:db8::1"],
]
SPELLINGS = [
    *["https://2130706433", "https://0x7f000001", "https://017700000001", "https://127.1", "https://0"],
    *["https://127.0.0.1.", "https://api.exotel.com.", "https://localhost", "https://[::1]", "https://[::"],
    *[
        "https://user@api.exotel.com",
        "https://api.exotel.com@127.0.0.1",
        "https://api.exotel.com\\@127.0.0.1",
    ],
    *["http://api.exotel.com", "https://api.exotel.com:8443", "https://\uff11\uff12\uff17.0.0.1"],
]
"""Of hosts that lead elsewhere."""


@pytest.fixture(scope="module")
def trap() -> Iterator[socket.socket]:
    """What a proxy of the environment, or a redirect, would lead to: nothing may come."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def came(trap: socket.socket) -> bool:
    with suppress(BlockingIOError):
        trap.accept()[0].close()
        return True
    return False


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Names:
    return Names(tmp_path_factory.mktemp("names"))


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory, names: Names, trap: socket.socket) -> Iterator[Caller]:
    """A superadmin at a server that looks names up with `names`, has no upstreams, and a proxy is set."""
    proxy = f"http://127.0.0.1:{trap.getsockname()[1]}"
    proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"), proxy)
    settings = WORKERS | names.settings | proxies | {"NO_PROXY": "", "no_proxy": ""}
    with served(tmp_path_factory.mktemp("staged"), settings) as server:
        local = create_app(Settings.from_environment(server.environment))
        cast = assemble(local)
        with scope_as(local, cast.dana) as scope:
            credentials.save(scope, PROVIDERS["twilio"], good_values(PROVIDERS["twilio"]))
        yield Caller(remote(server, local), issue(local, cast.dana).jwt)


def verified(caller: Caller, provider: str = "twilio") -> dict[str, Any]:
    """What a test of the connection comes to; it may be tried as often as a test needs."""
    with caller.app.app_context():
        db.session.execute(delete(Throttle))
        db.session.commit()
    answer = caller.post(VERIFY.format(provider))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


@pytest.mark.asvs("1.3.6")
def test_a_private_address_is_never_dialled(staged: Caller, names: Names) -> None:
    """Alone, and as one of several."""
    names.stage({HOST: [[PUBLIC]]})
    assert verified(staged)["code"] == "unreachable"
    assert set(names.dialled) == {PUBLIC}, "what is dialled is seen"
    for address in PRIVATE:
        for addresses in ([address], [address, PUBLIC], [PUBLIC, address]):
            names.stage({HOST: [addresses]})
            result = verified(staged)
            assert (result["ok"], result["code"]) == (False, "unreachable"), addresses
            assert "address is not public" in result["reason"], addresses
            assert (names.lookups, names.dialled) == ([HOST], []), addresses


@pytest.mark.asvs("1.3.6")
def test_the_address_that_was_checked_is_dialled(staged: Caller, names: Names) -> None:
    """The name changes between check and dial; the next call looks it up again, and refuses."""
    names.stage({HOST: [[PUBLIC], ["127.0.0.1"]]})
    verified(staged)
    assert names.lookups == [HOST]
    assert set(names.dialled) == {PUBLIC}
    dialled = len(names.dialled)
    assert "address is not public" in verified(staged)["reason"]
    assert len(names.dialled) == dialled


@pytest.mark.asvs("1.3.6")
def test_no_proxy_of_the_environment_is_used(staged: Caller, names: Names, trap: socket.socket) -> None:
    names.stage({HOST: [[PUBLIC]]})
    verified(staged)
    assert set(names.dialled) == {PUBLIC}
    assert not came(trap)


@pytest.mark.asvs("1.3.6")
@pytest.mark.parametrize("base", SPELLINGS)
def test_no_other_spelling_of_a_host_is_stored(api: Clients, base: str) -> None:
    secrets = {"exotel_api_key": "a-made-up-key-0001", "exotel_api_token": "a-made-up-token-0001"}
    answer = api.dana.put("/api/settings/telephony", secrets | {"exotel_api_base": base})
    assert answer.status_code == 422
    assert "exotel_api_base" in answer.text


@pytest.fixture
def connected(app: Flask, cast: Cast, world: World, api: Clients) -> Clients:
    """Acme has accounts at all simulated providers; Exotel's is at the host that speaks TLS."""
    world.simulators["exotel"].region = SECURE_HOST  # type: ignore[attr-defined]
    with scope_as(app, cast.dana) as scope:
        for key, one in world.simulators.items():
            more = {"api_base": f"https://{SECURE_HOST}"} if key == "exotel" else {}
            credentials.save(scope, PROVIDERS[key], one.values | more)
    return api


@pytest.mark.asvs("12.3.2")
@pytest.mark.parametrize(
    "certificate", ["good", "self-signed", "another host", "expired", "TLS 1.1", "no TLS"]
)
def test_a_provider_without_a_valid_certificate_is_not_used(
    connected: Clients, world: World, certificate: str
) -> None:
    authority = world.authority
    contexts = {
        "good": lambda: authority.context("localhost"),
        "self-signed": lambda: authority.context("localhost", is_trusted=False),
        "another host": lambda: authority.context("other.example"),
        "expired": lambda: authority.context("localhost", days=-1),
        "TLS 1.1": lambda: _old(authority.context("localhost")),
        "no TLS": lambda: None,
    }
    world.secure.tls = contexts[certificate]()
    if certificate == "no TLS":
        world.secure.reads, world.secure.fault = False, sends(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    result = verified(connected.dana, "exotel")
    if certificate == "good":
        assert result["ok"], result
        assert world.secure.requests
        return
    assert (result["ok"], result["code"]) == (False, "unreachable")
    assert "certificate" in result["reason"]
    assert all(b"authorization" not in request.lower() for request in world.secure.requests)


def _old(context: ssl.SSLContext) -> ssl.SSLContext:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@pytest.mark.asvs("15.3.2")
@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
def test_a_providers_redirect_is_not_followed(
    connected: Clients, world: World, trap: socket.socket, status: str
) -> None:
    port = trap.getsockname()[1]
    location = f"HTTP/1.1 {status}\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n"
    world.gate.fault = sends(location.encode())
    for key in ("twilio", "sinch", "vobiz", "elevenlabs", "sinch_est"):
        result = verified(connected.dana, key)
        assert (result["ok"], result["code"]) == (False, "unreachable"), key
    assert not came(trap)


@pytest.mark.asvs("16.5.2")
def test_while_a_provider_fails_in_any_way_pages_work_and_saves_are_kept(
    app: Flask, connected: Clients, dana: Portal, world: World, trap: socket.socket
) -> None:
    """Each fault at each provider: a sentence of ours, and nothing of what the provider wrote."""
    keys = [key for key in PROVIDERS if key != "exotel"]
    told: dict[tuple[str, str], str] = {}
    with ThreadPoolExecutor(len(keys)) as pool:
        for name, fault in faults(world.gate, f"http://127.0.0.1:{trap.getsockname()[1]}/").items():
            if name in SLOW:
                continue
            world.gate.fault = fault
            for key, result in zip(
                keys, pool.map(lambda key: verified(connected.dana, key), keys), strict=True
            ):
                told[name, key] = result["reason"]
                assert result["ok"] is False, (name, key)
    world.gate.refuse()
    for key in keys:
        told["refuses the connection", key] = verified(connected.dana, key)["reason"]
    _expect_pages_and_saves(dana, connected)
    world.gate.accept()
    for case, reason in told.items():
        assert reason.endswith((".", "?")), case
        assert GOSSIP not in reason, case
    assert not came(trap)


def _expect_pages_and_saves(dana: Portal, api: Clients) -> None:
    """Pages that ask a provider say that it fails; all others are as ever, and a save is kept."""
    for page in ("", "providers/twilio", "providers/vobiz", "endpoints", "voice-ai", "people"):
        assert GOSSIP not in dana.get(f"{ACME}/{page}").source
    assert dana.raw("GET", f"{ACME}/providers/twilio/numbers?list=1").status_code < 500
    saved = {"vobiz_auth_token": "another-made-up-token-0001", "public_base_url": "https://new.acme.example"}
    assert api.dana.put("/api/settings/telephony", saved).status_code == 200
    config = {"elevenlabsApiKey": "another-made-up-key-0001"}
    assert api.dana.post("/api/calls/voice-ai/config", config).status_code == 200
    stored = api.dana.get("/api/settings/telephony").get_json()
    assert {name: stored[name] for name in saved} == saved


@pytest.mark.asvs("16.5.2")
@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_while_a_provider_hangs_no_transaction_is_open(
    app: Flask, connected: Clients, dana: Portal, world: World
) -> None:
    reached = threading.Event()

    def hang(peer: socket.socket) -> None:
        reached.set()
        world.gate.hang(peer)

    world.gate.fault = hang
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(verified, connected.dana, "twilio")
        assert reached.wait(30)
        _expect_pages_and_saves_quickly(dana, connected)
        assert _come_to_an_end(app)
        assert not waiting.done()
        world.gate.over.set()
        assert waiting.result()["code"] == "unreachable"


def _expect_pages_and_saves_quickly(dana: Portal, api: Clients) -> None:
    assert dana.get(f"{ACME}/endpoints").status == 200
    assert api.dana.put("/api/settings/telephony", {"vobiz_max_concurrent": 9}).status_code == 200


def _come_to_an_end(app: Flask) -> bool:
    """Whether no transaction is open at some moment: a save has checks begin, which have short ones."""
    deadline = time.monotonic() + 5
    while is_open := _open_transactions(app) > 0:
        if time.monotonic() > deadline:
            break
        threading.Event().wait(0.02)
    return not is_open


def _open_transactions(app: Flask) -> int:
    """Of all connections to the database but the one that counts."""
    with app.app_context(), db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            found = connection.exec_driver_sql(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
            )
            return int(found.scalar_one())
        driver: Any = connection.connection.dbapi_connection
        driver.rollback()
        is_busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return int(is_busy)


@pytest.mark.asvs("16.5.2")
def test_a_provider_that_is_too_slow_is_told_so(connected: Clients, world: World) -> None:
    """It does not answer, or a byte a second: both at once, since each takes the whole deadline."""
    slow = faults(world.gate, "")
    turns = iter([slow[name] for name in SLOW])

    def fail(peer: socket.socket) -> None:
        next(turns)(peer)

    world.gate.fault = fail
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda key: verified(connected.dana, key), ("twilio", "vobiz")))
    for result in results:
        assert (result["ok"], result["code"]) == (False, "unreachable")
        assert "did not answer in time" in result["reason"]
