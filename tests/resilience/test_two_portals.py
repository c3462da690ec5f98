"""Two portals on one PostgreSQL, with the same keys: what one changes counts at the other."""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select

from app import database
from app.models import DriftCheck
from tests.resilience.conftest import HeldTwilio
from tests.support.clients import ApiClient, PortalClient
from tests.support.denominators import Report
from tests.support.load import Account
from tests.support.server import Server, served
from tests.upstreams.twilio import made_up

LATEST = 1.0
"""Seconds after a change was acknowledged by which every portal answers with it."""
SECONDS = 60
QUESTION = "/api/calls/providers"
VOICE = [
    {"provider": "twilio", "twilioAccountSid": made_up("AC"), "twilioAuthToken": "made-up-token-0001"},
    {"provider": "sinch", "sinchApplicationKey": "made-up-key", "sinchApplicationSecret": "bWFkZS11cA=="},
]

pytestmark = pytest.mark.parametrize("shared_portal", ["postgresql"], indirect=True)


@pytest.fixture(scope="module")
def other_portal(
    shared_portal: Server, shared_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    url = shared_portal.environment["DATABASE_URL"]
    data: Path = tmp_path_factory.mktemp("other")
    with served(data, shared_settings | {"DATABASE_URL": url}) as server:
        yield server


def test_a_change_is_seen_by_the_other(
    shared_portal: Server, other_portal: Server, account: Account, full: bool, report: Report
) -> None:
    """The active provider, which is in the answer to the dialer's question."""
    here = ApiClient(shared_portal.url, account.token)
    there = ApiClient(other_portal.url, account.token)
    for saved in VOICE:
        assert here.call("POST", "/api/calls/providers/config", saved).status == 200
    changes, in_time = 200 if full else 10, 0
    for n in range(changes):
        provider = VOICE[n % 2]["provider"]
        assert there.call("GET", QUESTION).json()["provider"] != provider
        assert here.call("POST", "/api/calls/providers/active", {"provider": provider}).status == 200
        in_time += _is_seen_in_time(partial(_is_active, there, provider))
    report("Change at another portal", tried=changes, survived=in_time)
    assert in_time == changes


def _is_active(portal: ApiClient, provider: str) -> bool:
    return bool(portal.call("GET", QUESTION).json()["provider"] == provider)


def _is_refused(portal: ApiClient) -> bool:
    return portal.call("GET", QUESTION).status == 401


def test_a_revoked_token_is_refused_by_the_other(
    shared_portal: Server, other_portal: Server, account: Account, full: bool, report: Report
) -> None:
    here = PortalClient(shared_portal.url)
    here.sign_in(account.email)
    tokens, in_time = 25 if full else 3, 0
    for _ in range(tokens):
        token = shared_portal.flask("tokens", "create", "--email", account.email)
        there = ApiClient(other_portal.url, token)
        assert there.call("GET", QUESTION).status == 200
        address, form = here.form("/account", action=f"{_id_of(token)}/revoke")
        assert here.post(address, form, {}).status == 303
        in_time += _is_seen_in_time(partial(_is_refused, there))
    report("Token revoked at another portal", tried=tokens, survived=in_time)
    assert in_time == tokens


def _is_seen_in_time(is_seen: Callable[[], bool]) -> bool:
    """Whether no request that began later than `LATEST` after now has the old state in its response."""
    acknowledged = time.monotonic()
    while (begun := time.monotonic()) < acknowledged + SECONDS:
        if is_seen():
            return True
        if begun > acknowledged + LATEST:
            return False
    return False


def _id_of(token: str) -> str:
    claims = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["jti"])


def test_a_number_is_checked_by_one_of_them(
    shared_portal: Server,
    other_portal: Server,
    account: Account,
    twilio: HeldTwilio,
    *,
    full: bool,
    report: Report,
) -> None:
    """Both find numbers to check at the same time: Twilio does not answer before both know of theirs."""
    rounds, each = (10 if full else 1), 4
    portals = [ApiClient(server.url, account.token) for server in (shared_portal, other_portal)]
    own = {f"twilio_{name}": twilio.own[name] for name in ("account_sid", "auth_token")}
    settings = own | {"public_base_url": "https://voice.acme.example", "provider": "twilio"}
    assert portals[0].call("PUT", "/api/settings/telephony", settings).status == 200
    numbers = [f"+1555766{n:04}" for n in range(rounds * len(portals) * each)]
    left = iter(numbers)
    for number in numbers:
        twilio.add(number)
    for _ in range(rounds):
        twilio.free.clear()
        with ThreadPoolExecutor(len(portals)) as threads:
            list(threads.map(_add, portals, [[next(left) for _ in range(each)] for _ in portals]))
        twilio.free.set()
        _wait_until_checked(shared_portal)
    times = Counter(seen.query.get("PhoneNumber") for seen in twilio.requests)
    once = sum(times[number] == 1 for number in numbers)
    report("Numbers checked by two portals", tried=len(numbers), survived=once)
    assert once == len(numbers), {number: times[number] for number in numbers}


def _add(portal: ApiClient, numbers: list[str]) -> None:
    for number in numbers:
        body = {"phone_number": number, "provider": "twilio", "inbound_agent_name": "reception"}
        assert portal.call("POST", "/api/settings/endpoints", body).status == 201


def _wait_until_checked(server: Server) -> None:
    url = server.environment["DATABASE_URL"]
    engine = create_engine(url, **database.engine_options(url))
    query = select(func.count()).select_from(DriftCheck).where(DriftCheck.due)
    deadline = time.monotonic() + SECONDS
    with engine.connect() as connection:
        while connection.scalar(query):
            assert time.monotonic() < deadline, server.output()[-3000:]
            connection.rollback()
            time.sleep(0.05)
    engine.dispose()
