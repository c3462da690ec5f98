"""Requests to providers: addresses, certificates, redirects, and providers that misbehave."""

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

from app.extensions import db
from app.models import Throttle
from app.providers import PROVIDERS
from app.services.providers import credentials
from tests.security.conftest import ON_BOTH, SECURE_HOST, Clients, Staged, World, nothing_pending
from tests.support.caller import Caller, fields
from tests.support.cast import Cast
from tests.support.full_organization import NUMBER, scope_as
from tests.support.gate import GOSSIP, faults, response, sends
from tests.support.pages import Portal

PUBLIC = "93.184.216.34"
ACME = "/o/acme-support"
VERIFY = "/api/settings/providers/{}/verify"
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
"""Of hosts that are not the provider's."""


@pytest.fixture(scope="module")
def trap() -> Iterator[socket.socket]:
    """The target of redirects; no request may arrive."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def has_connection(trap: socket.socket) -> bool:
    with suppress(BlockingIOError):
        trap.accept()[0].close()
        return True
    return False


def verify(caller: Caller, provider: str = "exotel") -> dict[str, Any]:
    """Returns the result of a connection test; the limit on tests does not count."""
    with caller.app.app_context():
        db.session.execute(delete(Throttle))
        db.session.commit()
    answer = caller.post(VERIFY.format(provider))
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.get_json()
    return result


@pytest.mark.asvs("1.3.6")
def test_verify_dials_the_address_that_it_checked_and_no_private_one(staged: Staged, thorough: bool) -> None:
    """One in four private ones, alone or as one of several in turn; thorough, each in all ways. The name
    changes between check and dial; the next call looks it up again, and refuses."""
    dana, names = Caller(staged.app, staged.token), staged.names
    names.stage({SECURE_HOST: [[PUBLIC]]})
    assert verify(dana)["code"] == "unreachable"
    assert set(names.dialled) == {PUBLIC}, "the stage records what is dialled"
    wrong = []
    for place, address in enumerate(PRIVATE if thorough else PRIVATE[::4]):
        ways = [[address], [address, PUBLIC], [PUBLIC, address]]
        for addresses in ways if thorough else [ways[place % 3]]:
            names.stage({SECURE_HOST: [addresses]})
            result = verify(dana)
            outcome = (result["ok"], result["code"], names.lookups, names.dialled)
            if outcome != (False, "unreachable", [SECURE_HOST], []):
                wrong.append((addresses, outcome))
    assert wrong == []

    names.stage({SECURE_HOST: [[PUBLIC], ["127.0.0.1"]]})
    verify(dana)
    assert names.lookups == [SECURE_HOST]
    dialled = names.dialled
    assert set(dialled) == {PUBLIC}
    assert verify(dana)["code"] == "unreachable"
    assert names.dialled == dialled
    assert not has_connection(staged.proxy), "the proxy of the environment is not used"


@pytest.mark.asvs("1.3.6")
def test_save_with_another_spelling_of_a_host_is_422(api: Clients) -> None:
    secrets = {"exotel_api_key": "a-sample-key-0001", "exotel_api_token": "a-sample-token-0001"}
    wrong = []
    for base in SPELLINGS:
        answer = api.dana.put("/api/settings/telephony", secrets | {"exotel_api_base": base})
        if answer.status_code != 422 or fields(answer) != {"exotel_api_base"}:
            wrong.append((base, answer.text))
    assert wrong == []


@pytest.fixture
def connected(app: Flask, cast: Cast, world: World, api: Clients) -> Clients:
    """Acme has accounts at all simulated providers; Exotel's is at the host that speaks TLS."""
    world.simulators["exotel"].region = SECURE_HOST  # type: ignore[attr-defined]
    world.simulators["exotel"].add(NUMBER)
    with scope_as(app, cast.dana) as scope:
        for key, one in world.simulators.items():
            more = {"api_base": f"https://{SECURE_HOST}"} if key == "exotel" else {}
            credentials.save(scope, PROVIDERS[key], one.values | more)
    nothing_pending(app)
    return api


@pytest.mark.asvs("12.3.2")
def test_verify_without_a_valid_certificate_sends_no_credentials(connected: Clients, world: World) -> None:
    gate, authority = world.secure, world.authority
    contexts = {
        "good": authority.context("localhost"),
        "self-signed": authority.context("localhost", is_trusted=False),
        "another host": authority.context("other.example"),
        "expired": authority.context("localhost", days=-1),
        "TLS 1.1": _old(authority.context("localhost")),
        "no TLS": None,
    }
    refused = (False, "unreachable", False)
    results = {}
    for name, context in contexts.items():
        gate.reset()
        gate.tls = context
        if context is None:
            gate.reads, gate.fault = False, sends(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        result = verify(connected.dana, "exotel")
        is_sent = any(b"authorization" in request.lower() for request in gate.requests)
        assert gate.connections, name
        results[name] = (result["ok"], result["code"], is_sent)
    assert results == dict.fromkeys(contexts, refused) | {"good": (True, "ok", True)}


def _old(context: ssl.SSLContext) -> ssl.SSLContext:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@pytest.mark.asvs("15.3.2")
def test_verify_follows_no_redirect(connected: Clients, world: World, trap: socket.socket) -> None:
    address = f"http://127.0.0.1:{trap.getsockname()[1]}/"
    keys = ("twilio", "sinch", "vobiz", "elevenlabs", "sinch_est")
    for status in ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"):
        world.gate.fault = sends(response(b"", status, f"Location: {address}"))
        results = {key: verify(connected.dana, key) for key in keys}
        assert {(one["ok"], one["code"]) for one in results.values()} == {(False, "unreachable")}, status
    assert not has_connection(trap)


@pytest.mark.thorough(
    "test_calls_report_a_provider_fault_and_send_a_write_once",
    "test_verify_follows_no_redirect",
    "test_while_a_provider_hangs_no_transaction_is_open",
)
@pytest.mark.asvs("16.5.2")
def test_while_a_provider_fails_pages_work_and_saves_are_kept(
    staged: Staged, world: World, trap: socket.socket
) -> None:
    """Each fault at each provider: a reason of ours, without anything that the provider wrote."""
    dana, portal = Caller(staged.app, staged.token), Portal(staged.app)
    portal.sign_in(staged.cast.dana.email)
    keys = [key for key in PROVIDERS if key != "exotel"]
    reasons: dict[tuple[str, str], str] = {}
    with ThreadPoolExecutor(len(keys)) as pool:
        for name, fault in faults(f"http://127.0.0.1:{trap.getsockname()[1]}/").items():
            world.gate.fault = fault
            results = pool.map(lambda key: verify(dana, key), keys)
            for key, result in zip(keys, results, strict=True):
                reasons[name, key] = result["reason"]
                assert result["ok"] is False, (name, key)
        world.gate.refuse()
        for key, result in zip(keys, pool.map(lambda key: verify(dana, key), keys), strict=True):
            reasons["refuses the connection", key] = result["reason"]
    _expect_pages_and_saves(portal, dana)
    world.gate.accept()
    assert [case for case, reason in reasons.items() if GOSSIP in reason or not reason] == []
    assert not has_connection(trap)


def _expect_pages_and_saves(portal: Portal, dana: Caller) -> None:
    """Pages show nothing that the provider wrote, and a save is kept."""
    for page in ("", "providers/twilio", "providers/vobiz", "endpoints", "voice-ai", "people"):
        assert GOSSIP not in portal.get(f"{ACME}/{page}").source
    assert portal.raw("GET", f"{ACME}/providers/twilio/numbers?list=1").status_code < 500
    saved = {"vobiz_auth_token": "another-sample-token-0001", "public_base_url": "https://new.acme.example"}
    assert dana.put("/api/settings/telephony", saved).status_code == 200
    config = {"elevenlabsApiKey": "another-sample-key-0001"}
    assert dana.post("/api/calls/voice-ai/config", config).status_code == 200
    stored = dana.get("/api/settings/telephony").get_json()
    assert {name: stored[name] for name in saved} == saved


@pytest.mark.asvs("16.5.2")
@ON_BOTH
def test_while_a_provider_hangs_no_transaction_is_open(
    app: Flask, connected: Clients, dana: Portal, world: World
) -> None:
    reached = threading.Event()

    def hang(peer: socket.socket) -> None:
        reached.set()
        world.gate.hang(peer)

    world.gate.fault = hang
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(verify, connected.dana, "twilio")
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
            rows = connection.exec_driver_sql(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
            )
            return int(rows.scalar_one())
        driver: Any = connection.connection.dbapi_connection
        driver.rollback()
        is_busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return int(is_busy)


@pytest.mark.asvs("16.5.2")
def test_verify_ends_at_the_deadline(staged: Staged, world: World) -> None:
    """For a provider that does not answer, and for one that sends a byte a second."""
    turns = iter([world.gate.hang, world.gate.drip])

    def fail(peer: socket.socket) -> None:
        next(turns, world.gate.hang)(peer)

    world.gate.fault = fail
    dana = Caller(staged.app, staged.token)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda key: verify(dana, key), ("vobiz", "sinch")))
    assert [(result["ok"], result["code"]) for result in results] == [(False, "unreachable")] * 2
    assert next(turns, None) is None, "both were called"
